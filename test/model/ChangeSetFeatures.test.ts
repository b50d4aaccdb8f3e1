// Explicit-state model checking of the options of change sets: nested stacks, imports of existing resources, and
// `deploymentMode` (DeployStack.test.ts says how).
//
// In changeSets.ts, a change set of a template with a nested stack has another one nested in it, which is executed and
// deleted with its root only. A change set that imports resources can bring the stack into a status of imports.
import { invariants, invariantsOfGuarded, invariantsOfReplacing } from "./changeSetInvariants.ts"
import * as Cloud from "./cloud.ts"
import { withDrift } from "./drift.ts"
import type { CallInvariant, FaultBudget, Invariants } from "./state.ts"
import {
  brief,
  checkWorlds,
  minute,
  modelOf,
  noFaults,
  required,
  stackIn,
  startTime,
  withTemplate,
  type World
} from "./worlds.ts"

const changeSetsOf = ({ stacks }: Cloud.Cloud) => stacks.flatMap(({ changeSets = [] }) => changeSets)

/** A nested change set is executed and deleted with its root only. */
const onlyRoots: CallInvariant = (call, cloud) => {
  if (call._tag !== "executeChangeSet" && call._tag !== "deleteChangeSet") return undefined
  return changeSetsOf(cloud).some(({ id, name, rootId }) =>
      rootId !== undefined && (id === call.changeSet || name === call.changeSet)
    )
    ? `${call._tag} of a nested change set`
    : undefined
}

/** For a template with a nested stack: if `isDeleted`, a finished action leaves no change set that is not executed. */
const invariantsOfNested = (base: Invariants, isDeleted: boolean): Invariants => ({
  ...base,
  onCall: (call, cloud, ...rest) =>
    call._tag === "createChangeSet" && !call.includeNestedStacks
      ? "a change set without the nested stack"
      : onlyRoots(call, cloud, ...rest),
  onReport: (outcome, cloud, execution) => {
    const left = changeSetsOf(cloud).filter(({ description, status }) => description !== "" && status !== "executed")
    return isDeleted && outcome._tag !== "Continued" && left.length > 0
      ? `${outcome._tag}, but own change sets are left: ${left.map(({ name }) => name).join()}`
      : base.onReport(outcome, cloud, execution)
  }
})

/** Every change set imports existing resources. */
const invariantsOfImports: Invariants = {
  ...invariants,
  onCall: (call) =>
    call._tag === "createChangeSet" && !call.importExistingResources ? "a change set without imports" : undefined
}

/** After a success, the stack has not drifted. Only the change set of an update can revert drift. */
const invariantsOfReverting: Invariants = {
  ...invariants,
  onCall: (call) =>
    call._tag === "createChangeSet" && call.type === "CREATE" && call.deploymentMode !== undefined
      ? "a new stack has no drift"
      : undefined,
  onReport: (outcome, cloud, execution) =>
    outcome._tag === "Succeeded" && cloud.stacks.some(({ hasDrifted }) => hasDrifted)
      ? "success, but the drift is not reverted"
      : invariants.onReport(outcome, cloud, execution)
}

/**
 * The nested change set replaces a table: it is refused for that, not because it cannot be read in one job. Another delivery
 * that has refused it can have deleted it.
 */
const invariantsOfReadNested: Invariants = {
  ...invariantsOfGuarded(false),
  onReport: (outcome, cloud, execution) =>
    outcome._tag === "Failed" && outcome.message.includes("are not known") &&
      execution.answers.some(({ answer }) => answer._tag === "Unavailable")
      ? "failure, because a nested change set could not be read in one job"
      : invariantsOfGuarded(false).onReport(outcome, cloud, execution)
}

/** A nested change set is never executed, and nothing else is. */
const invariantsOfNamedNested: Invariants = {
  onCall: onlyRoots,
  onOperationStarted: () => "a call of the action was accepted",
  onReport: ({ _tag }) => _tag === "Succeeded" ? "success with a nested change set" : undefined
}

const ready = [undefined, "CREATE_COMPLETE"].map(stackIn)
const withNested = (clouds: ReadonlyArray<Cloud.Cloud>) =>
  brief(clouds).map((cloud): Cloud.Cloud => Object.assign({}, cloud, { hasNestedStack: true }))

const worldOf = (
  userParameters: object,
  initialClouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  invariants: Invariants
) =>
  modelOf({
    userParameters: { ...required, mode: "CHANGE_SET_DEPLOY", progress: false, ...userParameters },
    initialClouds,
    budget: { ...noFaults, ...budget },
    invariants
  })

