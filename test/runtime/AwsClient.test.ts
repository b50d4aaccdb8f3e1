import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import { callAws, clientOptions, retryUnavailable, scopedClient } from "../../src/runtime/AwsClient.ts"
import { Deadline } from "../../src/runtime/Deadline.ts"

const fields = { operation: "s3:GetObject", code: "Code", detail: "detail" }
const unavailable = new AwsUnavailable(fields)

/** The times of an effect's attempts, in milliseconds, and its result, while it fails with one of `failures` after the other. */
const attempts = Effect.fnUntraced(function*(failures: ReadonlyArray<AwsError>) {
  const times: Array<number> = []
  const attempt = Effect.gen(function*() {
    times.push(yield* Clock.currentTimeMillis)
    const failure = failures[times.length - 1]
    return failure === undefined ? "an answer" : yield* failure
  })
  const fiber = yield* Effect.forkChild(Effect.result(retryUnavailable(attempt)), { startImmediately: true })
  yield* TestClock.adjust("1 minute")
  return { times, result: yield* Fiber.join(fiber) }
})

describe("retryUnavailable", () => {
  it.effect("retries five times, after about 200 ms at first and twice as long each time", () =>
    Effect.gen(function*() {
      const { result, times } = yield* attempts(Array.from({ length: 100 }, () => unavailable))
      assert.lengthOf(times, 6)
      for (const [index, time] of times.slice(1).entries()) {
        const pause = time - (times[index] ?? 0)
        assert.isAtLeast(pause, 0.75 * 200 * 2 ** index)
        assert.isAtMost(pause, 1.25 * 200 * 2 ** index)
      }
      assert.deepInclude(result, { _tag: "Failure", failure: unavailable })
    }))

  it.effect.each([1, 2, 3, 4, 5])("returns the answer after %s failures", (failures) =>
    Effect.gen(function*() {
      const { result, times } = yield* attempts(Array.from({ length: failures }, () => unavailable))
      assert.lengthOf(times, failures + 1)
      assert.deepInclude(result, { _tag: "Success", success: "an answer" })
    }))

  it.effect.each([100, 5_000, 57_000])(
    "retries until the deadline, if there is one: %i ms",
    (deadline) =>
      Effect.gen(function*() {
        const { result, times } = yield* attempts(Array.from({ length: 1_000 }, () => unavailable)).pipe(
          Effect.provideService(Deadline, deadline)
        )
        assert.deepInclude(result, { _tag: "Failure", failure: unavailable })
        // The longest pause is five seconds and a quarter of it.
        const last = times.at(-1) ?? Infinity
        assert.isTrue(last < deadline && last >= deadline - 6_250)
      })
  )

  it.effect.each([
    new AwsDenied(fields),
    new AwsRejected(fields),
    new AwsUnavailable({ ...fields, code: "ExpiredToken" })
  ])("does not retry a final error, nor with expired credentials: $_tag", (error) =>
    Effect.gen(function*() {
      const first = yield* attempts([error])
      assert.lengthOf(first.times, 1)
      const third = yield* attempts([unavailable, unavailable, error])
      assert.lengthOf(third.times, 3)
      assert.deepInclude(third.result, { _tag: "Failure", failure: error })
    }))
})

