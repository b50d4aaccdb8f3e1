// The one way this package calls AWS.
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
import { type AwsError, AwsUnavailable, fromUnknown, isClockError } from "../domain/job/AwsError.ts"
import { Deadline } from "./Deadline.ts"
import { Secrets } from "./Secrets.ts"
import { countCall } from "./Telemetry.ts"

/**
 * Options of every client. The SDK's own retries are off, so that there is one policy and one clock. A server that is
 * silent, before its response or in the middle of it, times out.
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

/** Defined through a client, as this package does not depend on the SDK package that exports it. */
type RequestHandler = CodePipelineClientConfig["requestHandler"]

/** The request handler of all clients. Default: the SDK's own, with the options of {@link clientOptions}. */
export const Transport: Context.Reference<RequestHandler> = Context.Reference<RequestHandler>(
  "effect-codepipeline/runtime/Transport",
  { defaultValue: () => undefined }
)

/** The options of an SDK client, see {@link awsClient}. */
export interface ClientOptions {
  readonly maxAttempts: 1
  readonly retryMode: "standard"
  readonly requestHandler: NonNullable<CodePipelineClientConfig["requestHandler"]>
}

/** What every client of the SDK has. */
export interface Closable {
  /** Closes the connections. */
  destroy(): void
}

/** A client with the lifetime of the current scope. */
export const scopedClient = <Client extends Closable>(
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

/** The maximum number of retries without a deadline. */
const maxRetries = 5

const untilDeadline = Schedule.while(backoff, ({ attempt, duration, now }) =>
  Effect.map(
    Deadline,
    (deadline) => deadline === Infinity ? attempt <= maxRetries : now + Duration.toMillis(duration) < deadline
  ))

/** Retries while AWS is unavailable: until the deadline, or five times without one. */
export const retryUnavailable = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E | AwsError, R>
): Effect.Effect<A, E | AwsError, R> =>
  Effect.retry(effect, {
    schedule: untilDeadline,
    while: (error) => error instanceof AwsUnavailable && error.retryable
  })

/** A call that is still silent at the deadline times out. */
const timeoutAtDeadline = (operation: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.all([Deadline, Clock.currentTimeMillis]), ([deadline, now]) =>
    Effect.timeoutOrElse(effect, {
      duration: Math.max(0, deadline - now),
      orElse: () => Effect.fail(new AwsUnavailable({ operation, code: "TimeoutError", detail: silent }))
    }))

const silent = "there was no response before the Lambda function ran out of time"

/**
 * Calls AWS: with retries while AWS is unavailable and time remains (see {@link Deadline}), one immediate retry if the
 * local clock was wrong, a span, and metrics.
 *
 * `operation` is the call's name in IAM, such as `s3:PutObject`. `run` makes the call with an SDK client whose own retries
 * are off: {@link awsClient} makes one. It has to read the whole response, so that a failure on the way is retried too, and to pass
 * the signal on: interrupting the effect aborts the request.
 */
export const callAws = <A>(
  operation: string,
  run: (options: { readonly abortSignal: AbortSignal }) => Promise<A>
): Effect.Effect<A, AwsError> =>
  Effect.flatMap(Secrets, ({ redact }) => {
    let tries = 0
    let isClockCorrected = false
    return Effect.tryPromise((abortSignal) => {
      tries++
      return run({ abortSignal })
    }).pipe(
      // Once for each call: a signature that is still wrong has another cause.
      Effect.retry({ times: 1, while: ({ cause }) => !isClockCorrected && (isClockCorrected = isClockError(cause)) }),
      Effect.mapError(({ cause }) => fromUnknown(operation, cause, redact)),
      timeoutAtDeadline(operation),
      retryUnavailable,
      Effect.onExit((exit) => recordCall(operation, exit, Math.max(0, tries - 1)))
    )
  }).pipe(Effect.withSpan(operation))

/** An SDK client for {@link callAws}. */
export interface AwsClient<Client> {
  /** As {@link callAws}. */
  readonly call: <A>(
    operation: string,
    run: (client: Client, options: { readonly abortSignal: AbortSignal }) => Promise<A>
  ) => Effect.Effect<A, AwsError>
}

/**
 * An SDK client as {@link callAws} needs it, which is closed with the scope: its own retries are off, and a silent server
 * times out. `make` passes the options on: `awsClient((options) => new EC2Client(options))`.
 */
export const awsClient = <Client extends Closable>(
  make: (options: ClientOptions) => Client
): Effect.Effect<AwsClient<Client>, never, Scope.Scope> =>
  Effect.map(scopedClient(make), (client) => ({
    call: (operation, run) => callAws(operation, (options) => run(client, options))
  }))

/** Records the result of the call in metrics and on the span. */
const recordCall = (operation: string, exit: Exit.Exit<unknown, AwsError>, retries: number) => {
  const result = Exit.match(exit, {
    onSuccess: () => "Succeeded",
    onFailure: (cause) =>
      Option.match(Cause.findErrorOption(cause), { onNone: () => "Interrupted", onSome: ({ _tag }) => _tag })
  })
  return Effect.andThen(countCall(operation, result, retries), Effect.annotateCurrentSpan({ retries }))
}
