// The one way in which this package calls AWS.
import type { CodePipelineClientConfig } from "@aws-sdk/client-codepipeline"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type AwsError, AwsUnavailable, fromUnknown } from "../domain/job/AwsError.ts"
import { Deadline } from "./Deadline.ts"
import { countCall } from "./Telemetry.ts"

/**
 * Options of every client. The SDK's own retries are off, so that there is one policy and one clock; a server that is
 * silent, before its answer or in the middle of it, is given up on.
 */
export const clientOptions = {
  maxAttempts: 1,
  retryMode: "standard",
  requestHandler: {
    connectionTimeout: 5_000,
    requestTimeout: 20_000,
    socketTimeout: 20_000,
    throwOnRequestTimeout: true
  }
} as const

/** Named, because its parts are in packages of the SDK that are not ours to import. */
type RequestHandler = CodePipelineClientConfig["requestHandler"]

/** What carries the requests of clients: the SDK's own way when left out, with the options that are given for it. */
export const Transport: Context.Reference<RequestHandler> = Context.Reference<RequestHandler>(
  "effect-codepipeline/internal/Transport",
  { defaultValue: () => undefined }
)

export type ClientOptions = Omit<typeof clientOptions, "requestHandler"> & {
  readonly requestHandler: NonNullable<RequestHandler>
}

/** A client that lives as long as the layer that it is made for. */
export const scopedClient = <Client extends { destroy(): void }>(
  make: (options: ClientOptions) => Client
): Effect.Effect<Client, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(
      Transport,
      (requestHandler = clientOptions.requestHandler) => make({ ...clientOptions, requestHandler })
    ),
    (client) => Effect.sync(() => client.destroy())
  )

/** 200 ms doubling up to 5 s, jittered. */
const backoff = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

/** As many times a call is asked again where no deadline is set. */
const retries = 5

const untilDeadline = Schedule.while(backoff, ({ attempt, duration, now }) =>
  Effect.map(
    Deadline,
    (deadline) => deadline === Infinity ? attempt <= retries : now + Duration.toMillis(duration) < deadline
  ))

/** Asks again while AWS is only unavailable: until the deadline, or five times where there is none. */
export const retryUnavailable = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E | AwsError, R>
): Effect.Effect<A, E | AwsError, R> =>
  Effect.retry(effect, {
    schedule: untilDeadline,
    while: (error) => error instanceof AwsUnavailable && error.retryable
  })

/** What is still silent at the deadline does not answer. */
const timeoutAtDeadline = (operation: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.all([Deadline, Clock.currentTimeMillis]), ([deadline, now]) =>
    Effect.timeoutOrElse(effect, {
      duration: Math.max(0, deadline - now),
      orElse: () => Effect.fail(new AwsUnavailable({ operation, code: "TimeoutError", detail: tooLate }))
    }))

const tooLate = "it was silent until the time of the Lambda function was over"

/**
 * `operation` is the call in the words of IAM. `run` has to read the whole answer, so that what fails on the way is
 * asked for again too, and must hand the signal on: interrupting the effect aborts the request.
 */
export const send = <A>(
  operation: string,
  run: (options: { readonly abortSignal: AbortSignal }) => Promise<A>
): Effect.Effect<A, AwsError> =>
  Effect.suspend(() => {
    let tries = 0
    return Effect.tryPromise({
      try: (abortSignal) => {
        tries++
        return run({ abortSignal })
      },
      catch: (cause) => fromUnknown(operation, cause)
    }).pipe(
      timeoutAtDeadline(operation),
      retryUnavailable,
      Effect.onExit((exit) => recordCall(operation, exit, Math.max(0, tries - 1)))
    )
  }).pipe(Effect.withSpan(operation))

/** Tells metrics and the span how the call came out. */
const recordCall = (operation: string, exit: Exit.Exit<unknown, AwsError>, retries: number) => {
  const result = Exit.match(exit, {
    onSuccess: () => "Succeeded",
    onFailure: (cause) =>
      Option.match(Cause.findErrorOption(cause), { onNone: () => "Interrupted", onSome: ({ _tag }) => _tag })
  })
  return Effect.andThen(countCall(operation, result, retries), Effect.annotateCurrentSpan({ retries }))
}
