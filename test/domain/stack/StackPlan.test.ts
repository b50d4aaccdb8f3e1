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
  Watch,
  watch,
  WhenBusy
} from "../../../src/domain/stack/StackPlan.ts"
import { StackStatus } from "../../../src/domain/stack/StackStatus.ts"

// So that each status of the table comes up with each kind of evidence.
Arbitrary.configureGlobal({ check: { runs: 1_000 } })

/** The table's, what AWS may add one day, and what no status is. */
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
  Nothing: {},
  Begun: { operation: StackOperation, status: Schema.UndefinedOr(anyStatus) },
  Ended: { operation: StackOperation, status: anyStatus },
  Others: {},
  Unmarked: {}
})

const anyObservation: Arbitrary.Arbitrary<Observation> = Arbitrary.schema(
  Schema.TaggedUnion({
    Absent: {},
    Present: {
      status: anyStatus,
      changedSince: Schema.Boolean,
      changedOfLate: Schema.Boolean,
      createdOfLate: Schema.Boolean
    }
  })
)

const anyPursuit = Schema.Struct({
  operation: Schema.UndefinedOr(StackOperation),
  settle: Schema.Boolean,
  rested: Schema.Boolean
})

const ours = { operation: "update", settle: true, rested: false } as const
const unknown = { ...ours, operation: undefined }

const anyWishes = Schema.Struct({ whenBusy: WhenBusy, disableRollback: Schema.Boolean })
const wishes = { whenBusy: "fail", disableRollback: false } as const

/** When the stack was changed and created; long ago where it does not say. */
type Times = Partial<Record<"changedSince" | "changedOfLate" | "createdOfLate", boolean>>

const present = (status: string, times: Times = {}) =>
  Observation.cases.Present.make({ status, changedSince: false, changedOfLate: false, createdOfLate: false, ...times })

const readsEvents = <Step extends { readonly _tag: string }>(decision: Decision<Step>): decision is ReadEvents<Step> =>
  decision._tag === "ReadEvents"

const settle = <Step extends { readonly _tag: string }>(decision: Decision<Step>, evidence: Evidence): Step =>
  readsEvents(decision) ? decision.decide(evidence) : decision

const runs = (status: string) => status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS"

/** The last of them is not the end, but the success is certain. */
const wentWell = (status: string) =>
  ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"].includes(status)

const begin = (observation: Observation, evidence: Evidence = { _tag: "Others" }) =>
  settle(start("CREATE_UPDATE", wishes, observation), evidence)

