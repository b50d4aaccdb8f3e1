import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { decode, json, jsonBy, UserParametersInvalid } from "../../../src/domain/job/UserParameters.ts"

const Parameters = json({
  stack: Schema.NonEmptyString,
  count: Schema.Int,
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

const problemsOf = (text: string) => Effect.flip(decode(Parameters, text)).pipe(Effect.map(({ problems }) => problems))

it.effect.prop(
  "UserParameters decode to what was written",
  [Schema.toType(Parameters)],
  ([parameters]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* decode(Parameters, JSON.stringify(parameters)),
        JSON.parse(JSON.stringify(parameters))
      )
    })
)

it.effect.prop(
  "parameters can be written as text",
  [Schema.toType(Parameters)],
  ([parameters]) =>
    Effect.gen(function*() {
      const text = yield* Schema.encodeEffect(Parameters)(parameters)
      assert.strictEqual(text, JSON.stringify(parameters))
    })
)

it.effect("all problems are reported at once", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(
      decode(Parameters, "{\"stak\":\"S\",\"count\":\"7\",\"tags\":[1],\"__proto__\":{}}")
    )
    assert.deepStrictEqual(
      error,
      new UserParametersInvalid({
        problems: [
          "\"stak\" is not known (did you mean \"stack\"?)",
          "\"__proto__\" is not known",
          "\"stack\" is missing",
          "\"count\": expected number, got \"7\"",
          "\"tags[0]\": expected string, got 1",
          "known are \"stack\", \"count\", \"tags\""
        ]
      })
    )
    assert.strictEqual(error.message, error.problems.join("; "))
  }))

it.effect.each<readonly [text: string, kind: string]>([
  ["[]", "an array"],
  ["null", "null"],
  ["7", "a number"],
  ["\"\"", "an empty string"],
  ["\"hunter2\"", "a string"]
])("JSON that is no object is reported by its kind: %s", ([text, kind]) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* problemsOf(text), [`UserParameters: expected object, got ${kind}`])
  }))

it.effect.each(["7", "[1]", "null", "\"text\""])(
  "an action without parameters rejects %s",
  (text) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(decode(json({}), text))
      assert.match(error.message, /^UserParameters: expected object, got /)
      assert.deepStrictEqual(yield* decode(json({}), "{}"), {})
    })
)

it.effect.each(["", " \n"])("empty UserParameters are reported as empty: %j", (text) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* problemsOf(text), ["UserParameters could not be decoded as JSON: they are empty"])
  }))

it.effect.each<readonly [text: string, place: string]>([
  ["http://www.example.com/", "line 1, column 1"],
  ["{\"stack\":\"#{variables.Name}\"", "line 1, column 29"],
  ["{\n  \"stack\":\"a \"quote\"\"}", "line 2, column 15"],
  ["{\"stack\":\"two\nlines\"}", "line 1, column 14"]
])("invalid JSON is reported with its place and the usual cause: %j", ([text, place]) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* problemsOf(text), [
      `UserParameters could not be decoded as JSON: error in ${place}. If a variable (#{…}) is inserted, a quote or a ` +
      "line break in its value breaks the JSON"
    ])
  }))

it.effect.each<readonly [text: string, problem: string]>([
  ["{\"stack\":\"a\",\"count\":1,\"stack\":\"b\"}", "the duplicate key \"stack\", in line 1, column 24"],
  ["{\"tags\":[{\"a\":1,\n\"a\":1}]}", "the duplicate key \"a\", in line 2, column 1"],
  [`{"stack":${"[".repeat(100_000)}`, "more than 64 levels, in line 1, column 73"],
  [`{"stack":[${"1,".repeat(20_000)}1]}`, "more than 10000 values, in line 1, column 20007"]
])("JSON that only a mistake can have is refused, with its place: %j", ([text, problem]) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* problemsOf(text), [`UserParameters could not be decoded as JSON: ${problem}`])
  }))

it.effect("of many problems the first 20 are reported, and how many more there are", () =>
  Effect.gen(function*() {
    const unknown = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`x${index}`, 1]))
    const problems = yield* problemsOf(JSON.stringify({ ...unknown, stack: "S", count: 1 }))
    assert.strictEqual(problems[0], "\"x0\" is not known")
    assert.deepStrictEqual(problems.slice(19), [
      "\"x19\" is not known",
      "and 4980 more",
      "known are \"stack\", \"count\", \"tags\""
    ])
  }))

it.effect.prop(
  "the problems of any JSON quote nothing within an object",
  [Schema.Json],
  ([value]) =>
    Effect.gen(function*() {
      const text = JSON.stringify({ stack: { hidden: `hunter2${JSON.stringify(value)}` }, count: value })
      assert.notInclude((yield* problemsOf(text)).join(), "hunter2")
    })
)

it.effect("an action can accept any text", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* decode(Schema.String, "http://www.example.com/"), "http://www.example.com/")
  }))

it.effect("an action can require a format of the text", () =>
  Effect.gen(function*() {
    const Url = Schema.String.check(Schema.isStartingWith("https://"))
    const { problems } = yield* Effect.flip(decode(Url, "hunter2"))
    assert.deepStrictEqual(problems, ["UserParameters: expected a string starting with \"https://\", got a string"])
  }))

describe("a shorthand", () => {
  const Named = json(
    { name: Schema.NonEmptyString },
    (text) => text.startsWith("{") ? Option.none() : Option.some({ name: text })
  )

  it.effect("is decoded as the object that it stands for", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* decode(Named, "you"), { name: "you" })
      assert.deepStrictEqual(yield* decode(Named, "{\"name\":\"you\"}"), { name: "you" })
      const { problems } = yield* Effect.flip(decode(Named, ""))
      assert.deepStrictEqual(problems, ["\"name\": expected a value with a length of at least 1, got nothing"])
    }))

  it.effect("does not apply to invalid JSON", () =>
    Effect.gen(function*() {
      const { message } = yield* Effect.flip(decode(Named, "{name"))
      assert.match(message, /^UserParameters could not be decoded as JSON/)
    }))
})

const Shape = jsonBy(({ kind }) =>
  kind === "circle"
    ? Schema.Struct({ kind: Schema.Literal("circle"), radius: Schema.Finite, side: Schema.optionalKey(Schema.Finite) })
    : Schema.Struct({ kind: Schema.String, side: Schema.Finite, radius: Schema.optionalKey(Schema.Finite) })
)

it.effect.each<readonly [text: string, problems: ReadonlyArray<string>]>([
  ["{\"kind\":\"circle\"}", ["\"radius\" is missing"]],
  ["{\"kind\":\"square\",\"sid\":1}", ["\"sid\" is not known (did you mean \"side\"?)", "\"side\" is missing"]],
  ["[]", ["UserParameters: expected object, got an array"]]
])(
  "the problems of dependent fields are those of the chosen schema: %s",
  ([text, problems]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* Effect.flip(decode(Shape, text))).problems, problems)
    })
)

it.effect.each(["{\"kind\":\"circle\",\"radius\":1}", "{\"kind\":\"square\",\"side\":2}"])(
  "dependent fields are decoded and encoded: %s",
  (text) =>
    Effect.gen(function*() {
      const shape = yield* decode(Shape, text)
      assert.deepStrictEqual(shape, JSON.parse(text))
      assert.strictEqual(yield* Schema.encodeEffect(Shape)(shape), text)
    })
)
