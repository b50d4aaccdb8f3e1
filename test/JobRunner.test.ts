import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Clock, Context, Duration, Effect, Fiber, Layer, Logger, References, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Action from "../src/Action.ts"
import { DeployStack } from "../src/actions/deployStack/DeployStack.ts"
import { AwsDenied, AwsRejected, AwsUnavailable } from "../src/domain/job/AwsError.ts"
import { JobId } from "../src/domain/job/Job.ts"
import type { FailureType, JobOutcome } from "../src/domain/job/JobOutcome.ts"
import * as UserParameters from "../src/domain/job/UserParameters.ts"
import * as JobRunner from "../src/JobRunner.ts"
import { Deadline } from "../src/runtime/Deadline.ts"
import { CodePipeline } from "../src/services/CodePipeline.ts"
import { CodePipelineMemory } from "../src/testing/CodePipelineMemory.ts"
import { world } from "./actions/deployStack/world.ts"
import { drive } from "./drive.ts"
import { deployEvent, eventNames, type JobEvent, readEvent, secrets, tokenOf } from "./fixtures.ts"

class Broken extends Schema.TaggedError<Broken>()("Broken", { what: Schema.String }) {}

class Away extends Schema.TaggedError<Away>()("Away", {}) {}

const State = Schema.Struct({ seen: Schema.Array(Schema.String) })

/** Does what its UserParameters order, and keeps the ids of its jobs as state. */
const Obedient = Action.make({
  name: "obedient",
  parameters: Schema.String,
  state: State,
  timeout: (order) => order === "continue, for ten minutes" ? Duration.minutes(10) : undefined,
  start: ({ job, parameters }) => obey(parameters, [job.id]),
  resume: ({ job, parameters }, { seen }) => obey(parameters, [...seen, job.id]),
  recover: ({ job, parameters }) => obey(parameters, ["unknown", job.id])
})({
  Away: () => ({ type: "SystemUnavailable", message: "Nobody is there" }),
  Broken: ({ what }) => {
    if (what === "fail without words") throw new Error("no words")
    return { type: "ConfigurationError", message: `Broken: ${what}` }
  }
})

const obey = (
  order: string,
  seen: ReadonlyArray<string>
): Effect.Effect<Action.Step<typeof State.Type>, Broken | Away> => {
  switch (order) {
    case "done":
      return Effect.succeed(Action.Step.Done({ message: seen.join() }))
    case "continue":
    case "continue, for ten minutes":
      return Effect.succeed(Action.Step.Continue({ message: "later", externalExecutionId: "e", state: { seen } }))
    case "start again":
      return Effect.succeed(Action.Step.StartAgain({ message: "later" }))
    case "too much state":
      return Effect.succeed(Action.Step.Continue({ message: "later", state: { seen: ["x".repeat(3_000)] } }))
    case "too many variables":
      return Effect.succeed(Action.Step.Done({ message: "", outputVariables: { a: "x".repeat(200_000) } }))
    case "long words":
      return Effect.fail(new Broken({ what: "x".repeat(10_000) }))
    case "die":
      return Effect.die(new Error("a secret of the program"))
    case "die of an object":
      return Effect.die({ request: { password: "hunter2" } })
    case "die of an object that cannot be read":
      return Effect.die(new Proxy({}, { get: () => assert.fail("trap"), ownKeys: () => assert.fail("trap") }))
    case "quote the credentials":
      return Effect.fail(new Broken({ what: credentialWords }))
    case "succeed with the credentials": {
      const progress = { message: credentialWords, externalExecutionId: credentialWords }
      return Effect.succeed(Action.Step.Done({ ...progress, outputVariables: { a: credentialWords } }))
    }
    case "continue with half a character": {
      const progress = { message: credentialWords, externalExecutionId: credentialWords }
      return Effect.succeed(Action.Step.Continue({ ...progress, state: { seen: [...seen, "\ud800"] } }))
    }
    case "unavailable":
      return Effect.fail(new Away())
    case "never":
      return Effect.never
    case "interrupt":
      return Effect.interrupt
    default:
      return Effect.fail(new Broken({ what: order }))
  }
}

const sessionToken = "token/of+the/job=="

const credentialWords = `the token ${sessionToken} \ud800`

const event = (id: string, order: string, continuationToken?: string): JobEvent =>
  deployEvent({ id, userParameters: order, ...(continuationToken !== undefined && { continuationToken }) })

const run = (event: unknown) => drive(JobRunner.run(Obedient, event))

const refusal = { operation: "codepipeline:PutJobSuccessResult", code: "No", detail: "no" }

