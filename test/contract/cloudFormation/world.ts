// The cases of the contract run against two worlds: the in-memory layer, and the live layer over HTTP against a server of
// this machine.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { ChangeSetRequest, StackRequest } from "../../../src/domain/stack/Stack.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { sampleTemplate } from "../../fixtures.ts"
import { CloudFormationServer } from "../CloudFormationServer.ts"
import { clientOptions, denied, refused } from "../server.ts"
import type { Change } from "./serverStacks.ts"

export interface Settings {
  readonly parameters: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string | undefined>>
  readonly topics: ReadonlyArray<string>
  readonly roleArn: string | undefined
  readonly stackPolicy: string | undefined
}

/** What a case needs besides the service. */
export class World extends Context.Service<World, {
  /** Brings the stack into this status, as another actor would; creates the stack if it does not exist. */
  setStatus(stack: string, status: string): Effect.Effect<void>
  /** The running operation succeeds. */
  completeOperation(stack: string): Effect.Effect<void>
  /** Finishes the creation of the stack's change sets. */
  finishChangeSets(stack: string): Effect.Effect<void>
  /** Creates the change set `Next` of the stack, whose bucket fails early validation; returns the change set's id. */
  createFailingChangeSet: Effect.Effect<string, unknown, CloudFormation>
  /** Switches the stack's termination protection on. */
  protect(stack: string): Effect.Effect<void>
  /** Throttles the next `calls` calls. */
  throttle(calls: number): Effect.Effect<void>
  /** From now on, denies this call. */
  deny(operation: string): Effect.Effect<void>
  /** The settings of the stack besides its template. */
  settings(stack: string): Effect.Effect<Settings>
  /**
   * Creates the stack, and updates it: the update fails, and the rollback of its bucket too. Without rollback, it stays in
   * UPDATE_FAILED. After that, nothing fails any more. Returns the stack's id.
   */
  failUpdate(how: "in the rollback" | "without rollback"): Effect.Effect<string, unknown, CloudFormation>
  /** Somebody changes the resource `Bucket` of the stack, or deletes it. */
  drift(stack: string, how: "changed" | "deleted"): Effect.Effect<void>
  /** Finishes the stack's drift detections. */
  finishDetections(stack: string): Effect.Effect<void>
  /** Creates the stack, whose bucket fails on its own, by a hook, by validation, or in a nested stack. */
  createFailing(how: "resource" | "hook" | "validation" | "nested"): Effect.Effect<string, unknown, CloudFormation>
}>()("effect-codepipeline/test/CloudFormationWorld") {}

export const memory: Layer.Layer<CloudFormation | World> = Layer.effect(
  World,
  Effect.map(
    CloudFormationMemory,
    (
      {
        deny,
        driftResource,
        failHook,
        failResource,
        failRollback,
        failValidation,
        fixResource,
        protect,
        setStatus,
        settingsOf,
        throttle
      }
    ) => ({
      failUpdate: Effect.fnUntraced(function*(how) {
        const id = yield* create({ templateBody: bucketTemplate })
        yield* TestClock.adjust("1 hour")
        yield* failResource("Topic", why)
        yield* failRollback("Bucket", why)
        yield* update({ templateBody: changedBucketTemplate, disableRollback: how === "without rollback" })
        yield* TestClock.adjust("1 hour")
        yield* Effect.all([fixResource("Topic"), fixResource("Bucket")])
        return id
      }),
      createFailing: Effect.fnUntraced(function*(how) {
        if (how === "hook") yield* failHook("Bucket", hookType, why)
        if (how === "validation") yield* failValidation("Bucket", why)
        if (how === "resource" || how === "nested") yield* failResource("Bucket", why)
        const nested = { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: nestedUrl } }
        const templateBody = how === "nested" ? JSON.stringify({ Resources: { Nested: nested } }) : bucketTemplate
        const id = yield* create({ templateBody })
        yield* TestClock.adjust("1 hour")
        return id
      }),
      setStatus,
      drift: (_, how) => driftResource("Bucket", how === "deleted" ? how : [difference]),
      finishDetections: () => TestClock.adjust("1 hour"),
      finishChangeSets: () => TestClock.adjust("1 hour"),
      createFailingChangeSet: Effect.gen(function*() {
        yield* failValidation("Bucket", why)
        const { id } = yield* prepare({ templateBody: bucketTemplate })
        yield* TestClock.adjust("1 hour")
        return id
      }),
      protect,
      settings: (name) =>
        Effect.map(settingsOf(name), (settings) => {
          const { notificationArns, parameters, roleArn, stackPolicy, tags } = Option.getOrThrow(settings)
          return {
            parameters: Object.fromEntries(parameters),
            tags: Object.fromEntries(tags),
            topics: notificationArns,
            roleArn,
            stackPolicy
          }
        }),
      completeOperation: () => TestClock.adjust("1 hour"),
      throttle,
      deny
    })
  )
).pipe(
  Layer.provideMerge(Layer.suspend(() => CloudFormationMemory.layer({ templates: { [nestedUrl]: bucketTemplate } })))
)

