// When a page is looked at again, and when no more: within one invocation of the function, in the next job, or never.
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { truncate } from "../job/JobOutcome.ts"

/** What is remembered of the attempts so far, over all jobs of the action. */
export const Attempts = Schema.Struct({
  count: Schema.Int,
  /** When the last one began, in epoch milliseconds. */
  lastAt: Schema.Int,
  /** What was wrong with the page then. */
  seen: Schema.String
})
export type Attempts = typeof Attempts.Type

export const none: Attempts = { count: 0, lastAt: 0, seen: "" }

/** In JSON at most twice as long, so that a continuation token takes it. */
const seenLimit = 600

/** Control characters and halves of characters, which JSON writes with six. */
const longInJson = /[\p{Control}\p{Surrogate}]/gu

export const failedAt = ({ count }: Attempts, lastAt: number, seen: string): Attempts => ({
  count: count + 1,
  lastAt,
  seen: truncate(seen.replaceAll(longInJson, " "), seenLimit)
})

/** How long a page may take to become right, and how often it is looked at; all times are in milliseconds. */
export interface Patience {
  readonly within: number
  /** From the beginning of one attempt to that of the next. */
  readonly every: number
  /** For one attempt. */
  readonly timeout: number
}

/** The times of an action that is running, in epoch milliseconds. */
export interface Times {
  readonly now: number
  /** When the action began, in its first job. */
  readonly startedAt: number
  /** When this invocation of the function began. */
  readonly invokedAt: number
  /** When it has to be over. */
  readonly deadline: number
}

export type Next = Data.TaggedEnum<{
  /** Another attempt, after a wait. */
  Attempt: { readonly wait: number }
  /** Another job makes it: to wait for it here would be paid for. */
  NextJob: {}
  /** The attempts that were made are all. */
  GiveUp: {}
}>
export const Next = Data.taggedEnum<Next>()

/**
 * An invocation makes no attempt later than this after its begin. CodePipeline seems to send the next job about half a
 * minute after it was told that the action goes on; so the function runs for less than half of the time.
 */
const stay = Duration.toMillis("20 seconds")

/**
 * The last attempt is one that begins at the end of `within` or after it: there is no time in it of which nothing is
 * known. The first attempt of an invocation is made even if the function has no time for all of it.
 */
export const next = ({ count, lastAt }: Attempts, { every, timeout, within }: Patience, times: Times): Next => {
  const { deadline, invokedAt, now, startedAt } = times
  if (count === 0) return Next.Attempt({ wait: 0 })
  const end = startedAt + within
  if (lastAt >= end) return Next.GiveUp()
  const due = Math.max(now, Math.min(lastAt + every, end))
  const isOverdue = due === now && lastAt < invokedAt
  const hasTime = due + timeout <= deadline
  return due <= invokedAt + stay && (hasTime || isOverdue) ? Next.Attempt({ wait: due - now }) : Next.NextJob()
}

/** How long an attempt that begins now may take: the whole time-out, unless the function is over before. */
export const allowed = (timeout: number, { deadline, now }: Pick<Times, "deadline" | "now">): number =>
  Math.min(timeout, Math.max(0, deadline - now))

/** How much of `within` is over, in percent; an action that goes on is never quite done. */
export const percentOf = (within: number, { now, startedAt }: Pick<Times, "now" | "startedAt">): number =>
  Math.max(0, Math.min(99, Math.floor((100 * (now - startedAt)) / within)))
