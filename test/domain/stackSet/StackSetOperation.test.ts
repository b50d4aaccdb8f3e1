import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { JobId } from "../../../src/domain/job/Job.ts"
import {
  createToken,
  operationId,
  ownOperation,
  phaseOf,
  Step
} from "../../../src/domain/stackSet/StackSetOperation.ts"

const owner = { firstJobId: JobId.make("6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11") }

/** Source: pattern and length of OperationId and ClientRequestToken in CloudFormation's API. */
const pattern = /^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/

const Operation = Schema.Struct({
  step: Step,
  number: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))
})

describe("the id of an operation", () => {
  it("is the id of the first job, the step and the number", () => {
    assert.strictEqual(
      operationId(owner, { step: "create", number: 2 }),
      "6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11-create-2"
    )
  })

  it.prop(
    "satisfies CloudFormation's pattern, and is recognized again",
    [JobId, Operation],
    ([firstJobId, operation]) => {
      const id = operationId({ firstJobId }, operation)
      assert.match(id, pattern)
      assert.match(createToken({ firstJobId }), pattern)
      assert.deepStrictEqual(ownOperation({ firstJobId }, id), Option.some(operation))
    }
  )

  it.each(["someone-elses", "another-job-create-1", "6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11", "x-explode-1"])(
    "of another action is foreign: %s",
    (id) => {
      assert.deepStrictEqual(ownOperation(owner, id), Option.none())
    }
  )
})

describe("the phase of a status", () => {
  it.each([
    ["RUNNING", "Running"],
    ["QUEUED", "Running"],
    ["STOPPING", "Running"],
    ["SUCCEEDED", "Succeeded"],
    ["FAILED", "Failed"],
    ["STOPPED", "Stopped"]
  ])("of %s is %s", (status, phase) => {
    assert.strictEqual(phaseOf(status), phase)
  })

  it("of a status that AWS added later is told by its name", () => {
    assert.strictEqual(phaseOf("PAUSING"), "Running")
    assert.strictEqual(phaseOf("IMPORT_IN_PROGRESS"), "Running")
    assert.strictEqual(phaseOf("ABANDONED"), "Failed")
    assert.strictEqual(phaseOf("constructor"), "Failed")
  })
})
