// Explicit-state model checking of the option `detectDrift` (DeployStack.test.ts says how).
//
// drift.ts has the drift and its detection in the abstract machine. Other actors change a resource, change it back, detect
// drift, or change the stack.
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
import { invariants as invariantsOfChangeSets } from "./changeSetInvariants.ts"
import * as Cloud from "./cloud.ts"
import { withDrift } from "./drift.ts"
import { invariants, invariantsOfRecovering } from "./invariants.ts"
import type { Call } from "./program.ts"
import type { CallInvariant, FaultBudget, Invariants, Model } from "./state.ts"
import { brief, checkWorlds, modelOf, noFaults, required, stackIn, startTime, type World } from "./worlds.ts"

/** The results of the action's own detections on the stack. */
const resultsOf = ({ stacks }: Cloud.Cloud, stack: string) =>
  (Cloud.find(stacks, stack)?.detections ?? []).filter(({ id }) => id.startsWith("own-")).map(({ result }) => result)

/** The stack that the call has changed and that had resources before, if any. */
const changedBy = ({ stacks }: Cloud.Cloud, call: Call) => {
  if (call._tag !== "update" && call._tag !== "createChangeSet" && call._tag !== "executeChangeSet") return undefined
  const stack = Cloud.find(stacks, call.stack)
  return stack?.status === "REVIEW_IN_PROGRESS" || stack?.status === "CREATE_IN_PROGRESS" ? undefined : stack
}

/** A stack that exists is not changed before an own detection has ended, with one of these results. */
const onlyAfter = (
  base: Invariants,
  accepted: ReadonlyArray<Cloud.ModelDetection["result"]>
): Invariants["onOperationStarted"] =>
(cloud, execution, call) => {
  const stack = changedBy(cloud, call)
  const results = stack && resultsOf(cloud, stack.id)
  return results === undefined || results.some((result) => accepted.includes(result))
    ? base.onOperationStarted(cloud, execution, call)
    : `${call._tag}, but own detections: ${results.join() || "none"}`
}

/** No job detects again what is known: only second deliveries and faults make it necessary. */
const onCall: CallInvariant = (call, cloud) =>
  call._tag === "detectDrift" && resultsOf(cloud, call.stack).length > 4
    ? "drift is detected again and again"
    : undefined

/** What the message of a failure says about the detection, if anything. */
const reasonOf = (message: string) => {
  if (message.includes("it has drifted")) return "drifted"
  return message.includes("drift could not be detected") ? "unchecked" : undefined
}

/**
 * For "fail": a stack that exists is not changed before a detection has found it in sync, and the action succeeds only
 * after that. It fails because of drift only if a detection has found that, and then it has changed nothing.
 */
const invariantsOfFail = (base: Invariants): Invariants => ({
  ...base,
  onCall,
  onOperationStarted: onlyAfter(base, ["in sync"]),
  onReport: (outcome, cloud, execution) => {
    const changes = cloud.operations.filter(({ token }) => !/^(?:continue-)?rollback-/.test(token))
    const results = cloud.stacks.flatMap(({ id }) => resultsOf(cloud, id))
    if (outcome._tag === "Succeeded") {
      const { createdAt = startTime } = Cloud.find(cloud.stacks, outcome.externalExecutionId ?? "") ?? {}
      if (createdAt < startTime && !results.includes("in sync")) {
        return `success, but own detections: ${results.join() || "none"}`
      }
    }
    const reason = outcome._tag === "Failed" ? reasonOf(outcome.message) : undefined
    if (reason === undefined) return base.onReport(outcome, cloud, execution)
    const isRejected = execution.answers.some(({ answer }) => answer._tag === "Rejected")
    if (!results.includes(reason) && !isRejected) return `failure, but own detections: ${results.join() || "none"}`
    return changes.length > 0 ? "failure because of drift, but the stack was changed" : undefined
  }
})

/**
 * For "warn": a stack that exists is not changed before a detection has ended. Drift never fails the action. If
 * `isCounted`, its result counts the drift, unless detections found different things.
 */
