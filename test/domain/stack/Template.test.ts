import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as Template from "../../../src/domain/stack/Template.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("decode", () => {
  it.prop("leaves UTF-8 text as it is, whatever it says", [Schema.String], ([text]) => {
    const template = `{"${text.replaceAll(/\p{Cs}/gu, "")}`
    assert.deepStrictEqual(
      Result.map(Template.decode(bytes(template)), ({ text }) => text),
      Result.succeed(template)
    )
  })

  it("takes off one byte-order mark", () => {
    const decoded = Result.getOrThrow(Template.decode(bytes("\uFEFF\uFEFF{}")))
    assert.strictEqual(decoded.text, "\uFEFF{}")
    assert.deepStrictEqual(decoded.bytes, bytes("\uFEFF{}"))
  })

  it("takes an empty file for text", () => {
    assert.deepInclude(Result.getOrThrow(Template.decode(bytes(""))), { text: "" })
  })

  it.each([
    ["little endian", Buffer.from("\uFEFF{}", "utf16le")],
    ["big endian", Buffer.from("\uFEFF{}", "utf16le").swap16()],
    ["little endian without a mark", Buffer.from("{}", "utf16le")],
    ["big endian without a mark", Buffer.from("{}", "utf16le").swap16()]
  ])("refuses UTF-16, %s, and says what to do", (_, file) => {
    assert.deepStrictEqual(
      Template.decode(file),
      Result.fail("it is UTF-16 text, CloudFormation takes UTF-8: save it as that")
    )
  })

  it("refuses what is no text", () => {
    assert.deepStrictEqual(Template.decode(new Uint8Array([0x7b, 0xc3])), Result.fail("it is not UTF-8 text"))
  })
})

const count = (template: unknown) => Option.getOrUndefined(Template.resourceCount(JSON.stringify(template)))

describe("resourceCount", () => {
  const Resources = { A: { Type: "AWS::S3::Bucket" }, B: { Type: "AWS::SQS::Queue" } }

  it("is that of a template in JSON", () => {
    assert.strictEqual(count({ Resources, Outputs: {} }), 2)
    assert.strictEqual(count({ Resources: {} }), 0)
  })

  it.each<readonly [why: string, template: unknown]>([
    ["transforms", { Transform: "AWS::Serverless-2016-10-31", Resources }],
    ["loops", { Resources: { ...Resources, "Fn::ForEach::Topics": [] } }],
    ["inclusion", { Resources: { ...Resources, "Fn::Transform": {} } }],
    ["conditions", { Resources: { ...Resources, C: { Type: "AWS::SNS::Topic", Condition: "IsProd" } } }],
    ["lack of resources", {}]
  ])("is not known because of %s", (_, template) => {
    assert.isUndefined(count(template))
  })

  it("is not known in YAML", () => {
    assert.isTrue(Option.isNone(Template.resourceCount("Resources:\n  A:\n    Type: AWS::S3::Bucket\n")))
  })
})
