import { Config, Effect, Layer, Logger } from "effect"
import { ArtifactStore, CloudFormation, CodePipeline, DeployStack, JobRunner } from "effect-codepipeline"
import { FetchHttpClient } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"

/** Does what the event asks for, as a step of the app, and gives what CodePipeline was told. */
export const deploy = Effect.fn("App.deploy")(function*(event: unknown) {
  const stage = yield* Config.String("STAGE")
  const outcome = yield* JobRunner.run(DeployStack, event).pipe(Effect.annotateLogs({ stage }))
  yield* Effect.logInfo(`CodePipeline was told: ${outcome.message}`)
  return outcome
})

/** Region, endpoints and credentials come from the environment, as the AWS SDK reads them. */
export const aws = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer)

/**
 * Logs go to the console; spans and metrics to the OpenTelemetry collector of `OTEL_EXPORTER_OTLP_ENDPOINT`, where
 * `OTEL_TRACES_EXPORTER` and `OTEL_METRICS_EXPORTER` are `otlp`.
 */
export const observability = Layer.provideMerge(
  Logger.layer([Logger.consoleLogFmt]),
  Otlp.layerFromConfig({ resource: { serviceName: "deployer" } }).pipe(
    Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer])
  )
)

/** The app: its `deploy` with all that it needs. */
export const main = (event: unknown) => deploy(event).pipe(Effect.provide([aws, observability]))
