import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import {
  type ChangeSetRequest,
  CloudFormation,
  type OperationError,
  type RequestError,
  type StackRequest
} from "../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../src/testing/CloudFormationMemory.ts"
import { drive } from "../drive.ts"
import { sampleTemplate } from "../fixtures.ts"
import { CloudFormationServer } from "./CloudFormationServer.ts"
import { environment } from "./environment.ts"
import { Answer, clientOptions, denied, done, listen, refused, signedBy, unavailable } from "./server.ts"

interface Settings {
  readonly parameters: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string | undefined>>
  readonly topics: ReadonlyArray<string>
  readonly roleArn: string | undefined
  readonly stackPolicy: string | undefined
}

/** What a case needs besides the service. */
class World extends Context.Service<World, {
  /** Somebody else brings the stack into this status; it is made where there is none. */
  setStatus(stack: string, status: string): Effect.Effect<void>
  /** The operation that is under way ends well. */
  settle(stack: string): Effect.Effect<void>
  /** The change sets that are being made are made now. */
  finishChangeSets(stack: string): Effect.Effect<void>
  /** The stack is protected from being deleted. */
  protect(stack: string): Effect.Effect<void>
  /** The next calls are throttled. */
  throttle(calls: number): Effect.Effect<void>
  /** The role may not make this call any more. */
  deny(operation: string): Effect.Effect<void>
  /** What the stack was given besides its template. */
  settings(stack: string): Effect.Effect<Settings>
  /** Creates the stack; its bucket fails by itself, a hook does not let it be, it is not valid, or is in a nested stack. */
  createFailing(how: "resource" | "hook" | "validation" | "nested"): Effect.Effect<string, unknown, CloudFormation>
}>()("effect-codepipeline/test/CloudFormationWorld") {}

const memory: Layer.Layer<CloudFormation | World> = Layer.effect(
  World,
  Effect.map(
    CloudFormationMemory,
    ({ deny, failHook, failResource, failValidation, protect, setStatus, settingsOf, throttle }) => ({
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
      finishChangeSets: () => TestClock.adjust("1 hour"),
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
      settle: () => TestClock.adjust("1 hour"),
      throttle,
      deny
    })
  )
).pipe(
  Layer.provideMerge(Layer.suspend(() => CloudFormationMemory.layer({ templates: { [nestedUrl]: bucketTemplate } })))
)

const throttled = refused("Throttling", "Rate exceeded")

const service = Layer.unwrap(Effect.gen(function*() {
  const { endpoint } = yield* CloudFormationServer
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new CloudFormationClient(clientOptions(endpoint))),
    (client) => Effect.sync(() => client.destroy())
  )
  return CloudFormation.layerClient(client)
}))

