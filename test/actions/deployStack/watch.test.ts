// How DeployStack watches an operation until its end.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option, Struct } from "effect"
import { TestClock } from "effect/testing"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import type { Stack } from "../../../src/domain/stack/Stack.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
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
  putTemplate,
  runToEnd,
  setStatus,
  stackId,
  world
} from "./world.ts"

/** Runs one job whose reads return this stack and these events. */
const invokeWithReads = (
  event: unknown,
  events: Effect.Success<ReturnType<CloudFormation["Service"]["events"]>>,
  stack: Option.Option<Stack>
) =>
  CloudFormation.use((cloudFormation) =>
    Effect.provideService(invoke(event), CloudFormation, {
      ...cloudFormation,
      describe: () => Effect.succeed(stack),
      events: () => Effect.succeed(events)
    })
  )

const withOutput = (value: string) =>
  JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } }, Outputs: { Version: { Value: value } } })

/** The stack has version 1, the template has version 2. */
const versionOne = Effect.andThen(runToEnd(eventOf({}, { id: "earlier" })), putTemplate(withOutput("2")))

const describing = (stack: Option.Option<Stack>) =>
  Effect.updateService(CloudFormation, (service) => ({ ...service, describe: () => Effect.succeed(stack) }))

describe("the verdict on an operation", () => {
  it.effect("the status of a foreign, later update is not the verdict", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* failResource("MySampleBucket", "The name is taken")
      const first = yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 hour")
      yield* setStatus("UPDATE_COMPLETE")
      const outcome = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(outcome._tag, "Failed")
    }).pipe(Effect.provide(world())))

  it.effect("the action waits while the stack still shows the status from before the operation", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const before = yield* describeStack
      const first = yield* invoke(deployEvent({ id: "1" }))
      const stale = CloudFormation.use((cloudFormation) =>
        invoke(nextEvent(first, "2")).pipe(
          Effect.provideService(CloudFormation, {
            ...cloudFormation,
            describe: () => Effect.succeed(before),
            events: (stack) =>
              Effect.map(
                cloudFormation.events(stack),
                (events) => events.filter(({ clientRequestToken }) => clientRequestToken !== "update-1")
              )
          })
        )
      )
      assert.strictEqual(Option.getOrThrow(before).status, "CREATE_COMPLETE")
      assert.strictEqual((yield* stale)._tag, "Continued")
    }).pipe(Effect.provide(world())))

  describe("with outputs", () => {
    it.effect("the outputs of a success are not those of a description from before the update", () =>
      Effect.gen(function*() {
        yield* versionOne
        const before = yield* describeStack
        const first = yield* invoke(deployEvent({ id: "1" }))
        yield* TestClock.adjust("1 minute")
        const second = yield* describing(before)(invoke(nextEvent(first, "2")))
        assert.strictEqual(second.message, "Stack update still in progress: CREATE_COMPLETE")
        const outcome = yield* invoke(nextEvent(second, "3"))
        assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
        assert.deepInclude(outcome, { outputVariables: { StackId: yield* stackId, Version: "2" } })
      }).pipe(Effect.provide(world(withOutput("1")))))

    it.effect("an update whose end the events show succeeds after 15 minutes if no description shows it", () =>
      Effect.gen(function*() {
        yield* versionOne
        const before = yield* describeStack
        const outcome = yield* describing(before)(runToEnd(deployEvent({ id: "1" })))
        assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
        assert.isAtLeast(yield* Clock.currentTimeMillis, 15 * 60_000)
      }).pipe(Effect.provide(world(withOutput("1")))))

    it.effect("the outputs of a stack without updates are not older than CloudFormation's answer", () =>
      Effect.gen(function*() {
        yield* runToEnd(eventOf({}, { id: "earlier" }))
        const before = yield* describeStack
        const foreign = CloudFormation.use((service) =>
          service.update({ stack: "MyTestStack", templateBody: withOutput("2"), clientRequestToken: "foreign" })
        )
        yield* putTemplate(withOutput("2"))
        let described = 0
        const outcome = yield* Effect.andThen(foreign, TestClock.adjust("1 minute")).pipe(
          Effect.andThen(invoke(deployEvent({ id: "1" }))),
          Effect.updateService(CloudFormation, (service) => ({
            ...service,
            describe: (stack) => described++ === 0 ? Effect.succeed(before) : service.describe(stack)
          }))
        )
        assert.deepInclude(outcome, { _tag: "Succeeded", message: "There were no stack updates" })
        assert.deepInclude(outcome, { outputVariables: { StackId: yield* stackId, Version: "2" } })
      }).pipe(Effect.provide(world(withOutput("1")))))
  })

  it.effect.each([true, false])(
    "an update of another actor just before the call is not taken for ours while reads lag: the role may read events: %s",
    (mayReadEvents) =>
      Effect.gen(function*() {
        yield* createdEarlier
        if (!mayReadEvents) yield* deny("cloudformation:DescribeStackEvents")
        const id = yield* stackId
        const { describe, events } = yield* CloudFormation
        const { setStatus } = yield* CloudFormationMemory
        // The callers before ours sent no tokens.
        const lagging = Effect.all([
          Effect.map(Effect.orElseSucceed(events(id), () => []), (all) =>
            all.map((event) => Struct.omit(event, ["clientRequestToken"]))),
          describe(id)
        ])
        let reads: Effect.Success<typeof lagging> | undefined
        const first = yield* invoke(deployEvent({ id: "1" })).pipe(
          Effect.updateService(CloudFormation, (service) => ({
            ...service,
            describe: (stack) =>
              Effect.tap(service.describe(stack), () =>
                Effect.gen(function*() {
                  yield* setStatus("MyTestStack", "UPDATE_IN_PROGRESS")
                  yield* TestClock.adjust("5 seconds")
                  yield* setStatus("MyTestStack", "UPDATE_COMPLETE")
                  reads = yield* lagging
                  yield* TestClock.adjust("5 seconds")
                }))
          }))
        )
        const second = yield* invokeWithReads(nextEvent(first, "2"), ...reads ?? assert.fail("no update"))
        assert.strictEqual(second.message, "Stack update still in progress: UPDATE_COMPLETE")
      }).pipe(Effect.provide(world()))
  )

  it.effect("without permission to read events, the verdict comes from status and times, and the failure reports only the status", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:DescribeStackEvents")
      yield* failResource("MySampleBucket", "The name is taken")
      const outcome = yield* runToEnd(deployEvent())
      assert.strictEqual(
        outcome.message,
        "Update failed: ROLLBACK_COMPLETE\n" +
          "cloudformation:DescribeStackEvents would show the causes; the role of the Lambda function does not have it\n" +
          "Delete stack \"MyTestStack\", or let the action delete and recreate it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"
      )
    }).pipe(Effect.provide(world())))

  it.effect("a stack that another actor created under the same name is not taken for ours", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 second")
      yield* setStatus("DELETE_COMPLETE")
      yield* TestClock.adjust("1 second")
      yield* setStatus("CREATE_COMPLETE")
      const outcome = yield* invoke(nextEvent(first, "2"))
      assert.deepInclude(outcome, { _tag: "Failed" })
      assert.include(outcome.message, "Update failed: DELETE_COMPLETE")
    }).pipe(Effect.provide(world())))

  it.effect("an operation that the stack does not show for 15 minutes is a failure", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const { events, ...cloudFormation } = yield* CloudFormation
      const before = yield* cloudFormation.describe("MyTestStack")
      const outcome = yield* runToEnd(deployEvent({ id: "1" })).pipe(
        Effect.provideService(CloudFormation, {
          ...cloudFormation,
          describe: () => Effect.succeed(before),
          events: (stack) =>
            Effect.map(events(stack), (all) => all.filter((event) => event.clientRequestToken !== "update-1"))
        })
      )
      assert.include(outcome.message, "the stack does not show it after 15 minutes in status CREATE_COMPLETE")
    }).pipe(Effect.provide(world())))

  it.effect("an idle stack whose events are unavailable after 15 minutes is described again", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const before = yield* describeStack
      const started = yield* invoke(deployEvent({ id: "1" }))
      const hidden = yield* Effect.updateService(invoke(nextEvent(started, "2")), CloudFormation, (service) => ({
        ...service,
        describe: () => Effect.succeed(before),
        events: () => Effect.succeed([])
      }))
      yield* TestClock.adjust("16 minutes")
      const unavailable = yield* Effect.updateService(invoke(nextEvent(hidden, "3")), CloudFormation, (service) => ({
        ...service,
        events: () => Effect.fail(new AwsUnavailable({ operation: "cloudformation:Call", code: "E", detail: "" }))
      }))
      assert.deepInclude(unavailable, { _tag: "Continued" })
      assert.deepInclude(yield* invoke(nextEvent(unavailable, "4")), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world())))

  describe("when no event has a token", () => {
    const ended = Effect.gen(function*() {
      yield* createdEarlier
      const before = yield* describeStack
      yield* TestClock.adjust("1 hour")
      const timestamp = (yield* Clock.currentTimeMillis) - 60_000
      const stack = Option.map(before, (stack) => ({ ...stack, status: "UPDATE_COMPLETE", changedAt: timestamp }))
      const { id } = Option.getOrThrow(before)
      const event = {
        stackId: id,
        physicalResourceId: id,
        logicalResourceId: "MyTestStack",
        resourceType: "AWS::CloudFormation::Stack",
        timestamp,
        status: "UPDATE_COMPLETE"
      }
      yield* failResource("MySampleBucket", "No")
      return { event, stack }
    })

    it.effect("an operation that ended earlier is not the verdict, not even for a delivery that adopts ours", () =>
      Effect.gen(function*() {
        const { event, stack } = yield* ended
        const first = yield* invoke(deployEvent({ id: "1" }))
        const second = yield* invokeWithReads(deployEvent({ id: "1" }), [event], stack)
        assert.strictEqual(second.message, "Stack update still in progress")
        for (const delivery of [first, second]) {
          assert.strictEqual((yield* invokeWithReads(nextEvent(delivery, "2"), [event], stack))._tag, "Continued")
        }
        yield* TestClock.adjust("1 minute")
        assert.include((yield* invoke(nextEvent(second, "3"))).message, "Update failed: UPDATE_ROLLBACK_COMPLETE")
      }).pipe(Effect.provide(world())))

    it.effect("the operation since our own call is taken for ours, as emulators send no tokens", () =>
      Effect.gen(function*() {
        const { event, stack } = yield* ended
        const first = yield* invoke(deployEvent({ id: "1" }))
        const ours = { ...event, timestamp: event.timestamp + 120_000 }
        const start = { ...ours, status: "UPDATE_IN_PROGRESS" }
        assert.strictEqual(
          (yield* invokeWithReads(nextEvent(first, "2"), [ours, start, event], stack))._tag,
          "Succeeded"
        )
      }).pipe(Effect.provide(world())))
  })

  it.effect("a stack that was never seen does not exist", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ continuationToken: foreignToken }))
      assert.strictEqual(outcome.message, "Update failed: stack \"MyTestStack\" does not exist")
    }).pipe(Effect.provide(world())))
})

