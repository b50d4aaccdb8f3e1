// Why an operation on a stack failed: what its events tell, and how that is told to the person who has to mend it.
import { jobLimits, truncate } from "../job/JobOutcome.ts"
import type { StackEvent } from "./StackEvents.ts"

/** A failure that did not follow from another. */
export interface Cause {
  /** Epoch milliseconds. */
  readonly timestamp: number
  /** The logical id, below those of the nested stacks that the resource is in: `Nested/Queue`. */
  readonly resource: string
  readonly resourceType: string
  /** CloudFormation's own words, or the hook's. */
  readonly reason: string
  /** The id of the nested stack that failed: its own events tell why. */
  readonly nestedStack: string | undefined
}

/**
 * What failed by itself, oldest first. CloudFormation cancels what is under way when one resource fails, and tells of a
 * resource that a hook has stopped twice: the hook's word counts. What only warns stops nothing.
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

/** Whether all that failed was cancelled, so that the cause is elsewhere. */
export const isCancelledWhole = (events: ReadonlyArray<StackEvent>): boolean => {
  const failures = events.filter(isFailure)
  return failures.length > 0 && failures.every(isCancelled)
}

/** Whether the causes say what is wrong: CloudFormation only refers to DescribeEvents where a validation failed. */
export const areTold = (causes: ReadonlyArray<Cause>): boolean => causes.some((cause) => !refersToMore(cause))

/** What the stack itself says, oldest first, for where no resource failed. */
export const ownReasons = (events: ReadonlyArray<StackEvent>): ReadonlyArray<string> =>
  distinct(
    oldestFirst(events).flatMap((event) =>
      isOfStack(event) && event.reason !== undefined && event.reason !== userInitiated ? [event.reason] : []
    )
  )

/** CloudFormation's id of the operation that was begun, not of the rollback that came of it. */
export const operationIdOf = (events: ReadonlyArray<StackEvent>): string | undefined =>
  oldestFirst(events).find((event) => isOfStack(event) && event.operationId !== undefined)?.operationId

/** One line for each cause, oldest first; what several events tell alike is told once. */
export const lines = (causes: ReadonlyArray<Cause>): ReadonlyArray<string> =>
  distinct(causes.toSorted((a, b) => a.timestamp - b.timestamp).map(lineOf))

export interface Report {
  /** The first line: what has failed. */
  readonly head: string
  /** A line each, oldest first. */
  readonly causes: ReadonlyArray<string>
  /** What the reader should know besides, and what to do next. */
  readonly remarks: ReadonlyArray<string>
}

/** At most 5,000 characters. The first line and the remarks are never cut; the causes give way, the latest first. */
export const message = ({ causes, head, remarks }: Report): string => {
  const room = jobLimits.failureMessage - head.length - lengthOf(remarks)
  return [head, ...fit(causes, room), ...remarks].join("\n")
}

/** As long as a cause may be where there is no room for all. */
const longestLine = 1_000

const fit = (all: ReadonlyArray<string>, room: number): ReadonlyArray<string> => {
  if (lengthOf(all) <= room) return all
  const lines = all.map((line) => truncate(line, longestLine))
  const shortened = (shown: number) =>
    shown === lines.length ? lines : [...lines.slice(0, shown), `… and ${lines.length - shown} more`]
  const shown = lines.findLastIndex((_, index) => lengthOf(shortened(index + 1)) <= room) + 1
  return shortened(shown)
}

/** With the line break before each. */
const lengthOf = (lines: ReadonlyArray<string>) => lines.reduce((length, line) => length + 1 + line.length, 0)

const lineOf = ({ reason, resource, resourceType }: Cause) => {
  const words = reason.trim().replaceAll(/\s+/g, " ")
  if (resource === "") return words
  return resourceType === "" ? `${resource}: ${words}` : `${resource} (${resourceType}): ${words}`
}

/** What CloudFormation gives as the reason of an operation's first event. */
const userInitiated = "User Initiated"

const isOfStack = ({ hook, physicalResourceId, stackId }: StackEvent) =>
  physicalResourceId === stackId && hook === undefined

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
    return `validation ${validation.name} failed${where}: ${validation.reason ?? "no further words"}`
  }
  return hook === undefined ? reason ?? status : `hook ${hook.type} failed: ${hook.reason ?? "no further words"}`
}

const isCancelled = ({ hook, reason = "", validation }: StackEvent) =>
  hook === undefined && validation === undefined && /\bcancelled\b/i.test(reason)

/** CloudFormation's own sentence where hooks or validations failed: each of them tells why itself. */
const refersToMore = ({ reason }: Cause) => /^The following hook\(s\)(?:\/validation)? failed/.test(reason)

const oldestFirst = (events: ReadonlyArray<StackEvent>) =>
  events.toReversed().toSorted((a, b) => a.timestamp - b.timestamp)

const distinct = (texts: ReadonlyArray<string>) => [...new Set(texts)]
