import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Action from "../../src/Action.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { decodeJob, JobId } from "../../src/domain/job/Job.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../src/testing/LocalPipeline.ts"
import { drive } from "../drive.ts"
import { deployEvent } from "../fixtures.ts"

/** Is done when it was invoked three times. */
const Patient = Action.make({
  name: "patient",
  parameters: Schema.String,
  state: Schema.Null,
  start: () => Effect.succeed(Action.Step.Continue({ message: "begun", state: null })),
  resume: ({ execution: { attempt } }) =>
    Effect.succeed(
      attempt < 3 ? Action.Step.Continue({ message: "waiting", state: null }) : Action.Step.Done({ message: "over" })
    )
})({})

const invoke = (event: unknown) => JobRunner.run(Patient, event)

describe("LocalPipeline", () => {
  it.effect("invokes the function with a new job until the action completes, and reports what happens", () =>
    Effect.gen(function*() {
      const happenings: Array<LocalPipeline.Happening> = []
      const observe = (happening: LocalPipeline.Happening) => Effect.sync(() => void happenings.push(happening))
      const outcome = yield* drive(LocalPipeline.run({ event: deployEvent(), invoke, observe }))

      assert.deepInclude(outcome, { _tag: "Succeeded", message: "over" })
      assert.deepStrictEqual(
        happenings.map((
          happening
        ) => [happening.invocation, happening._tag === "Reported" && happening.outcome.message]),
        [[1, false], [1, "begun"], [2, false], [2, "waiting"], [3, false], [3, "over"]]
      )
      assert.strictEqual(new Set(happenings.map(({ jobId }) => jobId)).size, 3)
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("makes events that contain only the given parts", () =>
    Effect.gen(function*() {
      const bare = yield* decodeJob(LocalPipeline.event())
      assert.deepStrictEqual([bare.userParameters, bare.inputArtifacts, bare.outputArtifacts], ["", [], []])
      const full = yield* decodeJob(
        LocalPipeline.event({ id: "1", userParameters: { a: 1 }, inputArtifacts: ["In"], outputArtifacts: ["Out"] })
      )
      assert.strictEqual(full.id, "1")
      assert.strictEqual(full.userParameters, "{\"a\":1}")
      assert.deepStrictEqual(full.inputArtifacts.map(({ name }) => name), ["In"])
      assert.deepStrictEqual(full.outputArtifacts.map(({ name }) => name), ["Out"])
      assert.strictEqual(
        (yield* decodeJob(LocalPipeline.event({ userParameters: "as it is" }))).userParameters,
        "as it is"
      )
    }))

  it.effect("makes the event of an action, unless the action does not accept the UserParameters", () =>
    Effect.gen(function*() {
      const userParameters = { stack: "MyTestStack", file: "template.json", artifact: "MyTemplate" }
      const options = { id: "1", inputArtifacts: ["MyTemplate"] }
      assert.deepStrictEqual(
        yield* LocalPipeline.eventFor(DeployStack, { ...options, userParameters }),
        LocalPipeline.event({ ...options, userParameters })
      )
      const misspelt = { ...userParameters, whenBsy: "wait" }
      const error = yield* Effect.flip(LocalPipeline.eventFor(DeployStack, { ...options, userParameters: misspelt }))
      assert.include(error.message, "whenBusy")
      assert.match((yield* Effect.flip(LocalPipeline.eventFor(DeployStack, options))).message, /they are empty/)
    }))

  it.effect("waits between two invocations", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(LocalPipeline.run({ event: deployEvent(), invoke, interval: "10 minutes" }))
      yield* TestClock.adjust("19 minutes")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 minute")
      assert.isDefined(fiber.pollUnsafe())
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("fails if the function reports nothing", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        LocalPipeline.run({ event: deployEvent({ id: "1" }), invoke: () => Effect.void })
      )
      assert.deepStrictEqual(error, new LocalPipeline.NoResult({ jobId: JobId.make("1") }))
      assert.include(error.message, "without a result for job 1")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("fails if the action does not complete", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(drive(LocalPipeline.run({ event: deployEvent(), invoke, maxInvocations: 2 })))
      assert.strictEqual(error.message, "The action did not complete within 2 invocations")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))
})
