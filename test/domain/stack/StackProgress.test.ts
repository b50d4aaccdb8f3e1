import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { StackEvent } from "../../../src/domain/stack/StackEvents.ts"
import { advance, remembered, type StackProgress, summary } from "../../../src/domain/stack/StackProgress.ts"

const stackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0"

type Part = readonly [id: string, status: string]

/** Events one second apart, the first one at 1,000; newest first, as AWS lists them. */
const history = (...parts: ReadonlyArray<Part>): ReadonlyArray<StackEvent> =>
  parts.map(([logicalResourceId, status], index) => ({
    stackId,
    timestamp: 1_000 * (index + 1),
    logicalResourceId,
    physicalResourceId: logicalResourceId === "S" ? stackId : "",
    resourceType: logicalResourceId === "S" ? "AWS::CloudFormation::Stack" : "AWS::SQS::Queue",
    status
  })).toReversed()

const creating = "CREATE_IN_PROGRESS"
const advanced = (...parts: ReadonlyArray<Part>) => advance(undefined, history(...parts), creating)
const idsOf = ({ inProgress }: StackProgress) => inProgress.map(({ id }) => id)

describe("advance", () => {
  it("progress counts finished resources, and has the start times of the others", () => {
    const progress = advanced(["S", creating], ["A", creating], ["B", creating], ["A", "CREATE_COMPLETE"])
    assert.deepStrictEqual(progress, {
      done: 1,
      countedUntil: 4_000,
      percent: 33,
      inProgress: [{ id: "B", type: "AWS::SQS::Queue", since: 3_000 }]
    })
  })

  it("a resource's start time is its first event in progress, whatever follows", () => {
    const progress = advanced(["A", creating], ["B", creating], ["A", creating])
    assert.deepStrictEqual(progress.inProgress.map(({ id, since }) => [id, since]), [["A", 1_000], ["B", 2_000]])
  })

  it("a failed resource is neither finished nor in progress", () => {
    const progress = advanced(["A", creating], ["A", "CREATE_FAILED"])
    assert.deepInclude(progress, { done: 0, inProgress: [] })
  })

  it("events of hooks do not count for resources", () => {
    const hook = { type: "H", status: "HOOK_IN_PROGRESS" }
    const events = history(["A", creating]).concat(Array.from(history(["A", ""]), (event) => ({ ...event, hook })))
    assert.deepInclude(advance(undefined, events, creating), { done: 0 })
  })

  it("during rollback and cleanup nothing is counted, but resources in progress are named", () => {
    const before = advanced(["A", creating], ["B", creating], ["A", "CREATE_COMPLETE"])
    const events = history(["A", creating], ["B", creating], ["A", "CREATE_COMPLETE"], ["B", "CREATE_FAILED"], [
      "A",
      "DELETE_IN_PROGRESS"
    ])
    for (const status of ["ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]) {
      const after = advance(before, events, status)
      assert.deepInclude(after, { done: before.done, percent: before.percent })
      assert.deepStrictEqual(idsOf(after), ["A"])
    }
  })

  it("the percentage is of the total if it is known, and of the started resources otherwise", () => {
    const events = history(["A", creating], ["B", creating], ["A", "CREATE_COMPLETE"])
    assert.strictEqual(advance(undefined, events, creating, 9).percent, 10)
    assert.strictEqual(advance(undefined, events, creating, 1).percent, 33)
    assert.strictEqual(advance(undefined, events, creating).percent, 33)
  })

  it("progress continues from the last state if the newest events do not reach back", () => {
    const before = advanced(["A", creating], ["B", creating], ["B", "CREATE_COMPLETE"])
    const after = advance(before, history(["", ""], ["", ""], ["", ""], ["C", creating]).slice(0, 1), creating)
    assert.deepInclude(after, { done: 1, countedUntil: 4_000 })
    assert.deepStrictEqual(idsOf(after), ["A", "C"])
  })
})

describe("summary", () => {
  const progress = advanced(["A", creating], ["B", creating], ["C", creating], ["A", "CREATE_COMPLETE"])

  it("the summary has the finished resources and the one that is waited for the longest", () => {
    assert.strictEqual(
      summary(progress, creating, 2_000, 12),
      "1 of 12 resources, waiting for B (AWS::SQS::Queue, 0 s)"
    )
    assert.strictEqual(summary(progress, creating, 2_000), "1 resource done, waiting for B (AWS::SQS::Queue, 0 s)")
  })

  it.each<readonly [milliseconds: number, duration: string]>([
    [-5_000, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [6 * 60_000 + 30_000, "6 min"],
    [60 * 60_000, "1 h 0 min"],
    [25 * 60 * 60_000 + 61_000, "25 h 1 min"]
  ])("a duration of %d ms is shown as %s", (milliseconds, duration) => {
    assert.include(summary(progress, creating, 2_000 + milliseconds), `(AWS::SQS::Queue, ${duration})`)
  })

  it("the summary counts no more than the total, and names only resources in progress", () => {
    const done = advanced(["A", creating], ["A", "CREATE_COMPLETE"], ["B", creating], ["B", "CREATE_COMPLETE"])
    assert.strictEqual(summary(done, creating, 0, 1), "2 of 2 resources")
    assert.strictEqual(summary(done, creating, 0), "2 resources done")
    assert.strictEqual(summary(advanced(), creating, 0), "")
    assert.strictEqual(summary(advanced(), creating, 0, 1), "0 of 1 resource")
  })

  it("the summary of a rollback has no count", () => {
    assert.strictEqual(summary(progress, "ROLLBACK_IN_PROGRESS", 2_000, 3), "waiting for B (AWS::SQS::Queue, 0 s)")
  })
})

const ids = ["A", "B", "C", "D", "E", "F"] as const

/** Events of resources, each with a start and an end, and the number of events before each job. */
const Runs = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    picks: Schema.Array(Schema.Literals(ids)).check(Schema.isMaxLength(12)),
    jobs: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))),
    total: Schema.UndefinedOr(Schema.Literals([1, 6, 20]))
  })),
  ({ jobs, picks, total }) => {
    const started: Array<string> = []
    const ended: Array<string> = []
    const parts: Array<Part> = []
    for (const id of picks) {
      if (ended.includes(id)) continue
      const isStarted = started.includes(id)
      ;(isStarted ? ended : started).push(id)
      parts.push([id, isStarted ? "CREATE_COMPLETE" : creating])
    }
    const waiting = started.filter((id) => !ended.includes(id))
    return { events: history(...parts), jobs: jobs.toSorted((a, b) => a - b), total, done: ended.length, waiting }
  }
)

