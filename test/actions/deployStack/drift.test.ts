// The option `detectDrift`: what is changed without CloudFormation is found before an update.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { AwsRejected, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import type { PropertyDifference } from "../../../src/domain/stack/StackDrift.ts"
import { CloudFormation, StackNotReady } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import {
  deny,
  eventWith,
  failResource,
  invoke,
  nextEvent,
  operationTokens,
  putTemplate,
  recordCalls,
  recordLog,
  required,
  runAction,
  runToEnd,
  setStatus,
  stackId,
  statusOfStack,
  templateOf,
  templateWith,
  world
} from "./world.ts"

const first = templateOf({ Bucket: "AWS::S3::Bucket", Topic: "AWS::SNS::Topic" })
const second = templateOf({ Bucket: "AWS::S3::Bucket", Topic: "AWS::SNS::Topic", Queue: "AWS::SQS::Queue" })

const driftResource = (id: string, drift: "deleted" | ReadonlyArray<PropertyDifference>) =>
  CloudFormationMemory.use((memory) => memory.driftResource(id, drift))

const renamed: PropertyDifference = { path: "/DisplayName", expected: "null", actual: "Alarms" }
const drifted = Effect.all([driftResource("Topic", [renamed]), driftResource("Bucket", "deleted")])

/** The stack exists, and there is something to update. */
const created = Effect.andThen(runAction("0", required), putTemplate(second))

const failing = { ...required, detectDrift: "fail" }
const warning = { ...required, detectDrift: "warn" }

/** The tokens of the operations after the creation. */
const started = Effect.map(operationTokens, (all) => all.slice(1))

const message =
  "Stack \"MyTestStack\" is not updated, because it has drifted: 2 resources changed without CloudFormation " +
  "(template → actual)\n" +
  "Bucket (AWS::S3::Bucket) was deleted\n" +
  "Topic (AWS::SNS::Topic) was changed: /DisplayName: null → Alarms\n" +
  "Undo the changes in the resources, then retry the action. Or set \"detectDrift\": \"warn\" in UserParameters to update " +
  "the stack all the same: with a template that has the changes, to keep them, or with \"deploymentMode\": " +
  "\"REVERT_DRIFT\" and a mode with change sets, to revert them"

/** Replaces calls that detect drift. */
const withCalls = (calls: Partial<CloudFormation["Service"]>) =>
  Effect.updateService(CloudFormation, (service) => ({ ...service, ...calls }))

/** Replaces the result of every detection. */
const withResult = (result: Effect.Success<ReturnType<CloudFormation["Service"]["describeDriftDetection"]>>) =>
  withCalls({ describeDriftDetection: () => Effect.succeed(result) })

const rejected = (operation: string) =>
  Effect.fail(new AwsRejected({ operation, code: "ValidationError", detail: "No such thing" }))
const unavailable = Effect.fail(
  new AwsUnavailable({ operation: "a call", code: "ExpiredToken", detail: "The token is expired" })
)

/** Runs one job, and waits until a detection that it started has ended. */
const invokeAndWait = (event: unknown) => Effect.tap(invoke(event), () => TestClock.adjust("10 seconds"))

/** Runs the first jobs of the action, and returns their messages. */
const messagesOf = (userParameters: Readonly<Record<string, unknown>>, jobs: number) =>
  Effect.gen(function*() {
    let event: unknown = eventWith(userParameters, { id: "1" })
    const messages: Array<string> = []
    for (let job = 1; job <= jobs; job++) {
      const outcome = yield* invokeAndWait(event)
      messages.push(outcome.message)
      event = nextEvent(outcome, `${job + 1}`, userParameters)
    }
    return messages
  })

