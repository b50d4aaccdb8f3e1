import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import * as Template from "../../../src/domain/stack/Template.ts"
import { parse } from "../../../src/testing/cloudFormation/template/parse.ts"
import { resourcesOf } from "../../../src/testing/cloudFormation/template/sections.ts"

const corpus = new URL("../../templates/", import.meta.url)

const bytes = (text: string) => new TextEncoder().encode(text)

describe("decode", () => {
  it.prop("decoding leaves UTF-8 text unchanged", [Schema.String], ([text]) => {
    const template = `{"${text.replaceAll(/\p{Cs}/gu, "")}`
    assert.deepStrictEqual(
      Result.map(Template.decode(bytes(template)), ({ text }) => text),
      Result.succeed(template)
    )
  })

  it("decoding removes one byte-order mark", () => {
    const decoded = Result.getOrThrow(Template.decode(bytes("\uFEFF\uFEFF{}")))
    assert.strictEqual(decoded.text, "\uFEFF{}")
    assert.deepStrictEqual(decoded.bytes, bytes("\uFEFF{}"))
  })

  it.each([
    ["", "it is empty"],
    ["\uFEFF", "it has no text, only white space or a byte-order mark"],
    ["\uFEFF\uFEFF", "it has no text, only white space or a byte-order mark"],
    [" \t\r\n\n", "it has no text, only white space or a byte-order mark"]
  ])("a file without text is refused (%j)", (text, reason) => {
    assert.deepStrictEqual(Template.decode(bytes(text)), Result.fail(reason))
  })

  it.each([
    ["little endian", Buffer.from("\uFEFF{}", "utf16le")],
    ["big endian", Buffer.from("\uFEFF{}", "utf16le").swap16()],
    ["little endian without a mark", Buffer.from("{}", "utf16le")],
    ["big endian without a mark", Buffer.from("{}", "utf16le").swap16()]
  ])("UTF-16 text, %s, is refused", (_, file) => {
    assert.deepStrictEqual(
      Template.decode(file),
      Result.fail("it is UTF-16 text, but CloudFormation requires UTF-8")
    )
  })

  it("bytes that are not text are refused", () => {
    assert.deepStrictEqual(Template.decode(new Uint8Array([0x7b, 0xc3])), Result.fail("it is not UTF-8 text"))
  })
})

const count = (template: unknown) => Option.getOrUndefined(Template.resourceCount(JSON.stringify(template)))

const yamlCount = (text: string) => Option.getOrUndefined(Template.resourceCount(text))

describe("hasNestedStacks", () => {
  it.each([
    "{\"Resources\":{\"N\":{\"Type\":\"AWS::CloudFormation::Stack\"}}}",
    "Resources:\n  N:\n    Type: AWS::CloudFormation::Stack\n",
    "Resources: { N: { 'Type' : 'AWS::CloudFormation::Stack' } }"
  ])("a nested stack is found in JSON and YAML: %s", (text) => {
    assert.isTrue(Template.hasNestedStacks(text))
  })

  it.each([
    "Resources:\n  N:\n    Type: AWS::CloudFormation::StackSet\n",
    "Resources:\n  N:\n    Type: AWS::S3::Bucket\n    # like AWS::CloudFormation::Stack\n"
  ])("another resource is no nested stack: %s", (text) => {
    assert.isFalse(Template.hasNestedStacks(text))
  })

  it("no nested stack of the example templates is missed", () => {
    const nested = readdirSync(corpus).filter((name) => /\.(?:json|yaml)$/.test(name)).filter((name) => {
      const text = readFileSync(new URL(name, corpus), "utf8")
      const tree = parse(text)
      const types = Result.isSuccess(tree) ? Array.from(resourcesOf(tree.success), ([, { type }]) => type) : []
      const isNested = types.includes("AWS::CloudFormation::Stack")
      if (isNested) assert.isTrue(Template.hasNestedStacks(text), name)
      return isNested
    })
    assert.isAtLeast(nested.length, 3)
  })
})

