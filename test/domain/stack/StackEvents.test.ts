import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { JobId } from "../../../src/domain/job/Job.ts"
import {
  Evidence,
  evidence,
  ofOperation,
  reachBack,
  reachTime,
  type StackEvent,
  underWay
} from "../../../src/domain/stack/StackEvents.ts"
import { type Owner, StackOperation } from "../../../src/domain/stack/StackOperation.ts"
import { StackStatus } from "../../../src/domain/stack/StackStatus.ts"
import { shuffle } from "./shuffle.ts"

const calledAt = 1_000
const owner: Owner = { firstJobId: JobId.make("j1"), calledAt }
/** The owner of an operation that an earlier delivery may have started. */
const adopter: Owner = { firstJobId: JobId.make("j1") }

const stackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0"

type Part = readonly [status: string, token?: string | undefined, reason?: string | undefined]

const event = (
  timestamp: number,
  [status, clientRequestToken, reason]: Part,
  resource: Partial<StackEvent>
): StackEvent => ({
  stackId,
  timestamp,
  logicalResourceId: "S",
  physicalResourceId: stackId,
  resourceType: "AWS::CloudFormation::Stack",
  status,
  ...(clientRequestToken !== undefined && { clientRequestToken }),
  ...(reason !== undefined && { reason }),
  ...resource
})

const ofStack = (...part: Part) => (timestamp: number) => event(timestamp, part, {})
const ofResource = (logicalResourceId: string, ...part: Part) => (timestamp: number) =>
  event(timestamp, part, { logicalResourceId, physicalResourceId: "bucket-1", resourceType: "AWS::S3::Bucket" })

/** Events one second apart, the first one a second after the call; newest first, as AWS lists them. */
const history = (...events: ReadonlyArray<(timestamp: number) => StackEvent>) =>
  events.map((event, index) => event(calledAt + 1_000 * (index + 1))).toReversed()

/** The same events at a later time. */
const shifted = (events: ReadonlyArray<StackEvent>, milliseconds: number) =>
  events.map((event) => ({ ...event, timestamp: event.timestamp + milliseconds }))

const begun = (operation: StackOperation, status: string | undefined, idleUntil = 0) =>
  Evidence.Begun({ operation, status, idleUntil })
const ended = (operation: StackOperation, status: string, idleUntil = 0) =>
  Evidence.Ended({ operation, status, idleUntil })

