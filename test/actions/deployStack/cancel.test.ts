// The option `onTimeout`: what becomes of an update when the action reaches its time limit.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CloudFormation, StackNotReady } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { sampleTemplate } from "../../fixtures.ts"
import {
  createdEarlier,
  deny,
  eventOf,
  file,
  invoke,
  nextEvent,
  putTemplate,
  recordCalls,
  required,
  setStatus,
  stack,
  statusOfStack,
  worldOf
} from "./world.ts"

/** Each resource takes an hour. */
const slow = worldOf({ MyTemplate: { [file]: sampleTemplate } }, { resourceDuration: "1 hour" })

const options = { timeoutMinutes: 30, onTimeout: "cancel" }

/** Runs the action with these options to its time limit, and returns the last outcome. */
const runToTimeout = (more: object = {}) =>
  Effect.gen(function*() {
    let outcome = yield* invoke(eventOf({ ...options, ...more }, { id: "1" }))
    for (let id = 2; outcome._tag === "Continued"; id++) {
      yield* TestClock.adjust("10 minutes")
      outcome = yield* invoke(nextEvent(outcome, String(id), { ...required, ...options, ...more }))
    }
    return outcome
  })

const waitedFor = (status: string) => `It was waiting for this: Stack update still in progress: ${status}`

describe("onTimeout", () => {
  it.effect.each(["CREATE_UPDATE", "CHANGE_SET_DEPLOY"])(
    "%s with cancel cancels the own update",
    (mode) =>
      Effect.gen(function*() {
        yield* createdEarlier
        const outcome = yield* runToTimeout({ mode, ...(mode === "CHANGE_SET_DEPLOY" && { timeoutMinutes: 90 }) })
        assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
        assert.match(
          outcome.message,
          /^The action did not complete within [39]0 minutes\. The update of the stack is cancelled, and CloudFormation rolls it back\. It was waiting for this: Stack update still in progress: UPDATE_IN_PROGRESS/
        )
        assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_ROLLBACK_IN_PROGRESS"))
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_ROLLBACK_COMPLETE"))
        const again = yield* invoke(eventOf({}, { id: "next" }))
        assert.strictEqual(again.message, "Stack update started")
      }).pipe(Effect.provide(slow))
  )

  it.effect.each([{ onTimeout: "continue" }, { onTimeout: undefined }])(
    "without cancel, the update continues",
    (more) =>
      Effect.gen(function*() {
        yield* createdEarlier
        const outcome = yield* runToTimeout(more)
        assert.include(
          outcome.message,
          `Operations that it started continue without it. ${waitedFor("UPDATE_IN_PROGRESS")}`
        )
        assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_IN_PROGRESS"))
      }).pipe(Effect.provide(slow))
  )

  it.effect("a creation continues, because it cannot be cancelled", () =>
    Effect.gen(function*() {
      const outcome = yield* runToTimeout()
      assert.include(outcome.message, "Operations that it started continue without it")
      assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_IN_PROGRESS"))
    }).pipe(Effect.provide(slow)))

  it.effect("another actor's update is not cancelled", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const started = yield* invoke(eventOf(options, { id: "1" }))
      yield* setStatus("UPDATE_IN_PROGRESS")
      yield* TestClock.adjust("30 minutes")
      const outcome = yield* invoke(nextEvent(started, "2", { ...required, ...options }))
      assert.include(outcome.message, "Operations that it started continue without it")
      assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_IN_PROGRESS"))
    }).pipe(Effect.provide(slow)))

  it.effect("an update that fails before the time limit is not cancelled", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const started = yield* invoke(eventOf({ onTimeout: "cancel" }, { id: "1" }))
      yield* TestClock.adjust("1 minute")
      yield* setStatus("UPDATE_ROLLBACK_COMPLETE")
      const { calls, result } = yield* recordCalls(
        invoke(nextEvent(started, "2", { ...required, onTimeout: "cancel" }))
      )
      assert.include(result.message, "Update failed: UPDATE_ROLLBACK_COMPLETE")
      assert.notInclude(calls, "cancelUpdate")
    }).pipe(Effect.provide(slow)))

  it.effect("a second delivery of the last job is reported as the first one", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const started = yield* invoke(eventOf(options, { id: "1" }))
      yield* TestClock.adjust("30 minutes")
      const last = nextEvent(started, "2", { ...required, ...options })
      const lagging = CloudFormationMemory.use(({ lag }) => lag("cloudformation:DescribeStackEvents", "1 minute"))
      yield* invoke(last)
      yield* lagging
      // The events do not show the cancellation yet.
      const outcome = yield* invoke(last)
      assert.include(outcome.message, "The update of the stack is cancelled, and CloudFormation rolls it back")
    }).pipe(Effect.provide(slow)))

  it.effect("an update that ends in the meantime is not cancelled", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const outcome = yield* runToTimeout().pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          cancelUpdate: () => Effect.fail(new StackNotReady({ stack, status: "unknown" }))
        }))
      )
      assert.include(outcome.message, "Operations that it started continue without it")
    }).pipe(Effect.provide(slow)))

  it.effect("a role that may not cancel the update is named", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* deny("cloudformation:CancelUpdateStack")
      const outcome = yield* runToTimeout()
      assert.match(
        outcome.message,
        /The update of the stack is not cancelled and continues: .*cloudformation:CancelUpdateStack/
      )
    }).pipe(Effect.provide(slow)))

  it.effect("without permission to read events, the update is not cancelled: it could be another actor's", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      yield* deny("cloudformation:DescribeStackEvents")
      const outcome = yield* runToTimeout()
      assert.include(outcome.message, "not cancelled and continues: the events of the stack, which show whose it is,")
      assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_IN_PROGRESS"))
    }).pipe(Effect.provide(slow)))

  it.effect("in memory, nested stacks of a cancelled update are listed as not checked", () =>
    Effect.gen(function*() {
      yield* createdEarlier
      const nested = { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "https://b.s3.amazonaws.com/t" } }
      yield* putTemplate(JSON.stringify({ Resources: { Nested: nested } }))
      yield* runToTimeout()
      const notChecked = yield* CloudFormationMemory.use(({ notChecked }) => notChecked)
      assert.include(notChecked, "nested stacks of a cancelled update")
    }).pipe(Effect.provide(slow)))
})
