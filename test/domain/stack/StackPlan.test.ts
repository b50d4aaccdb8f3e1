import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { Evidence } from "../../../src/domain/stack/StackEvents.ts"
import { StackOperation } from "../../../src/domain/stack/StackOperation.ts"
import {
  type Decision,
  Mode,
  Observation,
  type ReadEvents,
  Start,
  start,
  watch,
  WatchDecision,
  WhenBusy
} from "../../../src/domain/stack/StackPlan.ts"
import { StackStatus } from "../../../src/domain/stack/StackStatus.ts"
import { setRuns } from "../../seed.ts"

// Enough runs to combine each status of the table with each kind of evidence.
setRuns(1_000)

/** The statuses of the table, possible future ones of AWS, and text that is no status. */
const anyStatus = Schema.Union([
  StackStatus,
  Schema.TemplateLiteral([
    Schema.Literals(["MOVE", "SWAP"]),
    Schema.Literals(["_IN_PROGRESS", "_COMPLETE", "_FAILED"])
  ]),
  Schema.String
])

const anyEvidence = Schema.TaggedUnion({
  Denied: {},
  Inconclusive: {},
  NoEvents: {},
  Begun: { operation: StackOperation, status: Schema.UndefinedOr(anyStatus), idleUntil: Schema.Int },
  Ended: { operation: StackOperation, status: anyStatus, idleUntil: Schema.Int },
  Foreign: {},
  NoTokens: {}
})

const anyObservation: Arbitrary.Arbitrary<Observation> = Arbitrary.schema(
  Schema.TaggedUnion({
    Absent: {},
    Present: {
      status: anyStatus,
      changedAt: Schema.Int,
      changedSince: Schema.Boolean,
      changedInWindow: Schema.Boolean,
      createdInWindow: Schema.Boolean,
      justCreated: Schema.Boolean
    }
  })
)

const anyPursuit = Schema.Struct({
  operation: Schema.UndefinedOr(StackOperation),
  waitForCleanup: Schema.Boolean,
  idleTooLong: Schema.Boolean
})

const ours = { operation: "update", waitForCleanup: true, idleTooLong: false } as const
const unknown = { ...ours, operation: undefined }

const anyWishes = Schema.Struct({
  whenBusy: WhenBusy,
  disableRollback: Schema.Boolean,
  recover: Schema.Boolean,
  isFound: Schema.Boolean
})
const options = { whenBusy: "fail", disableRollback: false, recover: false, isFound: false } as const

/** The times of the stack's last change and creation; by default long ago. */
type Times = Partial<Record<"changedSince" | "changedInWindow" | "createdInWindow" | "justCreated", boolean>>

/** The own operation started before the stack changed. */
const idleUntil = 1_000

const present = (status: string, times: Times = {}) =>
  Observation.cases.Present.make({
    status,
    changedAt: 2_000,
    changedSince: false,
    changedInWindow: false,
    createdInWindow: false,
    justCreated: false,
    ...times
  })

const readsEvents = <Step extends { readonly _tag: string }>(decision: Decision<Step>): decision is ReadEvents<Step> =>
  decision._tag === "ReadEvents"

const resolveDecision = <Step extends { readonly _tag: string }>(decision: Decision<Step>, evidence: Evidence): Step =>
  readsEvents(decision) ? decision.decide(evidence) : decision

const runs = (status: string) => status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS"

/** Successful statuses. The last one is not the end, but the success is certain. */
const wentWell = (status: string) =>
  ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"].includes(status)

/** Whether a rollback has brought the stack to rest: to its last complete state, or to nothing. */
const wentBack = (operation: StackOperation | undefined, status: string) =>
  status === "UPDATE_ROLLBACK_COMPLETE" ||
  (operation === "rollback" && ["ROLLBACK_COMPLETE", "DELETE_COMPLETE"].includes(status))

const isGood = (operation: StackOperation | undefined, status: string) => {
  if (operation?.endsWith("rollback")) return wentBack(operation, status)
  return operation === "delete" ? status === "DELETE_COMPLETE" : wentWell(status)
}

const startDecision = (observation: Observation, evidence: Evidence = { _tag: "Foreign" }) =>
  resolveDecision(start("CREATE_UPDATE", options, observation), evidence)