describe("evidence", () => {
  it("without events there is no evidence", () => {
    assert.deepStrictEqual(evidence([], owner), Evidence.NoEvents())
  })

  it.each(StackOperation.literals)(
    "an own %s is recognized while it runs and after it has ended",
    (operation) => {
      const running = [
        ofStack("UPDATE_IN_PROGRESS", `${operation}-j1`),
        ofResource("B", "UPDATE_FAILED", `${operation}-j1`)
      ]
      assert.deepStrictEqual(
        evidence(history(...running), owner),
        begun(operation, "UPDATE_IN_PROGRESS")
      )
      const over = [...running, ofStack("UPDATE_ROLLBACK_COMPLETE", `${operation}-j1`)]
      assert.deepStrictEqual(evidence(history(...over), owner), ended(operation, "UPDATE_ROLLBACK_COMPLETE"))
    }
  )

  it("the cleanup belongs to our update", () => {
    const events = history(ofStack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "update-j1"))
    assert.deepStrictEqual(evidence(events, owner), begun("update", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
  })

  it.each(["UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])(
    "an own update that was interrupted by %s during its cleanup has succeeded",
    (status) => {
      const events = history(
        ofStack("UPDATE_IN_PROGRESS", "update-j1"),
        ofStack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "update-j1"),
        ofStack(status, "Console-1"),
        ofStack("DELETE_FAILED", "Console-1")
      )
      const succeeded = ended("update", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
      assert.deepStrictEqual(evidence(events, owner), succeeded)
    }
  )

  it("of two own operations the later one counts, unless the earlier one is asked for by name", () => {
    const events = history(
      ofStack("CREATE_IN_PROGRESS", "create-j1"),
      ofStack("CREATE_COMPLETE", "create-j1"),
      ofStack("UPDATE_IN_PROGRESS", "update-j1")
    )
    const started = begun("update", "UPDATE_IN_PROGRESS", calledAt + 2_000)
    assert.deepStrictEqual(evidence(events, owner), started)
    assert.deepStrictEqual(
      evidence(events, owner, ["create"]),
      ended("create", "CREATE_COMPLETE")
    )
    assert.deepStrictEqual(evidence(events, owner, []), Evidence.Foreign())
  })

  it("a later foreign operation does not change the result of ours", () => {
    const events = history(
      ofStack("UPDATE_IN_PROGRESS", "update-j1"),
      ofStack("UPDATE_ROLLBACK_COMPLETE", "update-j1"),
      ofStack("UPDATE_IN_PROGRESS", "update-j2"),
      ofStack("UPDATE_COMPLETE", "update-j2")
    )
    const rolledBack = ended("update", "UPDATE_ROLLBACK_COMPLETE")
    assert.deepStrictEqual(evidence(events, owner), rolledBack)
  })

  it("a foreign operation is no evidence of ours", () => {
    assert.deepStrictEqual(evidence(history(ofStack("UPDATE_COMPLETE", "update-j2")), owner), Evidence.Inconclusive())
    assert.deepStrictEqual(evidence(history(ofStack("UPDATE_COMPLETE", "")), owner), Evidence.Inconclusive())
  })

  it("the end of a resource, or of a nested stack, is not the stack's end, but shows that our operation has started", () => {
    const nested = ofResource("Nested", "UPDATE_COMPLETE", "update-j1")
    assert.deepStrictEqual(evidence(history(nested), owner), begun("update", undefined))
  })

  it("an event of a hook on the stack does not change the stack's status", () => {
    const hook = { type: "Org::Policy::Hook", status: "HOOK_COMPLETE_SUCCEEDED" }
    const events = history(
      ofStack("UPDATE_IN_PROGRESS", "update-j1"),
      (timestamp) => ({ ...ofStack("", "update-j1")(timestamp), hook })
    )
    const started = begun("update", "UPDATE_IN_PROGRESS")
    assert.deepStrictEqual(evidence(events, owner), started)
  })

  it("a running operation without our token is foreign", () => {
    assert.deepStrictEqual(evidence(history(ofStack("UPDATE_IN_PROGRESS", "update-j2")), owner), Evidence.Foreign())
    const before = shifted(history(ofStack("UPDATE_IN_PROGRESS")), -5_000)
    assert.deepStrictEqual(evidence(before, owner), Evidence.Foreign())
  })

  it("a cancelled update has ended with its rollback, whatever follows", () => {
    const cancelled = [
      ofStack("UPDATE_IN_PROGRESS", "update-j1"),
      ofStack("UPDATE_ROLLBACK_IN_PROGRESS", "Console-CancelUpdateStack-1")
    ]
    const started = begun("update", "UPDATE_IN_PROGRESS")
    assert.deepStrictEqual(evidence(history(...cancelled), owner), started)
    const later = [
      ofStack("UPDATE_ROLLBACK_COMPLETE", "Console-CancelUpdateStack-1"),
      ofStack("UPDATE_IN_PROGRESS", "update-j2"),
      ofStack("UPDATE_COMPLETE", "update-j2")
    ]
    assert.deepStrictEqual(
      evidence(history(...cancelled, ...later), owner),
      ended("update", "UPDATE_ROLLBACK_COMPLETE")
    )
  })

  it("a create that was interrupted by a delete has ended with it", () => {
    const events = history(
      ofStack("CREATE_IN_PROGRESS", "create-j1"),
      ofStack("DELETE_IN_PROGRESS"),
      ofStack("DELETE_COMPLETE")
    )
    assert.deepStrictEqual(
      evidence(events, owner),
      ended("create", "DELETE_COMPLETE")
    )
  })

  it("an operation without any tokens, as emulators show it, is ours unless it is older than our call", () => {
    const events = history(
      ofStack("UPDATE_IN_PROGRESS"),
      ofResource("B", "UPDATE_COMPLETE"),
      ofStack("UPDATE_COMPLETE")
    )
    const start = events.at(-1)?.timestamp ?? 0
    assert.deepStrictEqual(evidence(shifted(events, calledAt - start), owner), Evidence.NoTokens())
    assert.deepStrictEqual(evidence(shifted(events, calledAt - start - 1), owner), Evidence.Inconclusive())
  })

  it("an operation without a token is not ours if an earlier delivery may have started ours", () => {
    assert.deepStrictEqual(evidence(history(ofStack("UPDATE_COMPLETE")), adopter), Evidence.Inconclusive())
    assert.deepStrictEqual(evidence(history(ofStack("UPDATE_IN_PROGRESS")), adopter), Evidence.Foreign())
  })

  it.each([
    ["before", [ofStack("CREATE_COMPLETE", "create-j2"), ofStack("UPDATE_COMPLETE")]],
    ["of a resource", [ofStack("UPDATE_COMPLETE"), ofResource("B", "UPDATE_COMPLETE", "Console-1")]],
    ["after it", [ofStack("UPDATE_COMPLETE"), ofStack("UPDATE_COMPLETE", "update-j2")]]
  ])("an operation without a token is not ours if any event has a token: %s", (_, parts) => {
    assert.deepStrictEqual(evidence(history(...parts), owner), Evidence.Inconclusive())
  })
})

describe("ofOperation", () => {
  it("the events of an operation are those with its token", () => {
    const events = history(
      ofStack("UPDATE_COMPLETE", "create-j1"),
      ofStack("UPDATE_COMPLETE", "update-j2"),
      ofResource("B", "UPDATE_COMPLETE", "update-j1")
    )
    assert.deepStrictEqual(ofOperation(events, owner, "update"), events.slice(0, 1))
  })

  it("without any tokens, the events of an operation are those since our call", () => {
    const events = shifted(history(ofResource("A", "CREATE_FAILED")), -1_000)
    assert.deepStrictEqual(ofOperation(events, owner, "create"), events)
    assert.deepStrictEqual(ofOperation(shifted(events, -1), owner, "create"), [])
    assert.deepStrictEqual(ofOperation(events, adopter, "create"), [])
  })

  it.each(["update-j1", "update-j2"])(
    "events without a token do not belong to the operation if any event has a token: %s",
    (token) => {
      const theirs = [ofResource("A", "UPDATE_FAILED"), ofStack("UPDATE_ROLLBACK_COMPLETE")]
      const marked = ofResource("B", "UPDATE_FAILED", token)
      for (const parts of [[marked, ...theirs], [...theirs, marked]]) {
        const tokens = ofOperation(history(...parts), owner, "update").map((event) => event.clientRequestToken)
        assert.deepStrictEqual(tokens, token === "update-j1" ? [token] : [])
      }
    }
  )
})

const statusOf = (...events: ReadonlyArray<(timestamp: number) => StackEvent>) =>
  underWay(history(...events), owner, "update")?.status

describe("underWay", () => {
  it("the status of a running operation is that of the stack's newest event", () => {
    assert.strictEqual(
      statusOf(ofStack("UPDATE_IN_PROGRESS", "update-j1"), ofResource("B", "UPDATE_COMPLETE", "update-j1")),
      "UPDATE_IN_PROGRESS"
    )
    assert.strictEqual(
      statusOf(ofStack("UPDATE_IN_PROGRESS", "update-j1"), ofStack("UPDATE_ROLLBACK_IN_PROGRESS", "update-j1")),
      "UPDATE_ROLLBACK_IN_PROGRESS"
    )
  })

  it("there is no status of a running operation after its end, for foreign operations, or from events of resources alone", () => {
    const started = ofStack("UPDATE_IN_PROGRESS", "update-j1")
    assert.isUndefined(statusOf(started, ofStack("UPDATE_COMPLETE", "update-j1")))
    assert.isUndefined(statusOf(started, ofStack("DELETE_IN_PROGRESS", "Console-1")))
    assert.isUndefined(statusOf(ofStack("UPDATE_IN_PROGRESS", "create-j1")))
    assert.isUndefined(statusOf(ofStack("UPDATE_IN_PROGRESS")))
    assert.isUndefined(statusOf(ofResource("B", "UPDATE_COMPLETE", "update-j1")))
    assert.isUndefined(statusOf())
  })
})

it("the stack was idle until the last event before the own operation", () => {
  const events = history(
    ofStack("CREATE_COMPLETE", "create-j0"),
    ofResource("B", "CREATE_COMPLETE", "create-j0"),
    ofStack("UPDATE_IN_PROGRESS", "update-j1"),
    ofStack("UPDATE_COMPLETE", "update-j1"),
    ofStack("UPDATE_IN_PROGRESS", "update-j2")
  )
  assert.deepStrictEqual(evidence(events, owner), ended("update", "UPDATE_COMPLETE", calledAt + 2_000))

  const created = history(
    ofStack("REVIEW_IN_PROGRESS"),
    ofStack("CREATE_IN_PROGRESS", "execute-j1"),
    ofStack("CREATE_COMPLETE", "execute-j1")
  )
  assert.deepStrictEqual(evidence(created, owner), ended("execute", "CREATE_COMPLETE"))
})

describe("reachTime", () => {
  it("events reach back to a time if one of them is older", () => {
    const events = history(ofStack("CREATE_COMPLETE"))
    assert.isTrue(reachTime(events, calledAt + 1_001))
    assert.isFalse(reachTime(events, calledAt + 1_000))
    assert.isFalse(reachTime([], calledAt))
  })
})

describe("reachBack", () => {
  it("events reach back to the operation's start if its first event is among them, and one from before it", () => {
    const events = history(
      ofStack("CREATE_IN_PROGRESS", "create-j1"),
      ofStack("UPDATE_IN_PROGRESS", "update-j1"),
      ofResource("B", "UPDATE_IN_PROGRESS", "update-j1"),
      ofStack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "update-j1"),
      ofStack("UPDATE_COMPLETE", "update-j1")
    )
    assert.deepStrictEqual([1, 2, 3, 4, 5].map((count) => reachBack(events.slice(0, count), owner, "update")), [
      false,
      false,
      false,
      false,
      true
    ])
    assert.isFalse(reachBack(history(ofStack("UPDATE_IN_PROGRESS")), owner, "update"))
    // A stack has no events before its create.
    assert.isTrue(reachBack(history(ofStack("CREATE_IN_PROGRESS", "create-j1")), owner, "create"))
  })
})

describe("a rollback that is an operation of its own", () => {
  const events = history(
    ofStack("UPDATE_IN_PROGRESS", "update-j0"),
    ofStack("UPDATE_ROLLBACK_IN_PROGRESS", "update-j0"),
    ofStack("UPDATE_ROLLBACK_FAILED", "update-j0"),
    ofStack("UPDATE_ROLLBACK_IN_PROGRESS", "continue-rollback-j1"),
    ofStack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "continue-rollback-j1"),
    ofStack("UPDATE_ROLLBACK_COMPLETE", "continue-rollback-j1")
  )

  it("it has ended with its own status, after the rollback that failed", () => {
    const own = ended("continue-rollback", "UPDATE_ROLLBACK_COMPLETE", calledAt + 3_000)
    assert.deepStrictEqual(evidence(events, owner), own)
  })

  it("it starts with the status in which an automatic rollback goes on", () => {
    assert.isTrue(reachBack(events.slice(0, 4), owner, "continue-rollback"))
    assert.isFalse(reachBack(events.slice(0, 3), owner, "continue-rollback"))
    const automatic = history(ofStack("UPDATE_FAILED", "x"), ofStack("UPDATE_ROLLBACK_IN_PROGRESS", "update-j1"))
    assert.isFalse(reachBack(automatic, owner, "update"))
  })

  it("without tokens, as emulators show it, it is ours since our call", () => {
    const bare = history(ofStack("UPDATE_ROLLBACK_IN_PROGRESS"), ofStack("UPDATE_ROLLBACK_COMPLETE"))
    assert.deepStrictEqual(evidence(bare, owner, ["continue-rollback"]), Evidence.NoTokens())
    assert.deepStrictEqual(evidence(bare, owner, ["update"]), Evidence.Inconclusive())
  })
})

