import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { ArtifactDenied, ArtifactStore, UploadFailed } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation, type Stack, type StackRequest } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory, type Content } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import { deployEvent, sampleTemplate } from "../../fixtures.ts"

const otherTemplate = sampleTemplate.replace("An S3 bucket", "Another S3 bucket")

const world = (content: Content = { "template-package/template.json": sampleTemplate }) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer({ MyTemplate: content }),
    CloudFormationMemory.layer(),
    CodePipelineMemory.layer
  )

const invoke = (event: unknown) => drive(JobRunner.run(DeployStack, event))

const runToEnd = (event: unknown) =>
  drive(LocalPipeline.run({ event, invoke: (event) => JobRunner.run(DeployStack, event) }))

const tokenOf = (outcome: JobOutcome) => {
  assert.strictEqual(outcome._tag, "Continued")
  return outcome._tag === "Continued" ? outcome.continuationToken : ""
}

/** The next job of the same action. */
const next = (outcome: JobOutcome, id: string) => deployEvent({ id, continuationToken: tokenOf(outcome) })

/** A stack that this action has created once, by another job. */
const existing = Effect.gen(function*() {
  yield* runToEnd(deployEvent({ id: "earlier" }))
  yield* ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { "template-package/template.json": otherTemplate }))
})

const setStatus = (status: string) => CloudFormationMemory.use(({ setStatus }) => setStatus("MyTestStack", status))
const operationTokens = CloudFormationMemory.useSync(({ operationTokens }) => [...operationTokens])

const foreignToken = JSON.stringify({ previous_job_id: "c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6" })

describe("a stack that does not exist", () => {
  it.effect("is created and watched to its end, in the sample's words", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(next(first, "2"))
      yield* TestClock.adjust("1 minute")
      const third = yield* invoke(next(second, "3"))

      assert.strictEqual(first.message, "Stack create started")
      assert.strictEqual(second.message.split(",")[0], "Stack update still in progress: CREATE_IN_PROGRESS")
      assert.strictEqual(third.message, "Stack update complete")
      assert.strictEqual(third._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
      assert.match(third.externalExecutionId ?? "", /^arn:aws:cloudformation:.*MyTestStack/)
    }).pipe(Effect.provide(world())))

  it.effect("fails with the causes, oldest first, when a resource fails", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "The name is taken"))
      const outcome = yield* runToEnd(deployEvent())
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "JobFailed",
        message: "Update failed: ROLLBACK_COMPLETE\nMySampleBucket (AWS::S3::Bucket): The name is taken\n" +
          "Delete stack \"MyTestStack\", or let the action do it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"
      })
    }).pipe(Effect.provide(world())))

  it.effect("of which CloudFormation refuses the template is a ConfigurationError with CloudFormation's words", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Error creating CloudFormation stack \"MyTestStack\": " +
          "Template format error: At least one Resources member must be defined."
      })
    }).pipe(Effect.provide(world({ "template-package/template.json": "{}" }))))
})

describe("a stack that exists", () => {
  it.effect("is updated", () =>
    Effect.gen(function*() {
      yield* existing
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(first.message, "Stack update started")
      yield* TestClock.adjust("1 minute")
      const last = yield* invoke(next(first, "2"))
      assert.strictEqual(last._tag, "Succeeded")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("and has the template already needs no update", () =>
    Effect.gen(function*() {
      yield* runToEnd(deployEvent({ id: "1" }))
      const outcome = yield* invoke(deployEvent({ id: "2" }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "There were no stack updates" })
    }).pipe(Effect.provide(world())))

  it.effect("and whose update fails is rolled back, and can be updated again", () =>
    Effect.gen(function*() {
      yield* existing
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "No"))
      const failed = yield* runToEnd(deployEvent({ id: "1" }))
      assert.include(failed.message, "Update failed: UPDATE_ROLLBACK_COMPLETE")
      const again = yield* invoke(deployEvent({ id: "2" }))
      assert.strictEqual(again.message, "Stack update started")
    }).pipe(Effect.provide(world())))

  it.effect("and is busy with somebody else's operation is left alone", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* invoke(deployEvent())
      assert.strictEqual(outcome._tag, "Failed")
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world())))

  it.effect("and cleans up after somebody else's update is waited for, then updated", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(first.message, "Waiting for the stack: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
      yield* setStatus("UPDATE_COMPLETE")
      const second = yield* invoke(next(first, "2"))
      assert.strictEqual(second.message, "Stack update started")
      assert.deepStrictEqual(yield* operationTokens, ["update-1"])
    }).pipe(Effect.provide(world())))

  it.effect.each(["ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "UPDATE_FAILED"])(
    "in %s is refused, with what to do",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        const outcome = yield* invoke(deployEvent())
        assert.match(outcome.message, new RegExp(`^Stack cannot be updated when status is: ${status}\\. .*MyTestStack`))
        assert.isEmpty(yield* operationTokens)
      }).pipe(Effect.provide(world()))
  )
})