describe("start", () => {
  it.prop(
    "the start has a decision for every mode, stack and evidence",
    [Mode, anyWishes, anyObservation, anyEvidence],
    ([mode, options, seen, evidence]) => {
      const steps = [
        "Begin",
        "Prepare",
        "Execute",
        "Adopt",
        "Postpone",
        "Refuse",
        "NothingToDelete",
        "NothingToRollBack",
        "StackNotFound"
      ]
      assert.include(steps, resolveDecision(start(mode, options, seen), evidence)._tag)
    }
  )

  it.prop("nothing starts on a stack that is in progress", [anyStatus, anyEvidence], ([status, evidence]) => {
    if (runs(status)) assert.notStrictEqual(startDecision(present(status), evidence)._tag, "Begin")
  })

  it.prop(
    "if nothing can start, a second delivery adopts the operation of the first one",
    [anyObservation, StackOperation, anyStatus],
    ([seen, operation, status]) => {
      if (startDecision(seen)._tag === "Begin") return
      assert.deepStrictEqual(
        startDecision(seen, { _tag: "Begun", operation, status, idleUntil }),
        Start.Adopt({ operation })
      )
      if (operation.endsWith("rollback") && wentBack(operation, status)) return
      assert.deepStrictEqual(
        startDecision(seen, { _tag: "Ended", operation, status, idleUntil }),
        Start.Adopt({ operation })
      )
    }
  )

  it.prop("nothing is adopted without evidence", [anyObservation], ([seen]) => {
    for (const _tag of ["Denied", "Inconclusive", "NoEvents", "Foreign", "NoTokens"] as const) {
      assert.notStrictEqual(startDecision(seen, { _tag })._tag, "Adopt")
    }
  })

  it.prop(
    "a stack in progress is refused only if its operation is certainly foreign",
    [anyStatus, Schema.Literals(["Denied", "Inconclusive", "NoEvents"])],
    ([status, _tag]) => {
      if (runs(status)) assert.deepStrictEqual(startDecision(present(status), { _tag }), Start.Postpone({ status }))
    }
  )

  it("a stack that was created within the redelivery window may be our own, an older one is updated", () => {
    const ours = { _tag: "Ended", operation: "create", status: "CREATE_COMPLETE", idleUntil } as const
    for (const status of ["CREATE_COMPLETE", "IMPORT_COMPLETE"]) {
      assert.deepStrictEqual(
        startDecision(present(status, { createdInWindow: true }), ours),
        Start.Adopt({ operation: "create" })
      )
      assert.deepStrictEqual(
        startDecision(present(status, { createdInWindow: true })),
        Start.Begin({ operation: "update" })
      )
      assert.isFalse(readsEvents(start("CREATE_UPDATE", options, present(status, { changedInWindow: true }))))
    }
  })

  it.prop(
    "nothing starts on a stack that was just created until one of its events is visible",
    [Mode, anyStatus],
    ([mode, status]) => {
      const seen = present(status, { changedInWindow: true, createdInWindow: true, justCreated: true })
      const decision = start(mode, options, seen)
      if (!readsEvents(decision)) return
      assert.deepStrictEqual(decision.decide({ _tag: "NoEvents" }), Start.Postpone({ status }))
      // An older stack without events, as some emulators have it, counts as one of another actor.
      const older = start(mode, options, { ...seen, justCreated: false })
      if (!readsEvents(older)) return assert.fail("the events of an older stack matter too")
      assert.deepStrictEqual(older.decide({ _tag: "NoEvents" }), older.decide({ _tag: "Inconclusive" }))
    }
  )

  it.prop("a refusal names the stack's status", [anyStatus, anyEvidence], ([status, evidence]) => {
    const step = startDecision(present(status), evidence)
    if (step._tag === "Refuse") assert.strictEqual(step.status, status)
  })

  it("a stack that does not exist is created", () => {
    assert.deepStrictEqual(startDecision(Observation.cases.Absent.make({})), Start.Begin({ operation: "create" }))
    assert.deepStrictEqual(startDecision(present("DELETE_COMPLETE")), Start.Begin({ operation: "create" }))
  })

  it("healthy stacks are updated, including those after a failed update or import, and no others", () => {
    assert.sameMembers(
      StackStatus.literals.filter((status) => {
        const step = startDecision(present(status))
        return step._tag === "Begin" && step.operation === "update"
      }),
      ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"]
    )
  })

  it("only the cleanup after an update or its rollback is waited for", () => {
    assert.sameMembers(
      StackStatus.literals.filter((status) => startDecision(present(status))._tag === "Postpone"),
      ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"]
    )
  })

  it.prop(
    "with whenBusy wait, foreign operations are waited for, and idle stacks are treated as without it",
    [anyObservation, anyEvidence],
    ([seen, evidence]) => {
      const waiting = resolveDecision(start("CREATE_UPDATE", { ...options, whenBusy: "wait" }, seen), evidence)
      if (seen._tag === "Present" && runs(seen.status)) assert.include(["Adopt", "Postpone"], waiting._tag)
      else assert.deepStrictEqual(waiting, startDecision(seen, evidence))
    }
  )

  it.each([
    "CREATE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS",
    "SOMETHING_NEW_COMPLETE"
  ])("a stack in status %s is refused", (status) => {
    assert.deepStrictEqual(startDecision(present(status)), Start.Refuse({ status }))
  })

  it.prop(
    "disableRollback continues from a failed operation without rollback, and changes nothing for other stacks",
    [anyObservation, anyEvidence],
    ([seen, evidence]) => {
      const going = resolveDecision(start("CREATE_UPDATE", { ...options, disableRollback: true }, seen), evidence)
      const withoutOption = startDecision(seen, evidence)
      const left = seen._tag === "Present" && ["CREATE_FAILED", "UPDATE_FAILED"].includes(seen.status)
      assert.deepStrictEqual(
        going,
        left && withoutOption._tag === "Refuse" ? Start.Begin({ operation: "update" }) : withoutOption
      )
    }
  )
})

