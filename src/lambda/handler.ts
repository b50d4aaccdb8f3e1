// Turns an action into the handler of a Lambda function.
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
import { notPrimedFrom, type Priming, replay } from "./priming/replay.ts"

export type { Priming } from "./priming/replay.ts"
export type { StubRequest, StubResponder, StubResponse } from "./priming/StubTransport.ts"

/** The part of Lambda's context object that this package uses. */
export interface LambdaContext {
  readonly awsRequestId?: string
  /** How long the function may still run, in milliseconds. */
  getRemainingTimeInMillis?(): number
}

/** The handler, and what it was made of: `npx effect-codepipeline run` plays the action on this machine. */
export interface Handler {
  (event: unknown, context?: LambdaContext): Promise<JobOutcome>
  readonly action: AnyAction
  /** The services of the action. */
  readonly layer: Layer.Any
}

/** An action whose types are not known. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyAction = Action<any, any, any, any>

/**
 * The handler of a Lambda function that runs one action. `layer` is built once for each container and must not fail: put
 * everything that can fail into the action, which reports it. On SIGTERM, which Lambda sends to functions with an
 * extension, the layer is released and the process ends.
 *
 * The default logger writes JSON lines from the level INFO on, or what the function's logging configuration says
 * (`AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL`). A logger, console or level in `layer` replaces it.
 *
 * The promise resolves to the reported outcome. It rejects only if nothing was reported, because the event is not that of
 * a job or because CodePipeline did not accept the report: then Lambda redelivers the event.
 *
 * With `priming`, the result is a promise of the handler. First, a sample job runs, so that the first real job finds
 * compiled code and open connections. Lambda starts each container with a whole CPU, whatever the memory size of the
 * function, and afterwards gives the handler a share of it. From 1,024 MB on, or if `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` is not
 * set, no sample job runs, as it would take longer than it saves. `layer` is built twice; errors of the sample job are
 * ignored.
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
  if (options === undefined) return handlerOf(action, layer, runtimeOf(layer))
  if (!isPrimed()) return Promise.resolve(handlerOf(action, layer, runtimeOf(layer)))
  const connections = new Connections()
  const runtime = runtimeOf(Layer.provide(layer, connections.transport))
  // The loggers format entries, and nothing prints them.
  return replay(action, layer, Layer.merge(lambdaLogs, silence), options.priming, connections)
    .then(() => runtime.runPromiseExit(Effect.void))
    .then(() => handlerOf(action, layer, runtime))
}

/** Lambda sets the variable. Without it, as in a test, the sample job would only take time. */
const isPrimed = () => Number(process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) < notPrimedFrom

const runtimeOf = <R>(layer: Layer.Layer<R>): ManagedRuntime.ManagedRuntime<R, never> => {
  const runtime: ManagedRuntime.ManagedRuntime<R, never> = ManagedRuntime.make(
    Layer.mergeAll(lambdaLogs, disposeOnSigterm(() => runtime.dispose()), layer)
  )
  return runtime
}

const handlerOf = <Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  runtime: ManagedRuntime.ManagedRuntime<R | CodePipeline, never>
): Handler =>
  Object.assign(
    (event: unknown, context?: LambdaContext) =>
      runtime.runPromise(
        JobRunner.run(action, event, { remainingMillis: context?.getRemainingTimeInMillis?.() }).pipe(
          Effect.tapErrorTag("NotAJobEvent", (error) => Effect.logError(error.message)),
          Effect.annotateLogs(context?.awsRequestId === undefined ? {} : { requestId: context.awsRequestId })
        )
      ),
    { action, layer }
  )

/**
 * Releases the runtime when Lambda shuts the container down, and ends the process. Lambda sends SIGTERM only to functions
 * with an extension. The layer removes its listener when it is released.
 *
 * The process ends by the signal, as it does without a listener. `process.exit` would wait for the thread in which Lambda's
 * runtime client waits for the next event, until Lambda kills the process.
 */
const disposeOnSigterm = (dispose: () => Promise<void>): Layer.Layer<never> => {
  const end = () =>
    void dispose().finally(() => {
      // If another listener is registered, it is responsible for the end of the process.
      if (process.listenerCount("SIGTERM") === 0) process.kill(process.pid, "SIGTERM")
    })
  return Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.sync(() => process.once("SIGTERM", end)),
      () => Effect.sync(() => process.off("SIGTERM", end))
    )
  )
}

const silence = Layer.sync(Console.Console, () => new NodeConsole(new Writable({ write: (_, __, done) => done() })))