describe("resourceCount", () => {
  const Resources = { A: { Type: "AWS::S3::Bucket" }, B: { Type: "AWS::SQS::Queue" } }

  it("the resource count is that of a template in JSON", () => {
    assert.strictEqual(count({ Resources, Outputs: {} }), 2)
    assert.strictEqual(count({ Resources: {} }), 0)
  })

  it.each<readonly [why: string, template: unknown]>([
    ["transforms", { Transform: "AWS::Serverless-2016-10-31", Resources }],
    ["loops", { Resources: { ...Resources, "Fn::ForEach::Topics": [] } }],
    ["inclusion", { Resources: { ...Resources, "Fn::Transform": {} } }],
    ["conditions", { Resources: { ...Resources, C: { Type: "AWS::SNS::Topic", Condition: "IsProd" } } }],
    ["lack of resources", {}]
  ])("the resource count is unknown because of %s", (_, template) => {
    assert.isUndefined(count(template))
  })

  const yaml = `# two
AWSTemplateFormatVersion: 2010-09-09
Resources: # here

  A: # one
    Type: AWS::S3::Bucket
    Properties:
      Name: !Sub "\${AWS::StackName}-a"
      List: [a, { b: c }]
      Script: |
        # a comment
        Type: none
  # B is not commented out
  B:
    DependsOn:
    - A
    Type: AWS::SQS::Queue
Outputs:
  C:
    Value: !Ref A
`
  it("the resource count is that of a template in plain YAML", () => {
    assert.strictEqual(yamlCount(yaml), 2)
    assert.strictEqual(yamlCount(yaml.replaceAll("\n", "\r\n")), 2)
    assert.strictEqual(yamlCount(`---\n${yaml.replaceAll(/^(?= )/gm, "   ")}`), 2)
  })

  it.each<readonly [why: string, text: string]>([
    ["a transform", `Transform: AWS::Serverless-2016-10-31\n${yaml}`],
    ["a condition", yaml.replace("DependsOn:\n    - A", "Condition: IsProd")],
    ["a loop", yaml.replace("  B:", "  Fn::ForEach::B:")],
    ["the flow style", yaml.replace("  B:\n", "  B: { Type: AWS::SNS::Topic }\n  C:\n")],
    ["flow over several lines", yaml.replace("- A", "[\nA:\n]")],
    ["brackets over several lines", yaml.replace("[a, { b: c }]", "[a,\n      {b: c }]")],
    ["a resource twice", yaml.replace("  B:", "  A: # one")],
    ["a resource without a type", yaml.replace("    Type: AWS::SQS::Queue\n", "")],
    ["odd indentation", yaml.replace("    Type: AWS::SQS::Queue", "   Type: AWS::SQS::Queue")],
    ["resources twice", `${yaml}Resources:\n  C:\n    Type: AWS::SNS::Topic\n`],
    ["no resources", "Outputs:\n  A:\n    Value: b\n"],
    ["a line break of old", yaml.replace("AWS::SQS", "AWS::S\rQS")],
    ["a line separator", yaml.replace("AWS::SQS", "AWS::S\u2028QS")],
    ["quoted names", yaml.replace("  B:", "  \"B\":")]
  ])("the resource count of a template in YAML is unknown because of %s", (_, text) => {
    assert.isUndefined(yamlCount(text))
  })

  it("the resource count of every template that the tests have is right or unknown", () => {
    const files = readdirSync(corpus).filter((file) => /\.(?:json|ya?ml)$/.test(file))
    const known = files.flatMap((file) => {
      const text = readFileSync(new URL(file, corpus), "utf8")
      const [counted, template] = [yamlCount(text), Result.getOrUndefined(parse(text))]
      if (counted === undefined || template === undefined) return []
      assert.strictEqual(counted, resourcesOf(template).size, file)
      return [file]
    })
    assert.isAbove(known.length, 20)
  })
})