describe("a second delivery of the same event", () => {
  it.effect("adopts the running operation", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(second._tag, "Continued")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
      const reported = yield* CodePipelineMemory.useSync(({ outcomes }) => outcomes.get(JobId.make("1")))
      assert.deepStrictEqual(reported, first)
    }).pipe(Effect.provide(world())))

  it.effect("waits where the stack is seen before its events are", () =>
    Effect.gen(function*() {
      yield* invoke(deployEvent({ id: "1" }))
      const second = yield* Effect.updateService(invoke(deployEvent({ id: "1" })), CloudFormation, (service) => ({
        ...service,
        events: () => Effect.succeed([])
      }))
      assert.deepInclude(second, { _tag: "Continued", message: "Waiting for the stack: CREATE_IN_PROGRESS" })
    }).pipe(Effect.provide(world())))

  it.effect("adopts an operation that is over, and tells how it ended", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "The name is taken"))
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 minute")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(next(second, "2"))
      assert.include(outcome.message, "The name is taken")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("begins nothing after the update has ended", () =>
    Effect.gen(function*() {
      yield* existing
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "No"))
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 hour")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(next(second, "2"))
      assert.strictEqual(outcome._tag, "Failed")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("begins no update after the create has ended, even of another template", () =>
    Effect.gen(function*() {
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("3 minutes")
      yield* ArtifactStoreMemory.use(({ put }) =>
        put("MyTemplate", { "template-package/template.json": otherTemplate })
      )
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(next(second, "2"))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("comes to an end where the role may not read events", () =>
    Effect.gen(function*() {
      yield* existing
      yield* CloudFormationMemory.use(({ deny }) => deny("cloudformation:DescribeStackEvents"))
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "No"))
      yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("2 minutes")
      const second = yield* invoke(deployEvent({ id: "1" }))
      const outcome = yield* invoke(next(second, "2"))
      assert.strictEqual(outcome.message.split("\n")[0], "Update failed: UPDATE_ROLLBACK_COMPLETE")
    }).pipe(Effect.provide(world())))

  it.effect("while the stack is busy waits, where the role may not read whose operation that is", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ deny }) => deny("cloudformation:DescribeStackEvents"))
      yield* invoke(deployEvent({ id: "1" }))
      const second = yield* invoke(deployEvent({ id: "1" }))
      assert.strictEqual(second.message, "Waiting for the stack: CREATE_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("at the same time begins nothing twice", () =>
    Effect.gen(function*() {
      const run = JobRunner.run(DeployStack, deployEvent({ id: "1" }))
      const outcomes = yield* drive(Effect.all([run, run], { concurrency: 2 }))
      assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), ["Continued", "Continued"])
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))
})

/** The first `times` looks show what the stack was before. */
const looking = (times: number, before: Option.Option<Stack>) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormation
    let looks = 0
    return yield* Effect.provideService(invoke(deployEvent({ id: "1" })), CloudFormation, {
      ...cloudFormation,
      describe: (stack) => looks++ < times ? Effect.succeed(before) : cloudFormation.describe(stack)
    })
  })

