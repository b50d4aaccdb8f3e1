import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { ArtifactStoreMemory, CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { drive } from "../drive.ts"
import { deployEvent } from "../fixtures.ts"
import { Greet } from "./greet.ts"

const greet = (content: string) =>
  drive(
    LocalPipeline.run({
      event: deployEvent({ userParameters: "{\"artifact\":\"MyTemplate\",\"file\":\"name.txt\"}" }),
      invoke: (event) => JobRunner.run(Greet, event)
    })
  ).pipe(
    Effect.provide(
      Layer.merge(ArtifactStoreMemory.layer({ MyTemplate: { "name.txt": content } }), CodePipelineMemory.layer)
    )
  )

it.effect("the action of the README greets in its second job", () =>
  Effect.gen(function*() {
    assert.deepInclude(yield* greet("Ada\n"), {
      _tag: "Succeeded",
      message: "Hello, Ada",
      outputVariables: { Name: "Ada" }
    })
  }))

it.effect("the action of the README says what to do where it cannot", () =>
  Effect.gen(function*() {
    assert.deepInclude(yield* greet(""), {
      type: "ConfigurationError",
      message: "\"name.txt\" is empty: write a name into it"
    })
  }))
