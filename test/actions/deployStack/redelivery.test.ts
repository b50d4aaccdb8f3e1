// What DeployStack does when Lambda delivers an event more than once.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import { drive } from "../../drive.ts"
import { deployEvent } from "../../fixtures.ts"
import {
  createdEarlier,
  deny,
  failResource,
  invoke,
  nextEvent,
  operationTokens,
  otherTemplate,
  putTemplate,
  world
} from "./world.ts"

describe("a second delivery of the same event", () => {
  it.effect("adopts the running operation", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(second._tag, "Continued")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
      const reported = yield* CodePipelineMemory.useSync(({ outcomes }) => outcomes.get(JobId.make("1")))
      assert.deepStrictEqual(reported, first)
    }).pipe(Effect.provide(world())))

  it.effect("waits where the stack is seen before its events are", () =>
    Effect.gen(function*() {
      yield* invoke(deployEvent({ id: "1" }))
      const second = yield* Effect.updateService(invoke(deployEvent({ id: "1" })), CloudFormation, (service) => ({
        ...service,
        events: () => Effect.succeed([])
      }))
      assert.deepInclude(second, { _tag: "Continued", message: "Waiting for the stack: CREATE_IN_PROGRESS" })
    }).pipe(Effect.provide(world())))

  it.effect("adopts an operation that is over, and tells how it ended", () =>
    Effect.gen(function*() {
      yield* failResource("MySampleBucket", "The name is taken")
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 minute")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(nextEvent(second, "2"))
      assert.include(outcome.message, "The name is taken")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("begins nothing after the update has ended", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* failResource("MySampleBucket", "No")
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 hour")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(nextEvent(second, "2"))
      assert.strictEqual(outcome._tag, "Failed")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("begins no update after the create has ended, even of another template", () =>
    Effect.gen(function*() {
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("3 minutes")
      yield* putTemplate(otherTemplate)
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(nextEvent(second, "2"))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("comes to an end where the role may not read events", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* deny("cloudformation:DescribeStackEvents")
      yield* failResource("MySampleBucket", "No")
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("2 minutes")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(nextEvent(second, "2"))
      assert.strictEqual(outcome.message.split("\n")[0], "Update failed: UPDATE_ROLLBACK_COMPLETE")
    }).pipe(Effect.provide(world())))

  it.effect("while the stack is busy waits, where the role may not read whose operation that is", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:DescribeStackEvents")
      yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(second.message, "Waiting for the stack: CREATE_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("at the same time begins nothing twice", () =>
    Effect.gen(function*() {
      const run = JobRunner.run(DeployStack, deployEvent({ id: "1" }))
      const outcomes = yield* drive(Effect.all([run, run], { concurrency: 2 }))
      assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), ["Continued", "Continued"])
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))
})