/** Events of a stack, with a number for each event to shuffle them by. */
const Shuffled = Arbitrary.map(
  Arbitrary.schema(Schema.Array(Schema.Struct({
    resource: Schema.UndefinedOr(Schema.Literals(["A", "B"])),
    status: StackStatus,
    token: Schema.UndefinedOr(Schema.Literals(["create-j1", "update-j1", "update-j2"])),
    reason: Schema.UndefinedOr(Schema.Literals(["quota", "cancelled", "User Initiated"])),
    order: Schema.Int
  }))),
  (parts) => ({
    events: history(
      ...parts.map(({ reason, resource, status, token }) =>
        resource === undefined ? ofStack(status, token, reason) : ofResource(resource, status, token, reason)
      )
    ),
    orders: parts.map(({ order }) => order)
  })
)

it.prop("the order of the events does not change the evidence", [Shuffled], ([{ events, orders }]) => {
  const shuffled = shuffle(events, orders)
  assert.deepStrictEqual(evidence(shuffled, owner), evidence(events, owner))
})

it.prop("an operation is own only with a token of ours", [Shuffled], ([{ events }]) => {
  const found = evidence(events, owner)
  if (found._tag !== "Begun" && found._tag !== "Ended") return
  assert.include(events.map(({ clientRequestToken }) => clientRequestToken), `${found.operation}-j1`)
})