export const throttled = refused("Throttling", "Rate exceeded")

export const service = Layer.unwrap(Effect.gen(function*() {
  const { endpoint } = yield* CloudFormationServer
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new CloudFormationClient(clientOptions(endpoint))),
    (client) => Effect.sync(() => client.destroy())
  )
  return CloudFormation.layerClient(client)
}))

export const httpWithPages = (eventsPerPage: number) =>
  Layer.effect(
    World,
    Effect.map(CloudFormationServer, (
      {
        advance,
        answerAlways,
        answerNext,
        drift,
        failChangeSet,
        failValidation,
        finishChangeSets,
        finishDetections,
        look,
        protect,
        setStatus,
        settings
      }
    ) => ({
      failUpdate: Effect.fnUntraced(function*(how) {
        const id = yield* create()
        yield* advance(stack, { status: "CREATE_COMPLETE" })
        const withRollback = how === "in the rollback"
        yield* update({ templateBody: otherTemplate, disableRollback: !withRollback })
        yield* advance(stack, updateFailed("Topic"))
        yield* withRollback
          ? advance(
            stack,
            { status: "UPDATE_ROLLBACK_IN_PROGRESS" },
            updateFailed("Bucket"),
            { status: "UPDATE_ROLLBACK_FAILED" }
          )
          : advance(stack, { status: "UPDATE_FAILED" })
        return id
      }),
      createFailing: Effect.fnUntraced(function*(how) {
        const id = yield* create()
        const resource = { id: "Bucket", type: "AWS::S3::Bucket" }
        if (how === "resource") yield* advance(stack, { status: "CREATE_FAILED", resource, reason: why })
        if (how === "hook") {
          const hook = { type: hookType, status: "HOOK_COMPLETE_FAILED", reason: why, mode: "FAIL" }
          yield* advance(stack, { status: "CREATE_IN_PROGRESS", resource, hook })
          yield* advance(stack, {
            status: "CREATE_FAILED",
            resource,
            reason: `The following hook(s) failed: [${hookType}]`
          })
        }
        if (how === "validation") {
          yield* failValidation(stack, { ...resource, name: earlyValidation, reason: why })
        }
        if (how === "nested") {
          yield* setStatus("Nested-1", "CREATE_IN_PROGRESS")
          yield* advance("Nested-1", { status: "CREATE_FAILED", resource, reason: why })
          const { id: physicalId } = yield* look("Nested-1")
          const nested = { id: "Nested", type: "AWS::CloudFormation::Stack", physicalId }
          yield* advance(stack, { status: "CREATE_FAILED", resource: nested, reason: "Embedded stack failed" })
        }
        yield* advance(stack, { status: "ROLLBACK_COMPLETE" })
        return id
      }),
      setStatus,
      drift: (name, how) =>
        drift(name, {
          id: "Bucket",
          type: "AWS::S3::Bucket",
          ...(how === "changed" && { differences: [difference] })
        }),
      finishDetections,
      finishChangeSets,
      createFailingChangeSet: Effect.gen(function*() {
        const { id } = yield* prepare({ templateBody: bucketTemplate })
        const validation = { id: "Bucket", type: "AWS::S3::Bucket", name: earlyValidation, reason: why }
        yield* failChangeSet(stack, id, validation)
        return id
      }),
      protect,
      settings: (name) =>
        Effect.map(settings(name), ({ values, tags, ...rest }) => ({
          parameters: Object.fromEntries(values),
          tags: Object.fromEntries(tags),
          topics: rest.topics,
          roleArn: rest.roleArn,
          stackPolicy: rest.stackPolicy
        })),
      completeOperation: (stack) =>
        Effect.gen(function*() {
          const { status } = yield* look(stack)
          const verb = status.replace("_IN_PROGRESS", "")
          const resource = { id: "Bucket", type: "AWS::S3::Bucket" }
          yield* advance(
            stack,
            { status: `${verb}_IN_PROGRESS`, resource },
            { status: `${verb}_COMPLETE`, resource },
            { status: `${verb}_COMPLETE` }
          )
        }),
      throttle: (calls) => answerNext(...Array.from({ length: calls }, () => throttled)),
      deny: (operation) => answerAlways(operation.replace("cloudformation:", ""), denied(operation))
    }))
  ).pipe(Layer.merge(service), Layer.provideMerge(CloudFormationServer.layer(eventsPerPage)))

const updateFailed = (id: string): Change => ({
  status: "UPDATE_FAILED",
  resource: { id, type: "AWS::S3::Bucket" },
  reason: why
})

export const http = httpWithPages(100)

export const stack = "MyTestStack"
/** How the bucket differs from its template after somebody changed it. */
export const difference = { path: "/Tags/0", expected: "null", actual: "{\"Key\":\"<a> & b\",\"Value\":\"\"}" }
export const otherTemplate = sampleTemplate.replace("\"AWS::S3::Bucket\"", "\"AWS::SNS::Topic\"")

