import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import * as Action from "../../src/Action.ts"
import { CheckWebpage } from "../../src/actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import { JobId } from "../../src/domain/job/Job.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import * as Telemetry from "../../src/runtime/Telemetry.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"
import { WebPage } from "../../src/services/WebPage.ts"
import * as WebPageHttpClient from "../../src/services/WebPageHttpClient.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import { aws, awsServers, putTemplate } from "../contract/aws.ts"
import { CloudFormationServer } from "../contract/CloudFormationServer.ts"
import { listen, refused, unavailable } from "../contract/server.ts"
import { drive } from "../drive.ts"
import { checkEvent, deployEvent, secrets } from "../fixtures.ts"
import { exported, path, Recorder } from "../recorder.ts"

const password = "correct-horse-battery-staple"

/** With what must not be told. */
const userParameters = JSON.stringify({
  stack: "MyTestStack",
  file: "template-package/template.json",
  artifact: "MyTemplate",
  tags: { Secret: password }
})

const event = (id: string, continuationToken?: string) =>
  deployEvent({ id, userParameters, ...(continuationToken !== undefined && { continuationToken }) })

const attributesOf = (name: string) =>
  Effect.map(
    Recorder,
    ({ spans }) => Object.fromEntries(spans.findLast((span) => span.name === name)?.attributes ?? [])
  )

