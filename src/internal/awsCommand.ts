// The one way in which this package calls AWS.
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type AwsError, AwsUnavailable, fromUnknown } from "../domain/AwsError.ts"

/**
 * Options of every client. The SDK's own retries are off, so that there is one policy and one clock; a silent server
 * is given up on.
 */
export const clientOptions = {
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true }
} as const

/** A client that lives as long as the layer that it is made for. */
export const scopedClient = <Client extends { destroy(): void }>(
  make: () => Client
): Effect.Effect<Client, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(make), (client) => Effect.sync(() => client.destroy()))

/** 200 ms doubling up to 5 s, jittered, five retries. */
const backoff = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 5 })
)

/** Asks again while AWS is only unavailable. */
export const retryUnavailable = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E | AwsError, R>
): Effect.Effect<A, E | AwsError, R> =>
  Effect.retry(effect, { schedule: backoff, while: (error) => error instanceof AwsUnavailable && error.retryable })

/**
 * `operation` is the call in the words of IAM. `run` has to read the whole answer, so that what fails on the way is
 * asked for again too, and must hand the signal on: interrupting the effect aborts the request.
 */
export const send = <A>(
  operation: string,
  run: (options: { readonly abortSignal: AbortSignal }) => Promise<A>
): Effect.Effect<A, AwsError> =>
  Effect.tryPromise({
    try: (abortSignal) => run({ abortSignal }),
    catch: (cause) => fromUnknown(operation, cause)
  }).pipe(retryUnavailable, Effect.withSpan(operation))
