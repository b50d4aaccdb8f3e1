// How DeployStack starts an operation, and what keeps it from doing so.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { JobId } from "../../../src/domain/job/Job.ts"
import type { Stack } from "../../../src/domain/stack/Stack.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import { deployEvent, tokenOf } from "../../fixtures.ts"
import {
  createdEarlier,
  deny,
  describeStack,
  eventOf,
  failResource,
  foreignToken,
  invoke,
  nextEvent,
  operationTokens,
  runToEnd,
  setStatus,
  world
} from "./world.ts"

describe("creating a stack", () => {
  it.effect("a stack that does not exist is created and watched to its end, in the words of AWS's sample", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(nextEvent(first, "2"))
      yield* TestClock.adjust("1 minute")
      const third = yield* invoke(nextEvent(second, "3"))

      assert.strictEqual(first.message, "Stack create started")
      assert.strictEqual(second.message.split(",")[0], "Stack update still in progress: CREATE_IN_PROGRESS")
      assert.strictEqual(third.message, "Stack update complete: the stack was created")
      assert.strictEqual(third._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
      assert.match(third.externalExecutionId ?? "", /^arn:aws:cloudformation:.*MyTestStack/)
    }).pipe(Effect.provide(world())))

  it.effect("a failed create reports the causes, oldest first", () =>
    Effect.gen(function*() {
      yield* failResource("MySampleBucket", "The name is taken")
      const outcome = yield* runToEnd(deployEvent())
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "JobFailed",
        message: "Update failed: ROLLBACK_COMPLETE\nMySampleBucket (AWS::S3::Bucket): The name is taken\n" +
          "Delete stack \"MyTestStack\", or let the action delete and recreate it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"
      })
    }).pipe(Effect.provide(world())))

  it.effect("a template that CloudFormation rejects is a ConfigurationError that quotes CloudFormation", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Error creating CloudFormation stack \"MyTestStack\": " +
          "Template format error: At least one Resources member must be defined."
      })
    }).pipe(Effect.provide(world("{}"))))
})

describe("updating a stack", () => {
  it.effect("an existing stack is updated", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(first.message, "Stack update started")
      yield* TestClock.adjust("1 minute")
      const last = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(last._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("a stack that already has the template needs no update", () =>
    Effect.gen(function*() {
      yield* runToEnd(deployEvent({ id: "1" }))
      const outcome = yield* invoke(deployEvent({ id: "2" }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "There were no stack updates" })
    }).pipe(Effect.provide(world())))

  it.effect("a stack whose update was rolled back can be updated again", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* failResource("MySampleBucket", "No")
      const failed = yield* runToEnd(deployEvent({ id: "1" }))
      assert.include(failed.message, "Update failed: UPDATE_ROLLBACK_COMPLETE")
      const again = yield* invoke(deployEvent({ id: "2" }))
      assert.strictEqual(again.message, "Stack update started")
    }).pipe(Effect.provide(world())))

  it.effect("a stack that is busy with a foreign operation is not updated", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* invoke(deployEvent())
      assert.strictEqual(outcome._tag, "Failed")
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world())))

  it.effect("the cleanup of a foreign update is waited for, then the stack is updated", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(first.message, "Waiting for the stack: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
      yield* setStatus("UPDATE_COMPLETE")
      const second = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(second.message, "Stack update started")
      assert.deepStrictEqual(yield* operationTokens, ["update-1"])
    }).pipe(Effect.provide(world())))

  it.effect.each(["ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "UPDATE_FAILED"])(
    "a stack in status %s is not updated, and the failure says what to do",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        const outcome = yield* invoke(deployEvent())
        assert.match(outcome.message, new RegExp(`^Stack cannot be updated when status is: ${status}\\. .*MyTestStack`))
        assert.isEmpty(yield* operationTokens)
      }).pipe(Effect.provide(world()))
  )
})

/** Runs a job whose first `times` descriptions of the stack are stale. */
const invokeWithStaleReads = (times: number, before: Option.Option<Stack>) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormation
    let descriptions = 0
    return yield* Effect.provideService(invoke(deployEvent({ id: "1" })), CloudFormation, {
      ...cloudFormation,
      describe: (stack) => descriptions++ < times ? Effect.succeed(before) : cloudFormation.describe(stack)
    })
  })

