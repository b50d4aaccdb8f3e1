import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { ArtifactStoreMemory, CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { Greet } from "./greet.ts"

/** The action in a pipeline whose artifact People has this file. */
const greet = (content: string) =>
  LocalPipeline.run({
    event: LocalPipeline.event({
      userParameters: { artifact: "People", file: "name.txt" },
      inputArtifacts: ["People"]
    }),
    invoke: (event) => JobRunner.run(Greet, event),
    interval: 0
  }).pipe(
    Effect.provide(
      Layer.merge(ArtifactStoreMemory.layer({ People: { "name.txt": content } }), CodePipelineMemory.layer)
    )
  )

it.effect("greets in its second job", () =>
  Effect.gen(function*() {
    const outcome = yield* greet("Ada\n")
    assert.deepInclude(outcome, { _tag: "Succeeded", message: "Hello, Ada", outputVariables: { Name: "Ada" } })
  }))

it.effect("says what to do where nobody is there", () =>
  Effect.gen(function*() {
    const outcome = yield* greet("")
    assert.deepInclude(outcome, { type: "ConfigurationError", message: "\"name.txt\" is empty: write a name into it" })
  }))
