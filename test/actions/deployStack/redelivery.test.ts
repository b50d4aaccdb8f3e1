// What DeployStack does when Lambda delivers an event more than once.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
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
  eventOf,
  eventWith,
  failResource,
  invoke,
  nextEvent,
  operationTokens,
  otherTemplate,
  putTemplate,
  required,
  runToEnd,
  setStatus,
  stack,
  statusOfStack,
  world
} from "./world.ts"

/** Another actor creates a stack of the same name, which ends in this status. */
const recreated = (status: string) =>
  Effect.gen(function*() {
    yield* setStatus("DELETE_COMPLETE")
    yield* TestClock.adjust("1 minute")
    yield* setStatus(status)
  })

describe("a late redelivery, when CodePipeline no longer waits for the job", () => {
  const lateness = ["1 minute", "5 hours", "1 day"] as const

  it.effect.each(lateness)(
    "the first event of DELETE_ONLY deletes no stack that was created since, after %s",
    (late) =>
      Effect.gen(function*() {
        yield* createdEarlier
        const event = eventWith({ stack, mode: "DELETE_ONLY" }, { id: "1" })
        assert.strictEqual((yield* runToEnd(event)).message, "Stack delete complete")
        yield* recreated("CREATE_COMPLETE")
        yield* TestClock.adjust(late)
        yield* invoke(event)
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
        assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
      }).pipe(Effect.provide(world()))
  )

  it.effect.each(lateness)(
    "the other events of DELETE_ONLY delete no stack that was created since, after %s",
    (late) =>
      Effect.gen(function*() {
        yield* createdEarlier
        const parameters = { stack, mode: "DELETE_ONLY" }
        const deletes = nextEvent(yield* invoke(eventWith(parameters, { id: "1" })), "2", parameters)
        const watches = nextEvent(yield* invoke(deletes), "3", parameters)
        yield* TestClock.adjust("1 minute")
        yield* invoke(watches)
        yield* recreated("CREATE_COMPLETE")
        yield* TestClock.adjust(late)
        for (const event of [deletes, watches]) yield* invoke(event)
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
        assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
      }).pipe(Effect.provide(world()))
  )

  it.effect.each(lateness)(
    "the first event of REPLACE_ON_FAILURE deletes no stack that was created since, after %s",
    (late) =>
      Effect.gen(function*() {
        yield* setStatus("ROLLBACK_COMPLETE")
        const event = eventOf({ mode: "REPLACE_ON_FAILURE" }, { id: "1" })
        yield* runToEnd(event)
        yield* recreated("ROLLBACK_COMPLETE")
        yield* TestClock.adjust(late)
        yield* invoke(event)
        assert.deepStrictEqual(yield* operationTokens, ["delete-1", "create-1"])
      }).pipe(Effect.provide(world()))
  )

  it.effect("the first event of REPLACE_ON_FAILURE does not create the stack with defaults after a later job has deleted it", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      const parameters = { ...required, mode: "REPLACE_ON_FAILURE" }
      const event = eventWith(parameters, { id: "1" })
      yield* invoke(nextEvent(yield* invoke(event), "2", parameters))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* statusOfStack, Option.none())
      yield* invoke(event)
      assert.deepStrictEqual(yield* operationTokens, ["delete-1"])
    }).pipe(Effect.provide(world())))
})

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
