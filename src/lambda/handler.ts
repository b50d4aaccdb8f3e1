// Makes an action into the function that Lambda calls.
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Console as NodeConsole } from "node:console"
import { Writable } from "node:stream"
import type { Action, TaggedError } from "../Action.ts"
import type { JobOutcome } from "../domain/job/JobOutcome.ts"
import * as JobRunner from "../JobRunner.ts"
import type { CodePipeline } from "../services/CodePipeline.ts"
import { lambdaLogs } from "./LambdaLogger.ts"
import { Connections } from "./priming/Connections.ts"
import { megabytesOfCpu, type Priming, replay } from "./priming/replay.ts"

export type { Priming } from "./priming/replay.ts"
export type { StubRequest, StubResponder, StubResponse } from "./priming/StubTransport.ts"

/** What this package uses of Lambda's context object. */
export interface LambdaContext {
  readonly awsRequestId?: string
  getRemainingTimeInMillis?(): number
}

export type Handler = (event: unknown, context?: LambdaContext) => Promise<JobOutcome>

/**
 * The handler of a Lambda function whose only work is one action. `layer` is built once for each container, and must not
 * be able to fail: what can fail belongs into the action, where it is reported. It is released
 * on SIGTERM, which Lambda sends to functions with an extension, and then the process ends.
 *
 * Logs are lines of JSON from the level INFO on, or what the function's logging configuration says
 * (`AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL`). A logger, console or level of `layer` takes the place of ours.
 *
 * The promise resolves to the outcome that was reported. It is rejected only where nothing was, because the event is not
 * a job's or CodePipeline could not be reached: then Lambda delivers the event again.
 *
 * With `priming` the handler itself is promised: before it is there, a job is played, so that the first real one finds
 * all code compiled and connections open. Lambda starts a container with a whole CPU, whatever the memory of the
 * function, and the handler then has a share of it. Where the handler has a whole CPU too (from 1,769 MB on) nothing is
 * played, as that would take longer than it saves. `layer` is built twice; what goes wrong while playing is ignored.
 */
export function handler<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>
): Handler
export function handler<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  options: { readonly priming: Priming }
): Promise<Handler>
export function handler<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  options?: { readonly priming: Priming }
): Handler | Promise<Handler> {
  if (options === undefined) return handlerOf(action, runtimeOf(layer))
  if (hasWholeCpu()) return Promise.resolve(handlerOf(action, runtimeOf(layer)))
  const connections = new Connections()
  const runtime = runtimeOf(Layer.provide(layer, connections.transport))
  // What the loggers make of an entry nobody prints.
  return replay(action, layer, Layer.merge(lambdaLogs, silence), options.priming, connections)
    .then(() => runtime.runPromiseExit(Effect.void))
    .then(() => handlerOf(action, runtime))
}

const hasWholeCpu = () => Number(process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) >= megabytesOfCpu

const runtimeOf = <R>(layer: Layer.Layer<R>): ManagedRuntime.ManagedRuntime<R, never> => {
  const runtime: ManagedRuntime.ManagedRuntime<R, never> = ManagedRuntime.make(
    Layer.mergeAll(lambdaLogs, disposeOnSigterm(() => runtime.dispose()), layer)
  )
  return runtime
}

const handlerOf = <Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  runtime: ManagedRuntime.ManagedRuntime<R | CodePipeline, never>
): Handler =>
(event, context) =>
  runtime.runPromise(
    JobRunner.run(action, event, { remainingMillis: context?.getRemainingTimeInMillis?.() }).pipe(
      Effect.tapErrorTag("NotAJobEvent", (error) => Effect.logError(error.message)),
      Effect.annotateLogs(context?.awsRequestId === undefined ? {} : { requestId: context.awsRequestId })
    )
  )

/**
 * Ends the process in order when Lambda shuts the container down, which it tells only where an extension is registered.
 * The listener lives as long as the layer.
 */
const disposeOnSigterm = (dispose: () => Promise<void>): Layer.Layer<never> => {
  const end = () =>
    void dispose().finally(() => {
      // Who else listens ends the process.
      if (process.listenerCount("SIGTERM") === 0) process.exit()
    })
  return Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.sync(() => process.once("SIGTERM", end)),
      () => Effect.sync(() => process.off("SIGTERM", end))
    )
  )
}

const silence = Layer.sync(Console.Console, () => new NodeConsole(new Writable({ write: (_, __, done) => done() })))
