// Watches the operation that was state on a stack, to its end.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as StackEvents from "../../domain/stack/StackEvents.ts"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import { type Owner, StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import * as StackProgress from "../../domain/stack/StackProgress.ts"
import { adviceAfterFailure, isInProgress } from "../../domain/stack/StackStatus.ts"
import type { ArtifactStore } from "../../services/ArtifactStore.ts"
import { CloudFormation, type Stack } from "../../services/CloudFormation.ts"
import * as StackDiagnosis from "./diagnose.ts"
import { newestEvents, observe, ownerOf, resolveDecision } from "./observe.ts"
import * as StackSuccess from "./outputs.ts"
import { start } from "./start.ts"
import {
  continueWatching,
  epochMillis,
  eventsDeniedMark,
  type Invocation,
  modeOf,
  type Step,
  stillInProgress,
  type WatchState
} from "./State.ts"

/** The operation has ended badly. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  operation: Schema.UndefinedOr(StackOperation),
  stackId: Schema.String,
  status: Schema.String,
  /** Why, oldest first. */
  causes: Schema.Array(Schema.String),
  /** What the reader should know besides, and what to do next. */
  remarks: Schema.Array(Schema.String)
}) {
  override get message() {
    const { causes, operation, remarks, status } = this
    return StackFailure.message({
      head: `${operation === "delete" ? "Delete" : "Update"} failed: ${status}`,
      causes,
      remarks
    })
  }
}

/** There is no stack to watch. */
export class StackNotFound extends Schema.TaggedError<StackNotFound>()("StackNotFound", {
  stack: Schema.String,
  /** Whether the action has seen it before. */
  seen: Schema.Boolean
}) {
  override get message() {
    return `Update failed: stack "${this.stack}" does not exist` +
      (this.seen ? " any more. Somebody has deleted it; retry the action" : "")
  }
}

/** The stack is at rest, and neither its events nor its times show the operation that was state. */
export class OperationUnproven extends Schema.TaggedError<OperationUnproven>()("OperationUnproven", {
  stackId: Schema.String,
  status: Schema.String
}) {
  override get message() {
    return `Update failed: CloudFormation has taken the operation, and for 15 minutes the stack, in status ${this.status}, ` +
      "has not shown it. Look at the events of the stack, then retry the action"
  }
}

/** How long a stack at rest may show nothing of our operation. */
const idleLimit = Duration.toMillis("15 minutes")

/** What a job that goes on has seen so far. */
interface WatchContext {
  readonly state: WatchState
  readonly owner: Owner
  /** The newest events; none where they were not asked for, or may not be read. */
  readonly newest: ReadonlyArray<StackEvents.StackEvent>
  readonly eventsDenied: boolean
}

const oursIn = (events: ReadonlyArray<StackEvents.StackEvent>, { state: { operation }, owner }: WatchContext) =>
  operation === undefined ? [] : StackEvents.ofOperation(events, owner, operation)

/** Goes on in the next job, and tells how far the resources have come. */
const wait = Effect.fnUntraced(function*(
  { parameters }: Invocation,
  context: WatchContext,
  stackId: string,
  status: string,
  idleSince?: number
) {
  const { state: { operation, progress: before, resources, since }, eventsDenied, newest } = context
  const ours = oursIn(newest, context)
  const progress = ours.length === 0 ? before : StackProgress.advance(before, ours, status, resources)
  const progressText = progress && StackProgress.summary(progress, status, yield* epochMillis, resources)
  // A create comes after it, and has the percentage for itself.
  const isPreliminary = operation === "delete" && modeOf(parameters) === "REPLACE_ON_FAILURE"
  const head = `${stillInProgress(operation)}: ${status}`
  return continueWatching(progressText ? `${head}, ${progressText}` : head, {
    since,
    stackId,
    ...(operation && { operation }),
    ...(resources !== undefined && { resources }),
    ...(progress && { progress: StackProgress.remembered(progress) }),
    ...(eventsDenied && eventsDeniedMark),
    ...(idleSince !== undefined && { idleSince })
  }, isPreliminary ? undefined : progress?.percent)
})