describe("callAws", () => {
  it.effect("returns the answer", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* callAws("s3:GetObject", () => Promise.resolve("an answer")), "an answer")
    }))

  it.effect.each<readonly [run: () => Promise<string>, tag: AwsError["_tag"]]>([
    [() => Promise.reject(Object.assign(new Error("no"), { name: "AccessDenied" })), "AwsDenied"],
    [() => Promise.reject(new Error("no")), "AwsRejected"],
    [() => {
      throw new Error("no")
    }, "AwsRejected"]
  ])("names the call that failed (case %#)", ([run, _tag]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(callAws("s3:GetObject", run))
      assert.deepInclude(error, { _tag, operation: "s3:GetObject", detail: "no" })
    }))

  it.effect("retries while AWS throttles the call", () =>
    Effect.gen(function*() {
      let calls = 0
      const throttled = Object.assign(new Error("Rate exceeded"), { name: "Throttling" })
      const run = () => calls++ < 2 ? Promise.reject(throttled) : Promise.resolve("an answer")
      const fiber = yield* Effect.forkChild(callAws("s3:GetObject", run), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "an answer")
      assert.strictEqual(calls, 3)
    }))

  it.effect.each<readonly [name: string, httpStatusCode: number]>([
    ["SignatureDoesNotMatch", 403],
    ["InvalidSignatureException", 400],
    ["RequestExpired", 400],
    ["RequestTimeTooSkewed", 403]
  ])(
    "retries once at once after %s, even if almost no time remains",
    ([name, httpStatusCode]) =>
      Effect.gen(function*() {
        const skewed = Object.assign(new Error("clock"), { name, $metadata: { httpStatusCode } })
        let calls = 0
        const failing = (failures: number) =>
          Effect.suspend(() => {
            calls = 0
            return callAws(
              "s3:GetObject",
              () => calls++ < failures ? Promise.reject(skewed) : Promise.resolve("an answer")
            )
          }).pipe(Effect.provideService(Deadline, 1))
        assert.strictEqual(yield* failing(1), "an answer")
        assert.strictEqual(calls, 2)
        assert.strictEqual((yield* Effect.flip(failing(Infinity))).code, name)
        assert.strictEqual(calls, 2)
      })
  )

  it.effect("makes one immediate retry for each call, not for each of its retries", () =>
    Effect.gen(function*() {
      const skewed = Object.assign(new Error("clock"), { name: "RequestTimeTooSkewed" })
      let calls = 0
      const failing = callAws("s3:GetObject", () => {
        calls++
        return Promise.reject(skewed)
      })
      const fiber = yield* Effect.forkChild(Effect.flip(failing), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.strictEqual(calls, 1 + 1 + 5)
    }))

  it.effect("aborts a silent call at the deadline and fails with its name", () =>
    Effect.gen(function*() {
      const signals: Array<AbortSignal> = []
      const silent = callAws("s3:GetObject", ({ abortSignal }) => {
        signals.push(abortSignal)
        return new Promise(() => {})
      }).pipe(Effect.provideService(Deadline, 10_000))
      const fiber = yield* Effect.forkChild(Effect.flip(silent), { startImmediately: true })
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual(signals.map(({ aborted }) => aborted), [false])
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "AwsUnavailable", operation: "s3:GetObject" })
      assert.deepStrictEqual(signals.map(({ aborted }) => aborted), [true])
    }))

  it.effect("aborts the request when it is interrupted, and only then", () =>
    Effect.gen(function*() {
      const signals: Array<AbortSignal> = []
      const silent = callAws("s3:GetObject", ({ abortSignal }) => {
        signals.push(abortSignal)
        return new Promise(() => {})
      })
      const fiber = yield* Effect.forkChild(silent, { startImmediately: true })
      assert.deepStrictEqual(signals.map(({ aborted }) => aborted), [false])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(signals.map(({ aborted }) => aborted), [true])
    }))
})

describe("clients", () => {
  it.effect("have the lifetime of their scope", () =>
    Effect.gen(function*() {
      let destroyed = 0
      const client = scopedClient(() => ({ destroy: () => void destroyed++ }))
      yield* Effect.scoped(Effect.andThen(client, Effect.sync(() => assert.strictEqual(destroyed, 0))))
      assert.strictEqual(destroyed, 1)
    }))

  it("make no retries of their own, and have a timeout for a silent server", () => {
    assert.strictEqual(clientOptions.maxAttempts, 1)
    const { connectionTimeout, requestTimeout, socketTimeout, throwOnRequestTimeout } = clientOptions.requestHandler
    assert.isTrue(throwOnRequestTimeout)
    for (const limit of [connectionTimeout, requestTimeout, socketTimeout]) assert.isAtMost(limit, 20_000)
  })
})
