// Watches an operation until it ends.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { StackSetOperation } from "../../domain/stackSet/StackSet.ts"
import { operationId } from "../../domain/stackSet/StackSetOperation.ts"
import * as StackSetPlan from "../../domain/stackSet/StackSetPlan.ts"
import * as StackSetProgress from "../../domain/stackSet/StackSetProgress.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import { StackSets } from "../../services/StackSets.ts"
import { diagnose } from "./diagnose.ts"
import { planNext, StackSetMissing, titles } from "./plan.ts"
import { epochMillis, idleLimit, type Invocation, keyOf, lastOf, type Step, type WatchState } from "./State.ts"

/** The operation failed or was stopped. */
export class StackSetOperationFailed extends Schema.TaggedError<StackSetOperationFailed>()("StackSetOperationFailed", {
  stackSetId: Schema.String,
  operationId: Schema.String,
  status: Schema.String,
  /** At most 5,000 characters. */
  report: Schema.String
}) {
  override get message() {
    return this.report
  }
}

/** CloudFormation does not show the operation that it accepted. */
export class StackSetOperationUnproven
  extends Schema.TaggedError<StackSetOperationUnproven>()("StackSetOperationUnproven", {
    stackSetId: Schema.String,
    operationId: Schema.String
  })
{
  get problem() {
    return `CloudFormation accepted operation ${this.operationId}, but does not show it after 15 minutes`
  }
  get advice() {
    return "Look at the operations of the stack set, then retry the action"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** At most two calls, however many instances there are: the operation, and one page of its results. */
export const watch = Effect.fn("DeployStackSet.watch")(function*(
  invocation: Invocation,
  state: WatchState
) {
  const { execution, parameters: { mode, stackSet } } = invocation
  const { idleSince, ran, stackSetId } = state
  const own = yield* Effect.orDie(Effect.fromOption(lastOf(ran)))
  const id = state.operationId ?? operationId(execution, own)
  const key = keyOf(invocation, stackSetId)
  const stackSets = yield* StackSets
  const read = yield* stackSets.operation(key, id).pipe(
    Effect.asSome,
    Effect.catchTag("StackSetNotFound", () => Effect.succeedNone)
  )
  if (Option.isNone(read)) {
    // A deleted stack set is the goal of a deletion: another delivery of the event can have reached it.
    return mode === "DELETE"
      ? yield* planNext(invocation, { stackSetId, ran })
      : yield* new StackSetMissing({ stackSet, seen: true })
  }
  const found = read.value
  const now = yield* epochMillis
  const decision = StackSetPlan.watch(
    Option.map(found, ({ status }) => status),
    now - (idleSince ?? now) >= idleLimit
  )
  return yield* StackSetPlan.WatchDecision.$match(decision, {
    Wait: () => wait(invocation, state, id, found),
    Continue: () => planNext(invocation, { stackSetId, ran }),
    Fail: ({ status }) =>
      Effect.flatMap(
        diagnose(invocation, key, id, found, `${titles[own.step]} failed: ${status}`),
        (report) => Effect.fail(new StackSetOperationFailed({ stackSetId, operationId: id, status, report }))
      ),
    Unproven: () => Effect.fail(new StackSetOperationUnproven({ stackSetId, operationId: id }))
  })
})

/** Continues in the next job, with the progress of the instances. */
const wait = Effect.fnUntraced(function*(
  invocation: Invocation,
  { idleSince, operationId, progress: before = StackSetProgress.atStart(undefined), ran, resultsDenied, stackSetId }:
    WatchState,
  id: string,
  found: Option.Option<StackSetOperation>
): Effect.fn.Return<Step, never, StackSets> {
  const title = titles[ran.at(-1)?.[0] ?? "update"]
  const { failedInstances, status } = Option.getOrElse(
    found,
    () => ({ failedInstances: undefined, status: "not visible" })
  )
  const { denied, page } = resultsDenied === true || Option.isNone(found)
    ? { denied: resultsDenied, page: Option.none() }
    : yield* readPage(invocation, stackSetId, id, before.token)
  const progress = Option.match(page, {
    // The next job begins a new round, in case the token was at fault.
    onNone: () => ({ ...StackSetProgress.atStart(before.total), done: before.done, failed: before.failed }),
    onSome: (page) => StackSetProgress.advance(before, page, failedInstances)
  })
  const state: WatchState = {
    stackSetId,
    ran,
    watching: true,
    progress,
    ...(operationId !== undefined && { operationId }),
    ...(denied === true && { resultsDenied: true }),
    ...(Option.isNone(found) && { idleSince: idleSince ?? (yield* epochMillis) })
  }
  const text = Option.isNone(page) ? "" : `, ${StackSetProgress.summary(progress)}`
  const percentComplete = StackSetProgress.percent(progress)
  return Action.Step.Continue({
    message: `${title} still in progress: ${status}${text}`,
    externalExecutionId: stackSetId,
    state,
    ...(percentComplete !== undefined && { percentComplete })
  })
})

const readPage = Effect.fnUntraced(function*(
  invocation: Invocation,
  stackSetId: string,
  id: string,
  token: string | undefined
) {
  const stackSets = yield* StackSets
  const read = stackSets.results(keyOf(invocation, stackSetId), id, { token }).pipe(
    Effect.map((page) => ({ denied: undefined, page: Option.some(page) })),
    Effect.catchTags({
      AwsDenied: ({ message }) =>
        Effect.as(Effect.logWarning(`${withoutResults} ${message}`), { denied: true, page: Option.none() }),
      StackSetNotFound: () => Effect.succeed({ denied: undefined, page: Option.none() })
    })
  )
  return Option.getOrElse(
    yield* optionalCall(read, withoutResults),
    () => ({ denied: undefined, page: Option.none() })
  )
})

const withoutResults = "The progress of the instances is not shown."
