// The options `assumeRole`, `externalId` and `region`.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { UploadFailed } from "../../../src/domain/job/ArtifactErrors.ts"
import { AwsDenied } from "../../../src/domain/job/AwsError.ts"
import { StackPlan } from "../../../src/index.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory, type CloudFormationMemoryOptions } from "../../../src/testing/CloudFormationMemory.ts"
import { sampleTemplate } from "../../fixtures.ts"
import {
  describeStack,
  eventOf,
  eventWith,
  eventWithBuild,
  file,
  firstTemplate,
  invoke,
  nextEvent,
  recordCalls,
  required,
  runAction,
  runToEnd,
  stack,
  templateWith,
  worldOf
} from "./world.ts"

const account = "222222222222"
const assumeRole = `arn:aws:iam::${account}:role/Deploy`
const region = "eu-west-1"
const destination = { assumeRole, region }
const stackArn = (region: string, account: string) => `arn:aws:cloudformation:${region}:${account}:stack/${stack}/1`

const world = (template = sampleTemplate, options: CloudFormationMemoryOptions = {}) =>
  worldOf({ MyTemplate: { [file]: template }, MyBuild: {} }, {
    ...options,
    roles: { [assumeRole]: {}, [`${assumeRole}Guarded`]: { externalId: "ours" } }
  })

const there = CloudFormationMemory.useSync(({ at }) => at(account, region))
const serviceThere = Effect.map(
  CloudFormation.use(({ at }) => at(destination, "test")),
  ({ cloudFormation }) => cloudFormation
)
const inRegion = (name: string) =>
  Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ AWS_REGION: name })))

describe("a stack in another account and region", () => {
  it.effect("is created and updated there, and nothing in the own account", () =>
    Effect.gen(function*() {
      const outcome = yield* runAction("1", { ...required, ...destination })
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: `Stack update complete: the stack was created (account ${account}, region ${region})`
      })
      assert.include(outcome.externalExecutionId, `arn:aws:cloudformation:${region}:${account}:stack/${stack}/`)
      const again = yield* runAction("2", { ...required, ...destination })
      assert.include(again.message, "There were no stack updates")
      assert.isTrue(Option.isNone(yield* describeStack))
    }).pipe(Effect.provide(world())))

  it.effect("is watched there by later jobs", () =>
    Effect.gen(function*() {
      const options = { ...required, ...destination }
      const started = yield* invoke(eventOf(destination, { id: "1" }))
      assert.deepInclude(started, {
        _tag: "Continued",
        message: `Stack create started (account ${account}, region ${region})`
      })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* invoke(nextEvent(started, "2", options)))._tag, "Succeeded")
    }).pipe(Effect.provide(world())))

  it.effect("is deleted there", () =>
    Effect.gen(function*() {
      yield* runAction("1", { ...required, ...destination })
      const outcome = yield* runAction("2", { stack, mode: "DELETE_ONLY", ...destination })
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.isTrue(Option.isNone(yield* (yield* serviceThere).describe(stack)))
    }).pipe(Effect.provide(world())))

  it.effect("is cancelled there when the action reaches its timeout", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf(destination, { id: "1" }))
      yield* ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { [file]: firstTemplate }))
      const options = { ...required, ...destination, timeoutMinutes: 30, onTimeout: "cancel" }
      let outcome = yield* invoke(eventWith(options, { id: "2" }))
      for (let id = 3; outcome._tag === "Continued"; id++) {
        yield* TestClock.adjust("10 minutes")
        outcome = yield* invoke(nextEvent(outcome, String(id), options))
      }
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "The update of the stack is cancelled, and CloudFormation rolls it back")
      const found = yield* (yield* serviceThere).describe(stack)
      assert.strictEqual(Option.getOrThrow(found).status, "UPDATE_ROLLBACK_IN_PROGRESS")
    }).pipe(Effect.provide(world(sampleTemplate, { resourceDuration: "1 hour" }))))

  it.effect.each(StackPlan.Mode.literals)("mode %s calls CloudFormation only there", (mode) =>
    Effect.gen(function*() {
      const changeSet = mode.startsWith("CHANGE_SET") && mode !== "CHANGE_SET_DEPLOY" ? { changeSet: "Next" } : {}
      const { calls } = yield* recordCalls(runAction("1", { ...required, mode, ...changeSet, ...destination }))
      assert.deepStrictEqual([...new Set(calls)], ["at"])
    }).pipe(Effect.provide(world())))

  it.effect("a job without a destination assumes no role", () =>
    Effect.gen(function*() {
      const { calls } = yield* recordCalls(runAction("1", required))
      assert.notInclude(calls, "at")
      assert.isNotEmpty(calls)
    }).pipe(Effect.provide(world())))

  it.effect("has the causes of its failure, the role in their remarks, and its ARN", () =>
    Effect.gen(function*() {
      const { deny, failResource } = yield* there
      yield* failResource("Topic", "no")
      yield* deny("cloudformation:DescribeStackEvents")
      const outcome = yield* runAction("1", { ...required, ...destination })
      assert.strictEqual(outcome._tag, "Failed")
      assert.include(
        outcome.message,
        `cloudformation:DescribeStackEvents would show the causes; the role ${assumeRole} does not have it`
      )
      assert.include(outcome.externalExecutionId, `:${region}:${account}:stack/`)
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("a role that is not assumed", () => {
  it.effect("fails the job with the statement of the trust policy", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf({ assumeRole: `${assumeRole}Guarded`, externalId: "theirs" }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, "\"sts:ExternalId\":\"theirs\"")
    }).pipe(Effect.provide(world())))

  it.effect("because STS is not available lets the job continue", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ throttle }) => throttle(1_000))
      const outcome = yield* invoke(eventOf(destination))
      assert.strictEqual(outcome._tag, "Continued")
      assert.include(outcome.message, "sts:AssumeRole did not get an answer")
    }).pipe(Effect.provide(world())))
})

