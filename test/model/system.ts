// The transition system: deliveries of Lambda, calls of the program, and CloudFormation, CodePipeline and other actors as
// its environment. A state holds all of them; each transition is one thing that happens.
import { Effect } from "effect"
import { deployEvent } from "../fixtures.ts"
import { callTransitions } from "./calls.ts"
import * as ChangeSets from "./changeSets.ts"
import * as Cloud from "./cloud.ts"
import * as Drift from "./drift.ts"
import type { Transition, TransitionSystem } from "./modelChecker.ts"
import type { Step } from "./program.ts"
import { type Delivery, type Execution, killFunction, type Model, programTime, type State, withCloud } from "./state.ts"

const idleMillis = 16 * 60_000

const idleSince = (token: string | null) =>
  (JSON.parse(token ?? "{}") as { state?: { idleSince?: number } }).state?.idleSince ?? -Infinity

const deliver = (state: State, { isOpen, token }: Delivery): State => ({
  ...state,
  executions: [
    ...state.executions,
    { token, isOpen, answers: [], operationsSeen: 0 }
  ]
})

const deliveryTransitions = (state: State): ReadonlyArray<Transition<State>> => {
  // At most two functions run at the same time.
  if (state.executions.length >= 2) return []
  const transitions: Array<Transition<State>> = []
  if (!state.isDelivered && !state.isEnded) {
    transitions.push({
      label: "Lambda delivers the job's event",
      target: { ...deliver(state, { token: state.token, isOpen: true }), isDelivered: true }
    })
  }
  for (const [index, delivery] of state.pendingRetries.entries()) {
    transitions.push({
      label: "Lambda retries the failed event",
      target: deliver({ ...state, pendingRetries: state.pendingRetries.toSpliced(index, 1) }, delivery)
    })
  }
  if (state.budget.redeliveries > 0) {
    const spent = { ...state, budget: { ...state.budget, redeliveries: state.budget.redeliveries - 1 } }
    const deliveries = [
      ...(state.isDelivered && !state.isEnded ? [{ token: state.token, isOpen: true }] : []),
      ...state.pastTokens.map((token) => ({ token, isOpen: false }))
    ]
    for (const delivery of deliveries) {
      const job = delivery.isOpen ? "open job" : delivery.token === null ? "first job" : "past job"
      transitions.push({
        label: `Lambda redelivers the event of the ${job}`,
        isUnfair: true,
        target: deliver(spent, delivery)
      })
    }
  }
  return transitions
}

/** What CloudFormation does by itself. */
const progressTransitions = (cloud: Cloud.Cloud) => [
  ...Cloud.progressTransitions(cloud),
  ...ChangeSets.progressTransitions(cloud),
  ...Drift.progressTransitions(cloud)
]

const otherActorTransitions = (cloud: Cloud.Cloud) => [
  ...Cloud.otherActorTransitions(cloud),
  ...ChangeSets.otherActorTransitions(cloud),
  ...Drift.otherActorTransitions(cloud)
]

/** The action reaches its timeout between two jobs. */
const timeoutTransitions = (state: State, { timeoutMinutes }: Model["userParameters"]): Array<Transition<State>> => {
  const { execution } = JSON.parse(state.token ?? "{}") as { execution?: { startedAt: number } }
  if (typeof timeoutMinutes !== "number" || execution === undefined || state.executions.length > 0) return []
  const now = execution.startedAt + timeoutMinutes * 60_000
  if (state.isEnded || state.cloud.now >= now) return []
  return [{ label: "the time limit is reached", target: { ...state, cloud: { ...state.cloud, now } } }]
}

const environmentTransitions = (state: State): ReadonlyArray<Transition<State>> => [
  ...progressTransitions(state.cloud).map(([label, cloud]) => ({ label, target: withCloud(state, cloud) })),
  ...(state.budget.otherActors === 0
    ? []
    : otherActorTransitions(state.cloud).map(([label, cloud]) => ({
      label,
      isUnfair: true,
      target: {
        ...withCloud(state, cloud),
        budget: { ...state.budget, otherActors: state.budget.otherActors - 1 }
      }
    }))),
  // An action that waits for an idle stack waits for time alone.
  ...(state.executions.length === 0 && state.cloud.now - idleSince(state.token) < idleMillis
    ? [{
      label: "16 minutes pass",
      target: {
        ...state,
        cloud: { ...state.cloud, now: state.cloud.now + idleMillis },
        // No read is stale for so long.
        previousStacks: state.budget.staleReads === 0 ? [] : state.cloud.stacks
      }
    }]
    : [])
]

export const transitionSystem = (model: Model): TransitionSystem<State> => {
  const transitionsOf = callTransitions(model)
  const steps = new Map<string, Step>()
  /** Of all calls, only a report depends on its own time. */
  const stepOf = (execution: Execution, now: number) => {
    const key = JSON.stringify([execution.token, execution.answers])
    const known = steps.get(key) ?? steps.get(key + now)
    if (known !== undefined) return Effect.succeed(known)
    const event = deployEvent({
      id: execution.token === null ? "1" : "n",
      userParameters: JSON.stringify(model.userParameters),
      continuationToken: execution.token
    })
    return Effect.tap(
      model.nextStep(event, now, execution.answers),
      (step) =>
        Effect.sync(() => steps.set(step._tag === "Call" && step.call._tag === "report" ? key + now : key, step))
    )
  }

  return {
    initialStates: model.initialClouds.map((cloud) => ({
      cloud,
      previousStacks: model.budget.staleReads === 0 ? [] : cloud.stacks,
      isDelivered: false,
      token: model.token,
      pastTokens: [],
      pendingRetries: [],
      executions: [],
      isEnded: false,
      budget: model.budget
    })),
    isTerminal: ({ isEnded }) => isEnded,
    transitionsFrom: Effect.fnUntraced(function*(state) {
      const transitions: Array<Transition<State>> = []
      for (const [index, execution] of state.executions.entries()) {
        const step = yield* stepOf(execution, programTime(state))
        if (step._tag === "Call") {
          const calls = transitionsOf(state, index, execution, step.call, step.account)
          // A transition that affects nothing else may come first: other orders lead to the same states.
          if (step.call._tag === "report" && !execution.isOpen) return calls
          transitions.push(...calls)
        } else if (step._tag === "Rejected") {
          return [{ label: "the handler rejects", target: killFunction(state, index) }]
        } else {
          return [{
            label: "the handler returns",
            target: { ...state, executions: state.executions.toSpliced(index, 1) }
          }]
        }
      }
      // After the result, only a function that still runs or is still delivered could start an operation.
      const isQuiet = state.executions.length === 0 && state.pendingRetries.length === 0
      if (state.isEnded && isQuiet && state.budget.redeliveries === 0) return transitions
      return [
        ...transitions,
        ...deliveryTransitions(state),
        ...environmentTransitions(state),
        ...timeoutTransitions(state, model.userParameters)
      ]
    })
  }
}
