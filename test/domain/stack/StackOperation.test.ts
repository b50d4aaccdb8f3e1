import { assert, it } from "@effect/vitest"
import { JobId } from "../../../src/domain/job/Job.ts"
import { calledAt, requestToken, StackOperation } from "../../../src/domain/stack/StackOperation.ts"

const firstJobId = JobId.make("6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11")

it("the token of an operation is its kind and the id of the first job", () => {
  assert.strictEqual(requestToken("create", { firstJobId }), "create-6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11")
  assert.strictEqual(requestToken("update", { firstJobId }), "update-6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11")
})

it.prop("the token of every job id is valid for CloudFormation", [StackOperation, JobId], ([operation, firstJobId]) => {
  assert.match(requestToken(operation, { firstJobId }), /^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/)
})

it("the time of a call tolerates clocks that differ by two seconds", () => {
  assert.strictEqual(calledAt(10_000), 8_000)
})

it("a job id of any length gives a token within CloudFormation's limit", () => {
  assert.lengthOf(requestToken("update", { firstJobId: JobId.make("é".repeat(1_000)) }), 128)
})
