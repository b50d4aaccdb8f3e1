import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFile } from "node:fs/promises"
import type { IncomingHttpHeaders } from "node:http"
import { join } from "node:path"
import { readEntry } from "../../src/internal/zipEntry.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { CloudFormationServer } from "../contract/CloudFormationServer.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { accessDenied, type S3Request, S3Server } from "../contract/S3Server.ts"
import { refused, signedBy } from "../contract/server.ts"
import { accessKeyOf, notAuthorized, sessionSecrets, StsServer } from "../contract/StsServer.ts"
import { deployEvent, readEvent, sampleTemplate } from "../fixtures.ts"
import { rawZip } from "../internal/rawZip.ts"
import { assertClean, buildFunction, lastReport, timeout } from "./builtFunction.ts"

const deployStack = buildFunction("deploy-stack")

const startFunction = Effect.gen(function*() {
  const s3 = yield* S3Server
  const cloudFormation = yield* CloudFormationServer
  return yield* deployStack.start({
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint
  })
})

const stack = "MyTestStack"
const file = "template-package/template.json"
const role = "arn:aws:iam::222222222222:role/Deploy"

/** A template with characters that a careless copy would change. */
const template = `${sampleTemplate.replaceAll("\n", "\r\n")} \u00e9\u{1f600}\r\n\t`

const putTemplate = Effect.gen(function*() {
  const { put } = yield* S3Server
  const zip = yield* zipFiles({ "README.md": "# Readme", [file]: template })
  yield* put("codepipeline-us-east-1-123456789012", "MyPipeline/MyTemplate/aB3dE5f.zip", zip)
})

/** The event that CodePipeline sends after the last report. */
const nextEvent = (id: string) =>
  Effect.map(lastReport, ({ parameters: { continuationToken } }) => deployEvent({ id, continuationToken }))

/** The calls to CloudFormation and CodePipeline that an effect makes. */
const callsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const servers = [yield* CloudFormationServer, yield* CodePipelineServer]
    const before = servers.map(({ calls }) => calls.length)
    yield* effect
    return servers.flatMap(({ calls }, index) => calls.slice(before[index]).map(({ operation }) => operation))
  })

const stackId = Effect.gen(function*() {
  const { look } = yield* CloudFormationServer
  return (yield* look(stack)).id
})

const signers = (requests: ReadonlyArray<{ readonly headers: IncomingHttpHeaders }>) => [
  ...new Set(requests.map(({ headers }) => signedBy(headers)))
]

const aws = Layer.mergeAll(S3Server.layer, CloudFormationServer.layer(), CodePipelineServer.layer)

/** An event of `events/` with another job id. */
const eventOf = (name: string, id: string, data: object = {}) => {
  const { "CodePipeline.job": job } = readEvent(name)
  return { "CodePipeline.job": { ...job, id, data: { ...job.data, ...data } } }
}

/** A module that moves the clock of a process. */
const clockOff = (millis: number) =>
  `data:text/javascript,${
    encodeURIComponent(
      `const now = Date.now; Date.now = () => now() + ${millis}
       globalThis.Date = class extends Date { constructor(...args) { super(...(args.length === 0 ? [Date.now()] : args)) } }`
    )
  }`

/** The policy of the bucket that CodePipeline's console creates. */
const consolePolicy = ({ headers, method }: S3Request) =>
  method === "PUT" && headers["x-amz-server-side-encryption"] !== "aws:kms" ? accessDenied() : undefined

