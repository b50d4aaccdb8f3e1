import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { StackEvent } from "../../../src/domain/stack/StackEvents.ts"
import {
  areExplained,
  type Cause,
  causes,
  isCancelledUpdate,
  isCancelledWhole,
  lines,
  message,
  operationIdOf,
  ownReasons
} from "../../../src/domain/stack/StackFailure.ts"
import { shuffle } from "./shuffle.ts"

const stackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0"
const nestedId = "arn:aws:cloudformation:us-east-1:123456789012:stack/S-Nested/1"

/** Events one second apart; newest first, as AWS lists them. */
const history = (...events: ReadonlyArray<Partial<StackEvent>>): ReadonlyArray<StackEvent> =>
  Array.from(events, (event, index) => ({
    stackId,
    timestamp: 1_000 * (index + 1),
    logicalResourceId: "S",
    physicalResourceId: stackId,
    resourceType: "AWS::CloudFormation::Stack",
    status: "CREATE_IN_PROGRESS",
    ...event
  })).toReversed()

const bucket = (logicalResourceId: string, status: string, reason?: string): Partial<StackEvent> => ({
  logicalResourceId,
  physicalResourceId: "bucket-1",
  resourceType: "AWS::S3::Bucket",
  status,
  ...(reason !== undefined && { reason })
})

const linesOf = (...events: ReadonlyArray<Partial<StackEvent>>) => lines(causes(history(...events)))

describe("causes", () => {
  it("the causes are the failures of resources, oldest first; one without a reason shows its status", () => {
    assert.deepStrictEqual(
      linesOf(
        bucket("A", "UPDATE_COMPLETE"),
        bucket("B", "CREATE_FAILED", "the name is taken"),
        bucket("C", "UPDATE_FAILED"),
        { status: "UPDATE_ROLLBACK_IN_PROGRESS", reason: "The following resource(s) failed to create: [B]" }
      ),
      ["B (AWS::S3::Bucket): the name is taken", "C (AWS::S3::Bucket): UPDATE_FAILED"]
    )
  })

  it("cancellations that followed a failure are not causes", () => {
    const cancelled = [
      bucket("A", "CREATE_FAILED", "Resource creation cancelled"),
      bucket("B", "CREATE_FAILED", "Resource creation Cancelled")
    ]
    assert.deepStrictEqual(linesOf(...cancelled, bucket("C", "CREATE_FAILED", "quota")), ["C (AWS::S3::Bucket): quota"])
    assert.isFalse(isCancelledWhole(history(...cancelled, bucket("C", "CREATE_FAILED", "quota"))))
    assert.isTrue(isCancelledWhole(history(...cancelled, { status: "ROLLBACK_COMPLETE" })))
    assert.isFalse(isCancelledWhole([]))
  })

  it("the stack's own failures are not causes, but an invalid template is", () => {
    assert.deepStrictEqual(linesOf({ status: "CREATE_FAILED", reason: "it failed" }), [])
    assert.deepStrictEqual(
      linesOf({
        status: "ROLLBACK_IN_PROGRESS",
        detailedStatus: "VALIDATION_FAILED",
        reason: "no such property: Nmae"
      }),
      ["S (AWS::CloudFormation::Stack): no such property: Nmae"]
    )
    assert.deepStrictEqual(linesOf({ detailedStatus: "CONFIGURATION_COMPLETE", reason: "fine" }), [])
  })

  const hook = { type: "Org::Policy::Hook", status: "HOOK_COMPLETE_FAILED", reason: "must be encrypted" }
  const stopped = bucket("A", "CREATE_FAILED", "The following hook(s) failed: [Org::Policy::Hook]")

  it("the reason of a hook is the cause, instead of CloudFormation's event about the hook", () => {
    assert.deepStrictEqual(
      linesOf({ ...stopped, hook: { ...hook, failureMode: "FAIL" } }, stopped),
      ["A (AWS::S3::Bucket): hook Org::Policy::Hook failed: must be encrypted"]
    )
    assert.deepStrictEqual(
      linesOf({ ...bucket("A", ""), hook: { type: hook.type, status: "HOOK_FAILED" } }),
      ["A (AWS::S3::Bucket): hook Org::Policy::Hook failed: no reason given"]
    )
    assert.deepStrictEqual(linesOf({ hook }), [
      "S (AWS::CloudFormation::Stack): hook Org::Policy::Hook failed: must be encrypted"
    ])
  })

  it("warnings and successes of hooks are not causes", () => {
    assert.deepStrictEqual(
      linesOf({ ...bucket("A", "CREATE_IN_PROGRESS"), hook: { ...hook, failureMode: "WARN" } }),
      []
    )
    const passed = { ...hook, status: "HOOK_COMPLETE_SUCCEEDED" }
    assert.deepStrictEqual(linesOf({ ...bucket("A", "CREATE_IN_PROGRESS"), hook: passed }), [])
  })

  it("CloudFormation's event about a hook is the cause if the hook gives no reason", () => {
    assert.deepStrictEqual(linesOf(stopped), [
      "A (AWS::S3::Bucket): The following hook(s) failed: [Org::Policy::Hook]"
    ])
    assert.isFalse(areExplained(causes(history(stopped))))
    assert.isTrue(areExplained(causes(history(stopped, bucket("B", "CREATE_FAILED", "quota")))))
    assert.isFalse(areExplained([]))
  })

  it("failed validations are causes, with the invalid path", () => {
    const validation = { name: "AWS::EarlyValidation::PropertyValidation", status: "FAILED", reason: "not a boolean" }
    const of = (change: object) => linesOf({ ...bucket("A", ""), validation: { ...validation, ...change } })
    assert.deepStrictEqual(of({ path: "/Resources/A/Properties/B", failureMode: "FAIL" }), [
      "A (AWS::S3::Bucket): validation AWS::EarlyValidation::PropertyValidation failed at /Resources/A/Properties/B: " +
      "not a boolean"
    ])
    assert.deepStrictEqual(of({ reason: undefined }), [
      "A (AWS::S3::Bucket): validation AWS::EarlyValidation::PropertyValidation failed: no reason given"
    ])
    assert.deepStrictEqual(of({ failureMode: "WARN" }), [])
    assert.deepStrictEqual(of({ status: "SKIPPED" }), [])
    assert.deepStrictEqual(
      linesOf({ ...bucket("", ""), resourceType: "", validation: { ...validation, name: "V" } }),
      ["validation V failed: not a boolean"]
    )
  })

  it("the cause in a nested stack has the nested stack's id, if there is one", () => {
    const nested = (physicalResourceId: string) => ({
      ...bucket("Nested", "CREATE_FAILED", "Embedded stack was not created"),
      resourceType: "AWS::CloudFormation::Stack",
      physicalResourceId
    })
    const followed = causes(history(nested(nestedId), nested(""), bucket("A", "CREATE_FAILED", "quota")))
    assert.deepStrictEqual(followed.map(({ nestedStack }) => nestedStack), [nestedId, undefined, undefined])
    const resourceType = "AWS::CloudFormation::Stack"
    const withoutId = { stackId, timestamp: 1, logicalResourceId: "Nested", resourceType, status: "CREATE_FAILED" }
    assert.isUndefined(causes([withoutId])[0]?.nestedStack)
  })
})

