// Stack sets in memory: what differs from CloudFormation over HTTP in the tests of the contract, such as time.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import type { DeployInstancesRequest } from "../../src/domain/stackSet/StackSet.ts"
import type { Preferences } from "../../src/domain/stackSet/StackSetPreferences.ts"
import { StackSets } from "../../src/services/StackSets.ts"
import { StackSetsMemory } from "../../src/testing/StackSetsMemory.ts"
import { sampleTemplate } from "../fixtures.ts"

const stackSet = "MyStackSet"
const key = { stackSet }
const accounts = ["111111111111", "222222222222", "333333333333", "444444444444"]
const regions = ["eu-west-1", "us-east-1"]
const target = { accounts, regions }
const unit = "ou-abcd-12345678"

const create = (permissionModel?: "SERVICE_MANAGED") =>
  StackSets.use(({ create }) =>
    create({ ...key, templateBody: sampleTemplate, clientRequestToken: "set-1", permissionModel })
  )

const createInstances = (change: Partial<DeployInstancesRequest> = {}) =>
  StackSets.use((service) => service.createInstances({ ...key, operationId: "create-1", target, ...change }))

/** The results as `status` by `region/account`. */
const results = Effect.map(
  StackSets.use(({ results }) => results(key, "create-1")),
  ({ items }) => Object.fromEntries(items.map(({ account, region, status }) => [`${region}/${account[0]}`, status]))
)

const operation = Effect.map(StackSets.use(({ operation }) => operation(key, "create-1")), Option.getOrThrow)

/** The statuses of the results after some seconds, with these preferences. */
const after = (seconds: number, preferences: Preferences) =>
  Effect.gen(function*() {
    yield* create()
    yield* createInstances({ preferences })
    yield* TestClock.adjust(`${seconds} seconds`)
    return yield* results
  }).pipe(Effect.provide(StackSetsMemory.layer()))

/** The places with this status. */
const placesWith = (statuses: Readonly<Record<string, string>>, status: string) =>
  Object.entries(statuses).filter((entry) => entry[1] === status).map(([place]) => place)

const refused = <A, E extends { readonly message: string }>(call: Effect.Effect<A, E, StackSets>) =>
  Effect.map(Effect.flip(call), ({ message }) => message)

describe("an operation in memory", () => {
  it.effect("goes through one account after the other and one region after the other", () =>
    Effect.gen(function*() {
      const statuses = yield* after(15, {})
      assert.deepStrictEqual(placesWith(statuses, "SUCCEEDED"), ["eu-west-1/1"])
      assert.deepStrictEqual(placesWith(statuses, "RUNNING"), ["eu-west-1/2"])
      assert.lengthOf(placesWith(statuses, "PENDING"), 6)
    }))

  it.effect("goes through the regions in the preferred order", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(placesWith(yield* after(15, { regionOrder: ["us-east-1", "eu-west-1"] }), "SUCCEEDED"), [
        "us-east-1/1"
      ])
    }))

  it.effect("goes through all regions at once if that is preferred", () =>
    Effect.gen(function*() {
      const statuses = yield* after(15, { regionConcurrency: "PARALLEL" })
      assert.deepStrictEqual(placesWith(statuses, "SUCCEEDED"), ["eu-west-1/1", "us-east-1/1"])
    }))

  it.effect("works on as many accounts at once as failures are tolerated, and one more", () =>
    Effect.gen(function*() {
      const strict = yield* after(5, { maxConcurrent: 4, failureTolerance: "25%" })
      assert.deepStrictEqual(placesWith(strict, "RUNNING"), ["eu-west-1/1", "eu-west-1/2"])
      const soft = yield* after(5, { maxConcurrent: "100%", concurrencyMode: "SOFT_FAILURE_TOLERANCE" })
      assert.lengthOf(placesWith(soft, "RUNNING"), 4)
    }))

  it.effect("that has failed too often cancels the other accounts and regions", () =>
    Effect.gen(function*() {
      const { failInstance } = yield* StackSetsMemory
      yield* create()
      yield* failInstance("222222222222", "eu-west-1", "No")
      yield* createInstances()
      yield* TestClock.adjust("1 hour")
      const statuses = yield* results
      assert.deepStrictEqual(placesWith(statuses, "SUCCEEDED"), ["eu-west-1/1"])
      assert.deepStrictEqual(placesWith(statuses, "FAILED"), ["eu-west-1/2"])
      assert.lengthOf(placesWith(statuses, "CANCELLED"), 6)
      assert.strictEqual((yield* operation).status, "FAILED")
    }).pipe(Effect.provide(StackSetsMemory.layer())))

  it.effect("that someone stops cancels what has not ended", () =>
    Effect.gen(function*() {
      const { stop } = yield* StackSetsMemory
      yield* create()
      yield* createInstances()
      yield* TestClock.adjust("15 seconds")
      yield* stop(stackSet, "create-1")
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(placesWith(yield* results, "CANCELLED"), 7)
      assert.strictEqual((yield* operation).status, "STOPPED")
      // It has ended: stopping it again changes nothing.
      yield* stop(stackSet, "create-1")
      yield* stop(stackSet, "create-2")
      yield* stop("Other", "create-1")
      assert.lengthOf(placesWith(yield* results, "CANCELLED"), 7)
    }).pipe(Effect.provide(StackSetsMemory.layer())))

  it.effect("is queued behind another one with managed execution", () =>
    Effect.gen(function*() {
      const service = yield* StackSets
      yield* service.create({
        ...key,
        templateBody: sampleTemplate,
        clientRequestToken: "set-1",
        managedExecution: true
      })
      yield* StackSetsMemory.use(({ startForeign }) => startForeign(stackSet, "foreign"))
      yield* createInstances()
      assert.strictEqual((yield* operation).status, "QUEUED")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* operation).status, "RUNNING")
    }).pipe(Effect.provide(StackSetsMemory.layer())))
})

