import { Effect, Layer, Logger } from "effect"
import { JobRunner } from "effect-codepipeline"
import { ArtifactStoreMemory, CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import assert from "node:assert/strict"
import { test } from "node:test"
import { ReadVersion } from "../src/readVersion.ts"

/** Runs the action in a pipeline whose artifact Source has this package.json. */
const readVersion = (content: string) =>
  LocalPipeline.run({
    event: LocalPipeline.event({
      userParameters: { artifact: "Source", file: "package.json" },
      inputArtifacts: ["Source"]
    }),
    invoke: (event) => JobRunner.run(ReadVersion, event)
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        ArtifactStoreMemory.layer({ Source: { "package.json": content } }),
        CodePipelineMemory.layer,
        // Without it, the log of the action is printed between the tests.
        Logger.layer([])
      )
    ),
    Effect.runPromise
  )

test("the version of the package is an output variable", async () => {
  const outcome = await readVersion("{ \"name\": \"shop\", \"version\": \"1.2.3\" }")
  assert.equal(outcome.message, "Version 1.2.3")
  assert.deepEqual(outcome._tag === "Succeeded" && outcome.outputVariables, { Version: "1.2.3" })
})

test("a package.json without a version fails the action, and the message names the file", async () => {
  const outcome = await readVersion("{ \"name\": \"shop\" }")
  assert.equal(outcome._tag === "Failed" && outcome.type, "ConfigurationError")
  assert.match(outcome.message, /^package\.json has no version: .*version/s)
})
