import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import {
  assign,
  carryOver,
  match,
  merge,
  ParameterValue,
  type StackParameter,
  valueAt as read,
  withinCount
} from "../../../src/domain/stack/StackParameters.ts"

const isValue = Schema.is(ParameterValue)
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

describe("ParameterValue", () => {
  it.each([
    ["text, with or without commas", "a,b"],
    ["empty text", ""],
    ["a number", 0.5],
    ["the largest exact integer", Number.MAX_SAFE_INTEGER],
    ["a boolean", false],
    ["a list", ["a", 1, true]],
    ["an empty list", []],
    ["Fn::GetParam", { "Fn::GetParam": ["Build", "out.json", "Image"] }],
    ["Fn::GetArtifactAtt", { "Fn::GetArtifactAtt": ["Build", "URL"] }]
  ])("a parameter's value may be %s", (_, value) => assert.isTrue(isValue(value)))

  it.each([
    ["a number that JSON rounds", 2 ** 53 + 2],
    ["NaN", Number.NaN],
    ["an object", { A: "b" }],
    ["a list with null in it", ["a", null]],
    ["a list with a list in it", [["a"]]],
    ["a list whose item has a comma", ["a,b"]],
    ["Fn::GetParam without a key", { "Fn::GetParam": ["Build", "out.json"] }],
    ["Fn::GetParam with too many arguments", { "Fn::GetParam": ["Build", "out.json", "a", "b"] }],
    ["Fn::GetParam with another member", { "Fn::GetParam": ["Build", "out.json", "Image"], Default: "x" }],
    ["Fn::GetArtifactAtt of another attribute", { "Fn::GetArtifactAtt": ["Build", "ETag"] }],
    ["another function", { Ref: "A" }]
  ])("a parameter's value cannot be %s", (_, value) => assert.isFalse(isValue(value)))
})

const matched = (value: ParameterValue) =>
  match(value, {
    text: (text) => ["text", text],
    templateDefault: () => ["default"],
    param: (...place) => ["param", ...place],
    attribute: (...place) => ["attribute", ...place]
  })

it.each(
  [
    ["a,b", ["text", "a,b"]],
    [1.5, ["text", "1.5"]],
    [true, ["text", "true"]],
    [["a", 1, false], ["text", "a,1,false"]],
    [[], ["text", ""]],
    [null, ["default"]],
    [{ "Fn::GetParam": ["Build", "out.json", "Image"] }, ["param", "Build", "out.json", "Image"]],
    [{ "Fn::GetArtifactAtt": ["Build", "BucketName"] }, ["attribute", "Build", "BucketName"]]
  ] as const
)("%j comes from where it says", (value, expected) => assert.deepStrictEqual(matched(value), [...expected]))

const Names = Schema.Record(Schema.Literals(["A", "B", "C"]).pipe(Schema.optionalKey), Schema.Int)

it.prop("merged values are those of both sides, and overrides win", [Names, Names], ([values, overrides]) => {
  assert.deepStrictEqual(Object.fromEntries(merge(values, overrides)), { ...values, ...overrides })
})

it("merging nothing gives no values", () => assert.strictEqual(merge().size, 0))

it("a parameter's name may be __proto__", () => {
  const values = JSON.parse("{\"__proto__\":\"a\"}") as Record<string, string>
  assert.deepStrictEqual([...merge(values)], [["__proto__", "a"]])
})

const valueAt = (file: Uint8Array, key: string) => Result.mapError(read(file)(key), (sentence) => sentence())

