import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as Template from "../../../src/domain/stack/Template.ts"

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

  it("the resource count of a template in YAML is unknown", () => {
    assert.isTrue(Option.isNone(Template.resourceCount("Resources:\n  A:\n    Type: AWS::S3::Bucket\n")))
  })
})