describe("the built function deploy-stack", () => {
  it("the built function needs nothing but Node, on any architecture", async () => {
    const code = await readFile(join(deployStack.folder(), "function.js"), "utf8")
    assert.notMatch(code, /\.node["'`]/)
  })

  it.live("the built function creates a stack over several jobs", () =>
    Effect.gen(function*() {
      const { advance, calls } = yield* CloudFormationServer
      yield* putTemplate
      const { end, invoke } = yield* startFunction

      yield* invoke(deployEvent({ id: "job-1" }))
      const id = yield* stackId
      const started = yield* lastReport
      assert.strictEqual(started.operation, "PutJobSuccessResult")
      assert.deepInclude(started.parameters, {
        jobId: "job-1",
        executionDetails: { summary: "Stack create started", externalExecutionId: id, percentComplete: 0 }
      })
      const create = calls.find(({ operation }) => operation === "CreateStack")
      assert.deepInclude(create?.parameters, {
        StackName: stack,
        TemplateBody: template,
        ClientRequestToken: "create-job-1"
      })

      yield* invoke(yield* nextEvent("job-2"))
      assert.deepInclude((yield* lastReport).parameters, {
        jobId: "job-2",
        executionDetails: {
          summary: "Stack update still in progress: CREATE_IN_PROGRESS",
          externalExecutionId: id,
          percentComplete: 0
        }
      })

      yield* advance(stack, { status: "CREATE_COMPLETE" })
      const resolved = yield* invoke(yield* nextEvent("job-3"))
      assert.deepNestedInclude(resolved, { "resolved._tag": "Succeeded" })
      assert.deepStrictEqual(yield* lastReport, {
        operation: "PutJobSuccessResult",
        parameters: {
          jobId: "job-3",
          executionDetails: {
            summary: "Stack update complete: the stack was created",
            externalExecutionId: id,
            percentComplete: 100
          },
          outputVariables: { StackId: id, BucketName: "physical-MySampleBucket" }
        }
      })

      assertClean("deploy-stack", yield* end, ["job-1", "job-2", "job-3"])
    }).pipe(Effect.provide(aws)), timeout)

  it.live.each([["behind", -1_200_000], ["ahead", 1_200_000]] as const)(
    "the built function deploys with a clock that is 20 minutes %s",
    ([, offset]) =>
      Effect.gen(function*() {
        const cloudFormation = yield* CloudFormationServer
        const codePipeline = yield* CodePipelineServer
        const s3 = yield* S3Server
        yield* putTemplate
        const { end, invoke } = yield* deployStack.start({
          AWS_ENDPOINT_URL_S3: s3.endpoint,
          AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint
        }, ["--import", clockOff(offset)])
        // Almost no time: the second try must not wait.
        yield* invoke(deployEvent({ id: "job-1" }), 2_000)
        assert.deepNestedInclude((yield* lastReport).parameters, {
          "executionDetails.summary": "Stack create started"
        })
        yield* cloudFormation.advance(stack, { status: "CREATE_COMPLETE" })
        yield* invoke(yield* nextEvent("job-2"))
        assert.deepNestedInclude((yield* lastReport).parameters, {
          "executionDetails.summary": "Stack update complete: the stack was created"
        })
        // One correction for each client.
        assert.lengthOf(codePipeline.calls, 3)
        assert.deepStrictEqual(
          cloudFormation.calls.slice(0, 3).map(({ operation }) => operation),
          ["DescribeStacks", "DescribeStacks", "CreateStack"]
        )
        assertClean("deploy-stack", yield* end, ["job-1", "job-2"])
      }).pipe(Effect.provide(aws)),
    timeout
  )

  it.live("the built function sends all options in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const { calls } = yield* CloudFormationServer
      const { put } = yield* S3Server
      const event = readEvent("deploy-stack-options")
      const names = ["Image", "CodeBucket", "CodeKey", "Zones", "Count", "Debug", "Secret"]
      const template = JSON.stringify({
        Parameters: Object.fromEntries(names.map((name) => [name, { Type: "String" }])),
        Resources: { Role: { Type: "AWS::IAM::Role", Properties: { RoleName: "R" } } }
      })
      const configuration = { Parameters: { Secret: "hunter2", Count: 1 }, StackPolicy: { Statement: [] } }
      const [bucket, code] = ["codepipeline-us-east-1-123456789012", "MyPipeline/MyBuild/gH7iJ9k.zip"]
      const files = { "template.json": template, "production.json": JSON.stringify(configuration) }
      yield* put(bucket, "MyPipeline/MyTemplate/aB3dE5f.zip", yield* zipFiles(files))
      yield* put(bucket, code, yield* zipFiles({ "image.json": "{\"Uri\":\"registry/app:7\"}" }))
      const { end, invoke } = yield* startFunction

      yield* invoke(event)
      assert.deepStrictEqual(calls.map(({ operation }) => operation), [
        "DescribeStacks",
        "GetTemplateSummary",
        "CreateStack"
      ])
      const values = {
        Secret: "hunter2",
        Count: "2",
        Image: "registry/app:7",
        CodeBucket: bucket,
        CodeKey: code,
        Zones: "a,b",
        Debug: "false"
      }
      const parameters = Object.entries(values).flatMap(([name, value], index) => [
        [`Parameters.member.${index + 1}.ParameterKey`, name],
        [`Parameters.member.${index + 1}.ParameterValue`, value]
      ])
      assert.deepStrictEqual(calls.at(-1)?.parameters, {
        Version: "2010-05-15",
        StackName: stack,
        TemplateBody: template,
        ClientRequestToken: `create-${event["CodePipeline.job"].id}`,
        ...Object.fromEntries(parameters),
        "Capabilities.member.1": "CAPABILITY_NAMED_IAM",
        "Capabilities.member.2": "CAPABILITY_AUTO_EXPAND",
        "Tags.member.1.Key": "Stage",
        "Tags.member.1.Value": "production",
        RoleARN: "arn:aws:iam::123456789012:role/deploy",
        "NotificationARNs.member.1": "arn:aws:sns:us-east-1:123456789012:deployments",
        DisableRollback: "true",
        RetainExceptOnCreate: "true",
        StackPolicyBody: "{\"Statement\":[]}",
        EnableTerminationProtection: "true"
      })
      const ended = yield* end
      assertClean("deploy-stack", ended, [event["CodePipeline.job"].id])
      assert.notInclude(ended.stdout, "hunter2")
    }).pipe(Effect.provide(aws)), timeout)

  it.live(
    "the built function reads the artifact with the pipeline's credentials and makes all other calls with its own",
    () =>
      Effect.gen(function*() {
        yield* putTemplate
        const { end, invoke } = yield* startFunction
        yield* invoke(deployEvent({ id: "job-1" }))
        yield* end
        assert.deepStrictEqual(signers((yield* S3Server).requests), ["ASIAIOSFODNN7EXAMPLE eu-central-1 s3"])
        assert.deepStrictEqual(signers((yield* CloudFormationServer).calls), [
          "AKIAFUNCTION eu-central-1 cloudformation"
        ])
        assert.deepStrictEqual(signers((yield* CodePipelineServer).calls), ["AKIAFUNCTION eu-central-1 codepipeline"])
      }).pipe(Effect.provide(aws)),
    timeout
  )

  it.live("the built function without credentials rejects with the reason", () =>
    Effect.gen(function*() {
      const { end, invoke } = yield* deployStack.start({ AWS_ACCESS_KEY_ID: "" })
      assert.deepInclude(yield* invoke(deployEvent({ id: "job-1", userParameters: "{}" })), {
        rejected: "AwsDenied: AWS did not accept the credentials or the signature of " +
          "codepipeline:PutJobFailureResult: CredentialsProviderError: Unable to find environment variable credentials."
      })
      yield* end
    }).pipe(Effect.provide(aws)), timeout)

  it.live("the built function reports why a stack rolled back, and resolves", () =>
    Effect.gen(function*() {
      const { advance } = yield* CloudFormationServer
      yield* putTemplate
      const { end, invoke } = yield* startFunction
      yield* invoke(deployEvent({ id: "job-1" }))
      const id = yield* stackId

      const bucket = { id: "S3Bucket", type: "AWS::S3::Bucket" }
      yield* advance(
        stack,
        { status: "CREATE_IN_PROGRESS", resource: bucket },
        { status: "CREATE_FAILED", resource: bucket, reason: "The bucket \"a & b\" exists already" },
        { status: "CREATE_FAILED", resource: { ...bucket, id: "Other" }, reason: "Resource creation cancelled" },
        { status: "ROLLBACK_IN_PROGRESS", reason: "The following resource(s) failed to create: [S3Bucket]." },
        { status: "ROLLBACK_COMPLETE" }
      )
      const resolved = yield* invoke(yield* nextEvent("job-2"))
      assert.deepNestedInclude(resolved, { "resolved._tag": "Failed" })
      assert.deepStrictEqual(yield* lastReport, {
        operation: "PutJobFailureResult",
        parameters: {
          jobId: "job-2",
          failureDetails: {
            type: "JobFailed",
            message:
              "Update failed: ROLLBACK_COMPLETE\nS3Bucket (AWS::S3::Bucket): The bucket \"a & b\" exists already\n" +
              "Delete stack \"MyTestStack\", or let the action delete and recreate it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action",
            externalExecutionId: id
          }
        }
      })
      assertClean("deploy-stack", yield* end, ["job-1", "job-2"])
    }).pipe(Effect.provide(aws)), timeout)

  it.live("the built function creates and executes a change set, and deletes the stack", () =>
    Effect.gen(function*() {
      const { advance, calls, finishChangeSets, setStatus } = yield* CloudFormationServer
      yield* putTemplate
      yield* setStatus(stack, "UPDATE_COMPLETE")
      const { end, invoke } = yield* startFunction
      const continueWith = (name: string, id: string) =>
        Effect.flatMap(lastReport, ({ parameters: { continuationToken } }) =>
          invoke(eventOf(name, id, { continuationToken })))

      yield* invoke(eventOf("deploy-stack-change-set", "job-1"))
      const createCall = calls.find(({ operation }) =>
        operation === "CreateChangeSet"
      )
      assert.deepInclude(createCall?.parameters, {
        ChangeSetName: "execute-job-1",
        ChangeSetType: "UPDATE",
        TemplateBody: template,
        Description: "Made by effect-codepipeline for job job-1"
      })
      yield* finishChangeSets(stack)
      yield* continueWith("deploy-stack-change-set", "job-2")
      assert.deepNestedInclude((yield* lastReport).parameters, {
        "executionDetails.summary": "Stack update started: 1 change (1 add): add Resource0 (AWS::S3::Bucket)"
      })
      assert.deepInclude(calls.at(-1)?.parameters, { ClientRequestToken: "execute-job-1" })

      // The event has waitForCleanup off.
      yield* advance(stack, { status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" })
      assert.deepNestedInclude(yield* continueWith("deploy-stack-change-set", "job-3"), {
        "resolved._tag": "Succeeded"
      })

      yield* advance(stack, { status: "UPDATE_COMPLETE" })
      yield* invoke(eventOf("deploy-stack-delete-only", "job-4"))
      assert.notInclude(calls.map(({ operation }) => operation), "DeleteStack")
      yield* continueWith("deploy-stack-delete-only", "job-5")
      assert.deepInclude(calls.at(-1), { operation: "DeleteStack" })
      assert.deepInclude(calls.at(-1)?.parameters, { ClientRequestToken: "delete-job-4" })
      yield* advance(stack, { status: "DELETE_COMPLETE" })
      assert.deepNestedInclude(yield* continueWith("deploy-stack-delete-only", "job-6"), {
        "resolved.message": "Stack delete complete"
      })
      assertClean("deploy-stack", yield* end, ["job-1", "job-2", "job-3", "job-4", "job-5", "job-6"])
    }).pipe(Effect.provide(aws)), timeout)

  it.live.each([
    { bucket: "a bucket without a policy", policy: () => undefined },
    { bucket: "the bucket of CodePipeline's console", policy: consolePolicy }
  ])(
    "the built function passes on the stack's outputs as variables and in an output artifact in $bucket",
    ({ policy }) =>
      Effect.gen(function*() {
        const { advance } = yield* CloudFormationServer
        const { get, refuse } = yield* S3Server
        yield* putTemplate
        yield* refuse(policy)
        const { end, invoke } = yield* startFunction
        const event = readEvent("deploy-stack-outputs")

        yield* invoke(event)
        const id = yield* stackId
        yield* advance(stack, { status: "CREATE_COMPLETE" })
        const { continuationToken } = (yield* lastReport).parameters
        const { "CodePipeline.job": job } = event
        yield* invoke({ "CodePipeline.job": { ...job, id: "job-2", data: { ...job.data, continuationToken } } })
        const outputs = { StackId: id, BucketName: "physical-MySampleBucket" }
        assert.deepInclude((yield* lastReport).parameters, { jobId: "job-2", outputVariables: outputs })

        const zip = yield* get("codepipeline-us-east-1-123456789012", "MyPipeline/StackOutpu/xY7zW9q.zip")
        const tail = { size: zip.length, tail: zip, fetch: () => Effect.die("all of it is there") }
        const file = yield* readEntry(tail, "stack/outputs.json", 1_000)
        assert.deepStrictEqual(JSON.parse(Buffer.from(file).toString()), outputs)
        yield* end
      }).pipe(Effect.provide(aws)),
    timeout
  )

  it.live(
    "the built function reads an unusual zip, and refuses a blank template without changing anything",
    () =>
      Effect.gen(function*() {
        const { calls } = yield* CloudFormationServer
        const { put } = yield* S3Server
        const zipWith = (text: string) =>
          Buffer.concat([
            Buffer.from("#!/bin/sh\n"),
            rawZip([
              { name: Buffer.from("secret"), content: Buffer.from("secret"), flags: 0x2041, method: 99 },
              { name: Buffer.from(file), content: Buffer.from(text) }
            ]),
            Buffer.from("a signature")
          ])
        const putZip = (text: string) =>
          put("codepipeline-us-east-1-123456789012", "MyPipeline/MyTemplate/aB3dE5f.zip", zipWith(text))
        const { end, invoke } = yield* startFunction

        yield* putZip("\uFEFF \r\n")
        yield* invoke(deployEvent({ id: "job-1" }))
        assert.deepNestedInclude((yield* lastReport).parameters, {
          "failureDetails.type": "ConfigurationError",
          "failureDetails.message":
            `The template "${file}" in artifact "MyTemplate" cannot be used: it has no text, only ` +
            "white space or a byte-order mark. Save the template in this file, as JSON or YAML in UTF-8"
        })
        assert.notInclude(calls.map(({ operation }) => operation), "CreateStack")

        yield* putZip(template)
        yield* invoke(deployEvent({ id: "job-2" }))
        assert.deepInclude(calls.at(-1)?.parameters, { TemplateBody: template })
        assertClean("deploy-stack", yield* end, ["job-1", "job-2"])
      }).pipe(Effect.provide(aws)),
    timeout
  )

  it.live(
    "the built function reports the root cause in a nested stack with the reason of a hook",
    () =>
      Effect.gen(function*() {
        const { advance, look, setStatus } = yield* CloudFormationServer
        yield* putTemplate
        const { end, invoke } = yield* startFunction
        yield* invoke(deployEvent({ id: "job-1" }))
        yield* setStatus("Nested", "CREATE_IN_PROGRESS")
        const bucket = { id: "Bucket", type: "AWS::S3::Bucket" }
        const hook = { type: "Org::Policy::Hook", status: "HOOK_COMPLETE_FAILED", reason: "encrypt it", mode: "FAIL" }
        const nested = { id: "Nested", type: "AWS::CloudFormation::Stack", physicalId: (yield* look("Nested")).id }
        yield* advance("Nested", { status: "CREATE_IN_PROGRESS", resource: bucket, hook }, {
          status: "CREATE_FAILED",
          resource: bucket,
          reason: "The following hook(s) failed: [Org::Policy::Hook]"
        })
        yield* advance(
          stack,
          { status: "CREATE_FAILED", resource: nested, reason: "Embedded stack was not successfully created" },
          { status: "ROLLBACK_COMPLETE" }
        )
        yield* invoke(yield* nextEvent("job-2"))
        assert.deepNestedInclude((yield* lastReport).parameters, {
          "failureDetails.message": "Update failed: ROLLBACK_COMPLETE\n" +
            "Nested/Bucket (AWS::S3::Bucket): hook Org::Policy::Hook failed: encrypt it\n" +
            "Delete stack \"MyTestStack\", or let the action delete and recreate it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"
        })
        yield* end
      }).pipe(Effect.provide(aws)),
    timeout
  )

  it.live("the built function reports the progress of resources", () =>
    Effect.gen(function*() {
      const { advance } = yield* CloudFormationServer
      yield* putTemplate
      const { end, invoke } = yield* startFunction
      yield* invoke(deployEvent({ id: "job-1" }))
      const resource = { id: "MySampleBucket", type: "AWS::S3::Bucket" }
      yield* advance(stack, { status: "CREATE_IN_PROGRESS", resource })
      yield* invoke(yield* nextEvent("job-2"))
      const summary = Effect.map(lastReport, ({ parameters }) => parameters["executionDetails"])
      const waiting = JSON.stringify(yield* summary)
      assert.match(waiting, /CREATE_IN_PROGRESS, waiting for MySampleBucket \(AWS::S3::Bucket, \d+ s\)/)
      yield* advance(stack, { status: "CREATE_COMPLETE", resource })
      yield* invoke(yield* nextEvent("job-3"))
      assert.deepInclude(yield* summary, {
        summary: "Stack update still in progress: CREATE_IN_PROGRESS, 1 resource done",
        percentComplete: 50
      })
      yield* end
    }).pipe(Effect.provide(aws)), timeout)

  it.live(
    "the built function deploys to another account and region, with a session of its role",
    () =>
      Effect.gen(function*() {
        const sts = yield* StsServer
        const s3 = yield* S3Server
        const cloudFormation = yield* CloudFormationServer
        yield* putTemplate
        const { end, invoke } = yield* deployStack.start({
          AWS_ENDPOINT_URL_S3: s3.endpoint,
          AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
          AWS_ENDPOINT_URL_STS: sts.endpoint
        })
        const target = {
          stack,
          file,
          artifact: "MyTemplate",
          assumeRole: role,
          externalId: "ours",
          region: "eu-west-1"
        }
        const userParameters = JSON.stringify(target)
        yield* invoke(deployEvent({ id: "job-1", userParameters }))
        assert.deepNestedInclude((yield* lastReport).parameters, {
          "executionDetails.summary": "Stack create started (account 222222222222, region eu-west-1)"
        })
        const { parameters: { continuationToken } } = yield* lastReport
        yield* invoke(deployEvent({ id: "job-2", userParameters, continuationToken }))
        assert.deepNestedInclude((yield* lastReport).parameters, {
          "executionDetails.summary":
            "Stack update still in progress: CREATE_IN_PROGRESS (account 222222222222, region eu-west-1)"
        })
        assert.deepStrictEqual(signers(sts.calls), ["AKIAFUNCTION eu-central-1 sts"])
        assert.deepStrictEqual(sts.calls.map(({ parameters }) => parameters["RoleSessionName"]), ["deploy-stack-job-1"])
        assert.deepStrictEqual(signers(cloudFormation.calls), [`${accessKeyOf(role)} eu-west-1 cloudformation`])
        assert.deepStrictEqual(signers(s3.requests), ["ASIAIOSFODNN7EXAMPLE eu-central-1 s3"])

        // The session's secrets are neither in the log nor in a token.
        yield* sts.answerAlways("AssumeRole", notAuthorized(role))
        yield* invoke(deployEvent({ id: "job-3", userParameters }))
        const denied = yield* lastReport
        assert.deepNestedInclude(denied.parameters, { "failureDetails.type": "PermissionError" })
        assert.include(JSON.stringify(denied.parameters), "arn:aws:iam::123456789012:role/DeployStackRole")
        yield* sts.answerAlways("AssumeRole", refused("RegionDisabledException", "STS is not activated", 403))
        yield* invoke(deployEvent({ id: "job-4", userParameters }))
        assert.include(JSON.stringify((yield* lastReport).parameters), "RegionDisabledException: STS is not activated")
        const jobs = ["job-1", "job-2", "job-3", "job-4"]
        assertClean("deploy-stack", yield* end, jobs, [accessKeyOf(role), ...sessionSecrets])
        const { calls } = yield* CodePipelineServer
        for (const secret of [accessKeyOf(role), ...sessionSecrets]) {
          assert.notInclude(JSON.stringify(calls.map(({ parameters }) => parameters)), secret)
        }
      }).pipe(Effect.provide(Layer.merge(aws, StsServer.layer({ [role]: { externalId: "ours" } })))),
    timeout
  )

  it.live("the built function makes three calls to start an operation and two per poll", () =>
    Effect.gen(function*() {
      const { advance, setStatus } = yield* CloudFormationServer
      yield* putTemplate
      const { end, invoke } = yield* startFunction
      const withoutProgress = JSON.stringify({ stack, file, artifact: "MyTemplate", progress: false })
      const next = (data: Parameters<typeof deployEvent>[0]) =>
        Effect.flatMap(lastReport, ({ parameters: { continuationToken } }) =>
          invoke(deployEvent({ ...data, continuationToken })))

      assert.deepStrictEqual(yield* callsOf(invoke(deployEvent({ id: "job-1" }))), [
        "DescribeStacks",
        "CreateStack",
        "PutJobSuccessResult"
      ])
      assert.deepStrictEqual(yield* callsOf(next({ id: "job-2" })), ["DescribeStackEvents", "PutJobSuccessResult"])
      assert.deepStrictEqual(yield* callsOf(next({ id: "job-3", userParameters: withoutProgress })), [
        "DescribeStacks",
        "PutJobSuccessResult"
      ])
      yield* advance(stack, { status: "CREATE_COMPLETE" })
      assert.deepStrictEqual(yield* callsOf(next({ id: "job-4" })), [
        "DescribeStackEvents",
        "DescribeStacks",
        "PutJobSuccessResult"
      ])

      yield* setStatus(stack, "DELETE_COMPLETE")
      yield* setStatus(stack, "UPDATE_COMPLETE", "2025-01-01T00:00:00.000Z")
      assert.deepStrictEqual(yield* callsOf(invoke(deployEvent({ id: "job-5" }))), [
        "DescribeStacks",
        "UpdateStack",
        "PutJobSuccessResult"
      ])
      assert.deepStrictEqual(yield* callsOf(next({ id: "job-6" })), ["DescribeStackEvents", "PutJobSuccessResult"])
      yield* end
    }).pipe(Effect.provide(aws)), timeout)
})
