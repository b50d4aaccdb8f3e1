import { CodePipelineClient } from "@aws-sdk/client-codepipeline"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { JobId } from "../../src/domain/job/Job.ts"
import { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import { drive } from "../drive.ts"
import { CodePipelineServer } from "./CodePipelineServer.ts"
import { environment } from "./environment.ts"
import { Answer, clientOptions, denied, refused, signedBy, unavailable } from "./server.ts"

/** What a case needs besides the service. */
class World extends Context.Service<World, {
  /** CodePipeline has never heard of the job. */
  forget(jobId: JobId): Effect.Effect<void>
  /** The next calls are throttled. */
  throttle(calls: number): Effect.Effect<void>
}>()("effect-codepipeline/test/CodePipelineWorld") {}

const memory: Layer.Layer<CodePipeline | World> = Layer.effect(
  World,
  Effect.map(CodePipelineMemory, ({ close, throttle }) => ({
    forget: (jobId) => close(jobId, "JobNotFoundException"),
    throttle
  }))
).pipe(Layer.provideMerge(CodePipelineMemory.layer))

const throttled = refused("ThrottlingException", "Rate exceeded")

const service = Layer.unwrap(Effect.gen(function*() {
  const { endpoint } = yield* CodePipelineServer
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new CodePipelineClient(clientOptions(endpoint))),
    (client) => Effect.sync(() => client.destroy())
  )
  return CodePipeline.layerClient(client)
}))

const http = Layer.effect(
  World,
  Effect.map(CodePipelineServer, ({ answerNext, forget }) => ({
    forget,
    throttle: (calls) => answerNext(...Array.from({ length: calls }, () => throttled))
  }))
).pipe(Layer.merge(service), Layer.provideMerge(CodePipelineServer.layer))

const jobId = JobId.make("6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11")
const succeeded = JobOutcome.Succeeded({ message: "Stack update complete", percentComplete: 100 })
const continued = JobOutcome.Continued({ message: "Stack create started", continuationToken: "{\"version\":1}" })
const failure = JobOutcome.Failed({ type: "JobFailed", message: "Update failed: ROLLBACK_COMPLETE" })

const report = (outcome: JobOutcome, id = jobId) => CodePipeline.use((pipeline) => pipeline.report(id, outcome))

describe.each([
  { name: "in memory", world: memory },
  { name: "over HTTP", world: http }
])("CodePipeline $name", ({ world }) => {
  for (const first of [succeeded, continued, failure]) {
    it.effect(`a job accepts no second result after ${first._tag}`, () =>
      Effect.gen(function*() {
        yield* report(first)
        for (const second of [succeeded, continued, failure]) {
          const error = yield* Effect.flip(report(second))
          assert.deepInclude(error, { _tag: "JobNotOpen", jobId, code: "InvalidJobStateException" })
        }
      }).pipe(Effect.provide(world)))
  }

  it.effect("each job has its own result", () =>
    Effect.gen(function*() {
      yield* report(continued)
      yield* report(succeeded, JobId.make("another-job"))
    }).pipe(Effect.provide(world)))

  it.effect("an unknown job is not open", () =>
    Effect.gen(function*() {
      const { forget } = yield* World
      yield* forget(jobId)
      const error = yield* Effect.flip(report(failure))
      assert.deepInclude(error, { _tag: "JobNotOpen", jobId, code: "JobNotFoundException" })
    }).pipe(Effect.provide(world)))

  it.effect("a throttled report is retried until it is accepted", () =>
    Effect.gen(function*() {
      const { throttle } = yield* World
      yield* throttle(2)
      yield* drive(report(succeeded))
      const error = yield* Effect.flip(report(succeeded))
      assert.strictEqual(error._tag, "JobNotOpen")
    }).pipe(Effect.provide(world)))

  it.effect("a report that is always throttled fails, and the job stays open", () =>
    Effect.gen(function*() {
      const { throttle } = yield* World
      yield* throttle(6)
      const error = yield* drive(Effect.flip(report(failure)))
      assert.deepInclude(error, {
        _tag: "AwsUnavailable",
        operation: "codepipeline:PutJobFailureResult",
        code: "ThrottlingException",
        detail: "Rate exceeded"
      })
      yield* report(failure)
    }).pipe(Effect.provide(world)))
})