const stepIn = (mode: Mode, seen: Observation, others: Partial<typeof anyWishes.Type> = {}) =>
  resolveDecision(start(mode, { ...options, ...others }, seen), { _tag: "Foreign" })

describe("start, by mode", () => {
  const failedStates = [
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS"
  ]
  const absent = Observation.cases.Absent.make({})
  const healthy = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"]
  const isIdle = StackStatus.literals.filter((status) => !runs(status) && status !== "DELETE_COMPLETE")

  it("REPLACE_ON_FAILURE deletes exactly the stacks that can only be deleted, and equals CREATE_UPDATE otherwise", () => {
    for (const status of StackStatus.literals) {
      const expected = failedStates.includes(status)
        ? Start.Begin({ operation: "delete" })
        : startDecision(present(status))
      assert.deepStrictEqual(stepIn("REPLACE_ON_FAILURE", present(status)), expected)
    }
    assert.deepStrictEqual(stepIn("REPLACE_ON_FAILURE", absent), Start.Begin({ operation: "create" }))
  })

  it.prop(
    "REPLACE_ON_FAILURE deletes nothing that an earlier delivery has created, and failed to",
    [Schema.Literals(failedStates), StackOperation, anyStatus],
    ([shown, operation, status]) => {
      if (operation.endsWith("rollback") && wentBack(operation, status)) return
      const decision = start("REPLACE_ON_FAILURE", options, present(shown))
      assert.deepStrictEqual(
        resolveDecision(decision, { _tag: "Ended", operation, status, idleUntil }),
        Start.Adopt({ operation })
      )
    }
  )

  it("DELETE_ONLY deletes every idle stack, and has nothing to do if the stack does not exist", () => {
    for (const status of isIdle) {
      assert.deepStrictEqual(stepIn("DELETE_ONLY", present(status)), Start.Begin({ operation: "delete" }))
    }
    assert.deepStrictEqual(stepIn("DELETE_ONLY", absent), Start.NothingToDelete())
    assert.deepStrictEqual(stepIn("DELETE_ONLY", present("DELETE_COMPLETE")), Start.NothingToDelete())
  })

  it.each(["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"] as const)(
    "%s creates a change set of the type that fits the stack",
    (mode) => {
      for (const seen of [absent, present("DELETE_COMPLETE"), present("REVIEW_IN_PROGRESS")]) {
        assert.deepStrictEqual(stepIn(mode, seen), Start.Prepare({ type: "CREATE" }))
      }
      for (const status of healthy) {
        assert.deepStrictEqual(stepIn(mode, present(status)), Start.Prepare({ type: "UPDATE" }))
      }
    }
  )

  it("CHANGE_SET_EXECUTE executes on a healthy stack or one in review, and reports a stack that does not exist", () => {
    for (const status of [...healthy, "REVIEW_IN_PROGRESS"]) {
      assert.deepStrictEqual(stepIn("CHANGE_SET_EXECUTE", present(status)), Start.Execute())
    }
    assert.deepStrictEqual(stepIn("CHANGE_SET_EXECUTE", absent), Start.StackNotFound())
    assert.deepStrictEqual(stepIn("CHANGE_SET_EXECUTE", present("DELETE_COMPLETE")), Start.StackNotFound())
  })

  it.each(["CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"] as const)(
    "%s adopts the execution of an earlier delivery",
    (mode) => {
      const decision = start(mode, options, present("UPDATE_COMPLETE", { changedInWindow: true }))
      const ended = { _tag: "Ended", operation: "execute", status: "UPDATE_COMPLETE", idleUntil } as const
      assert.deepStrictEqual(resolveDecision(decision, ended), Start.Adopt({ operation: "execute" }))
    }
  )

  it.each(["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"] as const)(
    "%s refuses a stack that has to be recovered first",
    (mode) => {
      for (const status of failedStates.filter((status) => status !== "REVIEW_IN_PROGRESS")) {
        assert.deepStrictEqual(stepIn(mode, present(status)), Start.Refuse({ status }))
      }
    }
  )

  it("an update without rollback continues from a failed operation", () => {
    for (const status of ["UPDATE_FAILED", "CREATE_FAILED"]) {
      const step = stepIn("CREATE_UPDATE", present(status), { disableRollback: true })
      assert.deepStrictEqual(step, Start.Begin({ operation: "update" }))
    }
    assert.deepStrictEqual(
      stepIn("CREATE_UPDATE", present("ROLLBACK_COMPLETE"), { disableRollback: true }),
      Start.Refuse({ status: "ROLLBACK_COMPLETE" })
    )
  })
})

