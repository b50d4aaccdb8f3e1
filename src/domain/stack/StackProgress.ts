// The progress of an operation on a stack, by the events of its resources. Each job sees the newest events and the
// progress that the previous job left, so one page of events is enough however long the operation takes.
import * as Schema from "effect/Schema"
import type { StackEvent } from "./StackEvents.ts"
import { phaseOf } from "./StackStatus.ts"

const Resource = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  /** Epoch milliseconds. */
  since: Schema.Int
})

/** What is known of an operation's progress. */
export const StackProgress = Schema.Struct({
  /** The number of finished resources. */
  done: Schema.Int,
  /** Events up to this time are counted; epoch milliseconds. */
  countedUntil: Schema.Int,
  /** 0 to 99. It never decreases. */
  percent: Schema.Int,
  /** The resources in progress, oldest first. */
  inProgress: Schema.Array(Resource)
})
export type StackProgress = typeof StackProgress.Type

const nothing: StackProgress = { done: 0, countedUntil: 0, percent: 0, inProgress: [] }

/**
 * The progress after more events. `events` are the operation's newest ones, in any order; events that were counted before
 * may be among them. `status` is the stack's. Resources count only while the operation is running: after that
 * CloudFormation rolls them back or cleans up. `total` is the number of resources, if known.
 */
export const advance = (
  before: StackProgress = nothing,
  events: ReadonlyArray<StackEvent>,
  status: string,
  total = 0
): StackProgress => {
  const inProgress = new Map(before.inProgress.map((resource) => [resource.id, resource]))
  const finished = new Set<string>()
  for (const { logicalResourceId: id, resourceType: type, status, timestamp: since } of oldestFirst(events)) {
    if (status.endsWith("_IN_PROGRESS")) {
      if (!inProgress.has(id)) inProgress.set(id, { id, type, since })
    } else {
      inProgress.delete(id)
      if (since > before.countedUntil && !status.endsWith("_FAILED")) finished.add(id)
    }
  }
  const counts = phaseOf(status) === "Running"
  const done = before.done + (counts ? finished.size : 0)
  // The stack's own end is one more step.
  const percent = Math.floor(100 * done / (Math.max(total, done + inProgress.size) + 1))
  return {
    done,
    countedUntil: events.reduce((latest, { timestamp }) => Math.max(latest, timestamp), before.countedUntil),
    percent: counts ? Math.max(before.percent, percent) : before.percent,
    inProgress: [...inProgress.values()].toSorted((a, b) => a.since - b.since)
  }
}

/** Characters for ids and types in a continuation token: at least one resource (id at most 255, type at most 204). */
const room = 500

/** The part that fits into a continuation token: of the resources in progress, the oldest. */
export const remembered = (progress: StackProgress): StackProgress => {
  let used = 0
  const inProgress = progress.inProgress.slice(0, 5).filter(({ id, type }) => (used += id.length + type.length) <= room)
  return { ...progress, inProgress }
}

/** For example `7 of 12 resources, waiting for Database (AWS::RDS::DBInstance, 6 min)`; empty if nothing is known. */
export const summary = (progress: StackProgress, status: string, now: number, total?: number): string => {
  const { done, inProgress } = progress
  const [longest] = inProgress
  return [
    ...(phaseOf(status) === "Running" ? counted(done, inProgress.length, total) : []),
    ...(longest === undefined
      ? []
      : [`waiting for ${longest.id} (${longest.type}, ${duration(now - longest.since)})`])
  ].join(", ")
}

const counted = (done: number, inProgress: number, total: number | undefined): ReadonlyArray<string> => {
  const all = total === undefined ? undefined : Math.max(total, done + inProgress)
  const resources = (all ?? done) === 1 ? "resource" : "resources"
  if (all !== undefined) return [`${done} of ${all} ${resources}`]
  return done === 0 ? [] : [`${done} ${resources} done`]
}

/** Never negative, although the clocks of Lambda and CloudFormation can differ. */
const duration = (milliseconds: number) => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000))
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds} s`
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Events of resources. A hook's event has no resource status. */
const oldestFirst = (events: ReadonlyArray<StackEvent>) =>
  events
    .filter(({ hook, physicalResourceId, stackId }) => physicalResourceId !== stackId && hook === undefined)
    .toReversed()
    .toSorted((a, b) => a.timestamp - b.timestamp)
