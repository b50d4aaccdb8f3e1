import { assert, it } from "@effect/vitest"
import { sentences } from "../../../src/domain/text/sentences.ts"

it.each([
  ["It failed", "Retry it", "It failed. Retry it"],
  ["It failed.", "Retry it", "It failed. Retry it"],
  ["It failed.", undefined, "It failed."],
  ["It failed", "", "It failed"]
])("a problem %j with the advice %j reads %j", (problem, advice, message) => {
  assert.strictEqual(sentences(problem, advice), message)
})