describe("a stack that changes between the look and the call", () => {
  const ready = Effect.gen(function*() {
    yield* existing
    return yield* CloudFormation.use(({ describe }) => describe("MyTestStack"))
  })

  it.effect("because somebody has created it is updated", () =>
    Effect.gen(function*() {
      yield* existing
      assert.strictEqual((yield* looking(1, Option.none())).message, "Stack update started")
    }).pipe(Effect.provide(world())))

  it.effect("because somebody updates it is left alone", () =>
    Effect.gen(function*() {
      const before = yield* ready
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* looking(1, before)
      assert.include(outcome.message, "Stack cannot be updated when status is: UPDATE_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("because another was made under its name is looked at again, and that one is updated", () =>
    Effect.gen(function*() {
      const before = yield* ready
      yield* setStatus("DELETE_COMPLETE")
      yield* TestClock.adjust("1 second")
      yield* setStatus("CREATE_COMPLETE")
      const { id } = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("MyTestStack")))
      assert.notStrictEqual(id, Option.getOrThrow(before).id)
      const updated: Array<string> = []
      const outcome = yield* CloudFormation.use((cloudFormation) =>
        Effect.provideService(looking(1, before), CloudFormation, {
          ...cloudFormation,
          update: (request) =>
            Effect.andThen(Effect.sync(() => updated.push(request.stack)), cloudFormation.update(request))
        })
      )
      assert.deepStrictEqual(updated, [Option.getOrThrow(before).id, id])
      assert.deepInclude(outcome, { _tag: "Continued", message: "Stack update started", externalExecutionId: id })
    }).pipe(Effect.provide(world())))

  it.effect("is left to the next job after three looks that were wrong", () =>
    Effect.gen(function*() {
      yield* ready
      const outcome = yield* looking(3, Option.none())
      assert.strictEqual(outcome.message, "Waiting for the stack: CREATE_IN_PROGRESS")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
      assert.strictEqual((yield* invoke(next(outcome, "2"))).message, "Stack update started")
    }).pipe(Effect.provide(world())))
})

/** Invokes the action while reads show the stack like this, with these events. */
const showing = (
  event: unknown,
  events: Effect.Success<ReturnType<CloudFormation["Service"]["events"]>>,
  stack: Option.Option<Stack>
) =>
  CloudFormation.use((cloudFormation) =>
    Effect.provideService(invoke(event), CloudFormation, {
      ...cloudFormation,
      describe: () => Effect.succeed(stack),
      events: () => Effect.succeed(events)
    })
  )

describe("a verdict", () => {
  it.effect("is not taken from the status of somebody else's later update", () =>
    Effect.gen(function*() {
      yield* existing
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "The name is taken"))
      const first = yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 hour")
      yield* setStatus("UPDATE_COMPLETE")
      const outcome = yield* invoke(next(first, "2"))
      assert.strictEqual(outcome._tag, "Failed")
    }).pipe(Effect.provide(world())))

  it.effect("waits while the stack still shows the status that it had before", () =>
    Effect.gen(function*() {
      yield* existing
      const before = yield* CloudFormation.use(({ describe }) => describe("MyTestStack"))
      const first = yield* invoke(deployEvent({ id: "1" }))
      const stale = CloudFormation.use((cloudFormation) =>
        invoke(next(first, "2")).pipe(
          Effect.provideService(CloudFormation, {
            ...cloudFormation,
            describe: () => Effect.succeed(before),
            events: (stack, since) =>
              Effect.map(
                cloudFormation.events(stack, since),
                (events) => events.filter(({ clientRequestToken }) => clientRequestToken !== "update-1")
              )
          })
        )
      )
      assert.strictEqual(Option.getOrThrow(before).status, "CREATE_COMPLETE")
      assert.strictEqual((yield* stale)._tag, "Continued")
    }).pipe(Effect.provide(world())))

  it.effect("goes by status and times where the role may not read events, and the cause is the bare status", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ deny }) => deny("cloudformation:DescribeStackEvents"))
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "The name is taken"))
      const outcome = yield* runToEnd(deployEvent())
      assert.strictEqual(
        outcome.message,
        "Update failed: ROLLBACK_COMPLETE\n" +
          "cloudformation:DescribeStackEvents would tell more; the role of the Lambda function does not have it\n" +
          "Delete stack \"MyTestStack\", or let the action do it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"
      )
    }).pipe(Effect.provide(world())))

  it.effect("is about our stack, not about another that somebody made under its name", () =>
    Effect.gen(function*() {
      const first = yield* invoke(deployEvent({ id: "1" }))
      yield* TestClock.adjust("1 second")
      yield* setStatus("DELETE_COMPLETE")
      yield* TestClock.adjust("1 second")
      yield* setStatus("CREATE_COMPLETE")
      const outcome = yield* invoke(next(first, "2"))
      assert.deepInclude(outcome, { _tag: "Failed" })
      assert.include(outcome.message, "Update failed: DELETE_COMPLETE")
    }).pipe(Effect.provide(world())))

  it.effect("is a failure where nothing shows our operation for a quarter of an hour", () =>
    Effect.gen(function*() {
      yield* existing
      const { events, ...cloudFormation } = yield* CloudFormation
      const before = yield* cloudFormation.describe("MyTestStack")
      const outcome = yield* runToEnd(deployEvent({ id: "1" })).pipe(
        Effect.provideService(CloudFormation, {
          ...cloudFormation,
          describe: () => Effect.succeed(before),
          events: (stack, since) =>
            Effect.map(events(stack, since), (all) => all.filter((event) => event.clientRequestToken !== "update-1"))
        })
      )
      assert.include(outcome.message, "for 15 minutes the stack, in status CREATE_COMPLETE, has not shown it")
    }).pipe(Effect.provide(world())))

  describe("where no event has a token", () => {
    const ended = Effect.gen(function*() {
      yield* existing
      const before = yield* CloudFormation.use(({ describe }) => describe("MyTestStack"))
      yield* TestClock.adjust("1 hour")
      const timestamp = (yield* Clock.currentTimeMillis) - 60_000
      const stack = Option.map(before, (stack) => ({ ...stack, status: "UPDATE_COMPLETE", changedAt: timestamp }))
      const { id } = Option.getOrThrow(before)
      const event = {
        stackId: id,
        physicalResourceId: id,
        logicalResourceId: "MyTestStack",
        resourceType: "AWS::CloudFormation::Stack",
        timestamp,
        status: "UPDATE_COMPLETE"
      }
      yield* CloudFormationMemory.use(({ failResource }) => failResource("MySampleBucket", "No"))
      return { event, stack }
    })

    it.effect("is not taken from an operation that was over before, not by a delivery that adopts ours either", () =>
      Effect.gen(function*() {
        const { event, stack } = yield* ended
        const first = yield* invoke(deployEvent({ id: "1" }))
        const second = yield* showing(deployEvent({ id: "1" }), [event], stack)
        assert.strictEqual(second.message, "Stack update still in progress")
        for (const delivery of [first, second]) {
          assert.strictEqual((yield* showing(next(delivery, "2"), [event], stack))._tag, "Continued")
        }
        yield* TestClock.adjust("1 minute")
        assert.include((yield* invoke(next(second, "3"))).message, "Update failed: UPDATE_ROLLBACK_COMPLETE")
      }).pipe(Effect.provide(world())))

    it.effect("is that of the operation since our own call: an emulator's", () =>
      Effect.gen(function*() {
        const { event, stack } = yield* ended
        const first = yield* invoke(deployEvent({ id: "1" }))
        const ours = { ...event, timestamp: event.timestamp + 120_000 }
        assert.strictEqual((yield* showing(next(first, "2"), [ours, event], stack))._tag, "Succeeded")
      }).pipe(Effect.provide(world())))
  })

  it.effect("on a stack that was never seen is that there is none", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ continuationToken: foreignToken }))
      assert.strictEqual(outcome.message, "Update failed: stack \"MyTestStack\" does not exist")
    }).pipe(Effect.provide(world())))
})

