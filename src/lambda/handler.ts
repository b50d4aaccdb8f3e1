// Makes an action into the function that Lambda calls.
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Action, TaggedError } from "../actions/Action.ts"
import type { JobOutcome } from "../domain/JobOutcome.ts"
import * as JobRunner from "../JobRunner.ts"
import type { CodePipeline } from "../services/CodePipeline.ts"
import { Connections, play, type Priming } from "./priming.ts"

export type { Priming } from "./priming.ts"

/** What this package uses of Lambda's context object. */
export interface LambdaContext {
  readonly awsRequestId?: string
  getRemainingTimeInMillis?(): number
}

export type Handler = (event: unknown, context?: LambdaContext) => Promise<JobOutcome>

/**
 * The handler of a Lambda function whose only work is one action. `layer` is built once for each container, and must not
 * be able to fail: what can fail belongs into the action, where it is reported.
 *
 * The promise resolves to the outcome that was reported. It is rejected only where nothing was, because the event is not
 * a job's or CodePipeline could not be reached: then Lambda delivers the event again.
 *
 * With `priming` the handler itself is promised: before it is there, a job is played, so that the first real one finds
 * all code compiled and connections open. Lambda starts a container with a whole CPU, whatever the memory of the
 * function, and the handler then has a share of it. `layer` is built twice; what goes wrong while playing is ignored.
 */
export function handler<Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>
): Handler
export function handler<Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  options: { readonly priming: Priming }
): Promise<Handler>
export function handler<Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  options?: { readonly priming: Priming }
): Handler | Promise<Handler> {
  if (options === undefined) return handlerOf(action, runtimeOf(layer))
  const connections = new Connections()
  const runtime = runtimeOf(Layer.provide(layer, connections.transport))
  // What they make of a log entry nobody prints.
  const logging = Logger.layer([lines])
  return play(action, layer, logging, options.priming, connections)
    .then(() => runtime.runPromiseExit(Effect.void))
    .then(() => handlerOf(action, runtime))
}

const runtimeOf = <R>(layer: Layer.Layer<R>) =>
  ManagedRuntime.make(Layer.merge(layer, Logger.layer([Logger.withConsoleLog(lines)])))

const handlerOf = <Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  runtime: ManagedRuntime.ManagedRuntime<R | CodePipeline, never>
): Handler =>
(event, context) =>
  runtime.runPromise(
    JobRunner.run(action, event, { remainingMillis: context?.getRemainingTimeInMillis?.() }).pipe(
      Effect.tapErrorTag("NotAJobEvent", (error) => Effect.logError(error.message)),
      Effect.annotateLogs(context?.awsRequestId === undefined ? {} : { requestId: context.awsRequestId })
    )
  )

/** One JSON object a line, with the annotations (`jobId`, `action`, …) beside `level`, `timestamp` and `message`. */
const lines = Logger.map(
  Logger.formatStructured,
  ({ annotations, cause, level, message, timestamp }) =>
    // Not JSON.stringify, which fails on what an action may log: a bigint, an object that holds itself.
    Formatter.formatJson({ ...annotations, timestamp, level, message, cause })
)