describe("watch", () => {
  it("a delete has succeeded once the stack does not exist, whoever deleted it, and not earlier", () => {
    const context = { ...ours, operation: "delete" } as const
    assert.deepStrictEqual(watch(context, present("DELETE_COMPLETE")), WatchDecision.Succeed())
    for (const status of StackStatus.literals) {
      if (runs(status) || status === "DELETE_COMPLETE") continue
      const step = resolveDecision(watch(context, present("UPDATE_COMPLETE")), {
        _tag: "Ended",
        operation: "delete",
        status,
        idleUntil
      })
      assert.deepStrictEqual(step, WatchDecision.Fail({ status }))
    }
  })

  it.prop(
    "the watch has a decision for every stack and evidence",
    [anyPursuit, anyObservation, anyEvidence],
    ([context, seen, evidence]) => {
      assert.include(
        ["Wait", "Succeed", "Fail", "StackNotFound", "Unproven"],
        resolveDecision(watch(context, seen), evidence)._tag
      )
    }
  )

  it.prop(
    "a stack in progress gets no verdict, except during a cleanup that is not waited for",
    [anyPursuit, anyObservation, anyEvidence],
    ([context, seen, evidence]) => {
      if (seen._tag === "Absent" || !runs(seen.status)) return
      const step = resolveDecision(watch(context, seen), evidence)
      const cleansUp = seen.status === "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
      if (context.waitForCleanup || !cleansUp) assert.deepStrictEqual(step, WatchDecision.Wait({ isIdle: false }))
    }
  )

  it("without waitForCleanup, an own update in its cleanup has succeeded", () => {
    const status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    const step = (evidence: Evidence, times: Times = {}) =>
      resolveDecision(watch({ ...ours, waitForCleanup: false }, present(status, times)), evidence)
    const wait = WatchDecision.Wait({ isIdle: false })
    assert.deepStrictEqual(step({ _tag: "Begun", operation: "update", status, idleUntil }), WatchDecision.Succeed())
    assert.deepStrictEqual(step({ _tag: "Begun", operation: "update", status: "UPDATE_IN_PROGRESS", idleUntil }), wait)
    assert.deepStrictEqual(step({ _tag: "Begun", operation: "update", status: undefined, idleUntil }), wait)
    assert.deepStrictEqual(
      step({ _tag: "Begun", operation: "update", status, idleUntil: 2_001 }),
      WatchDecision.Wait({ isIdle: true })
    )
    assert.deepStrictEqual(step({ _tag: "Foreign" }), wait)
    assert.deepStrictEqual(step({ _tag: "Denied" }), wait)
    assert.deepStrictEqual(step({ _tag: "Denied" }, { changedSince: true }), WatchDecision.Succeed())
    assert.deepStrictEqual(watch({ ...unknown, waitForCleanup: false }, present(status)), WatchDecision.Succeed())
  })

  it.prop(
    "no operation succeeds without a successful status",
    [anyPursuit, anyObservation, anyEvidence],
    ([context, seen, evidence]) => {
      if (resolveDecision(watch(context, seen), evidence)._tag !== "Succeed") return
      const shown = seen._tag === "Present" ? seen.status : ""
      const own = context.operation !== undefined && "status" in evidence ? evidence.status : undefined
      const good = (status: string) => isGood(context.operation, status)
      assert.isTrue(good(own ?? shown) || (context.operation === "delete" && good(shown)))
    }
  )

  it.prop(
    "a failure names the status that was judged",
    [anyPursuit, anyObservation, anyEvidence],
    ([context, seen, evidence]) => {
      const step = resolveDecision(watch(context, seen), evidence)
      if (step._tag !== "Fail" || seen._tag === "Absent") return
      const judged = context.operation !== undefined && evidence._tag === "Ended" ? evidence.status : seen.status
      assert.strictEqual(step.status, judged)
      assert.isFalse(isGood(context.operation, step.status))
    }
  )

  it.prop(
    "the end of our own operation decides, whatever the stack shows, if the stack is described as of then or later",
    [anyStatus, anyStatus, Schema.Boolean],
    ([shown, status, idleTooLong]) => {
      if (runs(shown)) return
      const step = (changedAt: number) =>
        resolveDecision(watch({ ...ours, idleTooLong }, { ...present(shown), changedAt }), {
          _tag: "Ended",
          operation: "update",
          status,
          idleUntil
        })
      const verdict = wentWell(status) ? WatchDecision.Succeed() : WatchDecision.Fail({ status })
      // A description from before the operation is not the result's. It counts if the stack never shows another one.
      const earlier = idleTooLong ? verdict : WatchDecision.Wait({ isIdle: true })
      assert.deepStrictEqual(step(idleUntil), shown === "REVIEW_IN_PROGRESS" ? earlier : verdict)
      assert.deepStrictEqual(step(idleUntil - 1), earlier)
    }
  )

  it.prop(
    "an idle stack is not judged before our operation's end is visible, and given up when it was idle for too long",
    [anyStatus, Schema.Boolean, Schema.Literals(["Inconclusive", "NoEvents", "Foreign"])],
    ([status, changedSince, _tag]) => {
      if (runs(status)) return
      const seen = present(status, { changedSince })
      const wait = WatchDecision.Wait({ isIdle: true })
      assert.deepStrictEqual(resolveDecision(watch(ours, seen), { _tag }), wait)
      const begun = { _tag: "Begun", operation: "create", status, idleUntil } as const
      assert.deepStrictEqual(resolveDecision(watch(ours, seen), begun), wait)
      // An operation that has begun is not given up.
      assert.deepStrictEqual(resolveDecision(watch({ ...ours, idleTooLong: true }, seen), begun), wait)
      assert.deepStrictEqual(
        resolveDecision(watch({ ...ours, idleTooLong: true }, seen), { _tag }),
        WatchDecision.Unproven({ status })
      )
    }
  )

  it.prop("without permission to read events, a stack is judged once it has changed", [anyStatus], ([status]) => {
    if (runs(status)) return
    const judged = wentWell(status) ? WatchDecision.Succeed() : WatchDecision.Fail({ status })
    const step = (times: Times, idleTooLong = false) =>
      resolveDecision(watch({ ...ours, idleTooLong }, present(status, times)), { _tag: "Denied" })
    assert.deepStrictEqual(step({ changedSince: true }), judged)
    assert.deepStrictEqual(step({ changedInWindow: true }), WatchDecision.Wait({ isIdle: true }))
    assert.deepStrictEqual(step({ changedInWindow: true }, true), judged)
    assert.deepStrictEqual(step({}, true), WatchDecision.Unproven({ status }))
    assert.deepStrictEqual(resolveDecision(watch(ours, present(status)), { _tag: "NoTokens" }), judged)
  })

  it.prop("an operation of another program is judged by the status alone", [anyStatus], ([status]) => {
    if (runs(status)) return
    assert.deepStrictEqual(
      watch(unknown, present(status)),
      wentWell(status) ? WatchDecision.Succeed() : WatchDecision.Fail({ status })
    )
  })

  it("a stack that does not exist is reported, one with an own operation only after a while", () => {
    const absent = Observation.cases.Absent.make({})
    assert.deepStrictEqual(watch(ours, absent), WatchDecision.Wait({ isIdle: true }))
    assert.deepStrictEqual(watch({ ...ours, idleTooLong: true }, absent), WatchDecision.StackNotFound())
    assert.deepStrictEqual(watch(unknown, absent), WatchDecision.StackNotFound())
  })
})