describe("a token that is not ours", () => {
  it.effect("resumes by the stack's name and status", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const first = yield* invoke(deployEvent({ id: "1", continuationToken: foreignToken }))
      assert.strictEqual(first.message, "Stack update still in progress: UPDATE_IN_PROGRESS")
      yield* setStatus("UPDATE_COMPLETE")
      const second = yield* invoke(next(first, "2"))
      assert.deepInclude(second, { _tag: "Succeeded", message: "Stack update complete" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world())))
})

describe("UserParameters", () => {
  it.effect.each<readonly [userParameters: string, message: string]>([
    ["{}", "Your UserParameters JSON must include the stack name"],
    ["{}", "Your UserParameters JSON must include the artifact name"],
    ["{}", "Your UserParameters JSON must include the template file name"],
    ["https://example.com", "UserParameters could not be decoded as JSON"],
    ["[]", "UserParameters: expected object, got an array"],
    ["{\"stack\":\"1st\",\"file\":\"f\",\"artifact\":\"a\"}", "\"stack\": expected a stack's ARN or name"],
    ["{\"stack\":\"s\",\"file\":\"f\",\"artefact\":\"a\"}", "\"artefact\" is not known (did you mean \"artifact\"?)"]
  ])("%s: %s", ([userParameters, message]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ userParameters }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, message)
    }).pipe(Effect.provide(world())))
})

