import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { JobId } from "../../../src/domain/job/Job.ts"
import {
  ChangeSet,
  Executor,
  executor,
  isFailed,
  Readiness,
  readiness,
  ResourceChange,
  summary
} from "../../../src/domain/stack/ChangeSet.ts"

const changeSet = (status: string, executionStatus: string, reason?: string): ChangeSet => ({
  id: "arn:aws:cloudformation:us-east-1:123456789012:changeSet/Next/0",
  name: "Next",
  stackId: "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0",
  createdAt: 0,
  status,
  executionStatus,
  changes: [],
  ...(reason !== undefined && { reason })
})

describe("readiness", () => {
  it.each(["CREATE_PENDING", "CREATE_IN_PROGRESS"])("a change set in status %s is pending", (status) => {
    assert.deepStrictEqual(readiness(changeSet(status, "UNAVAILABLE")), Readiness.Pending())
  })

  it("a change set is ready once it is complete and available, not earlier", () => {
    assert.deepStrictEqual(readiness(changeSet("CREATE_COMPLETE", "AVAILABLE")), Readiness.Ready())
    assert.deepStrictEqual(readiness(changeSet("CREATE_COMPLETE", "UNAVAILABLE")), Readiness.Pending())
  })

  it.each([
    "The submitted information didn't contain changes. Submit different information to create a change set.",
    "No updates are to be performed."
  ])("a change set is empty if CloudFormation says so: %s", (reason) => {
    assert.deepStrictEqual(readiness(changeSet("FAILED", "UNAVAILABLE", reason)), Readiness.Empty())
  })

  it.each(["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"])(
    "a change set in execution status %s was executed",
    (status) => {
      assert.deepStrictEqual(readiness(changeSet("CREATE_COMPLETE", status)), Readiness.Executed())
    }
  )

  it.each<readonly [status: string, executionStatus: string, reason: string | undefined, expected: string]>([
    ["FAILED", "UNAVAILABLE", "Template error: no", "Template error: no"],
    ["FAILED", "UNAVAILABLE", undefined, "its status is FAILED"],
    ["DELETE_PENDING", "UNAVAILABLE", undefined, "it is being deleted"],
    ["DELETE_IN_PROGRESS", "UNAVAILABLE", undefined, "it is being deleted"],
    ["DELETE_COMPLETE", "UNAVAILABLE", undefined, "its status is DELETE_COMPLETE"],
    [
      "CREATE_COMPLETE",
      "OBSOLETE",
      undefined,
      "it is obsolete: the stack changed after the change set was created. Create the change set again"
    ],
    ["CREATE_COMPLETE", "MOVED", undefined, "its execution status is MOVED"]
  ])(
    "a change set in status %s and execution status %s is unusable, with the reason",
    (status, executionStatus, reason, expected) => {
      assert.deepStrictEqual(
        readiness(changeSet(status, executionStatus, reason)),
        Readiness.Unusable({ reason: expected })
      )
    }
  )

  it.prop("every status has a readiness, including those that AWS may add", [ChangeSet], ([changeSet]) => {
    assert.include(["Pending", "Ready", "Empty", "Executed", "Unusable"], readiness(changeSet)._tag)
  })

  it.prop("only a complete and available change set is ready", [ChangeSet], ([changeSet]) => {
    if (readiness(changeSet)._tag !== "Ready") return
    assert.deepInclude(changeSet, { status: "CREATE_COMPLETE", executionStatus: "AVAILABLE" })
  })
})

it("a change set has failed if CloudFormation could not create it, not if it is empty", () => {
  assert.isTrue(isFailed(changeSet("FAILED", "UNAVAILABLE", "Template error")))
  assert.isTrue(isFailed(changeSet("FAILED", "UNAVAILABLE")))
  assert.isFalse(isFailed(changeSet("FAILED", "UNAVAILABLE", "No updates are to be performed.")))
  assert.isFalse(isFailed(changeSet("CREATE_COMPLETE", "AVAILABLE")))
})

