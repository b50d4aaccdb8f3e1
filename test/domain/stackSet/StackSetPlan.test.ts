import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { overridesOf } from "../../../src/domain/stackSet/Overrides.ts"
import type { StackInstance } from "../../../src/domain/stackSet/StackInstances.ts"
import { type OwnOperation, Step } from "../../../src/domain/stackSet/StackSetOperation.ts"
import {
  candidates,
  Decision,
  type Desired,
  type Facts,
  maxOperations,
  Mode,
  needsInstances,
  next,
  stepsOf,
  watch,
  WatchDecision
} from "../../../src/domain/stackSet/StackSetPlan.ts"

const accounts = ["a", "b"]
const regions = ["r", "s"]

const desired = (change: Partial<Desired> = {}): Desired => ({
  mode: "CREATE_UPDATE",
  targets: { accounts, regions },
  overridesOf: Option.none(),
  prune: false,
  ...change
})

const instance = (account: string, region: string, change: Partial<StackInstance> = {}): StackInstance => ({
  account,
  region,
  status: "CURRENT",
  ...change
})

const four = accounts.flatMap((account) => regions.map((region) => instance(account, region)))

const facts = (change: Partial<Facts> = {}): Facts => ({
  set: "Present",
  instances: [],
  isStarted: () => false,
  isOwnDeletion: (id) => id.startsWith("own-delete"),
  ...change
})

const after = (step: Step, number = 1) => Option.some({ step, number })
const isStarted = (step: Step, number = 1) => (operation: OwnOperation) =>
  operation.step === step && operation.number === number

/** The step and number of an operation to begin, and its target. */
const begun = (decision: Decision) =>
  Decision.$is("Begin")(decision)
    ? [decision.operation.step, decision.operation.number, decision.task.target]
    : assert.fail(decision._tag)

describe("CREATE_UPDATE", () => {
  it("creates a stack set that does not exist", () => {
    assert.deepStrictEqual(next(desired(), Option.none(), facts({ set: "Absent" })), Decision.CreateSet())
  })

  it("updates a stack set that exists, then creates what is missing, then is done", () => {
    assert.deepStrictEqual(begun(next(desired(), Option.none(), facts())), ["update", 1, undefined])
    const missing = next(desired(), after("update"), facts({ instances: four.slice(0, 3) }))
    assert.deepStrictEqual(begun(missing), ["create", 1, { accounts: ["b"], regions: ["s"] }])
    assert.deepStrictEqual(next(desired(), after("create"), facts({ instances: four })), Decision.Done())
    assert.deepStrictEqual(next(desired(), after("update"), facts({ instances: four })), Decision.Done())
  })

  it("creates instances in several operations if one call cannot name them all", () => {
    const one = next(desired(), after("create"), facts({ instances: four.slice(0, 3) }))
    assert.deepStrictEqual(begun(one), ["create", 2, { accounts: ["b"], regions: ["s"] }])
  })

  it("gives up if created instances do not appear", () => {
    assert.deepStrictEqual(
      next(desired(), after("create", maxOperations), facts()),
      Decision.GiveUp({ step: "create" })
    )
  })

  it("creates instances of organizational units whatever is there, each call once", () => {
    const units = desired({
      targets: { organizationalUnits: Array.from({ length: 60 }, (_, index) => `u${index}`), regions }
    })
    const sizes = [after("update"), after("create")].map((last) => {
      const decision = next(units, last, facts({ instances: four }))
      return Decision.$is("Begin")(decision) ? decision.task.target?.organizationalUnits?.length : decision._tag
    })
    assert.deepStrictEqual(sizes, [50, 10])
    assert.deepStrictEqual(next(units, after("create", 2), facts()), Decision.Done())
  })

  it("sets the overrides of named instances, group by group", () => {
    const entries = [{ accounts: ["a"], parameters: { Size: "x" } }, { regions: ["s"], parameters: { Zone: "y" } }]
    const wanted = desired({ overridesOf: Option.some(overridesOf(entries)) })
    const all = [...four, instance("c", "r")]
    const of = (last: Option.Option<OwnOperation>) => next(wanted, last, facts({ instances: all }))
    assert.deepStrictEqual(begun(of(after("create"))), ["override", 1, { accounts: ["a"], regions: ["r"] }])
    assert.deepStrictEqual(begun(of(after("override"))), ["override", 2, { accounts: ["a"], regions: ["s"] }])
    assert.deepStrictEqual(begun(of(after("override", 2))), ["override", 3, { accounts: ["b"], regions: ["s"] }])
    assert.deepStrictEqual(of(after("override", 3)), Decision.Done())
  })

  it("creates instances with their overrides", () => {
    const wanted = desired({ overridesOf: Option.some(overridesOf([{ parameters: { Size: "x" } }])) })
    const decision = next(wanted, after("update"), facts())
    assert.deepStrictEqual(
      Decision.$is("Begin")(decision) && [...decision.task.overrides ?? []],
      [["Size", "x"]]
    )
  })

  it("deletes instances that are not named only with prune, and each of them once", () => {
    const instances = [...four, instance("c", "r")]
    assert.deepStrictEqual(next(desired(), after("create"), facts({ instances })), Decision.Done())
    const pruned = desired({ prune: true })
    assert.deepStrictEqual(begun(next(pruned, after("create"), facts({ instances }))), ["delete", 1, {
      accounts: ["c"],
      regions: ["r"]
    }])
    const tried = [...four, instance("c", "r", { status: "INOPERABLE", lastOperationId: "own-delete-1" })]
    assert.deepStrictEqual(next(pruned, after("delete"), facts({ instances: tried })), Decision.Done())
  })

  it("tells that the stack set was deleted during the action", () => {
    assert.deepStrictEqual(next(desired(), after("update"), facts({ set: "Absent" })), Decision.NotFound())
  })
})