const fileOf = (content: string | Uint8Array) => world({ "template-package/template.json": content })

/** What CloudFormation is asked to create. */
const created = (event: unknown) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormation
    const requests: Array<StackRequest> = []
    const outcome = yield* Effect.provideService(invoke(event), CloudFormation, {
      ...cloudFormation,
      create: (request) => Effect.andThen(Effect.sync(() => requests.push(request)), cloudFormation.create(request))
    })
    return { outcome, request: requests[0] }
  })

const largeTemplate = `{"Resources":{"A":{"Type":"${"ü".repeat(30_000)}"}}}`
const withBucket = JSON.stringify({
  stack: "MyTestStack",
  file: "template-package/template.json",
  artifact: "MyTemplate",
  templateBucket: "templates"
})

describe("the template", () => {
  it.effect("goes in the call as it is, up to 51,200 bytes", () =>
    Effect.gen(function*() {
      const { request } = yield* created(deployEvent())
      assert.deepInclude(request, { templateBody: "x".repeat(51_200) })
    }).pipe(Effect.provide(fileOf("x".repeat(51_200)))))

  it.effect("of more bytes, if not more characters, is refused where there is no bucket, with what to do", () =>
    Effect.gen(function*() {
      const { outcome, request } = yield* created(deployEvent())
      assert.isUndefined(request)
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, "it has 60031 bytes, CloudFormation takes 51200 in a call")
      assert.include(outcome.message, "TEMPLATE_BUCKET")
    }).pipe(Effect.provide(fileOf(largeTemplate))))

  it.effect("of more bytes goes through the bucket of UserParameters, under a key made of its content", () =>
    Effect.gen(function*() {
      const first = yield* created(deployEvent({ id: "1", userParameters: withBucket }))
      const { uploads } = yield* ArtifactStoreMemory
      const [[url, body] = [], ...others] = [...uploads]
      assert.isEmpty(others)
      assert.deepInclude(first.request, { templateUrl: url ?? "" })
      assert.match(url ?? "", /^https:\/\/templates\..*\/effect-codepipeline\/[0-9a-f]{64}$/)
      assert.strictEqual(Buffer.from(body ?? []).toString(), largeTemplate)

      yield* TestClock.adjust("1 hour")
      const again = yield* invoke(deployEvent({ id: "2", userParameters: withBucket }))
      assert.strictEqual(again.message, "There were no stack updates")
      assert.strictEqual(uploads.size, 1)
    }).pipe(Effect.provide(fileOf(largeTemplate))))

  it.effect("of more bytes goes through the bucket of the function's environment", () =>
    Effect.gen(function*() {
      const { request } = yield* created(deployEvent())
      assert.include(JSON.stringify(request), "https://from-environment.")
    }).pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ TEMPLATE_BUCKET: "from-environment" })
      ),
      Effect.provide(fileOf(largeTemplate))
    ))

  it.effect("of more than 1 MiB is a ConfigurationError with both sizes", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ userParameters: withBucket }))
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.match(outcome.message, /has 1048577 bytes or more; 1048576 are allowed/)
    }).pipe(Effect.provide(fileOf("x".repeat(1_048_577)))))

  it.effect("loses its byte-order mark, and nothing else", () =>
    Effect.gen(function*() {
      const { request } = yield* created(deployEvent())
      assert.deepInclude(request, { templateBody: sampleTemplate })
    }).pipe(Effect.provide(fileOf(`\uFEFF${sampleTemplate}`))))

  it.effect.each<readonly [what: string, bytes: Uint8Array, reason: string]>([
    ["UTF-16", Buffer.from(`\uFEFF${sampleTemplate}`, "utf16le"), "it is UTF-16 text, CloudFormation takes UTF-8"],
    ["UTF-16 without a mark", Buffer.from(sampleTemplate, "utf16le"), "it is UTF-16 text"],
    ["binary", new Uint8Array([0x7b, 0xff, 0x7d]), "it is not UTF-8 text"]
  ])("in %s is refused with the reason", ([, bytes, reason]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, reason)
    }).pipe(Effect.provide(fileOf(bytes))))

  it.effect("in YAML goes as it is", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* runToEnd(deployEvent()))._tag, "Succeeded")
    }).pipe(Effect.provide(fileOf("Resources:\n  B:\n    Type: AWS::S3::Bucket\n"))))

  it.effect("in an artifact that the event does not have is RevisionUnavailable, in the sample's words", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ inputArtifacts: [] }))
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "Input artifact named \"MyTemplate\" not found in event")
    }).pipe(Effect.provide(world())))

  it.effect("that the artifact does not have is RevisionUnavailable, with near names", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "near is \"template.json\"")
    }).pipe(Effect.provide(world({ "template.json": sampleTemplate }))))
})