describe("start with recover", () => {
  const modes = ["CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"] as const
  const recover = { ...options, recover: true }
  const starts: ReadonlyArray<readonly [status: string, operation: "rollback" | "continue-rollback"]> = [
    ["UPDATE_FAILED", "rollback"],
    ["UPDATE_ROLLBACK_FAILED", "continue-rollback"]
  ]

  describe.each(modes)("%s", (mode) => {
    it("rolls back exactly the stacks that can be deployed after it, and treats all others as without it", () => {
      for (const status of StackStatus.literals) {
        const [, operation] = starts.find(([from]) => from === status) ?? []
        const expected = operation === undefined ? stepIn(mode, present(status)) : Start.Begin({ operation })
        assert.deepStrictEqual(stepIn(mode, present(status), { recover: true }), expected)
      }
    })

    it.each(starts)("goes on after its own rollback: %s", (shown, operation) => {
      const step = (status: string, times: { readonly changedAt: number; readonly idleUntil?: number }) =>
        resolveDecision(start(mode, recover, { ...present(status), changedAt: times.changedAt }), {
          _tag: "Ended",
          operation,
          status: "UPDATE_ROLLBACK_COMPLETE",
          idleUntil: times.idleUntil ?? idleUntil
        })
      const later = { changedAt: idleUntil }
      const rested = "UPDATE_ROLLBACK_COMPLETE"
      assert.deepStrictEqual(step(rested, later), stepIn(mode, present(rested), { recover: true }))
      // Described as before the rollback, or too few events were read to know.
      assert.deepStrictEqual(step(shown, { changedAt: idleUntil - 1 }), Start.Postpone({ status: shown }))
      assert.deepStrictEqual(step(shown, { ...later, idleUntil: 0 }), Start.Postpone({ status: shown }))
      // Another actor's update failed after the rollback.
      assert.deepStrictEqual(step(shown, later), Start.Refuse({ status: shown }))
      const running = "UPDATE_ROLLBACK_IN_PROGRESS"
      assert.deepStrictEqual(step(running, later), Start.Postpone({ status: running }))
    })

    it.each(starts)("adopts its own rollback while it runs, and after it has failed: %s", (status, operation) => {
      for (const _tag of ["Begun", "Ended"] as const) {
        const evidence = { _tag, operation, status: "UPDATE_ROLLBACK_FAILED", idleUntil } as const
        assert.deepStrictEqual(
          resolveDecision(start(mode, recover, present(status)), evidence),
          Start.Adopt({ operation })
        )
      }
    })
  })

  it("an update without rollback needs no recovery", () => {
    const step = stepIn("CREATE_UPDATE", present("UPDATE_FAILED"), { recover: true, disableRollback: true })
    assert.deepStrictEqual(step, Start.Begin({ operation: "update" }))
  })
})

