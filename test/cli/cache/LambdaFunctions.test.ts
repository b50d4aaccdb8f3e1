import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeLambdaFunctions } from "../../../src/cli/cache/LambdaFunctions.ts"
import { fakeLambda } from "./FakeLambda.ts"

/** Updates the function while Lambda goes through these statuses, and lets time pass. */
const update = Effect.fnUntraced(function*(updateStatuses: ReadonlyArray<string>, seconds: number) {
  const { calls, client } = yield* fakeLambda(Buffer.from("before"), { updateStatuses })
  const code = { revision: "1", architectures: ["arm64"], zip: Buffer.from("after") } as const
  const fiber = yield* makeLambdaFunctions(client).update("greet", code).pipe(
    Effect.forkChild({ startImmediately: true })
  )
  for (let second = 0; second < seconds; second++) {
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    yield* TestClock.adjust("1 second")
  }
  return { calls, result: yield* Effect.result(Fiber.join(fiber)) }
})

describe("an update of a function's code", () => {
  it.effect("is awaited, with a look each second", () =>
    Effect.gen(function*() {
      const { calls, result } = yield* update(["InProgress", "InProgress", "Successful"], 4)
      assert.strictEqual(result._tag, "Success")
      assert.deepStrictEqual(calls, ["UpdateFunctionCode", ...Array(3).fill("GetFunctionConfiguration")])
    }))

  it.effect("that fails is reported with Lambda's reason", () =>
    Effect.gen(function*() {
      const { result } = yield* update(["InProgress", "Failed"], 3)
      assert.deepNestedInclude(result, { "failure.message": "Function greet: the update failed: the disk is full" })
    }))

  it.effect("that takes longer than two minutes is given up", () =>
    Effect.gen(function*() {
      const { result } = yield* update(["InProgress"], 125)
      assert.deepNestedInclude(result, { "failure.message": "Function greet: the update takes too long" })
    }))
})
