// Whole runs of DeployStack in a world in memory, with all that may befall them. RUNS is their number.
import { assert, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Random, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { StackStatus } from "../../../src/domain/stack/StackStatus.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { eventOf, setStatus, world } from "./world.ts"

/** What becomes of one call. */
const Fate = Schema.Literals([
  "well",
  "request lost",
  "answer lost",
  /** Slower than any function's time: it is interrupted before anything, or after all, has happened. */
  "request slow",
  "answer slow",
  "function killed before",
  "function killed after",
  /** The answer is that of the same call before. */
  "stale"
])
type Fate = typeof Fate.Type

/** What a run begins with, and what befalls it. */
const Circumstances = Schema.Struct({
  /** The status of the stack, put there by somebody else; none: there is no stack. */
  status: Schema.NullOr(StackStatus),
  /** How long that was ago, in minutes. */
  minutesAgo: Schema.Literals([0, 1, 600]),
  whenBusy: Schema.Literals(["fail", "wait"]),
  waitForCleanup: Schema.Boolean,
  resourceFails: Schema.Boolean,
  mayReadEvents: Schema.Boolean,
  remainingMillis: Schema.Literals([100, 1_000, 60_000, 900_000]),
  /** Calls that are throttled from the first invocation on. */
  throttled: Schema.Literals([0, 3, 20]),
  /** What becomes of the first calls. */
  fates: Schema.Array(Fate).check(Schema.isMaxLength(10)),
  /** How long after the first delivery of each event a second one comes, in minutes; none: never. */
  deliveredAgainAfter: Schema.NullOr(Schema.Literals([0, 1, 3])),
  /** The invocation at which somebody else brings the stack into another status. */
  interference: Schema.NullOr(Schema.Struct({ at: Schema.Literals([2, 3, 4]), status: StackStatus })),
  /** Of what is random in a run, such as the pauses between retries. */
  seed: Schema.Int
})

const lost = new AwsUnavailable({ operation: "a call", code: "ECONNRESET", detail: "the connection was reset" })

/** Makes the calls of a run meet their fates, one after the other. `kill` ends the function that makes the call. */
const meeting = (fates: ReadonlyArray<Fate>) => {
  const left = [...fates]
  const answers = new Map<string, unknown>()
  return (kill: Effect.Effect<never>) =>
  <A, E>(name: string, call: Effect.Effect<A, E>): Effect.Effect<A, E | AwsUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | AwsUnavailable> => {
      const done = Effect.tap(call, (answer) => Effect.sync(() => answers.set(name, answer)))
      switch (left.shift()) {
        case "request lost":
          return Effect.fail(lost)
        case "answer lost":
          return Effect.andThen(done, Effect.fail(lost))
        case "request slow":
          return Effect.delay(done, "20 minutes")
        case "answer slow":
          return Effect.tap(done, () => Effect.sleep("20 minutes"))
        case "function killed before":
          return kill
        case "function killed after":
          return Effect.andThen(done, kill)
        case "stale":
          return answers.has(name) && /^(describe|events)/.test(name)
            ? Effect.succeed(answers.get(name) as A)
            : done
        default:
          return done
      }
    })
}

/** Delivers events as Lambda does: what fails or is killed comes again. */
const lambda = Effect.fnUntraced(function*(fates: ReadonlyArray<Fate>, remainingMillis: number) {
  const cloudFormation = yield* CloudFormation
  const codePipeline = yield* CodePipeline
  const meet = meeting(fates)

  const invoke = Effect.fnUntraced(function*(event: unknown) {
    const killed = yield* Deferred.make<"killed">()
    const met = meet(Effect.andThen(Deferred.succeed(killed, "killed"), Effect.never))
    const run = JobRunner.run(DeployStack, event, { remainingMillis }).pipe(
      Effect.provideService(CloudFormation, {
        ...cloudFormation,
        describe: (stack) => met(`describe ${stack}`, cloudFormation.describe(stack)),
        events: (stack, since) => met(`events ${stack}`, cloudFormation.events(stack, since)),
        create: (request) => met("create", cloudFormation.create(request)),
        update: (request) => met("update", cloudFormation.update(request)),
        failedEvents: (operationId) => met("failedEvents", cloudFormation.failedEvents(operationId))
      }),
      Effect.provideService(CodePipeline, {
        report: (jobId, outcome) => met("report", codePipeline.report(jobId, outcome))
      })
    )
    return yield* Effect.raceFirst(run, Effect.flatMap(Deferred.await(killed), Effect.fail))
  })

  return (event: unknown) => Effect.retry(invoke(event), Schedule.spaced("1 minute"))
})