describe("executor", () => {
  const createdAt = 1_000
  const stackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0"
  const event = (status: string, timestamp: number, clientRequestToken?: string, physicalResourceId = stackId) => ({
    stackId,
    timestamp,
    logicalResourceId: "S",
    physicalResourceId,
    resourceType: "AWS::CloudFormation::Stack",
    status,
    ...(clientRequestToken !== undefined && { clientRequestToken })
  })
  const executorOf = (...events: ReadonlyArray<ReturnType<typeof event>>) =>
    executor(events, { firstJobId: JobId.make("1") }, createdAt)

  it("this action executed a change set if an event has its token, whatever other actors did afterwards", () => {
    const own = event("UPDATE_IN_PROGRESS", 2_000, "execute-1")
    assert.deepStrictEqual(executorOf(own), Executor.Own())
    assert.deepStrictEqual(executorOf(event("UPDATE_COMPLETE", 3_000, "execute-1"), own), Executor.Own())
    assert.deepStrictEqual(executorOf(event("UPDATE_IN_PROGRESS", 4_000, "Console-1"), own), Executor.Own())
  })

  it("another actor executed it if it started the first operation after the creation of the change set", () => {
    assert.deepStrictEqual(
      executorOf(
        event("UPDATE_IN_PROGRESS", 4_000, "Console-2"),
        event("UPDATE_COMPLETE", 3_000, "Console-1"),
        event("UPDATE_IN_PROGRESS", 2_000, "Console-1")
      ),
      Executor.Foreign({ token: "Console-1" })
    )
    assert.deepStrictEqual(executorOf(event("CREATE_IN_PROGRESS", 2_000)), Executor.Foreign({ token: undefined }))
  })

  it("nobody is known to have executed it if no operation started after its creation", () => {
    assert.deepStrictEqual(executorOf(), Executor.Unknown())
    assert.deepStrictEqual(
      executorOf(
        event("UPDATE_IN_PROGRESS", 2_000, "Console-1", "arn:other"),
        event("REVIEW_IN_PROGRESS", 1_001, "Console-1"),
        event("UPDATE_IN_PROGRESS", 1_000, "Console-1")
      ),
      Executor.Unknown()
    )
  })
})

const change = (logicalResourceId: string, action: string, replacement?: string): ResourceChange => ({
  action,
  logicalResourceId,
  resourceType: "AWS::S3::Bucket",
  ...(replacement !== undefined && { replacement })
})

describe("summary", () => {
  it("the summary counts the changes and names the resources, the most severe change first", () => {
    assert.strictEqual(
      summary([
        change("A", "Add"),
        change("B", "Remove"),
        change("C", "Modify", "False"),
        change("D", "Modify", "Conditional"),
        change("E", "Modify", "True"),
        change("F", "Import"),
        change("G", "Dynamic"),
        change("H", "SyncWithActual"),
        change("I", "toString")
      ]),
      "9 changes (1 replace, 1 perhaps replace, 1 remove, 1 add, 1 modify, 1 import, 1 perhaps change, 1 SyncWithActual, " +
        "1 toString): " +
        "replace E (AWS::S3::Bucket), perhaps replace D (AWS::S3::Bucket), remove B (AWS::S3::Bucket), " +
        "add A (AWS::S3::Bucket), modify C (AWS::S3::Bucket), import F (AWS::S3::Bucket), " +
        "perhaps change G (AWS::S3::Bucket), SyncWithActual H (AWS::S3::Bucket), toString I (AWS::S3::Bucket)"
    )
  })

  it("the summary names ten resources and the number of further ones", () => {
    const ten = Array.from({ length: 10 }, (_, index) => change(`R${index}`, "Add"))
    assert.notInclude(summary(ten), "more")
    const twelve = summary([...ten, change("R10", "Add"), change("R11", "Add")])
    assert.match(twelve, /^12 changes \(12 add\): add R0 .*, add R9 \(AWS::S3::Bucket\), and 2 more$/)
  })

  it("the summary of one or no change is short", () => {
    assert.strictEqual(summary([change("A", "Remove")]), "1 change (1 remove): remove A (AWS::S3::Bucket)")
    assert.strictEqual(summary([]), "0 changes")
  })

  it.prop("the summary fits into the console's limit and has the number of all changes", [
    Schema.Array(ResourceChange)
  ], ([changes]) => {
    const text = summary(changes)
    assert.isAtMost(text.length, 1_500)
    assert.isTrue(text.startsWith(`${changes.length} change`))
  })
})
