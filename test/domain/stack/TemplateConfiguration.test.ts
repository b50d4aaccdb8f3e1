import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decode, type TemplateConfiguration } from "../../../src/domain/stack/TemplateConfiguration.ts"

const file = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

const whole: TemplateConfiguration = {
  Parameters: {
    Type: "t3.micro",
    Count: 2,
    Zones: ["a", "b"],
    Image: { "Fn::GetParam": ["Build", "out.json", "Image"] }
  },
  Tags: { Owner: "team" },
  StackPolicy: { Statement: [{ Effect: "Allow", NotAction: "Update:Delete", Principal: "*", Resource: "*" }] }
}

const policy = (bytes: number) => file({ StackPolicy: { A: "x".repeat(bytes - "{\"A\":\"\"}".length) } })

describe("decode", () => {
  it("a configuration may have parameters, tags and a stack policy", () =>
    assert.deepStrictEqual(decode(file(whole)), Result.succeed(whole)))

  it("numbers of parameters and tags keep the text that they have in the file", () => {
    const numbers = ["1.10", "1.0", "1e3", "0.1e-6", "12345678901234567890", "-0"]
    for (const number of numbers) {
      const json = `{"Parameters":{"A":${number},"B":[${number}]},"Tags":{"C":${number}}}`
      assert.deepStrictEqual(
        decode(Buffer.from(json)),
        Result.succeed({ Parameters: { A: number, B: [number] }, Tags: { C: number } })
      )
    }
  })

  it("a tag with an empty value or too long a key is reported by its key", () => {
    assert.deepStrictEqual(
      decode(file({ Tags: { Owner: "", Stage: "x", ["k".repeat(129)]: "v" } })),
      Result.fail([
        `The tag "Owner" has an empty value: a value has 1 to 256 characters`,
        `The tag "${"k".repeat(128)}"… has a key of 129 characters: a key has 1 to 128`
      ])
    )
  })

  it("of many problems the first 20 are reported, and how many more there are", () => {
    const names = Array.from({ length: 9_000 }, (_, index) => `Name${index}`)
    const decoded = decode(file({ Parameters: Object.fromEntries(names.map((name) => [name, {}])) }))
    const problems = Result.isFailure(decoded) ? decoded.failure : []
    assert.lengthOf(problems, 21)
    assert.match(problems[19] ?? "", /^"Parameters\.Name19": expected a string, .*, got an object$/)
    assert.strictEqual(problems[20], "and 8980 more")
  })

  it.each([
    ["a duplicate key", "{\"Tags\":{\"a\":1,\n\"a\":2}}", "it has the duplicate key \"a\", in line 2, column 1"],
    ["too many values", `[${"1,".repeat(200_000)}1]`, "it has more than 10000 values, in line 1, column 20000"],
    [
      "a stack policy of 5,000 levels",
      `{"StackPolicy":{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`,
      "it has more than 64 levels, in line 1, column 83"
    ]
  ])("%s is refused", (_, text, problem) => {
    assert.deepStrictEqual(decode(Buffer.from(text)), Result.fail([problem]))
  })

  it("a configuration may be empty", () => assert.deepStrictEqual(decode(file({})), Result.succeed({})))

  it("a configuration may have a byte-order mark", () => {
    assert.deepStrictEqual(decode(Buffer.from("\uFEFF{}")), Result.succeed({}))
  })

  it("a stack policy may have 16,384 bytes, and no more", () => {
    assert.isTrue(Result.isSuccess(decode(policy(16_384))))
    assert.deepStrictEqual(
      decode(policy(16_385)),
      Result.fail(["\"StackPolicy\": expected a stack policy of at most 16384 bytes, got an object"])
    )
  })

  it.each<readonly [what: string, file: Uint8Array, problems: ReadonlyArray<RegExp>]>([
    ["no JSON", Buffer.from("Parameters: hunter2"), [/^it is not JSON: error in line 1, column 1$/]],
    ["UTF-16", Buffer.from("{}", "utf16le"), [/^it is UTF-16 text/]],
    ["a list", file(["hunter2"]), [/^the file: expected object, got an array$/]],
    ["a misspelt key", file({ Paramters: {} }), [/^"Paramters" is not known \(did you mean "Parameters"\?\)$/]],
    ["several mistakes", file({ Parameters: { A: {}, B: { Ref: "hunter2" } }, Tags: { C: [] } }), [
      /^"Parameters\.A": expected a string, .*, got an object$/,
      /^"Parameters\.B": expected a string, .*, got an object$/,
      /^"Tags\.C": expected string \| number \| boolean, got an array$/
    ]]
  ])("all problems of %s are reported, without values", (_, file, expected) => {
    const decoded = decode(file)
    const problems = Result.isFailure(decoded) ? decoded.failure : []
    assert.lengthOf(problems, expected.length)
    for (const [index, pattern] of expected.entries()) assert.match(problems[index] ?? "", pattern)
    assert.notInclude(problems.join(), "hunter2")
  })
})
