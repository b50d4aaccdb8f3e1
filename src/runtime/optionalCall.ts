// Calls that only make a message or a check better.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AwsError } from "../domain/job/AwsError.ts"
import { Deadline } from "./Deadline.ts"

/** Milliseconds for an optional call with its retries. */
const timeLimit = 10_000

/** Ends the calls of the effect after this time in milliseconds, or at the current deadline if that is earlier. */
export const withTimeLimit = (millis: number) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.all([Deadline, Clock.currentTimeMillis]),
    ([deadline, now]) => Effect.provideService(effect, Deadline, Math.min(deadline, now + millis))
  )

/**
 * The result of a call that the job can do without: none if it is denied, fails, or takes more than ten seconds. The log
 * then has `without`, which says what is missing because of that, and the error.
 */
export const optionalCall = <A, R>(
  call: Effect.Effect<A, AwsError, R>,
  without: string
): Effect.Effect<Option.Option<A>, never, R> =>
  call.pipe(
    withTimeLimit(timeLimit),
    Effect.asSome,
    Effect.catch((error) => Effect.as(Effect.logWarning(`${without} ${error.message}`), Option.none<A>()))
  )
