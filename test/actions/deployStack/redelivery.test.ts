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

describe("a redelivered event", () => {
  it.effect("a second delivery adopts the running operation of the first one", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(second._tag, "Continued")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
      const reported = yield* CodePipelineMemory.useSync(({ outcomes }) => outcomes.get(JobId.make("1")))
      assert.deepStrictEqual(reported, first)
    }).pipe(Effect.provide(world())))

  it.effect("a second delivery waits while the stack is visible but its events are not", () =>
    Effect.gen(function*() {
      yield* invoke(deployEvent({ id: "1" }))
      const second = yield* Effect.updateService(invoke(deployEvent({ id: "1" })), CloudFormation, (service) => ({
        ...service,
        events: () => Effect.succeed([])
      }))
      assert.deepInclude(second, { _tag: "Continued", message: "Waiting for the stack: CREATE_IN_PROGRESS" })
    }).pipe(Effect.provide(world())))

  it.effect("a second delivery adopts an operation that has ended, and reports its result", () =>
    Effect.gen(function*() {
      yield* failResource("MySampleBucket", "The name is taken")
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 minute")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(nextEvent(second, "2"))
      assert.include(outcome.message, "The name is taken")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("a second delivery starts nothing after the first one's update has ended", () =>
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

  it.effect("a second delivery starts no update after the first one's create has ended, even if the template has changed", () =>
    Effect.gen(function*() {
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("3 minutes")
      yield* putTemplate(otherTemplate)
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(nextEvent(second, "2"))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("a second delivery ends with a result if the role may not read events", () =>
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

  it.effect("a second delivery waits for a busy stack if the role may not read events", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:DescribeStackEvents")
      yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(second.message, "Waiting for the stack: CREATE_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("two deliveries at the same time start one operation", () =>
    Effect.gen(function*() {
      const run = JobRunner.run(DeployStack, deployEvent({ id: "1" }))
      const outcomes = yield* drive(Effect.all([run, run], { concurrency: 2 }))
      assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), ["Continued", "Continued"])
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))
})