const httpWithPages = (eventsPerPage: number) =>
  Layer.effect(
    World,
    Effect.map(CloudFormationServer, (
      { advance, answerAlways, answerNext, finishChangeSets, invalidate, look, protect, setStatus, settings }
    ) => ({
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
          yield* invalidate(stack, { ...resource, name: "AWS::EarlyValidation::PropertyValidation", reason: why })
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
      finishChangeSets,
      protect,
      settings: (name) =>
        Effect.map(settings(name), ({ values, tags, ...rest }) => ({
          parameters: Object.fromEntries(values),
          tags: Object.fromEntries(tags),
          topics: rest.topics,
          roleArn: rest.roleArn,
          stackPolicy: rest.stackPolicy
        })),
      settle: (stack) =>
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

const http = httpWithPages(100)

const stack = "MyTestStack"
const otherTemplate = sampleTemplate.replace("\"AWS::S3::Bucket\"", "\"AWS::SNS::Topic\"")

const hookType = "Org::Policy::Hook"
const why = "it is not <allowed> & \"not\" wanted"
const nestedUrl = "https://templates.example/nested"
const bucketTemplate = JSON.stringify({ Resources: { Bucket: { Type: "AWS::S3::Bucket" } } })

const withOutputs = JSON.stringify({
  Resources: { Bucket: { Type: "AWS::S3::Bucket" } },
  Outputs: { Url: { Value: "https://a.example/?b=1&c=<d>" }, Name: { Value: { Ref: "Bucket" } } }
})

const templateUrl = "https://templates.s3.eu-central-1.amazonaws.com/effect-codepipeline/a%20b"

const request = (change: Partial<StackRequest> = {}): StackRequest => ({
  stack,
  templateBody: sampleTemplate,
  clientRequestToken: "create-1",
  ...change
})

const describeStack = (name: string) => CloudFormation.use(({ describe }) => describe(name))
const create = (change?: Partial<StackRequest> & { readonly terminationProtection?: boolean }) =>
  CloudFormation.use(({ create }) => create(request(change)))
const update = (change?: Partial<StackRequest>) =>
  CloudFormation.use(({ update }) => update(request({ clientRequestToken: "update-1", ...change })))
const eventsOf = (id: string, since: number) => CloudFormation.use(({ events }) => events(id, since))

const failedEventsOf = (operationId: string) => CloudFormation.use(({ failedEvents }) => failedEvents(operationId))
const remove = (name: string) =>
  CloudFormation.use((service) => service.delete({ stack: name, clientRequestToken: "delete-1" }))

const key = { stack, changeSet: "Next" }

const prepare = (change: Partial<ChangeSetRequest> = {}) =>
  CloudFormation.use(({ createChangeSet }) =>
    createChangeSet({ ...key, type: "UPDATE", description: "whose", templateBody: sampleTemplate, ...change })
  )
const changeSetOf = (changeSet: string) =>
  CloudFormation.use(({ describeChangeSet }) => describeChangeSet({ stack, changeSet })).pipe(
    Effect.map(Option.getOrUndefined)
  )
const execute = CloudFormation.use(({ executeChangeSet }) =>
  executeChangeSet({ ...key, clientRequestToken: "execute-1" })
)
const clear = CloudFormation.use(({ deleteChangeSet }) => deleteChangeSet(key))

const statusOf = (name: string) => describeStack(name).pipe(Effect.map(Option.map(({ status }) => status)))

const templateSummary = (templateBody: string) =>
  CloudFormation.use(({ templateSummary }) => templateSummary({ templateBody }))
const settings = (name: string) => World.use((world) => world.settings(name))

const withParameters = JSON.stringify({
  Parameters: {
    Size: { Type: "String" },
    Count: { Type: "Number", Default: 1 },
    Secret: { Type: "String", NoEcho: true }
  },
  Resources: { Topic: { Type: "AWS::SNS::Topic" } }
})
const values = [{ name: "Size", value: "large" }, { name: "Secret", value: "hunter2" }]

const withRole = (properties: object, more: object = {}) =>
  JSON.stringify({ ...more, Resources: { Role: { Type: "AWS::IAM::Role", Properties: properties } } })

/** A stack that was created and is at rest. */
const createdWith = (change?: Partial<StackRequest>) =>
  Effect.tap(create(change), () => World.use(({ settle }) => settle(stack)))

/** A stack that was created and is at rest. */
const created = Effect.gen(function*() {
  const { settle } = yield* World
  const id = yield* create()
  yield* settle(stack)
  return id
})

const absentArn = "arn:aws:cloudformation:eu-central-1:123456789012:stack/Gone/5c36ae10-1b4f-11f0-8d4e-000000000009"

describe.each([
  { name: "in memory", world: memory },
  { name: "over HTTP", world: http }
])("CloudFormation $name", ({ world }) => {
  it.effect.each([stack, absentArn])("a stack that is not there is none: %s", (name) =>
    Effect.gen(function*() {
      assert.isTrue(Option.isNone(yield* describeStack(name)))
    }).pipe(Effect.provide(world)))

  it.effect("a created stack is found by its name and by its id", () =>
    Effect.gen(function*() {
      const id = yield* create()
      const byName = yield* describeStack(stack)
      assert.include(Option.getOrThrow(byName), { id, name: stack, status: "CREATE_IN_PROGRESS" })
      assert.deepStrictEqual(yield* describeStack(id), byName)
    }).pipe(Effect.provide(world)))

  it.effect("a stack has the outputs of its template as soon as it is there", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      yield* create({ templateBody: withOutputs })
      assert.deepStrictEqual(Option.getOrThrow(yield* describeStack(stack)).outputs, {})
      yield* settle(stack)
      const { outputs } = Option.getOrThrow(yield* describeStack(stack))
      assert.deepStrictEqual(Object.keys(outputs), ["Url", "Name"])
      assert.strictEqual(outputs["Url"], "https://a.example/?b=1&c=<d>")
      assert.include(outputs["Name"], "Bucket")
    }).pipe(Effect.provide(world)))

  it.effect("a stack without outputs has none", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      yield* create({ templateBody: "Resources: { Bucket: { Type: AWS::S3::Bucket } }" })
      yield* settle(stack)
      assert.deepStrictEqual(Option.getOrThrow(yield* describeStack(stack)).outputs, {})
    }).pipe(Effect.provide(world)))

  it.effect("a stack changes when it is created and when it is updated", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      yield* created
      const before = Option.getOrThrow(yield* describeStack(stack))
      assert.strictEqual(before.status, "CREATE_COMPLETE")
      const id = yield* update({ templateBody: otherTemplate })
      const during = Option.getOrThrow(yield* describeStack(stack))
      assert.include(during, { id, status: "UPDATE_IN_PROGRESS" })
      assert.isAbove(during.changedAt, before.changedAt)
      yield* settle(stack)
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect("a create with the token of another is known again", () =>
    Effect.gen(function*() {
      yield* create()
      assert.deepInclude(yield* Effect.flip(create()), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a stack that exists is not created again", () =>
    Effect.gen(function*() {
      yield* create()
      const error = yield* Effect.flip(create({ clientRequestToken: "create-2" }))
      assert.deepInclude(error, { _tag: "StackExists", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a deleted stack is found by its id only, and its name is free", () =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      const id = yield* created
      yield* setStatus(stack, "DELETE_COMPLETE")
      assert.deepStrictEqual(yield* statusOf(stack), Option.none())
      assert.deepStrictEqual(yield* statusOf(id), Option.some("DELETE_COMPLETE"))
      assert.notStrictEqual(yield* create({ clientRequestToken: "create-2" }), id)
    }).pipe(Effect.provide(world)))

  it.effect("an update with the template that the stack has changes nothing", () =>
    Effect.gen(function*() {
      yield* created
      assert.deepInclude(yield* Effect.flip(update()), { _tag: "NoUpdates", stack })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect.each([
    "CREATE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_FAILED"
  ])("%s forbids an update", (status) =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      yield* setStatus(stack, status)
      assert.deepInclude(yield* Effect.flip(update()), { _tag: "StackNotReady", stack, status })
    }).pipe(Effect.provide(world)))

  it.effect.each(["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])(
    "%s allows an update",
    (status) =>
      Effect.gen(function*() {
        const { setStatus } = yield* World
        yield* setStatus(stack, status)
        const id = yield* update()
        assert.include(Option.getOrThrow(yield* describeStack(stack)), { id, status: "UPDATE_IN_PROGRESS" })
      }).pipe(Effect.provide(world))
  )

  it.effect.each(["CREATE_FAILED", "UPDATE_FAILED"])(
    "%s allows an update that does not roll back, and no other",
    (status) =>
      Effect.gen(function*() {
        const { setStatus } = yield* World
        yield* setStatus(stack, status)
        assert.deepInclude(yield* Effect.flip(update()), { _tag: "StackNotReady", stack, status })
        yield* update({ disableRollback: true })
        assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_IN_PROGRESS"))
      }).pipe(Effect.provide(world))
  )

  it.effect("an update with the token of another is known again", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      yield* created
      yield* update({ templateBody: otherTemplate })
      assert.deepInclude(yield* Effect.flip(update({ templateBody: otherTemplate })), { _tag: "TokenUsed", stack })
      yield* settle(stack)
      assert.deepInclude(yield* Effect.flip(update({ templateBody: otherTemplate })), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect("the empty stack of a change set is seen, but cannot be updated", () =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      yield* setStatus(stack, "REVIEW_IN_PROGRESS")
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("REVIEW_IN_PROGRESS"))
      const error = yield* Effect.flip(update())
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        code: "ValidationError",
        detail: `Stack [${stack}] does not exist`
      })
    }).pipe(Effect.provide(world)))

  it.effect("a template that CloudFormation does not take is rejected, and there is no stack", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(create({ templateBody: "{}" }))
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        operation: "cloudformation:CreateStack",
        code: "ValidationError"
      })
      assert.deepStrictEqual(yield* statusOf(stack), Option.none())
    }).pipe(Effect.provide(world)))

  it.effect("a template can be given by its URL", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      const cloudFormation = yield* CloudFormation
      yield* cloudFormation.create({ stack, templateUrl, clientRequestToken: "create-1" })
      yield* settle(stack)
      const error = yield* Effect.flip(cloudFormation.update({ stack, templateUrl, clientRequestToken: "update-1" }))
      assert.deepInclude(error, { _tag: "NoUpdates", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a deleted stack goes, and its events carry the token", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      const id = yield* created
      yield* remove(id)
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("DELETE_IN_PROGRESS"))
      yield* settle(stack)
      assert.deepStrictEqual(yield* statusOf(id), Option.some("DELETE_COMPLETE"))
      assert.deepStrictEqual(yield* statusOf(stack), Option.none())
      const [newest] = yield* eventsOf(id, 0)
      assert.deepInclude(newest, { clientRequestToken: "delete-1", status: "DELETE_COMPLETE" })
    }).pipe(Effect.provide(world)))

  it.effect.each([stack, absentArn])(
    "to delete a stack that is not there is no mistake: %s",
    (name) => remove(name).pipe(Effect.provide(world))
  )

  it.effect("a delete with the token of another is known again", () =>
    Effect.gen(function*() {
      yield* created
      yield* remove(stack)
      assert.deepInclude(yield* Effect.flip(remove(stack)), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a stack that is protected is seen to be, and not deleted", () =>
    Effect.gen(function*() {
      const { protect } = yield* World
      yield* created
      assert.isFalse(Option.getOrThrow(yield* describeStack(stack)).terminationProtection)
      yield* protect(stack)
      assert.isTrue(Option.getOrThrow(yield* describeStack(stack)).terminationProtection)
      const error = yield* Effect.flip(remove(stack))
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        detail: `Stack [${stack}] cannot be deleted while TerminationProtection is enabled`
      })
    }).pipe(Effect.provide(world)))

  it.effect("a change set is made, shown with its changes, and executed once", () =>
    Effect.gen(function*() {
      const { finishChangeSets, settle } = yield* World
      const id = yield* created
      const made = yield* prepare({ templateBody: otherTemplate })
      assert.strictEqual(made.stackId, id)
      assert.deepInclude(yield* changeSetOf("Next"), { status: "CREATE_IN_PROGRESS", executionStatus: "UNAVAILABLE" })
      yield* finishChangeSets(stack)
      const found = yield* changeSetOf(made.id)
      assert.deepInclude(found, {
        id: made.id,
        name: "Next",
        stackId: id,
        description: "whose",
        status: "CREATE_COMPLETE",
        executionStatus: "AVAILABLE"
      })
      assert.deepInclude(found?.changes[0], { action: "Modify", resourceType: "AWS::SNS::Topic", replacement: "True" })
      assert.deepStrictEqual(yield* changeSetOf("Next"), found)

      yield* execute
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_IN_PROGRESS"))
      assert.deepInclude(yield* Effect.flip(execute), { _tag: "TokenUsed", stack })
      yield* settle(stack)
      const [newest] = yield* eventsOf(id, 0)
      assert.deepInclude(newest, { clientRequestToken: "execute-1" })
    }).pipe(Effect.provide(world)))

  it.effect("a change set of a new stack makes an empty one, which its execution creates", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      const { stackId } = yield* prepare({ type: "CREATE" })
      assert.deepStrictEqual(yield* statusOf(stackId), Option.some("REVIEW_IN_PROGRESS"))
      yield* finishChangeSets(stack)
      assert.deepInclude((yield* changeSetOf("Next"))?.changes[0], { action: "Add" })
      yield* execute
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect("a change set brings parameters, tags, role and topics, and leaves the rest as it is", () =>
    Effect.gen(function*() {
      const { finishChangeSets, protect, settle } = yield* World
      const [topic, roleArn] = ["arn:aws:sns:eu-central-1:123456789012:T", "arn:aws:iam::123456789012:role/R"]
      yield* createdWith({ templateBody: withParameters, parameters: values, stackPolicy: "{}" })
      yield* prepare({
        templateBody: withParameters,
        parameters: [...values, { name: "Count", value: "2" }],
        tags: new Map([["Owner", "team"]]),
        notificationArns: [topic],
        roleArn
      })
      yield* protect(stack)
      yield* finishChangeSets(stack)
      assert.deepInclude(yield* changeSetOf("Next"), { executionStatus: "AVAILABLE" })
      yield* execute
      yield* settle(stack)
      assert.deepStrictEqual(yield* settings(stack), {
        parameters: { Size: "large", Count: "2", Secret: "hunter2" },
        tags: { Owner: "team" },
        topics: [topic],
        roleArn,
        stackPolicy: "{}"
      })
      assert.isTrue(Option.getOrThrow(yield* describeStack(stack)).terminationProtection)
    }).pipe(Effect.provide(world)))

  it.effect.each<
    readonly [what: string, request: Partial<ChangeSetRequest>, tag: RequestError["_tag"] | "AwsRejected"]
  >([
    ["roles that are not allowed", { templateBody: withRole({}) }, "InsufficientCapabilities"],
    ["parameters that the template has not", { parameters: values }, "UnknownParameters"],
    ["parameters without values", { templateBody: withParameters }, "AwsRejected"]
  ])("a change set with %s is not made", ([, request, _tag]) =>
    Effect.gen(function*() {
      yield* created
      assert.deepInclude(yield* Effect.flip(prepare(request)), { _tag })
      assert.isUndefined(yield* changeSetOf("Next"))
    }).pipe(Effect.provide(world)))

  it.effect("a change set without changes has failed, and says why", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* created
      yield* prepare()
      yield* finishChangeSets(stack)
      const found = yield* changeSetOf("Next")
      assert.deepInclude(found, { status: "FAILED", executionStatus: "UNAVAILABLE" })
      assert.include(found?.reason, "didn't contain changes")
      assert.deepInclude(yield* Effect.flip(execute), { _tag: "ChangeSetNotReady", stack, changeSet: "Next" })
    }).pipe(Effect.provide(world)))

  it.effect("of one name there is one change set, until it is deleted", () =>
    Effect.gen(function*() {
      yield* created
      yield* prepare()
      assert.deepInclude(yield* Effect.flip(prepare({ templateBody: otherTemplate })), {
        _tag: "ChangeSetExists",
        stack,
        changeSet: "Next"
      })
      yield* clear
      assert.isUndefined(yield* changeSetOf("Next"))
      yield* clear
      yield* prepare({ templateBody: otherTemplate })
    }).pipe(Effect.provide(world)))

  it.effect("a change set that is stale, or not there, is not executed", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* created
      assert.deepInclude(yield* Effect.flip(execute), { _tag: "ChangeSetNotReady", changeSet: "Next" })
      yield* prepare({ templateBody: otherTemplate })
      yield* finishChangeSets(stack)
      yield* update({ templateBody: sampleTemplate.replace("An S3 bucket", "Another") })
      assert.deepInclude(yield* changeSetOf("Next"), { executionStatus: "OBSOLETE" })
      const error = yield* Effect.flip(execute)
      assert.deepInclude(error, { _tag: "ChangeSetNotReady" })
      assert.include(error.message, "cannot be executed in its current execution status of [OBSOLETE]")
    }).pipe(Effect.provide(world)))

  it.effect.each<
    readonly [type: "CREATE" | "UPDATE", status: string | undefined, tag: "AwsRejected" | "StackNotReady"]
  >([
    ["UPDATE", undefined, "AwsRejected"],
    ["UPDATE", "REVIEW_IN_PROGRESS", "AwsRejected"],
    ["CREATE", "UPDATE_COMPLETE", "AwsRejected"],
    ["UPDATE", "UPDATE_IN_PROGRESS", "StackNotReady"],
    ["UPDATE", "ROLLBACK_COMPLETE", "StackNotReady"]
  ])("a change set of type %s is not made for a stack in %s", ([type, status, _tag]) =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      if (status !== undefined) yield* setStatus(stack, status)
      assert.deepInclude(yield* Effect.flip(prepare({ type })), { _tag })
    }).pipe(Effect.provide(world)))

  it.effect("a template's summary has its parameters, and what has to be allowed and why", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* templateSummary(withParameters), {
        parameterNames: ["Size", "Count", "Secret"],
        capabilities: [],
        capabilitiesReason: undefined
      })
      assert.deepStrictEqual(yield* templateSummary(withRole({}, { Transform: "AWS::Serverless-2016-10-31" })), {
        parameterNames: [],
        capabilities: ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        capabilitiesReason: "The following resource(s) require capabilities: [AWS::IAM::Role]"
      })
      const error = yield* Effect.flip(templateSummary("{}"))
      assert.deepInclude(error, { _tag: "AwsRejected", operation: "cloudformation:GetTemplateSummary" })
    }).pipe(Effect.provide(world)))

  it.effect("a stack has the values that were given, and the template's defaults; of them only the names are seen", () =>
    Effect.gen(function*() {
      yield* create({ templateBody: withParameters, parameters: values })
      assert.deepStrictEqual((yield* settings(stack)).parameters, { Size: "large", Count: "1", Secret: "hunter2" })
      const seen = Option.getOrThrow(yield* describeStack(stack))
      assert.deepStrictEqual(seen.parameterNames, ["Size", "Count", "Secret"])
      assert.notInclude(JSON.stringify(seen), "hunter2")
    }).pipe(Effect.provide(world)))

  it.effect("parameters without values are rejected by name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(create({ templateBody: withParameters, parameters: values.slice(0, 1) }))
      assert.deepInclude(error, { _tag: "AwsRejected", detail: "Parameters: [Secret] must have values" })
    }).pipe(Effect.provide(world)))

  it.effect.each([["with others", withParameters], ["with none", sampleTemplate]])(
    "parameters that the template %s does not have are known by name",
    ([, templateBody]) =>
      Effect.gen(function*() {
        const parameters = [{ name: "Old", value: "hunter2" }, { name: "Older", usePreviousValue: true } as const]
        const error = yield* Effect.flip(create({ templateBody, parameters }))
        assert.deepInclude(error, { _tag: "UnknownParameters", stack, names: ["Old", "Older"] })
      }).pipe(Effect.provide(world))
  )

  it.effect("an update keeps a value only where it says so, and else goes back to the default", () =>
    Effect.gen(function*() {
      yield* createdWith({ templateBody: withParameters, parameters: [...values, { name: "Count", value: "7" }] })
      const kept = ["Size", "Secret"].map((name) => ({ name, usePreviousValue: true } as const))
      assert.strictEqual((yield* settings(stack)).parameters["Count"], "7")
      yield* update({ templateBody: withParameters, parameters: kept })
      yield* World.use(({ settle }) => settle(stack))
      assert.deepStrictEqual((yield* settings(stack)).parameters, { Size: "large", Count: "1", Secret: "hunter2" })
    }).pipe(Effect.provide(world)))

  it.effect("other values are an update, the same are none", () =>
    Effect.gen(function*() {
      yield* createdWith({ templateBody: withParameters, parameters: values })
      const same = yield* Effect.flip(update({ templateBody: withParameters, parameters: values }))
      assert.strictEqual(same._tag, "NoUpdates")
      yield* update({ templateBody: withParameters, parameters: [...values, { name: "Count", value: "2" }] })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect.each<readonly [what: string, template: string, required: ReadonlyArray<string>]>([
    ["roles", withRole({}), ["CAPABILITY_IAM"]],
    ["roles with names", withRole({ RoleName: "R" }), ["CAPABILITY_NAMED_IAM"]],
    ["macros", JSON.stringify({ Transform: ["M"], Resources: {} }), ["CAPABILITY_AUTO_EXPAND"]]
  ])("a template with %s has to be allowed", ([, templateBody, required]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* Effect.flip(create({ templateBody })), {
        _tag: "InsufficientCapabilities",
        stack,
        required,
        reason: `Requires capabilities : [${required.join(", ")}]`
      })
      yield* create({ templateBody, capabilities: ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"] })
    }).pipe(Effect.provide(world)))

  it.effect("tags, topics, role and policy stay until others are given, and no tags are no tags", () =>
    Effect.gen(function*() {
      const [topic, roleArn] = ["arn:aws:sns:eu-central-1:123456789012:T", "arn:aws:iam::123456789012:role/R"]
      const stackPolicy = "{\"Statement\":[]}"
      yield* createdWith({
        tags: new Map([["Owner", "a & b"], ["Stage", "test"]]),
        notificationArns: [topic],
        roleArn,
        stackPolicy
      })
      const before = { parameters: {}, tags: { Owner: "a & b", Stage: "test" }, topics: [topic], roleArn, stackPolicy }
      assert.deepStrictEqual(yield* settings(stack), before)
      yield* update({ templateBody: otherTemplate })
      yield* World.use(({ settle }) => settle(stack))
      assert.deepStrictEqual(yield* settings(stack), before)
      yield* update({
        templateBody: otherTemplate,
        clientRequestToken: "update-2",
        tags: new Map(),
        notificationArns: []
      })
      yield* World.use(({ settle }) => settle(stack))
      assert.deepStrictEqual(yield* settings(stack), { ...before, tags: {}, topics: [] })
    }).pipe(Effect.provide(world)))

  it.effect("termination protection is set with the stack, and later", () =>
    Effect.gen(function*() {
      const protection = Effect.map(describeStack(stack), (found) => Option.getOrThrow(found).terminationProtection)
      const id = yield* create({ terminationProtection: true })
      assert.isTrue(yield* protection)
      yield* CloudFormation.use(({ setTerminationProtection }) => setTerminationProtection(id, false))
      assert.isFalse(yield* protection)
      const error = yield* Effect.flip(
        CloudFormation.use(({ setTerminationProtection }) => setTerminationProtection(absentArn, true))
      )
      assert.deepInclude(error, { _tag: "AwsRejected", operation: "cloudformation:UpdateTerminationProtection" })
    }).pipe(Effect.provide(world)))

  it.effect("events are newest first, and carry the token of their operation", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      const id = yield* created
      yield* update({ templateBody: otherTemplate })
      yield* settle(stack)
      const events = yield* eventsOf(id, 0)
      const times = events.map(({ timestamp }) => timestamp)
      assert.deepStrictEqual(times, times.toSorted((a, b) => b - a))
      const tokens = events.map(({ clientRequestToken }) => clientRequestToken)
      assert.deepStrictEqual([...new Set(tokens)], ["update-1", "create-1"])
      assert.strictEqual(tokens.lastIndexOf("update-1") + 1, tokens.indexOf("create-1"))
    }).pipe(Effect.provide(world)))

  it.effect("events of the stack itself have its id, those of resources have another", () =>
    Effect.gen(function*() {
      const id = yield* created
      const events = yield* eventsOf(id, 0)
      const own = events.filter(({ physicalResourceId }) => physicalResourceId === id)
      assert.deepStrictEqual(own.map(({ status }) => status), ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"])
      for (const event of own) {
        assert.include(event, { stackId: id, logicalResourceId: stack, resourceType: "AWS::CloudFormation::Stack" })
      }
      assert.strictEqual(own[1]?.reason, "User Initiated")
      const others = events.filter((event) => !own.includes(event))
      assert.deepStrictEqual(others.map(({ status }) => status), ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"])
      for (const event of others) assert.strictEqual(event.resourceType, "AWS::S3::Bucket")
    }).pipe(Effect.provide(world)))

  it.effect("no event that is not older than `since` is missing", () =>
    Effect.gen(function*() {
      const { settle } = yield* World
      const id = yield* created
      yield* update({ templateBody: otherTemplate })
      yield* settle(stack)
      const all = yield* eventsOf(id, 0)
      for (const { timestamp } of all) {
        const expected = all.filter((event) => event.timestamp >= timestamp)
        assert.deepStrictEqual((yield* eventsOf(id, timestamp)).slice(0, expected.length), expected)
      }
    }).pipe(Effect.provide(world)))

  it.effect("a stack that is not there, or not yet, has no events", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* eventsOf(absentArn, 0), [])
    }).pipe(Effect.provide(world)))

  const failed = Effect.fnUntraced(function*(how: Parameters<World["Service"]["createFailing"]>[0]) {
    const { createFailing } = yield* World
    const id = yield* createFailing(how)
    const events = yield* eventsOf(id, 0)
    const operationId = events.findLast(({ physicalResourceId }) => physicalResourceId === id)?.operationId ?? ""
    return { events, failed: yield* failedEventsOf(operationId) }
  })

  it.effect("the failed events of an operation are those of its resources that failed", () =>
    Effect.gen(function*() {
      const { events, failed: found } = yield* failed("resource")
      assert.deepStrictEqual(found, events.filter(({ status }) => status === "CREATE_FAILED"))
      assert.deepStrictEqual(found.map(({ logicalResourceId, reason }) => [logicalResourceId, reason]), [[
        "Bucket",
        why
      ]])
    }).pipe(Effect.provide(world)))

  it.effect("the failed events of an operation that there was not are none", () =>
    Effect.gen(function*() {
      yield* failed("resource")
      assert.deepStrictEqual(yield* failedEventsOf("5c36ae10-0000-4000-8000-000000000000"), [])
    }).pipe(Effect.provide(world)))

  it.effect("what a hook says to a resource is an event of the stack, and a failed one", () =>
    Effect.gen(function*() {
      const { events, failed: found } = yield* failed("hook")
      const said = events.filter(({ hook }) => hook !== undefined)
      assert.deepStrictEqual(said.map(({ hook, logicalResourceId }) => ({ hook, logicalResourceId })), [{
        hook: { type: hookType, status: "HOOK_COMPLETE_FAILED", reason: why, failureMode: "FAIL" },
        logicalResourceId: "Bucket"
      }])
      assert.includeDeepMembers([...found], said)
    }).pipe(Effect.provide(world)))

  it.effect("a validation that failed is among the failed events only", () =>
    Effect.gen(function*() {
      const { events, failed: found } = yield* failed("validation")
      const name = "AWS::EarlyValidation::PropertyValidation"
      assert.deepStrictEqual(
        found.map(({ logicalResourceId, resourceType, validation }) => ({
          logicalResourceId,
          resourceType,
          validation
        })),
        [{
          logicalResourceId: "Bucket",
          resourceType: "AWS::S3::Bucket",
          validation: { name, status: "FAILED", failureMode: "FAIL", reason: why }
        }]
      )
      assert.isTrue(events.every(({ validation }) => validation === undefined))
    }).pipe(Effect.provide(world)))

  it.effect("the events of a nested stack are read by the id that its resource has", () =>
    Effect.gen(function*() {
      const { events } = yield* failed("nested")
      const { physicalResourceId = "" } = events.find(({ status }) => status === "CREATE_FAILED") ?? {}
      const nested = yield* eventsOf(physicalResourceId, 0)
      const failures = nested.filter(({ status }) => status === "CREATE_FAILED")
      assert.deepStrictEqual(failures.map(({ logicalResourceId, reason }) => [logicalResourceId, reason]), [[
        "Bucket",
        why
      ]])
    }).pipe(Effect.provide(world)))

  it.effect.each(
    [
      { operation: "cloudformation:DescribeStacks", call: describeStack(stack) },
      { operation: "cloudformation:CreateStack", call: create() },
      { operation: "cloudformation:UpdateStack", call: update() },
      { operation: "cloudformation:DescribeStackEvents", call: eventsOf(absentArn, 0) },
      { operation: "cloudformation:GetTemplateSummary", call: templateSummary(sampleTemplate) },
      {
        operation: "cloudformation:UpdateTerminationProtection",
        call: CloudFormation.use((service) => service.setTerminationProtection(absentArn, true))
      },
      { operation: "cloudformation:DescribeEvents", call: failedEventsOf("5c36ae10-0000-4000-8000-000000000000") }
    ] as const
  )("a role without $operation is told so", ({ call, operation }) =>
    Effect.gen(function*() {
      const { deny } = yield* World
      yield* deny(operation)
      const error = yield* Effect.flip<unknown, OperationError, CloudFormation>(call)
      assert.deepInclude(error, { _tag: "AwsDenied", operation, code: "AccessDenied" })
    }).pipe(Effect.provide(world)))

  it.effect("a throttled call is made again until it is answered", () =>
    Effect.gen(function*() {
      const { throttle } = yield* World
      yield* throttle(2)
      assert.isTrue(Option.isNone(yield* drive(describeStack(stack))))
      yield* throttle(2)
      yield* drive(create())
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect("a call that is throttled for ever is given up after six times", () =>
    Effect.gen(function*() {
      const { throttle } = yield* World
      yield* throttle(6)
      const error = yield* drive(Effect.flip(create()))
      assert.deepInclude(error, {
        _tag: "AwsUnavailable",
        operation: "cloudformation:CreateStack",
        code: "Throttling",
        detail: "Rate exceeded"
      })
      yield* create()
    }).pipe(Effect.provide(world)))
})

describe("CloudFormation on the wire", () => {
  it.effect("a template arrives unchanged, with the name and the token", () =>
    Effect.gen(function*() {
      const templateBody = "\uFEFF# é 😀 \u0000\r\nResources:\t{ a+b: \"100 % & <c>\" }\n\n"
      yield* create({ templateBody })
      const { calls } = yield* CloudFormationServer
      assert.deepStrictEqual(calls.map(({ operation, parameters }) => ({ operation, parameters })), [{
        operation: "CreateStack",
        parameters: {
          Version: "2010-05-15",
          StackName: stack,
          TemplateBody: templateBody,
          ClientRequestToken: "create-1"
        }
      }])
    }).pipe(Effect.provide(http)))

  it.effect("all that a stack gets besides arrives in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(refused("ValidationError", "No"))
      yield* Effect.flip(create({
        templateBody: withParameters,
        parameters: [...values, { name: "Count", usePreviousValue: true }],
        capabilities: ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        tags: new Map([["Owner", "a & b"], ["Stage", "test"]]),
        roleArn: "arn:aws:iam::123456789012:role/R",
        notificationArns: ["arn:aws:sns:eu-central-1:123456789012:T"],
        disableRollback: true,
        retainExceptOnCreate: false,
        stackPolicy: "{}",
        terminationProtection: true
      }))
      assert.deepStrictEqual(calls[0]?.parameters, {
        Version: "2010-05-15",
        StackName: stack,
        TemplateBody: withParameters,
        ClientRequestToken: "create-1",
        "Parameters.member.1.ParameterKey": "Size",
        "Parameters.member.1.ParameterValue": "large",
        "Parameters.member.2.ParameterKey": "Secret",
        "Parameters.member.2.ParameterValue": "hunter2",
        "Parameters.member.3.ParameterKey": "Count",
        "Parameters.member.3.UsePreviousValue": "true",
        "Capabilities.member.1": "CAPABILITY_NAMED_IAM",
        "Capabilities.member.2": "CAPABILITY_AUTO_EXPAND",
        "Tags.member.1.Key": "Owner",
        "Tags.member.1.Value": "a & b",
        "Tags.member.2.Key": "Stage",
        "Tags.member.2.Value": "test",
        RoleARN: "arn:aws:iam::123456789012:role/R",
        "NotificationARNs.member.1": "arn:aws:sns:eu-central-1:123456789012:T",
        DisableRollback: "true",
        RetainExceptOnCreate: "false",
        StackPolicyBody: "{}",
        EnableTerminationProtection: "true"
      })
    }).pipe(Effect.provide(http)))

  it.effect("no tags and no topics arrive as empty lists", () =>
    Effect.gen(function*() {
      yield* create({ tags: new Map(), notificationArns: [] })
      const { calls } = yield* CloudFormationServer
      assert.deepInclude(calls[0]?.parameters, { Tags: "", NotificationARNs: "" })
    }).pipe(Effect.provide(http)))

  it.effect("the URL of a template arrives unchanged, and no template with it", () =>
    Effect.gen(function*() {
      yield* CloudFormation.use(({ create }) => create({ stack, templateUrl, clientRequestToken: "create-1" }))
      const { calls } = yield* CloudFormationServer
      assert.deepStrictEqual(calls.map(({ parameters }) => parameters), [{
        Version: "2010-05-15",
        StackName: stack,
        TemplateURL: templateUrl,
        ClientRequestToken: "create-1"
      }])
    }).pipe(Effect.provide(http)))

  it.effect.each([
    "Role arn:aws:iam::123456789012:role/deploy does not exist",
    "Stack with id MyTestStack2 does not exist",
    "S3 error: The specified key does not exist."
  ])("something else that does not exist is not an absent stack: %s", (message) =>
    Effect.gen(function*() {
      const { answerNext } = yield* CloudFormationServer
      yield* answerNext(refused("ValidationError", message))
      const error = yield* Effect.flip(describeStack(stack))
      assert.deepInclude(error, { _tag: "AwsRejected", code: "ValidationError", detail: message })
    }).pipe(Effect.provide(http)))

  it.effect("the other sentence for a busy stack is known too", () =>
    Effect.gen(function*() {
      const { answerNext } = yield* CloudFormationServer
      const message =
        "This stack is currently in a non-terminal [UPDATE_IN_PROGRESS] state. To update the stack from " +
        "this state, please use the disable-rollback parameter with update-stack API."
      yield* answerNext(refused("ValidationError", message))
      const error = yield* Effect.flip(update())
      assert.deepInclude(error, { _tag: "StackNotReady", stack, status: "UPDATE_IN_PROGRESS" })
    }).pipe(Effect.provide(http)))

  it.effect("missing capabilities are rejected in CloudFormation's own words, once", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"))
      const error = yield* Effect.flip(create())
      assert.deepInclude(error, {
        _tag: "InsufficientCapabilities",
        stack,
        required: ["CAPABILITY_IAM"],
        reason: "Requires capabilities : [CAPABILITY_IAM]"
      })
      assert.lengthOf(calls, 1)
    }).pipe(Effect.provide(http)))

  it.effect.each([
    { what: "a failing server", answer: unavailable },
    { what: "a reset connection", answer: Answer.Cut() },
    { what: "an answer that ends too early", answer: done("<DescribeStacksResponse><DescribeStacksResult><Sta") },
    { what: "a throttle with a status of its own", answer: refused("TooManyRequestsException", "Slow down", 429) }
  ])("$what is asked again", ({ answer }) =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(answer, answer)
      assert.isTrue(Option.isNone(yield* drive(describeStack(stack))))
      assert.lengthOf(calls, 3)
    }).pipe(Effect.provide(http)))

  it.effect("a server that always fails is asked six times", () =>
    Effect.gen(function*() {
      const { answerAlways, calls } = yield* CloudFormationServer
      yield* answerAlways("DescribeStacks", unavailable)
      const error = yield* drive(Effect.flip(describeStack(stack)))
      assert.deepInclude(error, { _tag: "AwsUnavailable", operation: "cloudformation:DescribeStacks" })
      assert.lengthOf(calls, 6)
    }).pipe(Effect.provide(http)))

  it.effect("a server that is not there is unavailable", () =>
    Effect.gen(function*() {
      const endpoint = yield* Effect.scoped(listen(() => {}))
      const client = new CloudFormationClient(clientOptions(endpoint))
      const error = yield* drive(Effect.flip(describeStack(stack))).pipe(
        Effect.provide(CloudFormation.layerClient(client))
      )
      assert.deepInclude(error, { _tag: "AwsUnavailable", code: "ECONNREFUSED" })
    }))

  it.effect("events are read page by page, and no page further than `since`", () =>
    Effect.gen(function*() {
      const { calls } = yield* CloudFormationServer
      const id = yield* created
      const all = yield* eventsOf(id, 0)
      assert.lengthOf(all, 4)
      const pages = () => calls.filter(({ operation }) => operation === "DescribeStackEvents")
      assert.lengthOf(pages(), 4)
      const third = all[2]?.timestamp ?? 0
      assert.deepStrictEqual(yield* eventsOf(id, third + 1), all.slice(0, 3))
      assert.deepStrictEqual(
        pages().slice(4).map(({ parameters }) => [parameters["StackName"], parameters["NextToken"]]),
        [[id, undefined], [id, "1"], [id, "2"]]
      )
      const before = pages().length
      const newest = yield* CloudFormation.use(({ events }) => events(id, 0, 2))
      assert.deepStrictEqual(newest, all.slice(0, 2))
      assert.lengthOf(pages(), before + 2)
    }).pipe(Effect.provide(httpWithPages(1))))

  it.effect("failed events are asked for by the operation's id, page by page", () =>
    Effect.gen(function*() {
      const { createFailing } = yield* World
      const { advance, calls, invalidate } = yield* CloudFormationServer
      const id = yield* createFailing("resource")
      const resource = { id: "Other", type: "AWS::S3::Bucket" }
      yield* advance(stack, { status: "CREATE_FAILED", resource })
      yield* invalidate(stack, { ...resource, name: "V", path: "/Resources/Other", reason: why })
      const operationId = (yield* eventsOf(id, 0))[0]?.operationId ?? ""
      const found = yield* failedEventsOf(operationId)
      assert.deepStrictEqual(found.map(({ logicalResourceId }) => logicalResourceId), ["Other", "Other", "Bucket"])
      assert.deepInclude(found[0]?.validation, { path: "/Resources/Other" })
      const asked = calls.filter(({ operation }) => operation === "DescribeEvents")
      const common = { Version: "2010-05-15", OperationId: operationId, "Filters.FailedEvents": "true" }
      assert.deepStrictEqual(asked.map(({ parameters }) => parameters), [
        common,
        { ...common, NextToken: "1" },
        { ...common, NextToken: "2" }
      ])
    }).pipe(Effect.provide(httpWithPages(1))))

  it.effect("the layer takes region, endpoint and credentials from the environment", () =>
    Effect.gen(function*() {
      const { calls, endpoint } = yield* CloudFormationServer
      yield* describeStack(stack).pipe(
        Effect.provide(Layer.provide(
          CloudFormation.layer,
          environment({
            AWS_REGION: "sa-east-1",
            AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
            AWS_ACCESS_KEY_ID: "AKIAENVIRONMENT",
            AWS_SECRET_ACCESS_KEY: "secret"
          })
        ))
      )
      assert.deepStrictEqual(
        calls.map(({ headers }) => signedBy(headers)),
        ["AKIAENVIRONMENT sa-east-1 cloudformation"]
      )
    }).pipe(Effect.provide(CloudFormationServer.layer())))
})