it("a cause that only contains the word cancelled is not hidden", () => {
  const reason = "The certificate request was cancelled by its owner (Resource creation cancelled upstream)"
  assert.deepStrictEqual(linesOf(bucket("A", "CREATE_FAILED", reason)), [`A (AWS::S3::Bucket): ${reason}`])
})

const stackEvent = (status: string, timestamp: number, reason?: string) => ({
  stackId,
  timestamp,
  logicalResourceId: "S",
  physicalResourceId: stackId,
  resourceType: "AWS::CloudFormation::Stack",
  status,
  ...(reason !== undefined && { reason })
})

describe("isCancelledUpdate", () => {
  const started = stackEvent("UPDATE_IN_PROGRESS", 1, "User Initiated")

  it("an update whose rollback a user started was cancelled", () => {
    const all = [started, stackEvent("UPDATE_ROLLBACK_IN_PROGRESS", 2, "User Initiated")]
    assert.isTrue(isCancelledUpdate([started], all))
  })

  it("an update that CloudFormation rolled back was not cancelled", () => {
    const failed = stackEvent("UPDATE_ROLLBACK_IN_PROGRESS", 2, "The following resource(s) failed to update: [A].")
    const later = [
      stackEvent("UPDATE_IN_PROGRESS", 3, "User Initiated"),
      stackEvent("UPDATE_ROLLBACK_IN_PROGRESS", 4, "User Initiated")
    ]
    assert.isFalse(isCancelledUpdate([started], [started, failed, ...later]))
    assert.isFalse(isCancelledUpdate([], [failed]))
  })
})

const cause = (timestamp: number, resource: string, reason: string): Cause => ({
  timestamp,
  resource,
  resourceType: "",
  reason,
  nestedStack: undefined
})

describe("lines", () => {
  it("the lines of causes are oldest first, each once and on one line", () => {
    assert.deepStrictEqual(
      lines([cause(3, "N/A", "late"), cause(1, "B", " two\r\n\tlines "), cause(2, "B", "two lines")]),
      ["B: two lines", "N/A: late"]
    )
  })
})