describe("detectDrift", () => {
  it.effect("\"fail\" names the drifted resources with what differs, and changes nothing", () =>
    Effect.gen(function*() {
      yield* created
      yield* drifted
      const outcome = yield* runAction("1", failing)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError", message })
      assert.deepStrictEqual(yield* started, [])
      assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world(first))))

  it.effect("\"warn\" logs the drifted resources with what differs, updates the stack and counts them in the result", () =>
    Effect.gen(function*() {
      yield* created
      yield* drifted
      const { lines, result } = yield* recordLog(runAction("1", warning))
      assert.deepInclude(result, {
        _tag: "Succeeded",
        message: "Stack update complete. 2 resources had drifted before"
      })
      assert.deepStrictEqual(yield* started, ["update-1"])
      const log = lines.join("\n")
      assert.include(log, "The stack has drifted: 2 resources changed without CloudFormation")
      assert.include(log, "/DisplayName: null → Alarms")
    }).pipe(Effect.provide(world(first))))

  it.effect.each([failing, warning])(
    "$detectDrift: a stack that has not drifted is updated, by a job of its own",
    (parameters) =>
      Effect.gen(function*() {
        yield* created
        const { calls, result } = yield* recordCalls(messagesOf(parameters, 3))
        assert.deepStrictEqual(result, [
          "Drift detection started",
          "The stack has not drifted; the next job updates the stack",
          "Stack update started"
        ])
        const decision = ["describe", "events"]
        assert.deepStrictEqual(calls, [...decision, "detectDrift", "describeDriftDetection", ...decision, "update"])
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("a stack that does not exist is created without a detection", () =>
    Effect.gen(function*() {
      const { calls, result } = yield* recordCalls(runAction("1", failing))
      assert.deepInclude(result, { _tag: "Succeeded" })
      assert.notInclude(calls, "detectDrift")
    }).pipe(Effect.provide(world(first))))

  it.effect.each([{ mode: "CHANGE_SET_DEPLOY" }, { mode: "CHANGE_SET_REPLACE", changeSet: "Next" }])(
    "in mode $mode, no change set is created before the drift is known",
    (mode) =>
      Effect.gen(function*() {
        yield* created
        yield* drifted
        const { calls, result } = yield* recordCalls(runAction("1", { ...failing, ...mode }))
        assert.deepInclude(result, { _tag: "Failed", type: "ConfigurationError", message })
        assert.notInclude(calls, "createChangeSet")
      }).pipe(Effect.provide(world(first)))
  )

  it.effect.each([
    { mode: "CHANGE_SET_DEPLOY", head: "Stack update complete" },
    { mode: "CHANGE_SET_REPLACE", changeSet: "Next", head: "Change set \"Next\" created" }
  ])(
    "in mode $mode, the number of drifted resources reaches the result",
    ({ head, ...mode }) =>
      Effect.gen(function*() {
        yield* created
        yield* driftResource("Topic", [renamed])
        const outcome = yield* runAction("1", { ...warning, ...mode })
        assert.strictEqual(outcome._tag, "Succeeded")
        assert.isTrue(outcome.message.startsWith(head), outcome.message)
        assert.isTrue(outcome.message.endsWith(". 1 resource had drifted before"), outcome.message)
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("REPLACE_ON_FAILURE detects the drift of a stack that it updates, not of one that it replaces", () =>
    Effect.gen(function*() {
      yield* created
      yield* drifted
      const mode = { ...failing, mode: "REPLACE_ON_FAILURE" }
      assert.deepInclude(yield* runAction("1", mode), { _tag: "Failed", message })
      yield* setStatus("ROLLBACK_COMPLETE")
      const { calls, result } = yield* recordCalls(runAction("2", mode))
      assert.deepInclude(result, { _tag: "Succeeded" })
      assert.notInclude(calls, "detectDrift")
    }).pipe(Effect.provide(world(first))))

  it.effect("with recover, the stack is rolled back before its drift is detected", () =>
    Effect.gen(function*() {
      yield* created
      yield* failResource("Queue", "The name is taken")
      yield* runAction("1", { ...required, disableRollback: true })
      assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_FAILED"))
      yield* drifted
      const outcome = yield* runAction("2", { ...failing, recover: true })
      assert.deepInclude(outcome, { _tag: "Failed", message })
      assert.deepStrictEqual((yield* started).slice(1), ["rollback-2"])
    }).pipe(Effect.provide(world(first))))

  it.effect("a second delivery waits until the first one's detection has ended, then starts one of its own", () =>
    Effect.gen(function*() {
      yield* created
      const event = eventWith(failing, { id: "1" })
      yield* CloudFormation.use(({ detectDrift }) => Effect.flatMap(stackId, detectDrift))
      const again = yield* invoke(event)
      assert.deepInclude(again, { _tag: "Continued", message: "Waiting for the stack: DETECTION_IN_PROGRESS" })
      const outcome = yield* runToEnd(nextEvent(again, "2", failing), "10 seconds")
      assert.deepInclude(outcome, { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* started, ["update-1"])
    }).pipe(Effect.provide(world(first))))

  it.effect("a late delivery of the first job changes nothing", () =>
    Effect.gen(function*() {
      yield* created
      const event = eventWith(warning, { id: "1" })
      yield* invoke(event)
      yield* runAction("2", required)
      const tokens = yield* started
      yield* invoke(event)
      assert.deepStrictEqual(yield* started, tokens)
    }).pipe(Effect.provide(world(first))))

  it.effect("an update that another actor starts after the detection is refused as without it", () =>
    Effect.gen(function*() {
      yield* created
      const detecting = yield* invokeAndWait(eventWith(failing, { id: "1" }))
      const known = yield* invoke(nextEvent(detecting, "2", failing))
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* invoke(nextEvent(known, "3", failing))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
    }).pipe(Effect.provide(world(first))))

  it.effect("another stack of the same name is checked too", () =>
    Effect.gen(function*() {
      yield* created
      const detecting = yield* invokeAndWait(eventWith(failing, { id: "1" }))
      const known = yield* invokeAndWait(nextEvent(detecting, "2", failing))
      yield* setStatus("DELETE_COMPLETE")
      yield* runAction("other", required)
      yield* putTemplate(first)
      const outcome = yield* invoke(nextEvent(known, "3", failing))
      assert.deepInclude(outcome, { _tag: "Continued", message: "Drift detection started" })
    }).pipe(Effect.provide(world(first))))

  it.effect("a detection that does not end is bounded by the action's timeout", () =>
    Effect.gen(function*() {
      yield* created
      const parameters = { ...failing, timeoutMinutes: 5 }
      const outcome = yield* runAction("1", parameters).pipe(withResult({ status: "DETECTION_IN_PROGRESS" }))
      assert.strictEqual(outcome._tag, "Failed")
      assert.include(outcome.message, "5 minutes")
      assert.deepStrictEqual(yield* started, [])
    }).pipe(Effect.provide(world(first))))

  it.effect("an outage while the detection is watched is waited for", () =>
    Effect.gen(function*() {
      yield* created
      const detecting = yield* invokeAndWait(eventWith(failing, { id: "1" }))
      const outage = yield* invoke(nextEvent(detecting, "2", failing)).pipe(
        withCalls({ describeDriftDetection: () => unavailable })
      )
      assert.strictEqual(outage._tag, "Continued")
      const outcome = yield* invoke(nextEvent(outage, "3", failing))
      assert.include(outcome.message, "The stack has not drifted")
    }).pipe(Effect.provide(world(first))))
})

describe("detectDrift, if not all is known", () => {
  const partly = { status: "DETECTION_FAILED", reason: "No access to Topic", driftStatus: "IN_SYNC" }

  it.effect("\"fail\" does not update a stack whose resources could not all be checked", () =>
    Effect.gen(function*() {
      yield* created
      assert.deepInclude(yield* runAction("1", failing).pipe(withResult(partly)), {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "Stack \"MyTestStack\" is not updated, because its drift could not be detected: No access to Topic. " +
          "Check that the role of the Lambda function may read the stack's resources. Or set \"detectDrift\": " +
          "\"warn\" in UserParameters to update the stack all the same"
      })
      yield* drifted
      const outcome = yield* runAction("2", failing).pipe(withResult({ ...partly, driftStatus: "DRIFTED" }))
      assert.include(outcome.message, "2 resources changed")
      assert.include(outcome.message, "\nOthers were not checked: No access to Topic\n")
      assert.deepStrictEqual(yield* started, [])
    }).pipe(Effect.provide(world(first))))

  it.effect("\"warn\" logs the reason and updates the stack", () =>
    Effect.gen(function*() {
      yield* created
      const { lines, result } = yield* recordLog(runAction("1", warning).pipe(withResult(partly)))
      assert.deepInclude(result, { _tag: "Succeeded", message: "Stack update complete" })
      assert.include(lines.join("\n"), "The drift of some resources is not known: No access to Topic")
    }).pipe(Effect.provide(world(first))))

  it.effect("\"warn\" counts what the detection counted if its list cannot be read", () =>
    Effect.gen(function*() {
      yield* created
      yield* drifted
      yield* deny("cloudformation:DescribeStackResourceDrifts")
      assert.deepInclude(yield* runAction("1", warning), {
        _tag: "Succeeded",
        message: "Stack update complete. 2 resources had drifted before"
      })
    }).pipe(Effect.provide(world(first))))

  const calls = [
    { operation: "cloudformation:DetectStackDrift", call: "detectDrift" },
    { operation: "cloudformation:DescribeStackDriftDetectionStatus", call: "describeDriftDetection" },
    { operation: "cloudformation:DescribeStackResourceDrifts", call: "resourceDrifts" }
  ] as const

  it.effect.each(calls)(
    "without $operation, \"fail\" is a PermissionError, and \"warn\" updates the stack",
    ({ operation }) =>
      Effect.gen(function*() {
        yield* created
        yield* drifted
        yield* deny(operation)
        const outcome = yield* runAction("1", failing)
        assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
        assert.include(outcome.message, operation)
        assert.deepStrictEqual(yield* started, [])
        const { lines, result } = yield* recordLog(runAction("2", warning))
        assert.deepInclude(result, { _tag: "Succeeded" })
        assert.include(lines.join("\n"), "The stack is updated although its drift is not known.")
      }).pipe(Effect.provide(world(first)))
  )

  it.effect.each(calls)(
    "if $operation is rejected, \"fail\" says so, and \"warn\" updates the stack",
    ({ call, operation }) =>
      Effect.gen(function*() {
        yield* created
        yield* drifted
        const outcome = yield* runAction("1", failing).pipe(withCalls({ [call]: () => rejected(operation) }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, "its drift could not be detected: No such thing")
        assert.deepStrictEqual(yield* started, [])
        const warned = yield* runAction("2", warning).pipe(withCalls({ [call]: () => rejected(operation) }))
        assert.deepInclude(warned, { _tag: "Succeeded" })
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("\"warn\" does not wait for a detection that cannot start", () =>
    Effect.gen(function*() {
      yield* created
      yield* deny("cloudformation:DetectStackDrift")
      const outcome = yield* invoke(eventWith(warning, { id: "1" }))
      assert.strictEqual(outcome.message, "Stack update started")
    }).pipe(Effect.provide(world(first))))

  it.effect("a status in which CloudFormation detects no drift is no reason to wait", () =>
    Effect.gen(function*() {
      yield* created
      const notReady = { detectDrift: () => Effect.fail(new StackNotReady({ stack: "S", status: "UPDATE_FAILED" })) }
      const outcome = yield* runAction("1", failing).pipe(withCalls(notReady))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "while its status is UPDATE_FAILED")
      const busy = { detectDrift: () => Effect.fail(new StackNotReady({ stack: "S", status: "UPDATE_IN_PROGRESS" })) }
      const waiting = yield* invoke(eventWith(failing, { id: "2" })).pipe(withCalls(busy))
      assert.strictEqual(waiting.message, "Waiting for the stack: UPDATE_IN_PROGRESS")
    }).pipe(Effect.provide(world(first))))
})

describe("the values of drifted properties", () => {
  const template = templateWith({ Word: { Type: "String", NoEcho: true } })
  const parameters = { ...failing, parameters: { Word: "open sesame" } }

  it.effect("are hidden if they are those of hidden parameters, or of properties with names of secrets", () =>
    Effect.gen(function*() {
      yield* runAction("0", { ...required, parameters: { Word: "open sesame" } })
      yield* driftResource("Topic", [
        { path: "/MasterUserPassword", expected: "one", actual: "two" },
        { path: "/DisplayName", expected: "say open sesame", actual: "nothing" },
        { path: "/Environment", expected: "null", actual: "{\"DB_PASSWORD\":\"three\"}" }
      ])
      const outcome = yield* runAction("1", parameters)
      assert.include(
        outcome.message,
        "/MasterUserPassword: (hidden) → (hidden), /DisplayName: (hidden) → nothing, /Environment: null → (hidden)"
      )
    }).pipe(Effect.provide(world(template))))

  it.effect("are all hidden if the parameters of the stack cannot be read", () =>
    Effect.gen(function*() {
      yield* created
      yield* drifted
      const detecting = yield* invokeAndWait(eventWith(failing, { id: "1" }))
      const outcome = yield* invoke(nextEvent(detecting, "2", failing)).pipe(withCalls({ describe: () => unavailable }))
      assert.include(outcome.message, "/DisplayName: (hidden) → (hidden)")
    }).pipe(Effect.provide(world(first))))
})

it.effect("detectDrift \"fail\" and REVERT_DRIFT exclude each other", () =>
  Effect.gen(function*() {
    const parameters = { ...failing, mode: "CHANGE_SET_DEPLOY", deploymentMode: "REVERT_DRIFT" }
    const outcome = yield* invoke(eventWith(parameters, { id: "1" }))
    assert.deepInclude(outcome, {
      _tag: "Failed",
      type: "ConfigurationError",
      message:
        "\"detectDrift\": \"fail\" stops before \"deploymentMode\" reverts the drift: use \"detectDrift\": \"warn\""
    })
  }).pipe(Effect.provide(world(first))))
