import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { ArtifactStoreMemory, CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { Transform, Values } from "./transform.ts"

const files = { "config.json": "{\"host\":\"${HOST}\",\"url\":\"https://${HOST}:${PORT}/\"}", "empty.txt": "" }

const world = (values: Readonly<Record<string, string>>) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer({ Source: files }),
    CodePipelineMemory.layer,
    Values.layer,
    ConfigProvider.layer(ConfigProvider.fromUnknown(values))
  )

const transform = LocalPipeline.run({
  event: LocalPipeline.event({
    userParameters: { from: "Source", to: "Filled", files: Object.keys(files) },
    inputArtifacts: ["Source"],
    outputArtifacts: ["Filled"]
  }),
  invoke: (event) => JobRunner.run(Transform, event)
})

describe("the transform example", () => {
  it.effect("writes an output artifact whose placeholders are replaced by values", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* transform, { _tag: "Succeeded", message: "2 files written to Filled" })
      const { outputs } = yield* ArtifactStoreMemory
      assert.deepStrictEqual([...outputs], [
        ["Filled", { "config.json": "{\"host\":\"a.example\",\"url\":\"https://a.example:443/\"}", "empty.txt": "" }]
      ])
    }).pipe(Effect.provide(world({ VALUE_HOST: "a.example", VALUE_PORT: "443" }))))

  it.effect("writes nothing if a value is missing", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* transform, {
        type: "ConfigurationError",
        message: "The placeholder ${PORT} has no value. Set the variable VALUE_PORT of the Lambda function"
      })
      assert.strictEqual((yield* ArtifactStoreMemory).outputs.size, 0)
    }).pipe(Effect.provide(world({ VALUE_HOST: "a.example" }))))
})
