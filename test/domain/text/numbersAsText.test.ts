import { assert, describe, it } from "@effect/vitest"
import { withNumbersAsText } from "../../../src/domain/text/numbersAsText.ts"

const read = (json: string) => withNumbersAsText(json, JSON.parse(json), ["a"])

describe("numbers under the keys", () => {
  it.each(["1.10", "12345678901234567890", "1e3", "-0", "1E400"])("stay as they are written: %s", (number) => {
    assert.deepStrictEqual(read(`{"a": {"b": [${number}]}}`), { a: { b: [number] } })
  })

  it.each([0, 1.1, -12, true, null, "1.10"])("are not changed if JSON.stringify writes them the same: %j", (value) => {
    assert.deepStrictEqual(read(JSON.stringify({ a: [value] })), { a: [value] })
  })
})

it("numbers under other keys are numbers", () => {
  assert.deepStrictEqual(read("{\"a\": 1.10, \"b\": 1.10}"), { a: "1.10", b: 1.1 })
})

it.each(["[1.10]", "1.10", "null", "{\"b\": 1.10}"])("%s has none of the keys and is not changed", (json) => {
  assert.deepStrictEqual(read(json), JSON.parse(json))
})

it("a value whose text is no JSON object is not changed", () => {
  assert.deepStrictEqual(withNumbersAsText("a: 1.10", { a: 1.1 }, ["a"]), { a: 1.1 })
})
