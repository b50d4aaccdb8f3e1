// The progress of an operation, by the results of its instances. Each job reads one page of them, so that a poll has the same
// cost for 4 instances and for 5,000: the pages are gone through again and again, and the counts of a round are remembered.
import * as Schema from "effect/Schema"
import { truncate } from "../job/JobOutcome.ts"
import type { InstanceResult, Page } from "./StackSet.ts"

/** What is known of an operation's progress. */
export const StackSetProgress = Schema.Struct({
  /** The page that the next job reads; absent at the beginning of a round. */
  token: Schema.optionalKey(Schema.String),
  /** In the current round: the number of results, and of those that are final. */
  seen: Schema.Int,
  final: Schema.Int,
  /** The highest number of final results so far. */
  done: Schema.Int,
  /** Whether one page has all results, so that `done` is their present number. */
  isExact: Schema.Boolean,
  /** The number of instances, if known. */
  total: Schema.optionalKey(Schema.Int),
  failed: Schema.Int,
  /** The last failed instance that was seen, with its reason. */
  failure: Schema.optionalKey(Schema.String),
  /** The region of the last running instance that was seen. */
  region: Schema.optionalKey(Schema.String)
})
export type StackSetProgress = typeof StackSetProgress.Type

/** At the start of an operation on this number of instances, if it is known. */
export const atStart = (total: number | undefined): StackSetProgress => ({
  seen: 0,
  final: 0,
  done: 0,
  isExact: true,
  failed: 0,
  ...(total !== undefined && { total })
})

const finalStatuses: ReadonlySet<string> = new Set(["SUCCEEDED", "FAILED", "CANCELLED"])

/** A longer token has no room in the state: then each job reads the first page. */
const maxToken = 1_024

/** Maximum length of a failure in a summary. */
const maxFailure = 100

/** `eu-west-1/111122223333: reason` */
export const lineOf = ({ account, reason, region, status }: InstanceResult): string =>
  `${region}/${account}: ${(reason ?? status).trim().replaceAll(/\s+/g, " ")}`

/** The progress after one more page. `failed`: the number of failed instances that the operation shows, if it does. */
export const advance = (
  before: StackSetProgress,
  { items, next }: Page<InstanceResult>,
  failed: number | undefined
): StackSetProgress => {
  const seen = before.seen + items.length
  const final = before.final + items.filter(({ status }) => finalStatuses.has(status)).length
  const failures = items.filter(({ status }) => status === "FAILED")
  const last = failures.at(-1)
  const failure = last === undefined ? before.failure : truncate(lineOf(last), maxFailure)
  const region = items.find(({ status }) => status === "RUNNING")?.region ?? before.region
  const ends = next === undefined
  const total = before.total === undefined ? ends ? seen : undefined : Math.max(before.total, seen)
  const restarts = ends || next.length > maxToken
  return {
    ...(!restarts && { token: next }),
    seen: restarts ? 0 : seen,
    final: restarts ? 0 : final,
    done: Math.max(before.done, final),
    isExact: ends && before.seen === 0,
    failed: Math.max(before.failed, failed ?? failures.length),
    ...(total !== undefined && { total }),
    ...(failure !== undefined && { failure }),
    ...(region !== undefined && { region })
  }
}

/** 0 to 99; none if the number of instances is unknown. */
export const percent = ({ done, total }: StackSetProgress): number | undefined =>
  total === undefined ? undefined : Math.min(99, Math.floor(100 * done / Math.max(1, total)))

/** For example `12 of 40 instances, 2 failed (eu-west-1/111122223333: reason), now us-east-1`. */
export const summary = ({ done, failed, failure, isExact, region, total }: StackSetProgress): string =>
  [
    `${isExact ? "" : "at least "}${done}${total === undefined ? "" : ` of ${total}`} ${
      (total ?? done) === 1 ? "instance" : "instances"
    }${total === undefined ? " done" : ""}`,
    ...(failed > 0 ? [`${failed} failed${failure === undefined ? "" : ` (${failure})`}`] : []),
    ...(region === undefined ? [] : [`now ${region}`])
  ].join(", ")
