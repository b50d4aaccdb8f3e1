// The outputs of the stack that DeployStack passes to later actions, as variables and as a file.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { ArtifactDenied, ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { tokenOf } from "../../fixtures.ts"
import {
  eventOf,
  failResource,
  invoke,
  operationTokens,
  putTemplate,
  runToEnd,
  setStatus,
  stackId,
  world
} from "./world.ts"

const templateWithOutputs = (outputs: Readonly<Record<string, unknown>>) =>
  JSON.stringify({
    Resources: { Bucket: { Type: "AWS::S3::Bucket" } },
    Outputs: Object.fromEntries(Object.entries(outputs).map(([name, Value]) => [name, { Value }]))
  })

const outputs = { Url: "https://a.example", Bucket: { Ref: "Bucket" } }

const template = templateWithOutputs(outputs)

const outputArtifact = (name: string) => ({
  name,
  location: { type: "S3", s3Location: { bucketName: "artifacts", objectKey: `MyPipeline/${name}/1.zip` } }
})

const written = ArtifactStoreMemory.useSync(({ outputs }) =>
  Object.fromEntries(
    [...outputs].map(([name, files]) => [
      name,
      Object.fromEntries(Object.entries(files).map(([path, text]) => [path, JSON.parse(String(text))]))
    ])
  )
)

describe("output variables", () => {
  it.effect("output variables are the stack's outputs and its id", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventOf())
      const StackId = yield* stackId
      assert.match(StackId, /^arn:/)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "Stack update complete: the stack was created",
        outputVariables: { StackId, Url: "https://a.example", Bucket: "MyTestStack-Bucket" }
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("output variables are set even if there were no updates", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf({}, { id: "1" }))
      const outcome = yield* invoke(eventOf({ outputs: ["Url"] }, { id: "2" }))
      const StackId = yield* stackId
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "There were no stack updates",
        externalExecutionId: StackId,
        outputVariables: { StackId, Url: "https://a.example" }
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("output variables are set if another program started the operation", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf({}, { id: "1" }))
      const outcome = yield* invoke(eventOf({}, { id: "2", continuationToken: "{\"previous_job_id\":\"1\"}" }))
      assert.deepNestedInclude(outcome, { "outputVariables.Url": "https://a.example" })
    }).pipe(Effect.provide(world(template))))

  it.effect("output variables are those of the template that was deployed last", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf({}, { id: "1" }))
      const other = templateWithOutputs({ Url: "https://b.example" })
      yield* putTemplate(other)
      const outcome = yield* runToEnd(eventOf({}, { id: "2" }))
      const StackId = yield* stackId
      assert.deepInclude(outcome, { outputVariables: { StackId, Url: "https://b.example" } })
    }).pipe(Effect.provide(world(template))))

  it.effect("a failure has no output variables", () =>
    Effect.gen(function*() {
      yield* failResource("Bucket", "The name is taken")
      const outcome = yield* runToEnd(eventOf({}, { outputArtifacts: [outputArtifact("Out")] }))
      assert.strictEqual(outcome._tag, "Failed")
      assert.notProperty(outcome, "outputVariables")
      assert.deepStrictEqual(yield* written, {})
    }).pipe(Effect.provide(world(template))))

  it.effect("a stack that another actor has deleted in the meantime has no output variables", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf({ outputs: ["Url"] }, { id: "1" }))
      yield* TestClock.adjust("1 hour")
      yield* setStatus("DELETE_COMPLETE")
      const continuationToken = tokenOf(first)
      const outcome = yield* invoke(eventOf({ outputs: ["Url"] }, { id: "2", continuationToken }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      assert.notProperty(outcome, "outputVariables")
    }).pipe(Effect.provide(world(template))))
})

describe("outputs", () => {
  it.effect("an output that the stack does not have is a ConfigurationError with a suggestion and the stack's id", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventOf({ outputs: ["url"] }))
      assert.deepStrictEqual(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "Stack \"MyTestStack\" is deployed, but has no output \"url\", which \"outputs\" in UserParameters " +
          "asks for. Did you mean \"Url\"?",
        externalExecutionId: yield* stackId
      })
    }).pipe(Effect.provide(world(template))))

  const large = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`Output${index}`, "x".repeat(1_024)]))

  /** Deploys a stack with more outputs than a template of 51,200 bytes could hold as literals. */
  const deployingLarge = (event: unknown) =>
    CloudFormation.use((cloudFormation) =>
      Effect.provideService(runToEnd(event), CloudFormation, {
        ...cloudFormation,
        describe: (stack) =>
          Effect.map(cloudFormation.describe(stack), Option.map((found) => Object.assign(found, { outputs: large })))
      })
    )

  it.effect("outputs over CodePipeline's limit are a ConfigurationError that says what to do", () =>
    Effect.gen(function*() {
      const outcome = yield* deployingLarge(eventOf())
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError", externalExecutionId: yield* stackId })
      assert.match(
        outcome.message,
        /take 20\d{4} bytes as output variables, and CodePipeline allows 122880\. Name those/
      )
    }).pipe(Effect.provide(world(template))))

  it.effect("outputs selects the output variables, and the file still holds all", () =>
    Effect.gen(function*() {
      const outcome = yield* deployingLarge(eventOf({ outputs: [] }, { outputArtifacts: [outputArtifact("Out")] }))
      const StackId = yield* stackId
      assert.deepInclude(outcome, { _tag: "Succeeded", outputVariables: { StackId } })
      assert.deepStrictEqual(yield* written, { Out: { "outputs.json": { StackId, ...large } } })
    }).pipe(Effect.provide(world(template))))
})