describe("a stack that changes between DescribeStacks and the operation", () => {
  const ready = Effect.gen(function*() {
    yield* createdEarlier
    return yield* describeStack
  })

  it.effect("a stack that another actor created in between is updated", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      assert.strictEqual((yield* invokeWithStaleReads(1, Option.none())).message, "Stack update started")
    }).pipe(Effect.provide(world())))

  it.effect("a stack that another actor started to update in between is not updated", () =>
    Effect.gen(function*() {
      const before = yield* ready
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* invokeWithStaleReads(1, before)
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("a stack that was recreated in between is described again, and the new one is updated", () =>
    Effect.gen(function*() {
      const before = yield* ready
      yield* setStatus("DELETE_COMPLETE")
      yield* TestClock.adjust("1 second")
      yield* setStatus("CREATE_COMPLETE")
      const { id } = Option.getOrThrow(yield* describeStack)
      assert.notStrictEqual(id, Option.getOrThrow(before).id)
      const updated: Array<string> = []
      const outcome = yield* CloudFormation.use((cloudFormation) =>
        Effect.provideService(invokeWithStaleReads(1, before), CloudFormation, {
          ...cloudFormation,
          update: (request) =>
            Effect.andThen(Effect.sync(() => updated.push(request.stack)), cloudFormation.update(request))
        })
      )
      assert.deepStrictEqual(updated, [Option.getOrThrow(before).id, id])
      assert.deepInclude(outcome, { _tag: "Continued", message: "Stack update started", externalExecutionId: id })
    }).pipe(Effect.provide(world())))

  it.effect("after three stale descriptions the start is left to the next job", () =>
    Effect.gen(function*() {
      yield* ready
      const outcome = yield* invokeWithStaleReads(3, Option.none())
      assert.strictEqual(outcome.message, "Waiting for the stack: CREATE_IN_PROGRESS")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
      assert.strictEqual((yield* invoke(nextEvent(outcome, "2"))).message, "Stack update started")
    }).pipe(Effect.provide(world())))
})

describe("whenBusy", () => {
  it.effect("with wait, a foreign operation is waited for, then the stack is updated once", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const first = yield* invoke(eventOf({ whenBusy: "wait" }, { id: "1" }))
      assert.strictEqual(first.message, "Waiting for the stack: UPDATE_IN_PROGRESS")
      yield* setStatus("UPDATE_COMPLETE")
      const second = eventOf({ whenBusy: "wait" }, { id: "2", continuationToken: tokenOf(first) })
      assert.strictEqual((yield* invoke(second)).message, "Stack update started")
      assert.strictEqual((yield* invoke(second)).message, "Stack update still in progress")
      assert.deepStrictEqual(yield* operationTokens, ["update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("with wait, a foreign operation is waited for no longer than timeoutMinutes", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* runToEnd(eventOf({ whenBusy: "wait", timeoutMinutes: 30 }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "not complete within 30 minutes")
      assert.include(outcome.message, "Waiting for the stack: UPDATE_IN_PROGRESS")
      assert.isEmpty(yield* operationTokens)
      const minutes = (yield* Clock.currentTimeMillis) / 60_000
      assert.isTrue(minutes >= 30 && minutes < 32)
    }).pipe(Effect.provide(world())))
})

describe("UserParameters", () => {
  it.effect.each<readonly [userParameters: string, message: string]>([
    ["{}", "Your UserParameters JSON must include the stack name"],
    ["{}", "Your UserParameters JSON must include the artifact name"],
    ["{}", "Your UserParameters JSON must include the template file name"],
    ["https://example.com", "UserParameters could not be decoded as JSON"],
    ["[]", "UserParameters: expected object, got an array"],
    ["{\"stack\":\"1st\",\"file\":\"f\",\"artifact\":\"a\"}", "\"stack\": expected a stack's ARN or name"],
    ["{\"stack\":\"s\",\"file\":\"f\",\"artefact\":\"a\"}", "\"artefact\" is not known (did you mean \"artifact\"?)"]
  ])("UserParameters %s are rejected: %s", ([userParameters, message]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ userParameters }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, message)
    }).pipe(Effect.provide(world())))
})

describe("calls that AWS refuses or does not answer", () => {
  it.effect("an outage is retried by the next job, which starts no second operation", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(6))
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.include(first.message, "Trying again: cloudformation:DescribeStacks did not get an answer from AWS")
      const second = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(second.message, "Stack create started")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("an outage of one hour fails the job as SystemUnavailable", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(10_000))
      const outcome = yield* runToEnd(deployEvent())
      assert.deepInclude(outcome, { _tag: "Failed", type: "SystemUnavailable" })
      const minutes = (yield* Clock.currentTimeMillis) / 60_000
      assert.isTrue(minutes > 60 && minutes < 63)
    }).pipe(Effect.provide(world())))

  it.effect("a denied call is a PermissionError that names the call and the role", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:CreateStack")
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "The role of the Lambda function needs cloudformation:CreateStack")
    }).pipe(Effect.provide(world())))
})

describe("faults of AWS's sample that DeployStack does not have", () => {
  it.effect.each([
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS"
  ])("a running operation in status %s is not a failure", (status) =>
    Effect.gen(function*() {
      yield* setStatus(status)
      const outcome = yield* invoke(deployEvent({ continuationToken: foreignToken }))
      assert.strictEqual(outcome._tag, "Continued")
    }).pipe(Effect.provide(world())))

  it.effect.each(["UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])(
    "a stack in status %s can be updated",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        assert.strictEqual((yield* invoke(deployEvent())).message, "Stack update started")
      }).pipe(Effect.provide(world()))
  )

  it.effect("a stack in status ROLLBACK_COMPLETE cannot be updated, and the failure says to delete it", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      assert.include((yield* invoke(deployEvent())).message, "Delete stack \"MyTestStack\"")
    }).pipe(Effect.provide(world())))

  it.effect.each([{ continuationToken: null }, { continuationToken: "" }])(
    "an event with %j starts the action instead of resuming it",
    (data) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* invoke(deployEvent(data))).message, "Stack create started")
      }).pipe(Effect.provide(world()))
  )

  it.effect("one throttled call does not fail the job", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(2))
      assert.strictEqual((yield* invoke(deployEvent())).message, "Stack create started")
    }).pipe(Effect.provide(world())))

  it.effect("a throttled report is retried unchanged", () =>
    Effect.gen(function*() {
      yield* CodePipelineMemory.use(({ throttle }) => throttle(2))
      yield* invoke(deployEvent({ id: "1" }))
      const reported = yield* CodePipelineMemory.useSync(({ outcomes }) => outcomes.get(JobId.make("1")))
      assert.strictEqual(reported?._tag, "Continued")
    }).pipe(Effect.provide(world())))
})
