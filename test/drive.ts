// Advances the test clock for as long as an effect needs it.
import { type Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

/** Lets streams and promises outside Effect proceed. */
const nextTurn = Effect.callback<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** Runs an effect to its end, and advances the clock by `step` while it waits. */
export const drive = <A, E, R>(effect: Effect.Effect<A, E, R>, step: Duration.Input = "1 second") =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    while (fiber.pollUnsafe() === undefined) {
      yield* nextTurn
      yield* TestClock.adjust(step)
    }
    return yield* Fiber.join(fiber)
  })