it.prop(
  "jobs reach the same progress, however often they read events",
  [Runs],
  ([{ done, events, jobs, total, waiting }]) => {
    const seenAfter = (count: number) => events.slice(Math.max(0, events.length - count))
    let all: StackProgress | undefined
    let newOnly: StackProgress | undefined
    let seen = 0
    for (const count of [...jobs, events.length]) {
      all = advance(all && remembered(all), seenAfter(count), creating, total)
      newOnly = advance(newOnly, seenAfter(count).slice(0, Math.max(0, count - seen)), creating, total)
      seen = Math.min(count, events.length)
    }
    for (const progress of [all, newOnly]) {
      assert.strictEqual(progress?.done, done)
      assert.deepStrictEqual(progress && idsOf(progress), waiting)
    }
  }
)

it.prop("the percentage never decreases and never reaches 100", [Runs, Schema.Array(Schema.Boolean)], (
  [{ events, jobs, total }, running]
) => {
  let progress: StackProgress | undefined
  let last = 0
  for (const [index, count] of jobs.entries()) {
    const status = running[index] ?? true ? creating : "ROLLBACK_IN_PROGRESS"
    progress = advance(progress, events.slice(Math.max(0, events.length - count)), status, total)
    assert.isAtLeast(progress.percent, last)
    assert.isBelow(progress.percent, 100)
    last = progress.percent
  }
})

const Long = Schema.String.check(Schema.isPattern(/^[A-Za-z]{200,255}$/))

it.prop(
  "the remembered progress fits into a token, and is that of the resources waited for the longest",
  [Schema.Array(Schema.Struct({ id: Long, type: Schema.String, since: Schema.Int }))],
  ([resources]) => {
    const inProgress = resources.map(({ id, since, type }) => ({ id, since, type: type.slice(0, 204) }))
    const { inProgress: kept } = remembered({ ...advanced(), inProgress })
    assert.deepStrictEqual(kept, inProgress.slice(0, kept.length))
    if (inProgress.length > 0) assert.isAbove(kept.length, 0)
    assert.isAtMost(kept.map(({ id, type }) => id + type).join("").length, 500)
  }
)
