// The contract of CloudFormation for change sets.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { ChangeSetRequest } from "../../../src/domain/stack/Stack.ts"
import { CloudFormation, type RequestError } from "../../../src/services/CloudFormation.ts"
import { sampleTemplate } from "../../fixtures.ts"
import {
  changeSetOf,
  clear,
  created,
  createdWith,
  describeStack,
  earlyValidation,
  eventsOf,
  execute,
  nestedUrl,
  otherTemplate,
  prepare,
  settings,
  stack,
  statusOf,
  update,
  values,
  why,
  withParameters,
  withRole,
  World,
  worlds
} from "./world.ts"

const tableNamed = (TableName: string) =>
  JSON.stringify({ Resources: { Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName } } } })

const describeWithValues = CloudFormation.use(({ describeChangeSet }) =>
  describeChangeSet({ stack, changeSet: "Next", withValues: true })
).pipe(Effect.map(Option.getOrUndefined))

const withNested = JSON.stringify({
  Resources: { Nested: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: nestedUrl } } }
})

describe.each(worlds)("CloudFormation $name: change sets", ({ world }) => {
  it.effect("a change set is created, shown with its changes, and executed once", () =>
    Effect.gen(function*() {
      const { finishChangeSets, completeOperation } = yield* World
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
      yield* completeOperation(stack)
      const [newest] = yield* eventsOf(id, 0)
      assert.deepInclude(newest, { clientRequestToken: "execute-1" })
    }).pipe(Effect.provide(world)))

  it.effect("a change set for a new stack adds an empty stack, which its execution creates", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      const { stackId } = yield* prepare({ type: "CREATE" })
      assert.deepStrictEqual(yield* statusOf(stackId), Option.some("REVIEW_IN_PROGRESS"))
      yield* finishChangeSets(stack)
      assert.deepInclude((yield* changeSetOf("Next"))?.changes[0], { action: "Add" })
      yield* execute
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect("a change set changes parameters, tags, role and topics, and no other settings", () =>
    Effect.gen(function*() {
      const { finishChangeSets, protect, completeOperation } = yield* World
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
      yield* completeOperation(stack)
      assert.deepStrictEqual(yield* settings(stack), {
        parameters: { Size: "large", Count: "2", Secret: "hunter2" },
        tags: { Owner: "team" },
        topics: [topic],
        roleArn,
        stackPolicy: "{}"
      })
      assert.isTrue(Option.getOrThrow(yield* describeStack(stack)).terminationProtection)
    }).pipe(Effect.provide(world)))

  it.effect("a change shows what it does to the old resource, and values of properties only if they are requested", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* createdWith({ templateBody: tableNamed("a & b") })
      yield* prepare({ templateBody: tableNamed("c") })
      yield* finishChangeSets(stack)
      const [change] = (yield* changeSetOf("Next"))?.changes ?? []
      assert.deepInclude(change, { action: "Modify", replacement: "True", policyAction: "ReplaceAndDelete" })
      assert.isString(change?.physicalResourceId)
      const detail = {
        attribute: "Properties",
        name: "TableName",
        path: "/Properties/TableName",
        requiresRecreation: "Always",
        evaluation: "Static",
        source: "DirectModification"
      }
      assert.deepStrictEqual(change?.details, [detail])
      const described = yield* describeWithValues
      assert.deepStrictEqual(described?.changes[0]?.details, [{ ...detail, before: "a & b", after: "c" }])
    }).pipe(Effect.provide(world)))

  it.effect("a change set names the parameters whose values are hidden, on whichever page they are", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* createdWith({ templateBody: withParameters, parameters: values })
      const next = JSON.parse(withParameters)
      next.Resources.Queue = { Type: "AWS::SQS::Queue" }
      yield* prepare({ templateBody: JSON.stringify(next), parameters: values })
      yield* finishChangeSets(stack)
      assert.deepStrictEqual((yield* changeSetOf("Next"))?.hiddenParameters, ["Secret"])
    }).pipe(Effect.provide(world)))

  it.effect("a nested stack has a change set of its own if it is included, which is described by its ARN", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      const { id } = yield* prepare({ templateBody: withNested, type: "CREATE", includeNestedStacks: true })
      yield* finishChangeSets(stack)
      const [change] = (yield* changeSetOf("Next"))?.changes ?? []
      const changeSet = change?.nestedChangeSet ?? assert.fail("no nested change set")
      const nested = Option.getOrThrow(
        yield* CloudFormation.use(({ describeChangeSet }) => describeChangeSet({ changeSet }))
      )
      assert.deepInclude(nested, { id: changeSet, rootId: id, status: "CREATE_COMPLETE" })
      assert.deepInclude(nested.changes[0], {
        action: "Add",
        logicalResourceId: "Bucket",
        resourceType: "AWS::S3::Bucket"
      })
      const root = yield* CloudFormation.use(({ describeChangeSet }) => describeChangeSet({ changeSet: id }))
      assert.deepStrictEqual(Option.getOrUndefined(root), yield* changeSetOf("Next"))
    }).pipe(Effect.provide(world)))

  it.effect("a nested change set is neither executed nor deleted on its own, and goes with its root", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* prepare({ templateBody: withNested, type: "CREATE", includeNestedStacks: true })
      yield* finishChangeSets(stack)
      const [change] = (yield* changeSetOf("Next"))?.changes ?? []
      const changeSet = change?.nestedChangeSet ?? ""
      const service = yield* CloudFormation
      const executed = service.executeChangeSet({ stack, changeSet, clientRequestToken: "execute-1" })
      assert.include((yield* Effect.flip(executed)).message, "It can only be executed from its root change set.")
      const deleted = service.deleteChangeSet({ stack, changeSet })
      assert.include((yield* Effect.flip(deleted)).message, "It can only be deleted from its root change set.")
      yield* clear
      assert.isTrue(Option.isNone(yield* service.describeChangeSet({ changeSet })))
    }).pipe(Effect.provide(world)))

  it.effect("a nested stack that is not included has no change set", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* prepare({ templateBody: withNested, type: "CREATE", includeNestedStacks: false })
      yield* finishChangeSets(stack)
      const [change] = (yield* changeSetOf("Next"))?.changes ?? []
      assert.deepInclude(change, { action: "Add", resourceType: "AWS::CloudFormation::Stack" })
      assert.notProperty(change, "nestedChangeSet")
    }).pipe(Effect.provide(world)))

  it.effect.each<
    readonly [what: string, request: Partial<ChangeSetRequest>, tag: RequestError["_tag"] | "AwsRejected"]
  >([
    ["missing capabilities", { templateBody: withRole({}) }, "InsufficientCapabilities"],
    ["unknown parameters", { parameters: values }, "UnknownParameters"],
    ["parameters without values", { templateBody: withParameters }, "AwsRejected"]
  ])("a change set with %s is not created", ([, request, _tag]) =>
    Effect.gen(function*() {
      yield* created
      assert.deepInclude(yield* Effect.flip(prepare(request)), { _tag })
      assert.isUndefined(yield* changeSetOf("Next"))
    }).pipe(Effect.provide(world)))

  it.effect("a change set without changes fails with the reason", () =>
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

  it.effect("a change set that fails early validation is FAILED, and the failed events of the change set show why", () =>
    Effect.gen(function*() {
      const { createFailingChangeSet } = yield* World
      yield* created
      const id = yield* createFailingChangeSet
      const found = yield* changeSetOf("Next")
      assert.deepInclude(found, { status: "FAILED", executionStatus: "UNAVAILABLE" })
      assert.include(found?.reason, "use the DescribeEvents API for detailed failure information")
      const events = yield* CloudFormation.use(({ failedEvents }) => failedEvents({ changeSet: id }))
      assert.deepStrictEqual(
        events.map(({ logicalResourceId, validation }) => [logicalResourceId, validation?.name, validation?.reason]),
        [["Bucket", earlyValidation, why]]
      )
      assert.deepInclude(yield* Effect.flip(execute), { _tag: "ChangeSetNotReady", stack, changeSet: "Next" })
    }).pipe(Effect.provide(world)))

  it.effect("the name of a change set is unique until it is deleted, which it can be when it is created", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      yield* created
      yield* prepare()
      assert.deepInclude(yield* Effect.flip(prepare({ templateBody: otherTemplate })), {
        _tag: "ChangeSetExists",
        stack,
        changeSet: "Next"
      })
      const busy = yield* Effect.flip(clear)
      assert.deepInclude(busy, { _tag: "ChangeSetNotReady", stack, changeSet: "Next" })
      assert.include(busy.message, "Cannot delete ChangeSet in status CREATE_IN_PROGRESS")
      yield* finishChangeSets(stack)
      yield* clear
      assert.isUndefined(yield* changeSetOf("Next"))
      yield* clear
      yield* prepare({ templateBody: otherTemplate })
    }).pipe(Effect.provide(world)))

  it.effect("an obsolete or missing change set cannot be executed", () =>
    Effect.gen(function*() {
      const { completeOperation, finishChangeSets } = yield* World
      yield* created
      assert.deepInclude(yield* Effect.flip(execute), { _tag: "ChangeSetNotReady", changeSet: "Next" })
      yield* prepare({ templateBody: otherTemplate })
      yield* finishChangeSets(stack)
      yield* update({ templateBody: sampleTemplate.replace("\"Type\"", "\"Metadata\": {}, \"Type\"") })
      yield* completeOperation(stack)
      assert.deepInclude(yield* changeSetOf("Next"), { executionStatus: "OBSOLETE" })
      const error = yield* Effect.flip(execute)
      assert.deepInclude(error, { _tag: "ChangeSetNotReady" })
      assert.include(error.message, "cannot be executed in its current execution status of [OBSOLETE]")
    }).pipe(Effect.provide(world)))

  it.effect("a change set is not executed while another operation is in progress", () =>
    Effect.gen(function*() {
      const { finishChangeSets, setStatus } = yield* World
      yield* created
      yield* prepare({ templateBody: otherTemplate })
      yield* finishChangeSets(stack)
      yield* setStatus(stack, "UPDATE_IN_PROGRESS")
      assert.deepInclude(yield* Effect.flip(execute), { _tag: "StackNotReady", stack, status: "UPDATE_IN_PROGRESS" })
    }).pipe(Effect.provide(world)))

  it.effect("a change set shows when it was created, and the events of its execution are newer", () =>
    Effect.gen(function*() {
      const { finishChangeSets } = yield* World
      const id = yield* created
      yield* prepare({ templateBody: otherTemplate })
      yield* finishChangeSets(stack)
      const { createdAt = Infinity } = (yield* changeSetOf("Next")) ?? {}
      yield* execute
      const newer = (yield* eventsOf(id, 0)).filter(({ timestamp }) => timestamp > createdAt)
      assert.deepStrictEqual([...new Set(newer.map(({ clientRequestToken }) => clientRequestToken))], ["execute-1"])
    }).pipe(Effect.provide(world)))

  it.effect.each<
    readonly [
      type: "CREATE" | "UPDATE",
      status: string | undefined,
      tag: "AwsRejected" | "StackExists" | "StackNotReady"
    ]
  >([
    ["UPDATE", undefined, "AwsRejected"],
    ["UPDATE", "REVIEW_IN_PROGRESS", "AwsRejected"],
    ["CREATE", "UPDATE_COMPLETE", "StackExists"],
    ["CREATE", "CREATE_IN_PROGRESS", "StackExists"],
    ["UPDATE", "UPDATE_IN_PROGRESS", "StackNotReady"],
    ["UPDATE", "ROLLBACK_COMPLETE", "StackNotReady"]
  ])(
    "a change set of type %s is not created for a stack in status %s",
    ([type, status, _tag]) =>
      Effect.gen(function*() {
        const { setStatus } = yield* World
        if (status !== undefined) yield* setStatus(stack, status)
        assert.deepInclude(yield* Effect.flip(prepare({ type })), { _tag })
      }).pipe(Effect.provide(world))
  )
})
