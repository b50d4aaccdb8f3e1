// The option `onStackFailure`: what becomes of a new stack that cannot be created.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import {
  eventOf,
  failResource,
  invoke,
  nextEvent,
  operationTokens,
  putTemplate,
  required,
  runAction,
  statusOfStack,
  templateOf,
  world
} from "./world.ts"

const template = templateOf({ Bucket: "AWS::S3::Bucket", Topic: "AWS::SNS::Topic" })
const failing = failResource("Topic", "The name is taken")

const statusOf = (stackId: string | undefined) =>
  Effect.map(
    CloudFormation.use(({ describe }) => describe(stackId ?? "")),
    Option.map(({ status }) => status)
  )

describe("onStackFailure", () => {
  it.effect.each(["CREATE_UPDATE", "CHANGE_SET_DEPLOY"])(
    "%s with DELETE fails with the causes after CloudFormation has deleted the stack",
    (mode) =>
      Effect.gen(function*() {
        yield* failing
        const outcome = yield* runAction("1", { ...required, mode, onStackFailure: "DELETE" })
        assert.deepInclude(outcome, {
          _tag: "Failed",
          type: "JobFailed",
          message: [
            "Update failed: DELETE_COMPLETE",
            "Topic (AWS::SNS::Topic): The name is taken",
            "Stack \"MyTestStack\" is deleted; the next deployment creates it"
          ].join("\n")
        })
        assert.deepStrictEqual(yield* statusOf(outcome.externalExecutionId), Option.some("DELETE_COMPLETE"))
        assert.isTrue(Option.isNone(yield* statusOfStack))
        assert.lengthOf(yield* operationTokens, 1)
      }).pipe(Effect.provide(world(template)))
  )

  it.effect("while CloudFormation deletes the stack, the summary counts no progress", () =>
    Effect.gen(function*() {
      yield* failing
      const options = { ...required, onStackFailure: "DELETE" }
      const started = yield* invoke(eventOf(options, { id: "1" }))
      yield* TestClock.adjust("25 seconds")
      const waiting = yield* invoke(nextEvent(started, "2", options))
      assert.deepInclude(waiting, {
        _tag: "Continued",
        message: "Stack update still in progress: DELETE_IN_PROGRESS"
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("DO_NOTHING leaves the stack, which can only be deleted then", () =>
    Effect.gen(function*() {
      yield* failing
      const outcome = yield* runAction("1", { ...required, onStackFailure: "DO_NOTHING" })
      assert.include(outcome.message, "Update failed: CREATE_FAILED\nTopic")
      const again = yield* runAction("2", { ...required, disableRollback: true })
      assert.include(again.message, "Stack cannot be updated when status is: CREATE_FAILED")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world(template))))

  it.effect("ROLLBACK rolls the stack back, as without the option", () =>
    Effect.gen(function*() {
      yield* failing
      const outcome = yield* runAction("1", { ...required, onStackFailure: "ROLLBACK" })
      assert.include(outcome.message, "Update failed: ROLLBACK_COMPLETE\nTopic")
    }).pipe(Effect.provide(world(template))))

  it.effect.each(["CREATE_UPDATE", "CHANGE_SET_DEPLOY"])(
    "%s of an existing stack ignores it",
    (mode) =>
      Effect.gen(function*() {
        yield* runAction("1", required)
        yield* putTemplate(
          templateOf({ Bucket: "AWS::S3::Bucket", Topic: "AWS::SNS::Topic", Queue: "AWS::SQS::Queue" })
        )
        yield* failResource("Queue", "The name is taken")
        const outcome = yield* runAction("2", { ...required, mode, onStackFailure: "DELETE" })
        assert.include(outcome.message, "Update failed: UPDATE_ROLLBACK_COMPLETE\nQueue")
      }).pipe(Effect.provide(world(template)))
  )

  it.effect.each([true, false])("excludes disableRollback: %s", (disableRollback) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf({ onStackFailure: "DELETE", disableRollback }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "\"onStackFailure\" and \"disableRollback\" exclude each other: remove one of them"
      })
    }).pipe(Effect.provide(world(template))))
})