describe("start in mode ROLLBACK", () => {
  it.each(
    [
      ["CREATE_FAILED", "rollback"],
      ["UPDATE_FAILED", "rollback"],
      ["UPDATE_ROLLBACK_FAILED", "continue-rollback"]
    ] as const
  )("a stack in status %s starts a %s", (status, operation) => {
    assert.deepStrictEqual(stepIn("ROLLBACK", present(status)), Start.Begin({ operation }))
  })

  it("a stack that is at rest or does not exist need not be rolled back", () => {
    const rested = [
      "CREATE_COMPLETE",
      "UPDATE_COMPLETE",
      "UPDATE_ROLLBACK_COMPLETE",
      "IMPORT_COMPLETE",
      "IMPORT_ROLLBACK_COMPLETE",
      "DELETE_COMPLETE",
      "REVIEW_IN_PROGRESS"
    ]
    for (const status of rested) {
      assert.deepStrictEqual(stepIn("ROLLBACK", present(status)), Start.NothingToRollBack({ status }))
    }
    const absent = stepIn("ROLLBACK", Observation.cases.Absent.make({}))
    assert.deepStrictEqual(absent, Start.NothingToRollBack({ status: undefined }))
  })

  it.each(["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED"])(
    "a stack in status %s is refused",
    (status) => {
      assert.deepStrictEqual(stepIn("ROLLBACK", present(status)), Start.Refuse({ status }))
    }
  )

  it("a stack that an earlier job found not at rest, and that is rolled back now, has reached the goal", () => {
    const steps = ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"].map((status) =>
      stepIn("ROLLBACK", present(status), { isFound: true })
    )
    assert.deepStrictEqual(steps, [
      Start.NothingToRollBack({ status: "ROLLBACK_COMPLETE" }),
      Start.Refuse({ status: "ROLLBACK_FAILED" })
    ])
  })

  it.prop(
    "a second delivery adopts the rollback of the first one, however it ended",
    [Schema.Literals(["CREATE_FAILED", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"]), anyStatus],
    ([shown, status]) => {
      const operation = "rollback"
      const decision = start("ROLLBACK", options, present(shown))
      assert.deepStrictEqual(
        resolveDecision(decision, { _tag: "Ended", operation, status, idleUntil }),
        Start.Adopt({ operation })
      )
    }
  )
})

const endedWith = (status: string) =>
  ({ _tag: "Ended", operation: "continue-rollback", status, idleUntil: 1_000 }) as const

describe("watch of a rollback", () => {
  const context = { ...ours, operation: "continue-rollback" } as const
  const step = (shown: string, evidence: Evidence, idleTooLong = false) =>
    resolveDecision(watch({ ...context, idleTooLong }, { ...present(shown), changedAt: 0 }), evidence)
  const wait = WatchDecision.Wait({ isIdle: true })

  it("it succeeds once the stack shows it, although the rollback is no change of the stack", () => {
    assert.deepStrictEqual(
      step("UPDATE_ROLLBACK_COMPLETE", endedWith("UPDATE_ROLLBACK_COMPLETE")),
      WatchDecision.Succeed()
    )
    assert.deepStrictEqual(step("UPDATE_ROLLBACK_FAILED", endedWith("UPDATE_ROLLBACK_COMPLETE")), wait)
    assert.deepStrictEqual(
      step("UPDATE_ROLLBACK_FAILED", endedWith("UPDATE_ROLLBACK_COMPLETE"), true),
      WatchDecision.Succeed()
    )
  })

  it("it fails if the stack ends where it began", () => {
    const status = "UPDATE_ROLLBACK_FAILED"
    assert.deepStrictEqual(step(status, endedWith(status)), WatchDecision.Fail({ status }))
  })

  it("it fails if another actor deletes the stack", () => {
    const status = "DELETE_COMPLETE"
    assert.deepStrictEqual(step(status, endedWith(status)), WatchDecision.Fail({ status }))
  })

  it("without permission to read events, another status than before proves it, or the same one after a while", () => {
    const denied = { _tag: "Denied" } as const
    assert.deepStrictEqual(step("UPDATE_ROLLBACK_COMPLETE", denied), WatchDecision.Succeed())
    assert.deepStrictEqual(step("ROLLBACK_FAILED", denied), WatchDecision.Fail({ status: "ROLLBACK_FAILED" }))
    const status = "UPDATE_ROLLBACK_FAILED"
    assert.deepStrictEqual(step(status, denied), wait)
    assert.deepStrictEqual(step(status, denied, true), WatchDecision.Fail({ status }))
  })
})
