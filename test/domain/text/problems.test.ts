import { assert, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { confidential, problems } from "../../../src/domain/text/problems.ts"

const problemsOf = (schema: Schema.Codec<unknown, unknown>, input: unknown) =>
  Result.match(Schema.decodeUnknownResult(schema)(input, { errors: "all", onExcessProperty: "error" }), {
    onSuccess: () => [],
    onFailure: ({ issue }) => problems("the input", issue, input)
  })

it("a valid value has no problems", () => {
  assert.deepStrictEqual(problemsOf(Schema.String, ""), [])
})

it.each<readonly [input: unknown, kind: string, quoted?: string]>([
  [null, "null"],
  [undefined, "nothing"],
  ["", "an empty string"],
  ["text", "a string", "\"text\""],
  ["a \"quote\"\n", "a string", "\"a \\\"quote\\\"\\n\""],
  ["x".repeat(200), "a string", `"${"x".repeat(92)} … (cut)"`],
  ["https://user:hunter2@example.com/", "a string", "\"https://(hidden)@example.com/\""],
  [7, "a number", "7"],
  [7n, "a bigint"],
  [true, "a boolean", "true"],
  [[], "an array"],
  [{}, "an object"],
  [() => {}, "a function"]
])(
  "a rejected value is quoted within an object, and named by its kind as a whole: %o",
  (input, kind, quoted = kind) => {
    assert.deepStrictEqual(problemsOf(Schema.Never, input), [`the input: expected never, got ${kind}`])
    const schema = Schema.Struct({ a: Schema.Never })
    assert.deepStrictEqual(problemsOf(schema, { a: input }), [`"a": expected never, got ${quoted}`])
    const unquoted = Schema.decodeUnknownResult(schema)({ a: input })
    assert.deepStrictEqual(
      Result.isFailure(unquoted) && problems("the input", unquoted.failure.issue, { a: input }, { quote: false }),
      [`"a": expected never, got ${kind}`]
    )
  }
)

const Secret = Schema.RedactedFromValue(Schema.String.check(Schema.isMinLength(10)))

const secretFields: ReadonlyArray<Schema.Codec<unknown, unknown>> = [
  Secret,
  Schema.Record(Schema.String, Secret),
  Schema.Record(Schema.String, Secret).pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  Schema.Array(Secret),
  Schema.Array(Schema.Struct({ key: Secret })),
  Schema.Union([Schema.Boolean, Secret]),
  Schema.Struct({ a: Schema.Struct({ a: Secret }) }),
  Schema.Record(Schema.String, Schema.Int).annotate(confidential),
  Schema.Int.annotate(confidential).check(Schema.isGreaterThan(1)),
  Schema.Array(Schema.Int).annotate(confidential).check(Schema.isMinLength(1)),
  Schema.FiniteFromString.annotate(confidential)
]

it.each(["hunter2", { a: "hunter2" }, ["hunter2"], { a: { a: "hunter2" } }, [{ key: "hunter2" }], [["hunter2"]]])(
  "a value that is or should contain a secret is never quoted: %j",
  (value) => {
    for (const [index, secret] of secretFields.entries()) {
      const schema = Schema.Struct({ a: secret, b: Schema.Int })
      const text = problemsOf(schema, { a: value, b: "shown" }).join("; ")
      assert.notInclude(text, "hunter2", `schema ${index}`)
      assert.include(text, "\"b\": expected number, got \"shown\"")
    }
  }
)

const Nested = Schema.Struct({
  list: Schema.Array(Schema.Struct({ name: Schema.NonEmptyString, kind: Schema.Literals(["x", "y"]) })),
  size: Schema.optionalKey(Schema.Union([Schema.Int, Schema.Literal("all")]))
})

it("all problems are reported at once, with their paths", () => {
  assert.deepStrictEqual(problemsOf(Nested, { list: [{ name: "", kind: "other" }, {}, 7], size: 1.5 }), [
    "\"list[0].name\": expected a value with a length of at least 1, got an empty string",
    "\"list[0].kind\": expected \"x\" | \"y\", got \"other\"",
    "\"list[1].name\" is missing",
    "\"list[1].kind\" is missing",
    "\"list[2]\": expected object, got 7",
    "\"size\": expected an integer, got 1.5"
  ])
})

it("an unknown field is reported with the closest name, or once for its object with all names", () => {
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
  ["DELETE-ONLY", "got \"DELETE-ONLY\" (did you mean \"DELETE_ONLY\"?)"],
  ["create_update", "got \"create_update\" (did you mean \"CREATE_UPDATE\"?)"],
  ["REPLACE", "got \"REPLACE\""],
  ["", "got an empty string"],
  [["DELETE_ONLY"], "got an array"]
])("the closest literal is suggested: %j", (mode, told) => {
  assert.deepStrictEqual(problemsOf(Schema.Struct({ mode: Mode }), { mode }), [
    `"mode": expected "CREATE_UPDATE" | "DELETE_ONLY", ${told}`
  ])
})

it("a single literal is not suggested", () => {
  assert.deepStrictEqual(problemsOf(Schema.Literal("wait"), "wai"), ["the input: expected \"wait\", got a string"])
})

it("an extra element of a list is reported by its index", () => {
  assert.deepStrictEqual(problemsOf(Schema.Tuple([Schema.String]), ["a", "b"]), ["\"[1]\" is not known"])
})

it("a problem of JSON within a text is reported with its path in the JSON", () => {
  const schema = Schema.Struct({ text: Schema.fromJsonString(Schema.Struct({ a: Schema.Int })) })
  assert.deepStrictEqual(problemsOf(schema, { text: "{\"a\":\"b\"}" }), ["\"text.a\": expected number, got nothing"])
})

it("the messages of a schema are kept", () => {
  const schema = Schema.Struct({
    a: Schema.String.pipe(Schema.annotateKey({ messageMissingKey: "Say what a is" })),
    b: Schema.String.check(Schema.isMinLength(3, { message: "b is short" }))
  })
  assert.deepStrictEqual(problemsOf(schema, { b: "b" }), ["Say what a is", "b is short"])
})

/** The same with a secret in every string. */
const hidden = (json: Schema.Json): Schema.Json =>
  JSON.parse(JSON.stringify(json, (_, value) => typeof value === "string" ? `hunter2${value}` : value))

it.prop("no value is quoted if all are confidential", [Schema.Json, Schema.Json], ([a, b]) => {
  const schema = Schema.Struct({ a: Nested, b: Schema.Union([Schema.Int, Schema.Array(Schema.Literal("x"))]) })
    .annotate(confidential)
  assert.notInclude(problemsOf(schema, { a: hidden(a), b: hidden(b) }).join(), "hunter2")
})
