// Explicit-state model checking of the option `assumeRole` (DeployStack.test.ts says how).
//
// Each function assumes the role first. That can fail for now, as any call, or finally: another actor forbids it. The calls
// of the program show in which account they are made.
import { invariants as invariantsOfChangeSets } from "./changeSetInvariants.ts"
import type * as Cloud from "./cloud.ts"
import { withDrift } from "./drift.ts"
import { invariants } from "./invariants.ts"
import type { CallInvariant, FaultBudget, Invariants } from "./state.ts"
import { brief, checkWorlds, modelOf, noFaults, required, stackIn, type World } from "./worlds.ts"

/** The account of the function has only the role, and CodePipeline. */
const onCall: CallInvariant = (call, _cloud, _execution, account) =>
  account === "own" && call._tag !== "assumeRole" && call._tag !== "report"
    ? `${call._tag} in the account of the function`
    : undefined

/**
 * The action fails because of the role only if that is denied. Without other actors, and with a template that CloudFormation
 * accepts, it fails only if its own operation has failed: never for an outage of AssumeRole.
 */
const invariantsOfRole = (base: Invariants, isCertain: boolean): Invariants => ({
  ...base,
  onCall,
  onReport: (outcome, cloud, execution) => {
    if (outcome._tag !== "Failed") return base.onReport(outcome, cloud, execution)
    const isDenied = execution.answers.some(({ answer }) => answer._tag === "RoleDenied")
    if (outcome.message.includes("cannot be assumed")) {
      return isDenied ? undefined : "failure because the role is denied, but it is not"
    }
    return isCertain && !cloud.operations.some(({ result }) => result === "failed")
      ? `failure without an own operation that failed: ${outcome.message}`
      : base.onReport(outcome, cloud, execution)
  }
})

const ready = brief([undefined, "CREATE_COMPLETE"].map(stackIn))
const inUse = ready.slice(1)

const worldOf = (
  initialClouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  userParameters: object = {},
  base: Invariants = invariants
) => {
  const isCertain = budget.otherActors === undefined && initialClouds.every(({ template }) => template === "new")
  return modelOf({
    userParameters: {
      ...required,
      progress: false,
      assumeRole: "arn:aws:iam::123456789012:role/Deployer",
      ...userParameters
    },
    initialClouds,
    budget: { ...noFaults, ...budget },
    invariants: invariantsOfRole(base, isCertain)
  })
}

const changeSets = { mode: "CHANGE_SET_DEPLOY" }
const invalid = inUse.map((cloud): Cloud.Cloud => Object.assign({}, cloud, { template: "invalid" }))

const worlds: ReadonlyArray<World> = [
  ["assumeRole, a redelivery", worldOf(ready, { redeliveries: 1 })],
  ["assumeRole, a call fault", worldOf(ready, { callFaults: 1 })],
  ["assumeRole, another actor", worldOf(ready, { otherActors: 1 })],
  [
    "assumeRole in CHANGE_SET_DEPLOY, a call fault",
    worldOf([...inUse, ...invalid], { callFaults: 1 }, changeSets, invariantsOfChangeSets)
  ],
  [
    "assumeRole with detectDrift, a call fault",
    worldOf(inUse.map((cloud) => withDrift(cloud, false)), { callFaults: 1 }, { detectDrift: "fail" })
  ]
]

const deepWorlds: ReadonlyArray<World> = [
  ["assumeRole, two call faults", worldOf(inUse, { callFaults: 2 })],
  ["assumeRole, a redelivery and a call fault", worldOf(ready, { redeliveries: 1, callFaults: 1 })],
  ["assumeRole, another actor and a redelivery", worldOf(inUse, { otherActors: 1, redeliveries: 1 })],
  [
    "assumeRole in CHANGE_SET_DEPLOY, a redelivery and a call fault",
    worldOf(inUse, { redeliveries: 1, callFaults: 1 }, changeSets, invariantsOfChangeSets)
  ]
]

checkWorlds("DeployStack with assumeRole keeps its invariants and always reaches a result", worlds, deepWorlds)