describe("valueAt", () => {
  it.each([["text", "text"], [7, "7"], [false, "false"]])("the value %j is read as text", (value, text) => {
    assert.deepStrictEqual(valueAt(bytes({ Key: value }), "Key"), Result.succeed(text))
  })

  it("a file of values may have a byte-order mark", () => {
    assert.deepStrictEqual(valueAt(Buffer.from("\uFEFF{\"Key\":\"v\"}"), "Key"), Result.succeed("v"))
  })

  const kind = "its \"Key\" is not a string, a number, true or false"
  it.each([
    ["text that is no JSON", Buffer.from("hunter2"), "it is not JSON: error in line 1, column 1"],
    ["a list", bytes(["hunter2"]), "it is not JSON with an object at its top"],
    ["UTF-16", Buffer.from("{}", "utf16le"), "it is UTF-16 text, but CloudFormation requires UTF-8"],
    ["a file without keys", bytes({}), "it has no key \"Key\" at its top (it has none)"],
    ["a file with other keys", bytes({ Other: "hunter2" }), "it has no key \"Key\" at its top (it has \"Other\")"],
    [
      "a file with a key like it",
      bytes({ key: "hunter2" }),
      "it has no key \"Key\" at its top (did you mean \"key\"?)"
    ],
    ["what every object has", bytes({ hunter2: 1 }), "it has no key \"Key\" at its top (it has \"hunter2\")"],
    ["an object", bytes({ Key: { a: "hunter2" } }), kind],
    ["null", bytes({ Key: null }), kind]
  ])("there is no value in %s", (_, file, reason) => {
    assert.deepStrictEqual(valueAt(file, "Key"), Result.fail(reason))
  })

  it("numbers keep the text that they have in the file", () => {
    assert.deepStrictEqual(valueAt(Buffer.from("{\"Key\":1.10}"), "Key"), Result.succeed("1.10"))
  })

  it("a file may have any number of keys, and of those that it has only the first are named", () => {
    const file = bytes(Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`Key${index}`, index])))
    assert.deepStrictEqual(valueAt(file, "Key19999"), Result.succeed("19999"))
    const reason = Option.getOrThrow(Result.getFailure(valueAt(file, "Z")))
    assert.match(reason, /^it has no key "Z" at its top \(it has "Key0", .*, "Key19", and 19980 more\)$/)
  })

  it.each([
    ["a duplicate key", "{\"Key\":1,\"Key\":2}", "it has the duplicate key \"Key\", in line 1, column 10"],
    ["deep nesting", `{"Key":1,"a":${"[".repeat(5_000)}`, "it has more than 64 levels, in line 1, column 77"]
  ])("a file with %s is refused", (_, file, reason) => {
    assert.deepStrictEqual(valueAt(Buffer.from(file), "Key"), Result.fail(reason))
  })

  it("properties that every object inherits are not keys of the file", () => {
    assert.isTrue(Result.isFailure(valueAt(bytes({}), "toString")))
  })
})

const declaring = (names: ReadonlyArray<string>) =>
  names.map((name) => ({ name, hasDefault: true, noEcho: false, type: "String", allowedValues: [] }))

const Subset = Schema.Array(Schema.Literals(["A", "B", "C", "D"]))

it.prop(
  "given parameters get their values; the others that template and stack have keep theirs",
  [Subset, Subset, Subset],
  ([named, declared, previous]) => {
    const values = new Map(named.map((name) => [name, `value of ${name}`]))
    const assigned = assign({ values, declared: Option.some(declaring(declared)), previous: [...new Set(previous)] })
    const strangers = [...values.keys()].filter((name) => !declared.includes(name as "A"))
    if (Result.isFailure(assigned)) {
      assert.strictEqual(assigned.failure.length, strangers.length)
      assert.isNotEmpty(strangers)
    } else {
      assert.isEmpty(strangers)
      const byName = new Map(assigned.success.map((parameter) => [parameter.name, parameter]))
      assert.strictEqual(byName.size, assigned.success.length)
      for (const name of ["A", "B", "C", "D"] as const) {
        const expected: StackParameter | undefined = named.includes(name)
          ? { name, value: `value of ${name}` }
          : declared.includes(name) && previous.includes(name)
          ? { name, usePreviousValue: true }
          : undefined
        assert.deepStrictEqual(byName.get(name), expected)
      }
    }
  }
)

const assignAll = (values: ReadonlyMap<string, string>, declared?: ReadonlyArray<string>) =>
  assign({ values, declared: Option.map(Option.fromUndefinedOr(declared), declaring), previous: ["Old"] })

const many = (count: number) => new Map(Array.from({ length: count }, (_, index) => [`P${index}`, "v"]))

describe("assign", () => {
  it("without a known template, no names are checked and all values are kept", () => {
    assert.deepStrictEqual(
      assignAll(new Map([["A", "a"]])),
      Result.succeed([{ name: "A", value: "a" }, { name: "Old", usePreviousValue: true }])
    )
  })

  it("every name that the template does not have is reported, with a suggestion", () => {
    assert.deepStrictEqual(
      assignAll(new Map([["Imag", "hunter2"], ["Zz", "hunter2"]]), ["Image", "Count"]),
      Result.fail([
        "The template has no parameter \"Imag\" (did you mean \"Image\"?)",
        "The template has no parameter \"Zz\" (it has \"Image\", \"Count\")"
      ])
    )
  })

  it("the length of a value is counted in bytes, and the value is not shown", () => {
    assert.isTrue(Result.isSuccess(assignAll(new Map([["A", "ü".repeat(2_048)]]))))
    assert.deepStrictEqual(
      assignAll(new Map([["A", "ü".repeat(2_049)]])),
      Result.fail(["The value of parameter \"A\" has 4098 bytes; CloudFormation accepts at most 4096"])
    )
  })

  it("200 parameters are accepted, and no more, whatever else is wrong with them", () => {
    const refused = Result.fail(["There are 201 parameters; CloudFormation accepts at most 200"])
    assert.isTrue(Result.isSuccess(assignAll(many(200))))
    assert.deepStrictEqual(assignAll(many(201), ["Other"]), refused)
    assert.deepStrictEqual(carryOver(many(201), declaring(["Other"]), new Map()), refused)
    assert.deepStrictEqual(withinCount(many(201)), refused)
  })

  it("of many problems the first 20 are reported, and how many more there are", () => {
    const assigned = assignAll(many(200), Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(255, "x")))
    const problems = Result.isFailure(assigned) ? assigned.failure : []
    assert.lengthOf(problems, 21)
    assert.include(problems[0], "The template has no parameter \"P0\" (it has \"0xx")
    assert.isBelow(Math.max(...problems.map(({ length }) => length)), 6_000)
    assert.strictEqual(problems.at(-1), "and 180 more")
  })
})