describe("start", () => {
  it.prop(
    "has a step for every mode, stack and evidence",
    [Mode, anyWishes, anyObservation, anyEvidence],
    ([mode, wishes, seen, evidence]) => {
      const steps = ["Begin", "Prepare", "Execute", "Adopt", "Postpone", "Refuse", "Gone", "Missing"]
      assert.include(steps, settle(start(mode, wishes, seen), evidence)._tag)
    }
  )

  it.prop("begins nothing on a stack that is under way", [anyStatus, anyEvidence], ([status, evidence]) => {
    if (runs(status)) assert.notStrictEqual(begin(present(status), evidence)._tag, "Begin")
  })

  it.prop(
    "where it would not begin, a second delivery adopts what the first has begun",
    [anyObservation, StackOperation, anyStatus],
    ([seen, operation, status]) => {
      if (begin(seen)._tag === "Begin") return
      assert.deepStrictEqual(begin(seen, { _tag: "Begun", operation, status }), Start.Adopt({ operation }))
      assert.deepStrictEqual(begin(seen, { _tag: "Ended", operation, status }), Start.Adopt({ operation }))
    }
  )

  it.prop("adopts nothing without proof", [anyObservation], ([seen]) => {
    for (const _tag of ["Denied", "Nothing", "Others", "Unmarked"] as const) {
      assert.notStrictEqual(begin(seen, { _tag })._tag, "Adopt")
    }
  })

  it.prop(
    "a stack that is under way is refused only where it is somebody else's for sure",
    [anyStatus, Schema.Literals(["Denied", "Nothing"])],
    ([status, _tag]) => {
      if (runs(status)) assert.deepStrictEqual(begin(present(status), { _tag }), Start.Postpone({ status }))
    }
  )

  it("a stack that was created of late may be our own doing, one that was created long ago is updated", () => {
    const ours = { _tag: "Ended", operation: "create", status: "CREATE_COMPLETE" } as const
    for (const status of ["CREATE_COMPLETE", "IMPORT_COMPLETE"]) {
      assert.deepStrictEqual(
        begin(present(status, { createdOfLate: true }), ours),
        Start.Adopt({ operation: "create" })
      )
      assert.deepStrictEqual(begin(present(status, { createdOfLate: true })), Start.Begin({ operation: "update" }))
      assert.isFalse(readsEvents(start("CREATE_UPDATE", wishes, present(status, { changedOfLate: true }))))
    }
  })

  it.prop("a refusal names the status", [anyStatus, anyEvidence], ([status, evidence]) => {
    const step = begin(present(status), evidence)
    if (step._tag === "Refuse") assert.strictEqual(step.status, status)
  })

  it("creates where there is no stack", () => {
    assert.deepStrictEqual(begin(Observation.cases.Absent.make({})), Start.Begin({ operation: "create" }))
    assert.deepStrictEqual(begin(present("DELETE_COMPLETE")), Start.Begin({ operation: "create" }))
  })

  it("updates the healthy stacks, those after a failed update or import included, and no others", () => {
    assert.sameMembers(
      StackStatus.literals.filter((status) => {
        const step = begin(present(status))
        return step._tag === "Begin" && step.operation === "update"
      }),
      ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"]
    )
  })

  it("waits for the clean-up after an update, done or taken back, and for nothing else", () => {
    assert.sameMembers(
      StackStatus.literals.filter((status) => begin(present(status))._tag === "Postpone"),
      ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"]
    )
  })

  it.prop(
    "waits for somebody else's operation where it is asked to, and does the same as ever where none is under way",
    [anyObservation, anyEvidence],
    ([seen, evidence]) => {
      const asked = settle(start("CREATE_UPDATE", { ...wishes, whenBusy: "wait" }, seen), evidence)
      if (seen._tag === "Present" && runs(seen.status)) assert.include(["Adopt", "Postpone"], asked._tag)
      else assert.deepStrictEqual(asked, begin(seen, evidence))
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
  ])("refuses %s", (status) => {
    assert.deepStrictEqual(begin(present(status)), Start.Refuse({ status }))
  })

  it.prop(
    "goes on without a rollback where one was left out, and does the same as ever on any other stack",
    [anyObservation, anyEvidence],
    ([seen, evidence]) => {
      const going = settle(start("CREATE_UPDATE", { ...wishes, disableRollback: true }, seen), evidence)
      const ever = begin(seen, evidence)
      const left = seen._tag === "Present" && ["CREATE_FAILED", "UPDATE_FAILED"].includes(seen.status)
      assert.deepStrictEqual(going, left && ever._tag === "Refuse" ? Start.Begin({ operation: "update" }) : ever)
    }
  )
})