const nested = (
  clouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  userParameters: object = {},
  base: Invariants = invariants
) => {
  const isDeleted = Object.keys(budget).every((fault) => fault === "staleReads") && !("changeSet" in userParameters)
  return worldOf(
    { includeNestedStacks: true, ...userParameters },
    withNested(clouds),
    budget,
    invariantsOfNested(base, isDeleted)
  )
}

const replacing = { mode: "CHANGE_SET_REPLACE", changeSet: "Next", progress: undefined }
const guarded = { expectNoReplacement: true }
const failing = withTemplate(ready, "invalid")
const empty = withTemplate(ready.slice(1), "same")

/** Another actor created a change set a minute ago that is nested in the one of another stack. */
const namedNested: Cloud.Cloud = (() => {
  const [stack] = stackIn("CREATE_COMPLETE").stacks
  const createdAt = startTime - minute
  const id = `arn:aws:cloudformation:us-east-1:123456789012:changeSet/Next/${createdAt}`
  const changeSet = { id, name: "Next", description: "", createdAt, status: "available", rootId: "root" } as const
  return {
    ...stackIn("CREATE_COMPLETE"),
    isBrief: true,
    stacks: stack === undefined ? [] : [{ ...stack, changeSets: [changeSet] }]
  }
})()
const nestedArn = changeSetsOf(namedNested)[0]?.id ?? ""

const worlds: ReadonlyArray<World> = [
  ["a nested stack, a redelivery", nested(ready, { redeliveries: 1 })],
  ["a nested stack, a stale read", nested([...ready, ...failing, ...empty], { staleReads: 1 })],
  ["a nested stack, another actor", nested(ready, { otherActors: 1 })],
  [
    "a nested stack in CHANGE_SET_REPLACE, a call fault",
    nested(ready, { callFaults: 1 }, replacing, invariantsOfReplacing)
  ],
  [
    "a nested stack that must not replace, a redelivery",
    nested(ready.slice(1), { redeliveries: 1 }, guarded, invariantsOfGuarded(false))
  ],
  [
    "a nested stack that must not replace, a call fault",
    nested(ready.slice(1), { callFaults: 1 }, guarded, invariantsOfReadNested)
  ],
  [
    "a nested stack that must not replace, two stale reads",
    nested(ready.slice(1), { staleReads: 2 }, guarded, invariantsOfGuarded(true))
  ],
  [
    "a nested stack that is not listed and must not replace, a redelivery",
    worldOf(
      { includeNestedStacks: false, expectNoReplacement: true },
      withNested(ready.slice(1)),
      { redeliveries: 1 },
      invariantsOfGuarded(false)
    )
  ],
  [
    "CHANGE_SET_EXECUTE of a nested change set, a call fault and a redelivery",
    modelOf({
      userParameters: { stack: Cloud.name, mode: "CHANGE_SET_EXECUTE", changeSet: nestedArn },
      initialClouds: [namedNested],
      budget: { ...noFaults, callFaults: 1, redeliveries: 1 },
      invariants: invariantsOfNamedNested
    })
  ],
  [
    "importExistingResources, a redelivery",
    worldOf({ importExistingResources: true }, brief(ready), { redeliveries: 1 }, invariantsOfImports)
  ],
  [
    "REVERT_DRIFT, a redelivery",
    worldOf(
      { deploymentMode: "REVERT_DRIFT" },
      brief([...ready, withDrift({ ...stackIn("CREATE_COMPLETE"), template: "same" }, true)]),
      { redeliveries: 1 },
      invariantsOfReverting
    )
  ],
  [
    "REVERT_DRIFT after detectDrift, a call fault",
    worldOf(
      { deploymentMode: "REVERT_DRIFT", detectDrift: "warn" },
      brief([withDrift({ ...stackIn("CREATE_COMPLETE"), template: "same" }, true)]),
      { callFaults: 1 },
      invariantsOfReverting
    )
  ]
]

const deepWorlds: ReadonlyArray<World> = [
  ["a nested stack, a redelivery and a call fault", nested(ready, { redeliveries: 1, callFaults: 1 })],
  ["a nested stack, another actor and a redelivery", nested(ready, { otherActors: 1, redeliveries: 1 })],
  [
    "importExistingResources, a redelivery and a call fault",
    worldOf({ importExistingResources: true }, brief(ready), { redeliveries: 1, callFaults: 1 }, invariantsOfImports)
  ]
]

checkWorlds(
  "DeployStack with features of change sets keeps its invariants and always reaches a result",
  worlds,
  deepWorlds
)
