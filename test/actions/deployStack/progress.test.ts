// The progress that DeployStack reports while an operation runs, and the calls that this takes.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { tokenOf } from "../../fixtures.ts"
import { deny, eventOf, failResource, invoke, putTemplate, world } from "./world.ts"

const databasesWith = (Properties: object, ...ids: ReadonlyArray<string>) =>
  JSON.stringify({ Resources: Object.fromEntries(ids.map((id) => [id, { Type: "AWS::RDS::DBInstance", Properties }])) })

const databases = (...ids: ReadonlyArray<string>) => databasesWith({}, ...ids)

/** In memory all resources start at once, and end ten seconds after one another. */
const template = databases("A", "B", "C")

/** Runs the jobs of an action to its end, with these pauses between them, in seconds; 10 by default. */
const run = Effect.fnUntraced(
  function*(id: string, options: Readonly<Record<string, unknown>> = {}, seconds: ReadonlyArray<number> = []) {
    const outcomes = [yield* invoke(eventOf(options, { id }), "1 millis")]
    for (let job = 0;; job++) {
      const before = outcomes[job]
      if (before?._tag !== "Continued") return outcomes
      yield* TestClock.adjust(1_000 * (seconds[job] ?? 10))
      const event = eventOf(options, { id: `${id}-${job}`, continuationToken: tokenOf(before) })
      outcomes.push(yield* invoke(event, "1 millis"))
    }
  }
)

const summaries = (outcomes: ReadonlyArray<JobOutcome>) =>
  outcomes.map((outcome) => [outcome.message, "percentComplete" in outcome ? outcome.percentComplete : undefined])

const inProgress = "Stack update still in progress"

describe("the progress summary", () => {
  it.effect("the summary of a create counts the template's resources and names the one that is waited for", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(summaries(yield* run("1", {}, [5, 8, 10, 20])), [
        ["Stack create started", 0],
        [`${inProgress}: CREATE_IN_PROGRESS, 0 of 3 resources, waiting for A (AWS::RDS::DBInstance, 5 s)`, 0],
        [`${inProgress}: CREATE_IN_PROGRESS, 1 of 3 resources, waiting for B (AWS::RDS::DBInstance, 13 s)`, 25],
        [`${inProgress}: CREATE_IN_PROGRESS, 2 of 3 resources, waiting for C (AWS::RDS::DBInstance, 23 s)`, 50],
        ["Stack update complete: the stack was created", 100]
      ])
    }).pipe(Effect.provide(world(template))))

  it.effect("the summary of an update counts only finished resources, as their total is unknown", () =>
    Effect.gen(function*() {
      yield* run("1")
      yield* putTemplate(databasesWith({ AllocatedStorage: "20" }, "A", "B", "D"))
      assert.deepStrictEqual(summaries(yield* run("2", {}, [5, 8, 10, 15, 20])), [
        ["Stack update started", 0],
        [`${inProgress}: UPDATE_IN_PROGRESS, waiting for A (AWS::RDS::DBInstance, 5 s)`, 0],
        [`${inProgress}: UPDATE_IN_PROGRESS, 1 resource done, waiting for B (AWS::RDS::DBInstance, 13 s)`, 25],
        [`${inProgress}: UPDATE_IN_PROGRESS, 2 resources done, waiting for D (AWS::RDS::DBInstance, 23 s)`, 50],
        [`${inProgress}: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, waiting for C (AWS::RDS::DBInstance, 8 s)`, 50],
        ["Stack update complete", 100]
      ])
    }).pipe(Effect.provide(world(template))))

  it.effect.each<readonly [form: string, template: string, count: string]>([
    ["plain YAML counts its resources too", "Resources:\n  A:\n    Type: AWS::RDS::DBInstance\n", "0 of 1 resource, "],
    ["YAML in the flow style has no count", "Resources:\n  A: { Type: AWS::RDS::DBInstance }\n", ""]
  ])("the summary of a create from %s", ([, template, count]) =>
    Effect.gen(function*() {
      const [, second] = yield* run("1", {}, [5]).pipe(Effect.provide(world(template)))
      assert.deepInclude(second, {
        message: `${inProgress}: CREATE_IN_PROGRESS, ${count}waiting for A (AWS::RDS::DBInstance, 5 s)`
      })
    }))

  it.effect("the summary of a rollback counts nothing, and the percentage stays", () =>
    Effect.gen(function*() {
      yield* failResource("B", "quota")
      const outcomes = summaries(yield* run("1", {}, [15, 8]))
      assert.deepStrictEqual(outcomes.slice(1, 3), [
        [`${inProgress}: CREATE_IN_PROGRESS, 1 of 3 resources, waiting for B (AWS::RDS::DBInstance, 15 s)`, 25],
        [`${inProgress}: ROLLBACK_IN_PROGRESS`, 25]
      ])
    }).pipe(Effect.provide(world(template))))

  it.effect("the summary has room for the longest logical ids", () =>
    Effect.gen(function*() {
      const outcomes = yield* run("1", {}, [15])
      assert.strictEqual(outcomes.at(-1)?._tag, "Succeeded")
      assert.include(outcomes[1]?.message, "1 of 9 resources, waiting for B1")
      for (const outcome of outcomes.slice(0, -1)) assert.isAtMost(tokenOf(outcome).length, 2_048)
    }).pipe(Effect.provide(world(databases(..."ABCDEFGHI".split("").map((id) => id.padEnd(255, "1")))))))
})

