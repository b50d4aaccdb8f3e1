// What DeployStack hands on to later actions: the stack's outputs, as variables and as a file.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { ArtifactDenied, ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import { deployEvent } from "../../fixtures.ts"

const file = "template-package/template.json"
const minimal = { stack: "MyTestStack", file, artifact: "MyTemplate" }

const templateWith = (outputs: Readonly<Record<string, unknown>>) =>
  JSON.stringify({
    Resources: { Bucket: { Type: "AWS::S3::Bucket" } },
    Outputs: Object.fromEntries(Object.entries(outputs).map(([name, Value]) => [name, { Value }]))
  })

const outputs = { Url: "https://a.example", Bucket: { Ref: "Bucket" } }

const world = (template = templateWith(outputs)) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer({ MyTemplate: { [file]: template } }),
    CloudFormationMemory.layer(),
    CodePipelineMemory.layer
  )

const outputArtifact = (name: string) => ({
  name,
  location: { type: "S3", s3Location: { bucketName: "artifacts", objectKey: `MyPipeline/${name}/1.zip` } }
})

const asking = (options: Readonly<Record<string, unknown>> = {}, data: Parameters<typeof deployEvent>[0] = {}) =>
  deployEvent({ ...data, userParameters: JSON.stringify({ ...minimal, ...options }) })

const invoke = (event: unknown) => drive(JobRunner.run(DeployStack, event))

const runToEnd = (event: unknown) =>
  drive(LocalPipeline.run({ event, invoke: (event) => JobRunner.run(DeployStack, event) }))

const stackId = Effect.map(
  CloudFormation.use(({ describe }) => describe("MyTestStack")),
  Option.match({ onNone: () => "", onSome: ({ id }) => id })
)

const written = ArtifactStoreMemory.useSync(({ outputs }) =>
  Object.fromEntries(
    [...outputs].map(([name, files]) => [
      name,
      Object.fromEntries(Object.entries(files).map(([path, text]) => [path, JSON.parse(String(text))]))
    ])
  )
)

describe("output variables", () => {
  it.effect("are the stack's outputs and its id", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(asking())
      const StackId = yield* stackId
      assert.match(StackId, /^arn:/)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "Stack update complete",
        outputVariables: { StackId, Url: "https://a.example", Bucket: "MyTestStack-Bucket" }
      })
    }).pipe(Effect.provide(world())))

  it.effect("are there without updates too", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({}, { id: "1" }))
      const outcome = yield* invoke(asking({ outputs: ["Url"] }, { id: "2" }))
      const StackId = yield* stackId
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "There were no stack updates",
        externalExecutionId: StackId,
        outputVariables: { StackId, Url: "https://a.example" }
      })
    }).pipe(Effect.provide(world())))

  it.effect("are there when another program has started the operation", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({}, { id: "1" }))
      const outcome = yield* invoke(asking({}, { id: "2", continuationToken: "{\"previous_job_id\":\"1\"}" }))
      assert.deepNestedInclude(outcome, { "outputVariables.Url": "https://a.example" })
    }).pipe(Effect.provide(world())))

  it.effect("are those of the template that was deployed last", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({}, { id: "1" }))
      const other = templateWith({ Url: "https://b.example" })
      yield* ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { [file]: other }))
      const outcome = yield* runToEnd(asking({}, { id: "2" }))
      const StackId = yield* stackId
      assert.deepInclude(outcome, { outputVariables: { StackId, Url: "https://b.example" } })
    }).pipe(Effect.provide(world())))

  it.effect("are not given for a failure", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ failResource }) => failResource("Bucket", "The name is taken"))
      const outcome = yield* runToEnd(asking({}, { outputArtifacts: [outputArtifact("Out")] }))
      assert.strictEqual(outcome._tag, "Failed")
      assert.notProperty(outcome, "outputVariables")
      assert.deepStrictEqual(yield* written, {})
    }).pipe(Effect.provide(world())))

  it.effect("are none of a stack that somebody has deleted meanwhile", () =>
    Effect.gen(function*() {
      const first = yield* invoke(asking({ outputs: ["Url"] }, { id: "1" }))
      yield* TestClock.adjust("1 hour")
      yield* CloudFormationMemory.use(({ setStatus }) => setStatus("MyTestStack", "DELETE_COMPLETE"))
      const continuationToken = "continuationToken" in first ? first.continuationToken : ""
      const outcome = yield* invoke(asking({ outputs: ["Url"] }, { id: "2", continuationToken }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.notProperty(outcome, "outputVariables")
    }).pipe(Effect.provide(world())))
})