const outcomeWith = (store: Partial<ArtifactStore["Service"]>) =>
  ArtifactStore.use((present) =>
    invoke(deployEvent({ userParameters: withBucket })).pipe(
      Effect.provideService(ArtifactStore, { ...present, ...store })
    )
  )

describe("S3", () => {
  const place = { artifact: "MyTemplate", bucket: "b", key: "k" }
  const upload = { bucket: "templates", key: "k", reason: "AccessDenied: Access Denied" }

  it.effect("that does not let the artifact be read is PermissionError, and names whose credentials they are", () =>
    Effect.gen(function*() {
      const denied = new ArtifactDenied({ ...place, purpose: "read", reason: "AccessDenied: Access Denied" })
      const outcome = yield* outcomeWith({ read: () => Effect.fail(denied) })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "the credentials of the pipeline action's role, which needs s3:GetObject")
    }).pipe(Effect.provide(world())))

  it.effect("that finds the credentials expired is asked again by the next job, with fresh ones", () =>
    Effect.gen(function*() {
      const expired = new AwsUnavailable({ operation: "s3:GetObject", code: "ExpiredToken", detail: "It has expired." })
      const first = yield* outcomeWith({ read: () => Effect.fail(expired) })
      const second = yield* invoke(next(first, "2"))
      assert.strictEqual(second.message, "Stack create started")
    }).pipe(Effect.provide(world())))

  it.effect("that does not let the template be uploaded is PermissionError, and names the function's role", () =>
    Effect.gen(function*() {
      const denied = new UploadFailed({ ...upload, denied: true })
      const outcome = yield* outcomeWith({ upload: () => Effect.fail(denied) })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "s3://templates/k")
      assert.include(outcome.message, "The role of the Lambda function needs s3:PutObject")
    }).pipe(Effect.provide(fileOf(largeTemplate))))

  it.effect("that has no bucket for the template is ConfigurationError", () =>
    Effect.gen(function*() {
      const missing = new UploadFailed({ ...upload, denied: false, reason: "there is no such bucket" })
      const outcome = yield* outcomeWith({ upload: () => Effect.fail(missing) })
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Could not upload to s3://templates/k: there is no such bucket"
      })
    }).pipe(Effect.provide(fileOf(largeTemplate))))
})

