// What DeployStackSet remembers between two jobs, and the steps that continue with it: ids and counts, but no lists, so that
// the state of 5,000 instances is as small as that of four.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { StackSetKey } from "../../domain/stackSet/StackSet.ts"
import { type OwnOperation, Step as OperationStep } from "../../domain/stackSet/StackSetOperation.ts"
import { maxOperations } from "../../domain/stackSet/StackSetPlan.ts"
import { StackSetProgress } from "../../domain/stackSet/StackSetProgress.ts"
import type { DeployStackSetParameters } from "./Parameters.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxOperations }))

/** The number of own operations of each step so far, in the order in which the steps were begun. */
const Ran = Schema.Array(Schema.Tuple([OperationStep, Count])).check(Schema.isMaxLength(OperationStep.literals.length))

const common = {
  /** The stack set's id, or its name until it is found. */
  stackSetId: Schema.String,
  ran: Ran
}

/** The operation that is watched: the last one of `ran`. */
export const WatchState = Schema.Struct({
  ...common,
  ran: Ran.check(Schema.isMinLength(1)),
  watching: Schema.Literal(true),
  /** Its id, if CloudFormation gave it another one than the own. */
  operationId: Schema.optionalKey(Schema.String),
  /** Since when it is not visible; epoch milliseconds. */
  idleSince: Schema.optionalKey(Schema.Int),
  progress: Action.bestEffort(StackSetProgress),
  /** The role may not read the results of operations. */
  resultsDenied: Schema.optionalKey(Schema.Literal(true))
})
export type WatchState = typeof WatchState.Type

/**
 * No operation of the action is in progress: the next one is decided on. A first job that would delete something only
 * continues with this state. Lambda can deliver an event six hours late, when CodePipeline no longer waits for its job;
 * the next job exists only if CodePipeline accepted the result of this one.
 */
export const PlanState = Schema.Struct({
  ...common,
  /** The foreign operation to wait for. */
  waitingFor: Schema.optionalKey(Schema.String)
})
export type PlanState = typeof PlanState.Type

export const State = Schema.Union([WatchState, PlanState])
export type State = typeof State.Type

export type Ran = typeof Ran.Type

export type Invocation = Action.Invocation<DeployStackSetParameters>
export type Step = Action.Step<State>

/** The last operation of the action. */
export const lastOf = (ran: Ran): Option.Option<OwnOperation> =>
  Option.map(Option.fromUndefinedOr(ran.at(-1)), ([step, number]) => ({ step, number }))

/** With one more operation. */
export const withOperation = (ran: Ran, { number, step }: OwnOperation): Ran => [
  ...ran.filter(([other]) => other !== step),
  [step, number]
]

/** All operations of the action, oldest first. */
export const operationsOf = (ran: Ran): ReadonlyArray<OwnOperation> =>
  ran.flatMap(([step, count]) => Array.from({ length: count }, (_, index) => ({ step, number: index + 1 })))

export const keyOf = ({ parameters: { callAs } }: Invocation, stackSet: string): StackSetKey => ({
  stackSet,
  ...(callAs !== undefined && { callAs })
})

/** The next job decides what comes next. */
export const continuePlanning = (message: string, state: PlanState): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackSetId, state })

/** How long CloudFormation can fail to show the own operation. */
export const idleLimit = Duration.toMillis("15 minutes")

/** In whole milliseconds. */
export const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)
