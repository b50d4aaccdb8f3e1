// Reads the events of a stack for one operation: whether it started, and how it ended.
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isRollback, type Owner, requestToken, StackOperation } from "./StackOperation.ts"
import { isUnderWay, phaseOf, startability } from "./StackStatus.ts"

const check = {
  status: Schema.String,
  reason: Schema.optionalKey(Schema.String),
  /** If `WARN`, a failure does not stop the operation. */
  failureMode: Schema.optionalKey(Schema.String)
}

/** One event of a stack. Source: shapes StackEvent and OperationEvent of CloudFormation's API. */
export const StackEvent = Schema.Struct({
  stackId: Schema.String,
  /** Epoch milliseconds. */
  timestamp: Schema.Int,
  logicalResourceId: Schema.String,
  physicalResourceId: Schema.optionalKey(Schema.String),
  resourceType: Schema.String,
  /** The resource's status, or the stack's if the event is about the stack itself. */
  status: Schema.String,
  reason: Schema.optionalKey(Schema.String),
  /** All events of one operation have the token of the call that started it. */
  clientRequestToken: Schema.optionalKey(Schema.String),
  /** CloudFormation's id of the operation. An automatic rollback is an operation of its own. */
  operationId: Schema.optionalKey(Schema.String),
  /** `VALIDATION_FAILED` if the template's properties are invalid. */
  detailedStatus: Schema.optionalKey(Schema.String),
  /** The hook that was invoked for the resource. */
  hook: Schema.optionalKey(Schema.Struct({ type: Schema.String, ...check })),
  /** A validation before anything changes. Only DescribeEvents returns these. */
  validation: Schema.optionalKey(
    Schema.Struct({ name: Schema.String, path: Schema.optionalKey(Schema.String), ...check })
  )
})
export type StackEvent = typeof StackEvent.Type

/**
 * What the events prove about an own operation. `idleUntil` is the time of the last event before it, by CloudFormation's
 * clock: a stack that last changed before then is described as it was before the operation. It is 0 if the operation created
 * the stack.
 */
export type Evidence = Data.TaggedEnum<{
  /** The events cannot be read. */
  Denied: {}
  /** No event is of an own operation, and nothing is in progress: the own operation may not be visible yet. */
  Inconclusive: {}
  /** No event is visible, although every stack has some: they lag behind. */
  NoEvents: {}
  /** No event is of an own operation, and another operation is in progress. */
  Foreign: {}
  /** The own operation is in progress. The stack's status is unknown if only events of resources were read. */
  Begun: { readonly operation: StackOperation; readonly status: string | undefined; readonly idleUntil: number }
  /** The own operation ended with this status of the stack. */
  Ended: { readonly operation: StackOperation; readonly status: string; readonly idleUntil: number }
  /** No event has a token, as with emulators of CloudFormation, and an operation started after our call. */
  NoTokens: {}
}>
/** Its constructors, `$is` and `$match`. */
export const Evidence = Data.taggedEnum<Evidence>()

/** The own operation that the evidence proves, whether it ended or not. */
export const ownOperation = (evidence: Evidence): Option.Option<StackOperation> =>
  Evidence.$is("Begun")(evidence) || Evidence.$is("Ended")(evidence) ? Option.some(evidence.operation) : Option.none()

/**
 * The newest own event of the stack itself decides, whether it is a create, an update or another of `operations`. `events` can have any order.
 *
 * If another operation ended the own one early (a cancelled update, a delete), the own one ended with the next status in
 * which the stack was idle; or it had succeeded before, if only its cleanup was left. If the history is long and only
 * partly read, an event of any resource proves that the own operation started.
 */
