// Whole runs of DeployStackSet, from the first job to the last.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { StackSetsMemory } from "../../../src/testing/StackSetsMemory.ts"
import {
  accounts,
  createdEarlier,
  eventOf,
  eventWith,
  failInstance,
  failureOf,
  instances,
  isPresent,
  operationIds,
  operationIdsOf,
  regions,
  runAll,
  runToEnd,
  stackSet,
  world
} from "./world.ts"

const all = accounts.flatMap((account) => regions.map((region) => `${account}/${region} CURRENT`))

describe("CREATE_UPDATE", () => {
  it.effect("a new stack set is created with an instance for each account and region", () =>
    Effect.gen(function*() {
      const outcomes = yield* runAll(eventOf({}, { outputArtifacts: ["Result"] }))
      assert.deepStrictEqual(outcomes.map(({ message }) => message), [
        "Stack set update started",
        "Creation of instances started: 4 instances",
        "Creation of instances still in progress: RUNNING, 0 of 4 instances, now eu-west-1",
        "Creation of instances still in progress: RUNNING, 1 of 4 instances, now eu-west-1",
        "Creation of instances still in progress: RUNNING, 1 of 4 instances, now eu-west-1",
        "Creation of instances still in progress: RUNNING, 2 of 4 instances, now us-east-1",
        "Creation of instances still in progress: RUNNING, 2 of 4 instances, now us-east-1",
        "Creation of instances still in progress: RUNNING, 3 of 4 instances, now us-east-1",
        "Creation of instances still in progress: RUNNING, 3 of 4 instances, now us-east-1",
        "Stack set is up to date: 4 instances"
      ])
      assert.deepStrictEqual(
        outcomes.map((outcome) => "percentComplete" in outcome ? outcome.percentComplete : undefined),
        [0, 0, 0, 25, 25, 50, 50, 75, 75, 100]
      )
      const last = outcomes.at(-1)
      assert.deepNestedInclude(last, {
        "outputVariables.OperationId": "1-create-1",
        "outputVariables.Succeeded": "4",
        "outputVariables.Failed": "0"
      })
      assert.deepStrictEqual(yield* instances, all)
      const { outputs } = yield* ArtifactStoreMemory
      const result = JSON.parse(String(outputs.get("Result")?.["result.json"]))
      assert.strictEqual(result.Instances.length, 4)
      assert.deepInclude(result.Instances[0], {
        Account: accounts[0],
        Region: regions[0],
        Status: "SUCCEEDED",
        OperationId: "1-create-1"
      })
    }).pipe(Effect.provide(world())))

  it.effect("an existing stack set is updated with all its instances, and missing ones are created", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcome = yield* runToEnd(eventOf({ accounts: [...accounts, "333333333333"] }, { id: "2" }))
      assert.strictEqual(outcome.message, "Stack set is up to date: 6 instances")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1", "2-create-1"])
      assert.lengthOf(yield* instances, 6)
    }).pipe(Effect.provide(world())))

  it.effect("instances that are not named any more are left, and deleted with prune", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* runToEnd(eventOf({ accounts: accounts.slice(0, 1) }, { id: "2" }))
      assert.lengthOf(yield* instances, 4)
      yield* runToEnd(eventOf({ accounts: accounts.slice(0, 1), prune: true }, { id: "3" }))
      assert.deepStrictEqual(yield* operationIdsOf("3"), ["3-update-1", "3-delete-1"])
      assert.deepStrictEqual(yield* instances, all.slice(0, 2))
    }).pipe(Effect.provide(world())))

  it.effect("a failed instance fails the action with its reason, and the next run repairs it", () =>
    Effect.gen(function*() {
      yield* failInstance(accounts[1] ?? "", regions[0] ?? "", "Topic already exists")
      const failure = failureOf(yield* runToEnd(eventOf()))
      assert.strictEqual(failure.type, "JobFailed")
      assert.strictEqual(
        failure.message,
        "Creation of instances failed: FAILED\neu-west-1/222222222222: Topic already exists\nThe operation is 1-create-1"
      )
      yield* failInstance(accounts[1] ?? "", regions[0] ?? "")
      const outcome = yield* runToEnd(eventOf({}, { id: "2" }))
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* instances, all)
    }).pipe(Effect.provide(world())))

  it.effect("failures within the tolerance succeed and are counted", () =>
    Effect.gen(function*() {
      yield* failInstance(accounts[1] ?? "", regions[0] ?? "", "Topic already exists")
      const outcomes = yield* runAll(eventOf({ failureTolerance: 1, maxConcurrent: 2 }))
      assert.include(
        outcomes.map(({ message }) => message),
        "Creation of instances still in progress: RUNNING, 2 of 4 instances, 1 failed (eu-west-1/222222222222: Topic " +
          "already exists), now us-east-1"
      )
      assert.deepNestedInclude(outcomes.at(-1), {
        message: "Stack set is up to date: 4 instances, 1 failed (eu-west-1/222222222222: Topic already exists)",
        "outputVariables.Succeeded": "3",
        "outputVariables.Failed": "1"
      })
    }).pipe(Effect.provide(world())))

  it.effect("a stack set without targets is created without instances", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventWith({ stackSet, file: "template.json", artifact: "MyTemplate" }))
      assert.strictEqual(outcome.message, "Stack set is up to date: 0 instances")
      assert.isTrue(yield* isPresent)
      assert.deepStrictEqual(yield* operationIds, ["1-update-1"])
    }).pipe(Effect.provide(world())))
})

