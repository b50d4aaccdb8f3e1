import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  type Attempts,
  Next,
  next,
  none,
  percentOf,
  recordFailure,
  timeLimit
} from "../../../src/domain/page/PageAttempts.ts"
import { setRuns } from "../../seed.ts"

const seconds = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: minimum * 1_000, maximum: maximum * 1_000 }))

/** A page that is never as expected, the function, and CodePipeline. Times are in milliseconds. */
const World = Schema.Struct({
  within: seconds(1, 600),
  every: seconds(1, 120),
  timeout: seconds(1, 30),
  /** Duration of an attempt. */
  duration: seconds(0, 30),
  /** Time limit of the function. */
  life: seconds(1, 120),
  /** Time until CodePipeline sends the next job. */
  gap: seconds(0, 60)
})

interface Made {
  readonly at: number
  readonly invokedAt: number
  readonly took: number
}

/** Simulates the action to its end. */
const simulate = ({ duration, gap, life, ...policy }: typeof World.Type) => {
  const made: Array<Made> = []
  const invocations: Array<{ readonly waited: number; readonly lasted: number }> = []
  let attempts: Attempts = none
  let now = 0
  for (let job = 0; job < 10_000; job++) {
    const invokedAt = now
    let waited = 0
    for (;;) {
      const times = { now, startedAt: 0, invokedAt, deadline: invokedAt + life }
      const step = next(attempts, policy, times)
      if (Next.$is("Stop")(step)) return { made, invocations, end: now }
      if (Next.$is("NextJob")(step)) break
      now += step.wait
      waited += step.wait
      const took = Math.min(duration, timeLimit(policy.timeout, { now, deadline: times.deadline }))
      made.push({ at: now, invokedAt, took })
      attempts = recordFailure(attempts, now, "expected status 200, got 503")
      now += took
    }
    invocations.push({ waited, lasted: now - invokedAt })
    // Time passes in every job, so that the simulation ends.
    now += Math.max(gap, 100)
  }
  return assert.fail("the action does not end")
}

setRuns(500)

describe("attempts", () => {
  it.prop("end with the only one that starts after the time is over", [World], ([world]) => {
    const { made } = simulate(world)
    assert.deepStrictEqual(made.filter(({ at }) => at >= world.within), made.slice(-1))
  })

  it.prop("start at once, and then at the interval or later, except for the last one", [World], ([world]) => {
    const { made } = simulate(world)
    assert.strictEqual(made[0]?.at, 0)
    made.slice(1, -1).forEach(({ at }, index) => assert.isAtLeast(at - (made[index]?.at ?? 0), world.every))
  })

  it.prop("start in the first 20 seconds of an invocation", [World], ([world]) => {
    const { invocations, made } = simulate(world)
    for (const { at, invokedAt } of made) assert.isAtMost(at - invokedAt, 20_000)
    for (const { waited } of invocations) assert.isAtMost(waited, 20_000)
  })

  it.prop("end before the time limit of the function", [World], ([world]) => {
    const { invocations, made } = simulate(world)
    for (const { lasted } of invocations) assert.isAtMost(lasted, world.life)
    // Only the first attempt of an invocation may have less time than its limit.
    const invokedAts = made.map(({ invokedAt }) => invokedAt)
    made.forEach(({ at, invokedAt, took }, index) => {
      assert.isAtMost(at + took, invokedAt + world.life)
      if (invokedAts.indexOf(invokedAt) < index) assert.strictEqual(took, Math.min(world.duration, world.timeout))
    })
  })

  it.prop("start as soon as they are due and CodePipeline sends a job", [World], ([world]) => {
    const { made } = simulate(world)
    const late = Math.max(world.gap, 100) + 20_000 + world.timeout
    made.slice(1).forEach(({ at }, index) =>
      assert.isAtMost(at - (made[index]?.at ?? 0), Math.max(world.every, world.duration) + late)
    )
  })

  it("at an interval of 15 seconds are two in each job, with 30 seconds between the jobs", () => {
    const world = { within: 150_000, every: 15_000, timeout: 10_000, duration: 0, life: 57_000, gap: 30_000 }
    assert.deepStrictEqual(simulate(world).made.map(({ at }) => at / 1_000), [0, 15, 45, 60, 90, 105, 135, 150])
  })

  it("at an interval of a minute are one in every other job", () => {
    const world = { within: 180_000, every: 60_000, timeout: 10_000, duration: 0, life: 57_000, gap: 30_000 }
    const { invocations, made } = simulate(world)
    assert.deepStrictEqual(made.map(({ at }) => at / 1_000), [0, 60, 120, 180])
    assert.deepStrictEqual(invocations.map(({ waited }) => waited), [0, 0, 0, 0, 0, 0])
  })
})

describe("the state of the attempts", () => {
  it("counts the attempts", () => {
    assert.deepStrictEqual(recordFailure(none, 5, "no"), { count: 1, lastAt: 5, problem: "no" })
    assert.strictEqual(recordFailure({ count: 7, lastAt: 0, problem: "" }, 5, "no").count, 8)
  })

  it.prop("fits into a continuation token, whatever the problem was", [Schema.String], ([text]) => {
    for (const problem of [text, `${text}"\u0001\uD800\\`.repeat(600)]) {
      assert.isAtMost(JSON.stringify(recordFailure(none, 0, problem)).length, 1_300)
    }
  })
})

describe("percentOf", () => {
  it.prop(
    "is an integer from 0 to 99, and increases",
    [Schema.Int, seconds(1, 600), seconds(0, 60)],
    ([now, within, later]) => {
      const before = percentOf(within, { now, startedAt: 0 })
      const after = percentOf(within, { now: now + later, startedAt: 0 })
      assert.isTrue(Number.isInteger(before) && before >= 0 && before <= 99)
      assert.isAtLeast(after, before)
    }
  )

  it("is the elapsed part of the time", () => {
    assert.strictEqual(percentOf(60_000, { now: 1_000, startedAt: 1_000 }), 0)
    assert.strictEqual(percentOf(60_000, { now: 31_000, startedAt: 1_000 }), 50)
    assert.strictEqual(percentOf(60_000, { now: 99_000, startedAt: 1_000 }), 99)
  })
})
