// The contract of CloudFormation for events.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  absentArn,
  created,
  eventsOf,
  failedEventsOf,
  hookType,
  otherTemplate,
  stack,
  update,
  why,
  World,
  worlds
} from "./world.ts"

describe.each(worlds)("CloudFormation $name: events", ({ world }) => {
  it.effect("events are newest first and carry the token of their operation", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      const id = yield* created
      yield* update({ templateBody: otherTemplate })
      yield* completeOperation(stack)
      const events = yield* eventsOf(id, 0)
      const times = events.map(({ timestamp }) => timestamp)
      assert.deepStrictEqual(times, times.toSorted((a, b) => b - a))
      const tokens = events.map(({ clientRequestToken }) => clientRequestToken)
      assert.deepStrictEqual([...new Set(tokens)], ["update-1", "create-1"])
      assert.strictEqual(tokens.lastIndexOf("update-1") + 1, tokens.indexOf("create-1"))
    }).pipe(Effect.provide(world)))

  it.effect("events of the stack itself have its id as physical id, those of resources have another", () =>
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

  it.effect("events are returned until those read so far are enough", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      const id = yield* created
      yield* update({ templateBody: otherTemplate })
      yield* completeOperation(stack)
      const all = yield* eventsOf(id, 0)
      for (const { timestamp } of all) {
        const expected = all.filter((event) => event.timestamp >= timestamp)
        assert.deepStrictEqual((yield* eventsOf(id, timestamp)).slice(0, expected.length), expected)
      }
    }).pipe(Effect.provide(world)))

  it.effect("a stack that does not exist, or not yet, has no events", () =>
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

  it.effect("the failed events of an operation are those of its failed resources", () =>
    Effect.gen(function*() {
      const { events, failed: found } = yield* failed("resource")
      assert.deepStrictEqual(found, events.filter(({ status }) => status === "CREATE_FAILED"))
      assert.deepStrictEqual(found.map(({ logicalResourceId, reason }) => [logicalResourceId, reason]), [[
        "Bucket",
        why
      ]])
    }).pipe(Effect.provide(world)))

  it.effect("an operation that does not exist has no failed events", () =>
    Effect.gen(function*() {
      yield* failed("resource")
      assert.deepStrictEqual(yield* failedEventsOf("5c36ae10-0000-4000-8000-000000000000"), [])
    }).pipe(Effect.provide(world)))

  it.effect("a failed hook is among the stack's events and among the failed events", () =>
    Effect.gen(function*() {
      const { events, failed: found } = yield* failed("hook")
      const said = events.filter(({ hook }) => hook !== undefined)
      assert.deepStrictEqual(said.map(({ hook, logicalResourceId }) => ({ hook, logicalResourceId })), [{
        hook: { type: hookType, status: "HOOK_COMPLETE_FAILED", reason: why, failureMode: "FAIL" },
        logicalResourceId: "Bucket"
      }])
      assert.includeDeepMembers([...found], said)
    }).pipe(Effect.provide(world)))

  it.effect("a failed validation is among the failed events only", () =>
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

  it.effect("the events of a nested stack are read by the physical id of its resource", () =>
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
})
