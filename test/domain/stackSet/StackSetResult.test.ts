import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { file, make, type Outcome, summary, variables } from "../../../src/domain/stackSet/StackSetResult.ts"

const result = (account: string, status: string, reason?: string) => ({ account, region: "eu-west-1", status, reason })

const update = {
  step: "update",
  number: 1,
  id: "1-update-1",
  results: Option.some([result("a", "FAILED", "why"), result("b", "SUCCEEDED")])
} as const
const create = {
  step: "create",
  number: 1,
  id: "1-create-1",
  results: Option.some([result("a", "SUCCEEDED")])
} as const

const drift = { status: "DRIFTED", total: 4, drifted: 1, inSync: 2, failed: 1 }

const outcome = (change: Partial<Outcome> = {}) =>
  make({ stackSetId: "S:1", operations: [], drift: Option.none(), drifted: Option.none(), ...change })

describe("the result of an action", () => {
  it("has the last result of each instance", () => {
    const both = outcome({ operations: [update, create] })
    assert.deepStrictEqual(variables(both), {
      StackSetId: "S:1",
      OperationId: "1-create-1",
      Succeeded: "2",
      Failed: "0"
    })
    assert.strictEqual(summary("CREATE_UPDATE", both), "Stack set is up to date: 2 instances")
    const first = outcome({ operations: [update] })
    assert.deepInclude(variables(first), { Succeeded: "1", Failed: "1" })
    assert.strictEqual(
      summary("CREATE_UPDATE", first),
      "Stack set is up to date: 2 instances, 1 failed (eu-west-1/a: why)"
    )
    const one = outcome({ operations: [create] })
    assert.strictEqual(summary("DELETE_INSTANCES", one), "Instances are deleted: 1 instance")
  })

  it("has no counts if results could not be read", () => {
    const unknown = outcome({ operations: [{ ...update, results: Option.none() }] })
    assert.deepStrictEqual(variables(unknown), { StackSetId: "S:1", OperationId: "1-update-1" })
    assert.strictEqual(summary("CREATE_UPDATE", unknown), "Stack set is up to date")
    assert.strictEqual(JSON.parse(file(unknown)).Complete, false)
  })

  it("without operations says what that means", () => {
    assert.deepStrictEqual(variables(outcome()), { StackSetId: "S:1", Succeeded: "0", Failed: "0" })
    assert.strictEqual(summary("CREATE_UPDATE", outcome()), "Stack set is up to date")
    assert.strictEqual(summary("DELETE_INSTANCES", outcome()), "There are no instances to delete")
    assert.deepStrictEqual(JSON.parse(file(outcome())).Instances, [])
  })

  it("is a file with a line for each instance", () => {
    const text = file(outcome({ operations: [update, create] }))
    assert.deepStrictEqual(JSON.parse(text), {
      StackSetId: "S:1",
      Complete: true,
      Succeeded: 2,
      Failed: 0,
      Operations: [{ OperationId: "1-update-1", Step: "update" }, { OperationId: "1-create-1", Step: "create" }],
      Instances: [
        { Account: "a", Region: "eu-west-1", Status: "SUCCEEDED", OperationId: "1-create-1" },
        { Account: "b", Region: "eu-west-1", Status: "SUCCEEDED", OperationId: "1-update-1" }
      ]
    })
    assert.lengthOf(text.split("\n").filter((line) => line.includes("\"Account\"")), 2)
    assert.include(file(outcome({ operations: [update] })), "\"StatusReason\":\"why\"")
  })

  it("has the drift and the instances that drift, if they are known", () => {
    const known = outcome({ drift: Option.some(drift), drifted: Option.some([{ account: "a", region: "r" }]) })
    assert.deepInclude(variables(known), { DriftStatus: "DRIFTED", Drifted: "1", InSync: "2" })
    assert.strictEqual(
      summary("DETECT_DRIFT", known),
      "Drift detection complete: DRIFTED, 1 of 4 instances drifted"
    )
    assert.deepStrictEqual(JSON.parse(file(known)).Drift, {
      Status: "DRIFTED",
      Total: 4,
      Drifted: 1,
      InSync: 2,
      Failed: 1,
      Instances: [{ Account: "a", Region: "r" }]
    })
    const unknown = outcome({ drift: Option.some(drift) })
    assert.notProperty(JSON.parse(file(unknown)).Drift, "Instances")
  })
})
