import { assert, it } from "@effect/vitest"
import { firstOf, maxListed, quotedNames } from "../../../src/domain/text/lists.ts"

const names = (length: number) => Array.from({ length }, (_, index) => `n${index}`)

it("a list of up to 20 items is shown as a whole", () => {
  assert.deepStrictEqual(firstOf(names(maxListed), String), names(20))
  assert.deepStrictEqual(firstOf([], String), [])
})

it("of a longer list the first 20 texts are made, and the number of all others is named", () => {
  let made = 0
  const shown = firstOf(names(100_000), (name) => {
    made++
    return name
  })
  assert.deepStrictEqual(shown, [...names(20), "and 99980 more"])
  assert.strictEqual(made, 20)
})

it("names are quoted, and cut if they are long", () => {
  assert.strictEqual(quotedNames(["a", "x".repeat(500)]), `"a", "${"x".repeat(292)} … (cut)"`)
  assert.isTrue(quotedNames(names(21)).endsWith(", \"n19\", and 1 more"))
})
