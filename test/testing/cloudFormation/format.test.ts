// How the in-memory CloudFormation reads the text of templates.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { create, refusal, withMemory } from "./deploy.ts"

const yaml = (value: string) =>
  `Resources:\n  Topic:\n    Type: AWS::SNS::Topic\nOutputs:\n  Value:\n    Value: ${value}\n`

describe("the format of a template", () => {
  it.effect.each<readonly [string, string]>([
    ["hello world", "Template format error: unsupported structure."],
    ["# nothing\n", "Template format error: unsupported structure."],
    ["- a list\n", "Template format error: unsupported structure."],
    ["{\"Resources\":", "Template format error: JSON not well-formed. (line 1, column 14)"],
    ["{\n  Resources: {}\n}", "Template format error: JSON not well-formed. (line 2, column 3)"],
    ["Resources:\n  A:\n\t- b\n", "Template format error: YAML not well-formed. (line 3, column 1)"],
    ["Resources: [\n", "Template format error: YAML not well-formed. (line 2, column 1)"],
    ["Resources: {}\n---\nResources: {}\n", "Template format error: YAML not well-formed. (line 2, column 1)"],
    ["Resources: !Foo bar\n", "Template format error: YAML not well-formed. (line 1, column 17)"],
    ["Resources: !!timestamp 2001-01-01\n", "Template format error: YAML not well-formed. (line 1, column 24)"],
    ["A: &a {}\nResources: *a\n", "Template error: YAML aliases are not allowed in CloudFormation templates"],
    [
      "Resources:\n  A:\n    ? {b: c}\n    : d\n",
      "Template format error: [/Resources/A] map keys must be strings; received a map instead"
    ],
    ["{}", "Template format error: At least one Resources member must be defined."],
    ["Resources: {}\n", "Template format error: At least one Resources member must be defined."],
    ["Resources:\n", "Template format error: [/Resources] 'null' values are not allowed in templates"]
  ])("%j is refused: %s", ([template, message]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refusal(template), message)
    }).pipe(withMemory()))

  it.effect("a null among properties is refused with its path, as CloudFormation writes it", () =>
    Effect.gen(function*() {
      const template = "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName:\n"
      assert.strictEqual(
        yield* refusal(template),
        "Template format error: [/Resources/A/Type/TopicName] 'null' values are not allowed in templates"
      )
    }).pipe(withMemory()))

  it.effect.each<readonly [string, string]>([
    ["2010-09-09", "2010-09-09"],
    ["012345678901", "012345678901"],
    ["123456789012", "123456789012"],
    ["12345678901234567890", "12345678901234567890"],
    ["012", "012"],
    ["1_000", "1_000"],
    ["1.10", "1.10"],
    ["0x1F", "0x1F"],
    ["1e3", "1e3"],
    ["12:30:45", "12:30:45"],
    ["yes", "true"],
    ["Off", "false"],
    ["\"yes\"", "yes"],
    ["!!str 010", "010"],
    ["y", "y"],
    [">-\n      one\n      two", "one two"],
    ["|\n      one\n      two", "one\ntwo\n"]
  ])("the scalar %j of YAML becomes the text %j", ([value, text]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* create(yaml(value))).outputs, { Value: text })
    }).pipe(withMemory()))

  it.effect.each<readonly [string, string]>([["1.10", "1.10"], ["12345678901234567890", "12345678901234567890"], [
    "true",
    "true"
  ], ["7", "7"]])(
    "the scalar %j of JSON becomes the text %j",
    ([value, text]) =>
      Effect.gen(function*() {
        const template = `{"Resources":{"A":{"Type":"AWS::SNS::Topic"}},"Outputs":{"Value":{"Value":${value}}}}`
        assert.deepStrictEqual((yield* create(template)).outputs, { Value: text })
      }).pipe(withMemory())
  )

  it.effect.each<readonly [string, string]>([
    ["a byte-order mark", `\uFEFF${yaml("1")}`],
    ["CRLF", yaml("1").replaceAll("\n", "\r\n")],
    ["comments, anchors and several ways to quote", `# one\n${yaml("&one '1' # two")}# three\n`],
    ["the same key twice, of which the last counts", `${yaml("2")}Outputs:\n  Value:\n    Value: 1\n`],
    ["a document start", `%YAML 1.1\n---\n${yaml("1")}...\n`],
    ["the flow style", "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {Value: {Value: 1}}\n"]
  ])("a template with %s is read", ([, template]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* create(template)).outputs, { Value: "1" })
    }).pipe(withMemory()))

  it.effect("a template in a call may have 51,200 bytes and no more", () =>
    Effect.gen(function*() {
      const template = yaml("1")
      const fill = (bytes: number) => `${template}#${"ü".repeat((bytes - template.length - 1) / 2)}`
      assert.strictEqual(Buffer.byteLength(fill(51_200)) + Buffer.byteLength(fill(51_202)), 102_402)
      assert.strictEqual(
        yield* refusal(fill(51_202)),
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length " +
          "less than or equal to 51200"
      )
      assert.strictEqual((yield* create(fill(51_200))).status, "CREATE_COMPLETE")
    }).pipe(withMemory()))
})
