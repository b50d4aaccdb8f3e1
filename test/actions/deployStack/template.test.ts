// How DeployStack reads the template and hands it to CloudFormation.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { TestClock } from "effect/testing"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import type { StackRequest } from "../../../src/domain/stack/Stack.ts"
import { ArtifactDenied, ArtifactStore, UploadFailed } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { deployEvent, sampleTemplate } from "../../fixtures.ts"
import { invoke, nextEvent, runToEnd, world, worldOf } from "./world.ts"

/** Runs one job, and returns the request that it sends to create the stack. */
const createRequest = (event: unknown) =>
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

describe("the template of a stack", () => {
  it.effect("a template of up to 51,200 bytes is sent unchanged in the call", () =>
    Effect.gen(function*() {
      const { request } = yield* createRequest(deployEvent())
      assert.deepInclude(request, { templateBody: "x".repeat(51_200) })
    }).pipe(Effect.provide(world("x".repeat(51_200)))))

  it.effect("a template of more bytes is refused without a template bucket, and the failure says what to do", () =>
    Effect.gen(function*() {
      const { outcome, request } = yield* createRequest(deployEvent())
      assert.isUndefined(request)
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, "it has 60031 bytes, but CloudFormation accepts at most 51200 in a call")
      assert.include(outcome.message, "TEMPLATE_BUCKET")
    }).pipe(Effect.provide(world(largeTemplate))))

  it.effect("a template of more bytes is uploaded to the bucket of UserParameters, under a key derived from its content", () =>
    Effect.gen(function*() {
      const first = yield* createRequest(deployEvent({ id: "1", userParameters: withBucket }))
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
    }).pipe(Effect.provide(world(largeTemplate))))

  it.effect("a template of more bytes is encrypted in the bucket as templateBucketEncryption says", () =>
    Effect.gen(function*() {
      const encryptions: Array<string | undefined> = []
      const upload = (bucket: string, _: Uint8Array, encryption?: string) =>
        Effect.sync(() => {
          encryptions.push(encryption)
          return `https://${bucket}.s3.amazonaws.com/key`
        })
      const templateBucketEncryption = "arn:aws:kms:us-east-1:123456789012:key/1"
      const userParameters = JSON.stringify({ ...JSON.parse(withBucket), templateBucketEncryption })
      const store = yield* ArtifactStore
      yield* invoke(deployEvent({ userParameters })).pipe(
        Effect.provideService(ArtifactStore, { ...store, upload })
      )
      assert.deepStrictEqual(encryptions, [templateBucketEncryption])
      const wrong = JSON.stringify({ ...JSON.parse(withBucket), templateBucketEncryption: "aes" })
      const outcome = yield* invoke(deployEvent({ userParameters: wrong }))
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, "\"AES256\", \"aws:kms\" or the ARN of a KMS key")
    }).pipe(Effect.provide(world(largeTemplate))))

  it.effect("a template of more bytes is uploaded to the bucket of the function's environment", () =>
    Effect.gen(function*() {
      const { request } = yield* createRequest(deployEvent())
      assert.include(JSON.stringify(request), "https://from-environment.")
    }).pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ TEMPLATE_BUCKET: "from-environment" })
      ),
      Effect.provide(world(largeTemplate))
    ))

  it.effect("a template of more than 1,000,000 bytes is a ConfigurationError that states size and limit", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ userParameters: withBucket }))
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.match(outcome.message, /has 1000001 bytes or more; the maximum is 1000000/)
    }).pipe(Effect.provide(world("x".repeat(1_000_001)))))

  it.effect("a template loses its byte-order mark and nothing else", () =>
    Effect.gen(function*() {
      const { request } = yield* createRequest(deployEvent())
      assert.deepInclude(request, { templateBody: sampleTemplate })
    }).pipe(Effect.provide(world(`\uFEFF${sampleTemplate}`))))

  it.effect.each<readonly [what: string, bytes: Uint8Array, reason: string]>([
    [
      "UTF-16",
      Buffer.from(`\uFEFF${sampleTemplate}`, "utf16le"),
      "it is UTF-16 text, but CloudFormation requires UTF-8. Save the template in this file, as JSON or YAML in UTF-8"
    ],
    ["UTF-16 without a mark", Buffer.from(sampleTemplate, "utf16le"), "it is UTF-16 text"],
    ["binary", new Uint8Array([0x7b, 0xff, 0x7d]), "it is not UTF-8 text"]
  ])("a template in %s is refused with the reason", ([, bytes, reason]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, reason)
    }).pipe(Effect.provide(world(bytes))))

  it.effect.each(["", "\uFEFF", " \r\n\t\n", "\uFEFF\n"])(
    "a template without text is a ConfigurationError, and nothing is created: %j",
    (text) =>
      Effect.gen(function*() {
        const { outcome, request } = yield* createRequest(deployEvent())
        assert.isUndefined(request)
        assert.deepInclude(outcome, { type: "ConfigurationError" })
        assert.match(
          outcome.message,
          /^The template "[^"]+" in artifact "MyTemplate" cannot be used: it (is empty|has no text)/
        )
      }).pipe(Effect.provide(world(text)))
  )

  it.effect("a template in YAML is sent unchanged", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* runToEnd(deployEvent()))._tag, "Succeeded")
    }).pipe(Effect.provide(world("Resources:\n  B:\n    Type: AWS::S3::Bucket\n"))))

  it.effect("an artifact that the event does not have is RevisionUnavailable, in the words of AWS's sample", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent({ inputArtifacts: [] }))
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "Input artifact named \"MyTemplate\" not found in event")
    }).pipe(Effect.provide(world())))

  it.effect("a file that the artifact does not have is RevisionUnavailable, with a suggestion", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "Similar names: \"template.json\"")
    }).pipe(Effect.provide(worldOf({ MyTemplate: { "template.json": sampleTemplate } }))))
})

