// Reads what CloudFormation shows of a stack, from the view of one action: what happened since it started, and which
// operations are its own.
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Execution } from "../../domain/job/ContinuationToken.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import * as StackEvents from "../../domain/stack/StackEvents.ts"
import type { Owner, StackOperation } from "../../domain/stack/StackOperation.ts"
import type * as StackPlan from "../../domain/stack/StackPlan.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import type { WatchState } from "./State.ts"

/** Lambda keeps an event for up to six hours, so an earlier delivery may have started the operation that much earlier. */
const redeliveryWindow = Duration.toMillis("6 hours")

/** No delivery of the event started anything before this time; epoch milliseconds. */
export const redeliveryWindowStart = ({ startedAt }: Execution): number => startedAt - redeliveryWindow

/** How long the first events of a stack can lag behind. */
const eventsLag = Duration.toMillis("15 minutes")

/** What is known of the call that started an operation. */
type Call = Partial<Pick<WatchState, "calledAt" | "since">>

/** What the plan needs to know of a stack. `now` in epoch milliseconds. */
export const observe = (
  stack: Option.Option<Stack>,
  execution: Execution,
  now: number,
  { since = 0, calledAt = since }: Call = {}
): StackPlan.Observation => {
  const windowStart = redeliveryWindowStart(execution)
  return Option.match(stack, {
    onNone: () => ({ _tag: "Absent" }),
    onSome: ({ changedAt, createdAt, status }) => ({
      _tag: "Present",
      status,
      changedAt,
      // By CloudFormation's clock too: the one of Lambda can be wrong.
      changedSince: changedAt >= calledAt && changedAt > since,
      changedInWindow: changedAt >= windowStart,
      createdInWindow: createdAt >= windowStart,
      justCreated: createdAt >= now - eventsLag
    })
  })
}

/** What is known of a stack's events. */
export type Events = Data.TaggedEnum<{
  Read: { readonly events: ReadonlyArray<StackEvents.StackEvent> }
  /** The role may not read them. */
  Denied: {}
  /** They could not be read in this job. */
  Unavailable: {}
}>
export const Events = Data.taggedEnum<Events>()

/** The events, as far as they were read. */
export const readOf = (events: Events): ReadonlyArray<StackEvents.StackEvent> =>
  Events.$is("Read")(events) ? events.events : []

/** Which events are needed, and of which operations. */
export interface EventSearch {
  readonly stack: Option.Option<Stack>
  readonly owner: Owner
  readonly operations: ReadonlyArray<StackOperation>
  /**
   * Events are read back to the start of an operation, or to this time, before which there is none; epoch milliseconds.
   * Default: only the newest page is read.
   */
  readonly since?: number
}

/** What a job has read of the events before. */
export interface KnownEvents {
  readonly events: Events
  /** Whether they go back to the start of the operation, so that no more have to be read. */
  readonly isComplete: boolean
  /** Whether they were unavailable in the previous job too. Then they count as denied; the first time, wait for the next job. */
  readonly wereUnavailable: boolean
}

/** A start does not wait for events. */
const nothingRead: KnownEvents = { events: Events.Read({ events: [] }), isComplete: false, wereUnavailable: true }

/** What the events of the stack prove, and the events. They are read unless that is denied or all are known. */
export const evidenceOf = Effect.fnUntraced(function*(
  { operations, owner, since, stack }: EventSearch,
  known: KnownEvents = nothingRead
) {
  const isRead = !Events.$is("Read")(known.events) || known.isComplete || Option.isNone(stack)
  const areEnough = since === undefined
    ? undefined
    : (events: ReadonlyArray<StackEvents.StackEvent>) =>
      StackEvents.reachTime(events, since) ||
      operations.some((operation) => StackEvents.reachBack(events, owner, operation))
  const events = isRead ? known.events : yield* readEvents(stack.value.id, areEnough)
  const evidence = Events.$match(events, {
    Read: ({ events }) => StackEvents.evidence(events, owner, operations),
    Denied: () => StackEvents.Evidence.Denied(),
    Unavailable: () => known.wereUnavailable ? StackEvents.Evidence.Denied() : StackEvents.Evidence.Inconclusive()
  })
  return { evidence, events }
})

/** Evaluates a decision of the plan. It reads events only if the decision needs them. */
export const resolveDecision = Effect.fnUntraced(function*<Next extends { readonly _tag: string }>(
  decision: StackPlan.Decision<Next>,
  search: EventSearch,
  known: KnownEvents = nothingRead
) {
  if (Option.isSome(search.stack)) yield* Effect.annotateCurrentSpan({ status: search.stack.value.status })
  if (!isReadEvents(decision)) return { next: decision, events: known.events }
  const { events, evidence } = yield* evidenceOf(search, known)
  return { next: decision.decide(evidence), events }
})

/** Reads the stack's newest events, by default one page of them. It never fails. */
export const readEvents = Effect.fn("DeployStack.readEvents")(function*(
  stackId: string,
  areEnough?: (newest: ReadonlyArray<StackEvents.StackEvent>) => boolean
): Effect.fn.Return<Events, never, CloudFormation> {
  const { events } = yield* CloudFormation
  const read = events(stackId, areEnough).pipe(
    Effect.map((events): Events => Events.Read({ events })),
    Effect.catchTag("AwsDenied", ({ message }) => Effect.as(Effect.logWarning(`${withoutEvents} ${message}`), denied))
  )
  return Option.getOrElse(yield* optionalCall(read, withoutEvents), () => Events.Unavailable())
})

const denied: Events = Events.Denied()

const withoutEvents = "The stack is judged by its status and its times only."

const isReadEvents = <Next extends { readonly _tag: string }>(
  decision: StackPlan.Decision<Next>
): decision is StackPlan.ReadEvents<Next> => decision._tag === "ReadEvents"
