// Who executed a change set, and how an own execution is adopted.
import * as Effect from "effect/Effect"
import * as ChangeSet from "../../../domain/stack/ChangeSet.ts"
import type { ChangeCounts } from "../../../domain/stack/plan/ChangePlan.ts"
import { reachTime } from "../../../domain/stack/StackEvents.ts"
import type { CloudFormation } from "../../../services/CloudFormation.ts"
import { Events, readEvents, redeliveryWindowStart } from "../observe.ts"
import { continueWatching, type Invocation, type Step, stillInProgress, type WatchState } from "../State.ts"

/** The watch of an execution. `changes`: what the change set changes, if known. */
export const watchState = ({ execution }: Invocation, stackId: string, changes?: ChangeCounts): WatchState => ({
  stackId,
  operation: "execute",
  since: redeliveryWindowStart(execution),
  ...(changes !== undefined && { changes })
})

/** Watches the execution that an earlier delivery of the event started, or a call whose answer was lost. */
export const adopt = (invocation: Invocation, stackId: string, changes?: ChangeCounts): Step =>
  continueWatching(stillInProgress("execute"), watchState(invocation, stackId, changes))

/** Who executed a change set that was created at `createdAt`, in epoch milliseconds. */
export const findExecutor = (invocation: Invocation, stackId: string, createdAt: number) =>
  Effect.map(
    readEvents(stackId, (newest) => reachTime(newest, createdAt)),
    Events.$match({
      Read: ({ events }) => ChangeSet.executor(events, invocation.execution, createdAt),
      Denied: () => ChangeSet.Executor.Denied(),
      Unavailable: () => ChangeSet.Executor.Unavailable()
    })
  )

/** A change set whose executor is unknown. */
interface Executed {
  readonly stackId: string
  /** No execution is older; epoch milliseconds. */
  readonly createdAt: number
  /** What it changes, if known. */
  readonly changes?: ChangeCounts
}

/** Adopts the execution if the stack's events show that it is an own one. */
export const adoptOwnOr = Effect.fnUntraced(function*<E, R>(
  invocation: Invocation,
  { changes, createdAt, stackId }: Executed,
  otherwise: (executor: ChangeSet.Executor) => Effect.Effect<Step, E, R>
): Effect.fn.Return<Step, E, CloudFormation | R> {
  const executor = yield* findExecutor(invocation, stackId, createdAt)
  return ChangeSet.Executor.$is("Own")(executor) ? adopt(invocation, stackId, changes) : yield* otherwise(executor)
})