const stepIn = (mode: Mode, seen: Observation, others: Partial<typeof anyWishes.Type> = {}) =>
  settle(start(mode, { ...wishes, ...others }, seen), { _tag: "Others" })

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
  const atRest = StackStatus.literals.filter((status) => !runs(status) && status !== "DELETE_COMPLETE")

  it("REPLACE_ON_FAILURE deletes exactly the stacks that only deleting helps, and is CREATE_UPDATE else", () => {
    for (const status of StackStatus.literals) {
      const expected = failedStates.includes(status) ? Start.Begin({ operation: "delete" }) : begin(present(status))
      assert.deepStrictEqual(stepIn("REPLACE_ON_FAILURE", present(status)), expected)
    }
    assert.deepStrictEqual(stepIn("REPLACE_ON_FAILURE", absent), Start.Begin({ operation: "create" }))
  })

  it.prop(
    "REPLACE_ON_FAILURE deletes nothing that an earlier delivery has created, and failed to",
    [Schema.Literals(failedStates), StackOperation, anyStatus],
    ([shown, operation, status]) => {
      const decision = start("REPLACE_ON_FAILURE", wishes, present(shown))
      assert.deepStrictEqual(settle(decision, { _tag: "Ended", operation, status }), Start.Adopt({ operation }))
    }
  )

  it("DELETE_ONLY deletes whatever is at rest, and has nothing to do where there is nothing", () => {
    for (const status of atRest) {
      assert.deepStrictEqual(stepIn("DELETE_ONLY", present(status)), Start.Begin({ operation: "delete" }))
    }
    assert.deepStrictEqual(stepIn("DELETE_ONLY", absent), Start.Gone())
    assert.deepStrictEqual(stepIn("DELETE_ONLY", present("DELETE_COMPLETE")), Start.Gone())
  })

  it.each(["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"] as const)("%s makes a change set of the stack's type", (mode) => {
    for (const seen of [absent, present("DELETE_COMPLETE"), present("REVIEW_IN_PROGRESS")]) {
      assert.deepStrictEqual(stepIn(mode, seen), Start.Prepare({ type: "CREATE" }))
    }
    for (const status of healthy) {
      assert.deepStrictEqual(stepIn(mode, present(status)), Start.Prepare({ type: "UPDATE" }))
    }
  })

  it("CHANGE_SET_EXECUTE executes on a healthy stack or a shell, and misses a stack that is not there", () => {
    for (const status of [...healthy, "REVIEW_IN_PROGRESS"]) {
      assert.deepStrictEqual(stepIn("CHANGE_SET_EXECUTE", present(status)), Start.Execute())
    }
    assert.deepStrictEqual(stepIn("CHANGE_SET_EXECUTE", absent), Start.Missing())
    assert.deepStrictEqual(stepIn("CHANGE_SET_EXECUTE", present("DELETE_COMPLETE")), Start.Missing())
  })

  it.each(["CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"] as const)(
    "%s adopts what an earlier delivery has executed",
    (mode) => {
      const decision = start(mode, wishes, present("UPDATE_COMPLETE", { changedOfLate: true }))
      const ended = { _tag: "Ended", operation: "execute", status: "UPDATE_COMPLETE" } as const
      assert.deepStrictEqual(settle(decision, ended), Start.Adopt({ operation: "execute" }))
    }
  )

  it.each(["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"] as const)(
    "%s refuses a stack that has to be repaired",
    (mode) => {
      for (const status of failedStates.filter((status) => status !== "REVIEW_IN_PROGRESS")) {
        assert.deepStrictEqual(stepIn(mode, present(status)), Start.Refuse({ status }))
      }
    }
  )

  it("an update that does not roll back goes on from a failure", () => {
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
  it("a delete has succeeded once the stack is gone, whoever has deleted it, and on nothing else", () => {
    const pursuit = { ...ours, operation: "delete" } as const
    assert.deepStrictEqual(watch(pursuit, present("DELETE_COMPLETE")), Watch.Succeed())
    for (const status of StackStatus.literals) {
      if (runs(status) || status === "DELETE_COMPLETE") continue
      const step = settle(watch(pursuit, present("UPDATE_COMPLETE")), { _tag: "Ended", operation: "delete", status })
      assert.deepStrictEqual(step, Watch.Fail({ status }))
    }
  })

  it.prop(
    "has a step for every stack and evidence",
    [anyPursuit, anyObservation, anyEvidence],
    ([pursuit, seen, evidence]) => {
      assert.include(["Wait", "Succeed", "Fail", "Miss", "Unproven"], settle(watch(pursuit, seen), evidence)._tag)
    }
  )

  it.prop(
    "gives no verdict on a stack that is under way, but that its clean-up need not be waited for",
    [anyPursuit, anyObservation, anyEvidence],
    ([pursuit, seen, evidence]) => {
      if (seen._tag === "Absent" || !runs(seen.status)) return
      const step = settle(watch(pursuit, seen), evidence)
      const cleansUp = seen.status === "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
      if (pursuit.settle || !cleansUp) assert.deepStrictEqual(step, Watch.Wait({ atRest: false }))
    }
  )

  it("an update that cleans up is over where nobody wants to wait, once it is known as ours", () => {
    const status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    const step = (evidence: Evidence, times: Times = {}) =>
      settle(watch({ ...ours, settle: false }, present(status, times)), evidence)
    const wait = Watch.Wait({ atRest: false })
    assert.deepStrictEqual(step({ _tag: "Begun", operation: "update", status }), Watch.Succeed())
    assert.deepStrictEqual(step({ _tag: "Begun", operation: "update", status: "UPDATE_IN_PROGRESS" }), wait)
    assert.deepStrictEqual(step({ _tag: "Begun", operation: "update", status: undefined }), wait)
    assert.deepStrictEqual(step({ _tag: "Others" }), wait)
    assert.deepStrictEqual(step({ _tag: "Denied" }), wait)
    assert.deepStrictEqual(step({ _tag: "Denied" }, { changedSince: true }), Watch.Succeed())
    assert.deepStrictEqual(watch({ ...unknown, settle: false }, present(status)), Watch.Succeed())
  })

  it.prop(
    "never succeeds without a status that says so",
    [anyPursuit, anyObservation, anyEvidence],
    ([pursuit, seen, evidence]) => {
      if (settle(watch(pursuit, seen), evidence)._tag !== "Succeed") return
      const shown = seen._tag === "Present" ? seen.status : ""
      const told = pursuit.operation !== undefined && "status" in evidence ? evidence.status : undefined
      const good = pursuit.operation === "delete" ? (status: string) => status === "DELETE_COMPLETE" : wentWell
      assert.isTrue(good(told ?? shown) || (pursuit.operation === "delete" && good(shown)))
    }
  )

  it.prop(
    "a failure names the status that was judged",
    [anyPursuit, anyObservation, anyEvidence],
    ([pursuit, seen, evidence]) => {
      const step = settle(watch(pursuit, seen), evidence)
      if (step._tag !== "Fail" || seen._tag === "Absent") return
      const judged = pursuit.operation !== undefined && evidence._tag === "Ended" ? evidence.status : seen.status
      assert.strictEqual(step.status, judged)
      if (pursuit.operation !== "delete") assert.isFalse(wentWell(step.status))
    }
  )

  it.prop(
    "the end of our own operation decides, whatever the stack shows",
    [anyStatus, anyStatus, Schema.Boolean],
    ([shown, status, rested]) => {
      if (runs(shown)) return
      const step = settle(watch({ ...ours, rested }, present(shown)), { _tag: "Ended", operation: "update", status })
      assert.deepStrictEqual(step, wentWell(status) ? Watch.Succeed() : Watch.Fail({ status }))
    }
  )

  it.prop(
    "a stack at rest is not judged before the end of our operation is seen, and given up when it has rested for long",
    [anyStatus, Schema.Boolean, Schema.Literals(["Nothing", "Others"])],
    ([status, changedSince, _tag]) => {
      if (runs(status)) return
      const seen = present(status, { changedSince })
      const wait = Watch.Wait({ atRest: true })
      assert.deepStrictEqual(settle(watch(ours, seen), { _tag }), wait)
      assert.deepStrictEqual(settle(watch(ours, seen), { _tag: "Begun", operation: "create", status }), wait)
      assert.deepStrictEqual(settle(watch({ ...ours, rested: true }, seen), { _tag }), Watch.Unproven({ status }))
    }
  )

  it.prop("without sight of the events a stack is judged once it has changed", [anyStatus], ([status]) => {
    if (runs(status)) return
    const judged = wentWell(status) ? Watch.Succeed() : Watch.Fail({ status })
    const step = (times: Times, rested = false) =>
      settle(watch({ ...ours, rested }, present(status, times)), { _tag: "Denied" })
    assert.deepStrictEqual(step({ changedSince: true }), judged)
    assert.deepStrictEqual(step({ changedOfLate: true }), Watch.Wait({ atRest: true }))
    assert.deepStrictEqual(step({ changedOfLate: true }, true), judged)
    assert.deepStrictEqual(step({}, true), Watch.Unproven({ status }))
    assert.deepStrictEqual(settle(watch(ours, present(status)), { _tag: "Unmarked" }), judged)
  })

  it.prop("an operation of which nothing is known is judged by the status alone", [anyStatus], ([status]) => {
    if (runs(status)) return
    assert.deepStrictEqual(
      watch(unknown, present(status)),
      wentWell(status) ? Watch.Succeed() : Watch.Fail({ status })
    )
  })

  it("misses a stack that is gone, one with an operation of ours only after a while", () => {
    const absent = Observation.cases.Absent.make({})
    assert.deepStrictEqual(watch(ours, absent), Watch.Wait({ atRest: true }))
    assert.deepStrictEqual(watch({ ...ours, rested: true }, absent), Watch.Miss())
    assert.deepStrictEqual(watch(unknown, absent), Watch.Miss())
  })
})
