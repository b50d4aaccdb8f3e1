import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { render, StackTags } from "../../../src/domain/stack/StackTags.ts"

const isTags = Schema.is(StackTags)

describe("StackTags", () => {
  it.each([
    ["no tags", {}],
    ["text, numbers and booleans", { A: "a", B: 1, C: false }],
    ["keys and values of maximum length, in any characters", { ["😀".repeat(128)]: "😀".repeat(256) }]
  ])("tags are valid: %s", (_, tags) => assert.isTrue(isTags(tags)))

  it.each([
    ["an empty key", { "": "a" }],
    ["an empty value", { A: "" }],
    ["a key that is too long", { ["a".repeat(129)]: "a" }],
    ["a value that is too long", { A: "a".repeat(257) }],
    ["a list as value", { A: ["a"] }]
  ])("tags are invalid: %s", (_, tags) => assert.isFalse(isTags(tags)))
})

it("values of tags become text", () => {
  assert.deepStrictEqual(
    render(new Map<string, string | number | boolean>([["A", "a"], ["B", 1], ["C", true]])),
    Result.succeed(new Map([["A", "a"], ["B", "1"], ["C", "true"]]))
  )
})

const many = (count: number) => new Map(Array.from({ length: count }, (_, index) => [`T${index}`, index]))

it("a stack has at most 50 tags", () => {
  assert.isTrue(Result.isSuccess(render(many(50))))
  const refused = "There are 51 tags; CloudFormation accepts at most 50"
  assert.deepStrictEqual(render(many(51)), Result.fail(refused))
  const decoded = Schema.decodeResult(StackTags)(Object.fromEntries(many(51)))
  assert.strictEqual(Result.isFailure(decoded) && decoded.failure.message, refused)
})