describe("a foreign continuation token", () => {
  it.effect("a foreign continuation token resumes by the stack's name and status", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const first = yield* invoke(deployEvent({ id: "1", continuationToken: foreignToken }))
      assert.strictEqual(first.message, "Stack update still in progress: UPDATE_IN_PROGRESS")
      yield* setStatus("UPDATE_COMPLETE")
      const second = yield* invoke(nextEvent(first, "2"))
      assert.deepInclude(second, { _tag: "Succeeded", message: "Stack update complete" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world())))
})

describe("the stack of a continuation token", () => {
  it.effect("a token with the state of another stack is foreign: the stack of UserParameters is watched", () =>
    Effect.gen(function*() {
      const other = yield* invoke(eventOf({ stack: "OtherStack" }, { id: "1" }))
      yield* setStatus("UPDATE_COMPLETE")
      const outcome = yield* invoke(eventOf({}, { id: "2", continuationToken: tokenOf(other) }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.include("externalExecutionId" in outcome ? outcome.externalExecutionId : "", "stack/MyTestStack/")
    }).pipe(Effect.provide(world())))

  it.effect("a token of a stack that UserParameters name by ARN is own", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const { id } = Option.getOrThrow(yield* describeStack)
      const first = yield* invoke(eventOf({ stack: id }, { id: "1" }))
      yield* CloudFormationMemory.use(({ operationTokens }) =>
        Effect.sync(() => assert.include(operationTokens, "update-1"))
      )
      yield* TestClock.adjust("1 hour")
      yield* setStatus("UPDATE_ROLLBACK_COMPLETE")
      const outcome = yield* invoke(eventOf({ stack: id }, { id: "2", continuationToken: tokenOf(first) }))
      assert.strictEqual(outcome._tag, "Succeeded")
    }).pipe(Effect.provide(world())))
})

