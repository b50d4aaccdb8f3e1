// Why an operation on a stack failed: the causes in its events, and the message for the person who fixes them.
import { jobLimits, truncate } from "../job/JobOutcome.ts"
import { isOfStack, type StackEvent } from "./StackEvents.ts"

/** A failure that is not the consequence of another one. */
export interface Cause {
  /** Epoch milliseconds. */
  readonly timestamp: number
  /** The logical id, after those of its nested stacks: `Nested/Queue`. */
  readonly resource: string
  readonly resourceType: string
  /** CloudFormation's words, or the hook's. */
  readonly reason: string
  /** The id of the failed nested stack, whose own events have the causes. */
  readonly nestedStack: string | undefined
}

/**
 * The causes, oldest first. When a resource fails, CloudFormation cancels those in progress; these are no causes. Of a
 * resource that a hook stopped there are two failures; the hook's is the cause. A failed warning is no cause.
 */
export const causes = (events: ReadonlyArray<StackEvent>): ReadonlyArray<Cause> => {
  const failures = oldestFirst(events).filter(isFailure)
  const hooked = new Set(
    failures.filter(({ hook }) => hook !== undefined).map(({ logicalResourceId }) => logicalResourceId)
  )
  return failures
    .filter((event) => !isCancelled(event))
    .map((event) => ({
      timestamp: event.timestamp,
      resource: event.logicalResourceId,
      resourceType: event.resourceType,
      reason: reasonOf(event),
      nestedStack: isNestedStack(event) ? event.physicalResourceId : undefined
    }))
    .filter((cause) => !(refersToMore(cause) && hooked.has(cause.resource)))
}

/** Whether every failure was a cancellation, so that the cause is elsewhere. */
export const isCancelledWhole = (events: ReadonlyArray<StackEvent>): boolean => {
  const failures = events.filter(isFailure)
  return failures.length > 0 && failures.every(isCancelled)
}

/** Whether the causes explain the failure. If a validation failed, CloudFormation only refers to DescribeEvents. */
export const areExplained = (causes: ReadonlyArray<Cause>): boolean => causes.some((cause) => !refersToMore(cause))

/** The stack's own reasons, oldest first, for a failure without a failed resource. */
export const ownReasons = (events: ReadonlyArray<StackEvent>): ReadonlyArray<string> =>
  distinct(
    oldestFirst(events).flatMap((event) =>
      isOfStack(event) && event.reason !== undefined && event.reason !== userInitiated ? [event.reason] : []
    )
  )

/** CloudFormation's id of the operation that was started, not of its rollback. */
export const operationIdOf = (events: ReadonlyArray<StackEvent>): string | undefined =>
  oldestFirst(events).find((event) => isOfStack(event) && event.operationId !== undefined)?.operationId

/** One line for each cause, oldest first, without duplicates. */
export const lines = (causes: ReadonlyArray<Cause>): ReadonlyArray<string> =>
  distinct(causes.toSorted((a, b) => a.timestamp - b.timestamp).map(lineOf))

/** The parts of a failure message. */
export interface Report {
  /** The first line: what failed. */
  readonly head: string
  /** One line each, oldest first. */
  readonly causes: ReadonlyArray<string>
  /** Further information, and what to do. */
  readonly remarks: ReadonlyArray<string>
}

/** At most 5,000 characters. The first line and the remarks are never cut; the latest causes are dropped first. */
export const message = ({ causes, head, remarks }: Report): string => {
  const room = jobLimits.failureMessage - head.length - lengthOf(remarks)
  return [head, ...fit(causes, room), ...remarks].join("\n")
}

/** The maximum length of a cause if there is not enough room for all. */
const longestLine = 1_000

const fit = (all: ReadonlyArray<string>, room: number): ReadonlyArray<string> => {
  if (lengthOf(all) <= room) return all
  const rest = (shown: number) => shown === all.length ? [] : [`… and ${all.length - shown} more`]
  let shown = 0
  let length = 0
  for (const [index, line] of all.entries()) {
    length += 1 + truncate(line, longestLine).length
    if (length > room) break
    if (length + lengthOf(rest(index + 1)) <= room) shown = index + 1
  }
  return [...all.slice(0, shown).map((line) => truncate(line, longestLine)), ...rest(shown)]
}

/** Including a line break before each. */
const lengthOf = (lines: ReadonlyArray<string>) => lines.reduce((length, line) => length + 1 + line.length, 0)

const lineOf = ({ reason, resource, resourceType }: Cause) => {
  const words = reason.trim().replaceAll(/\s+/g, " ")
  if (resource === "") return words
  return resourceType === "" ? `${resource}: ${words}` : `${resource} (${resourceType}): ${words}`
}

/** The reason of the first event of an operation, and of a cancelled update. */
const userInitiated = "User Initiated"

const isNestedStack = ({ physicalResourceId, resourceType, stackId }: StackEvent) =>
  resourceType === "AWS::CloudFormation::Stack" && physicalResourceId !== stackId &&
  physicalResourceId?.startsWith("arn:") === true

const failedHook: ReadonlySet<string> = new Set(["HOOK_COMPLETE_FAILED", "HOOK_FAILED"])

const isFailure = (event: StackEvent): boolean => {
  const { detailedStatus, hook, status, validation } = event
  if (validation !== undefined) return validation.status === "FAILED" && validation.failureMode !== "WARN"
  if (hook !== undefined) return failedHook.has(hook.status) && hook.failureMode !== "WARN"
  return detailedStatus === "VALIDATION_FAILED" || (status.endsWith("_FAILED") && !isOfStack(event))
}

const reasonOf = ({ hook, reason, status, validation }: StackEvent): string => {
  if (validation !== undefined) {
    const where = validation.path === undefined ? "" : ` at ${validation.path}`
    return `validation ${validation.name} failed${where}: ${validation.reason ?? "no reason given"}`
  }
  return hook === undefined ? reason ?? status : `hook ${hook.type} failed: ${hook.reason ?? "no reason given"}`
}

/** CloudFormation's own reason, as a whole: a cause can contain the word "cancelled" too. */
const cancelled = /^Resource (?:creation|update|deletion) cancell?ed\.?$/i

const isCancelled = ({ hook, reason = "", validation }: StackEvent) =>
  hook === undefined && validation === undefined && cancelled.test(reason.trim())

/**
 * Whether the update was cancelled (CancelUpdateStack): then its rollback is "User Initiated". `own` are the events of
 * the update, `all` the stack's; the rollback can have another token.
 */
export const isCancelledUpdate = (own: ReadonlyArray<StackEvent>, all: ReadonlyArray<StackEvent>): boolean => {
  const start = oldestFirst(own).find(isOfStack)
  const end = oldestFirst(all).find((event) =>
    start !== undefined && isOfStack(event) && event.timestamp >= start.timestamp && event.status !== start.status
  )
  return end?.status === "UPDATE_ROLLBACK_IN_PROGRESS" && end.reason === userInitiated
}

/** The cause of a cancelled update. */
export const cancelledUpdate = "The update was cancelled while it was in progress (CancelUpdateStack)"

/** CloudFormation's own sentence if hooks or validations failed. The causes are in their own events. */
const refersToMore = ({ reason }: Cause) => /^The following hook\(s\)(?:\/validation)? failed/.test(reason)

const oldestFirst = (events: ReadonlyArray<StackEvent>) =>
  events.toReversed().toSorted((a, b) => a.timestamp - b.timestamp)

const distinct = (texts: ReadonlyArray<string>) => [...new Set(texts)]