/** Records the reads of an effect, with the number of pages of events. */
const recordReads = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const calls: Array<string> = []
    const cloudFormation = yield* CloudFormation
    const record = (call: string) => Effect.sync(() => calls.push(call))
    const result = yield* Effect.provideService(effect, CloudFormation, {
      ...cloudFormation,
      describe: (stack) => Effect.andThen(record("describe"), cloudFormation.describe(stack)),
      // Pages of ten events.
      events: (stack, areEnough) =>
        Effect.andThen(
          record(areEnough === undefined ? "1 page of events" : "events"),
          Effect.map(cloudFormation.events(stack), (events) => areEnough === undefined ? events.slice(0, 10) : events)
        )
    })
    return { calls, result }
  })

describe("the calls for progress", () => {
  it.effect("a job reads one page of events while the operation runs, and describes the stack at its end", () =>
    Effect.gen(function*() {
      const { calls, result } = yield* recordReads(run("1"))
      assert.deepStrictEqual(calls, [
        "describe",
        ...result.slice(2).map(() => "1 page of events"),
        "1 page of events",
        "describe"
      ])
    }).pipe(Effect.provide(world(template))))

  it.effect("with progress switched off, events are read for the verdict only, and the summary has no progress", () =>
    Effect.gen(function*() {
      const { calls, result } = yield* recordReads(run("1", { progress: false }))
      assert.deepStrictEqual(calls, ["describe", ...result.slice(1).map(() => "describe"), "events"])
      for (const [message, percent] of summaries(result.slice(1, -1))) {
        assert.deepStrictEqual([message, percent], [`${inProgress}: CREATE_IN_PROGRESS`, undefined])
      }
    }).pipe(Effect.provide(world(template))))

  it.effect("a denied read of events is not repeated", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:DescribeStackEvents")
      const { calls, result } = yield* recordReads(run("1"))
      assert.deepStrictEqual(calls, ["describe", "1 page of events", ...result.slice(1).map(() => "describe")])
      assert.strictEqual(result.at(-1)?._tag, "Succeeded")
    }).pipe(Effect.provide(world(template))))

  it.effect("a page of events without one of the stack itself costs one description of the stack", () =>
    Effect.gen(function*() {
      const { calls, result } = yield* recordReads(run("1", {}, [5, 20, 20, 20, 20, 20, 20]))
      assert.deepStrictEqual(calls.slice(0, 5), [
        "describe",
        "1 page of events",
        "describe",
        "1 page of events",
        "describe"
      ])
      assert.strictEqual(calls.at(-1), "events")
      assert.deepStrictEqual(summaries(result.slice(1, 3)), [
        [`${inProgress}: CREATE_IN_PROGRESS, 0 of 12 resources, waiting for R2 (AWS::RDS::DBInstance, 5 s)`, 0],
        [`${inProgress}: CREATE_IN_PROGRESS, 2 of 12 resources, waiting for R2 (AWS::RDS::DBInstance, 25 s)`, 15]
      ])
    }).pipe(Effect.provide(world(databases(...Array.from({ length: 12 }, (_, index) => `R${index}`))))))
})