describe("waitForCleanup", () => {
  it.effect("false lets an update succeed when only replaced resources remain to be deleted", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const first = yield* invoke(eventOf({ waitForCleanup: false }, { id: "1" }))
      yield* TestClock.adjust("10 seconds")
      const outcome = yield* invoke(eventOf({ waitForCleanup: false }, { id: "2", continuationToken: tokenOf(first) }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      const { status } = Option.getOrThrow(yield* describeStack)
      assert.strictEqual(status, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("true makes an update wait until replaced resources are deleted", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const first = yield* invoke(eventOf({ waitForCleanup: true }, { id: "1" }))
      yield* TestClock.adjust("10 seconds")
      const second = yield* invoke(eventOf({ waitForCleanup: true }, { id: "2", continuationToken: tokenOf(first) }))
      assert.strictEqual(
        second.message,
        "Stack update still in progress: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
      )
    }).pipe(Effect.provide(world())))
})

describe("timeoutMinutes", () => {
  it.effect("timeoutMinutes ends a deployment that takes longer, and the failure names the stack", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* runToEnd(eventOf({ timeoutMinutes: 10 }, { continuationToken: foreignToken }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "Stack update still in progress: UPDATE_IN_PROGRESS")
      assert.match("externalExecutionId" in outcome ? outcome.externalExecutionId ?? "" : "", /^arn:.*MyTestStack/)
    }).pipe(Effect.provide(world())))

  it.effect.each([0, 1_411, "10"])("timeoutMinutes %j is rejected", (timeoutMinutes) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf({ timeoutMinutes }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "timeoutMinutes")
    }).pipe(Effect.provide(world())))
})
