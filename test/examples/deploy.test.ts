import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { DeployStack, JobRunner } from "effect-codepipeline"
import {
  ArtifactStoreMemory,
  CloudFormationMemory,
  CodePipelineMemory,
  LocalPipeline
} from "effect-codepipeline/testing"
import { TestClock } from "effect/testing"

const event = LocalPipeline.event({
  userParameters: { stack: "Shop", file: "template.json", artifact: "MyTemplate" },
  inputArtifacts: ["MyTemplate"]
})

const template = {
  Resources: { Topic: { Type: "AWS::SNS::Topic" }, Queue: { Type: "AWS::SQS::Queue" } }
}

const memory = Layer.mergeAll(
  ArtifactStoreMemory.layer({ MyTemplate: { "template.json": JSON.stringify(template) } }),
  CloudFormationMemory.layer({ resourceDuration: "3 minutes" }),
  CodePipelineMemory.layer
)

it.effect("a failed deployment names the failed resource", () =>
  Effect.gen(function*() {
    yield* CloudFormationMemory.use(({ failResource }) => failResource("Queue", "Access to KMS is denied"))
    const pipeline = LocalPipeline.run({
      event,
      invoke: (event) => JobRunner.run(DeployStack, event)
    })
    const fiber = yield* Effect.forkChild(pipeline)
    yield* TestClock.adjust("1 hour")

    const outcome = yield* Fiber.join(fiber)
    assert.include(
      outcome.message,
      "Update failed: ROLLBACK_COMPLETE\nQueue (AWS::SQS::Queue): Access to KMS is denied"
    )
  }).pipe(Effect.provide(memory)))