export const earlyValidation = "AWS::EarlyValidation::PropertyValidation"
export const hookType = "Org::Policy::Hook"
export const why = "it is not <allowed> & \"not\" wanted"
export const nestedUrl = "https://templates.example/nested"
export const bucketTemplate = JSON.stringify({ Resources: { Bucket: { Type: "AWS::S3::Bucket" } } })
/** Its bucket is changed before its topic is created. */
const changedBucketTemplate = JSON.stringify({
  Resources: {
    Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "other" } },
    Topic: { Type: "AWS::SNS::Topic", DependsOn: "Bucket" }
  }
})

export const withOutputs = JSON.stringify({
  Resources: { Bucket: { Type: "AWS::S3::Bucket" } },
  Outputs: { Url: { Value: "https://a.example/?b=1&c=<d>" }, Name: { Value: { Ref: "Bucket" } } }
})

export const templateUrl = "https://templates.s3.eu-central-1.amazonaws.com/effect-codepipeline/a%20b"

export const request = (change: Partial<StackRequest> = {}): StackRequest => ({
  stack,
  templateBody: sampleTemplate,
  clientRequestToken: "create-1",
  ...change
})

export const describeStack = (name: string) => CloudFormation.use(({ describe }) => describe(name))
export const create = (change?: Partial<StackRequest> & { readonly terminationProtection?: boolean }) =>
  CloudFormation.use(({ create }) => create(request(change)))
export const update = (change?: Partial<StackRequest>) =>
  CloudFormation.use(({ update }) => update(request({ clientRequestToken: "update-1", ...change })))
export const eventsOf = (id: string, since: number) =>
  CloudFormation.use(({ events }) => events(id, (newest) => newest.some(({ timestamp }) => timestamp < since)))

export const failedEventsOf = (operationId: string) =>
  CloudFormation.use(({ failedEvents }) => failedEvents({ operationId }))
export const rollBack = (request: { readonly clientRequestToken?: string; readonly roleArn?: string } = {}) =>
  CloudFormation.use((service) => service.rollBack({ stack, clientRequestToken: "rollback-1", ...request }))
export const continueRollback = (
  request: { readonly resourcesToSkip?: ReadonlyArray<string>; readonly roleArn?: string } = {}
) =>
  CloudFormation.use((service) =>
    service.continueRollback({ stack, clientRequestToken: "continue-rollback-1", ...request })
  )
export const cancelUpdate = CloudFormation.use((service) =>
  service.cancelUpdate({ stack, clientRequestToken: "cancel-1" })
)
export const remove = (name: string) =>
  CloudFormation.use((service) => service.delete({ stack: name, clientRequestToken: "delete-1" }))

export const key = { stack, changeSet: "Next" }

export const prepare = (change: Partial<ChangeSetRequest> = {}) =>
  CloudFormation.use(({ createChangeSet }) =>
    createChangeSet({ ...key, type: "UPDATE", description: "whose", templateBody: sampleTemplate, ...change })
  )
export const changeSetOf = (changeSet: string) =>
  CloudFormation.use(({ describeChangeSet }) => describeChangeSet({ stack, changeSet })).pipe(
    Effect.map(Option.getOrUndefined)
  )
export const execute = CloudFormation.use(({ executeChangeSet }) =>
  executeChangeSet({ ...key, clientRequestToken: "execute-1" })
)
export const clear = CloudFormation.use(({ deleteChangeSet }) => deleteChangeSet(key))

export const statusOf = (name: string) => describeStack(name).pipe(Effect.map(Option.map(({ status }) => status)))

export const templateSummary = (templateBody: string) =>
  CloudFormation.use(({ templateSummary }) => templateSummary({ templateBody }))
export const settings = (name: string) => World.use((world) => world.settings(name))

export const withParameters = JSON.stringify({
  Parameters: {
    Size: { Type: "String" },
    Count: { Type: "Number", Default: 1 },
    Secret: { Type: "String", NoEcho: true }
  },
  Resources: { Topic: { Type: "AWS::SNS::Topic" } }
})
export const values = [{ name: "Size", value: "large" }, { name: "Secret", value: "hunter2" }]

export const withRole = (properties: object, more: object = {}) =>
  JSON.stringify({ ...more, Resources: { Role: { Type: "AWS::IAM::Role", Properties: properties } } })

/** Creates a stack and waits until it is idle. */
export const createdWith = (change?: Partial<StackRequest>) =>
  Effect.tap(create(change), () => World.use(({ completeOperation }) => completeOperation(stack)))

/** A stack that was created and is at rest. */
export const created = Effect.gen(function*() {
  const { completeOperation } = yield* World
  const id = yield* create()
  yield* completeOperation(stack)
  return id
})

export const absentArn =
  "arn:aws:cloudformation:eu-central-1:123456789012:stack/Gone/5c36ae10-1b4f-11f0-8d4e-000000000009"

/** The worlds in which each case of the contract runs. */
export const worlds = [{ name: "in memory", world: memory }, { name: "over HTTP", world: http }]