describe("AWS", () => {
  it.effect("that does not answer is asked again by the next job, which begins nothing twice", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(6))
      const first = yield* invoke(deployEvent({ id: "1" }))
      assert.include(first.message, "Trying again: cloudformation:DescribeStacks did not get an answer from AWS")
      const second = yield* invoke(next(first, "2"))
      assert.strictEqual(second.message, "Stack create started")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("that does not answer for an hour is SystemUnavailable", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(10_000))
      const outcome = yield* runToEnd(deployEvent())
      assert.deepInclude(outcome, { _tag: "Failed", type: "SystemUnavailable" })
      const minutes = (yield* Clock.currentTimeMillis) / 60_000
      assert.isTrue(minutes > 60 && minutes < 63)
    }).pipe(Effect.provide(world())))

  it.effect("that denies a call is PermissionError, naming the call and the role", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ deny }) => deny("cloudformation:CreateStack"))
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "The role of the Lambda function needs cloudformation:CreateStack")
    }).pipe(Effect.provide(world())))
})

/** `events/deploy-stack.json` with these UserParameters besides its own. */
const asking = (options: Readonly<Record<string, unknown>>, data: Parameters<typeof deployEvent>[0] = {}) =>
  deployEvent({ ...data, userParameters: JSON.stringify({ ...minimal, ...options }) })

const minimal = { stack: "MyTestStack", file: "template-package/template.json", artifact: "MyTemplate" }

describe("whenBusy", () => {
  it.effect("wait: what somebody else does is waited for, then the stack is updated, once", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const first = yield* invoke(asking({ whenBusy: "wait" }, { id: "1" }))
      assert.strictEqual(first.message, "Waiting for the stack: UPDATE_IN_PROGRESS")
      yield* setStatus("UPDATE_COMPLETE")
      const second = asking({ whenBusy: "wait" }, { id: "2", continuationToken: tokenOf(first) })
      assert.strictEqual((yield* invoke(second)).message, "Stack update started")
      assert.strictEqual((yield* invoke(second)).message, "Stack update still in progress")
      assert.deepStrictEqual(yield* operationTokens, ["update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("wait: no longer than timeoutMinutes", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* runToEnd(asking({ whenBusy: "wait", timeoutMinutes: 30 }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "not over after 30 minutes")
      assert.include(outcome.message, "Waiting for the stack: UPDATE_IN_PROGRESS")
      assert.isEmpty(yield* operationTokens)
      const minutes = (yield* Clock.currentTimeMillis) / 60_000
      assert.isTrue(minutes >= 30 && minutes < 32)
    }).pipe(Effect.provide(world())))
})