type Seen = Pick<Stack, "id" | "name" | "status" | "reason">

const unseen = (stack: string): Seen => ({ id: stack, name: stack, status: "not to be seen", reason: undefined })

/** The operation has ended with `ended`; what the stack is now may be another's doing. */
const fail = Effect.fnUntraced(function*(
  ended: string,
  { id, name, reason, status }: Seen,
  context: WatchContext,
  events: ReadonlyArray<StackEvents.StackEvent>
) {
  const causes = yield* StackDiagnosis.diagnose(oursIn(events, context))
  const next = adviceAfterFailure(status, name)
  return yield* new OperationFailed({
    operation: context.state.operation,
    stackId: id,
    status: ended,
    causes: causes.length > 0 || reason === undefined ? causes : [reason],
    remarks: [...(context.eventsDenied ? [eventsWouldTell] : []), ...(next === undefined ? [] : [next])]
  })
})

const eventsWouldTell =
  "cloudformation:DescribeStackEvents would tell more; the role of the Lambda function does not have it"

/** Goes on while the stack's own newest event shows the operation under way: that needs no judge at the stack. */
export const watch = Effect.fn("DeployStack.watch")(function*(
  invocation: Invocation,
  state: WatchState
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { execution, parameters } = invocation
  const { eventsDenied = false, operation, since } = state
  const owner = ownerOf(execution, since)
  if (operation === undefined || eventsDenied || parameters.progress === false) {
    return yield* judge(invocation, { state, owner, newest: [], eventsDenied })
  }
  const events = yield* newestEvents(state.stackId, since)
  const newest = Option.getOrElse(events, () => [])
  const context = { state, owner, newest, eventsDenied: Option.isNone(events) }
  const underWay = StackEvents.underWay(newest, owner, operation)
  return underWay !== undefined && isInProgress(underWay.status, parameters.waitForCleanup ?? true)
    ? yield* wait(invocation, context, underWay.stackId, underWay.status)
    : yield* judge(invocation, context)
})

/** Looks at the stack, and judges the operation: without a judge there is no verdict. */
const judge = Effect.fn("DeployStack.judge")(function*(
  invocation: Invocation,
  before: WatchContext
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { execution, parameters } = invocation
  const { state: { operation, idleSince, since, stackId }, newest, owner } = before
  const cloudFormation = yield* CloudFormation
  const found = yield* cloudFormation.describe(stackId)
  const stack = Option.getOrElse(found, () => unseen(stackId))
  const now = yield* epochMillis
  const known = {
    operation,
    waitForCleanup: parameters.waitForCleanup ?? true,
    idleTooLong: now - (idleSince ?? now) >= idleLimit
  }
  const { events, next } = yield* resolveDecision(StackPlan.watch(known, observe(found, execution, since)), {
    stack: found,
    since,
    owner,
    operations: operation === undefined ? [] : [operation],
    eventsDenied: before.eventsDenied,
    read: operation !== undefined && StackEvents.reachBack(newest, owner, operation) ? newest : undefined
  })
  const context = { ...before, eventsDenied: before.eventsDenied || Option.isNone(events) }

  return yield* StackPlan.WatchDecision.$match(next, {
    Wait: ({ isIdle }) => wait(invocation, context, stack.id, stack.status, isIdle ? idleSince ?? now : undefined),
    Succeed: () => {
      if (operation === "delete" && modeOf(parameters) === "REPLACE_ON_FAILURE") return start(invocation)
      return StackSuccess.succeed(invocation, `Stack ${operation === "delete" ? "delete" : "update"} complete`, found)
    },
    StackNotFound: () => Effect.fail(new StackNotFound({ stack: stackId, seen: operation !== undefined })),
    Unproven: ({ status }) => Effect.fail(new OperationUnproven({ stackId, status })),
    Fail: ({ status }) => fail(status, stack, context, Option.getOrElse(events, () => []))
  })
})

type WatchError = StackNotFound | OperationUnproven | OperationFailed | Effect.Error<ReturnType<typeof start>>
