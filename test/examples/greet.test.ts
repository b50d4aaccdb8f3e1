import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { ArtifactStoreMemory, CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { Greet } from "./greet.ts"

/** Runs the action in a pipeline whose artifact People has a file with this content. */
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
      Layer.merge(
        ArtifactStoreMemory.layer({ People: { "name.txt": content } }),
        CodePipelineMemory.layer
      )
    )
  )

it.effect("the action greets the name in its second job", () =>
  Effect.gen(function*() {
    const outcome = yield* greet("Ada\n")
    assert.deepInclude(outcome, {
      _tag: "Succeeded",
      message: "Hello, Ada",
      outputVariables: { Name: "Ada" }
    })
  }))

it.effect("an empty file fails the action, and the message says what to do", () =>
  Effect.gen(function*() {
    const outcome = yield* greet("")
    assert.deepInclude(outcome, {
      type: "ConfigurationError",
      message: "The file \"name.txt\" is empty. Write a name into it"
    })
  }))
