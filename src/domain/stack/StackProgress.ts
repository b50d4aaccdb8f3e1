// How far an operation on a stack has come, by the events of its resources. Each job sees the newest of them and what the
// job before has left, so that one page of events is enough however long the operation takes.
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
  /** As many resources are done. */
  done: Schema.Int,
  /** Events up to this time are counted; epoch milliseconds. */
  countedUntil: Schema.Int,
  /** 0 to 99; it never goes back. */
  percent: Schema.Int,
  /** The resources that CloudFormation is at work on, those that it began first. */
  inProgress: Schema.Array(Resource)
})
export type StackProgress = typeof StackProgress.Type

const nothing: StackProgress = { done: 0, countedUntil: 0, percent: 0, inProgress: [] }

/**
 * What the events add to what was known. `events` are the newest of the operation, in any order, those that were seen
 * before included; `status` is the stack's. Resources count while the operation goes well: afterwards CloudFormation
 * takes them back, or clears up. `total`, where it is known, is how many there will be; else what has begun has to do.
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
  // The end of the stack itself is one more thing to come.
  const percent = Math.floor(100 * done / (Math.max(total, done + inProgress.size) + 1))
  return {
    done,
    countedUntil: Math.max(before.countedUntil, ...events.map(({ timestamp }) => timestamp)),
    percent: counts ? Math.max(before.percent, percent) : before.percent,
    inProgress: [...inProgress.values()].toSorted((a, b) => a.since - b.since)
  }
}

/** Room for at least one resource in a continuation token: a logical id has 255 characters at most, a type 204. */
const room = 500

/** What fits into a continuation token: of what is in progress, those that began first. */
export const remembered = (progress: StackProgress): StackProgress => {
  let used = 0
  const inProgress = progress.inProgress.slice(0, 5).filter(({ id, type }) => (used += id.length + type.length) <= room)
  return { ...progress, inProgress }
}

/** Such as `7 of 12 resources, waiting for Database (AWS::RDS::DBInstance, 6 min)`; empty where nothing is known. */
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

/** The clocks of Lambda and CloudFormation may differ. */
const duration = (milliseconds: number) => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000))
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds} s`
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Those of resources; what hooks say of them is no status of theirs. */
const oldestFirst = (events: ReadonlyArray<StackEvent>) =>
  events
    .filter(({ hook, physicalResourceId, stackId }) => physicalResourceId !== stackId && hook === undefined)
    .toReversed()
    .toSorted((a, b) => a.timestamp - b.timestamp)