const runs = Number(process.env["RUNS"] ?? 10_000)

/** Runs the action under these circumstances to its end, and asserts what has to hold of every run. */
const assertRun = (
  {
    deliveredAgainAfter,
    fates,
    interference,
    mayReadEvents,
    minutesAgo,
    remainingMillis,
    resourceFails,
    seed,
    waitForCleanup,
    status,
    throttled,
    whenBusy
  }: typeof Circumstances.Type
) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormationMemory
    const { outcomes } = yield* CodePipelineMemory
    if (status !== null) yield* setStatus(status)
    yield* TestClock.adjust(minutesAgo * 60_000)
    if (resourceFails) yield* cloudFormation.failResource("MySampleBucket", "The name is taken")
    if (!mayReadEvents) yield* cloudFormation.deny("cloudformation:DescribeStackEvents")
    yield* cloudFormation.throttle(throttled)

    const deliver = yield* lambda(fates, remainingMillis)
    const rescue = 20
    let invocation = 0
    const invoke = Effect.fnUntraced(function*(event: unknown) {
      invocation++
      if (invocation === interference?.at) yield* setStatus(interference.status)
      // What keeps a stack busy for ever would keep the job waiting for ever.
      if (invocation === rescue) yield* setStatus("UPDATE_COMPLETE")
      const again = deliveredAgainAfter === null
        ? Effect.void
        : Effect.delay(deliver(event), deliveredAgainAfter * 60_000)
      yield* Effect.all([deliver(event), again], { concurrency: 2 })
    })
    const event = eventOf({ whenBusy, waitForCleanup }, { id: "1" })
    const fiber = yield* Effect.forkChild(Effect.timed(LocalPipeline.run({ event, invoke, maxInvocations: 200 })))
    yield* TestClock.adjust("1 day")
    const [took, outcome] = yield* Fiber.join(fiber)

    const ends = [...outcomes.values()].filter(({ _tag }) => _tag !== "Continued")
    assert.deepStrictEqual(ends, [outcome])
    // Its own work is not to be seen where the role may not read events, nor on a stack that somebody has deleted.
    const visible = mayReadEvents && interference?.status !== "DELETE_COMPLETE"
    assert.isAtMost(cloudFormation.operationTokens.length, visible ? 1 : 2)
    // Without events and after somebody else's doing, status and times may be all there is to judge by.
    // After an hour without one good answer the job fails, whatever becomes of the stack; not before.
    const gaveUp = outcome._tag === "Failed" && outcome.type === "SystemUnavailable"
    if (gaveUp) assert.isAtLeast(Duration.toMinutes(took), 60)
    const alone = interference === null && status === null && invocation < rescue
    const provable = mayReadEvents && alone && !gaveUp
    if (provable) assert.strictEqual(outcome._tag, resourceFails ? "Failed" : "Succeeded")
  }).pipe(Random.withSeed(seed), Effect.withTracerEnabled(false), Effect.provide(world(), { local: true }))

it.effect.prop(
  "a run from any start, whatever befalls it, ends in exactly one result, and begins at most one operation",
  [Circumstances],
  ([circumstances]) => assertRun(circumstances),
  { arbitrary: { runs }, timeout: 600_000 }
)

it.effect("fractions of a millisecond on the test clock do not fail a run", () =>
  assertRun({
    status: null,
    minutesAgo: 0,
    whenBusy: "wait",
    waitForCleanup: false,
    resourceFails: false,
    mayReadEvents: true,
    remainingMillis: 900_000,
    throttled: 20,
    fates: ["stale", "well", "stale", "request slow", "well", "request slow", "stale"],
    deliveredAgainAfter: 0,
    interference: null,
    seed: 0
  }))
