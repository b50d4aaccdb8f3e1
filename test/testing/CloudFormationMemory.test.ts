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
    const [newest, ...older] = yield* events(id, 0)
    const nested = older.find(({ logicalResourceId, status }) => logicalResourceId === "Nested" && status.endsWith("E"))
    const all = [newest, ...older, ...yield* events(nested?.physicalResourceId ?? "", 0)]
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
