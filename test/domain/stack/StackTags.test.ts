import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { render, StackTags } from "../../../src/domain/stack/StackTags.ts"

const isTags = Schema.is(StackTags)

describe("StackTags", () => {
  it.each([
    ["none", {}],
    ["text, numbers and booleans", { A: "a", B: 1, C: false }],
    ["the longest, in letters of any kind", { ["😀".repeat(128)]: "😀".repeat(256) }]
  ])("are %s", (_, tags) => assert.isTrue(isTags(tags)))

  it.each([
    ["of no key", { "": "a" }],
    ["of no value", { A: "" }],
    ["of a key that is too long", { ["a".repeat(129)]: "a" }],
    ["of a value that is too long", { A: "a".repeat(257) }],
    ["lists", { A: ["a"] }]
  ])("are not %s", (_, tags) => assert.isFalse(isTags(tags)))
})

it("tags are text", () => {
  assert.deepStrictEqual(
    render(new Map<string, string | number | boolean>([["A", "a"], ["B", 1], ["C", true]])),
    Result.succeed(new Map([["A", "a"], ["B", "1"], ["C", "true"]]))
  )
})

const many = (count: number) => new Map(Array.from({ length: count }, (_, index) => [`T${index}`, index]))

it("there are 50 tags at most", () => {
  assert.isTrue(Result.isSuccess(render(many(50))))
  assert.deepStrictEqual(render(many(51)), Result.fail("There are 51 tags; CloudFormation takes 50"))
})