describe("outputs", () => {
  it.effect("that the stack does not have are a ConfigurationError with a near name, and the stack's id", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(asking({ outputs: ["url"] }))
      assert.deepStrictEqual(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "Stack \"MyTestStack\" is deployed, but has no output \"url\", which \"outputs\" in UserParameters " +
          "asks for. Did you mean \"Url\"?",
        externalExecutionId: yield* stackId
      })
    }).pipe(Effect.provide(world())))

  const large = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`Output${index}`, "x".repeat(1_024)]))

  /** More than a template in a call could hold as literals. */
  const deployingLarge = (event: unknown) =>
    CloudFormation.use((cloudFormation) =>
      Effect.provideService(runToEnd(event), CloudFormation, {
        ...cloudFormation,
        describe: (stack) =>
          Effect.map(cloudFormation.describe(stack), Option.map((found) => Object.assign(found, { outputs: large })))
      })
    )

  it.effect("that CodePipeline would not take are a ConfigurationError that says what to do", () =>
    Effect.gen(function*() {
      const outcome = yield* deployingLarge(asking())
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError", externalExecutionId: yield* stackId })
      assert.match(
        outcome.message,
        /take 20\d{4} bytes as output variables, and CodePipeline allows 122880\. Name those/
      )
    }).pipe(Effect.provide(world())))

  it.effect("narrow them, and the file still holds all", () =>
    Effect.gen(function*() {
      const outcome = yield* deployingLarge(asking({ outputs: [] }, { outputArtifacts: [outputArtifact("Out")] }))
      const StackId = yield* stackId
      assert.deepInclude(outcome, { _tag: "Succeeded", outputVariables: { StackId } })
      assert.deepStrictEqual(yield* written, { Out: { "outputs.json": { StackId, ...large } } })
    }).pipe(Effect.provide(world())))
})

const storing = (write: ArtifactStore["Service"]["write"]) => (event: unknown) =>
  ArtifactStore.use((store) => Effect.provideService(invoke(event), ArtifactStore, { ...store, write }))

describe("an output artifact", () => {
  it.effect("gets a file with all outputs and the stack's id; of several, the first", () =>
    Effect.gen(function*() {
      const outputArtifacts = [outputArtifact("First"), outputArtifact("Second")]
      const outcome = yield* runToEnd(asking({}, { outputArtifacts }))
      const StackId = yield* stackId
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* written, {
        First: { "outputs.json": { StackId, Url: "https://a.example", Bucket: "MyTestStack-Bucket" } }
      })
    }).pipe(Effect.provide(world())))

  it.effect("gets it under another path, and without updates too", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({}, { id: "1" }))
      assert.deepStrictEqual(yield* written, {})
      const data = { id: "2", outputArtifacts: [outputArtifact("Out")] }
      yield* invoke(asking({ outputFile: "out/stack.json" }, data))
      assert.deepNestedInclude(yield* written, { "Out.out/stack\\.json.Url": "https://a.example" })
    }).pipe(Effect.provide(world())))

  const outputArtifacts = [outputArtifact("Out")]

  const deployed = Effect.gen(function*() {
    const first = yield* invoke(asking({}, { id: "1", outputArtifacts }))
    yield* TestClock.adjust("1 hour")
    return asking({}, {
      id: "2",
      outputArtifacts,
      continuationToken: "continuationToken" in first ? first.continuationToken : ""
    })
  })

  it.effect("that may not be written is a PermissionError, not a success", () =>
    Effect.gen(function*() {
      const denied = new ArtifactDenied({ artifact: "Out", bucket: "b", key: "k", purpose: "write", reason: "denied" })
      const outcome = yield* storing(() => Effect.fail(denied))(yield* deployed)
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, "which needs s3:PutObject")
    }).pipe(Effect.provide(world())))

  it.effect("that cannot be written just now is written by the next job", () =>
    Effect.gen(function*() {
      const slow = new AwsUnavailable({
        operation: "s3:PutObject",
        code: "SlowDown",
        detail: "Please reduce your rate"
      })
      const outcome = yield* storing(() => Effect.fail(slow))(yield* deployed)
      assert.include(outcome.message, "Trying again: s3:PutObject did not get an answer")
      const continuationToken = "continuationToken" in outcome ? outcome.continuationToken : ""
      const last = yield* invoke(asking({}, { id: "3", outputArtifacts, continuationToken }))
      assert.strictEqual(last._tag, "Succeeded")
      assert.deepStrictEqual(Object.keys(yield* written), ["Out"])
    }).pipe(Effect.provide(world())))
})

describe("outputFile", () => {
  it.effect("without an output artifact is refused before anything is started", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ outputFile: "o.json" }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "\"outputFile\" in UserParameters asks for the stack's outputs in \"o.json\", and the action has no " +
          "output artifact to write it into: declare one in the pipeline, or leave \"outputFile\" out"
      })
      assert.isEmpty(yield* CloudFormationMemory.useSync(({ operationTokens }) => operationTokens))
    }).pipe(Effect.provide(world())))

  it.effect.each(["", "/o.json", "../o.json", "a/../o.json", ".", "a/..", "a//o.json", "a/", "a\\o.json", "C:o.json"])(
    "%j, which no zip can hold, is refused",
    (outputFile) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(asking({ outputFile }, { outputArtifacts: [outputArtifact("Out")] }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, "\"outputFile\": expected the path of a file in a zip")
      }).pipe(Effect.provide(world()))
  )

  it.effect.each(["o", "o.json", ".hidden", "..o", "a/b/o.json", "a b/ü.json"])(
    "%j is a file's path",
    (outputFile) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(asking({ outputFile }, { outputArtifacts: [outputArtifact("Out")] }))
        assert.strictEqual(outcome._tag, "Continued")
      }).pipe(Effect.provide(world()))
  )
})