/** What becomes of a job if CloudFormation denies a call at the destination. */
const denying = (code: string, detail: string, options: object) =>
  Effect.gen(function*() {
    const service = yield* CloudFormation
    const denied = new AwsDenied({ operation: "cloudformation:DescribeStacks", code, detail })
    return yield* invoke(eventOf({ ...options })).pipe(
      Effect.provideService(CloudFormation, {
        ...service,
        at: () => Effect.succeed({ cloudFormation: { ...service, describe: () => Effect.fail(denied) }, access: {} })
      })
    )
  }).pipe(Effect.provide(world()))

describe("what CloudFormation denies at the destination", () => {
  it.effect("names the account, the region and the role that lacks the permission", () =>
    Effect.gen(function*() {
      const outcome = yield* denying("AccessDenied", "no", destination)
      assert.deepInclude(outcome, {
        type: "PermissionError",
        message: `In account ${account}, region ${region}: cloudformation:DescribeStacks is not permitted: ` +
          `AccessDenied: no. The role ${assumeRole} needs cloudformation:DescribeStacks there`
      })
    }))

  it.effect.each(["InvalidClientTokenId", "UnrecognizedClientException", "OptInRequired"])(
    "with %s in another region is a region that is not enabled",
    (code) =>
      Effect.gen(function*() {
        const outcome = yield* denying(code, "The security token is invalid", { region: "ap-east-1" })
        assert.deepInclude(outcome, { type: "ConfigurationError" })
        assert.include(outcome.message, "The region is probably not enabled in the account of the Lambda function")
        const other = yield* denying(code, "The security token is invalid", { ...destination, region: "ap-east-1" })
        assert.include(other.message, `The region is probably not enabled in account ${account}`)
      })
  )

  it.effect("with refused credentials in the own region is no matter of the region", () =>
    Effect.gen(function*() {
      const outcome = yield* denying("InvalidClientTokenId", "The security token is invalid", { assumeRole })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "Check the credentials and the clock of the Lambda function")
    }))
})

