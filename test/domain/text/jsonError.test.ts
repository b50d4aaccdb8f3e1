import { assert, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { jsonError, notJson } from "../../../src/domain/text/jsonError.ts"

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

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
  assert.strictEqual(jsonError(text), `line ${line}, column ${column}`)
})

it.prop("JSON has no error", [Schema.Json], ([json]) => {
  assert.isUndefined(jsonError(JSON.stringify(json)))
  assert.isUndefined(jsonError(` ${JSON.stringify(json, undefined, "\t")}\r\n`))
})

const change = Schema.Struct({
  json: Schema.Json,
  at: Schema.Finite,
  by: Schema.Literals(["", "\"", ",", "}", "]", "\\", "1", ":", "\n"])
})

it.prop("a text has an error if and only if JSON.parse rejects it", [change], ([{ at, by, json }]) => {
  const text = JSON.stringify({ a: [json, "b\\\""] })
  const place = Math.abs(Math.trunc(at)) % text.length
  for (
    const changed of [text.slice(0, place) + by + text.slice(place), text.slice(0, place) + by + text.slice(place + 1)]
  ) {
    assert.strictEqual(jsonError(changed) === undefined, Option.isSome(parse(changed)), changed)
  }
})

it.prop("any text has an error if and only if JSON.parse rejects it", [Schema.String], ([text]) => {
  assert.strictEqual(jsonError(text) === undefined, Option.isSome(parse(text)))
})

it.each([
  ["{\n,}", "it is not JSON: error in line 2, column 1"],
  ["{}", "it is not JSON"]
])("%j is said to be: %s", (text, expected) => {
  assert.strictEqual(notJson(text), expected)
})
