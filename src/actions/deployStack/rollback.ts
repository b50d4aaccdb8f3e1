// Brings a stack back to rest whose last operation failed and was not rolled back, or whose rollback failed.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Action from "../../Action.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import { isOfStack, type StackEvent } from "../../domain/stack/StackEvents.ts"
import { requestToken, type RollbackOperation } from "../../domain/stack/StackOperation.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import {
  adopt,
  changedAt,
  checkRecovery,
  type NewState,
  OperationRejected,
  StackChanged,
  type StartContext
} from "./operations.ts"
import { continueWatching, continueWithFound, type Invocation, nameOf, type Step, timed } from "./State.ts"

/**
 * Starts the rollback of the stack that an earlier job found, after what follows it is checked. `events` are the stack's
 * newest ones, as far as they can be read; none of them is of an own operation.
 */
export const startRollback = Effect.fn("DeployStack.rollBack")(function*(
  context: StartContext,
  state: NewState,
  operation: RollbackOperation,
  events: ReadonlyArray<StackEvent>
) {
  const { invocation: { execution, parameters }, stack } = context
  const { resourcesToSkip = [], retainExceptOnCreate, roleArn } = parameters
  const { stackId } = state
  yield* checkRecovery(context)
  if (context.foundId !== stackId) {
    return continueWithFound("Stack rollback prepared: the next job rolls it back", stackId, operation)
  }
  const { foundOperation = operation } = context
  if (foundOperation !== operation && !showStatus(events, stack)) return adopt(context, state, foundOperation)
  if (operation === "rollback" && resourcesToSkip.length > 0) yield* Effect.logWarning(nothingIsSkipped)
  const cloudFormation = yield* CloudFormation
  const request = { stack: stackId, clientRequestToken: requestToken(operation, execution), roleArn }
  const call = operation === "rollback"
    ? cloudFormation.rollBack({ ...request, retainExceptOnCreate })
    : cloudFormation.continueRollback({ ...request, resourcesToSkip })
  return yield* timed(call).pipe(
    Effect.map(({ calledAt }) =>
      continueWatching("Stack rollback started", { ...state, operation, since: changedAt(stack), calledAt }, 0)
    ),
    Effect.catchTags({
      TokenUsed: () => Effect.succeed(adopt(context, state, operation)),
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) =>
        Effect.fail(new OperationRejected({ operation, stack: nameOf(parameters.stack), reason: detail }))
    })
  )
})

/** Whether the events are as new as the description of the stack. If not, they may not show that an own rollback has failed. */
const showStatus = (events: ReadonlyArray<StackEvent>, stack: Option.Option<Stack>) =>
  Option.exists(stack, ({ status }) => events.find(isOfStack)?.status === status)

const nothingIsSkipped =
  "\"resourcesToSkip\" applies only if the rollback of an update failed before: nothing is skipped."

/** The stack is rolled back. It is the end in mode ROLLBACK; otherwise the next job deploys it. */
export const rolledBack = (
  { parameters: { mode } }: Invocation,
  stackId: string,
  stack: Option.Option<Stack>
): Step => {
  const status = Option.match(stack, { onNone: () => "not found", onSome: ({ status }) => status })
  const message = `Stack rollback complete: ${status}`
  return mode === "ROLLBACK"
    ? atRest(`${message}${remarks[status] ?? ""}`, stack)
    : continueWithFound(`${message}; the next job deploys the stack`, stackId)
}

const remarks: Readonly<Record<string, string>> = {
  ROLLBACK_COMPLETE: ". The stack was never complete: it can only be deleted",
  DELETE_COMPLETE: ". The stack was never complete, so CloudFormation has deleted it"
}

/** There is nothing to roll back, or nothing any more. */
export const nothingToRollBack = (
  { foundId, invocation, stack }: StartContext,
  status: string | undefined
): Step => {
  const named = invocation.parameters.stack
  if (status === undefined) return atRest(`Stack "${named}" does not exist: there is nothing to roll back`, stack)
  return foundId !== undefined && status.endsWith("ROLLBACK_COMPLETE")
    ? rolledBack(invocation, foundId, stack)
    : atRest(`There is nothing to roll back: stack "${nameOf(named)}" is in ${status}`, stack)
}

const atRest = (message: string, stack: Option.Option<Stack>): Step =>
  Option.match(stack, {
    onNone: () => Action.Step.Done({ message }),
    onSome: ({ id, status }) =>
      Action.Step.Done({
        message,
        externalExecutionId: id,
        outputVariables: { StackId: id, StackStatus: status }
      })
  })