describe("null", () => {
  it("gives no value and keeps none, so that the template's default applies", () => {
    const assigned = assign({ values: new Map([["Old", null]]), declared: Option.none(), previous: ["Old", "Other"] })
    assert.deepStrictEqual(assigned, Result.succeed([{ name: "Other", usePreviousValue: true }]))
  })

  it("is refused for a parameter without a default", () => {
    const declared = Option.some([{ name: "A", hasDefault: false, noEcho: false, type: "String", allowedValues: [] }])
    assert.deepStrictEqual(
      assign({ values: new Map([["A", null]]), declared, previous: [] }),
      Result.fail(["Parameter \"A\" is null, but the template has no default for it: give its value"])
    )
  })
})

const Declared = Schema.Array(
  Schema.Struct({
    name: Schema.Literals(["A", "B", "C"]),
    hasDefault: Schema.Boolean,
    noEcho: Schema.Boolean,
    type: Schema.Literal("String"),
    allowedValues: Schema.Tuple([])
  })
)
const Values = Schema.Record(Schema.Literals(["A", "B", "C"]), Schema.Literals(["given", "default", "nothing"]))

it.prop(
  "a replaced stack hands on exactly the values that are shown and not given, and is kept if one would be lost",
  [Declared, Values, Schema.Array(Schema.Literals(["A", "B", "C"]))],
  ([many, choices, replacedNames]) => {
    const declared = [...new Map(many.map((one) => [one.name, one])).values()]
    const given = declared.filter(({ name }) => choices[name] !== "nothing")
    const values = new Map(given.map(({ name }) => [name, choices[name] === "given" ? "v" : null]))
    const replaced = new Map(replacedNames.map((name) => [name, `old ${name}`]))
    const carried = carryOver(values, declared, replaced)
    const lost = declared.filter(({ hasDefault, name, noEcho }) =>
      values.has(name)
        ? values.get(name) === null && !hasDefault
        : replaced.has(name)
        ? noEcho
        : !hasDefault
    )
    if (Result.isFailure(carried)) {
      assert.lengthOf(carried.failure, lost.length)
      for (const { name } of lost) assert.include(carried.failure.join(), `"${name}"`)
    } else {
      assert.isEmpty(lost)
      for (const { name } of declared) {
        const expected = values.has(name) ? values.get(name) : replaced.get(name)
        assert.strictEqual(carried.success.get(name), expected)
      }
    }
  }
)

it.each<[type: string, allowedValues: ReadonlyArray<string>, value: string, problem: string | undefined]>([
  ["Number", [], "1e3", undefined],
  ["Number", [], "hunter2", "Parameter \"A\" must be a number"],
  ["Number", [], "", "Parameter \"A\" must be a number"],
  ["List<Number>", [], "1,2", undefined],
  ["List<Number>", [], "1,x", "Parameter \"A\" must be a number"],
  ["String", ["dev", "prod"], "prod", undefined],
  ["String", ["dev", "prod"], "hunter2", "Parameter \"A\" must be one of AllowedValues: dev, prod"],
  ["CommaDelimitedList", ["a", "b"], "a,b", undefined]
])("a new stack's value of type %s, allowed %j, is checked before the old stack is deleted: %s", (...row) => {
  const [type, allowedValues, value, problem] = row
  const declared = [{ name: "A", hasDefault: false, noEcho: false, type, allowedValues }]
  const carried = carryOver(new Map([["A", value]]), declared, new Map())
  assert.deepStrictEqual(Result.isFailure(carried) ? carried.failure : [], problem === undefined ? [] : [problem])
})

it("a value that CloudFormation hides is not handed on, even if the new template would show it", () => {
  const declared = [{ name: "A", hasDefault: true, noEcho: false, type: "String", allowedValues: [] }]
  assert.isTrue(Result.isFailure(carryOver(new Map(), declared, new Map([["A", "****"]]))))
})

it("the report of an unknown name says if the template has no parameters", () => {
  assert.deepStrictEqual(
    assignAll(new Map([["A", "a"]]), []),
    Result.fail(["The template has no parameter \"A\" (it has none)"])
  )
})
