// A state of the transition system: the cloud, the open job, the events that Lambda still has to deliver, and the functions
// that run, each with its event and its answers so far.
import type { Effect } from "effect"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import type * as Cloud from "./cloud.ts"
import type { Account, Answered, Call, Step } from "./program.ts"

/** The fault budget: how often each kind of fault may still happen. It bounds the state space. */
export interface FaultBudget {
  /** Lambda redelivers an event, at any time. */
  readonly redeliveries: number
  /** A request or its answer is lost (a throttle, a time-out, the deadline), or the function is killed. */
  readonly callFaults: number
  /** Another actor changes the stack. */
  readonly otherActors: number
  /** A read returns the state before the last change. */
  readonly staleReads: number
}

/** A delivery of a job's event. */
export interface Delivery {
  /** The continuation token; null in the first job's event. */
  readonly token: string | null
  /** Whether CodePipeline still waits for this job's result. */
  readonly isOpen: boolean
}

/** A function that runs. */
export interface Execution extends Delivery {
  readonly answers: ReadonlyArray<Answered>
  /** The number of the action's operations when the function last learned of them. */
  readonly operationsSeen: number
}

export interface State {
  readonly cloud: Cloud.Cloud
  /** The stacks before the last change, for stale reads. */
  readonly previousStacks: ReadonlyArray<Cloud.ModelStack>
  /** Whether the open job's event was delivered. */
  readonly isDelivered: boolean
  /** The token of the open job. */
  readonly token: string | null
  /** The tokens of jobs that have their result. */
  readonly pastTokens: ReadonlyArray<string | null>
  /** The events that Lambda will redeliver because their functions failed. */
  readonly pendingRetries: ReadonlyArray<Delivery>
  readonly executions: ReadonlyArray<Execution>
  /** Whether the action has its result. */
  readonly isEnded: boolean
  readonly budget: FaultBudget
}

/** What distinguishes one model from another. */
export interface Model {
  readonly initialClouds: ReadonlyArray<Cloud.Cloud>
  readonly budget: FaultBudget
  readonly mayReadEvents: boolean
  readonly userParameters: Readonly<Record<string, unknown>>
  /** The parameters that the template declares, and for which the stacks of others have values. */
  readonly parameters: ReadonlyArray<string>
  /** Whether the template has defaults for them. */
  readonly hasDefaults: boolean
  /** The continuation token of the first event. */
  readonly token: string | null
  readonly nextStep: (event: unknown, now: number, answers: ReadonlyArray<Answered>) => Effect.Effect<Step>
  readonly invariants: Invariants
}

export type CallInvariant = (
  call: Call,
  cloud: Cloud.Cloud,
  execution: Execution,
  account: Account
) => string | undefined

/** Safety: each returns the violation in words, if there is one. */
export interface Invariants {
  readonly onReport: (outcome: JobOutcome, cloud: Cloud.Cloud, execution: Execution) => string | undefined
  /** At every call that changes the cloud, with the cloud after it. */
  readonly onOperationStarted: (cloud: Cloud.Cloud, execution: Execution, call: Call) => string | undefined
  /** At every call, with the cloud before it. */
  readonly onCall?: CallInvariant | undefined
}

/** The six hours of redeliveries depend on these times, which need not be exact. */
const wholeHours = (millis: number) => millis - millis % 3_600_000

/** Removes what differs from job to job without effect on decisions, so that polling returns to a known state. */
const canonicalToken = (token: string) => {
  const { execution, state: left, ...rest } = JSON.parse(token) as {
    execution: Record<string, unknown> & { startedAt: number }
    state?: { since?: number; calledAt?: number } | null
  }
  const state = left && left.calledAt === undefined && left.since !== undefined
    ? { ...left, since: wholeHours(left.since) }
    : left
  const unavailable = execution["unavailable"] as { since: number } | undefined
  return JSON.stringify({
    ...rest,
    ...(state !== undefined && { state: state && { ...state, progress: undefined } }),
    execution: {
      ...execution,
      startedAt: wholeHours(execution.startedAt),
      attempt: 1,
      ...(unavailable && { unavailable: { ...unavailable, jobs: 1 } })
    }
  })
}

const closed = <D extends Delivery>(deliveries: ReadonlyArray<D>) =>
  deliveries.map((delivery) => ({ ...delivery, isOpen: false }))

/** What the clock of a function shows: a little later than CloudFormation's last change. */
export const programTime = ({ cloud }: State) => cloud.now + 500

export const withCloud = (state: State, cloud: Cloud.Cloud): State => {
  if (cloud === state.cloud) return state
  return { ...state, cloud, previousStacks: state.budget.staleReads === 0 ? [] : state.cloud.stacks }
}

/** Ends the function without a result; Lambda redelivers its event. */
export const killFunction = (state: State, index: number): State => {
  const { isOpen, token } = state.executions[index] ?? { isOpen: false, token: null }
  return {
    ...state,
    executions: state.executions.toSpliced(index, 1),
    pendingRetries: [...state.pendingRetries, { token, isOpen }]
  }
}

/** CodePipeline accepts a result for the open job. */
export const acceptResult = (state: State, outcome: JobOutcome): State => {
  const pastTokens = state.pastTokens.includes(state.token) ? state.pastTokens : [...state.pastTokens, state.token]
  const closedState = {
    ...state,
    pastTokens,
    executions: closed(state.executions),
    pendingRetries: closed(state.pendingRetries)
  }
  return outcome._tag === "Continued"
    ? { ...closedState, token: canonicalToken(outcome.continuationToken), isDelivered: false }
    : {
      ...closedState,
      isEnded: true,
      previousStacks: [],
      budget: { ...state.budget, callFaults: 0, otherActors: 0, staleReads: 0 }
    }
}
