// How DeployStack starts an operation, and what keeps it from doing so.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { JobId } from "../../../src/domain/job/Job.ts"
import { CloudFormation, type Stack } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import { deployEvent } from "../../fixtures.ts"
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
  tokenOf,
  world
} from "./world.ts"

describe("a stack that does not exist", () => {
  it.effect("is created and watched to its end, in the sample's words", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(nextEvent(first, "2"))
      yield* TestClock.adjust("1 minute")
      const third = yield* invoke(nextEvent(second, "3"))

      assert.strictEqual(first.message, "Stack create started")
      assert.strictEqual(second.message.split(",")[0], "Stack update still in progress: CREATE_IN_PROGRESS")
      assert.strictEqual(third.message, "Stack update complete")
      assert.strictEqual(third._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
      assert.match(third.externalExecutionId ?? "", /^arn:aws:cloudformation:.*MyTestStack/)
    }).pipe(Effect.provide(world())))

  it.effect("fails with the causes, oldest first, when a resource fails", () =>
    Effect.gen(function*() {
      yield* failResource("MySampleBucket", "The name is taken")
      const outcome = yield* runToEnd(deployEvent())
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "JobFailed",
        message: "Update failed: ROLLBACK_COMPLETE\nMySampleBucket (AWS::S3::Bucket): The name is taken\n" +
          "Delete stack \"MyTestStack\", or let the action do it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"
      })
    }).pipe(Effect.provide(world())))

  it.effect("of which CloudFormation refuses the template is a ConfigurationError with CloudFormation's words", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Error creating CloudFormation stack \"MyTestStack\": " +
          "Template format error: At least one Resources member must be defined."
      })
    }).pipe(Effect.provide(world("{}"))))
})

describe("a stack that exists", () => {
  it.effect("is updated", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(first.message, "Stack update started")
      yield* TestClock.adjust("1 minute")
      const last = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(last._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("and has the template already needs no update", () =>
    Effect.gen(function*() {
      yield* runToEnd(deployEvent({ id: "1" }))
      const outcome = yield* invoke(deployEvent({ id: "2" }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "There were no stack updates" })
    }).pipe(Effect.provide(world())))

  it.effect("and whose update fails is rolled back, and can be updated again", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* failResource("MySampleBucket", "No")
      const failed = yield* runToEnd(deployEvent({ id: "1" }))
      assert.include(failed.message, "Update failed: UPDATE_ROLLBACK_COMPLETE")
      const again = yield* invoke(deployEvent({ id: "2" }))
      assert.strictEqual(again.message, "Stack update started")
    }).pipe(Effect.provide(world())))

  it.effect("and is busy with somebody else's operation is left alone", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* invoke(deployEvent())
      assert.strictEqual(outcome._tag, "Failed")
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world())))

  it.effect("and cleans up after somebody else's update is waited for, then updated", () =>
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
    "in %s is refused, with what to do",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        const outcome = yield* invoke(deployEvent())
        assert.match(outcome.message, new RegExp(`^Stack cannot be updated when status is: ${status}\\. .*MyTestStack`))
        assert.isEmpty(yield* operationTokens)
      }).pipe(Effect.provide(world()))
  )
})

/** The first `times` looks show what the stack was before. */
const looking = (times: number, before: Option.Option<Stack>) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormation
    let looks = 0
    return yield* Effect.provideService(invoke(deployEvent({ id: "1" })), CloudFormation, {
      ...cloudFormation,
      describe: (stack) => looks++ < times ? Effect.succeed(before) : cloudFormation.describe(stack)
    })
  })