describe("spans", () => {
  const world = Layer.mergeAll(Layer.provideMerge(aws, awsServers), Recorder.layer)

  it.live("exist for the job, for the invocation of the action, and for each AWS call", () =>
    Effect.gen(function*() {
      yield* putTemplate
      yield* JobRunner.run(DeployStack, event("1"))
      const { spans } = yield* Recorder
      const paths = spans.map((span) => path(span).join(" > "))
      const job = Telemetry.spans.job
      const inAction = paths.filter((path) => path.startsWith(`${job} > ${Telemetry.spans.start} > `))
      const calls = paths.map((path) => path.split(" > ").at(-1)).filter((name) => name?.includes(":"))
      assert.strictEqual(paths[0], job)
      assert.deepStrictEqual(calls.toSorted(), [
        "cloudformation:CreateStack",
        "cloudformation:DescribeStacks",
        "codepipeline:PutJobSuccessResult",
        "s3:GetObject",
        "s3:GetObject"
      ])
      assert.lengthOf(inAction.filter((path) => /(cloudformation|s3):/.test(path)), 4)
      assert.isTrue(spans.every((span) => span.status._tag === "Ended"))
    }).pipe(Effect.provide(world)))

  it.live("have the job, the action, the stack and its status as attributes", () =>
    Effect.gen(function*() {
      yield* putTemplate
      const { advance } = yield* CloudFormationServer
      const first = yield* JobRunner.run(DeployStack, event("1"))
      if (first._tag !== "Continued") return assert.fail(first.message)
      yield* advance("MyTestStack", { status: "CREATE_COMPLETE" })
      yield* JobRunner.run(DeployStack, event("2", first.continuationToken))

      const about = { jobId: "2", action: "deploy-stack", stack: "MyTestStack" }
      const names = [Telemetry.spans.job, Telemetry.spans.resume, "cloudformation:DescribeStacks"]
      for (const name of names) assert.deepInclude(yield* attributesOf(name), about)
      assert.deepInclude(yield* attributesOf(Telemetry.spans.job), {
        outcome: "Succeeded",
        externalExecutionId: first.externalExecutionId
      })
      assert.deepInclude(yield* attributesOf("codepipeline:PutJobSuccessResult"), { jobId: "2", retries: 0 })
      const { spans } = yield* Recorder
      assert.isTrue(spans.some(({ attributes }) => attributes.get("status") === "CREATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.live("have the failure type of a failed job", () =>
    Effect.gen(function*() {
      yield* JobRunner.run(DeployStack, event("1"))
      assert.deepInclude(yield* attributesOf(Telemetry.spans.job), {
        outcome: "Failed",
        failureType: "RevisionUnavailable"
      })
    }).pipe(Effect.provide(world)))

  it.live("contain no secret and no parameters, whatever happens", () =>
    Effect.gen(function*() {
      yield* JobRunner.run(DeployStack, event("1"))
      yield* putTemplate
      const { answerOnce } = yield* CloudFormationServer
      yield* answerOnce("DescribeStacks", unavailable)
      yield* answerOnce("CreateStack", refused("ValidationError", "Template error"))
      yield* JobRunner.run(DeployStack, event("2"))
      const page = yield* listen((_, response) => response.writeHead(503).end())
      const url = page.replace("//", `//user:${password}@`)
      const check = checkEvent({ userParameters: JSON.stringify({ url, headers: { Authorization: password } }) })
      yield* JobRunner.run(CheckWebpage, check).pipe(Effect.provide(WebPage.layer))

      const { counts, spans } = yield* Recorder
      assert.isAbove(spans.length, 20)
      const all = [...spans.map(exported), ...(yield* counts)].join("\n")
      assert.include(all, "MyTestStack")
      assert.include(all, "Template error")
      for (const secret of [...secrets, password, btoa(`user:${password}`)]) assert.notInclude(all, secret)
      const names = new Set(spans.flatMap(({ attributes }) => Array.from(attributes.keys())))
      assert.includeMembers(Object.keys(Telemetry.attributes), [...names])
    }).pipe(Effect.provide(world)))

  it.live.each<readonly [client: string, pages: Layer.Layer<WebPage>]>([
    ["Node's client", WebPage.layer],
    ["an HttpClient of the app", Layer.provide(WebPageHttpClient.layer, FetchHttpClient.layer)]
  ])(
    "of a check over %s have nothing of the page's URL, and the page receives no trace",
    ([, pages]) =>
      Effect.gen(function*() {
        const requests: Array<Readonly<Record<string, unknown>>> = []
        const page = yield* listen((request, response) => {
          requests.push({ ...request.headers, url: request.url })
          response.writeHead(200, { "x-answer": password }).end("Congratulations")
        })
        const url = `${page}/${password}?token=${password}`
        const outcome = yield* JobRunner.run(CheckWebpage, checkEvent({ userParameters: url })).pipe(
          Effect.provide(pages)
        )
        assert.strictEqual(outcome._tag, "Succeeded")
        assert.strictEqual(requests[0]?.["url"], `/${password}?token=${password}`)
        assert.doesNotHaveAnyKeys(requests[0], ["traceparent", "b3"])
        const { spans } = yield* Recorder
        assert.isAbove(spans.length, 2)
        assert.notInclude(spans.map(exported).join("\n"), password)
        const names = new Set(spans.flatMap(({ attributes }) => Array.from(attributes.keys())))
        assert.includeMembers(Object.keys(Telemetry.attributes), [...names])
      }).pipe(Effect.provide(world))
  )
})

class Broken extends Schema.TaggedError<Broken>()("Broken", { message: Schema.String }) {}

const Obedient = Action.makeStateless({
  name: "obedient",
  parameters: Schema.String,
  start: ({ parameters }) =>
    parameters === "fail"
      ? Effect.fail(new Broken({ message: "as ordered" }))
      : Effect.succeed(
        parameters === "again" ? Action.Step.StartAgain({ message: "" }) : Action.Step.Done({ message: "" })
      )
})({ Broken: "JobFailed" })

const obey = (id: string, userParameters: string) => JobRunner.run(Obedient, deployEvent({ id, userParameters }))

describe("metrics", () => {
  it.effect("count jobs by action and result", () =>
    Effect.gen(function*() {
      yield* obey("1", "done")
      yield* obey("2", "done")
      yield* obey("3", "fail")
      yield* obey("4", "again")
      yield* CodePipelineMemory.use(({ close }) => close(JobId.make("5"), "JobNotFoundException"))
      yield* obey("5", "done")
      const { counts } = yield* Recorder
      assert.deepStrictEqual(yield* counts, [
        "codepipeline_jobs action=obedient result=Continued: 1",
        "codepipeline_jobs action=obedient result=Failed: 1",
        "codepipeline_jobs action=obedient result=NotOpen: 1",
        "codepipeline_jobs action=obedient result=Succeeded: 2"
      ])
    }).pipe(Effect.provide(Layer.merge(CodePipelineMemory.layer, Recorder.layer))))

  it.effect("count the jobs without an accepted report", () => {
    const unavailable = new AwsUnavailable({ operation: "codepipeline:PutJobSuccessResult", code: "x", detail: "" })
    const silent = Layer.succeed(CodePipeline, { report: () => Effect.fail(unavailable) })
    return Effect.gen(function*() {
      yield* Effect.flip(obey("1", "done"))
      const { counts } = yield* Recorder
      assert.deepStrictEqual(yield* counts, ["codepipeline_jobs action=obedient result=Unreported: 1"])
    }).pipe(Effect.provide(Layer.merge(silent, Recorder.layer)))
  })

  const throttled = Object.assign(new Error("Rate exceeded"), { name: "Throttling" })
  const denied = Object.assign(new Error("not you"), { name: "AccessDenied" })

  it.effect("count AWS calls by operation and result, and their retries", () => {
    const answers: Array<Error | object> = [throttled, throttled, {}, denied, {}]
    const client = {
      send: () => {
        const answer = answers.shift()
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
      }
    }
    return Effect.gen(function*() {
      const { describe } = yield* CloudFormation
      yield* drive(Effect.all([describe("a"), Effect.flip(describe("b")), describe("c")]))
      const { counts } = yield* Recorder
      assert.deepStrictEqual(yield* counts, [
        "codepipeline_aws_calls operation=cloudformation:DescribeStacks result=AwsDenied: 1",
        "codepipeline_aws_calls operation=cloudformation:DescribeStacks result=Succeeded: 2",
        "codepipeline_aws_retries operation=cloudformation:DescribeStacks: 2"
      ])
    }).pipe(Effect.provide(Layer.merge(CloudFormation.layerClient(client), Recorder.layer)))
  })

  it.effect("count an interrupted call", () => {
    const client = { send: () => new Promise<never>(() => {}) }
    return Effect.gen(function*() {
      const { describe } = yield* CloudFormation
      yield* drive(Effect.timeoutOption(describe("a"), "1 second"))
      const { counts } = yield* Recorder
      assert.deepStrictEqual(yield* counts, [
        "codepipeline_aws_calls operation=cloudformation:DescribeStacks result=Interrupted: 1"
      ])
    }).pipe(Effect.provide(Layer.merge(CloudFormation.layerClient(client), Recorder.layer)))
  })
})
