// Whole runs of DeployStack in memory, in every mode, from the first event to the result, with random faults and with reads
// that lag behind. RUNS is their number.
import { assert, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Option, Random, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { modesOf } from "../../../src/actions/deployStack/Parameters.ts"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { Mode, OnStackFailure } from "../../../src/domain/stack/StackPlan.ts"
import { StackStatus } from "../../../src/domain/stack/StackStatus.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { sampleTemplate } from "../../fixtures.ts"
import { describeStack, eventOf, setStatus, stack, world } from "./world.ts"

/** A fault of one call, or none. */
const Fault = Schema.Literals([
  "none",
  "request lost",
  "answer lost",
  /** Slower than any function's time limit: the call is interrupted before or after it takes effect. */
  "request slow",
  "answer slow",
  "function killed before",
  "function killed after",
  /** A read returns the answer of the same call before. */
  "stale"
])
type Fault = typeof Fault.Type

const Lag = Schema.Literals([0, 0, 2, 20, 90])

/** The start of a run and its faults. */
const Scenario = Schema.Struct({
  mode: Mode,
  /** The status into which another actor has brought the stack; null: the stack does not exist. */
  status: Schema.NullOr(StackStatus),
  /** The age of that status in minutes. */
  minutesAgo: Schema.Literals([0, 1, 600]),
  whenBusy: Schema.Literals(["fail", "wait"]),
  waitForCleanup: Schema.Boolean,
  recover: Schema.Boolean,
  onStackFailure: Schema.NullOr(OnStackFailure),
  /** The time limit in minutes, after which an update is cancelled. */
  timeoutMinutes: Schema.Literals([1_410, 1_410, 1_410, 1]),
  /** The termination protection that is asked for, and that of the stack. */
  terminationProtection: Schema.NullOr(Schema.Boolean),
  isProtected: Schema.Boolean,
  /** Whether the template configuration has a stack policy. */
  hasPolicy: Schema.Boolean,
  resourceFails: Schema.Boolean,
  mayReadEvents: Schema.Boolean,
  /** How far DescribeStacks and DescribeStackEvents lag behind, each on its own, in seconds. */
  lag: Schema.Struct({ describe: Lag, events: Lag }),
  remainingMillis: Schema.Literals([100, 1_000, 60_000, 900_000]),
  /** The number of calls that are throttled at the start. */
  throttledCalls: Schema.Literals([0, 3, 20]),
  /** The faults of the first calls, in order. */
  faults: Schema.Array(Fault).check(Schema.isMaxLength(10)),
  /** The delay of a second delivery of each event, in minutes; null: no second delivery. */
  redeliveredAfter: Schema.NullOr(Schema.Literals([0, 1, 3])),
  /** The invocation at which another actor changes the stack's status. */
  interference: Schema.NullOr(Schema.Struct({ at: Schema.Literals([2, 3, 4]), status: StackStatus })),
  /** The seed of random values in the run, such as the jitter of retries. */
  seed: Schema.Int
})

const lost = new AwsUnavailable({ operation: "a call", code: "ECONNRESET", detail: "the connection was reset" })

/** Injects the faults into the calls of a run, one fault per call. `kill` ends the function that makes the call. */
const faultInjector = (faults: ReadonlyArray<Fault>) => {
  const remaining = [...faults]
  const answers = new Map<string, unknown>()
  return (kill: Effect.Effect<never>) =>
  <A, E>(name: string, call: Effect.Effect<A, E>): Effect.Effect<A, E | AwsUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | AwsUnavailable> => {
      const done = Effect.tap(call, (answer) => Effect.sync(() => answers.set(name, answer)))
      switch (remaining.shift()) {
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

/** Delivers events as Lambda does: an event whose function fails or is killed is redelivered. */
const lambda = Effect.fnUntraced(function*(faults: ReadonlyArray<Fault>, remainingMillis: number) {
  const cloudFormation = yield* CloudFormation
  const codePipeline = yield* CodePipeline
  const inject = faultInjector(faults)

  const invoke = Effect.fnUntraced(function*(event: unknown) {
    const killed = yield* Deferred.make<"killed">()
    const withFault = inject(Effect.andThen(Deferred.succeed(killed, "killed"), Effect.never))
    const run = JobRunner.run(DeployStack, event, { remainingMillis }).pipe(
      Effect.provideService(CloudFormation, {
        ...cloudFormation,
        describe: (stack) => withFault(`describe ${stack}`, cloudFormation.describe(stack)),
        events: (stack) => withFault(`events ${stack}`, cloudFormation.events(stack)),
        create: (request) => withFault("create", cloudFormation.create(request)),
        update: (request) => withFault("update", cloudFormation.update(request)),
        delete: (request) => withFault("delete", cloudFormation.delete(request)),
        rollBack: (request) => withFault("rollBack", cloudFormation.rollBack(request)),
        cancelUpdate: (request) => withFault("cancelUpdate", cloudFormation.cancelUpdate(request)),
        continueRollback: (request) => withFault("continueRollback", cloudFormation.continueRollback(request)),
        templateSummary: (template) => withFault("templateSummary", cloudFormation.templateSummary(template)),
        createChangeSet: (request) => withFault("createChangeSet", cloudFormation.createChangeSet(request)),
        describeChangeSet: (key) =>
          withFault(`describe ${key.stack} ${key.changeSet}`, cloudFormation.describeChangeSet(key)),
        executeChangeSet: (request) => withFault("executeChangeSet", cloudFormation.executeChangeSet(request)),
        deleteChangeSet: (key) => withFault("deleteChangeSet", cloudFormation.deleteChangeSet(key)),
        setTerminationProtection: (...request) =>
          withFault("setTerminationProtection", cloudFormation.setTerminationProtection(...request)),
        setStackPolicy: (...request) => withFault("setStackPolicy", cloudFormation.setStackPolicy(...request)),
        failedEvents: (operationId) => withFault("failedEvents", cloudFormation.failedEvents(operationId))
      }),
      Effect.provideService(CodePipeline, {
        report: (jobId, outcome) => withFault("report", codePipeline.report(jobId, outcome))
      })
    )
    return yield* Effect.raceFirst(run, Effect.flatMap(Deferred.await(killed), Effect.fail))
  })

  return (event: unknown) => Effect.retry(invoke(event), Schedule.spaced("1 minute"))
})

/** The settings besides the template, in UserParameters and in the template configuration. */
const policy = JSON.stringify({ Statement: [] })
const files = { "configuration.json": `{"StackPolicy":${policy}}` }

const runs = Number(process.env["RUNS"] ?? 5_000)

const isDelete = (token: string) => token.startsWith("delete-")
const isRollback = (token: string) => /^(continue-)?rollback-/.test(token)

const changeSet = "Next"

/** Creates the change set that the action executes. */
const createChangeSet = (status: string | null) =>
  CloudFormation.use((service) =>
    service.createChangeSet({
      stack,
      changeSet,
      type: status === null || status === "DELETE_COMPLETE" || status === "REVIEW_IN_PROGRESS" ? "CREATE" : "UPDATE",
      description: "",
      templateBody: sampleTemplate
    })
  ).pipe(Effect.ignore, Effect.andThen(TestClock.adjust("1 minute")))

/** Runs the action to its end in this scenario, and asserts the invariants of a run. */
const assertRun = (
  {
    faults,
    hasPolicy,
    interference,
    isProtected,
    lag,
    mayReadEvents,
    minutesAgo,
    mode,
    onStackFailure,
    recover,
    redeliveredAfter,
    remainingMillis,
    resourceFails,
    seed,
    timeoutMinutes,
    waitForCleanup,
    status,
    terminationProtection,
    throttledCalls,
    whenBusy
  }: typeof Scenario.Type
) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormationMemory
    const { outcomes } = yield* CodePipelineMemory
    if (status !== null) yield* setStatus(status)
    if (mode === "CHANGE_SET_EXECUTE") yield* createChangeSet(status)
    if (isProtected) yield* cloudFormation.protect(stack)
    yield* TestClock.adjust(minutesAgo * 60_000)
    if (resourceFails) yield* cloudFormation.failResource("MySampleBucket", "The name is taken")
    if (!mayReadEvents) yield* cloudFormation.deny("cloudformation:DescribeStackEvents")
    yield* cloudFormation.throttle(throttledCalls)
    yield* cloudFormation.lag("cloudformation:DescribeStacks", `${lag.describe} seconds`)
    yield* cloudFormation.lag("cloudformation:DescribeStackEvents", `${lag.events} seconds`)

    const deliver = yield* lambda(faults, remainingMillis)
    const releasedAt = 20
    let invocation = 0
    const invoke = Effect.fnUntraced(function*(event: unknown) {
      invocation++
      if (invocation === interference?.at) yield* setStatus(interference.status)
      // A stack that stays busy would keep the job waiting until its deadline.
      if (invocation === releasedAt) yield* setStatus("UPDATE_COMPLETE")
      const redelivery = redeliveredAfter === null
        ? Effect.void
        : Effect.delay(deliver(event), redeliveredAfter * 60_000)
      yield* Effect.all([deliver(event), redelivery], { concurrency: 2 })
    })
    const options = {
      mode,
      whenBusy,
      waitForCleanup,
      recover,
      timeoutMinutes,
      onTimeout: "cancel",
      ...(onStackFailure !== null && { onStackFailure }),
      ...(terminationProtection !== null && { terminationProtection }),
      ...(hasPolicy && { templateConfiguration: "MyTemplate::configuration.json" }),
      ...(mode !== "CHANGE_SET_DEPLOY" && { changeSet })
    }
    const applying = Object.entries(options).filter(([name]) =>
      name === "mode" || modesOf[name as keyof typeof modesOf].includes(mode)
    )
    const event = eventOf(Object.fromEntries(applying), { id: "1" })
    const fiber = yield* Effect.forkChild(Effect.timed(LocalPipeline.run({ event, invoke, maxInvocations: 200 })))
    yield* TestClock.adjust("1 day")
    const [duration, outcome] = yield* Fiber.join(fiber)

    const results = [...outcomes.values()].filter(({ _tag }) => _tag !== "Continued")
    assert.deepStrictEqual(results, [outcome])
    // Own operations are invisible without permission to read events, and on a stack that another actor has deleted, or that
    // CloudFormation has deleted because it could not be created.
    const isDeletedOnFailure = onStackFailure === "DELETE" && resourceFails
    const visible = mayReadEvents && interference?.status !== "DELETE_COMPLETE" && !isDeletedOnFailure
    const { operationTokens } = cloudFormation
    const deployments = operationTokens.filter((token) => !isDelete(token) && !isRollback(token))
    assert.isAtMost(deployments.length, visible ? 1 : 2)
    const rollbacks = operationTokens.filter(isRollback)
    // Another actor can bring the stack out of rest in another way than before.
    assert.isAtMost(rollbacks.length, interference === null ? 1 : 2)
    if (mode === "ROLLBACK") assert.deepStrictEqual(operationTokens, rollbacks)
    else if (!recover) assert.isEmpty(rollbacks)
    // A broken stack of another actor is deleted too, and so is an own one that is not recognizable.
    const deletes = operationTokens.filter(isDelete).length
    const isTimedOut = outcome.message.includes("did not complete within")
    // At the time limit, the empty stack of a change set is deleted. Each other delivery can create it again.
    const deliveries = redeliveredAfter === null ? invocation : 2 * invocation
    const emptied = isTimedOut && mode.startsWith("CHANGE_SET_") ? deliveries : 0
    if (mayReadEvents) assert.isAtMost(deletes, Math.max(emptied, interference === null ? 1 : 2))
    if (visible && interference === null && mode.startsWith("CHANGE_SET_")) {
      const executed = operationTokens.findIndex((token) => !isDelete(token) && !isRollback(token))
      if (executed >= 0) assert.isEmpty(operationTokens.slice(executed).filter(isDelete))
    }
    if (mode === "CREATE_UPDATE") assert.strictEqual(deletes, 0)
    // The job gives up after an hour without one successful call, whatever happens to the stack; not earlier.
    const gaveUp = outcome._tag === "Failed" && outcome.type === "SystemUnavailable"
    if (gaveUp) assert.isAtLeast(Duration.toMinutes(duration), 60)
    // Without events or after a foreign operation, the verdict may rest on status and times alone, and be wrong.
    const alone = interference === null && invocation < releasedAt
    const provable = mayReadEvents && alone && !gaveUp && !isTimedOut
    const fails = resourceFails && modesOf.outputs.includes(mode)
    // A stack that is not visible yet counts as absent.
    const isVisible = minutesAgo * 60 > lag.describe
    if (provable && status === null && (mode !== "CHANGE_SET_EXECUTE" || isVisible)) {
      assert.strictEqual(outcome._tag, fails ? "Failed" : "Succeeded")
    }
    if (outcome._tag !== "Succeeded") return
    const now = yield* describeStack
    const deploys = modesOf.outputs.includes(mode)
    if (provable && deploys) {
      const { id, outputs } = Option.getOrThrow(now)
      const { Additions, ChangeCount, ChangeSetName, HasChanges, Modifications, Removals, Replacements, ...own } =
        outcome.outputVariables ?? {}
      assert.deepStrictEqual(own, { StackId: id, ...outputs })
      // A second delivery does not know the counts if the change set is deleted or not visible.
      const plan = [Additions, ChangeCount, Modifications, Removals, Replacements]
      const isOfChangeSet = mode.startsWith("CHANGE_SET_")
      assert.isTrue(plan.every((count) => isOfChangeSet ? /^(?:\d+|unknown)$/.test(count ?? "") : count === undefined))
      assert.deepStrictEqual(
        [HasChanges, ChangeSetName].every((value) => (value !== undefined) === isOfChangeSet),
        true
      )
    }
    if (provable && mode === "ROLLBACK" && isVisible && Option.isSome(now)) {
      assert.match(now.value.status, /^(?!DELETE).*_COMPLETE$|^REVIEW_IN_PROGRESS$/)
    }
    if (provable && mode === "DELETE_ONLY" && isVisible) assert.isTrue(Option.isNone(now))
    // Every setting of the request is in force on success, unless another actor has deleted the stack since.
    const inForce = yield* cloudFormation.settingsOf(stack)
    if (deploys && Option.isSome(inForce)) {
      const { stackPolicy, terminationProtection: isProtectedNow } = inForce.value
      if (terminationProtection !== null) assert.strictEqual(isProtectedNow, terminationProtection)
      if (hasPolicy) assert.strictEqual(stackPolicy, policy)
    }
  }).pipe(
    Random.withSeed(seed),
    Effect.withTracerEnabled(false),
    Effect.provide(world(sampleTemplate, { files }), { local: true })
  )

it.effect.prop(
  "a run with any faults ends in exactly one result and starts at most one operation",
  [Scenario],
  ([scenario]) => assertRun(scenario),
  { arbitrary: { runs }, timeout: 1_800_000 }
)

/** A run without faults, at whose start the stack does not exist. */
const uneventful: typeof Scenario.Type = {
  mode: "CREATE_UPDATE",
  lag: { describe: 0, events: 0 },
  status: null,
  minutesAgo: 0,
  whenBusy: "wait",
  waitForCleanup: false,
  recover: false,
  onStackFailure: null,
  timeoutMinutes: 1_410,
  terminationProtection: null,
  isProtected: false,
  hasPolicy: false,
  resourceFails: false,
  mayReadEvents: true,
  remainingMillis: 900_000,
  throttledCalls: 0,
  faults: [],
  redeliveredAfter: null,
  interference: null,
  seed: 0
}

it.effect("fractions of a millisecond on the test clock do not fail a run", () =>
  assertRun({
    ...uneventful,
    throttledCalls: 20,
    faults: ["stale", "none", "stale", "request slow", "none", "request slow", "stale"],
    redeliveredAfter: 0
  }))

it.effect("the empty stack of a change set is deleted at the time limit in each delivery that created it", () =>
  assertRun({
    ...uneventful,
    mode: "CHANGE_SET_DEPLOY",
    lag: { describe: 0, events: 20 },
    timeoutMinutes: 1,
    throttledCalls: 20,
    faults: ["request lost"],
    redeliveredAfter: 3
  }))

it.effect("a stack whose own creation the events do not show yet is not updated, although another actor changed it", () =>
  Effect.gen(function*() {
    yield* assertRun({
      ...uneventful,
      lag: { describe: 0, events: 90 },
      faults: ["none", "answer lost"],
      resourceFails: true,
      throttledCalls: 3,
      interference: { at: 2, status: "UPDATE_ROLLBACK_COMPLETE" }
    })
    yield* assertRun({
      ...uneventful,
      lag: { describe: 0, events: 90 },
      remainingMillis: 100,
      resourceFails: true,
      throttledCalls: 3,
      redeliveredAfter: 0,
      interference: { at: 3, status: "UPDATE_COMPLETE" }
    })
  }))