const invariantsOfWarn = (isCounted: boolean): Invariants => ({
  ...invariants,
  onCall,
  ...(isCounted && { onOperationStarted: onlyAfter(invariants, ["in sync", "drifted", "unchecked"]) }),
  onReport: (outcome, cloud, execution) => {
    const results = new Set(cloud.stacks.flatMap(({ id }) => resultsOf(cloud, id)))
    const isShown = /had drifted before/.test(outcome.message)
    if (outcome._tag === "Failed" && /drift/.test(outcome.message)) return "failure because of drift"
    if (outcome._tag === "Succeeded" && isShown && !results.has("drifted")) {
      return "success that shows drift, but none was found"
    }
    if (isCounted && outcome._tag === "Succeeded" && !isShown && results.size === 1 && results.has("drifted")) {
      return "success that does not show the drift"
    }
    return invariants.onReport(outcome, cloud, execution)
  }
})

const inUse = stackIn("CREATE_COMPLETE")
const inSync = withDrift(inUse, false)
const drifted = withDrift(inUse, true)
const both = brief([inSync, drifted])
const unchecked = brief([{ ...inSync, detectionsFail: true }])

const failing = (
  initialClouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  more: Partial<Model> = {},
  userParameters: object = {}
) =>
  modelOf({
    userParameters: { ...required, progress: false, detectDrift: "fail", ...userParameters },
    initialClouds,
    budget: { ...noFaults, ...budget },
    invariants: invariantsOfFail(invariants),
    ...more
  })

const warning = (
  initialClouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  userParameters: object = {}
) =>
  failing(
    initialClouds,
    budget,
    { invariants: invariantsOfWarn(!budget.callFaults && !budget.otherActors) },
    { detectDrift: "warn", ...userParameters }
  )

const undoing: Partial<Model> = { invariants: invariantsOfFail(invariantsOfRecovering) }
const deploying = { mode: "CHANGE_SET_DEPLOY" }
const worlds: ReadonlyArray<World> = [
  ["detectDrift fail, a redelivery", failing([...both, ...unchecked], { redeliveries: 1 })],
  ["detectDrift fail, a call fault", failing([...both, ...unchecked], { callFaults: 1 })],
  ["detectDrift fail, a stale read", failing(both, { staleReads: 1 })],
  ["detectDrift fail, another actor", failing(both, { otherActors: 1 })],
  [
    "detectDrift fail in CHANGE_SET_DEPLOY, a redelivery",
    failing(both, { redeliveries: 1 }, { invariants: invariantsOfFail(invariantsOfChangeSets) }, deploying)
  ],
  [
    "detectDrift fail after recover, a redelivery",
    failing(brief([withDrift(stackIn("UPDATE_ROLLBACK_FAILED"), false)]), { redeliveries: 1 }, undoing, {
      recover: true
    })
  ],
  ["detectDrift warn, a redelivery", warning([...both, ...unchecked], { redeliveries: 1 })],
  ["detectDrift warn, a call fault", warning([...both, ...unchecked], { callFaults: 1 })]
]

const deepWorlds: ReadonlyArray<World> = [
  ["detectDrift fail, a redelivery and a call fault", failing(both, { redeliveries: 1, callFaults: 1 })],
  ["detectDrift fail, another actor and a redelivery", failing(both, { otherActors: 1, redeliveries: 1 })],
  ["detectDrift fail, two actions of others", failing(both, { otherActors: 2 })],
  [
    "detectDrift fail in CHANGE_SET_DEPLOY, two actions of others",
    failing(brief([inSync]), { otherActors: 2 }, { invariants: invariantsOfFail(invariantsOfChangeSets) }, deploying)
  ],
  ["detectDrift fail in every status", failing(StackStatus.literals.map(stackIn), { redeliveries: 1 })]
]

checkWorlds("DeployStack with detectDrift keeps its invariants and always reaches a result", worlds, deepWorlds)