describe("targets in memory", () => {
  it.effect("are accounts with SELF_MANAGED", () =>
    Effect.gen(function*() {
      yield* create()
      assert.include(
        yield* refused(createInstances({ target: { organizationalUnits: [unit], regions } })),
        "SELF_MANAGED permission model can only have accounts as target"
      )
    }).pipe(Effect.provide(StackSetsMemory.layer())))

  it.effect("are organizational units that exist with SERVICE_MANAGED", () =>
    Effect.gen(function*() {
      yield* create("SERVICE_MANAGED")
      assert.include(yield* refused(createInstances()), "can only have OrganizationalUnit as target")
      assert.include(
        yield* refused(createInstances({ target: { organizationalUnits: ["ou-abcd-00000000"], regions } })),
        "OrganizationalUnit ou-abcd-00000000 does not exist"
      )
      const union = { organizationalUnits: [unit], accounts, accountFilter: "UNION", regions } as const
      assert.include(yield* refused(createInstances({ target: union })), "AccountFilterType UNION is not supported")
      yield* createInstances({ target: { organizationalUnits: [unit], regions } })
      const { instancesOf } = yield* StackSetsMemory
      assert.lengthOf(yield* instancesOf(stackSet), 4)
    }).pipe(Effect.provide(StackSetsMemory.layer({ organization: { [unit]: accounts.slice(0, 2) } }))))
})

it.effect("what is asked of a stack set that does not exist in memory changes nothing", () =>
  Effect.gen(function*() {
    const { instancesOf, operationIds, setDrifted, settingsOf, startForeign } = yield* StackSetsMemory
    yield* startForeign("Other", "foreign")
    yield* setDrifted("Other", "111111111111", "eu-west-1")
    assert.isEmpty(yield* instancesOf("Other"))
    assert.isTrue(Option.isNone(yield* settingsOf("Other")))
    const stackOf = yield* StackSets.use(({ stackOf }) =>
      stackOf({ stackSet: "Other" }, { account: "1", region: "eu-west-1" })
    )
    assert.isTrue(Option.isNone(stackOf))
    assert.isEmpty(
      yield* StackSets.use(({ stackEvents }) => stackEvents("arn:aws:cloudformation:eu-west-1:1:stack/S/1"))
    )
    assert.isEmpty(operationIds)
  }).pipe(Effect.provide(StackSetsMemory.layer())))

it.effect("a template behind a URL is checked if its text is known", () =>
  Effect.gen(function*() {
    const { create } = yield* StackSets
    const request = { ...key, clientRequestToken: "set-1", templateUrl: "https://templates.example/iam" }
    const error = yield* Effect.flip(create(request))
    assert.strictEqual(error._tag, "InsufficientCapabilities")
    yield* create({ ...request, templateUrl: "https://templates.example/unknown" })
  }).pipe(Effect.provide(StackSetsMemory.layer({
    templates: (url) =>
      url.endsWith("/iam") ? JSON.stringify({ Resources: { User: { Type: "AWS::IAM::User" } } }) : undefined
  }))))
