import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allowed, type Attempts, failedAt, Next, next, none, percentOf } from "../../../src/domain/page/PageAttempts.ts"
import { setRuns } from "../../seed.ts"

const seconds = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: minimum * 1_000, maximum: maximum * 1_000 }))

/** A page that is never right, and the world around it; in milliseconds. */
const World = Schema.Struct({
  within: seconds(1, 600),
  every: seconds(1, 120),
  timeout: seconds(1, 30),
  /** How long an attempt takes. */
  duration: seconds(0, 30),
  /** How long the function may run. */
  life: seconds(1, 120),
  /** How long CodePipeline takes to send the next job. */
  gap: seconds(0, 60)
})

interface Made {
  readonly at: number
  readonly invokedAt: number
  readonly took: number
}

/** Plays the action to its end. */
const play = ({ duration, gap, life, ...patience }: typeof World.Type) => {
  const made: Array<Made> = []
  const invocations: Array<{ readonly waited: number; readonly lasted: number }> = []
  let attempts: Attempts = none
  let now = 0
  for (let job = 0; job < 10_000; job++) {
    const invokedAt = now
    let waited = 0
    for (;;) {
      const times = { now, startedAt: 0, invokedAt, deadline: invokedAt + life }
      const step = next(attempts, patience, times)
      if (Next.$is("GiveUp")(step)) return { made, invocations, end: now }
      if (Next.$is("NextJob")(step)) break
      now += step.wait
      waited += step.wait
      const took = Math.min(duration, allowed(patience.timeout, { now, deadline: times.deadline }))
      made.push({ at: now, invokedAt, took })
      attempts = failedAt(attempts, now, "not right")
      now += took
    }
    invocations.push({ waited, lasted: now - invokedAt })
    // Some time goes by in every job, so that the world moves on.
    now += Math.max(gap, 100)
  }
  return assert.fail("it does not end")
}

setRuns(500)

describe("attempts", () => {
  it.prop("end with the only one that begins when the time is over", [World], ([world]) => {
    const { made } = play(world)
    assert.deepStrictEqual(made.filter(({ at }) => at >= world.within), made.slice(-1))
  })

  it.prop("begin at once, and no sooner one after another than asked for, but for the last", [World], ([world]) => {
    const { made } = play(world)
    assert.strictEqual(made[0]?.at, 0)
    made.slice(1, -1).forEach(({ at }, index) => assert.isAtLeast(at - (made[index]?.at ?? 0), world.every))
  })

  it.prop("are not waited for longer than 20 seconds in one invocation", [World], ([world]) => {
    const { invocations, made } = play(world)
    for (const { at, invokedAt } of made) assert.isAtMost(at - invokedAt, 20_000)
    for (const { waited } of invocations) assert.isAtMost(waited, 20_000)
  })

  it.prop("are over before the function's time is", [World], ([world]) => {
    const { invocations, made } = play(world)
    for (const { lasted } of invocations) assert.isAtMost(lasted, world.life)
    // Only the first of an invocation may have less than its time.
    const invokedAts = made.map(({ invokedAt }) => invokedAt)
    made.forEach(({ at, invokedAt, took }, index) => {
      assert.isAtMost(at + took, invokedAt + world.life)
      if (invokedAts.indexOf(invokedAt) < index) assert.strictEqual(took, Math.min(world.duration, world.timeout))
    })
  })

  it.prop("are made again as soon as they are due and CodePipeline lets them", [World], ([world]) => {
    const { made } = play(world)
    const late = Math.max(world.gap, 100) + 20_000 + world.timeout
    made.slice(1).forEach(({ at }, index) =>
      assert.isAtMost(at - (made[index]?.at ?? 0), Math.max(world.every, world.duration) + late)
    )
  })

  it("every 15 seconds are two in each job, with CodePipeline's half a minute between the jobs", () => {
    const world = { within: 150_000, every: 15_000, timeout: 10_000, duration: 0, life: 57_000, gap: 30_000 }
    assert.deepStrictEqual(play(world).made.map(({ at }) => at / 1_000), [0, 15, 45, 60, 90, 105, 135, 150])
  })

  it("every minute are one in every other job", () => {
    const world = { within: 180_000, every: 60_000, timeout: 10_000, duration: 0, life: 57_000, gap: 30_000 }
    const { invocations, made } = play(world)
    assert.deepStrictEqual(made.map(({ at }) => at / 1_000), [0, 60, 120, 180])
    assert.deepStrictEqual(invocations.map(({ waited }) => waited), [0, 0, 0, 0, 0, 0])
  })
})

describe("what is remembered", () => {
  it("counts", () => {
    assert.deepStrictEqual(failedAt(none, 5, "no"), { count: 1, lastAt: 5, seen: "no" })
    assert.strictEqual(failedAt({ count: 7, lastAt: 0, seen: "" }, 5, "no").count, 8)
  })

  it.prop("fits into a continuation token, whatever was seen", [Schema.String], ([text]) => {
    for (const seen of [text, `${text}"\u0001\uD800\\`.repeat(600)]) {
      assert.isAtMost(JSON.stringify(failedAt(none, 0, seen)).length, 1_300)
    }
  })
})

describe("percentOf", () => {
  it.prop(
    "is a whole number from 0 to 99, and rises",
    [Schema.Int, seconds(1, 600), seconds(0, 60)],
    ([now, within, later]) => {
      const before = percentOf(within, { now, startedAt: 0 })
      const after = percentOf(within, { now: now + later, startedAt: 0 })
      assert.isTrue(Number.isInteger(before) && before >= 0 && before <= 99)
      assert.isAtLeast(after, before)
    }
  )

  it("is the share of the time that is over", () => {
    assert.strictEqual(percentOf(60_000, { now: 1_000, startedAt: 1_000 }), 0)
    assert.strictEqual(percentOf(60_000, { now: 31_000, startedAt: 1_000 }), 50)
    assert.strictEqual(percentOf(60_000, { now: 99_000, startedAt: 1_000 }), 99)
  })
})
