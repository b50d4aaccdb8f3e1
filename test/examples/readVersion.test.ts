import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { ArtifactStoreMemory, CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { ReadVersion } from "./readVersion.ts"

const readVersion = (content: string) =>
  LocalPipeline.run({
    event: LocalPipeline.event({
      userParameters: { artifact: "Source", file: "package.json" },
      inputArtifacts: ["Source"]
    }),
    invoke: (event) => JobRunner.run(ReadVersion, event)
  }).pipe(
    Effect.provide(
      Layer.merge(ArtifactStoreMemory.layer({ Source: { "package.json": content } }), CodePipelineMemory.layer)
    )
  )

it.effect("the version of the package is an output variable", () =>
  Effect.gen(function*() {
    const outcome = yield* readVersion("{ \"name\": \"shop\", \"version\": \"1.2.3\" }")
    assert.deepInclude(outcome, { _tag: "Succeeded", outputVariables: { Version: "1.2.3" } })
  }))

it.effect("a package.json without a version fails the action, and the message names the file", () =>
  Effect.gen(function*() {
    const outcome = yield* readVersion("{ \"name\": \"shop\" }")
    assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
    assert.match(outcome.message, /^package\.json has no version: .*version/s)
  }))
