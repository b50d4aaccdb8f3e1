// By when the work of one invocation has to be over.
import * as Context from "effect/Context"

/**
 * In epoch milliseconds; `Infinity` where there is none. JobRunner sets it from the time that the function has left: a
 * little before it interrupts the action, so that what is unavailable until then can still tell its own words. Calls of
 * AWS are asked again until then, and given up at it.
 */
export const Deadline = Context.Reference<number>("effect-codepipeline/services/Deadline", {
  defaultValue: () => Infinity
})
