import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Layer } from "effect"
import {
  ArtifactStoreMemory,
  CloudFormationMemory,
  CodePipelineMemory,
  LocalPipeline
} from "effect-codepipeline/testing"
import { TestConsole } from "effect/testing"
import { text } from "node:stream/consumers"
import { awsEnvironment, awsServers, putTemplate } from "../contract/aws.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { listen } from "../contract/server.ts"
import { drive } from "../drive.ts"
import { deployEvent, sampleTemplate, secrets } from "../fixtures.ts"
import { path, Recorder } from "../recorder.ts"
import { deploy, main } from "./embed.ts"

const memory = Layer.mergeAll(
  ArtifactStoreMemory.layer({ MyTemplate: { "template-package/template.json": sampleTemplate } }),
  CloudFormationMemory.layer(),
  CodePipelineMemory.layer
)

describe("the app of the README", () => {
  it.effect("deploys within its own spans, with its own logger and configuration", () =>
    Effect.gen(function*() {
      const console = yield* TestConsole.make
      const app = Layer.mergeAll(
        memory,
        ConfigProvider.layer(ConfigProvider.fromUnknown({ STAGE: "production" })),
        Layer.succeed(Console.Console, console)
      )
      const outcome = yield* drive(LocalPipeline.run({ event: deployEvent({ id: "1" }), invoke: deploy })).pipe(
        Effect.provide(app)
      )
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      const { spans } = yield* Recorder
      assert.isTrue(spans.some((span) => path(span).join(" > ").includes("App.deploy > JobRunner.run > Action.start")))
      const logged = (yield* console.logLines).map(String).join("\n")
      assert.include(logged, "Reported to CodePipeline: Stack update complete: the stack was created")
    }).pipe(Effect.provide(Recorder.layer)))

  it.live("sends spans and metrics of every job to its collector", () =>
    Effect.gen(function*() {
      const received: Array<{ readonly path: string | undefined; readonly body: string }> = []
      const collector = yield* listen((request, response) => {
        text(request).then((body) => {
          received.push({ path: request.url, body })
          response.writeHead(200, { "content-type": "application/json" }).end("{}")
        }).catch(() => response.destroy())
      })
      yield* putTemplate
      const app = awsEnvironment({
        STAGE: "production",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector,
        OTEL_TRACES_EXPORTER: "otlp",
        OTEL_METRICS_EXPORTER: "otlp"
      })
      const outcome = yield* main(deployEvent({ id: "1" })).pipe(
        Effect.provide(app),
        Effect.provideService(Console.Console, yield* TestConsole.make)
      )
      assert.deepInclude(outcome, { _tag: "Continued", message: "Stack create started" })
      assert.lengthOf((yield* CodePipelineServer).calls, 1)
      const receivedAt = (path: string) => received.filter((one) => one.path === path).map(({ body }) => body).join()
      for (const name of ["App.deploy", "JobRunner.run", "Action.start", "cloudformation:CreateStack", "MyTestStack"]) {
        assert.include(receivedAt("/v1/traces"), name)
      }
      assert.include(receivedAt("/v1/metrics"), "codepipeline_jobs")
      const all = received.map(({ body }) => body).join()
      for (const secret of [...secrets, "secret-of-the-function"]) assert.notInclude(all, secret)
    }).pipe(Effect.provide(awsServers)))
})
