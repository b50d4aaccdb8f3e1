// Looks at a stack with the eyes of one action: what has happened since it began, and what is its own doing.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { Execution } from "../../domain/job/ContinuationToken.ts"
import * as StackEvents from "../../domain/stack/StackEvents.ts"
import type { Owner, StackOperation } from "../../domain/stack/StackOperation.ts"
import type * as StackPlan from "../../domain/stack/StackPlan.ts"
import { CloudFormation, type Stack } from "../../services/CloudFormation.ts"

/** Lambda keeps an event for six hours: so much earlier an earlier delivery of it may have begun the operation. */
const redelivery = Duration.toMillis("6 hours")

/** Nothing older than this, in epoch milliseconds, is the doing of any delivery. */
export const redeliveryWindowStart = ({ startedAt }: Execution): number => startedAt - redelivery

/** Whose an operation is that was begun at `since` by a call of this action, or by an earlier delivery after `redeliveryWindowStart`. */
export const ownerOf = ({ firstJobId, startedAt }: Execution, since: number): Owner => ({
  firstJobId,
  calledAt: since >= startedAt ? since : undefined
})

/** What the plan needs to see of a stack. `since`, in epoch milliseconds: nothing older is of our operation. */
export const observe = (stack: Option.Option<Stack>, execution: Execution, since: number): StackPlan.Observation => {
  const windowStart = redeliveryWindowStart(execution)
  return Option.match(stack, {
    onNone: () => ({ _tag: "Absent" }),
    onSome: ({ changedAt, createdAt, status }) => ({
      _tag: "Present",
      status,
      changedSince: changedAt >= since,
      changedInWindow: changedAt >= windowStart,
      createdInWindow: createdAt >= windowStart
    })
  })
}

/** Which events of a stack are looked for, and whose they may be. */
export interface EventSearch {
  readonly stack: Option.Option<Stack>
  /** Epoch milliseconds: none older are needed. */
  readonly since: number
  readonly owner: Owner
  readonly operations: ReadonlyArray<StackOperation>
  /** Whether the role is known not to read events. */
  readonly eventsDenied: boolean
  /** The events, where they have been read already. */
  readonly read?: ReadonlyArray<StackEvents.StackEvent> | undefined
}

/** What the plan says in the end, and the events that were read to know it: none where the role may not read them. */
export const resolveDecision = Effect.fnUntraced(function*<Next extends { readonly _tag: string }>(
  decision: StackPlan.Decision<Next>,
  search: EventSearch
) {
  if (Option.isSome(search.stack)) yield* Effect.annotateCurrentSpan({ status: search.stack.value.status })
  if (!isReadEvents(decision)) return { next: decision, events: Option.some<Events>([]) }
  const events = yield* readEvents(search)
  const evidence = Option.match(events, {
    onNone: () => StackEvents.Evidence.Denied(),
    onSome: (events) => StackEvents.evidence(events, search.owner, search.operations)
  })
  return { next: decision.decide(evidence), events }
})

type Events = ReadonlyArray<StackEvents.StackEvent>

/** The newest events of the stack, one page of them. */
export const newestEvents = (stackId: string, since: number) =>
  CloudFormation.use(({ events }) => unlessDenied(events(stackId, since, 1)))

const readEvents = Effect.fn("StackObservation.readEvents")(
  function*({ eventsDenied, read, since, stack }: EventSearch) {
    if (eventsDenied) return Option.none<Events>()
    if (read !== undefined) return Option.some(read)
    if (Option.isNone(stack)) return Option.some<Events>([])
    const cloudFormation = yield* CloudFormation
    return yield* unlessDenied(cloudFormation.events(stack.value.id, since))
  }
)

const unlessDenied = (events: Effect.Effect<Events, AwsError>) =>
  events.pipe(
    Effect.asSome,
    Effect.catchTag("AwsDenied", (error) =>
      Effect.as(
        Effect.logWarning(`The stack is judged by its status and its times alone. ${error.message}`),
        Option.none<Events>()
      ))
  )

const isReadEvents = <Next extends { readonly _tag: string }>(
  decision: StackPlan.Decision<Next>
): decision is StackPlan.ReadEvents<Next> => decision._tag === "ReadEvents"