const reported = CodePipelineMemory.useSync(({ outcomes }) => [...outcomes])

/** All log lines, at any level, as in the log of a Lambda function. */
class Lines extends Context.Service<Lines, Array<string>>()("effect-codepipeline/test/Lines") {
  static readonly layer = Layer.unwrap(Effect.sync(() => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
    return Layer.mergeAll(
      Layer.succeed(Lines, lines),
      Logger.layer([logger]),
      Layer.succeed(References.MinimumLogLevel, "All")
    )
  }))
}

describe("JobRunner", () => {
  it.effect("the result of an action is reported", () =>
    Effect.gen(function*() {
      const outcome = yield* run(event("1", "done"))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "1", percentComplete: 100 })
      assert.deepStrictEqual(yield* reported, [[JobId.make("1"), outcome]])
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("each job receives the state of the previous one, and all have the id of the first job", () =>
    Effect.gen(function*() {
      const first = yield* run(event("1", "continue"))
      const second = yield* run(event("2", "continue", tokenOf(first)))
      const third = yield* run(event("3", "done", tokenOf(second)))
      assert.strictEqual(third.message, "1,2,3")
      assert.deepInclude(JSON.parse(tokenOf(second)), { action: "obedient", version: 1 })
      assert.deepStrictEqual(JSON.parse(tokenOf(second)).execution, { firstJobId: "1", startedAt: 0, attempt: 2 })
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("an action that started no operation is started again by the next job", () =>
    Effect.gen(function*() {
      const first = yield* run(event("1", "start again"))
      assert.strictEqual((yield* run(event("2", "done", tokenOf(first)))).message, "2")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("an action recovers without a state if another action or another program wrote the token", () =>
    Effect.gen(function*() {
      const other = tokenOf(yield* run(event("1", "continue"))).replace("obedient", "disobedient")
      assert.strictEqual((yield* run(event("2", "done", other))).message, "unknown,2")
      assert.strictEqual((yield* run(event("3", "done", "{\"previous_job_id\":\"2\"}"))).message, "unknown,3")
      const odd = tokenOf(yield* run(event("4", "continue"))).replace("[\"4\"]", "4")
      assert.strictEqual((yield* run(event("5", "done", odd))).message, "unknown,5")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect.each<readonly [order: string, type: FailureType, message: string]>([
    ["fail", "ConfigurationError", "Broken: fail"],
    ["too much state", "JobFailed", "The state of action \"obedient\" needs a continuation token of"],
    ["too many variables", "JobFailed", "they have 200001 bytes, CodePipeline allows 122880"],
    ["fail without words", "JobFailed", "The action failed unexpectedly"],
    ["die", "JobFailed", "The action failed unexpectedly; the log of the Lambda function has the details"],
    ["interrupt", "JobFailed", "The action failed unexpectedly; the log of the Lambda function has the details"]
  ])("an action that ends by \"%s\" is reported as %s", ([order, type, message]) =>
    Effect.gen(function*() {
      const outcome = yield* run(event("1", order))
      assert.deepInclude(outcome, { _tag: "Failed", type })
      assert.include(outcome.message, message)
      assert.lengthOf(yield* reported, 1)
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  describe("during an outage of a system that the action needs,", () => {
    it.effect("the next job resumes from the starting point of this one", () =>
      Effect.gen(function*() {
        const first = yield* run(event("1", "continue"))
        const second = yield* run(event("2", "unavailable", tokenOf(first)))
        assert.strictEqual(second.message, "Trying again: Nobody is there")
        const third = yield* run(event("3", "done", tokenOf(second)))
        assert.strictEqual(third.message, "1,3")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))

    it.effect("an action that had not started is started again, and one whose state is unknown recovers again", () =>
      Effect.gen(function*() {
        const fresh = yield* run(event("1", "unavailable"))
        assert.strictEqual((yield* run(event("2", "done", tokenOf(fresh)))).message, "2")
        const unknown = yield* run(event("3", "unavailable", "a token of somebody else"))
        assert.strictEqual((yield* run(event("4", "done", tokenOf(unknown)))).message, "unknown,4")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))

    it.effect("the action fails after one hour", () =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 day")
        const first = yield* run(event("1", "unavailable"))
        yield* TestClock.adjust("59 minutes")
        const second = yield* run(event("2", "unavailable", tokenOf(first)))
        yield* TestClock.adjust("1 minute")
        const third = yield* run(event("3", "unavailable", tokenOf(second)))
        assert.deepInclude(third, { _tag: "Failed", type: "SystemUnavailable", message: "Nobody is there" })
      }).pipe(Effect.provide(CodePipelineMemory.layer)))

    it.effect("the action continues from a state of the maximum size", () =>
      Effect.gen(function*() {
        yield* TestClock.adjust("20000 days")
        const Large = Action.make({
          name: "large",
          parameters: Schema.FiniteFromString,
          state: Schema.String,
          start: ({ parameters }) =>
            Effect.succeed(Action.Step.Continue({ message: "", state: "x".repeat(parameters) })),
          resume: () => Effect.fail(new Away())
        })({ Away: "SystemUnavailable" })
        const id = "6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b10"
        const most = 1_853 - "large".length - "\"\"".length
        let outcome = yield* JobRunner.run(Large, event(id, `${most}`))
        for (let job = 0; job < 20; job++) {
          outcome = yield* JobRunner.run(Large, event(`${job}`, `${most}`, tokenOf(outcome)))
        }
        assert.strictEqual(outcome.message, "Trying again (20): Away")
        const refused = yield* JobRunner.run(Large, event(id.replace("6", "7"), `${most + 1}`))
        assert.include(refused.message, "needs a continuation token of 2049 characters")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))

    it.effect("the message counts the jobs without an answer", () =>
      Effect.gen(function*() {
        const first = yield* run(event("1", "unavailable"))
        const second = yield* run(event("2", "unavailable", tokenOf(first)))
        assert.strictEqual(second.message, "Trying again (2): Nobody is there")
        assert.deepInclude(JSON.parse(tokenOf(second)).execution, { unavailable: { since: 0, jobs: 2 } })
        const third = yield* run(event("3", "continue", tokenOf(second)))
        assert.notProperty(JSON.parse(tokenOf(third)).execution, "unavailable")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))

    it.effect("one usable answer restarts the hour", () =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 day")
        const first = yield* run(event("1", "unavailable"))
        yield* TestClock.adjust("59 minutes")
        const second = yield* run(event("2", "continue", tokenOf(first)))
        yield* TestClock.adjust("59 minutes")
        const third = yield* run(event("3", "unavailable", tokenOf(second)))
        assert.strictEqual(third._tag, "Continued")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))
  })

  describe("before the time of the function is over:", () => {
    it.effect.each<readonly [remainingMillis: number, millis: number]>([
      [900_000, 897_000],
      [60_000, 57_000],
      [3_000, 2_250],
      [100, 75]
    ])(
      "with %i ms, a running action is interrupted after %i ms and continues in the next job",
      ([remainingMillis, millis]) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(JobRunner.run(Obedient, event("1", "never"), { remainingMillis }))
          yield* TestClock.adjust(millis - 1)
          assert.isEmpty(yield* reported)
          yield* TestClock.adjust(1)
          const outcome = yield* Fiber.join(fiber)
          assert.include(outcome.message, "Trying again: The Lambda function ran out of time")
          assert.strictEqual((yield* run(event("2", "done", tokenOf(outcome)))).message, "2")
        }).pipe(Effect.provide(CodePipelineMemory.layer))
    )

    it.effect.each<readonly [remainingMillis: number, callDeadline: number, reportDeadline: number]>([
      [900_000, 896_700, 899_900],
      [60_000, 56_700, 59_900],
      [3_000, 2_175, 2_970],
      [100, 72.5, 99],
      [Infinity, Infinity, Infinity]
    ])(
      "with %d ms, AWS calls of the action time out after %d ms and those of the report after %d ms",
      ([remainingMillis, callDeadline, reportDeadline]) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("1 day")
          const now = yield* Clock.currentTimeMillis
          const deadlines: Array<number> = []
          const note = Effect.map(Deadline, (deadline) => void deadlines.push(deadline - now))
          const Noting = Action.makeStateless({
            name: "noting",
            parameters: Schema.String,
            start: () => Effect.as(note, Action.Step.Done({ message: "" }))
          })({})
          const noting = Layer.succeed(CodePipeline, { report: () => note })
          yield* JobRunner.run(Noting, event("1", ""), { remainingMillis }).pipe(Effect.provide(noting))
          assert.deepStrictEqual(deadlines, [callDeadline, reportDeadline])
        })
    )

    it.effect("an interrupted action resumes from the state that it left", () =>
      Effect.gen(function*() {
        const first = yield* run(event("1", "continue"))
        const never = JobRunner.run(Obedient, event("2", "never", tokenOf(first)), { remainingMillis: 1_000 })
        const second = yield* drive(never, "100 millis")
        assert.strictEqual((yield* run(event("3", "done", tokenOf(second)))).message, "1,3")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))
  })

  describe("at its timeout", () => {
    it.effect.each<readonly [order: string, minutes: number]>([
      ["continue, for ten minutes", 10],
      ["continue", 1_410]
    ])(
      "an action that would continue fails with the message of what it was waiting for: %s",
      ([order, minutes]) =>
        Effect.gen(function*() {
          const first = yield* run(event("1", order))
          yield* TestClock.adjust(Duration.minutes(minutes - 1))
          const second = yield* run(event("2", order, tokenOf(first)))
          yield* TestClock.adjust("1 minute")
          const third = yield* run(event("3", order, tokenOf(second)))
          assert.deepInclude(third, { _tag: "Failed", type: "JobFailed", externalExecutionId: "e" })
          assert.strictEqual(
            third.message,
            `The action did not complete within ${minutes} minutes. Operations that it started continue without it. It was waiting for this: later`
          )
        }).pipe(Effect.provide(CodePipelineMemory.layer))
    )

    it.effect("an action can still succeed", () =>
      Effect.gen(function*() {
        const first = yield* run(event("1", "continue, for ten minutes"))
        yield* TestClock.adjust("1 day")
        assert.strictEqual((yield* run(event("2", "done", tokenOf(first)))).message, "1,2")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))

    it.effect("an action does not wait for the end of an outage", () =>
      Effect.gen(function*() {
        const first = yield* run(event("1", "continue, for ten minutes"))
        yield* TestClock.adjust("1410 minutes")
        const second = yield* run(event("2", "unavailable", tokenOf(first)))
        assert.deepInclude(second, { _tag: "Failed", type: "JobFailed" })
        assert.include(second.message, "It was waiting for this: Trying again: Nobody is there")
      }).pipe(Effect.provide(CodePipelineMemory.layer)))
  })

  describe("a throttled report", () => {
    it.effect.each([100, 3_000, 60_000, 900_000])(
      "is retried until the time of the function is over, and then the run fails: %i ms",
      (remainingMillis) =>
        Effect.gen(function*() {
          yield* CodePipelineMemory.use(({ throttle }) => throttle(1_000))
          const exit = yield* drive(
            Effect.flip(JobRunner.run(Obedient, event("1", "done"), { remainingMillis })),
            "10 millis"
          )
          assert.strictEqual(exit._tag, "AwsUnavailable")
          const end = yield* Clock.currentTimeMillis
          assert.isTrue(end < remainingMillis && end > remainingMillis - 6_500)
          assert.isEmpty(yield* reported)
        }).pipe(Effect.provide(CodePipelineMemory.layer))
    )

    it.effect("does not prevent the report of the next delivery", () =>
      Effect.gen(function*() {
        yield* CodePipelineMemory.use(({ throttle }) => throttle(1_000))
        yield* drive(Effect.flip(JobRunner.run(Obedient, event("1", "done"), { remainingMillis: 3_000 })), "10 millis")
        yield* CodePipelineMemory.use(({ throttle }) => throttle(0))
        const outcome = yield* run(event("1", "done"))
        assert.deepStrictEqual(yield* reported, [[JobId.make("1"), outcome]])
      }).pipe(Effect.provide(CodePipelineMemory.layer)))
  })

  it.effect("a failure message is cut to the maximum length of CodePipeline", () =>
    Effect.gen(function*() {
      const { message } = yield* run(event("1", "long words"))
      assert.lengthOf(message, 5_000)
      assert.isTrue(message.endsWith("… (cut)"))
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("a defect of an action is logged with its details", () =>
    Effect.gen(function*() {
      yield* run(event("1", "die"))
      const line = (yield* Lines).find((line) => line.includes("\"ERROR\""))
      assert.include(line, "The action has a bug")
      assert.include(line, "a secret of the program")
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Lines.layer))))

  it.effect("a defect that is no error is logged by its shape", () =>
    Effect.gen(function*() {
      yield* run(event("1", "die of an object"))
      const line = (yield* Lines).find((line) => line.includes("\"ERROR\""))
      assert.include(line, "NotAnError: Object { request }")
      assert.notInclude(line, "hunter2")
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Lines.layer))))

  it.effect("a defect that cannot be logged does not prevent the report", () =>
    Effect.gen(function*() {
      const outcome = yield* run(event("1", "die of an object that cannot be read"))
      assert.include(outcome.message, "The action failed unexpectedly")
      assert.lengthOf(yield* reported, 1)
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Lines.layer))))

  it.effect("a report has no credentials of the event, and is well-formed Unicode", () =>
    Effect.gen(function*() {
      const artifactCredentials = { accessKeyId: "ASIAOFTHEJOB", secretAccessKey: "secret-of-the-job", sessionToken }
      const { message } = yield* run(deployEvent({ userParameters: "quote the credentials", artifactCredentials }))
      assert.strictEqual(message, "Broken: the token (hidden) \ufffd")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("every text of a success and of a continuation has no credentials, and is well-formed Unicode", () =>
    Effect.gen(function*() {
      const artifactCredentials = { accessKeyId: "ASIAOFTHEJOB", secretAccessKey: "secret-of-the-job", sessionToken }
      const words = "the token (hidden) \ufffd"
      const runWith = (userParameters: string) => run(deployEvent({ id: "1", userParameters, artifactCredentials }))
      const texts = { message: words, externalExecutionId: words }
      assert.deepInclude(yield* runWith("succeed with the credentials"), { ...texts, outputVariables: { a: words } })
      const continued = yield* runWith("continue with half a character")
      assert.deepInclude(continued, texts)
      assert.notMatch(tokenOf(continued), /\p{Surrogate}/u)
      assert.strictEqual((yield* run(event("2", "done", tokenOf(continued)))).message, "1,\ufffd,2")
      assert.notMatch((yield* Lines).join(), /\p{Surrogate}/u)
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Lines.layer))))

  it.effect("an invalid event that names a job is reported as a failure of the job", () =>
    Effect.gen(function*() {
      const outcome = yield* run(readEvent("input-artifact-without-location"))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "inputArtifacts[0].location.s3Location\" is missing")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("the run fails on an event that names no job", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(run(readEvent("not-a-job")))
      assert.strictEqual(error._tag, "NotAJobEvent")
      assert.isEmpty(yield* reported)
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect.each(["JobNotFoundException", "InvalidJobStateException"] as const)(
    "the run succeeds if CodePipeline does not wait for the result any more: %s",
    (reason) =>
      Effect.gen(function*() {
        yield* CodePipelineMemory.use(({ close }) => close(JobId.make("1"), reason))
        yield* run(event("1", "fail"))
        yield* run(event("1", "done"))
        assert.isEmpty(yield* reported)
      }).pipe(Effect.provide(CodePipelineMemory.layer))
  )

  it.effect.each(["OutputVariablesSizeExceededException", "ValidationException"])(
    "a success that CodePipeline rejects as invalid is reported as a failure: %s",
    (code) =>
      Effect.gen(function*() {
        const taken: Array<JobOutcome> = []
        const refusing = Layer.succeed(CodePipeline, {
          report: (_, outcome) =>
            outcome._tag === "Failed"
              ? Effect.sync(() => void taken.push(outcome))
              : Effect.fail(new AwsRejected({ ...refusal, code }))
        })
        yield* run(event("1", "done")).pipe(Effect.provide(refusing))
        assert.deepInclude(taken[0], { _tag: "Failed", type: "JobFailed" })
        assert.include(taken[0]?.message, code)
        assert.lengthOf(taken, 1)
      })
  )

  it.effect("a failure is reported once, even if CodePipeline rejects it", () =>
    Effect.gen(function*() {
      const tried: Array<JobOutcome> = []
      const error = new AwsRejected({ ...refusal, code: "ValidationException" })
      const refusing = Layer.succeed(CodePipeline, {
        report: (_, outcome) => Effect.andThen(Effect.sync(() => tried.push(outcome)), Effect.fail(error))
      })
      assert.strictEqual(yield* Effect.flip(run(event("1", "fail")).pipe(Effect.provide(refusing))), error)
      assert.lengthOf(tried, 1)
    }))

  it.effect("a part of the state that only serves messages is omitted and logged if it does not encode", () =>
    Effect.gen(function*() {
      const Careless = Action.make({
        name: "careless",
        parameters: Schema.String,
        state: Schema.Struct({ seen: Schema.String, progress: Action.bestEffort(Schema.Struct({ at: Schema.Int })) }),
        start: ({ job }) =>
          Effect.succeed(Action.Step.Continue({ message: "later", state: { seen: job.id, progress: { at: 1.5 } } })),
        resume: (_, state) => Effect.succeed(Action.Step.Done({ message: JSON.stringify(state) }))
      })({})
      const first = yield* JobRunner.run(Careless, event("1", ""))
      assert.strictEqual((yield* JobRunner.run(Careless, event("2", "", tokenOf(first)))).message, "{\"seen\":\"1\"}")
      const odd = tokenOf(first).replace("\"seen\":\"1\"", "\"seen\":\"1\",\"progress\":{\"at\":\"x\"}")
      assert.strictEqual((yield* JobRunner.run(Careless, event("3", "", odd))).message, "{\"seen\":\"1\"}")
      const warnings = (yield* Lines).filter((line) => line.includes("\"WARN\"")).map((line) => JSON.parse(line))
      assert.deepStrictEqual(warnings.map(({ annotations: { jobId } }) => jobId), ["1", "3"])
      for (const { message } of warnings) {
        assert.match(
          String(message),
          /^A part of the state that only serves messages is omitted: Expected .*\n\s*at \["at"\]/
        )
      }
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Lines.layer))))

  it.effect("the log names each start, end and outage of a job, with the job and the execution", () =>
    Effect.gen(function*() {
      const first = yield* run(event("1", "unavailable"))
      yield* run(event("2", "done", tokenOf(first)))
      yield* run(event("3", "fail"))
      const lines = (yield* Lines).map((line) => JSON.parse(line))
      const told = lines.map(({ annotations, level, message }) => [annotations.jobId, level, String(message)])
      assert.deepStrictEqual(told, [
        ["1", "INFO", "Job started"],
        ["1", "WARN", "The job continues later: Nobody is there"],
        ["1", "INFO", "Job reported"],
        ["2", "INFO", "Job started"],
        ["2", "INFO", "Job reported"],
        ["3", "INFO", "Job started"],
        ["3", "WARN", "The action failed"],
        ["3", "INFO", "Job reported"]
      ])
      assert.deepInclude(lines[3]?.annotations, { action: "obedient", firstJobId: "1", attempt: 2 })
      assert.deepInclude(lines[4]?.annotations, { outcome: "Succeeded", summary: "2" })
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Lines.layer))))

  describe.each([new AwsUnavailable(refusal), new AwsDenied(refusal), new AwsRejected(refusal)])(
    "if the report fails with $_tag,",
    (error) => {
      it.effect.each(["done", "continue", "fail"])(
        "the run fails and makes no other report: %s",
        (order) =>
          Effect.gen(function*() {
            const tried: Array<JobOutcome> = []
            const refusing = Layer.succeed(CodePipeline, {
              report: (_, outcome) => Effect.andThen(Effect.sync(() => tried.push(outcome)), Effect.fail(error))
            })
            const failure = yield* Effect.flip(run(event("1", order)).pipe(Effect.provide(refusing)))
            assert.strictEqual(failure, error)
            const tags = { done: "Succeeded", continue: "Continued", fail: "Failed" }
            assert.deepStrictEqual(tried.map(({ _tag }) => _tag), [tags[order as keyof typeof tags]])
          })
      )
    }
  )
})

/** Has inline functions, and a different error in each. */
const Careful = Action.make({
  name: "careful",
  parameters: UserParameters.json({ order: Schema.String }),
  state: State,
  start: Effect.fn("Careful.start")(function*({ job, parameters }) {
    if (parameters.order === "") return yield* new Away()
    return Action.Step.Continue({ message: "begun", state: { seen: [job.id] } })
  }),
  resume: ({ parameters }, { seen }) =>
    Effect.gen(function*() {
      if (parameters.order !== seen[0]) return yield* new Broken({ what: parameters.order })
      return Action.Step.Done({ message: "" })
    }),
  recover: () => Effect.fail(new Unclear())
})

class Unclear extends Schema.TaggedError<Unclear>()("Unclear", {}) {}

const DeadEnd = Action.make({
  name: "dead-end",
  parameters: Schema.String,
  state: State,
  start: ({ job }) => Effect.succeed(Action.Step.Continue({ message: "", state: { seen: [job.id] } })),
  resume: () => Effect.fail(new Broken({ what: "" }))
})

const Hasty = Action.makeStateless({
  name: "hasty",
  parameters: Schema.String,
  start: ({ parameters }) =>
    parameters === "" ? Effect.fail(new Away()) : Effect.succeed(Action.Step.Done({ message: "" }))
})

/** Begins a machine; its UserParameters say what becomes of it and of its end. */
const Machine = (stopped: Array<string>) =>
  Action.make({
    name: "machine",
    parameters: Schema.String,
    state: State,
    timeout: () => Duration.minutes(10),
    start: ({ job, parameters }) => obey(parameters, [job.id]),
    resume: ({ job, parameters }, { seen }) => obey(parameters.split("; ")[0] ?? "", [...seen, job.id]),
    onFailure: ({ execution, parameters }, { seen }, { isTimeout }) =>
      Effect.gen(function*() {
        stopped.push(`${execution.firstJobId}: ${seen.join()}${isTimeout ? " (timeout)" : ""}`)
        const [, order = "done", remark] = parameters.split("; ")
        yield* obey(order, seen)
        return remark
      })
  })({ Away: "SystemUnavailable", Broken: ({ what }) => ({ type: "JobFailed", message: what }) })

describe("onFailure", () => {
  const begin = Effect.fnUntraced(function*(stopped: Array<string>) {
    const machine = Machine(stopped)
    return { machine, token: tokenOf(yield* JobRunner.run(machine, event("1", "continue"))) }
  })

  it.effect.each<readonly [order: string, message: string]>([
    ["fail", "fail"],
    ["die", "The action failed unexpectedly"],
    ["fail; fail", "fail"],
    ["fail; die", "fail"]
  ])(
    "gets the last state of an action that ends by \"%s\", and its failure is reported",
    ([order, message]) =>
      Effect.gen(function*() {
        const stopped: Array<string> = []
        const { machine, token } = yield* begin(stopped)
        const outcome = yield* JobRunner.run(machine, event("2", order, token))
        assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
        assert.include(outcome.message, message)
        assert.deepStrictEqual(stopped, ["1: 1"])
      }).pipe(Effect.provide(CodePipelineMemory.layer))
  )

  it.effect("gets the newest state of an action that reaches its timeout", () =>
    Effect.gen(function*() {
      const stopped: Array<string> = []
      const { machine, token } = yield* begin(stopped)
      yield* TestClock.adjust("10 minutes")
      const outcome = yield* JobRunner.run(machine, event("2", "continue", token))
      assert.include(
        outcome.message,
        "did not complete within 10 minutes. Operations that it started continue without it"
      )
      assert.deepStrictEqual(stopped, ["1: 1,2 (timeout)"])
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("adds a sentence to the message of the failure, on what it has done", () =>
    Effect.gen(function*() {
      const { machine, token } = yield* begin([])
      const failed = yield* JobRunner.run(machine, event("2", "fail; done; The machine is off", token))
      assert.strictEqual(failed.message, "fail. The machine is off")
      const defect = yield* JobRunner.run(machine, event("3", "die; done; The machine is off", token))
      assert.strictEqual(
        defect.message,
        "The action failed unexpectedly; the log of the Lambda function has the details"
      )
      yield* TestClock.adjust("10 minutes")
      const late = yield* JobRunner.run(machine, event("4", "continue; done; The machine is off", token))
      assert.match(
        late.message,
        /^The action did not complete within 10 minutes\. The machine is off\. It was waiting for this: /
      )
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("is not called before there is a state, while the action continues, nor after it is done", () =>
    Effect.gen(function*() {
      const stopped: Array<string> = []
      const { machine, token } = yield* begin(stopped)
      yield* JobRunner.run(machine, event("2", "unavailable", token))
      yield* JobRunner.run(machine, event("3", "done", token))
      yield* JobRunner.run(machine, event("4", "too many variables", token))
      yield* JobRunner.run(machine, event("5", "fail"))
      assert.deepStrictEqual(stopped, [])
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("has the time that the action has left", () =>
    Effect.gen(function*() {
      const stopped: Array<string> = []
      const { machine, token } = yield* begin(stopped)
      const fiber = yield* JobRunner.run(machine, event("2", "fail; never", token), { remainingMillis: 60_000 }).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("57 seconds")
      const outcome = yield* Fiber.join(fiber)
      assert.deepInclude(outcome, { _tag: "Failed", message: "fail" })
      assert.deepStrictEqual(stopped, ["1: 1"])
    }).pipe(Effect.provide(CodePipelineMemory.layer)))
})

describe("a custom action", () => {
  it("does not compile if an error has no failure", () => {
    Careful({ Away: "JobFailed", Broken: ({ what }) => ({ type: "JobFailed", message: what }), Unclear: "JobFailed" })
    // @ts-expect-error Away is an error of start
    Careful({ Broken: "JobFailed", Unclear: "JobFailed" })
    // @ts-expect-error Broken is an error of resume
    Careful({ Away: "JobFailed", Unclear: "JobFailed" })
    // @ts-expect-error Unclear is an error of recover
    Careful({ Away: "JobFailed", Broken: "JobFailed" })
    // @ts-expect-error Gone is no error of the action
    Careful({ Away: "JobFailed", Broken: "JobFailed", Unclear: "JobFailed", Gone: "JobFailed" })
    // @ts-expect-error Gone is no error of the action, beside those that are spread
    Careful({ ...Action.awsFailures, Away: "JobFailed", Broken: "JobFailed", Unclear: "JobFailed", Gone: "JobFailed" })
    // @ts-expect-error no such failure
    Careful({ Away: "Sorry", Broken: "JobFailed", Unclear: "JobFailed" })
    Hasty({ Away: "JobFailed" })
    // @ts-expect-error Away is an error of start
    Hasty({})
  })

  it.effect("without recover fails on the token of another program", () =>
    Effect.gen(function*() {
      const foreign = event("1", "x", "a token of somebody else")
      const outcome = yield* JobRunner.run(Hasty({ Away: "JobFailed" }), foreign)
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "was written by another program, or by another version of action \"hasty\"")
      const first = yield* JobRunner.run(DeadEnd({ Broken: "JobFailed" }), event("2", "x"))
      const odd = tokenOf(first).replace("[\"2\"]", "2")
      const second = yield* JobRunner.run(DeadEnd({ Broken: "JobFailed" }), event("3", "x", odd))
      assert.include(second.message, "was written by another program, or by another version of action \"dead-end\"")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("fails in general words on an error that its table does not have", () =>
    Effect.gen(function*() {
      const outcome = yield* JobRunner.run(Hasty({} as never), event("1", ""))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "The action failed unexpectedly")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("fails with the tag of an error that has no message", () =>
    Effect.gen(function*() {
      const outcome = yield* JobRunner.run(Hasty({ Away: "PermissionError" }), event("1", ""))
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError", message: "Away" })
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("may have errors with the tags and of the classes of the runner's own errors", () =>
    Effect.gen(function*() {
      class OutOfTime extends Schema.TaggedError<OutOfTime>()("OutOfTime", {}) {}
      const timedOut = new JobRunner.TimedOut({ minutes: 1, waitedFor: "x", externalExecutionId: undefined })
      const Namesake = Action.makeStateless({
        name: "namesake",
        parameters: Schema.String,
        start: ({ parameters }) => Effect.fail(parameters === "own" ? new OutOfTime() : timedOut)
      })({
        OutOfTime: "PermissionError",
        TimedOut: () => ({ type: "SystemUnavailable", message: "the vault did not open" })
      })
      assert.deepInclude(yield* JobRunner.run(Namesake, event("1", "own")), { type: "PermissionError" })
      assert.deepInclude(yield* JobRunner.run(Namesake, event("2", "runner's")), {
        _tag: "Continued",
        message: "Trying again: the vault did not open"
      })
    }).pipe(Effect.provide(CodePipelineMemory.layer)))

  it.effect("can have JSON as UserParameters", () =>
    Effect.gen(function*() {
      const Greeting = Action.makeStateless({
        name: "greeting",
        parameters: UserParameters.json({ name: Schema.NonEmptyString }),
        start: ({ parameters: { name } }) => Effect.succeed(Action.Step.Done({ message: `Hello ${name}` }))
      })({})
      const outcome = yield* JobRunner.run(Greeting, event("1", "{\"name\":\"you\"}"))
      assert.strictEqual(outcome.message, "Hello you")
    }).pipe(Effect.provide(CodePipelineMemory.layer)))
})

describe("for any event,", () => {
  const services = Layer.merge(world(), Lines.layer)

  /** There is one result for the event's job, or a typed error, and no secret in reports and logs. */
  const holds = (event: unknown) =>
    Effect.gen(function*() {
      const exit = yield* Effect.result(drive(JobRunner.run(DeployStack, event)))
      const outcomes = yield* reported
      assert.lengthOf(outcomes, exit._tag === "Success" ? 1 : 0)
      const told = JSON.stringify([outcomes, exit, yield* Lines])
      for (const secret of secrets) assert.notInclude(told, JSON.stringify(secret).slice(1, -1))
    }).pipe(Effect.provide(services, { local: true }))

  it.effect.each(eventNames)(
    "there is one result or a typed error, and no secret: %s",
    (name) => holds(readEvent(name))
  )

  it.effect.prop(
    "there is one result or a typed error, if it is any JSON",
    [Schema.Json],
    ([json]) => holds(json)
  )

  it.effect.prop(
    "there is one result or a typed error, and no secret, if any part of a job is any JSON",
    [Schema.Literals(pathsOf(deployEvent())), Schema.Json],
    ([path, json]) => holds(replaceAt(deployEvent(), path.split("/"), json))
  )
})

function pathsOf(value: unknown): ReadonlyArray<string> {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key].concat(pathsOf(inner).map((rest) => `${key}/${rest}`)))
}

function replaceAt(value: unknown, [key, ...rest]: ReadonlyArray<string>, json: unknown): unknown {
  if (key === undefined) return json
  if (Array.isArray(value)) return Arr.replace(value, Number(key), replaceAt(value[Number(key)], rest, json))
  const object = value as Record<string, unknown>
  return { ...object, [key]: replaceAt(object[key], rest, json) }
}
