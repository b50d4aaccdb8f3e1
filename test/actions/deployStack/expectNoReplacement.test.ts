// The guard of stateful resources.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { AwsDenied, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import {
  changeSetExists,
  created,
  deploy,
  execute,
  replace,
  tableNamed,
  url,
  withNested,
  withService
} from "./planWorld.ts"
import {
  eventWith,
  firstTemplate,
  invoke,
  nextEvent,
  operationTokens,
  putTemplate,
  runAction,
  secondTemplate,
  stack,
  statusOfStack,
  templateOf,
  world
} from "./world.ts"

const guarded = (parameters: object, expectNoReplacement: unknown = true) => ({ ...parameters, expectNoReplacement })

const tables = (count: number) =>
  templateOf(Object.fromEntries([
    ["Topic", "AWS::SNS::Topic"],
    ...Array.from({ length: count }, (_, index) => [`T${index}`, "AWS::DynamoDB::Table"])
  ]))

const failing = (error: AwsDenied | AwsUnavailable) =>
  withService(({ describeChangeSet }) => ({
    describeChangeSet: (query) => query.stack === undefined ? Effect.fail(error) : describeChangeSet(query)
  }))

describe("expectNoReplacement", () => {
  const loses = "It would replace Table (AWS::DynamoDB::GlobalTable). If that is intended, allow it with " +
    "\"expectNoReplacement\": [\"Table\"] in UserParameters"
  const replaced = Effect.andThen(created, putTemplate(secondTemplate))

  it.effect.each<readonly [parameters: { readonly mode: string }, changeSet: string]>([
    [deploy, "execute-1"],
    [replace, "Next"]
  ])(
    "%j fails before execution, leaves the stack as it was, and deletes the change set",
    ([parameters, changeSet]) =>
      Effect.gen(function*() {
        yield* replaced
        const outcome = yield* runAction("1", guarded(parameters))
        assert.deepInclude(outcome, {
          _tag: "Failed",
          type: "ConfigurationError",
          message: `Change set "${changeSet}" of stack "${stack}" is not executed. ${loses}`
        })
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
        assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
        assert.isFalse(yield* changeSetExists(changeSet))
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("CHANGE_SET_EXECUTE does not execute it, and leaves the change set of the other action", () =>
    Effect.gen(function*() {
      yield* replaced
      yield* runAction("1", replace)
      const outcome = yield* runAction("2", guarded(execute))
      assert.include(outcome.message, loses)
      assert.isTrue(yield* changeSetExists("Next"))
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a resource that is allowed may be replaced, and a new stack replaces nothing", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* runAction("0", guarded(deploy)), { _tag: "Succeeded" })
      yield* putTemplate(secondTemplate)
      assert.deepInclude(yield* runAction("1", guarded(deploy, ["Other", "Table"])), { _tag: "Succeeded" })
      assert.deepInclude(yield* runAction("2", guarded(deploy)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("the message names what is allowed already, and of many resources only some", () =>
    Effect.gen(function*() {
      yield* putTemplate(tables(30))
      yield* created
      yield* putTemplate(tables(28))
      const few = yield* runAction("1", guarded(deploy, ["Other"]))
      assert.include(few.message, "It would remove T29 (AWS::DynamoDB::Table), remove T28 (AWS::DynamoDB::Table).")
      assert.include(few.message, "\"expectNoReplacement\": [\"Other\",\"T29\",\"T28\"]")
      yield* putTemplate(tables(0))
      const many = yield* runAction("2", guarded(deploy))
      assert.include(many.message, "and 10 more. If that is intended, add the logical ids to \"expectNoReplacement\"")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a table in a nested stack counts, and is allowed by its path", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = tableNamed("b")
        const outcome = yield* runAction("1", guarded(deploy))
        assert.include(outcome.message, "It would replace Network/Table (AWS::DynamoDB::Table)")
        assert.deepInclude(yield* runAction("2", guarded(deploy, ["Network/Table"])), { _tag: "Succeeded" })
      })
    ))

  it.effect("a nested stack whose changes are not known is refused", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = tableNamed("b")
        const outcome = yield* runAction("1", { ...guarded(deploy), includeNestedStacks: false })
        assert.include(
          outcome.message,
          "It would change Network (AWS::CloudFormation::Stack), whose own changes are not known"
        )
      })
    ))

  it.effect("a nested change set that may not be read fails the job, and an outage is waited for", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = tableNamed("b")
        const started = yield* invoke(eventWith(guarded(deploy), { id: "1" }))
        yield* TestClock.adjust("1 minute")
        const fields = { operation: "cloudformation:DescribeChangeSet", code: "E", detail: "no" }
        const waiting = yield* failing(new AwsUnavailable(fields))(invoke(nextEvent(started, "2", guarded(deploy))))
        assert.strictEqual(waiting._tag, "Continued")
        const denied = yield* failing(new AwsDenied(fields))(invoke(nextEvent(waiting, "3", guarded(deploy))))
        assert.deepInclude(denied, { _tag: "Failed", type: "PermissionError" })
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
      })
    ))

  it.effect("false is the default", () =>
    Effect.gen(function*() {
      yield* replaced
      assert.deepInclude(yield* runAction("1", guarded(deploy, false)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))
})
