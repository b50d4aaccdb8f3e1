import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { problems } from "../../../src/domain/text/problems.ts"

const problemsOf = (schema: Schema.Codec<unknown, unknown>, input: unknown) =>
  Result.match(Schema.decodeUnknownResult(schema)(input, { errors: "all", onExcessProperty: "error" }), {
    onSuccess: () => [],
    onFailure: ({ issue }) => problems("the input", issue, input)
  })

it("a value that fits has no problems", () => {
  assert.deepStrictEqual(problemsOf(Schema.String, ""), [])
})

it.each([
  [null, "null"],
  [undefined, "nothing"],
  ["", "an empty string"],
  ["hunter2", "a string"],
  [7, "a number"],
  [7n, "a bigint"],
  [true, "a boolean"],
  [[], "an array"],
  [{}, "an object"],
  [() => {}, "a function"]
])("of %o only the kind is told", (input, kind) => {
  assert.deepStrictEqual(problemsOf(Schema.Never, input), [`the input: expected never, got ${kind}`])
  assert.deepStrictEqual(problemsOf(Schema.Struct({ a: Schema.Never }), { a: input }), [
    `"a": expected never, got ${kind}`
  ])
})

const Nested = Schema.Struct({
  list: Schema.Array(Schema.Struct({ name: Schema.NonEmptyString, kind: Schema.Literals(["x", "y"]) })),
  size: Schema.optionalKey(Schema.Union([Schema.Int, Schema.Literal("all")]))
})

it("all problems are told at once, with their paths", () => {
  assert.deepStrictEqual(problemsOf(Nested, { list: [{ name: "", kind: "hunter2" }, {}, 7], size: 1.5 }), [
    "\"list[0].name\": expected a value with a length of at least 1, got an empty string",
    "\"list[0].kind\": expected \"x\" | \"y\", got a string",
    "\"list[1].name\" is missing",
    "\"list[1].kind\" is missing",
    "\"list[2]\": expected object, got a number",
    "\"size\": expected an integer, got a number"
  ])
})

it("each unknown field is told with the name that is meant, or once with all that are known where it stands", () => {
  const list = [{ name: "n", kind: "x", nam: 1, other: 1, another: 1 }, { name: "n", kind: "x", other: 1 }]
  assert.deepStrictEqual(problemsOf(Nested, { lst: 1, list, Size: 1 }), [
    "\"lst\" is not known (did you mean \"list\"?)",
    "\"Size\" is not known (did you mean \"size\"?)",
    "\"list[0].nam\" is not known (did you mean \"name\"?)",
    "\"list[0].other\" is not known",
    "\"list[0].another\" is not known",
    "\"list[1].other\" is not known",
    "known in \"list[0]\" are \"name\", \"kind\"",
    "known in \"list[1]\" are \"name\", \"kind\""
  ])
  assert.deepStrictEqual(problemsOf(Nested, { one: 1, two: 2 }), [
    "\"one\" is not known",
    "\"two\" is not known",
    "\"list\" is missing",
    "known are \"list\", \"size\""
  ])
})

const Mode = Schema.Literals(["CREATE_UPDATE", "DELETE_ONLY"])

it.each<readonly [mode: unknown, told: string]>([
  ["DELETE-ONLY", "got a string (did you mean \"DELETE_ONLY\"?)"],
  ["create_update", "got a string (did you mean \"CREATE_UPDATE\"?)"],
  ["hunter2", "got a string"],
  ["", "got an empty string"],
  [["DELETE_ONLY"], "got an array"]
])("of a few literals the one that is meant is told: %j", (mode, told) => {
  assert.deepStrictEqual(problemsOf(Schema.Struct({ mode: Mode }), { mode }), [
    `"mode": expected "CREATE_UPDATE" | "DELETE_ONLY", ${told}`
  ])
})

it("where there is no choice, none is said to be meant", () => {
  assert.deepStrictEqual(problemsOf(Schema.Literal("wait"), "wai"), ["the input: expected \"wait\", got a string"])
})

it("what is too much in a list is told by its place", () => {
  assert.deepStrictEqual(problemsOf(Schema.Tuple([Schema.String]), ["a", "b"]), ["\"[1]\" is not known"])
})

it("what is wrong inside of a text is told with its path in there", () => {
  const schema = Schema.Struct({ text: Schema.fromJsonString(Schema.Struct({ a: Schema.Int })) })
  assert.deepStrictEqual(problemsOf(schema, { text: "{\"a\":\"b\"}" }), ["\"text.a\": expected number, got nothing"])
})

it("a schema's own words are kept", () => {
  const schema = Schema.Struct({
    a: Schema.String.pipe(Schema.annotateKey({ messageMissingKey: "Say what a is" })),
    b: Schema.String.check(Schema.isMinLength(3, { message: "b is short" }))
  })
  assert.deepStrictEqual(problemsOf(schema, { b: "b" }), ["Say what a is", "b is short"])
})

/** The same with a secret in every string. */
const hidden = (json: Schema.Json): Schema.Json =>
  JSON.parse(JSON.stringify(json, (_, value) => typeof value === "string" ? `hunter2${value}` : value))

it.prop("no value is ever quoted", [Schema.Json, Schema.Json], ([a, b]) => {
  const schema = Schema.Struct({ a: Nested, b: Schema.Union([Schema.Int, Schema.Array(Schema.Literal("x"))]) })
  assert.notInclude(problemsOf(schema, { a: hidden(a), b: hidden(b) }).join(), "hunter2")
})