describe("DELETE_INSTANCES", () => {
  it.effect("deletes the named instances, but not in the first job", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcomes = yield* runAll(
        eventWith({ stackSet, mode: "DELETE_INSTANCES", accounts: accounts.slice(0, 1) }, { id: "2" })
      )
      assert.deepStrictEqual(outcomes.slice(0, 2).map(({ message }) => message), [
        "Deletion of instances prepared: the next job starts it",
        "Deletion of instances started: 2 instances"
      ])
      assert.strictEqual(outcomes.at(-1)?.message, "Instances are deleted: 2 instances")
      assert.deepStrictEqual(yield* instances, all.slice(2))
    }).pipe(Effect.provide(world())))

  it.effect("without instances to delete, it succeeds at once", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcome = yield* runToEnd(
        eventWith({ stackSet, mode: "DELETE_INSTANCES", accounts: ["999999999999"] }, { id: "2" })
      )
      assert.strictEqual(outcome.message, "There are no instances to delete")
    }).pipe(Effect.provide(world())))

  it.effect("an instance that cannot be deleted within the tolerance is tried once", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* failInstance(accounts[0] ?? "", regions[0] ?? "", "Account is suspended")
      const outcome = yield* runToEnd(
        eventWith({ stackSet, mode: "DELETE_INSTANCES", failureTolerance: 1 }, { id: "2" })
      )
      assert.strictEqual(
        outcome.message,
        "Instances are deleted: 4 instances, 1 failed (eu-west-1/111111111111: Account is suspended)"
      )
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-delete-1"])
      assert.deepStrictEqual(yield* instances, ["111111111111/eu-west-1 INOPERABLE"])
    }).pipe(Effect.provide(world())))
})

describe("DELETE", () => {
  it.effect("deletes all instances, then the stack set", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcome = yield* runToEnd(eventWith({ stackSet, mode: "DELETE" }, { id: "2" }))
      assert.strictEqual(outcome.message, "Stack set \"MyStackSet\" is deleted")
      assert.isFalse(yield* isPresent)
    }).pipe(Effect.provide(world())))

  it.effect("a stack set that does not exist is a success", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventWith({ stackSet, mode: "DELETE" }))
      assert.strictEqual(outcome.message, "Stack set \"MyStackSet\" does not exist: there is nothing to delete")
    }).pipe(Effect.provide(world())))

  it.effect("instances that cannot be deleted keep the stack set", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* failInstance(accounts[0] ?? "", regions[0] ?? "", "Account is suspended")
      const failure = failureOf(
        yield* runToEnd(eventWith({ stackSet, mode: "DELETE", failureTolerance: 1 }, { id: "2" }))
      )
      assert.match(failure.message, /^Stack set "MyStackSet" is not deleted, because it still has instances. Look at/)
      assert.isTrue(yield* isPresent)
    }).pipe(Effect.provide(world())))
})

describe("DETECT_DRIFT", () => {
  it.effect("counts the instances that drift, and lists them in the result", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const { setDrifted } = yield* StackSetsMemory
      yield* setDrifted(stackSet, accounts[0] ?? "", regions[1] ?? "")
      const outcome = yield* runToEnd(
        eventWith({ stackSet, mode: "DETECT_DRIFT" }, { id: "2", outputArtifacts: ["Result"] })
      )
      assert.deepNestedInclude(outcome, {
        message: "Drift detection complete: DRIFTED, 1 of 4 instances drifted",
        "outputVariables.DriftStatus": "DRIFTED",
        "outputVariables.Drifted": "1",
        "outputVariables.InSync": "3"
      })
      const { outputs } = yield* ArtifactStoreMemory
      const result = JSON.parse(String(outputs.get("Result")?.["result.json"]))
      assert.deepStrictEqual(result.Drift.Instances, [{ Account: accounts[0], Region: regions[1] }])
    }).pipe(Effect.provide(world())))

  it.effect("a stack set that does not exist fails", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* runToEnd(eventWith({ stackSet, mode: "DETECT_DRIFT" })))
      assert.strictEqual(
        failure.message,
        "Stack set \"MyStackSet\" does not exist. Check the name, the region of the function, and \"callAs\" in " +
          "UserParameters"
      )
    }).pipe(Effect.provide(world())))
})
