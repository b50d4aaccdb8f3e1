// What DeployStack remembers between two jobs, and how it goes on in the next one.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import { StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackProgress from "../../domain/stack/StackProgress.ts"
import type { DeployStackParameters } from "./Parameters.ts"

/** The stack that is watched, and the operation that was begun on it, unless another program did that. */
export const WatchState = Schema.Struct({
  stackId: Schema.String,
  operation: Schema.optionalKey(StackOperation),
  /** Nothing older is of that operation; epoch milliseconds. */
  since: Schema.Int,
  /** Since when the stack is at rest and shows nothing of that operation; epoch milliseconds. */
  idleSince: Schema.optionalKey(Schema.Int),
  /** As many resources the operation has to bring about, where that is known. */
  resources: Schema.optionalKey(Schema.Int),
  progress: Action.bestEffort(StackProgress.StackProgress),
  /** The role may not read events; said once. */
  eventsDenied: Schema.optionalKey(Schema.Literal(true))
})

export type WatchState = typeof WatchState.Type

/** The change set that is being made. */
export const PrepareState = Schema.Struct({ stackId: Schema.String, changeSet: Schema.String })
export type PrepareState = typeof PrepareState.Type

export const State = Schema.Union([PrepareState, WatchState])
export type State = typeof State.Type

export type Invocation = Action.Invocation<DeployStackParameters>
export type Step = Action.Step<State>

export const continueWatching = (message: string, state: WatchState, percentComplete?: number): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackId, state, percentComplete })

export const continuePreparing = (
  message: string,
  { changeSet, stackId }: PrepareState,
  percentComplete?: number
): Step =>
  Action.Step.Continue({
    message,
    externalExecutionId: stackId,
    state: { stackId, changeSet },
    percentComplete
  })

/** Nothing is begun yet. */
export const postpone = (status: string) => Action.Step.StartAgain({ message: `Waiting for the stack: ${status}` })

/** The mark of a role that may not read events. */
export const eventsDeniedMark = { eventsDenied: true } as const

/** The sample's words, but for a delete, which it has not. */
export const stillInProgress = (operation: StackOperation | undefined) =>
  `Stack ${operation === "delete" ? "delete" : "update"} still in progress`

export const modeOf = ({ mode = "CREATE_UPDATE" }: DeployStackParameters) => mode

/** A stack's name, also out of its ARN. */
export const nameOf = (stack: string) => stack.startsWith("arn:") ? stack.split("/")[1] ?? stack : stack

export const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)