const storing = (write: ArtifactStore["Service"]["write"]) => (event: unknown) =>
  ArtifactStore.use((store) => Effect.provideService(invoke(event), ArtifactStore, { ...store, write }))

describe("an output artifact", () => {
  it.effect("the first output artifact gets a file with all outputs and the stack's id", () =>
    Effect.gen(function*() {
      const outputArtifacts = [outputArtifact("First"), outputArtifact("Second")]
      const outcome = yield* runToEnd(eventOf({}, { outputArtifacts }))
      const StackId = yield* stackId
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* written, {
        First: { "outputs.json": { StackId, Url: "https://a.example", Bucket: "MyTestStack-Bucket" } }
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("the file of outputs has another path if outputFile is set, and is written even if there were no updates", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf({}, { id: "1" }))
      assert.deepStrictEqual(yield* written, {})
      const data = { id: "2", outputArtifacts: [outputArtifact("Out")] }
      yield* invoke(eventOf({ outputFile: "out/stack.json" }, data))
      assert.deepNestedInclude(yield* written, { "Out.out/stack\\.json.Url": "https://a.example" })
    }).pipe(Effect.provide(world(template))))

  const outputArtifacts = [outputArtifact("Out")]

  const deployed = Effect.gen(function*() {
    const first = yield* invoke(eventOf({}, { id: "1", outputArtifacts }))
    yield* TestClock.adjust("1 hour")
    return eventOf({}, {
      id: "2",
      outputArtifacts,
      continuationToken: tokenOf(first)
    })
  })

  it.effect("an output artifact that may not be written is a PermissionError, not a success", () =>
    Effect.gen(function*() {
      const denied = new ArtifactDenied({
        artifact: "Out",
        bucket: "b",
        key: "k",
        purpose: "write",
        reason: "denied",
        needed: "s3:PutObject"
      })
      const outcome = yield* storing(() => Effect.fail(denied))(yield* deployed)
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, "which needs s3:PutObject")
    }).pipe(Effect.provide(world(template))))

  it.effect("an output artifact that cannot be written during an outage is written by the next job", () =>
    Effect.gen(function*() {
      const slow = new AwsUnavailable({
        operation: "s3:PutObject",
        code: "SlowDown",
        detail: "Please reduce your rate"
      })
      const outcome = yield* storing(() => Effect.fail(slow))(yield* deployed)
      assert.include(outcome.message, "Trying again: s3:PutObject did not get an answer")
      const continuationToken = tokenOf(outcome)
      const last = yield* invoke(eventOf({}, { id: "3", outputArtifacts, continuationToken }))
      assert.strictEqual(last._tag, "Succeeded")
      assert.deepStrictEqual(Object.keys(yield* written), ["Out"])
    }).pipe(Effect.provide(world(template))))
})

describe("outputFile", () => {
  it.effect("outputFile without an output artifact is refused before anything is started", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf({ outputFile: "o.json" }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "The action has no output artifact for the file \"o.json\" (\"outputFile\" in UserParameters). " +
          "Declare an output artifact in the pipeline, or remove \"outputFile\""
      })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world(template))))

  it.effect.each(["", "/o.json", "../o.json", "a/../o.json", ".", "a/..", "a//o.json", "a/", "a\\o.json", "C:o.json"])(
    "outputFile %j, which no zip can hold, is rejected",
    (outputFile) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(eventOf({ outputFile }, { outputArtifacts: [outputArtifact("Out")] }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, "\"outputFile\": expected the path of a file in a zip")
      }).pipe(Effect.provide(world(template)))
  )

  it.effect.each(["o", "o.json", ".hidden", "..o", "a/b/o.json", "a b/ü.json"])(
    "outputFile %j is accepted",
    (outputFile) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(eventOf({ outputFile }, { outputArtifacts: [outputArtifact("Out")] }))
        assert.strictEqual(outcome._tag, "Continued")
      }).pipe(Effect.provide(world(template)))
  )
})
