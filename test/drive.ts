// Time for tests: moves the test clock for as long as an effect needs it.
import { type Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

/** Lets what is not Effect's (streams, promises) go on. */
const turn = Effect.callback<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** Runs an effect to its end, with as much time as it waits for. */
export const drive = <A, E, R>(effect: Effect.Effect<A, E, R>, step: Duration.Input = "1 second") =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    while (fiber.pollUnsafe() === undefined) {
      yield* turn
      yield* TestClock.adjust(step)
    }
    return yield* Fiber.join(fiber)
  })
