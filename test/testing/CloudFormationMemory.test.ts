import { assert, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../src/testing/CloudFormationMemory.ts"

const topics = (...ids: ReadonlyArray<string>) =>
  JSON.stringify({ Resources: Object.fromEntries(ids.map((id) => [id, { Type: "AWS::SNS::Topic" }])) })

const nestedUrl = "https://templates.example/nested"
const nesting = JSON.stringify({
  Resources: { Nested: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: nestedUrl } } }
})

it.effect("all times are whole milliseconds, also those of nested stacks and when the clock's are not", () =>
  Effect.gen(function*() {
    yield* TestClock.adjust(Duration.nanos(1_000_300_000n))
    const { create, describe, events } = yield* CloudFormation
    const id = yield* create({ stack: "Parent", templateBody: nesting, clientRequestToken: "create-1" })
    yield* TestClock.adjust("1 hour")
    const [newest, ...older] = yield* events(id)
    const nested = older.find(({ logicalResourceId, status }) => logicalResourceId === "Nested" && status.endsWith("E"))
    const all = [newest, ...older, ...yield* events(nested?.physicalResourceId ?? "")]
    assert.lengthOf(all, 12)
    for (const event of all) assert.isTrue(Number.isInteger(event?.timestamp), JSON.stringify(event))
    const { changedAt, createdAt } = Option.getOrThrow(yield* describe("Parent"))
    assert.deepStrictEqual([createdAt, changedAt], [1_000, 1_000])
  }).pipe(
    Effect.provide(CloudFormationMemory.layer({
      resourceDuration: "10000.5 millis",
      templates: { [nestedUrl]: topics("A", "B", "C") }
    }))
  ))

const stack = "MyTestStack"

const createdStack = Effect.gen(function*() {
  const { create } = yield* CloudFormation
  yield* create({ stack, templateBody: topics("A"), clientRequestToken: "create-1" })
  yield* TestClock.adjust("1 minute")
})

const createChangeSet = (changeSet: string, ...ids: ReadonlyArray<string>) =>
  CloudFormation.use(({ createChangeSet }) =>
    createChangeSet({ stack, changeSet, type: "UPDATE", description: "", templateBody: topics(...ids) })
  )

it.effect("a change set that fails early validation has the status FAILED, and DescribeEvents shows the reason", () =>
  Effect.gen(function*() {
    const { describeChangeSet, executeChangeSet, failedEvents } = yield* CloudFormation
    yield* createdStack
    yield* CloudFormationMemory.use(({ failValidation }) => failValidation("B", "it has no property Nmae"))
    const { id } = yield* createChangeSet("Next", "A", "B")
    yield* TestClock.adjust("1 minute")
    const changeSet = Option.getOrThrow(yield* describeChangeSet({ stack, changeSet: "Next" }))
    assert.deepInclude(changeSet, { status: "FAILED", executionStatus: "UNAVAILABLE" })
    assert.include(changeSet.reason, "use the DescribeEvents API for detailed failure information")
    const events = yield* failedEvents({ changeSet: id })
    assert.deepStrictEqual(events.map(({ logicalResourceId, validation }) => [logicalResourceId, validation?.reason]), [
      ["B", "it has no property Nmae"]
    ])
    const error = yield* Effect.flip(executeChangeSet({ stack, changeSet: "Next", clientRequestToken: "execute-1" }))
    assert.strictEqual(error._tag, "ChangeSetNotReady")
  }).pipe(Effect.provide(CloudFormationMemory.layer())))

it.effect("a stack has at most 1,000 change sets, including failed ones", () =>
  Effect.gen(function*() {
    yield* createdStack
    for (let index = 0; index < 1_000; index++) yield* createChangeSet(`Empty-${index}`, "A")
    yield* TestClock.adjust("1 minute")
    const error = yield* Effect.flip(createChangeSet("Next", "A", "B"))
    assert.deepInclude(error, { _tag: "AwsRejected", code: "LimitExceededException" })
    assert.match(error.message, /ChangeSet limit exceeded for stack arn:aws:cloudformation:.*MyTestStack/)
    yield* CloudFormation.use(({ deleteChangeSet }) => deleteChangeSet({ stack, changeSet: "Empty-7" }))
    yield* createChangeSet("Next", "A", "B")
  }).pipe(Effect.provide(CloudFormationMemory.layer())))