export const evidence = (
  events: ReadonlyArray<StackEvent>,
  owner: Owner,
  operations: ReadonlyArray<StackOperation> = StackOperation.literals
): Evidence => {
  if (events.length === 0) return Evidence.NoEvents()
  const tokens = new Map(operations.map((operation) => [requestToken(operation, owner), operation]))
  const all = newestFirst(events)
  const stackEvents = all.filter(isOfStack)
  for (const [index, { clientRequestToken = "", status }] of stackEvents.entries()) {
    const operation = tokens.get(clientRequestToken)
    if (operation !== undefined) {
      const before = lastBefore(all, clientRequestToken)
      const idleUntil = before === undefined || startability(before.status) === "Shell" ? 0 : before.timestamp
      if (index > 0 && phaseOf(status) === "CleaningUp") return Evidence.Ended({ operation, status, idleUntil })
      const end = stackEvents.slice(0, index + 1).findLast(({ status }) => !isUnderWay(status))
      return end === undefined
        ? Evidence.Begun({ operation, status, idleUntil })
        : Evidence.Ended({ operation, status: end.status, idleUntil })
    }
  }
  for (const { clientRequestToken } of all) {
    const operation = tokens.get(clientRequestToken ?? "")
    if (operation !== undefined) return Evidence.Begun({ operation, status: undefined, idleUntil: 0 })
  }
  const started = withoutTokens(events, owner)
  if (operations.some((operation) => started.some(isStartOf(operation)))) return Evidence.NoTokens()
  const [newest] = stackEvents
  return newest !== undefined && isUnderWay(newest.status) ? Evidence.Foreign() : Evidence.Inconclusive()
}

/**
 * Emulators put no token on any event; then the events since our own call are ours. In CloudFormation an event without a
 * token is of a caller who sent none, such as `aws cloudformation deploy`.
 */
const withoutTokens = (
  events: ReadonlyArray<StackEvent>,
  { calledAt = Infinity }: Owner
): ReadonlyArray<StackEvent> =>
  events.every(({ clientRequestToken }) => clientRequestToken === undefined)
    ? events.filter(({ timestamp }) => timestamp >= calledAt)
    : []

/** The events of the own operation: those with its token, or all since our call if no event has a token. */
export const ofOperation = (
  events: ReadonlyArray<StackEvent>,
  owner: Owner,
  operation: StackOperation
): ReadonlyArray<StackEvent> => {
  const token = requestToken(operation, owner)
  return [...events.filter(({ clientRequestToken }) => clientRequestToken === token), ...withoutTokens(events, owner)]
}

/** The stack's own newest event, if it shows the own operation in progress. `events` can be the newest ones only. */
export const underWay = (
  events: ReadonlyArray<StackEvent>,
  owner: Owner,
  operation: StackOperation
): StackEvent | undefined => {
  const newest = newestFirst(events).find(isOfStack)
  return newest?.clientRequestToken === requestToken(operation, owner) && isUnderWay(newest.status)
    ? newest
    : undefined
}

/** Whether the newest events go back to the start of the own operation, and to the stack before it. */
export const reachBack = (events: ReadonlyArray<StackEvent>, owner: Owner, operation: StackOperation): boolean => {
  const token = requestToken(operation, owner)
  const isStart = isStartOf(operation)
  return events.some((event) => isStart(event) && event.clientRequestToken === token) &&
    (operation === "create" || lastBefore(newestFirst(events), token) !== undefined)
}

/** Whether the operation on the stack starts with the event. A rollback that is no operation of its own has the same statuses. */
const isStartOf = (operation: StackOperation) => (event: StackEvent): boolean =>
  isOfStack(event) && (isRollback(operation) ? isUnderWay(event.status) : phaseOf(event.status) === "Running")

/** The last event before the operation with this token. Of an operation, the stack's own event is the first. */
const lastBefore = (newestFirst: ReadonlyArray<StackEvent>, token: string): StackEvent | undefined =>
  newestFirst[newestFirst.findLastIndex(({ clientRequestToken }) => clientRequestToken === token) + 1]

/** Whether the newest events go back to a time; epoch milliseconds. */
export const reachTime = (events: ReadonlyArray<StackEvent>, since: number): boolean =>
  events.some(({ timestamp }) => timestamp < since)

/** Whether the event is about the stack itself. A hook's event is not. */
export const isOfStack = ({ hook, physicalResourceId, stackId }: StackEvent): boolean =>
  physicalResourceId === stackId && hook === undefined

const newestFirst = (events: ReadonlyArray<StackEvent>) => events.toSorted((a, b) => b.timestamp - a.timestamp)
