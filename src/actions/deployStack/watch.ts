// Watches an operation on a stack until it ends.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { callerOf } from "../../domain/stack/Destination.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import * as StackEvents from "../../domain/stack/StackEvents.ts"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import { isRollback, type Owner, StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import * as StackProgress from "../../domain/stack/StackProgress.ts"
import { adviceAfterFailure, isInProgress } from "../../domain/stack/StackStatus.ts"
import { sentences } from "../../domain/text/sentences.ts"
import type { ArtifactStore } from "../../services/ArtifactStore.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import * as StackDiagnosis from "./diagnose.ts"
import { Events, observe, readEvents, readOf, resolveDecision } from "./observe.ts"
import * as Outputs from "./outputs.ts"
import { rolledBack } from "./rollback.ts"
import { adviceContext, resumeWithFound } from "./start.ts"
import {
  continueWatching,
  epochMillis,
  idleLimit,
  type Invocation,
  nounOf,
  type Step,
  stillInProgress,
  type WatchState
} from "./State.ts"

/** The operation failed. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  operation: Schema.UndefinedOr(StackOperation),
  stackId: Schema.String,
  status: Schema.String,
  /** The causes, oldest first. */
  causes: Schema.Array(Schema.String),
  /** What would show more causes. */
  remarks: Schema.Array(Schema.String),
  /** What to do. */
  advice: Schema.UndefinedOr(Schema.String)
}) {
  override get message() {
    const { advice, causes, operation, remarks, status } = this
    return StackFailure.message({
      head: `${heads[nounOf(operation)]} failed: ${status}`,
      causes,
      remarks: advice === undefined ? remarks : [...remarks, advice]
    })
  }
}

const heads = { rollback: "Rollback", delete: "Delete", update: "Update" } satisfies Record<
  ReturnType<typeof nounOf>,
  string
>

