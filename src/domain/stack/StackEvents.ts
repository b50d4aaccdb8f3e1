// Reads the history of a stack for one operation: has it begun, and how did it end.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { type Owner, requestToken, StackOperation } from "./StackOperation.ts"
import { isUnderWay, phaseOf } from "./StackStatus.ts"

const check = {
  status: Schema.String,
  reason: Schema.optionalKey(Schema.String),
  /** Where it is `WARN`, a failure stops nothing. */
  failureMode: Schema.optionalKey(Schema.String)
}

/** One event of a stack (shape StackEvent, and OperationEvent, of CloudFormation's API). */
export const StackEvent = Schema.Struct({
  stackId: Schema.String,
  /** Epoch milliseconds. */
  timestamp: Schema.Int,
  logicalResourceId: Schema.String,
  physicalResourceId: Schema.optionalKey(Schema.String),
  resourceType: Schema.String,
  /** A resource's status, or the stack's where the event is the stack's own. */
  status: Schema.String,
  reason: Schema.optionalKey(Schema.String),
  /** All events of one operation carry the token of the call that began it. */
  clientRequestToken: Schema.optionalKey(Schema.String),
  /** CloudFormation's own id of the operation; what it rolls back by itself is an operation of its own. */
  operationId: Schema.optionalKey(Schema.String),
  /** `VALIDATION_FAILED` where the template's properties are wrong. */
  detailedStatus: Schema.optionalKey(Schema.String),
  /** The event tells of a hook that was invoked for the resource. */
  hook: Schema.optionalKey(Schema.Struct({ type: Schema.String, ...check })),
  /** The event tells of a check before anything is changed; only DescribeEvents has these. */
  validation: Schema.optionalKey(
    Schema.Struct({ name: Schema.String, path: Schema.optionalKey(Schema.String), ...check })
  )
})
export type StackEvent = typeof StackEvent.Type

/** What the events prove about an operation of ours. */
export type Evidence = Data.TaggedEnum<{
  /** The role may not read events. */
  Denied: {}
  /** No event is ours, and nothing is under way: ours may not be seen yet. */
  Inconclusive: {}
  /** No event is ours, and another operation is under way. */
  Foreign: {}
  /** Our operation is under way. The stack's status is not known where only events of its resources were read. */
  Begun: { readonly operation: StackOperation; readonly status: string | undefined }
  /** Our operation is over, and the stack had this status then. */
  Ended: { readonly operation: StackOperation; readonly status: string }
  /** No event has any token, as emulators of CloudFormation have them, and an operation has been at work since our call. */
  NoTokens: {}
}>
export const Evidence = Data.taggedEnum<Evidence>()

/**
 * Our newest event on the stack itself decides, for whichever of `operations` it is; `events` may have any order. Where
 * another operation has cut ours off (a cancelled update, a delete) ours ended as the stack came to rest after it, or had
 * succeeded before, when only old resources were still to go. Of a history that is long and not all read, an event of any
 * resource shows that ours has begun.
 */
export const evidence = (
  events: ReadonlyArray<StackEvent>,
  owner: Owner,
  operations: ReadonlyArray<StackOperation> = StackOperation.literals
): Evidence => {
  const tokens = new Map(operations.map((operation) => [requestToken(operation, owner), operation]))
  const all = newestFirst(events)
  const ofStack = all.filter(isOfStack)
  for (const [index, { clientRequestToken, status }] of ofStack.entries()) {
    const operation = tokens.get(clientRequestToken ?? "")
    if (operation !== undefined) {
      if (index > 0 && phaseOf(status) === "CleaningUp") return Evidence.Ended({ operation, status })
      const end = ofStack.slice(0, index + 1).findLast(({ status }) => !isUnderWay(status))
      return end === undefined
        ? Evidence.Begun({ operation, status })
        : Evidence.Ended({ operation, status: end.status })
    }
  }
  for (const { clientRequestToken } of all) {
    const operation = tokens.get(clientRequestToken ?? "")
    if (operation !== undefined) return Evidence.Begun({ operation, status: undefined })
  }
  if (unmarked(events, owner).some(isOfStack)) return Evidence.NoTokens()
  const [newest] = ofStack
  return newest !== undefined && isUnderWay(newest.status) ? Evidence.Foreign() : Evidence.Inconclusive()
}

/**
 * Emulators put no token on any event. Then those since our own call are ours; of CloudFormation's, one without a token is
 * of somebody else who has sent none, as `aws cloudformation deploy` does.
 */
const unmarked = (
  events: ReadonlyArray<StackEvent>,
  { calledAt = Infinity }: Owner
): ReadonlyArray<StackEvent> =>
  events.every(({ clientRequestToken }) => clientRequestToken === undefined)
    ? events.filter(({ timestamp }) => timestamp >= calledAt)
    : []

/** What happened in this operation of ours: what carries its token, or all since our call where no event has any. */
export const ofOperation = (
  events: ReadonlyArray<StackEvent>,
  owner: Owner,
  operation: StackOperation
): ReadonlyArray<StackEvent> => {
  const token = requestToken(operation, owner)
  return [...events.filter(({ clientRequestToken }) => clientRequestToken === token), ...unmarked(events, owner)]
}

/**
 * The stack's own newest event, where it shows our operation under way; else there is more to look at. `events` may be the
 * newest ones only.
 */
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

/** Whether events that are the newest ones reach back to the beginning of our operation. */
export const reachBack = (events: ReadonlyArray<StackEvent>, owner: Owner, operation: StackOperation): boolean =>
  events.some((event) =>
    isOfStack(event) && event.clientRequestToken === requestToken(operation, owner) &&
    phaseOf(event.status) === "Running"
  )

/** What a hook says of the stack is not the stack's own. */
const isOfStack = ({ hook, physicalResourceId, stackId }: StackEvent) =>
  physicalResourceId === stackId && hook === undefined

const newestFirst = (events: ReadonlyArray<StackEvent>) => events.toSorted((a, b) => b.timestamp - a.timestamp)