describe("ownReasons", () => {
  it("the stack's own reasons are listed once each", () => {
    assert.deepStrictEqual(
      ownReasons(history(
        { reason: "User Initiated" },
        bucket("A", "CREATE_FAILED", "Resource creation cancelled"),
        { status: "ROLLBACK_IN_PROGRESS", reason: "Stack creation time exceeded the specified timeout" },
        { status: "ROLLBACK_FAILED", reason: "Stack creation time exceeded the specified timeout" },
        { status: "ROLLBACK_FAILED" }
      )),
      ["Stack creation time exceeded the specified timeout"]
    )
  })
})

describe("operationIdOf", () => {
  it("the operation id is that of the operation that was started, not of its rollback or of a resource", () => {
    const events = history(
      { ...bucket("A", "CREATE_IN_PROGRESS"), operationId: "of a resource" },
      {},
      { operationId: "of the update" },
      { operationId: "of the rollback" }
    )
    assert.strictEqual(operationIdOf(events), "of the update")
    assert.isUndefined(operationIdOf([]))
  })
})

describe("message", () => {
  it("the message has the status, the causes and the advice, one per line", () => {
    assert.strictEqual(
      message({ head: "Update failed: ROLLBACK_COMPLETE", causes: ["A: quota", "B: quota"], remarks: ["Delete it"] }),
      "Update failed: ROLLBACK_COMPLETE\nA: quota\nB: quota\nDelete it"
    )
    assert.strictEqual(message({ head: "Update failed: S", causes: [], remarks: [] }), "Update failed: S")
  })

  it("the message shows the beginning of each very long cause", () => {
    const text = message({
      head: "Update failed: S",
      causes: ["A", "B", "C"].map((id) => id.repeat(2_000)),
      remarks: ["Delete it"]
    })
    assert.deepStrictEqual(text.split("\n").map((line) => [line[0], line.length]), [
      ["U", 16],
      ["A", 1_000],
      ["B", 1_000],
      ["C", 1_000],
      ["D", 9]
    ])
  })
})

const Text = Schema.String.check(Schema.isPattern(/^[^\n]{1,60}$/))

const Reports = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    text: Text,
    repeat: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
    count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })),
    remarks: Schema.Array(Text).check(Schema.isMaxLength(3))
  })),
  ({ count, remarks, repeat, text }) => ({
    head: "Update failed: UPDATE_ROLLBACK_COMPLETE",
    causes: Array.from({ length: count }, (_, index) => `${index}: ${text.repeat(repeat)}`),
    remarks
  })
)

it.prop("no message exceeds CodePipeline's limit, and omitted causes are mentioned", [Reports], ([report]) => {
  const all = message(report)
  assert.isAtMost(all.length, 5_000)
  const [head, ...rest] = all.split("\n")
  assert.strictEqual(head, "Update failed: UPDATE_ROLLBACK_COMPLETE")
  const shownLines = rest.slice(0, rest.length - report.remarks.length)
  assert.deepStrictEqual(rest.slice(shownLines.length), report.remarks)
  const more = Number(/^… and (\d+) more$/.exec(shownLines.at(-1) ?? "")?.[1] ?? 0)
  const shown = more === 0 ? shownLines : shownLines.slice(0, -1)
  assert.strictEqual(shown.length + more, report.causes.length)
  for (const [index, line] of shown.entries()) {
    assert.isTrue(report.causes[index]?.startsWith(line.replace(" … (cut)", "")))
  }
  if (report.causes.length > 0) assert.isAbove(shown.length, 0)
})

it("a message of any number of causes is made in no time", () => {
  const causes = Array.from({ length: 300_000 }, () => "Queue (AWS::SQS::Queue): quota")
  const lines = message({ head: "Update failed: S", causes, remarks: [] }).split("\n")
  assert.strictEqual(lines.at(-1), `… and ${causes.length - lines.length + 2} more`)
  assert.isBelow(lines.length, 200)
})

/** Events, with a number for each to shuffle them by. */
const Shuffled = Arbitrary.map(
  Arbitrary.schema(Schema.Array(Schema.Struct({
    resource: Schema.UndefinedOr(Schema.Literals(["A", "B"])),
    status: Schema.Literals(["CREATE_FAILED", "CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS"]),
    reason: Schema.Literals(["quota", "Resource creation cancelled", "The following hook(s) failed: [H]"]),
    hook: Schema.Boolean,
    order: Schema.Int
  }))),
  (parts) => ({
    events: history(
      ...parts.map(({ hook, reason, resource, status }) => ({
        ...(resource === undefined ? { status, reason } : bucket(resource, status, reason)),
        ...(hook && { hook: { type: "H", status: "HOOK_FAILED", reason } })
      }))
    ),
    orders: parts.map(({ order }) => order)
  })
)

it.prop("the order of the events does not change the causes", [Shuffled], ([{ events, orders }]) => {
  const shuffled = shuffle(events, orders)
  assert.deepStrictEqual(causes(shuffled), causes(events))
  assert.deepStrictEqual(ownReasons(shuffled), ownReasons(events))
})