describe("waitForCleanup", () => {
  it.effect("false: an update has succeeded when only old resources are still to go", () =>
    Effect.gen(function*() {
      yield* existing
      const first = yield* invoke(asking({ waitForCleanup: false }, { id: "1" }))
      yield* TestClock.adjust("10 seconds")
      const outcome = yield* invoke(asking({ waitForCleanup: false }, { id: "2", continuationToken: tokenOf(first) }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      const { status } = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("MyTestStack")))
      assert.strictEqual(status, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    }).pipe(Effect.provide(world())))

  it.effect("true: they are waited for", () =>
    Effect.gen(function*() {
      yield* existing
      const first = yield* invoke(asking({ waitForCleanup: true }, { id: "1" }))
      yield* TestClock.adjust("10 seconds")
      const second = yield* invoke(asking({ waitForCleanup: true }, { id: "2", continuationToken: tokenOf(first) }))
      assert.strictEqual(
        second.message,
        "Stack update still in progress: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
      )
    }).pipe(Effect.provide(world())))
})

describe("timeoutMinutes", () => {
  it.effect("ends a deployment that takes longer, and names its stack", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* runToEnd(asking({ timeoutMinutes: 10 }, { continuationToken: foreignToken }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "Stack update still in progress: UPDATE_IN_PROGRESS")
      assert.match("externalExecutionId" in outcome ? outcome.externalExecutionId ?? "" : "", /^arn:.*MyTestStack/)
    }).pipe(Effect.provide(world())))

  it.effect.each([0, 1_411, "10"])("%j is refused", (timeoutMinutes) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ timeoutMinutes }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "timeoutMinutes")
    }).pipe(Effect.provide(world())))
})

describe("a token", () => {
  it.effect("with the state of a job for another stack is no token of ours: the stack of UserParameters is watched", () =>
    Effect.gen(function*() {
      const other = yield* invoke(asking({ stack: "OtherStack" }, { id: "1" }))
      yield* setStatus("UPDATE_COMPLETE")
      const outcome = yield* invoke(asking({}, { id: "2", continuationToken: tokenOf(other) }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.include("externalExecutionId" in outcome ? outcome.externalExecutionId : "", "stack/MyTestStack/")
    }).pipe(Effect.provide(world())))

  it.effect("of a stack that UserParameters name by its ARN is ours", () =>
    Effect.gen(function*() {
      yield* existing
      const { id } = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("MyTestStack")))
      const first = yield* invoke(asking({ stack: id }, { id: "1" }))
      yield* CloudFormationMemory.use(({ operationTokens }) =>
        Effect.sync(() => assert.include(operationTokens, "update-1"))
      )
      yield* TestClock.adjust("1 hour")
      yield* setStatus("UPDATE_ROLLBACK_COMPLETE")
      const outcome = yield* invoke(asking({ stack: id }, { id: "2", continuationToken: tokenOf(first) }))
      assert.strictEqual(outcome._tag, "Succeeded")
    }).pipe(Effect.provide(world())))
})

describe("what AWS's sample gets wrong", () => {
  it.effect.each([
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS"
  ])("%s is not a failure while it runs", (status) =>
    Effect.gen(function*() {
      yield* setStatus(status)
      const outcome = yield* invoke(deployEvent({ continuationToken: foreignToken }))
      assert.strictEqual(outcome._tag, "Continued")
    }).pipe(Effect.provide(world())))

  it.effect.each(["UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])(
    "%s does not block the next update",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        assert.strictEqual((yield* invoke(deployEvent())).message, "Stack update started")
      }).pipe(Effect.provide(world()))
  )

  it.effect("ROLLBACK_COMPLETE cannot be updated", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      assert.include((yield* invoke(deployEvent())).message, "Delete stack \"MyTestStack\"")
    }).pipe(Effect.provide(world())))

  it.effect.each([{ continuationToken: null }, { continuationToken: "" }])(
    "%j begins, and does not continue",
    (data) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* invoke(deployEvent(data))).message, "Stack create started")
      }).pipe(Effect.provide(world()))
  )

  it.effect("one throttled call does not fail the job", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(2))
      assert.strictEqual((yield* invoke(deployEvent())).message, "Stack create started")
    }).pipe(Effect.provide(world())))

  it.effect("a throttled report is sent again as it was", () =>
    Effect.gen(function*() {
      yield* CodePipelineMemory.use(({ throttle }) => throttle(2))
      yield* invoke(deployEvent({ id: "1" }))
      const reported = yield* CodePipelineMemory.useSync(({ outcomes }) => outcomes.get(JobId.make("1")))
      assert.strictEqual(reported?._tag, "Continued")
    }).pipe(Effect.provide(world())))
})
