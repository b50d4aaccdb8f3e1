import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { Evidence } from "../../src/domain/StackEvents.ts"
import { StackOperation } from "../../src/domain/StackOperation.ts"
import {
  type Decision,
  Mode,
  Observation,
  type ReadEvents,
  Start,
  start,
  Watch,
  watch
} from "../../src/domain/StackPlan.ts"
import { StackStatus } from "../../src/domain/StackStatus.ts"

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
  Begun: { operation: StackOperation },
  Ended: { operation: StackOperation, status: anyStatus },
  Others: {},
  Unmarked: {}
})

const anyObservation: Arbitrary.Arbitrary<Observation> = Arbitrary.schema(
  Schema.TaggedUnion({
    Absent: {},
    Present: { status: anyStatus, changedSince: Schema.Boolean, createdSince: Schema.Boolean }
  })
)

const present = (status: string, changedSince = false, createdSince = false) =>
  Observation.cases.Present.make({ status, changedSince, createdSince })

const readsEvents = <Step extends { readonly _tag: string }>(decision: Decision<Step>): decision is ReadEvents<Step> =>
  decision._tag === "ReadEvents"

const settle = <Step extends { readonly _tag: string }>(decision: Decision<Step>, evidence: Evidence): Step =>
  readsEvents(decision) ? decision.decide(evidence) : decision

const runs = (status: string) => status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS"
const wentWell = (status: string) => ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"].includes(status)

const begin = (observation: Observation, evidence: Evidence = { _tag: "Others" }) =>
  settle(start("CREATE_UPDATE", observation), evidence)

describe("start", () => {
  it.prop(
    "has a step for every mode, stack and evidence",
    [Mode, anyObservation, anyEvidence],
    ([mode, seen, evidence]) => {
      assert.include(["Begin", "Adopt", "Postpone", "Refuse"], settle(start(mode, seen), evidence)._tag)
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
      assert.deepStrictEqual(begin(seen, { _tag: "Begun", operation }), Start.Adopt({ operation }))
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
      assert.deepStrictEqual(begin(present(status, true, true), ours), Start.Adopt({ operation: "create" }))
      assert.deepStrictEqual(begin(present(status, true, true)), Start.Begin({ operation: "update" }))
      assert.isFalse(readsEvents(start("CREATE_UPDATE", present(status, true, false))))
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

  it("waits for the clean-up after an update, and for nothing else", () => {
    assert.sameMembers(
      StackStatus.literals.filter((status) => begin(present(status))._tag === "Postpone"),
      ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
    )
  })

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
})

describe("watch", () => {
  it.prop(
    "has a step for every stack and evidence",
    [Schema.Boolean, anyObservation, anyEvidence],
    ([ours, seen, evidence]) => {
      assert.include(["Wait", "Succeed", "Fail", "Miss"], settle(watch(ours, seen), evidence)._tag)
    }
  )

  it.prop(
    "gives no verdict on a stack that is under way",
    [Schema.Boolean, anyStatus, Schema.Boolean, anyEvidence],
    ([ours, status, changed, evidence]) => {
      if (runs(status)) {
        assert.deepStrictEqual(settle(watch(ours, present(status, changed)), evidence), Watch.Wait({ atRest: false }))
      }
    }
  )

  it.prop(
    "never succeeds without a status that says so",
    [Schema.Boolean, anyStatus, Schema.Boolean, anyEvidence],
    ([ours, status, changed, evidence]) => {
      if (settle(watch(ours, present(status, changed)), evidence)._tag !== "Succeed") return
      assert.isTrue(wentWell(ours && evidence._tag === "Ended" ? evidence.status : status))
    }
  )

  it.prop(
    "a failure names the status that was judged",
    [Schema.Boolean, anyStatus, Schema.Boolean, anyEvidence],
    ([ours, status, changed, evidence]) => {
      const step = settle(watch(ours, present(status, changed)), evidence)
      if (step._tag !== "Fail") return
      assert.strictEqual(step.status, ours && evidence._tag === "Ended" ? evidence.status : status)
      assert.isFalse(wentWell(step.status))
    }
  )

  it.prop(
    "the end of our own operation decides, whatever the stack shows",
    [anyStatus, anyStatus],
    ([shown, status]) => {
      if (runs(shown)) return
      const step = settle(watch(true, present(shown)), { _tag: "Ended", operation: "update", status })
      assert.deepStrictEqual(step, wentWell(status) ? Watch.Succeed() : Watch.Fail({ status }))
    }
  )

  it.prop(
    "a stack at rest is not judged before the end of our operation is seen",
    [anyStatus, Schema.Boolean],
    ([status, changed]) => {
      const decision = watch(true, present(status, changed))
      const wait = Watch.Wait({ atRest: !runs(status) })
      assert.deepStrictEqual(settle(decision, { _tag: "Nothing" }), wait)
      assert.deepStrictEqual(settle(decision, { _tag: "Others" }), wait)
      assert.deepStrictEqual(settle(decision, { _tag: "Begun", operation: "create" }), wait)
    }
  )

  it.prop("without sight of the events a stack is judged once it has changed", [anyStatus], ([status]) => {
    if (runs(status)) return
    const judged = wentWell(status) ? Watch.Succeed() : Watch.Fail({ status })
    assert.deepStrictEqual(settle(watch(true, present(status, true)), { _tag: "Denied" }), judged)
    assert.deepStrictEqual(
      settle(watch(true, present(status, false)), { _tag: "Denied" }),
      Watch.Wait({ atRest: true })
    )
    assert.deepStrictEqual(settle(watch(true, present(status, false)), { _tag: "Unmarked" }), judged)
  })

  it.prop("an operation of which nothing is known is judged by the status alone", [anyStatus], ([status]) => {
    if (runs(status)) return
    assert.deepStrictEqual(
      watch(false, present(status)),
      wentWell(status) ? Watch.Succeed() : Watch.Fail({ status })
    )
  })

  it.each([true, false])("misses a stack that is gone (ours: %s)", (ours) => {
    assert.deepStrictEqual(watch(ours, Observation.cases.Absent.make({})), Watch.Miss())
  })
})