describe("the other modes", () => {
  it("DELETE_INSTANCES deletes the named instances, of any last operation", () => {
    const wanted = desired({ mode: "DELETE_INSTANCES", targets: { accounts: ["a"] } })
    const instances = four.map((one) => ({ ...one, lastOperationId: "earlier-update-1" }))
    assert.deepStrictEqual(begun(next(wanted, Option.none(), facts({ instances }))), ["delete", 1, {
      accounts: ["a"],
      regions
    }])
    assert.deepStrictEqual(next(wanted, after("delete"), facts({ instances: four.slice(2) })), Decision.Done())
    assert.deepStrictEqual(next(wanted, Option.none(), facts({ set: "Absent" })), Decision.NothingToDelete())
  })

  it("DELETE deletes all instances, then the stack set, which may be deleted already", () => {
    const wanted = desired({ mode: "DELETE", targets: {} })
    assert.deepStrictEqual(begun(next(wanted, Option.none(), facts({ instances: four }))).slice(0, 2), ["delete", 1])
    assert.deepStrictEqual(next(wanted, after("delete"), facts()), Decision.DeleteSet())
    assert.deepStrictEqual(next(wanted, Option.none(), facts({ set: "Absent" })), Decision.NothingToDelete())
    assert.deepStrictEqual(next(wanted, after("delete"), facts({ set: "Absent" })), Decision.NothingToDelete())
  })

  it("DETECT_DRIFT runs once, and needs a stack set", () => {
    const wanted = desired({ mode: "DETECT_DRIFT", targets: {} })
    assert.deepStrictEqual(begun(next(wanted, Option.none(), facts())), ["drift", 1, undefined])
    assert.deepStrictEqual(next(wanted, after("drift"), facts()), Decision.Done())
    assert.deepStrictEqual(next(wanted, Option.none(), facts({ set: "Absent" })), Decision.NotFound())
  })
})

const steps = (change: Partial<Desired>) => candidates(desired(change), Option.none()).map(({ step }) => step)

describe("an operation that is started already", () => {
  it("is adopted, whatever the instances show", () => {
    const decision = next(desired(), after("update"), facts({ instances: four, isStarted: isStarted("create") }))
    assert.deepStrictEqual(decision, Decision.Adopt({ operation: { step: "create", number: 1 } }))
  })

  it("of a later step proves that the earlier steps are done", () => {
    assert.deepStrictEqual(
      next(desired(), Option.none(), facts({ isStarted: isStarted("create") })),
      Decision.Adopt({ operation: { step: "create", number: 1 } })
    )
  })

  const Last = Schema.Option(Schema.Struct({ step: Step, number: Schema.Literals([1, 2, 3]) }))

  it.prop("is never started again", [Mode, Last, Step], ([mode, last, step]) => {
    const wanted = desired({ mode, prune: true, overridesOf: Option.some(overridesOf([{ parameters: { A: "b" } }])) })
    const open = candidates(wanted, last).find((operation) => operation.step === step)
    if (open === undefined) return
    const decision = next(wanted, last, facts({ instances: four, isStarted: isStarted(step, open.number) }))
    assert.isTrue(Decision.$is("Adopt")(decision))
  })

  it.prop("is not looked for again after it succeeded", [Mode, Last], ([mode, last]) => {
    const open = candidates(desired({ mode, prune: true }), last)
    if (Option.isSome(last) && stepsOf(mode).includes(last.value.step)) {
      for (const { number, step } of open) {
        assert.isFalse(step === last.value.step && number <= last.value.number)
      }
    }
  })

  it("is only looked for if any delivery can have begun it", () => {
    assert.deepStrictEqual(steps({}), ["update", "create"])
    assert.deepStrictEqual(steps({ targets: { accounts: [], regions: [] } }), ["update"])
    assert.deepStrictEqual(steps({ targets: {} }), ["update"])
    assert.deepStrictEqual(steps({ targets: { organizationalUnits: ["u"], regions }, prune: true }), [
      "update",
      "create",
      "delete"
    ])
    assert.deepStrictEqual(steps({ overridesOf: Option.some(() => undefined) }), ["update", "create", "override"])
    assert.deepStrictEqual(steps({ mode: "DELETE" }), ["delete"])
  })
})

it("instances are read only if they matter", () => {
  assert.isFalse(needsInstances(desired(), Option.none(), "Present"))
  assert.isTrue(needsInstances(desired(), after("update"), "Present"))
  assert.isTrue(needsInstances(desired({ mode: "DELETE" }), Option.none(), "Present"))
  assert.isFalse(needsInstances(desired({ mode: "DELETE" }), Option.none(), "Absent"))
  assert.isFalse(needsInstances(desired({ mode: "DETECT_DRIFT" }), Option.none(), "Present"))
})

describe("a job that watches an operation", () => {
  it.each([
    ["RUNNING", WatchDecision.Wait()],
    ["QUEUED", WatchDecision.Wait()],
    ["SUCCEEDED", WatchDecision.Continue()],
    ["FAILED", WatchDecision.Fail({ status: "FAILED" })],
    ["STOPPED", WatchDecision.Fail({ status: "STOPPED" })],
    ["ABANDONED", WatchDecision.Fail({ status: "ABANDONED" })]
  ])("decides by its status alone: %s", (status, decision) => {
    assert.deepStrictEqual(watch(Option.some(status), false), decision)
    assert.deepStrictEqual(watch(Option.some(status), true), decision)
  })

  it("waits for an operation that is not visible, but not for ever", () => {
    assert.deepStrictEqual(watch(Option.none(), false), WatchDecision.Wait())
    assert.deepStrictEqual(watch(Option.none(), true), WatchDecision.Unproven())
  })
})
