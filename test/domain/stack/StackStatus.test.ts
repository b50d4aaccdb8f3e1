import { StackStatus as SdkStackStatus } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  advice,
  adviceAfterFailure,
  type AdviceContext,
  isRecoverable,
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

const context: AdviceContext = {
  stack: "MyStack",
  isProtected: false,
  isReplaced: false,
  isContinued: "never",
  isRolledBack: "never"
}
const isProtected = true
const isReplaced = true

it("the advice for every status names the stack", () => {
  for (const status of [...Object.values(SdkStackStatus), "SOMETHING_NEW"]) {
    assert.include(advice(status, context), "\"MyStack\"")
    assert.include(advice(status, { ...context, isProtected }), "\"MyStack\"")
  }
  assert.include(advice("ROLLBACK_COMPLETE", context), "Delete stack")
  assert.include(advice("UPDATE_IN_PROGRESS", context), "in progress")
})

it.each(["ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS"])(
  "the advice for a protected stack in status %s names both options that replace it",
  (status) => {
    const options = "\"mode\": \"REPLACE_ON_FAILURE\" and \"terminationProtection\": false"
    assert.include(advice(status, { ...context, isProtected }), options)
    assert.notInclude(advice(status, context), "terminationProtection")
  }
)

it.each(["CREATE_FAILED", "UPDATE_FAILED"])(
  "the advice in status %s names disableRollback only if it is not set and the mode has it",
  (status) => {
    const option = "or add \"disableRollback\": true to UserParameters"
    assert.include(advice(status, { ...context, isContinued: "with disableRollback" }), option)
    assert.notInclude(advice(status, { ...context, isContinued: "yes" }), "disableRollback")
    assert.notInclude(advice(status, context), "disableRollback")
    assert.notInclude(advice("ROLLBACK_COMPLETE", { ...context, isContinued: "with disableRollback" }), option)
  }
)

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
  const advice = adviceAfterFailure(status, context)
  if (words === undefined) return assert.isUndefined(advice)
  assert.include(advice, words)
  assert.include(advice, "\"MyStack\"")
})

it.each(["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])(
  "the advice after a failure of an action that replaces a stack in status %s is to retry it",
  (status) => {
    const retry = "retry the action: it deletes and recreates"
    const advice = adviceAfterFailure(status, { ...context, isReplaced })
    assert.include(advice, retry)
    assert.notInclude(advice, "REPLACE_ON_FAILURE")
    const ofProtected = adviceAfterFailure(status, { ...context, isReplaced, isProtected })
    assert.include(ofProtected, "set \"terminationProtection\" to false")
    assert.include(ofProtected, retry)
    assert.notInclude(ofProtected, "REPLACE_ON_FAILURE")
  }
)

it.each(["CREATE_FAILED", "UPDATE_FAILED"])(
  "the advice after a failure without rollback in status %s is to retry the action if it continues from there",
  (status) => {
    const advice = adviceAfterFailure(status, { ...context, isContinued: "yes" })
    assert.include(advice, "retry the action: it updates stack \"MyStack\"")
    assert.notInclude(advice, "disableRollback")
  }
)

it.each(["UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"])(
  "the advice in status %s names the option that rolls the stack back if the mode has it, and else the mode",
  (status) => {
    const recover = "or let the action do so with \"recover\": true"
    assert.include(advice(status, { ...context, isRolledBack: "with recover" }), recover)
    assert.include(advice(status, context), "(\"mode\": \"ROLLBACK\")")
    assert.notInclude(advice(status, context), recover)
  }
)

it.each(["only", "first"] as const)(
  "after a failed rollback, the advice of an action that rolls back (%s) names resourcesToSkip, and what it leaves behind",
  (isRolledBack) => {
    const words = adviceAfterFailure("UPDATE_ROLLBACK_FAILED", { ...context, isRolledBack })
    assert.include(words, "retry the action: it continues the rollback")
    assert.match(words ?? "", /"resourcesToSkip" names; they differ from the template/)
  }
)

it.each(["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"])(
  "an action that only rolls back says that nothing but a delete helps a stack in status %s",
  (status) => {
    assert.match(advice(status, { ...context, isRolledBack: "only" }), /^Only a delete helps/)
    assert.notMatch(advice(status, { ...context, isRolledBack: "first" }), /^Only a delete helps/)
  }
)

it("the advice about a failed creation says why the action does not roll it back", () => {
  const why = "It is not rolled back, because that leaves a stack that can only be deleted"
  assert.include(advice("CREATE_FAILED", { ...context, isRolledBack: "first" }), why)
  assert.notInclude(advice("CREATE_FAILED", context), why)
})

it("exactly the stacks that failed without a rollback, or in one, are recoverable", () => {
  const recoverable = ["CREATE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"]
  assert.sameMembers(Object.values(SdkStackStatus).filter(isRecoverable), recoverable)
})
