import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { notJson, parse } from "../../../src/domain/text/json.ts"

/** JSON.parse, the oracle. */
const oracle = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const errorOf = (text: string) => Option.getOrUndefined(Result.getFailure(parse(text)))

it.each<readonly [text: string, place: string]>([
  ["", "1:1"],
  ["{", "1:2"],
  ["{\"a\":\"b \"quote\"\"}", "1:10"],
  ["{\"a\":\"two\nlines\"}", "1:10"],
  ["{\n  \"a\": 1,\n  \"b\": x\n}", "3:8"],
  ["{\"a\":1,}", "1:8"],
  ["{\"a\" 1}", "1:6"],
  ["{a:1}", "1:2"],
  ["[1,]", "1:4"],
  ["[1 2]", "1:4"],
  ["[1}", "1:3"],
  ["{\"a\":1", "1:7"],
  ["\"a\\x\"", "1:3"],
  ["\"a", "1:3"],
  ["01", "1:1"],
  ["1.", "1:1"],
  ["1 2", "1:3"],
  ["tru", "1:1"],
  ["{} x", "1:4"],
  ["http://example.com", "1:1"],
  ["\nx", "2:1"]
])("%j is not JSON from %s on", (text, place) => {
  const [line, column] = place.split(":")
  assert.deepStrictEqual(errorOf(text), { what: "error", place: `line ${line}, column ${column}` })
})

it.prop("JSON is read as JSON.parse reads it", [Schema.Json], ([json]) => {
  for (const text of [JSON.stringify(json), ` ${JSON.stringify(json, undefined, "\t")}\r\n`]) {
    assert.deepStrictEqual(parse(text), Result.succeed(JSON.parse(text)))
  }
})

const change = Schema.Struct({
  json: Schema.Json,
  at: Schema.Finite,
  by: Schema.Literals(["", "\"", ",", "}", "]", "\\", "1", ":", "\n"])
})

/** Whether both read the text alike, or reject it; but JSON.parse accepts duplicate keys. */
const assertAlike = (text: string) => {
  const error = errorOf(text)
  if (error !== undefined && error.what !== "error") return assert.match(error.what, /^the duplicate key /)
  assert.deepStrictEqual(Option.getOrUndefined(Result.getSuccess(parse(text))), Option.getOrUndefined(oracle(text)))
  assert.strictEqual(error === undefined, Option.isSome(oracle(text)), text)
}

it.prop("a text has an error if and only if JSON.parse rejects it", [change], ([{ at, by, json }]) => {
  const text = JSON.stringify({ a: [json, "b\\\""] })
  const place = Math.abs(Math.trunc(at)) % text.length
  assertAlike(text.slice(0, place) + by + text.slice(place))
  assertAlike(text.slice(0, place) + by + text.slice(place + 1))
})

it.prop("any text has an error if and only if JSON.parse rejects it", [Schema.String], ([text]) => assertAlike(text))

it("a key may have any name", () => {
  const text = "{\"__proto__\":1,\"\":{\"constructor\":2,\"0\":3}}"
  assert.deepStrictEqual(parse(text), Result.succeed(JSON.parse(text)))
})

const nested = (levels: number) => `${"[{\"a\":".repeat(levels / 2)}1${"}]".repeat(levels / 2)}`

const list = (length: number) => JSON.stringify(Array.from({ length }, () => 1))

describe("limits", () => {
  it("JSON has at most 64 levels", () => {
    assert.isTrue(Result.isSuccess(parse(nested(64))))
    assert.deepStrictEqual(errorOf(nested(66)), { what: "more than 64 levels", place: "line 1, column 193" })
    assert.deepStrictEqual(errorOf("[".repeat(1_000_000))?.place, "line 1, column 65")
  })

  it("JSON has at most 10,000 values unless the reader says otherwise", () => {
    assert.isTrue(Result.isSuccess(parse(list(9_999))))
    assert.deepStrictEqual(errorOf(list(10_000)), { what: "more than 10000 values", place: "line 1, column 20000" })
    assert.isTrue(Result.isSuccess(parse(list(10_000), { values: 10_001 })))
    assert.isTrue(Result.isFailure(parse("{\"a\":{}}", { values: 1 })))
  })

  it("a long text is read", () => {
    const text = JSON.stringify("x\n".repeat(1_000_000))
    assert.deepStrictEqual(parse(text), Result.succeed(JSON.parse(text)))
  })
})

it.each([
  ["{\"a\":1,\"b\":2,\"a\":1}", "\"a\"", "1:14"],
  ["{\"b\":{\"a\":1,\n\"\\u0061\":2}}", "\"a\"", "2:1"],
  ["[{\"a\\n\":1,\"a\\n\":2}]", "\"a\\n\"", "1:11"],
  ["{\"__proto__\":1,\"__proto__\":1}", "\"__proto__\"", "1:16"],
  [`{"${"k".repeat(200)}":1,"${"k".repeat(200)}":1}`, `"${"k".repeat(92)} … (cut)"`, "1:207"]
])("a duplicate key is refused by its name, however it is written: %s", (text, name, place) => {
  const [line, column] = place.split(":")
  assert.deepStrictEqual(errorOf(text), { what: `the duplicate key ${name}`, place: `line ${line}, column ${column}` })
})

it("duplicate keys are allowed on request, and the last one counts", () => {
  const text = "{\"a\":1,\"b\":2,\"a\":3}"
  assert.deepStrictEqual(parse(text, { duplicateKeys: true }), Result.succeed({ a: 3, b: 2 }))
})

it.each([
  ["{\n,}", "it is not JSON: error in line 2, column 1"],
  ["{\"a\":1,\"a\":1}", "it has the duplicate key \"a\", in line 1, column 8"]
])("the error of the file %j is described: %s", (text, expected) => {
  const error = errorOf(text)
  assert.strictEqual(error && notJson(error), expected)
})

const read = (json: string) => Result.getOrThrow(parse(json, { numbersAsText: (key) => key === "a" }))

describe("numbers under chosen keys", () => {
  it("are numbers if no keys are chosen", () => {
    assert.deepStrictEqual(parse("{\"a\":1.50,\"b\":[2e0]}"), Result.succeed({ a: 1.5, b: [2] }))
  })

  it.each(["1.10", "12345678901234567890", "1e3", "-0", "1E400"])("stay as they are written: %s", (number) => {
    assert.deepStrictEqual(read(`{"a": {"b": [${number}], "c": [{"a": ${number}}]}}`), {
      a: { b: [number], c: [{ a: number }] }
    })
  })

  it.each([0, 1.1, -12, true, null, "1.10"])("are numbers if JSON.stringify writes them the same: %j", (value) => {
    assert.deepStrictEqual(read(JSON.stringify({ a: [value] })), { a: [value] })
  })

  it("are numbers under other keys, and if there is no key at the top", () => {
    assert.deepStrictEqual(read("{\"a\": 1.10, \"b\": {\"a\": 1.10}}"), { a: "1.10", b: { a: 1.1 } })
    for (const json of ["[1.10]", "[{\"a\": 1.10}]", "1.10"]) assert.deepStrictEqual(read(json), JSON.parse(json))
  })
})
