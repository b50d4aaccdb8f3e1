// Events that arrive twice, answers that are lost, and other operations on the stack set.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { StackSets } from "../../../src/services/StackSets.ts"
import { StackSetsMemory } from "../../../src/testing/StackSetsMemory.ts"
import {
  createdEarlier,
  deny,
  eventOf,
  eventWith,
  failureOf,
  instances,
  invoke,
  nextEvent,
  operationIds,
  operationIdsOf,
  recordCalls,
  required,
  runToEnd,
  stackSet,
  world
} from "./world.ts"

/** Runs an effect whose next call of this method has no answer, although CloudFormation did what it says. */
const withLostAnswer = <A, E, R>(method: "create" | "update" | "createInstances", effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const stackSets = yield* StackSets
    let isLost = false
    const lossy = new Proxy(stackSets, {
      get: (service, name) => (...args: ReadonlyArray<unknown>) => {
        const call = Reflect.apply(Reflect.get(service, name), service, args) as Effect.Effect<unknown>
        if (name !== method || isLost) return call
        isLost = true
        return Effect.andThen(
          call,
          Effect.fail(new AwsUnavailable({ operation: "cloudformation:Call", code: "ECONNRESET", detail: "reset" }))
        )
      }
    })
    return yield* Effect.provideService(effect, StackSets, lossy)
  })

describe("a second delivery of the first event", () => {
  it.effect("adopts the operation that the first one started on a new stack set", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      const second = yield* invoke(eventOf())
      assert.strictEqual(first.message, "Stack set update started")
      assert.strictEqual(second.message, "Stack set update still in progress")
      assert.deepStrictEqual(yield* operationIds, ["1-update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("adopts the update that the first one started", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* invoke(eventOf({}, { id: "2" }))
      const second = yield* invoke(eventOf({}, { id: "2" }))
      assert.strictEqual(second.message, "Stack set update still in progress")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("starts nothing when the action has ended", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf())
      const late = yield* invoke(eventOf())
      assert.strictEqual(late.message, "Stack set update still in progress")
      assert.deepStrictEqual(yield* operationIds, ["1-update-1", "1-create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("deletes nothing", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* invoke(eventWith({ stackSet, mode: "DELETE" }, { id: "2" }))
      yield* invoke(eventWith({ stackSet, mode: "DELETE" }, { id: "2" }))
      assert.isEmpty(yield* operationIdsOf("2"))
    }).pipe(Effect.provide(world())))
})

describe("a lost answer", () => {
  it.effect.each(["create", "createInstances"] as const)(
    "of %s is found again by the next job",
    (method) =>
      Effect.gen(function*() {
        const first = yield* withLostAnswer(method, invoke(eventOf()))
        assert.strictEqual(first._tag, "Continued")
        const outcome = yield* runToEnd(nextEvent(first, "2"))
        assert.strictEqual(outcome._tag, "Succeeded")
        assert.lengthOf(yield* instances, 4)
        assert.isAtMost((yield* operationIds).filter((id) => id.includes("-create-")).length, 1)
      }).pipe(Effect.provide(world()))
  )

  it.effect("of an update is found again by the next job", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const first = yield* withLostAnswer("update", invoke(eventOf({}, { id: "2" })))
      const outcome = yield* runToEnd(nextEvent(first, "3"))
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1"])
    }).pipe(Effect.provide(world())))
})

describe("a foreign operation in progress", () => {
  const foreign = Effect.andThen(
    createdEarlier(),
    StackSetsMemory.use(({ startForeign }) => startForeign(stackSet, "someone-elses"))
  )

  it.effect("is refused by name with whenBusy \"fail\"", () =>
    Effect.gen(function*() {
      yield* foreign
      const failure = failureOf(yield* invoke(eventOf({}, { id: "2" })))
      assert.strictEqual(failure.type, "ConfigurationError")
      assert.strictEqual(
        failure.message,
        "Stack set \"MyStackSet\" cannot be changed while operation someone-elses is RUNNING. Retry the action when it " +
          "has ended, or let the action wait with \"whenBusy\": \"wait\" in UserParameters"
      )
    }).pipe(Effect.provide(world())))

  it.effect("is waited for with whenBusy \"wait\", with one call a job", () =>
    Effect.gen(function*() {
      yield* foreign
      const options = { whenBusy: "wait" }
      const first = yield* invoke(eventOf(options, { id: "2" }))
      assert.strictEqual(first.message, "Waiting for operation someone-elses on the stack set: RUNNING")
      const parameters = JSON.parse(JSON.stringify({ ...required, ...options }))
      const { calls, result } = yield* recordCalls(invoke(nextEvent(first, "3", parameters)))
      assert.strictEqual(result.message, first.message)
      assert.deepStrictEqual(calls, ["operation"])
      const outcome = yield* runToEnd(nextEvent(result, "4", parameters))
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("is waited for if nobody can tell whose it is", () =>
    Effect.gen(function*() {
      yield* foreign
      yield* deny("cloudformation:ListStackSetOperations")
      const outcome = yield* invoke(eventOf({}, { id: "2" }))
      assert.strictEqual(outcome._tag, "Continued")
      assert.strictEqual(outcome.message, "Waiting for the stack set: it was changed a moment ago")
    }).pipe(Effect.provide(world())))
})

it.effect("an operation that someone stopped fails the action", () =>
  Effect.gen(function*() {
    const first = yield* invoke(eventOf())
    yield* TestClock.adjust("1 second")
    const second = yield* invoke(nextEvent(first, "2"))
    const { stop } = yield* StackSetsMemory
    yield* stop(stackSet, "1-create-1")
    const failure = failureOf(yield* runToEnd(nextEvent(second, "3")))
    assert.match(failure.message, /^Creation of instances failed: STOPPED\n/)
  }).pipe(Effect.provide(world())))
