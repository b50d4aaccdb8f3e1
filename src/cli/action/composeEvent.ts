// The event of a job, as CodePipeline sends it to the function of an action.
import * as Effect from "effect/Effect"
import { decodeJob } from "../../domain/job/Job.ts"
import { jobLimits } from "../../domain/job/JobOutcome.ts"
import * as LocalPipeline from "../../testing/LocalPipeline.ts"
import { badUsage } from "../commandLine/usage.ts"
import type { ChosenAction } from "./chosenAction.ts"

/** CodePipeline's limit. */
const maxUserParameters = 1_000

export interface EventParts extends LocalPipeline.EventOptions {
  readonly userParameters: string
}

/** The advice for a command line that makes no event. */
export interface EventAdvice {
  /** How UserParameters are given. */
  readonly parameters: string
  /** What to do about too many UserParameters. */
  readonly tooLong?: string
}

/** Fails if the function would reject the event, or CodePipeline would not send it. */
export const composeEvent = Effect.fn("composeEvent")(function*(
  { action }: ChosenAction,
  parts: EventParts,
  { parameters, tooLong = "" }: EventAdvice
) {
  const { continuationToken = "", userParameters } = parts
  const event = yield* LocalPipeline.eventFor(action, { functionName: action.name, ...parts }).pipe(
    Effect.catch(({ message }) => badUsage(`${message}. Set UserParameters with ${parameters}`))
  )
  if (userParameters.length > maxUserParameters) {
    return yield* badUsage(
      `UserParameters would have ${userParameters.length} characters, and CodePipeline allows ${maxUserParameters}` +
        tooLong
    )
  }
  if (continuationToken.length > jobLimits.continuationToken) {
    return yield* badUsage(
      `--continuation has ${continuationToken.length} characters, and CodePipeline allows ${jobLimits.continuationToken}`
    )
  }
  yield* Effect.catch(decodeJob(event), ({ message }) => badUsage(message))
  return event
})
