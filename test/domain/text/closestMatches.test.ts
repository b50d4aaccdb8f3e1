import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { closestMatches } from "../../../src/domain/text/closestMatches.ts"

/** Levenshtein's definition, as it stands in books. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1)!
}

const Name = Schema.Array(Schema.Literals(["a", "A", "b", "B", "c", "-"])).pipe(
  Schema.check(Schema.isMaxLength(7))
)

it.prop("are those that differ in a third of their letters, or in one, the most alike first", [
  Name,
  Schema.Array(Name)
], ([letters, list]) => {
  const name = letters.join("")
  const candidates = list.map((letters) => letters.join(""))
  const found = closestMatches(name, candidates)
  const distances = found.map((one) => distance(name.toLowerCase(), one.toLowerCase()))
  const limit = (one: string) => Math.max(1, Math.ceil(Math.max(one.length, name.length) / 3))

  assert.sameMembers(
    [...found],
    candidates.filter((one) => distance(name.toLowerCase(), one.toLowerCase()) <= limit(one))
  )
  assert.deepStrictEqual(distances, distances.toSorted((a, b) => a - b))
})

it.each([
  ["stak", ["file", "artifact", "stack"], ["stack"]],
  ["MYTEMPLATE", ["MyTemplate", "MyOther"], ["MyTemplate"]],
  ["template.yml", ["template.json", "template.yaml", "README.md"], ["template.yaml", "template.json"]],
  ["stack", ["bucket"], []],
  ["stack", [], []]
])("of %s in %j: %j", (name, candidates, found) => {
  assert.deepStrictEqual(closestMatches(name, candidates), found)
})

const long = (end: string) => "x".repeat(999) + end

it("of many long names only the first are considered, so that a mistake costs no time", () => {
  const candidates = [...Array.from({ length: 12 }, (_, index) => long(String.fromCharCode(65 + index))), "short"]
  assert.deepStrictEqual(closestMatches(long("z"), candidates), candidates.slice(0, 10))
})
