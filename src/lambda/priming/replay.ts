// Runs a sample job while a container starts, so that the first real job finds a warm function.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import type { Action, TaggedError } from "../../Action.ts"
import { JobOutcome } from "../../domain/job/JobOutcome.ts"
import * as JobRunner from "../../JobRunner.ts"
import { clientOptions, Transport } from "../../runtime/AwsClient.ts"
import type { CodePipeline } from "../../services/CodePipeline.ts"
import type { Connections } from "./Connections.ts"
import { stubAgents, type StubResponder } from "./StubTransport.ts"

/** A sample job: the real program runs it with clients of its own and stub responses. */
export interface Priming {
  /** The event of the first job, or of a continuation if there is a token. */
  event(continuationToken?: string): unknown
  readonly respond: StubResponder
  /** Replacements for services that reach the network without the AWS clients, such as `fetch`. */
  readonly services?: Layer.Layer<never>
}

/**
 * The memory size in MB from which no job is replayed. With 768 MB, a replay shortens a start; with 1,024 MB, the handler's
 * share of a CPU is so large that the replay takes longer than it saves. Measured with `npm run bench -- cold`.
 */
export const notPrimedFrom = 1_024

/** Milliseconds for the replay, and for each connection. Lambda gives a container ten seconds to start. */
const timeLimit = 2_000

/**
 * Runs the real program from the event to the report without leaving the process: no request, span or metric is sent,
 * and `logging` must write nothing. The services are separate from the function's own and are released afterwards.
 * Meanwhile connections are opened to the hosts that a real job would call. Every error is ignored.
 */
export const replay = <Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  logging: Layer.Layer<never>,
  { event, respond, services = Layer.empty }: Priming,
  connections: Connections
): Promise<void> => {
  const connected = new Map<string, Promise<void>>()
  const transport = Layer.succeed(Transport, {
    ...clientOptions.requestHandler,
    ...stubAgents(respond, (host) => {
      if (!connected.has(host)) connected.set(host, Effect.runPromise(connections.open(host, timeLimit)))
    })
  })
  const run = (token?: string) =>
    Effect.suspend(() => JobRunner.run(action, event(token), { remainingMillis: timeLimit }))
  const jobs = run().pipe(
    Effect.flatMap((outcome) => JobOutcome.$is("Continued")(outcome) ? run(outcome.continuationToken) : Effect.void),
    Effect.provide(logging),
    Effect.provideService(Tracer.Tracer, discardTracer),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide(Layer.provide(Layer.merge(layer, services), transport), { local: true }),
    Effect.timeout(timeLimit)
  )
  return Effect.runPromise(Effect.ignoreCause(jobs)).then(() => Promise.all(connected.values())).then(() => {})
}

const discardTracer = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })
