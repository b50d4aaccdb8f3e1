import { StackStatus as SdkStackStatus } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  advice,
  adviceAfterFailure,
  isUnderWay,
  phaseOf,
  StackStatus,
  startability,
  statuses
} from "../../../src/domain/stack/StackStatus.ts"

it("the statuses are those of CloudFormation's API", () => {
  assert.sameMembers(Object.keys(statuses), Object.values(SdkStackStatus))
  assert.sameMembers([...StackStatus.literals], Object.values(SdkStackStatus))
})

describe.each(Object.values(SdkStackStatus))("%s", (status) => {
  const underWay = status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS"

  it("is under way if its name says so, unless it is a change set that was not executed", () => {
    assert.strictEqual(isUnderWay(status), underWay)
  })

  it("lets nothing begin while it is under way", () => {
    assert.strictEqual(["Busy", "CleaningUp"].includes(startability(status)), underWay)
  })

  it("is about to fail while a rollback is under way", () => {
    assert.strictEqual(phaseOf(status) === "Failing", underWay && status.includes("ROLLBACK"))
  })

  it("is a failure at rest after a failure or a rollback, and never under way", () => {
    if (underWay) assert.notStrictEqual(phaseOf(status), "Failed")
    else if (/FAILED|ROLLBACK/.test(status)) assert.strictEqual(phaseOf(status), "Failed")
  })

  it("is a success once it is complete, but for rollbacks, deletions and clean-ups", () => {
    assert.strictEqual(phaseOf(status) === "Succeeded", /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status))
  })

  it("can be updated once anything is complete, but for the first rollback and the deletion", () => {
    const healthy = status.endsWith("_COMPLETE") && status !== "ROLLBACK_COMPLETE" && status !== "DELETE_COMPLETE"
    assert.strictEqual(startability(status) === "Updatable", healthy)
  })
})

it.each([
  ["CREATE_IN_PROGRESS", "Running", "Busy"],
  ["UPDATE_IN_PROGRESS", "Running", "Busy"],
  ["IMPORT_IN_PROGRESS", "Running", "Busy"],
  ["DELETE_IN_PROGRESS", "Running", "Busy"],
  ["DELETE_COMPLETE", "Deleted", "Creatable"],
  ["ROLLBACK_COMPLETE", "Failed", "Broken"],
  ["ROLLBACK_FAILED", "Failed", "Broken"],
  ["DELETE_FAILED", "Failed", "Broken"],
  ["CREATE_FAILED", "Failed", "CreateFailed"],
  ["UPDATE_FAILED", "Failed", "UpdatableWithoutRollback"],
  ["UPDATE_ROLLBACK_FAILED", "Failed", "RollbackStuck"],
  ["IMPORT_ROLLBACK_FAILED", "Failed", "Unknown"],
  ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "CleaningUp", "CleaningUp"],
  ["UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "Failing", "CleaningUp"],
  ["REVIEW_IN_PROGRESS", "Failed", "Shell"]
])("%s is %s to its watcher and %s to a newcomer", (status, toWatcher, toNewcomer) => {
  assert.deepStrictEqual([phaseOf(status), startability(status)], [toWatcher, toNewcomer])
})

describe("a status that nobody knows", () => {
  const unknown = Schema.String.check(Schema.makeFilter((name) => !Object.hasOwn(SdkStackStatus, name)))

  it.prop("is a failure that nothing can be done about", [unknown], ([status]) => {
    if (!status.endsWith("_IN_PROGRESS")) {
      assert.deepStrictEqual([phaseOf(status), startability(status)], ["Failed", "Unknown"])
    }
  })

  it.prop("is waited for while its name says so", [unknown], ([name]) => {
    const status = `${name}_IN_PROGRESS`
    if (!Object.hasOwn(SdkStackStatus, status)) {
      assert.deepStrictEqual([phaseOf(status), startability(status)], ["Running", "Busy"])
    }
  })

  it.each(["", "constructor", "__proto__", "toString", "UPDATE_ENDED", "update_complete"])("may be %j", (status) => {
    assert.deepStrictEqual([phaseOf(status), startability(status)], ["Failed", "Unknown"])
  })
})

it("what to do about a stack names it, and there is something to do in every status", () => {
  const advices = [...Object.values(SdkStackStatus), "SOMETHING_NEW"].map((status) => advice(status, "MyStack"))
  for (const words of advices) assert.include(words, "\"MyStack\"")
  assert.include(advice("ROLLBACK_COMPLETE", "S"), "Delete stack")
  assert.include(advice("UPDATE_IN_PROGRESS", "S"), "in progress")
})

it.each<readonly [status: string, words: string | undefined]>([
  ["ROLLBACK_COMPLETE", "\"mode\": \"REPLACE_ON_FAILURE\""],
  ["UPDATE_ROLLBACK_COMPLETE", "is as it was before"],
  ["UPDATE_ROLLBACK_FAILED", "Continue the update rollback"],
  ["UPDATE_FAILED", "Roll stack"],
  ["DELETE_FAILED", "then delete stack"],
  ["DELETE_COMPLETE", "the next deployment creates it"],
  ["UPDATE_IN_PROGRESS", "Another operation"],
  ["UPDATE_COMPLETE", undefined]
])("what to do after a failure that has left the stack in %s: %s", (status, words) => {
  const advice = adviceAfterFailure(status, "MyStack")
  if (words === undefined) return assert.isUndefined(advice)
  assert.include(advice, words)
  assert.include(advice, "\"MyStack\"")
})
