// The built function deploy-stack-set between servers that speak AWS's protocols.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readEntry } from "../../src/internal/zipEntry.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { S3Server } from "../contract/S3Server.ts"
import { denied, signedBy } from "../contract/server.ts"
import { StackSetsServer } from "../contract/StackSetsServer.ts"
import { readEvent, sampleTemplate } from "../fixtures.ts"
import { assertClean, buildFunction, lastReport, timeout } from "./builtFunction.ts"

const deployStackSet = buildFunction("deploy-stack-set")

const bucket = "codepipeline-us-east-1-123456789012"
const resultKey = "MyPipeline/Result/xY7zW9q.zip"

const aws = Layer.mergeAll(S3Server.layer, StackSetsServer.layer, CodePipelineServer.layer)

const startFunction = Effect.gen(function*() {
  const s3 = yield* S3Server
  const { endpoint } = yield* StackSetsServer
  const zip = yield* zipFiles({ "template-package/template.json": sampleTemplate })
  yield* s3.put(bucket, "MyPipeline/MyTemplate/aB3dE5f.zip", zip)
  return yield* deployStackSet.start({
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint
  })
})

/** The event of `events/deploy-stack-set.json`, with an output artifact. */
const eventOf = (id: string, continuationToken?: unknown) => {
  const { "CodePipeline.job": job } = readEvent("deploy-stack-set")
  const location = { type: "S3", s3Location: { bucketName: bucket, objectKey: resultKey } }
  const outputArtifacts = [{ name: "Result", location }]
  return { "CodePipeline.job": { ...job, id, data: { ...job.data, outputArtifacts, continuationToken } } }
}

/** The event that CodePipeline sends after the last report. */
const nextEvent = (id: string) =>
  Effect.map(lastReport, ({ parameters: { continuationToken } }) => eventOf(id, continuationToken))

const summary = Effect.map(lastReport, ({ parameters }) => parameters["executionDetails"])

describe("the built function deploy-stack-set", () => {
  it.live(
    "creates a stack set with instances in two accounts and two regions over several jobs",
    () =>
      Effect.gen(function*() {
        const { calls, end: endOperation } = yield* StackSetsServer
        const s3 = yield* S3Server
        const { end, invoke } = yield* startFunction

        yield* invoke(eventOf("job-1"))
        assert.deepInclude(yield* summary, {
          summary: "Stack set update started",
          externalExecutionId: "MyStackSet:5c36ae10-1b4f-11f0-8d4e-000000000000"
        })
        yield* endOperation()
        yield* invoke(yield* nextEvent("job-2"))
        assert.deepInclude(yield* summary, {
          summary: "Creation of instances started: 4 instances",
          percentComplete: 0
        })
        yield* invoke(yield* nextEvent("job-3"))
        assert.deepInclude(yield* summary, {
          summary: "Creation of instances still in progress: RUNNING, 0 of 4 instances, now eu-west-1"
        })
        yield* endOperation()
        assert.deepNestedInclude(yield* invoke(yield* nextEvent("job-4")), { "resolved._tag": "Succeeded" })
        assert.deepStrictEqual(yield* lastReport, {
          operation: "PutJobSuccessResult",
          parameters: {
            jobId: "job-4",
            executionDetails: {
              summary: "Stack set is up to date: 4 instances",
              externalExecutionId: "MyStackSet:5c36ae10-1b4f-11f0-8d4e-000000000000",
              percentComplete: 100
            },
            outputVariables: {
              StackSetId: "MyStackSet:5c36ae10-1b4f-11f0-8d4e-000000000000",
              OperationId: "job-1-create-1",
              Succeeded: "4",
              Failed: "0"
            }
          }
        })
        const zip = yield* s3.get(bucket, resultKey)
        const tail = { size: zip.length, tail: zip, fetch: () => Effect.die("all of it is there") }
        const result = JSON.parse(Buffer.from(yield* readEntry(tail, "result.json", 100_000)).toString())
        assert.deepInclude(result, { Complete: true, Succeeded: 4, Failed: 0 })
        assert.lengthOf(result.Instances, 4)

        const create = calls.find(({ operation }) => operation === "CreateStackSet")
        assert.deepInclude(create?.parameters, { TemplateBody: sampleTemplate, ClientRequestToken: "job-1-set" })
        const createInstances = calls.find(({ operation }) => operation === "CreateStackInstances")
        assert.deepInclude(createInstances?.parameters, {
          OperationId: "job-1-create-1",
          "OperationPreferences.MaxConcurrentCount": "2",
          "OperationPreferences.FailureToleranceCount": "1"
        })
        assert.deepStrictEqual([...new Set(calls.map(({ headers }) => signedBy(headers)))], [
          "AKIAFUNCTION eu-central-1 cloudformation"
        ])
        assertClean("deploy-stack-set", yield* end, ["job-1", "job-2", "job-3", "job-4"])
      }).pipe(Effect.provide(aws)),
    timeout
  )

  it.live(
    "reports the failed instances with their reasons, and a missing permission by its name",
    () =>
      Effect.gen(function*() {
        const { answerAlways, end: endOperation } = yield* StackSetsServer
        const { end, invoke } = yield* startFunction
        yield* invoke(eventOf("job-1"))
        yield* endOperation()
        yield* invoke(yield* nextEvent("job-2"))
        yield* endOperation({ "222222222222/us-east-1": "The bucket \"a & b\" exists already" })
        yield* invoke(yield* nextEvent("job-3"))
        assert.deepStrictEqual(yield* lastReport, {
          operation: "PutJobFailureResult",
          parameters: {
            jobId: "job-3",
            failureDetails: {
              type: "JobFailed",
              message: "Creation of instances failed: FAILED\n" +
                "us-east-1/222222222222: The bucket \"a & b\" exists already\nThe operation is job-1-create-1",
              externalExecutionId: "MyStackSet:5c36ae10-1b4f-11f0-8d4e-000000000000"
            }
          }
        })
        yield* answerAlways("UpdateStackSet", denied("cloudformation:UpdateStackSet"))
        yield* invoke(eventOf("job-4"))
        assert.deepNestedInclude((yield* lastReport).parameters, { "failureDetails.type": "PermissionError" })
        assert.include(
          JSON.stringify((yield* lastReport).parameters),
          "The role of the Lambda function needs cloudformation:UpdateStackSet"
        )
        assertClean("deploy-stack-set", yield* end, ["job-1", "job-2", "job-3", "job-4"])
      }).pipe(Effect.provide(aws)),
    timeout
  )
})
