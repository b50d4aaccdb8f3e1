// Explicit-state model checking of the option `onTimeout` (DeployStack.test.ts says how). The time limit is reached between
// two jobs.
import type * as Cloud from "./cloud.ts"
import { invariants } from "./invariants.ts"
import type { Execution, FaultBudget, Invariants } from "./state.ts"
import { brief, checkWorlds, modelOf, noFaults, required, stackIn, type World } from "./worlds.ts"

const isOwn = (token: string | undefined) => token?.startsWith("update-") ?? false

/** Whether the newest events that the function has read show the own update in progress. */
const hasSeenOwn = ({ answers }: Execution) => {
  const read = answers.findLast(({ answer }) => answer._tag === "Events")?.answer
  const newest = read?._tag === "Events" ? read.events.at(-1) : undefined
  return newest?.status === "UPDATE_IN_PROGRESS" && isOwn(newest.token)
}

/** Whether the own update is in progress. */
const isUpdating = ({ stacks }: Cloud.Cloud) =>
  stacks.some(({ status, token }) => status === "UPDATE_IN_PROGRESS" && isOwn(token))

/**
 * Another actor's update is not cancelled, unless it starts after the function has seen the own one in progress. After a
 * timeout, the own update is not in progress, unless a call has failed; and the result says what became of it.
 */
const invariantsOfTimeout: Invariants = {
  onOperationStarted: (cloud, execution, call) => {
    if (call._tag !== "cancelUpdate") return invariants.onOperationStarted(cloud, execution, call)
    return isOwn(cloud.cancelled?.at(-1)?.update) || hasSeenOwn(execution)
      ? undefined
      : "the update of another actor is cancelled"
  },
  onReport: (outcome, cloud, execution) => {
    if (!outcome.message.includes("did not complete within")) return invariants.onReport(outcome, cloud, execution)
    if (outcome.message.includes("update of the stack is cancelled") && cloud.cancelled === undefined) {
      return "the result says that the update is cancelled, but it is not"
    }
    const isComplete = execution.answers.every(({ answer }) => answer._tag !== "Unavailable")
    return isComplete && isUpdating(cloud) ? "timeout, but the own update continues" : undefined
  }
}

const worldOf = (status: string | undefined, budget: Partial<FaultBudget>) =>
  modelOf({
    userParameters: { ...required, progress: false, onTimeout: "cancel", timeoutMinutes: 2 },
    initialClouds: brief([stackIn(status)]),
    budget: { ...noFaults, ...budget },
    invariants: invariantsOfTimeout
  })

const worlds: ReadonlyArray<World> = [
  ["onTimeout cancel, a redelivery", worldOf("CREATE_COMPLETE", { redeliveries: 1 })],
  ["onTimeout cancel, a call fault", worldOf("CREATE_COMPLETE", { callFaults: 1 })],
  ["onTimeout cancel, another actor", worldOf("CREATE_COMPLETE", { otherActors: 1 })],
  ["onTimeout cancel without a stack, a call fault", worldOf(undefined, { callFaults: 1 })]
]

const deepWorlds: ReadonlyArray<World> = [
  ["onTimeout cancel, a redelivery and a call fault", worldOf("CREATE_COMPLETE", { redeliveries: 1, callFaults: 1 })],
  ["onTimeout cancel, another actor and a stale read", worldOf("CREATE_COMPLETE", { otherActors: 1, staleReads: 1 })]
]

checkWorlds("DeployStack with onTimeout keeps its invariants and always reaches a result", worlds, deepWorlds)
