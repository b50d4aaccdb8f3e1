// The deadlines of one invocation.
import * as Context from "effect/Context"

/**
 * The deadline of AWS calls, in epoch milliseconds; `Infinity` without one. JobRunner sets it a little before it
 * interrupts the action, so that the error of an unavailable service is still reported. AWS calls are retried until then,
 * and time out at it.
 */
export const Deadline = Context.Reference<number>("effect-codepipeline/runtime/Deadline", {
  defaultValue: () => Infinity
})

/**
 * @internal
 *
 * The deadlines of one invocation, in milliseconds from its start. Three seconds, or a quarter of a short time, are
 * reserved for the report, and one percent, at most 100 ms, for returning.
 */
export const timeBudget = (remainingMillis: number) => {
  const reserve = Math.min(3_000, remainingMillis / 4)
  const actionDeadline = remainingMillis - reserve
  return {
    /** Silent calls time out a little before the action is interrupted, so that the job can name them. */
    callDeadline: actionDeadline - reserve / 10,
    actionDeadline,
    reportDeadline: remainingMillis - Math.min(100, remainingMillis / 100)
  }
}
