// How DeployStack deletes a stack with termination protection.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import {
  deny,
  eventWith,
  failResource,
  firstTemplate,
  invoke,
  operationTokens,
  parameterValues,
  putTemplate,
  required,
  runAction,
  setStatus,
  settings,
  stack,
  statusOfStack,
  templateOf,
  templateWith,
  world
} from "./world.ts"

const replace = { ...required, mode: "REPLACE_ON_FAILURE" }
const remove = { stack, mode: "DELETE_ONLY" }
const switchOff = { terminationProtection: false }

const protect = CloudFormationMemory.use(({ protect }) => protect(stack))
const isProtected = Effect.map(settings, ({ terminationProtection }) => terminationProtection)
/** A stack that can only be deleted, with protection. */
const failedStack = Effect.andThen(setStatus("ROLLBACK_COMPLETE"), protect)

const assertKept = Effect.gen(function*() {
  assert.isEmpty(yield* operationTokens)
  assert.isTrue(yield* isProtected)
})

describe.each([replace, remove])("a protected stack in mode $mode", (parameters) => {
  it.effect.each([{}, { terminationProtection: true }])(
    "is refused with %j, and the message says how to delete it",
    (options) =>
      Effect.gen(function*() {
        yield* failedStack
        const outcome = yield* invoke(eventWith({ ...parameters, ...options }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, "\"terminationProtection\": false in UserParameters, then retry the action")
        yield* assertKept
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("is deleted if UserParameters switch the protection off", () =>
    Effect.gen(function*() {
      yield* failedStack
      const outcome = yield* runAction("1", { ...parameters, ...switchOff })
      assert.deepInclude(outcome, { _tag: "Succeeded" })
      assert.strictEqual((yield* operationTokens)[0], "delete-1")
      if (parameters === remove) assert.deepStrictEqual(yield* statusOfStack, Option.none())
      else assert.isFalse(yield* isProtected)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("is deleted if CloudFormation does not answer that the protection is off", () =>
    Effect.gen(function*() {
      yield* failedStack
      let losses = 0
      const outcome = yield* runAction("1", { ...parameters, ...switchOff }).pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          setTerminationProtection: (...request) =>
            losses++ > 0
              ? service.setTerminationProtection(...request)
              : Effect.andThen(
                service.setTerminationProtection(...request),
                Effect.fail(new AwsUnavailable({ operation: "a call", code: "ECONNRESET", detail: "reset" }))
              )
        }))
      )
      assert.isAbove(losses, 0)
      assert.deepInclude(outcome, { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("stays if the role may not switch the protection off", () =>
    Effect.gen(function*() {
      yield* failedStack
      yield* deny("cloudformation:UpdateTerminationProtection")
      const outcome = yield* runAction("1", { ...parameters, ...switchOff })
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, "needs cloudformation:UpdateTerminationProtection")
      yield* assertKept
    }).pipe(Effect.provide(world(firstTemplate))))
})

it.effect.each<readonly [what: string, options: object, template: string]>([
  ["a missing template", { file: "missing.json" }, firstTemplate],
  ["an invalid template", {}, "{}"],
  ["an unknown parameter", { parameters: { Siz: "x" } }, templateWith({ Size: { Type: "String", Default: "s" } })],
  ["a missing capability", {}, templateOf({ Role: "AWS::IAM::Role" })],
  ["a resource type that does not exist", {}, templateOf({ A: "AWS::Nonsense" })],
  ["an output file without an artifact", { outputFile: "out.json" }, firstTemplate]
])("the protection stays on because of %s", ([, options, template]) =>
  Effect.gen(function*() {
    yield* failedStack
    const outcome = yield* invoke(eventWith({ ...replace, ...switchOff, ...options }))
    assert.strictEqual(outcome._tag, "Failed")
    yield* assertKept
  }).pipe(Effect.provide(world(template))))

it.effect("the protection stays on until the values of the replaced stack are checked", () =>
  Effect.gen(function*() {
    yield* failResource("Topic", "quota")
    yield* runAction("earlier", { ...required, parameters: { Size: "large" }, terminationProtection: true })
    const checked = yield* invoke(eventWith({ ...replace, ...switchOff }, { id: "1" }))
    assert.include(checked.message, "Stack replacement prepared")
    assert.isTrue(yield* isProtected)
    yield* runAction("1", { ...replace, ...switchOff })
    assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1", "create-1"])
    assert.deepStrictEqual(yield* parameterValues, { Size: "large" })
  }).pipe(Effect.provide(world(templateWith({ Size: { Type: "String" } })))))

it.effect("a protected stack that REPLACE_ON_FAILURE could not create is replaced as the messages say", () =>
  Effect.gen(function*() {
    const parameters = { ...replace, terminationProtection: true }
    yield* failResource("Table", "The name is taken")
    const failed = yield* runAction("1", parameters)
    assert.include(failed.message, "Update failed: ROLLBACK_COMPLETE")
    assert.include(failed.message, "set \"terminationProtection\" to false")
    assert.notInclude(failed.message, "REPLACE_ON_FAILURE")
    yield* putTemplate(templateOf({ Topic: "AWS::SNS::Topic" }))
    const refused = yield* runAction("2", parameters)
    assert.include(refused.message, "\"terminationProtection\": false")
    assert.deepInclude(yield* runAction("3", { ...parameters, ...switchOff }), { _tag: "Succeeded" })
    assert.deepInclude(yield* runAction("4", parameters), { _tag: "Succeeded" })
    assert.isTrue(yield* isProtected)
    assert.deepStrictEqual(yield* operationTokens, ["create-1", "delete-3", "create-3"])
  }).pipe(Effect.provide(world(firstTemplate))))

it.effect("a failure without protection advises REPLACE_ON_FAILURE to retry", () =>
  Effect.gen(function*() {
    yield* failResource("Table", "The name is taken")
    const failed = yield* runAction("1", replace)
    assert.include(failed.message, `Fix the cause, then retry the action: it deletes and recreates stack "${stack}"`)
  }).pipe(Effect.provide(world(firstTemplate))))

it.effect("a protected stack that cannot be updated is refused with both options that replace it", () =>
  Effect.gen(function*() {
    yield* failedStack
    const outcome = yield* invoke(eventWith(required))
    assert.include(outcome.message, "\"mode\": \"REPLACE_ON_FAILURE\" and \"terminationProtection\": false")
    yield* assertKept
  }).pipe(Effect.provide(world(firstTemplate))))

it.effect("DELETE_ONLY with terminationProtection true deletes a stack that is not protected", () =>
  Effect.gen(function*() {
    yield* runAction("earlier", required)
    assert.deepInclude(yield* runAction("1", { ...remove, terminationProtection: true }), { _tag: "Succeeded" })
    assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
  }).pipe(Effect.provide(world(firstTemplate))))