describe("CodePipeline on the wire", () => {
  const sent = [
    {
      what: "a success has its details and its variables",
      outcome: JobOutcome.Succeeded({
        message: "Stack update complete",
        externalExecutionId: "arn:stack",
        percentComplete: 100,
        outputVariables: { Url: "https://example.com/?a=1&b=ü" }
      }),
      operation: "PutJobSuccessResult",
      parameters: {
        jobId,
        executionDetails: {
          summary: "Stack update complete",
          externalExecutionId: "arn:stack",
          percentComplete: 100
        },
        outputVariables: { Url: "https://example.com/?a=1&b=ü" }
      }
    },
    {
      what: "a success without words has no summary",
      outcome: JobOutcome.Succeeded({ message: "" }),
      operation: "PutJobSuccessResult",
      parameters: { jobId, executionDetails: {} }
    },
    {
      what: "a continuation has its token and its percentage, and no variables",
      outcome: JobOutcome.Continued({
        message: "Stack create started",
        continuationToken: "{\"version\":1}",
        percentComplete: 0
      }),
      operation: "PutJobSuccessResult",
      parameters: {
        jobId,
        continuationToken: "{\"version\":1}",
        executionDetails: { summary: "Stack create started", percentComplete: 0 }
      }
    },
    {
      what: "a failure has its type, its words and its execution",
      outcome: JobOutcome.Failed({
        type: "PermissionError",
        message: "Not permitted",
        externalExecutionId: "arn:stack"
      }),
      operation: "PutJobFailureResult",
      parameters: {
        jobId,
        failureDetails: { type: "PermissionError", message: "Not permitted", externalExecutionId: "arn:stack" }
      }
    }
  ]

  it.effect.each(sent)("$what", ({ operation, outcome, parameters }) =>
    Effect.gen(function*() {
      yield* report(outcome)
      const { calls } = yield* CodePipelineServer
      assert.deepStrictEqual(calls.map((call) => call.operation), [operation])
      assert.deepStrictEqual(calls[0]?.parameters, parameters)
    }).pipe(Effect.provide(http)))

  it.effect("an invalid result is sent once and rejected, and the job stays open", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(report(JobOutcome.Continued({ message: "on", continuationToken: "" })))
      assert.deepInclude(error, { _tag: "AwsRejected", code: "ValidationException" })
      yield* report(failure)
      const { calls } = yield* CodePipelineServer
      assert.lengthOf(calls, 2)
    }).pipe(Effect.provide(http)))

  it.effect("a denied report fails with the missing permission and is not retried", () =>
    Effect.gen(function*() {
      const { answerAlways, calls } = yield* CodePipelineServer
      yield* answerAlways("PutJobSuccessResult", denied("codepipeline:PutJobSuccessResult"))
      const error = yield* Effect.flip(report(succeeded))
      assert.deepInclude(error, {
        _tag: "AwsDenied",
        operation: "codepipeline:PutJobSuccessResult",
        code: "AccessDenied"
      })
      assert.lengthOf(calls, 1)
    }).pipe(Effect.provide(http)))

  it.effect("a report is retried after a server error and after a reset connection", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CodePipelineServer
      yield* answerNext(unavailable, Answer.Cut())
      yield* drive(report(succeeded))
      assert.lengthOf(calls, 3)
    }).pipe(Effect.provide(http)))

  it.effect("the layer reads region, endpoint and credentials from the environment", () =>
    Effect.gen(function*() {
      const { calls, endpoint } = yield* CodePipelineServer
      yield* report(succeeded).pipe(
        Effect.provide(Layer.provide(
          CodePipeline.layer,
          environment({
            AWS_REGION: "sa-east-1",
            AWS_ENDPOINT_URL_CODEPIPELINE: endpoint,
            AWS_ACCESS_KEY_ID: "AKIAENVIRONMENT",
            AWS_SECRET_ACCESS_KEY: "secret"
          })
        ))
      )
      assert.deepStrictEqual(
        calls.map(({ headers }) => signedBy(headers)),
        ["AKIAENVIRONMENT sa-east-1 codepipeline"]
      )
    }).pipe(Effect.provide(CodePipelineServer.layer)))
})
