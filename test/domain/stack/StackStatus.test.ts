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

  it("it is in progress if its name says so, except for REVIEW_IN_PROGRESS", () => {
    assert.strictEqual(isUnderWay(status), underWay)
  })

  it("no operation can start while it is in progress", () => {
    assert.strictEqual(["Busy", "Deleting", "CleaningUp"].includes(startability(status)), underWay)
  })

  it("it is failing while a rollback is in progress", () => {
    assert.strictEqual(phaseOf(status) === "Failing", underWay && status.includes("ROLLBACK"))
  })

  it("it is a failure after a failure or a rollback, and never in progress", () => {
    if (underWay) assert.notStrictEqual(phaseOf(status), "Failed")
    else if (/FAILED|ROLLBACK/.test(status)) assert.strictEqual(phaseOf(status), "Failed")
  })

  it("it is a success if complete, except for rollbacks, deletions and cleanups", () => {
    assert.strictEqual(phaseOf(status) === "Succeeded", /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status))
  })

  it("it can be updated if complete, except for ROLLBACK_COMPLETE and DELETE_COMPLETE", () => {
    const healthy = status.endsWith("_COMPLETE") && status !== "ROLLBACK_COMPLETE" && status !== "DELETE_COMPLETE"
    assert.strictEqual(startability(status) === "Updatable", healthy)
  })
})

it.each([
  ["CREATE_IN_PROGRESS", "Running", "Busy"],
  ["UPDATE_IN_PROGRESS", "Running", "Busy"],
  ["IMPORT_IN_PROGRESS", "Running", "Busy"],
  ["DELETE_IN_PROGRESS", "Running", "Deleting"],
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
])("status %s is %s for a running operation and %s for a new one", (status, toWatcher, toNewcomer) => {
  assert.deepStrictEqual([phaseOf(status), startability(status)], [toWatcher, toNewcomer])
})

describe("a status that is not in the table", () => {
  const unknown = Schema.String.check(Schema.makeFilter((name) => !Object.hasOwn(SdkStackStatus, name)))

  it.prop("an unknown status is a failure that nothing can start on", [unknown], ([status]) => {
    if (!status.endsWith("_IN_PROGRESS")) {
      assert.deepStrictEqual([phaseOf(status), startability(status)], ["Failed", "Unknown"])
    }
  })

  it.prop("an unknown status in progress is waited for", [unknown], ([name]) => {
    const status = `${name}_IN_PROGRESS`
    if (!Object.hasOwn(SdkStackStatus, status)) {
      assert.deepStrictEqual([phaseOf(status), startability(status)], ["Running", "Busy"])
    }
  })

  it.each(["", "constructor", "__proto__", "toString", "UPDATE_ENDED", "update_complete"])(
    "an unknown status may be %j",
    (status) => {
      assert.deepStrictEqual([phaseOf(status), startability(status)], ["Failed", "Unknown"])
    }
  )
})

it("the advice for every status names the stack", () => {
  const advices = [...Object.values(SdkStackStatus), "SOMETHING_NEW"].flatMap((status) => [
    advice(status, "MyStack", false),
    advice(status, "MyStack", true)
  ])
  for (const words of advices) assert.include(words, "\"MyStack\"")
  assert.include(advice("ROLLBACK_COMPLETE", "S", false), "Delete stack")
  assert.include(advice("UPDATE_IN_PROGRESS", "S", false), "in progress")
})

it("the advice for a protected stack names both options that replace it", () => {
  const options = "\"mode\": \"REPLACE_ON_FAILURE\" and \"terminationProtection\": false"
  for (const status of ["ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS"]) {
    assert.include(advice(status, "S", true), options)
    assert.notInclude(advice(status, "S", false), "terminationProtection")
  }
})

const failed = { name: "MyStack", isProtected: false, isReplaced: false, isContinued: false }

it.each<readonly [status: string, words: string | undefined]>([
  ["ROLLBACK_COMPLETE", "\"mode\": \"REPLACE_ON_FAILURE\""],
  ["UPDATE_ROLLBACK_COMPLETE", "is as it was before"],
  ["UPDATE_ROLLBACK_FAILED", "Continue the update rollback"],
  ["UPDATE_FAILED", "Roll stack"],
  ["DELETE_FAILED", "then delete stack"],
  ["DELETE_COMPLETE", "the next deployment creates it"],
  ["UPDATE_IN_PROGRESS", "Another operation"],
  ["UPDATE_COMPLETE", undefined]
])("the advice after a failure in status %s: %s", (status, words) => {
  const advice = adviceAfterFailure({ ...failed, status })
  if (words === undefined) return assert.isUndefined(advice)
  assert.include(advice, words)
  assert.include(advice, "\"MyStack\"")
})

it.each(["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])(
  "the advice after a failure of an action that replaces a stack in status %s is to retry it",
  (status) => {
    const retry = "retry the action: it deletes and recreates"
    const advice = adviceAfterFailure({ ...failed, status, isReplaced: true })
    assert.include(advice, retry)
    assert.notInclude(advice, "REPLACE_ON_FAILURE")
    const withProtection = adviceAfterFailure({ ...failed, status, isReplaced: true, isProtected: true })
    assert.include(withProtection, "set \"terminationProtection\" to false")
    assert.include(withProtection, retry)
    assert.notInclude(withProtection, "REPLACE_ON_FAILURE")
  }
)

it.each(["CREATE_FAILED", "UPDATE_FAILED"])(
  "the advice after a failure without rollback in status %s names no option if the action continues from there",
  (status) => {
    const advice = adviceAfterFailure({ ...failed, status, isContinued: true })
    assert.include(advice, "retry the action: it updates stack \"MyStack\"")
    assert.notInclude(advice, "disableRollback")
    assert.include(adviceAfterFailure({ ...failed, status }), "disableRollback")
  }
)