/** The stack to watch does not exist. */
export class StackNotFound extends Schema.TaggedError<StackNotFound>()("StackNotFound", {
  stack: Schema.String,
  /** Whether the action started an operation on it. */
  seen: Schema.Boolean
}) {
  get problem() {
    return `Update failed: stack "${this.stack}" does not exist${this.seen ? " any more: it was deleted" : ""}`
  }
  get advice() {
    return this.seen ? "Retry the action" : undefined
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The stack is idle, and neither its events nor its times show the operation that was started. */
export class OperationUnproven extends Schema.TaggedError<OperationUnproven>()("OperationUnproven", {
  stackId: Schema.String,
  status: Schema.String
}) {
  get problem() {
    return "Update failed: CloudFormation accepted the operation, but the stack does not show it after 15 minutes in " +
      `status ${this.status}`
  }
  get advice() {
    return "Look at the events of the stack, then retry the action"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** What a job knows of the operation that it watches. */
interface WatchContext {
  readonly invocation: Invocation
  readonly state: WatchState
  readonly owner: Owner
  /** The events that were read: at first only the newest, and none unless the progress is shown. */
  readonly events: Events
}

/** The events of the own operation, as far as they were read. */
const ownEvents = ({ events, owner, state: { operation } }: WatchContext) =>
  operation === undefined ? [] : StackEvents.ofOperation(readOf(events), owner, operation)

/** Continues in the next job, with the progress of the resources. */
const wait = Effect.fnUntraced(function*(
  context: WatchContext,
  { stackId, status, ...idle }: { readonly stackId: string; readonly status: string; readonly idleSince?: number }
) {
  const { events, invocation: { parameters }, state } = context
  const { calledAt, changes, operation, progress: before, resources, since } = state
  const own = parameters.progress === false ? [] : ownEvents(context)
  // With `onStackFailure`, CloudFormation deletes a stack that it cannot create: that is no progress.
  const shown = operation !== "delete" && status === "DELETE_IN_PROGRESS" ? "ROLLBACK_IN_PROGRESS" : status
  const progress = own.length === 0 ? before : StackProgress.advance(before, own, shown, resources)
  const progressText = progress && StackProgress.summary(progress, shown, yield* epochMillis, resources)
  const head = `${stillInProgress(operation)}: ${status}`
  // The percentage is that of the create that follows.
  const isReplaced = operation === "delete" && parameters.mode === "REPLACE_ON_FAILURE"
  return continueWatching(progressText ? `${head}, ${progressText}` : head, {
    since,
    stackId,
    ...(calledAt !== undefined && { calledAt }),
    ...(operation && { operation }),
    ...(resources !== undefined && { resources }),
    ...(changes && { changes }),
    ...(progress && { progress: StackProgress.remembered(progress) }),
    ...(Events.$is("Denied")(events) && { eventsDenied: true }),
    ...(Events.$is("Unavailable")(events) && { eventsUnavailable: true }),
    ...idle
  }, isReplaced ? undefined : progress?.percent)
})

/** Waits while the stack's own newest event shows the operation in progress: then the stack need not be described. */
export const watch = Effect.fn("DeployStack.watch")(function*(
  invocation: Invocation,
  state: WatchState
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { execution: { firstJobId }, parameters: { progress = true, waitForCleanup = true } } = invocation
  const { calledAt, eventsDenied = false, operation, stackId } = state
  const context = { invocation, state, owner: { firstJobId, calledAt } }
  if (eventsDenied) return yield* judge({ ...context, events: Events.Denied() })
  if (operation === undefined || !progress) return yield* judge({ ...context, events: Events.Read({ events: [] }) })
  const events = yield* readEvents(stackId)
  const underWay = StackEvents.underWay(readOf(events), context.owner, operation)
  return underWay !== undefined && isInProgress(underWay.status, waitForCleanup)
    ? yield* wait({ ...context, events }, underWay)
    : yield* judge({ ...context, events })
})

/** Describes the stack and judges the operation. No verdict without describing the stack. */
const judge = Effect.fn("DeployStack.judge")(function*(
  before: WatchContext
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { invocation, owner, state } = before
  const { eventsUnavailable = false, idleSince, operation, since, stackId } = state
  const { execution, parameters: { waitForCleanup = true } } = invocation
  const { describe } = yield* CloudFormation
  const found = yield* describe(stackId)
  const stack = Option.getOrElse(found, () => notFound(stackId))
  const now = yield* epochMillis
  const idleTooLong = now - (idleSince ?? now) >= idleLimit
  const decision = StackPlan.watch({ operation, waitForCleanup, idleTooLong }, observe(found, execution, now, state))
  const { events, next } = yield* resolveDecision(
    decision,
    { stack: found, since, owner, operations: operation === undefined ? [] : [operation] },
    {
      events: before.events,
      isComplete: operation !== undefined && StackEvents.reachBack(readOf(before.events), owner, operation),
      wereUnavailable: eventsUnavailable
    }
  )
  const context = { ...before, events }

  const keepWaiting = (isIdle: boolean) =>
    wait(context, { stackId: stack.id, status: stack.status, ...(isIdle && { idleSince: idleSince ?? now }) })

  return yield* StackPlan.WatchDecision.$match(next, {
    Wait: ({ isIdle }) => keepWaiting(isIdle),
    Succeed: () => succeed(context, found),
    StackNotFound: () => Effect.fail(new StackNotFound({ stack: stackId, seen: operation !== undefined })),
    Unproven: ({ status }) =>
      // The next job reads the events, or does without.
      Events.$is("Unavailable")(events) ? keepWaiting(true) : Effect.fail(new OperationUnproven({ stackId, status })),
    Fail: ({ status }) => fail(context, status, stack)
  })
})

const succeed = Effect.fnUntraced(function*(
  { events, invocation, state }: WatchContext,
  stack: Option.Option<Stack>
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { changes, operation, stackId } = state
  if (isRollback(operation)) return rolledBack(invocation, stackId, stack)
  if (operation === "delete" && invocation.parameters.mode === "REPLACE_ON_FAILURE") {
    return yield* resumeWithFound(invocation, { stackId })
  }
  const proved = Events.$is("Read")(events) ? operation : undefined
  return yield* Outputs.succeed(invocation, completeText(operation), stack, { proved, changes })
})

/** AWS's sample says "update" for a create too. */
const completeText = (operation: StackOperation | undefined) => {
  if (operation === "delete") return "Stack delete complete"
  return operation === "create" ? "Stack update complete: the stack was created" : "Stack update complete"
}

type DescribedStack = Pick<Stack, "id" | "name" | "status" | "reason" | "terminationProtection">

const notFound = (stack: string): DescribedStack => ({
  id: stack,
  name: stack,
  status: "not found",
  reason: undefined,
  terminationProtection: false
})

/** The operation ended with `ended`; the stack's current status can be the result of a later, foreign operation. */
const fail = Effect.fnUntraced(function*(
  context: WatchContext,
  ended: string,
  { id, name, reason, status, terminationProtection }: DescribedStack
) {
  const { events, invocation: { parameters }, state } = context
  const causes = yield* StackDiagnosis.diagnose(ownEvents(context), readOf(events))
  return yield* new OperationFailed({
    operation: state.operation,
    stackId: id,
    status: ended,
    causes: causes.length > 0 || reason === undefined ? causes : [reason],
    remarks: remarksOn(events, callerOf(parameters)),
    advice: adviceAfterFailure(status, adviceContext(parameters, name, terminationProtection))
  })
})

const remarksOn = (events: Events, caller: string): ReadonlyArray<string> =>
  Events.$match(events, {
    Read: () => [],
    Denied: () => [`cloudformation:DescribeStackEvents would show the causes; ${caller} does not have it`],
    Unavailable: () => ["The causes are in the events of the stack, which could not be read"]
  })

type WatchError =
  | StackNotFound
  | OperationUnproven
  | OperationFailed
  | Effect.Error<ReturnType<typeof resumeWithFound>>
  | Outputs.SuccessError
