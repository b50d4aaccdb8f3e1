// When each instance of an operation in memory starts and ends, and how. Source: shape StackSetOperationPreferences of
// CloudFormation's API.
import * as Arr from "effect/Array"
import type { Place } from "../../domain/stackSet/StackInstances.ts"
import { type Amount, countOf, type Preferences } from "../../domain/stackSet/StackSetPreferences.ts"

/** The result of an instance; times in epoch milliseconds. */
export interface ScheduledResult extends Place {
  readonly startsAt: number
  readonly endsAt: number
  /** How it ends. */
  readonly status: "SUCCEEDED" | "FAILED" | "CANCELLED"
  readonly reason: string | undefined
}

export interface Schedule {
  readonly results: ReadonlyArray<ScheduledResult>
  readonly endsAt: number
  readonly status: "SUCCEEDED" | "FAILED"
}

const amountOf = (amount: Amount | undefined, of: number, otherwise: number) => {
  const { count, percentage } = countOf(amount)
  return count ?? (percentage === undefined ? otherwise : Math.floor(of * percentage / 100))
}

const cancelled = "Cancelled since failure tolerance has exceeded"

/** `failureOf` returns why an instance fails. */
export const scheduleOf = (
  places: ReadonlyArray<Place>,
  preferences: Preferences,
  { failureOf, instanceMillis, now }: {
    readonly now: number
    readonly instanceMillis: number
    readonly failureOf: (place: Place) => string | undefined
  }
): Schedule => {
  const byRegion = new Map<string, ReadonlyArray<Place>>(Object.entries(Arr.groupBy(places, ({ region }) => region)))
  const order = new Set([...preferences.regionOrder ?? [], ...byRegion.keys()])
  const regions = Array.from(order, (region) => byRegion.get(region) ?? [])
  const isParallel = preferences.regionConcurrency === "PARALLEL"
  const results: Array<ScheduledResult> = []
  let hasFailed = false
  let endsAt = now
  for (const accounts of regions) {
    let time = isParallel ? now : endsAt
    const tolerance = amountOf(preferences.failureTolerance, accounts.length, 0)
    const wanted = Math.max(1, amountOf(preferences.maxConcurrent, accounts.length, 1))
    const concurrency = preferences.concurrencyMode === "SOFT_FAILURE_TOLERANCE"
      ? wanted
      : Math.min(wanted, tolerance + 1)
    let failures = 0
    for (let at = 0; at < accounts.length; at += concurrency) {
      const isStopped = failures > tolerance || (hasFailed && !isParallel)
      const start = time
      if (!isStopped) time += instanceMillis
      for (const place of accounts.slice(at, at + concurrency)) {
        const reason = isStopped ? cancelled : failureOf(place)
        const status = isStopped ? "CANCELLED" : reason === undefined ? "SUCCEEDED" : "FAILED"
        if (status === "FAILED") failures++
        results.push({ ...place, startsAt: start, endsAt: time, status, reason })
      }
    }
    hasFailed ||= failures > tolerance
    endsAt = Math.max(endsAt, time)
  }
  return { results, endsAt, status: hasFailed ? "FAILED" : "SUCCEEDED" }
}
