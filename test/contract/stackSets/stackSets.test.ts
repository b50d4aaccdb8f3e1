// The contract of the service StackSets: the same cases in memory and over HTTP.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { StackSets } from "../../../src/services/StackSets.ts"
import {
  accounts,
  created,
  createInstances,
  createSet,
  end,
  instancesOf,
  key,
  operationOf,
  places,
  regions,
  stackSet,
  target,
  updateSet,
  World,
  worlds
} from "./world.ts"

const withParameter = JSON.stringify({
  Parameters: { Size: { Type: "String", Default: "small" } },
  Resources: { MySampleBucket: { Type: "AWS::S3::Bucket" } }
})

const keyOf = ({ account, region }: { readonly account: string; readonly region: string }) => `${account}/${region}`

describe.each(worlds)("StackSets $name", ({ world }) => {
  it.effect("a stack set that does not exist is none, and deleting it is a success", () =>
    Effect.gen(function*() {
      const { delete: remove, describe: describeSet } = yield* StackSets
      assert.isTrue(Option.isNone(yield* describeSet(key)))
      yield* remove(key)
    }).pipe(Effect.provide(world)))

  it.effect("a new stack set has its name, its id, its parameters and no instances", () =>
    Effect.gen(function*() {
      const id = yield* createSet({ templateBody: withParameter, parameters: [{ name: "Size", value: "large" }] })
      const { describe: describeSet } = yield* StackSets
      assert.deepStrictEqual(Option.getOrThrow(yield* describeSet(key)), {
        id,
        name: stackSet,
        permissionModel: "SELF_MANAGED",
        parameters: new Map([["Size", "large"]])
      })
      assert.deepStrictEqual(yield* describeSet({ stackSet: id }), yield* describeSet(key))
      assert.deepStrictEqual(yield* instancesOf, { items: [], next: undefined })
    }).pipe(Effect.provide(world)))

  it.effect("a second creation with the same token has the same id, and with another one it fails", () =>
    Effect.gen(function*() {
      const id = yield* createSet()
      assert.strictEqual(yield* createSet(), id)
      const error = yield* Effect.flip(createSet({ clientRequestToken: "set-2" }))
      assert.deepInclude(error, { _tag: "StackSetExists", stackSet })
      assert.strictEqual(error.message, "Stack set \"MyStackSet\" exists already")
    }).pipe(Effect.provide(world)))

  it.effect("a template that needs capabilities, or has no such parameter, is refused", () =>
    Effect.gen(function*() {
      const templateBody = JSON.stringify({ Resources: { User: { Type: "AWS::IAM::User" } } })
      const capabilities = yield* Effect.flip(createSet({ templateBody }))
      assert.deepInclude(capabilities, { _tag: "InsufficientCapabilities", required: ["CAPABILITY_IAM"] })
      const parameters = yield* Effect.flip(createSet({
        templateBody: withParameter,
        parameters: [{ name: "Color", value: "red" }]
      }))
      assert.deepInclude(parameters, { _tag: "UnknownParameters", names: ["Color"] })
    }).pipe(Effect.provide(world)))

  it.effect("service-managed permissions without trusted access are refused in CloudFormation's words", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(createSet({ permissionModel: "SERVICE_MANAGED" }))
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        detail: "You must enable organizations access to operate a service managed stack set"
      })
    }).pipe(Effect.provide(world)))

  it.effect("an operation that creates instances runs, then succeeds", () =>
    Effect.gen(function*() {
      yield* createSet()
      assert.strictEqual(yield* createInstances(), "create-1")
      assert.deepInclude(Option.getOrThrow(yield* operationOf("create-1")), {
        id: "create-1",
        action: "CREATE",
        status: "RUNNING"
      })
      yield* end
      const operation = Option.getOrThrow(yield* operationOf("create-1"))
      assert.deepInclude(operation, { status: "SUCCEEDED", failedInstances: 0, drift: undefined })
      const { items } = yield* instancesOf
      assert.sameMembers(items.map(keyOf), places.map(keyOf))
      for (const { lastOperationId, status } of items) {
        assert.deepStrictEqual([status, lastOperationId], ["CURRENT", "create-1"])
      }
    }).pipe(Effect.provide(world)))

  it.effect("a failed instance has its reason, and only failed results are listed if that is wanted", () =>
    Effect.gen(function*() {
      const { fail } = yield* World
      yield* createSet()
      yield* fail({ "222222222222/us-east-1": "a <bad> & \"worse\" reason" })
      yield* createInstances()
      yield* end
      assert.deepInclude(Option.getOrThrow(yield* operationOf("create-1")), { status: "FAILED", failedInstances: 1 })
      const { results } = yield* StackSets
      const failed = [{
        account: "222222222222",
        region: "us-east-1",
        status: "FAILED",
        reason: "a <bad> & \"worse\" reason"
      }]
      assert.deepStrictEqual(yield* results(key, "create-1", { failed: true }), { items: failed, next: undefined })
      const { items } = yield* results(key, "create-1")
      assert.lengthOf(items, 4)
      assert.deepStrictEqual(items.filter(({ status }) => status === "FAILED"), failed)
    }).pipe(Effect.provide(world)))

  it.effect("an operation with a used id is refused, and so is one beside another", () =>
    Effect.gen(function*() {
      yield* createSet()
      yield* createInstances()
      assert.deepInclude(yield* Effect.flip(createInstances()), { _tag: "OperationIdUsed", operationId: "create-1" })
      const busy = yield* Effect.flip(updateSet())
      assert.deepInclude(busy, { _tag: "StackSetBusy", stackSet })
      assert.match(busy.message, /^Stack set "MyStackSet" cannot be changed now: Another Operation on StackSet/)
      const { delete: remove } = yield* StackSets
      assert.deepInclude(yield* Effect.flip(remove(key)), { _tag: "StackSetBusy" })
    }).pipe(Effect.provide(world)))

  it.effect("an update touches all instances", () =>
    Effect.gen(function*() {
      yield* created
      assert.strictEqual(yield* updateSet(), "update-1")
      yield* end
      const { results } = yield* StackSets
      assert.lengthOf((yield* results(key, "update-1")).items, 4)
    }).pipe(Effect.provide(world)))

  it.effect("the parameters of instances are updated, unless an instance does not exist", () =>
    Effect.gen(function*() {
      yield* created
      const { updateInstances } = yield* StackSets
      const request = { ...key, operationId: "override-1", target: { accounts: accounts.slice(0, 1), regions } }
      assert.strictEqual(yield* updateInstances({ ...request, overrides: [] }), "override-1")
      yield* end
      const absent = { ...request, operationId: "override-2", target: { accounts: ["999999999999"], regions } }
      assert.deepInclude(yield* Effect.flip(updateInstances(absent)), { code: "StackInstanceNotFoundException" })
    }).pipe(Effect.provide(world)))

  it.effect("a stack set is deleted after its instances", () =>
    Effect.gen(function*() {
      yield* created
      const { delete: remove, deleteInstances, describe: describeSet } = yield* StackSets
      const error = yield* Effect.flip(remove(key))
      assert.deepInclude(error, { _tag: "StackSetNotEmpty" })
      assert.strictEqual(error.message, "Stack set \"MyStackSet\" cannot be deleted, because it has instances")
      yield* deleteInstances({ ...key, operationId: "delete-1", target, retainStacks: false })
      yield* end
      assert.isEmpty((yield* instancesOf).items)
      yield* remove(key)
      assert.isTrue(Option.isNone(yield* describeSet(key)))
    }).pipe(Effect.provide(world)))

  it.effect("drift detection counts the instances that drift, and lists them", () =>
    Effect.gen(function*() {
      yield* created
      const { drift } = yield* World
      yield* drift("222222222222", "eu-west-1")
      const { detectDrift, instances } = yield* StackSets
      yield* detectDrift({ ...key, operationId: "drift-1" })
      yield* end
      assert.deepStrictEqual(Option.getOrThrow(yield* operationOf("drift-1")).drift, {
        status: "DRIFTED",
        total: 4,
        drifted: 1,
        inSync: 3,
        failed: 0
      })
      const { items } = yield* instances(key, { drifted: true })
      assert.deepStrictEqual(items.map(keyOf), ["222222222222/eu-west-1"])
    }).pipe(Effect.provide(world)))

  it.effect("operations are listed newest first; one that does not exist is none", () =>
    Effect.gen(function*() {
      yield* created
      yield* updateSet()
      const { operations } = yield* StackSets
      assert.deepStrictEqual((yield* operations(key)).map(({ id, status }) => [id, status]), [
        ["update-1", "RUNNING"],
        ["create-1", "SUCCEEDED"]
      ])
      assert.isTrue(Option.isNone(yield* operationOf("create-2")))
    }).pipe(Effect.provide(world)))

  it.effect("every call on a stack set that does not exist says so", () =>
    Effect.gen(function*() {
      const { instances, operation, operations, results } = yield* StackSets
      const errors = yield* Effect.all([
        Effect.flip(updateSet()),
        Effect.flip(createInstances()),
        Effect.flip(operation(key, "create-1")),
        Effect.flip(operations(key)),
        Effect.flip(results(key, "create-1")),
        Effect.flip(instances(key))
      ])
      for (const error of errors) assert.deepInclude(error, { _tag: "StackSetNotFound", stackSet })
      assert.strictEqual(errors[0].message, "Stack set \"MyStackSet\" does not exist")
    }).pipe(Effect.provide(world)))

  it.effect("the stack of an instance has the event of its failed resource", () =>
    Effect.gen(function*() {
      const { fail } = yield* World
      yield* createSet()
      yield* fail({ "222222222222/us-east-1": "it exists already" })
      yield* createInstances()
      yield* end
      const { stackEvents, stackOf } = yield* StackSets
      const stack = Option.getOrThrow(yield* stackOf(key, { account: "222222222222", region: "us-east-1" }))
      assert.match(stack, /^arn:aws:cloudformation:us-east-1:222222222222:stack\/StackSet-/)
      const [event] = yield* stackEvents(stack)
      assert.deepInclude(event, {
        logicalResourceId: "MySampleBucket",
        resourceType: "AWS::S3::Bucket",
        status: "CREATE_FAILED",
        reason: "it exists already"
      })
    }).pipe(Effect.provide(world)))

  it.effect("the summary of a template has its parameters and capabilities", () =>
    Effect.gen(function*() {
      const { templateSummary } = yield* StackSets
      const { capabilities, parameters } = yield* templateSummary({ templateBody: withParameter })
      assert.deepStrictEqual(parameters.map(({ hasDefault, name }) => [name, hasDefault]), [["Size", true]])
      assert.isEmpty(capabilities)
    }).pipe(Effect.provide(world)))
})
