import { Config, Effect, Layer, Logger } from "effect"
import { ArtifactStore, CloudFormation, CodePipeline, DeployStack, JobRunner } from "effect-codepipeline"
import { FetchHttpClient } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"

/** Runs the job of the event as a step of the app, and returns the reported outcome. */
export const deploy = Effect.fn("App.deploy")(function*(event: unknown) {
  const stage = yield* Config.String("STAGE")
  const outcome = yield* JobRunner.run(DeployStack, event).pipe(Effect.annotateLogs({ stage }))
  yield* Effect.logInfo(`Reported to CodePipeline: ${outcome.message}`)
  return outcome
})

/** The AWS SDK reads region, endpoints and credentials from the environment. */
export const aws = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer)

/**
 * Logs go to the console. Spans and metrics go to the OpenTelemetry collector
 * `OTEL_EXPORTER_OTLP_ENDPOINT`, if `OTEL_TRACES_EXPORTER` and `OTEL_METRICS_EXPORTER` are `otlp`.
 */
export const observability = Layer.provideMerge(
  Logger.layer([Logger.consoleLogFmt]),
  Otlp.layerFromConfig({ resource: { serviceName: "deployer" } }).pipe(
    Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer])
  )
)

/** The app: `deploy` with all of its dependencies. */
export const main = (event: unknown) => deploy(event).pipe(Effect.provide([aws, observability]))
