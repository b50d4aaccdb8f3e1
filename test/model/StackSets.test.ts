// Explicit-state model checking of DeployStackSet in a small world (stackSets.ts): a few accounts and regions, organizational
// units, overriding parameters, drift, failures, redelivered events, lost requests and answers, killed functions, and other
// operators.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeployStackSet } from "../../src/actions/deployStackSet/DeployStackSet.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import * as LocalPipeline from "../../src/testing/LocalPipeline.ts"
import { sampleTemplate } from "../fixtures.ts"
import { checkEach } from "./modelChecker.ts"
import {
  type Budget,
  type Call,
  type ModelInstance,
  type ModelOperation,
  type ModelSet,
  organization,
  type State,
  transitionSystem
} from "./stackSets.ts"

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

interface World {
  /** UserParameters. */
  readonly options: Readonly<Record<string, unknown>>
  readonly initialSets: ReadonlyArray<ModelSet | null>
  /** Whether what is there is what is wanted. */
  readonly isReached: (set: ModelSet | null) => boolean
  /** The overrides file. */
  readonly overrides?: unknown
  /** The instances that the action must not delete: `account/region`. */
  readonly kept?: ReadonlyArray<string>
  /** What the own detection of drift finds. */
  readonly drift?: string
}

/** No result contradicts what became of the action's own operations. */
const onReport = ({ drift, isReached }: World, budget: Budget) => (outcome: JobOutcome, state: State) => {
  const own = ownOf(state)
  const hasForeign = state.budget.otherOperators < budget.otherOperators
  const hasFault = state.budget.callFaults < budget.callFaults
  if (outcome._tag === "Succeeded") {
    if (own.some(({ status }) => status === "RUNNING")) return "success while an own operation is in progress"
    if (own.some(({ status }) => status === "FAILED")) return "success although an own operation failed"
    if (!hasForeign && !isReached(state.set)) return "success, but what is there is not what is wanted"
    const shown = outcome.outputVariables?.["DriftStatus"]
    if (shown !== drift && !(hasFault && shown === undefined)) {
      return `success with the drift ${shown}, which is not the own one`
    }
  }
  if (outcome._tag === "Failed" && !hasForeign && !own.some(({ status }) => status === "FAILED")) {
    return "failure although no own operation failed"
  }
  return undefined
}

/** The steps that are one operation, however often the event is delivered. */
const single = new Set(["1-update-", "1-drift-"])

/**
 * An own operation starts once, with nothing that an earlier one did, and only for a job that CodePipeline waits for, if it
 * deletes. No wanted instance is deleted.
 */
const onStarted =
  ({ kept = [] }: World, budget: Budget) =>
  (id: string, state: State, { isOpen }: { readonly isOpen: boolean }, call: Call): string | undefined => {
    const own = ownOf(state)
    const step = id.slice(0, -1)
    if (single.has(step) && own.some((operation) => operation.id.startsWith(step))) return `${step} starts twice`
    if ("places" in call) {
      const isSame = ({ action, overrides, places }: ModelOperation) =>
        action === call._tag && overrides === call.overrides && places.join() === call.places.join()
      const hasForeign = state.budget.otherOperators < budget.otherOperators
      if (!hasForeign && own.some(isSame)) return `an own ${call._tag} is repeated`
      if (call._tag === "DELETE" && call.places.some((place) => kept.includes(place))) {
        return "a wanted instance is deleted"
      }
    }
    return id.startsWith("1-delete") && !isOpen && state.isEnded ? "instances are deleted after the result" : undefined
  }

const modelOf = (world: World, some: Partial<Budget>) => {
  const { initialSets, options, overrides = [] } = world
  const budget = { redeliveries: 0, callFaults: 0, otherOperators: 0, failures: 0, ...some }
  return transitionSystem({
    initialSets,
    budget,
    artifacts: ArtifactStoreMemory.layer({
      MyTemplate: { "template.json": sampleTemplate, "overrides.json": JSON.stringify(overrides) }
    }),
    eventOf: (token) =>
      LocalPipeline.event({
        id: token === null ? "1" : "n",
        userParameters: { stackSet: "MyStackSet", ...options },
        inputArtifacts: ["MyTemplate"],
        continuationToken: token ?? undefined
      }),
    onReport: onReport(world, budget),
    onStarted: onStarted(world, budget),
    foreign: options["mode"] === "DETECT_DRIFT" ? "DETECT_DRIFT" : "update"
  })
}

const deploying = { file: "template.json", artifact: "MyTemplate", accounts, regions, whenBusy: "wait" }

const hasAll = (set: ModelSet | null) =>
  instances.every(({ account, region }) =>
    set?.instances.some((one) => one.account === account && one.region === region && one.status === "CURRENT") === true
  )

const hasOnlyThese = (set: ModelSet | null) => hasAll(set) && set?.instances.length === 4

const keyOf = ({ account, region }: Pick<ModelInstance, "account" | "region">) => `${account}/${region}`

const extra: ReadonlyArray<ModelInstance> = [
  { account: "999999999999", region: "eu-west-1", status: "CURRENT", lastOperationId: "earlier" }
]

const templated = { file: "template.json", artifact: "MyTemplate", whenBusy: "wait" }
const [region = ""] = regions

/** The instances of the organization in one region. */
const members: ReadonlyArray<ModelInstance> = Object.entries(organization).flatMap(([organizationalUnit, accounts]) =>
  accounts.map((account) => ({
    account,
    region,
    status: "CURRENT",
    lastOperationId: "earlier",
    organizationalUnit
  }))
)
const [, excluded] = members

const ofOrganization = (present: ReadonlyArray<ModelInstance>): ModelSet => ({
  ...existing(present),
  permissionModel: "SERVICE_MANAGED"
})

/** The instances are exactly these, in any order, and all are current. */
const isExactly = (wanted: ReadonlyArray<ModelInstance>) => (set: ModelSet | null) =>
  set !== null && set.instances.every(({ status }) => status === "CURRENT") &&
  set.instances.map(keyOf).toSorted().join() === wanted.map(keyOf).toSorted().join()

/** Some worlds have thousands of states, each of which is a run of the program. */
const timeout = 240_000

const worlds: Readonly<Record<string, World>> = {
  "CREATE_UPDATE": {
    options: deploying,
    initialSets: [null, existing([]), existing(instances.slice(0, 2)), existing(instances)],
    isReached: hasAll
  },
  "CREATE_UPDATE with prune": {
    options: { ...deploying, prune: true },
    initialSets: [existing([...instances.slice(0, 3), ...extra])],
    isReached: hasOnlyThese,
    kept: instances.map(keyOf)
  },
  "DELETE": {
    options: { mode: "DELETE", whenBusy: "wait" },
    initialSets: [null, existing([]), existing(instances)],
    isReached: (set) => set === null
  },
  "CREATE_UPDATE of a stack set of an organization": {
    options: { ...templated, organizationalUnits: Object.keys(organization), regions: [region] },
    initialSets: [null],
    isReached: isExactly(members)
  },
  "DELETE_INSTANCES of accounts of an organizational unit": {
    options: {
      mode: "DELETE_INSTANCES",
      organizationalUnits: Object.keys(organization).slice(0, 1),
      accounts: [excluded?.account],
      accountFilter: "DIFFERENCE",
      whenBusy: "wait"
    },
    initialSets: [ofOrganization(members)],
    isReached: isExactly(members.slice(1)),
    kept: members.slice(1).map(keyOf)
  },
  "CREATE_UPDATE with overrides": {
    options: { ...templated, accounts, regions: [region], overrides: "MyTemplate::overrides.json" },
    overrides: [{ accounts: accounts.slice(1), parameters: { Size: "large" } }],
    initialSets: [existing(instances.filter((one) => one.region === region))],
    isReached: (set) =>
      set?.instances.map(({ overrides }) => overrides).join() ===
        `,${JSON.stringify([{ name: "Size", value: "large" }])}`
  },
  "DETECT_DRIFT": {
    options: { mode: "DETECT_DRIFT", whenBusy: "wait" },
    initialSets: [existing(instances.slice(0, 1))],
    isReached: (set) => set?.operations.some((one) => isOwn(one) && one.action === "DETECT_DRIFT") === true,
    drift: "DRIFTED"
  }
}

const budgets: Readonly<Record<string, Partial<Budget>>> = {
  "a redelivered event": { redeliveries: 1 },
  "a lost request or answer, or a killed function": { callFaults: 1 },
  "an operation that fails": { failures: 1 },
  "another operator": { otherOperators: 1 }
}

const cases = Object.entries(worlds).flatMap(([world, given]) =>
  Object.entries(budgets).map(([budget, spent]) => [`${world} with ${budget}`, given, spent] as const)
)

describe("DeployStackSet starts nothing twice, judges nothing wrongly, and always comes to a result", () => {
  it.effect.each(cases)("in %s", ([, world, budget]) =>
    Effect.gen(function*() {
      const { counterexample, states } = yield* checkEach(modelOf(world, budget))
      assert.strictEqual(counterexample?.slice(1).join("\n"), undefined)
      assert.isAbove(states, 10)
    }), timeout)

  it.effect("and the checker finds a wrong invariant", () =>
    Effect.gen(function*() {
      const model = modelOf({ options: deploying, initialSets: [null], isReached: () => false }, {})
      const { counterexample } = yield* checkEach(model)
      assert.strictEqual(counterexample?.at(-1), "VIOLATION: success, but what is there is not what is wanted")
      assert.strictEqual(DeployStackSet.name, "deploy-stack-set")
    }))
})