const outcomeWith = (store: Partial<ArtifactStore["Service"]>) =>
  ArtifactStore.use((present) =>
    invoke(deployEvent({ userParameters: withBucket })).pipe(
      Effect.provideService(ArtifactStore, { ...present, ...store })
    )
  )

describe("errors of S3", () => {
  const place = { artifact: "MyTemplate", bucket: "b", key: "k" }
  const upload = { bucket: "templates", key: "k", reason: "AccessDenied: Access Denied" }

  it.effect("an artifact that may not be read is a PermissionError that says whose credentials were used", () =>
    Effect.gen(function*() {
      const denied = new ArtifactDenied({
        ...place,
        purpose: "read",
        reason: "AccessDenied: Access Denied",
        needed: "s3:GetObject"
      })
      const outcome = yield* outcomeWith({ read: () => Effect.fail(denied) })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "the credentials of the pipeline action's role, which needs s3:GetObject")
    }).pipe(Effect.provide(world())))

  it.effect("expired credentials are retried by the next job, which has fresh ones", () =>
    Effect.gen(function*() {
      const expired = new AwsUnavailable({ operation: "s3:GetObject", code: "ExpiredToken", detail: "It has expired." })
      const first = yield* outcomeWith({ read: () => Effect.fail(expired) })
      const second = yield* invoke(nextEvent(first, "2"))
      assert.strictEqual(second.message, "Stack create started")
    }).pipe(Effect.provide(world())))

  it.effect("a template that may not be uploaded is a PermissionError that names the function's role", () =>
    Effect.gen(function*() {
      const denied = new UploadFailed({ ...upload, denied: true, needed: "s3:PutObject" })
      const outcome = yield* outcomeWith({ upload: () => Effect.fail(denied) })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "s3://templates/k")
      assert.include(outcome.message, "The role of the Lambda function needs s3:PutObject")
    }).pipe(Effect.provide(world(largeTemplate))))

  it.effect("a template bucket that does not exist is a ConfigurationError", () =>
    Effect.gen(function*() {
      const missing = new UploadFailed({ ...upload, denied: false, reason: "the bucket does not exist" })
      const outcome = yield* outcomeWith({ upload: () => Effect.fail(missing) })
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Could not upload to s3://templates/k: the bucket does not exist"
      })
    }).pipe(Effect.provide(world(largeTemplate))))
})