describe("options that do not agree with the destination", () => {
  it.effect.each(StackPlan.Mode.literals)(
    "fail the job in mode %s before anything is called",
    (mode) =>
      Effect.gen(function*() {
        const changeSet = mode.startsWith("CHANGE_SET") ? { changeSet: "Next" } : {}
        const wrong = { ...required, mode, ...changeSet, ...destination, stack: stackArn("eu-north-1", account) }
        const { calls, result } = yield* recordCalls(invoke(eventWith(wrong)))
        assert.deepInclude(result, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(result.message, "the ARN in \"stack\" is of region eu-north-1")
        assert.isEmpty(calls)
      }).pipe(Effect.provide(world()))
  )

  it.effect.each<readonly [Readonly<Record<string, unknown>>, string]>([
    [{ ...destination, roleArn: "arn:aws:iam::333333333333:role/R" }, "\"roleArn\" must belong to account"],
    [{ externalId: "ours" }, "\"externalId\" requires \"assumeRole\""],
    [{ assumeRole: "Deploy" }, "the ARN of an IAM role"],
    [{ region: "Ireland" }, "the name of a region"],
    [{ assumeRole, externalId: "a b" }, "an external id of 2 to 1,224 characters"]
  ])("as %j are named in the message", ([options, message]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf(options))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, message)
    }).pipe(Effect.provide(world())))
})

describe("a template over 51,200 bytes for another account", () => {
  const large = JSON.stringify({
    Description: "x",
    Metadata: { x: "x".repeat(52_000) },
    Resources: JSON.parse(sampleTemplate).Resources
  })

  it.effect("is uploaded with the credentials and in the region of the destination", () =>
    Effect.gen(function*() {
      const store = yield* ArtifactStore
      const accesses: Array<unknown> = []
      const outcome = yield* invoke(eventOf({ ...destination, templateBucket: "their-templates" })).pipe(
        Effect.provideService(ArtifactStore, {
          ...store,
          upload: (bucket, bytes, encryption, access) => {
            accesses.push([bucket, access?.region, access?.credentials !== undefined])
            return store.upload(bucket, bytes, encryption, access)
          }
        })
      )
      assert.strictEqual(outcome._tag, "Continued")
      assert.deepStrictEqual(accesses, [["their-templates", region, true]])
    }).pipe(Effect.provide(world(large))))

  it.effect("is not passed through the bucket of the function's environment", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf(destination))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "Name a bucket in the account and the region of the stack")
    }).pipe(
      Effect.provide(
        Layer.merge(world(large), ConfigProvider.layer(ConfigProvider.fromUnknown({ TEMPLATE_BUCKET: "ours" })))
      )
    ))

  it.effect("that may not be uploaded names the role that lacks the permission", () =>
    Effect.gen(function*() {
      const store = yield* ArtifactStore
      const denied = { bucket: "b", key: "k", denied: true, reason: "AccessDenied", needed: "s3:PutObject" }
      const outcome = yield* invoke(eventOf({ ...destination, templateBucket: "their-templates" })).pipe(
        Effect.provideService(ArtifactStore, { ...store, upload: () => Effect.fail(new UploadFailed(denied)) })
      )
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, `The role ${assumeRole} needs s3:PutObject`)
    }).pipe(Effect.provide(world(large))))
})

describe("Fn::GetArtifactAtt", () => {
  const template = templateWith({ Key: { Type: "String" } })
  const parameters = { Key: { "Fn::GetArtifactAtt": ["MyBuild", "ObjectKey"] } }

  it.effect("is refused for a stack in another region, with the reason", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({ ...destination, parameters }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(
        outcome.message,
        "The value of parameter \"Key\" is Fn::GetArtifactAtt, but the artifact is in region eu-central-1, and a stack in " +
          "region eu-west-1 cannot use it from there"
      )
    }).pipe(inRegion("eu-central-1"), Effect.provide(world(template))))

  it.effect("has the artifact's location for another account in the region of the artifact", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventWithBuild({ ...destination, parameters }))
      assert.strictEqual(outcome._tag, "Succeeded")
    }).pipe(inRegion(region), Effect.provide(world(template))))

  it.effect("does not matter to values that are not locations", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventWithBuild({ ...destination, parameters: { Key: "a" } }))
      assert.strictEqual(outcome._tag, "Succeeded")
    }).pipe(inRegion("eu-central-1"), Effect.provide(world(template))))

  it.effect("is not refused if the region of the function is unknown", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventWithBuild({ ...destination, parameters }))
      assert.strictEqual(outcome._tag, "Succeeded")
    }).pipe(Effect.provide(Layer.merge(world(template), ConfigProvider.layer(ConfigProvider.fromUnknown({}))))))
})
