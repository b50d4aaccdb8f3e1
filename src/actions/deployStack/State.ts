// What DeployStack remembers between two jobs, and the steps that continue with it.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import { ChangeCounts } from "../../domain/stack/plan/ChangePlan.ts"
import {
  calledAt,
  isRollback,
  requestToken,
  RollbackOperation,
  StackOperation
} from "../../domain/stack/StackOperation.ts"
import * as StackProgress from "../../domain/stack/StackProgress.ts"
import type { DeployStackParameters } from "./Parameters.ts"

/** What every state can have after a drift detection. */
const afterDetection = {
  /** The number of resources that had drifted. */
  drifted: Schema.optionalKey(Schema.Int)
}

/** The stack that is watched, and the operation that was started on it, unless another program started it. */
export const WatchState = Schema.Struct({
  stackId: Schema.String,
  operation: Schema.optionalKey(StackOperation),
  /** No event of the operation is older: when the stack last changed before it, if known; epoch milliseconds. */
  since: Schema.Int,
  /** When this action made the call; absent if an earlier delivery may have made it. */
  calledAt: Schema.optionalKey(Schema.Int),
  /** Since when the stack is idle without showing the operation; epoch milliseconds. */
  idleSince: Schema.optionalKey(Schema.Int),
  /** The number of resources that the operation creates or changes, if known. */
  resources: Schema.optionalKey(Schema.Int),
  /** What the executed change set changes, if known. */
  changes: Schema.optionalKey(ChangeCounts),
  progress: Action.bestEffort(StackProgress.StackProgress),
  /** The role may not read events. */
  eventsDenied: Schema.optionalKey(Schema.Literal(true)),
  /** The previous job could not read events. */
  eventsUnavailable: Schema.optionalKey(Schema.Literal(true)),
  ...afterDetection
})
export type WatchState = typeof WatchState.Type

/** The change set that is being created, or is going to be executed. */
export const PrepareState = Schema.Struct({
  stackId: Schema.String,
  /** Its ARN, or its name until it is found. */
  changeSet: Schema.String,
  /** Since when it is not visible, or nothing shows who executed it; epoch milliseconds. */
  idleSince: Schema.optionalKey(Schema.Int),
  /** It has no changes. It may be deleted already. */
  isEmpty: Schema.optionalKey(Schema.Literal(true)),
  ...afterDetection
})
export type PrepareState = typeof PrepareState.Type

/**
 * The stack that is going to be deleted or rolled back, or the name of the one that is going to be created instead of a
 * deleted one, or the stack that is rolled back, or whose drift is known, and
 * going to be deployed. Lambda can deliver an event six hours late, when
 * CodePipeline no longer waits for its job, and another stack may have the name. Such a job deletes nothing: it only
 * continues, which CodePipeline does not accept. The next job exists only if CodePipeline accepted, and it deletes no other
 * stack than this one. The new stack gets the values of the deleted one.
 */
export const FoundState = Schema.Struct({
  stackId: Schema.String,
  found: Schema.Literal(true),
  /** How the stack is going to be rolled back. If it requires another kind now, this rollback can have failed since. */
  operation: Schema.optionalKey(RollbackOperation),
  ...afterDetection
})
export type FoundState = typeof FoundState.Type

/** The drift detection that is in progress. It changes nothing: the job after it starts as if it were the first one. */
export const DetectionState = Schema.Struct({
  stackId: Schema.String,
  /** CloudFormation's StackDriftDetectionId. */
  detection: Schema.String
})
export type DetectionState = typeof DetectionState.Type

export const State = Schema.Union([PrepareState, FoundState, DetectionState, WatchState])
export type State = typeof State.Type

export type Invocation = Action.Invocation<DeployStackParameters>
export type Step = Action.Step<State>

export const continueWatching = (message: string, state: WatchState, percentComplete?: number): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackId, state, percentComplete })

export const continuePreparing = (message: string, state: PrepareState, percentComplete?: number): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackId, state, percentComplete })

/** The next job starts, and knows the stack that this one found. */
export const continueWithFound = (message: string, stackId: string, operation?: RollbackOperation): Step =>
  Action.Step.Continue({
    message,
    externalExecutionId: stackId,
    state: { stackId, found: true, ...(operation && { operation }) }
  })

/** CloudFormation detects the drift of the stack. */
export const continueDetecting = (message: string, state: DetectionState): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackId, state })

/** Nothing was started: the next job starts. */
export const postpone = (status: string): Step =>
  Action.Step.StartAgain({ message: `Waiting for the stack: ${status}` })

/** AWS's sample says "update" for a create too; it has no other operations. */
export const nounOf = (operation: StackOperation | undefined): "rollback" | "delete" | "update" => {
  if (isRollback(operation)) return "rollback"
  return operation === "delete" ? "delete" : "update"
}

export const stillInProgress = (operation: StackOperation | undefined): string =>
  `Stack ${nounOf(operation)} still in progress`

/** The name of a stack or a change set, which is also a part of its ARN. */
export const nameOf = (key: string): string => key.startsWith("arn:") ? key.split("/")[1] ?? key : key

/** The name of a change set that has no name in UserParameters. */
export const ownName = (execution: Invocation["execution"]): string => requestToken("execute", execution)

/** The stack and the change set, as messages name them; `key` is the change set's ARN if UserParameters have it. */
export const namesOf = ({ execution, parameters }: Invocation) => {
  const key = parameters.changeSet ?? ownName(execution)
  return { stack: nameOf(parameters.stack), changeSet: nameOf(key), key }
}

/** How long an idle stack can fail to show the own operation. */
export const idleLimit = Duration.toMillis("15 minutes")

/** In whole milliseconds. */
export const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

/** The answer to a call that starts an operation, and the time of the call. */
export interface Timed<A> {
  readonly answer: A
  readonly calledAt: number
}

export const timed = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<Timed<A>, E, R> =>
  Effect.flatMap(epochMillis, (now) => Effect.map(call, (answer) => ({ answer, calledAt: calledAt(now) })))
