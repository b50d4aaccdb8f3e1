// Cancels the own update that is still in progress when the action reaches its timeout.
import * as Effect from "effect/Effect"
import type { FailureContext } from "../../Action.ts"
import { underWay } from "../../domain/stack/StackEvents.ts"
import { requestToken } from "../../domain/stack/StackOperation.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { Events, readEvents, readOf } from "./observe.ts"
import type { Invocation, WatchState } from "./State.ts"

/**
 * Only an update can be cancelled, and only one that the stack's events prove to be the own one: another actor can have
 * started the update that is in progress. Returns what became of the update, for the message of the timeout.
 */
export const cancelUpdate = Effect.fn("DeployStack.cancelUpdate")(function*(
  { execution, parameters }: Invocation,
  { operation, stackId }: WatchState,
  { isTimeout }: FailureContext
): Effect.fn.Return<string | undefined, never, CloudFormation> {
  if (!isTimeout || parameters.onTimeout !== "cancel" || operation === undefined) return undefined
  const events = yield* readEvents(stackId)
  if (!Events.$is("Read")(events)) {
    return `${notCancelled}: the events of the stack, which show whose it is, cannot be read`
  }
  if (underWay(readOf(events), execution, operation)?.status !== "UPDATE_IN_PROGRESS") return undefined
  const cloudFormation = yield* CloudFormation
  const request = { stack: stackId, clientRequestToken: requestToken("cancel", execution) }
  return yield* cloudFormation.cancelUpdate(request).pipe(
    Effect.as(cancelled),
    Effect.catchTags({
      // An earlier delivery has cancelled it.
      TokenUsed: () => Effect.succeed(cancelled),
      StackNotReady: () => Effect.undefined
    }),
    Effect.catch(({ message }) => Effect.succeed(`${notCancelled}: ${message}`))
  )
})

const cancelled = "The update of the stack is cancelled, and CloudFormation rolls it back"
const notCancelled = "The update of the stack is not cancelled and continues"
