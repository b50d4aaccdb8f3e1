// Explicit-state model checking of DeployStackSet in a small world (stackSets.ts): two accounts, two regions, failures,
// redelivered events, lost requests and answers, killed functions, and other operators.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeployStackSet } from "../../src/actions/deployStackSet/DeployStackSet.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import * as LocalPipeline from "../../src/testing/LocalPipeline.ts"
import { sampleTemplate } from "../fixtures.ts"
import { checkEach } from "./modelChecker.ts"
import { type Budget, type ModelInstance, type ModelSet, type State, transitionSystem } from "./stackSets.ts"

const accounts = ["111111111111", "222222222222"]
const regions = ["eu-west-1", "us-east-1"]

const instances: ReadonlyArray<ModelInstance> = accounts.flatMap((account) =>
  regions.map((region) => ({ account, region, status: "CURRENT", lastOperationId: "earlier" }))
)

const existing = (present: ReadonlyArray<ModelInstance>): ModelSet => ({
  token: "earlier",
  instances: present,
  operations: []
})

const isOwn = ({ id }: { readonly id: string }) => id.startsWith("1-")

const ownOf = ({ set }: State) => (set?.operations ?? []).filter(isOwn)

/** No result contradicts what became of the action's own operations. */
const onReport =
  (isReached: (set: ModelSet | null) => boolean, budget: Budget) =>
  (outcome: JobOutcome, state: State): string | undefined => {
    const own = ownOf(state)
    const hasForeign = state.budget.otherOperators < budget.otherOperators
    if (outcome._tag === "Succeeded") {
      if (own.some(({ status }) => status === "RUNNING")) return "success while an own operation is in progress"
      if (own.some(({ status }) => status === "FAILED")) return "success although an own operation failed"
      if (!hasForeign && !isReached(state.set)) return "success, but what is there is not what is wanted"
    }
    if (outcome._tag === "Failed" && !hasForeign && !own.some(({ status }) => status === "FAILED")) {
      return "failure although no own operation failed"
    }
    return undefined
  }

/** An own operation starts once, never beside another one, and only for a job that CodePipeline waits for, if it deletes. */
const onStarted = (id: string, state: State, { isOpen }: { readonly isOpen: boolean }) => {
  const step = id.slice(0, -1)
  if (step === "1-update-" && ownOf(state).some((operation) => operation.id.startsWith(step))) {
    return "the stack set is updated twice"
  }
  return id.startsWith("1-delete") && !isOpen && state.isEnded ? "instances are deleted after the result" : undefined
}

const modelOf = (
  options: Readonly<Record<string, unknown>>,
  initialSets: ReadonlyArray<ModelSet | null>,
  budget: Partial<Budget>,
  isReached: (set: ModelSet | null) => boolean
) => {
  const whole = { redeliveries: 0, callFaults: 0, otherOperators: 0, failures: 0, ...budget }
  return transitionSystem({
    initialSets,
    budget: whole,
    artifacts: ArtifactStoreMemory.layer({ MyTemplate: { "template.json": sampleTemplate } }),
    eventOf: (token) =>
      LocalPipeline.event({
        id: token === null ? "1" : "n",
        userParameters: { stackSet: "MyStackSet", ...options },
        inputArtifacts: ["MyTemplate"],
        continuationToken: token ?? undefined
      }),
    onReport: onReport(isReached, whole),
    onStarted
  })
}

const deploying = { file: "template.json", artifact: "MyTemplate", accounts, regions, whenBusy: "wait" }

const hasAll = (set: ModelSet | null) =>
  instances.every(({ account, region }) =>
    set?.instances.some((one) => one.account === account && one.region === region && one.status === "CURRENT") === true
  )

const hasOnlyThese = (set: ModelSet | null) => hasAll(set) && set?.instances.length === 4

/** Some cases have thousands of states, each of which is a run of the program. */
const timeout = 240_000

const cases: ReadonlyArray<readonly [name: string, budget: Partial<Budget>]> = [
  ["a redelivered event", { redeliveries: 1 }],
  ["a lost request or answer, or a killed function", { callFaults: 1 }],
  ["an operation that fails", { failures: 1 }],
  ["another operator", { otherOperators: 1 }]
]

describe("DeployStackSet starts nothing twice, judges nothing wrongly, and always comes to a result", () => {
  it.effect.each(cases)("in CREATE_UPDATE with %s", ([, budget]) =>
    Effect.gen(function*() {
      const initial = [null, existing([]), existing(instances.slice(0, 2)), existing(instances)]
      const { counterexample, states } = yield* checkEach(modelOf(deploying, initial, budget, hasAll))
      assert.strictEqual(counterexample?.slice(1).join("\n"), undefined)
      assert.isAbove(states, 20)
    }), timeout)

  it.effect.each(cases)("in CREATE_UPDATE with prune and %s", ([, budget]) =>
    Effect.gen(function*() {
      const extra = [{ account: "999999999999", region: "eu-west-1", status: "CURRENT", lastOperationId: "earlier" }]
      const initial = [existing([...instances.slice(0, 3), ...extra])]
      const { counterexample } = yield* checkEach(modelOf({ ...deploying, prune: true }, initial, budget, hasOnlyThese))
      assert.strictEqual(counterexample?.slice(1).join("\n"), undefined)
    }), timeout)

  it.effect.each(cases)("in DELETE with %s", ([, budget]) =>
    Effect.gen(function*() {
      const model = modelOf(
        { mode: "DELETE", whenBusy: "wait" },
        [null, existing([]), existing(instances)],
        budget,
        (set) => set === null
      )
      const { counterexample } = yield* checkEach(model)
      assert.strictEqual(counterexample?.slice(1).join("\n"), undefined)
    }))

  it.effect("and the checker finds a wrong invariant", () =>
    Effect.gen(function*() {
      const { counterexample } = yield* checkEach(modelOf(deploying, [null], {}, () => false))
      assert.strictEqual(counterexample?.at(-1), "VIOLATION: success, but what is there is not what is wanted")
      assert.strictEqual(DeployStackSet.name, "deploy-stack-set")
    }))
})
