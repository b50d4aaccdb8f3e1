// Decides when the next attempt to check a page takes place: in this invocation of the function, in the next job, or never.
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { truncate } from "../job/JobOutcome.ts"

/** The state that the action keeps between its jobs. */
export const Attempts = Schema.Struct({
  /** Number of attempts, over all jobs of the action. */
  count: Schema.Int,
  /** Start of the last attempt, in epoch milliseconds. */
  lastAt: Schema.Int,
  /** Why the last attempt failed. */
  problem: Schema.String
})
export type Attempts = typeof Attempts.Type

export const none: Attempts = { count: 0, lastAt: 0, problem: "" }

/** Maximum length. In JSON the text takes at most twice as much, so that it fits into a continuation token. */
const problemLimit = 600

/** Control characters and unpaired surrogates, which JSON writes with six characters. */
const longInJson = /[\p{Control}\p{Surrogate}]/gu

export const recordFailure = ({ count }: Attempts, lastAt: number, problem: string): Attempts => ({
  count: count + 1,
  lastAt,
  problem: truncate(problem.replaceAll(longInJson, " "), problemLimit)
})

/** When to retry, and for how long. All times are in milliseconds. */
export interface RetryPolicy {
  /** From the start of the action to the start of its last attempt. */
  readonly within: number
  /** From the start of one attempt to the start of the next. */
  readonly every: number
  /** Time limit of one attempt. */
  readonly timeout: number
}

/** The times of a running action, in epoch milliseconds. */
export interface Times {
  readonly now: number
  /** Start of the action, in its first job. */
  readonly startedAt: number
  /** Start of this invocation of the function. */
  readonly invokedAt: number
  /** End of the time that this invocation has. */
  readonly deadline: number
}

export type Next = Data.TaggedEnum<{
  /** Wait, then make another attempt in this invocation. */
  Attempt: { readonly wait: number }
  /** Continue in another job. Waiting in this invocation would only cost money. */
  NextJob: {}
  /** No attempt is left. */
  Stop: {}
}>
export const Next = Data.taggedEnum<Next>()

/**
 * An invocation starts no attempt later than this. CodePipeline sends the next job about 30 seconds after a continuation
 * (AWS documents no interval), so the function runs for less than half of the time.
 */
const attemptWindow = Duration.toMillis("20 seconds")

/**
 * The last attempt starts at the end of `within` or later, so that all of `within` is covered. The first attempt of an
 * invocation takes place even if the function has less time than the time limit of an attempt.
 */
export const next = ({ count, lastAt }: Attempts, { every, timeout, within }: RetryPolicy, times: Times): Next => {
  const { deadline, invokedAt, now, startedAt } = times
  if (count === 0) return Next.Attempt({ wait: 0 })
  const end = startedAt + within
  if (lastAt >= end) return Next.Stop()
  const due = Math.max(now, Math.min(lastAt + every, end))
  const isOverdue = due === now && lastAt < invokedAt
  const hasTime = due + timeout <= deadline
  return due <= invokedAt + attemptWindow && (hasTime || isOverdue)
    ? Next.Attempt({ wait: due - now })
    : Next.NextJob()
}

/** The time limit of an attempt that starts now: `timeout`, or the remaining time of the invocation if that is less. */
export const timeLimit = (timeout: number, { deadline, now }: Pick<Times, "deadline" | "now">): number =>
  Math.min(timeout, Math.max(0, deadline - now))

/** The elapsed part of `within`, in percent: 99 at most, because the action is still running. */
export const percentOf = (within: number, { now, startedAt }: Pick<Times, "now" | "startedAt">): number =>
  Math.max(0, Math.min(99, Math.floor((100 * (now - startedAt)) / within)))