describe("a stack that changes between the look and the call", () => {
  const ready = Effect.gen(function*() {
    yield* createdEarlier
    return yield* describeStack
  })

  it.effect("because somebody has created it is updated", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      assert.strictEqual((yield* looking(1, Option.none())).message, "Stack update started")
    }).pipe(Effect.provide(world())))

  it.effect("because somebody updates it is left alone", () =>
    Effect.gen(function*() {
      const before = yield* ready
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* looking(1, before)
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("because another was made under its name is looked at again, and that one is updated", () =>
    Effect.gen(function*() {
      const before = yield* ready
      yield* setStatus("DELETE_COMPLETE")
      yield* TestClock.adjust("1 second")
      yield* setStatus("CREATE_COMPLETE")
      const { id } = Option.getOrThrow(yield* describeStack)
      assert.notStrictEqual(id, Option.getOrThrow(before).id)
      const updated: Array<string> = []
      const outcome = yield* CloudFormation.use((cloudFormation) =>
        Effect.provideService(looking(1, before), CloudFormation, {
          ...cloudFormation,
          update: (request) =>
            Effect.andThen(Effect.sync(() => updated.push(request.stack)), cloudFormation.update(request))
        })
      )
      assert.deepStrictEqual(updated, [Option.getOrThrow(before).id, id])
      assert.deepInclude(outcome, { _tag: "Continued", message: "Stack update started", externalExecutionId: id })
    }).pipe(Effect.provide(world())))

  it.effect("is left to the next job after three looks that were wrong", () =>
    Effect.gen(function*() {
      yield* ready
      const outcome = yield* looking(3, Option.none())
      assert.strictEqual(outcome.message, "Waiting for the stack: CREATE_IN_PROGRESS")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
      assert.strictEqual((yield* invoke(nextEvent(outcome, "2"))).message, "Stack update started")
    }).pipe(Effect.provide(world())))
})

describe("whenBusy", () => {
  it.effect("wait: what somebody else does is waited for, then the stack is updated, once", () =>
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

  it.effect("wait: no longer than timeoutMinutes", () =>
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
  ])("%s: %s", ([userParameters, message]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ userParameters }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, message)
    }).pipe(Effect.provide(world())))
})

describe("AWS", () => {
  it.effect("that does not answer is asked again by the next job, which begins nothing twice", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(6))
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.include(first.message, "Trying again: cloudformation:DescribeStacks did not get an answer from AWS")
      const second = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(second.message, "Stack create started")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("that does not answer for an hour is SystemUnavailable", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(10_000))
      const outcome = yield* runToEnd(deployEvent())
      assert.deepInclude(outcome, { _tag: "Failed", type: "SystemUnavailable" })
      const minutes = (yield* Clock.currentTimeMillis) / 60_000
      assert.isTrue(minutes > 60 && minutes < 63)
    }).pipe(Effect.provide(world())))

  it.effect("that denies a call is PermissionError, naming the call and the role", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:CreateStack")
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "The role of the Lambda function needs cloudformation:CreateStack")
    }).pipe(Effect.provide(world())))
})

describe("what AWS's sample gets wrong", () => {
  it.effect.each([
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS"
  ])("%s is not a failure while it runs", (status) =>
    Effect.gen(function*() {
      yield* setStatus(status)
      const outcome = yield* invoke(deployEvent({ continuationToken: foreignToken }))
      assert.strictEqual(outcome._tag, "Continued")
    }).pipe(Effect.provide(world())))

  it.effect.each(["UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])(
    "%s does not block the next update",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        assert.strictEqual((yield* invoke(deployEvent())).message, "Stack update started")
      }).pipe(Effect.provide(world()))
  )

  it.effect("ROLLBACK_COMPLETE cannot be updated", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      assert.include((yield* invoke(deployEvent())).message, "Delete stack \"MyTestStack\"")
    }).pipe(Effect.provide(world())))

  it.effect.each([{ continuationToken: null }, { continuationToken: "" }])(
    "%j begins, and does not continue",
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

  it.effect("a throttled report is sent again as it was", () =>
    Effect.gen(function*() {
      yield* CodePipelineMemory.use(({ throttle }) => throttle(2))
      yield* invoke(deployEvent({ id: "1" }))
      const reported = yield* CodePipelineMemory.useSync(({ outcomes }) => outcomes.get(JobId.make("1")))
      assert.strictEqual(reported?._tag, "Continued")
    }).pipe(Effect.provide(world())))
})
