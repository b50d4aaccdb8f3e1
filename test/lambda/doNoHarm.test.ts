// What the built function deploy-stack checks before it changes a stack, and what is in force when it succeeds.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { CloudFormationServer } from "../contract/CloudFormationServer.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { S3Server } from "../contract/S3Server.ts"
import { refused } from "../contract/server.ts"
import { deployEvent } from "../fixtures.ts"
import { buildFunction, lastReport, timeout } from "./builtFunction.ts"

const deployStack = buildFunction("deploy-stack")

const stack = "MyTestStack"
const file = "template-package/template.json"
const required = { stack, file, artifact: "MyTemplate" }

const template = (parameters: object = {}, resource: object = { Type: "AWS::SNS::Topic" }) =>
  JSON.stringify({ Parameters: parameters, Resources: { A: resource } })

const aws = Layer.mergeAll(S3Server.layer, CloudFormationServer.layer(), CodePipelineServer.layer)

/** Runs one job of the built function on this template, and returns its report and its calls to CloudFormation. */
const job = Effect.fnUntraced(function*(
  userParameters: string | object,
  { id = "job-1", templateText = template(), token = undefined as string | undefined } = {}
) {
  const s3 = yield* S3Server
  const cloudFormation = yield* CloudFormationServer
  const files = {
    [file]: templateText,
    "count.json": "{\"Parameters\":{\"Count\":1.0}}",
    "policy.json": "{\"StackPolicy\":{\"Statement\":[]}}"
  }
  yield* s3.put(
    "codepipeline-us-east-1-123456789012",
    "MyPipeline/MyTemplate/aB3dE5f.zip",
    yield* zipFiles(files)
  )
  const { end, invoke } = yield* deployStack.start({
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint
  })
  const before = cloudFormation.calls.length
  const text = typeof userParameters === "string" ? userParameters : JSON.stringify(userParameters)
  yield* invoke(deployEvent({ id, userParameters: text, ...(token !== undefined && { continuationToken: token }) }))
  yield* end
  return { report: yield* lastReport, calls: cloudFormation.calls.slice(before) }
})

const accessDenied = refused("AccessDenied", "no", 403)

describe("REPLACE_ON_FAILURE of the built function", () => {
  const replace = { ...required, mode: "REPLACE_ON_FAILURE" }

  it.live.each<readonly [what: string, options: object, templateText: string, message: RegExp]>([
    [
      "an unknown parameter",
      { parameters: { Siz: "x" } },
      template({ Size: { Type: "String", Default: "s" } }),
      /"Siz"/
    ],
    ["a parameter without a value", {}, template({ DbPassword: { Type: "String" } }), /"DbPassword" must have a value/],
    [
      "a template of more than 51,200 bytes",
      {},
      template({}, { Type: "AWS::SNS::Topic", D: "x".repeat(51_200) }),
      /51200/
    ],
    [
      "a missing capability",
      {},
      template({}, { Type: "AWS::IAM::Role", Properties: { RoleName: "r" } }),
      /"capabilities": \["CAPABILITY_NAMED_IAM"\]/
    ]
  ])("deletes nothing because of %s", ([, options, templateText, message]) =>
    Effect.gen(function*() {
      const { setStatus } = yield* CloudFormationServer
      yield* setStatus(stack, "ROLLBACK_COMPLETE")
      const { calls, report } = yield* job({ ...replace, ...options }, { templateText })
      assert.deepNestedInclude(report, {
        operation: "PutJobFailureResult",
        "parameters.failureDetails.type": "ConfigurationError"
      })
      assert.match(JSON.parse(JSON.stringify(report)).parameters.failureDetails.message, message)
      assert.notInclude(calls.map(({ operation }) => operation), "DeleteStack")
    }).pipe(Effect.provide(aws)), timeout)

  it.live("deletes nothing if the role may not check the parameters of the stack", () =>
    Effect.gen(function*() {
      const { answerAlways, setStatus } = yield* CloudFormationServer
      yield* setStatus(stack, "ROLLBACK_COMPLETE")
      yield* answerAlways("GetTemplateSummary", accessDenied)
      const { calls, report } = yield* job({ ...replace, parameters: { A: "a" } })
      assert.deepNestedInclude(report, { "parameters.failureDetails.type": "PermissionError" })
      assert.include(JSON.stringify(report), "cloudformation:GetTemplateSummary")
      assert.notInclude(calls.map(({ operation }) => operation), "DeleteStack")
    }).pipe(Effect.provide(aws)), timeout)
})

it.live("the built function gives numbers to CloudFormation as they are written", () =>
  Effect.gen(function*() {
    const templateText = template({ Version: { Type: "String" }, Big: { Type: "String" }, Count: { Type: "String" } })
    const { calls } = yield* job(
      `{"stack":"${stack}","file":"${file}","artifact":"MyTemplate","templateConfiguration":"MyTemplate::count.json",` +
        "\"parameters\":{\"Version\":1.10,\"Big\":12345678901234567890}}",
      { templateText }
    )
    const { parameters } = calls.find(({ operation }) => operation === "CreateStack") ?? assert.fail("no CreateStack")
    const values = Object.values(parameters)
    for (const number of ["1.10", "12345678901234567890", "1.0"]) assert.include(values, number)
  }).pipe(Effect.provide(aws)), timeout)

it.live("the built function sets the stack policy even if nothing else changes", () =>
  Effect.gen(function*() {
    const { advance, settings } = yield* CloudFormationServer
    yield* job(required)
    yield* advance(stack, { status: "CREATE_COMPLETE" })
    const { report } = yield* job({ ...required, templateConfiguration: "MyTemplate::policy.json" }, { id: "job-2" })
    assert.deepNestedInclude(report, { "parameters.executionDetails.summary": "There were no stack updates" })
    assert.strictEqual((yield* settings(stack)).stackPolicy, "{\"Statement\":[]}")
  }).pipe(Effect.provide(aws)), timeout)

it.live("the built function succeeds although optional calls answer 500", () =>
  Effect.gen(function*() {
    const { advance, answerAlways } = yield* CloudFormationServer
    const broken = refused("InternalFailure", "try again", 500)
    for (const operation of ["GetTemplateSummary", "DescribeStackEvents", "DescribeEvents"]) {
      yield* answerAlways(operation, broken)
    }
    const started = yield* job({ ...required, parameters: { A: "a" } }, {
      templateText: template({ A: { Type: "String" } })
    })
    assert.deepNestedInclude(started.report, { "parameters.executionDetails.summary": "Stack create started" })
    yield* advance(stack, { status: "CREATE_COMPLETE" })
    const token = (report: typeof started.report) => String(report.parameters["continuationToken"])
    const second = yield* job(required, { id: "job-2", token: token(started.report) })
    const third = yield* job(required, { id: "job-3", token: token(second.report) })
    assert.deepNestedInclude(third.report, {
      "parameters.executionDetails.summary": "Stack update complete: the stack was created"
    })
  }).pipe(Effect.provide(aws)), timeout)
