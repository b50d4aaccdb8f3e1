// What DeployStackSet does when AWS does not answer, denies calls, or shows something else than expected.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { AwsRejected } from "../../../src/domain/job/AwsError.ts"
import { StackSets } from "../../../src/services/StackSets.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { StackSetsMemory } from "../../../src/testing/StackSetsMemory.ts"
import {
  accounts,
  createdEarlier,
  deny,
  eventOf,
  eventWith,
  failInstance,
  failureOf,
  instances,
  invoke,
  isPresent,
  nextEvent,
  operationIdsOf,
  regions,
  required,
  runAll,
  runToEnd,
  stackSet,
  withAnswers,
  world
} from "./world.ts"

const deletion = { stackSet, mode: "DELETE" }

/** Deletes the stack set, which has no instances, as another program would. */
const deleteSet = Effect.andThen(
  TestClock.adjust("1 hour"),
  StackSets.use(({ delete: remove }) => remove({ stackSet }))
)

/** CloudFormation does not show any operation. */
const hidden = () => ({ operation: () => Effect.succeedNone })

/** CloudFormation lists no instances. */
const unlisted = () => ({ instances: () => Effect.succeed({ items: [], next: undefined }) })

/** The stack set is not visible at first. */
const unseen = (times: number) => (real: StackSets["Service"]) => {
  let calls = 0
  const describe: StackSets["Service"]["describe"] = (key) =>
    Effect.suspend(() => calls++ < times ? Effect.succeedNone : real.describe(key))
  return { describe }
}

const refused = (detail: string) =>
  Effect.fail(new AwsRejected({ operation: "cloudformation:Call", code: "ValidationError", detail }))

describe("an outage", () => {
  it.effect("while an operation is watched is survived, and the operation is watched again", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      const second = yield* invoke(nextEvent(first, "2"))
      yield* StackSetsMemory.use(({ throttle }) => throttle(100))
      const during = yield* invoke(nextEvent(second, "3"))
      assert.strictEqual(during._tag, "Continued")
      assert.include(during.message, "cloudformation:DescribeStackSetOperation")
      yield* StackSetsMemory.use(({ throttle }) => throttle(0))
      const outcome = yield* runToEnd(nextEvent(during, "4"))
      assert.strictEqual(outcome.message, "Stack set is up to date: 4 instances")
      assert.deepStrictEqual(yield* operationIdsOf("1"), ["1-update-1", "1-create-1"])
    }).pipe(Effect.provide(world())))

  it.effect("of the results only hides the progress of the instances", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      yield* TestClock.adjust("1 second")
      const second = yield* invoke(nextEvent(first, "2"))
      const third = yield* withAnswers(
        () => ({
          results: () =>
            Effect.fail(
              new AwsRejected({
                operation: "cloudformation:ListStackSetOperationResults",
                code: "ValidationError",
                detail: "NextToken is invalid"
              })
            )
        }),
        invoke(nextEvent(second, "3"))
      )
      assert.strictEqual(third.message, "Creation of instances still in progress: RUNNING")
      const fourth = yield* invoke(nextEvent(third, "4"))
      assert.match(fourth.message, /^Creation of instances still in progress: RUNNING, \d of 4 instances/)
    }).pipe(Effect.provide(world())))

  it.effect("that repeats the same page of instances starts nothing", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      yield* TestClock.adjust("1 minute")
      const second = yield* withAnswers(
        () => ({ instances: () => Effect.succeed({ items: [], next: "again" }) }),
        invoke(nextEvent(first, "2"))
      )
      assert.strictEqual(second._tag, "Continued")
      assert.include(second.message, "its pages do not end")
      assert.deepStrictEqual(yield* operationIdsOf("1"), ["1-update-1"])
    }).pipe(Effect.provide(world())))
})

describe("an operation that CloudFormation does not show", () => {
  it.effect("is waited for until 15 minutes have passed, then fails the action", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      const second = yield* withAnswers(hidden, invoke(nextEvent(first, "2")))
      assert.strictEqual(second.message, "Stack set update still in progress: not visible")
      yield* TestClock.adjust("14 minutes")
      const third = yield* withAnswers(hidden, invoke(nextEvent(second, "3")))
      assert.strictEqual(third.message, second.message)
      yield* TestClock.adjust("1 minute")
      const failure = failureOf(yield* withAnswers(hidden, invoke(nextEvent(third, "4"))))
      assert.deepInclude(failure, {
        type: "JobFailed",
        message: "CloudFormation accepted operation 1-update-1, but does not show it after 15 minutes. Look at the " +
          "operations of the stack set, then retry the action",
        externalExecutionId: "MyStackSet:5c36ae10-1b4f-11f0-8d4e-000000000000"
      })
    }).pipe(Effect.provide(world())))

  it.effect("is watched on as soon as it is visible", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      const second = yield* withAnswers(hidden, invoke(nextEvent(first, "2")))
      yield* TestClock.adjust("1 hour")
      const third = yield* invoke(nextEvent(second, "3"))
      assert.strictEqual(third.message, "Creation of instances started: 4 instances")
    }).pipe(Effect.provide(world())))

  it.effect("and that was started nevertheless is adopted, not started again", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* invoke(eventOf({}, { id: "2" }))
      const second = yield* withAnswers(hidden, invoke(eventOf({}, { id: "2" })))
      assert.strictEqual(second.message, "Stack set update still in progress")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("and that keeps the stack set from being deleted is watched, because it is an own one", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const first = yield* invoke(eventWith(deletion, { id: "2" }))
      yield* invoke(nextEvent(first, "3", deletion))
      const second = yield* withAnswers(
        () => ({ ...hidden(), ...unlisted() }),
        invoke(nextEvent(first, "3", deletion))
      )
      assert.strictEqual(second.message, "Deletion of instances still in progress")
      const outcome = yield* runToEnd(nextEvent(second, "4", deletion))
      assert.strictEqual(outcome.message, "Stack set \"MyStackSet\" is deleted")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-delete-1"])
    }).pipe(Effect.provide(world())))
})

describe("a stack set that someone deletes", () => {
  const gone = "Stack set \"MyStackSet\" does not exist any more: it was deleted. Retry the action"

  it.effect("while it is watched fails a deployment", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      yield* deleteSet
      const failure = failureOf(yield* invoke(nextEvent(first, "2")))
      assert.deepInclude(failure, { type: "ConfigurationError", message: gone })
    }).pipe(Effect.provide(world())))

  it.effect("between two calls of a job fails a deployment", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWith({ stackSet, file: "template.json", artifact: "MyTemplate" }, { id: "earlier" }))
      const found = yield* StackSets.use(({ describe }) => describe({ stackSet }))
      assert.isTrue(Option.isSome(found))
      yield* deleteSet
      const stale = () => ({ describe: () => Effect.succeed(found) })
      const failure = failureOf(yield* withAnswers(stale, invoke(eventOf({}, { id: "2" }))))
      assert.deepInclude(failure, { type: "ConfigurationError", message: gone })
    }).pipe(Effect.provide(world())))

  it.effect("while its instances are deleted is what mode DELETE wants", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const first = yield* invoke(eventWith(deletion, { id: "2" }))
      const second = yield* invoke(nextEvent(first, "3", deletion))
      assert.strictEqual(second.message, "Deletion of instances started: 4 instances")
      yield* deleteSet
      const third = yield* invoke(nextEvent(second, "4", deletion))
      assert.strictEqual(third._tag, "Succeeded")
      assert.strictEqual(third.message, "Stack set \"MyStackSet\" does not exist: there is nothing to delete")
    }).pipe(Effect.provide(world())))

  it.effect("while an operation of someone else is waited for is created again", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWith({ stackSet, file: "template.json", artifact: "MyTemplate" }, { id: "earlier" }))
      yield* StackSetsMemory.use(({ startForeign }) => startForeign(stackSet, "someone-elses"))
      const options = { ...required, whenBusy: "wait" }
      const first = yield* invoke(eventWith(options, { id: "2" }))
      assert.strictEqual(first.message, "Waiting for operation someone-elses on the stack set: RUNNING")
      yield* deleteSet
      const outcome = yield* runToEnd(nextEvent(first, "3", options))
      assert.strictEqual(outcome.message, "Stack set is up to date: 4 instances")
      assert.lengthOf(yield* instances, 4)
    }).pipe(Effect.provide(world())))
})

describe("a stack set that someone else creates meanwhile", () => {
  it.effect("is described again and updated", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcome = yield* withAnswers(unseen(1), invoke(eventOf({}, { id: "2" })))
      assert.strictEqual(outcome.message, "Stack set update started")
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("is waited for if CloudFormation does not show it", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const first = yield* withAnswers(unseen(3), invoke(eventOf({}, { id: "2" })))
      assert.strictEqual(first.message, "Waiting for the stack set to be visible")
      const outcome = yield* runToEnd(nextEvent(first, "3"))
      assert.strictEqual(outcome._tag, "Succeeded")
    }).pipe(Effect.provide(world())))
})

describe("a denied call", () => {
  it.effect.each(
    [
      ["DescribeStackSet", {}],
      ["UpdateStackSet", {}],
      ["ListStackInstances", {}],
      ["DescribeStackSetOperation", {}],
      ["CreateStackInstances", { accounts: [...accounts, "333333333333"] }],
      ["DeleteStackInstances", { accounts: accounts.slice(0, 1), prune: true }]
    ] as const
  )(
    "cloudformation:%s fails the action with the permission that the function needs",
    ([call, options]) =>
      Effect.gen(function*() {
        yield* createdEarlier()
        yield* deny(`cloudformation:${call}`)
        const failure = failureOf(yield* runToEnd(eventOf(options, { id: "2" })))
        assert.strictEqual(failure.type, "PermissionError")
        assert.match(
          failure.message,
          new RegExp(`The role of the Lambda function needs cloudformation:${call}( on .*)?$`)
        )
      }).pipe(Effect.provide(world()))
  )

  it.effect("of the last results leaves the success, with a result that says that it is incomplete", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:ListStackSetOperationResults")
      const outcome = yield* runToEnd(eventOf({}, { outputArtifacts: ["Result"] }))
      assert.strictEqual(outcome.message, "Stack set is up to date")
      const { outputs } = yield* ArtifactStoreMemory
      assert.deepInclude(JSON.parse(String(outputs.get("Result")?.["result.json"])), { Complete: false, Instances: [] })
      assert.lengthOf(yield* instances, 4)
    }).pipe(Effect.provide(world())))

  it.effect.each(["DescribeStackInstance", "DescribeStackEvents"])(
    "cloudformation:%s only hides the causes in stacks of the function's account",
    (call) =>
      Effect.gen(function*() {
        yield* deny(`cloudformation:${call}`)
        yield* failInstance("111111111111", "us-east-1", "Resource MySampleBucket failed")
        const failure = failureOf(yield* runToEnd(eventOf({}, { accountId: "111111111111" })))
        assert.strictEqual(
          failure.message,
          "Creation of instances failed: FAILED\nus-east-1/111111111111: Resource MySampleBucket failed\n" +
            "The operation is 1-create-1"
        )
      }).pipe(Effect.provide(world()))
  )
})

describe("a failed operation", () => {
  it.effect("that CloudFormation refuses to start has CloudFormation's words and what to do", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      yield* TestClock.adjust("1 minute")
      const detail = "Account 123456789012 should have 'AWSCloudFormationStackSetAdministrationRole' role with trust " +
        "relationship to CloudFormation service"
      const failure = failureOf(
        yield* withAnswers(() => ({ createInstances: () => refused(detail) }), invoke(nextEvent(first, "2")))
      )
      assert.strictEqual(failure.type, "ConfigurationError")
      assert.include(failure.message, `Error creating instances of CloudFormation stack set "MyStackSet": ${detail}. `)
      assert.include(failure.message, "Create the role AWSCloudFormationStackSetAdministrationRole in this account")
    }).pipe(Effect.provide(world())))

  it.effect("of the deletion of a stack set has CloudFormation's words", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const failure = failureOf(
        yield* withAnswers(() => ({ delete: () => refused("No") }), runToEnd(eventWith(deletion, { id: "2" })))
      )
      assert.strictEqual(failure.message, "Error deleting CloudFormation stack set \"MyStackSet\": No")
      assert.isTrue(yield* isPresent)
    }).pipe(Effect.provide(world())))

  it.effect("with more failed instances than are shown counts the others", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 130 }, (_, index) => `${100_000_000_000 + index}`)
      for (const account of many) yield* failInstance(account, regions[0] ?? "", `Account ${account} is not ready`)
      const options = { accounts: many, regions: regions.slice(0, 1), maxConcurrent: 130, failureTolerance: 130 }
      const outcomes = yield* runAll(eventOf({ ...options, concurrencyMode: "SOFT_FAILURE_TOLERANCE" }))
      assert.strictEqual(outcomes.at(-1)?._tag, "Succeeded")
      const strict = { ...options, failureTolerance: 100, concurrencyMode: "SOFT_FAILURE_TOLERANCE" }
      const failure = failureOf(yield* runToEnd(eventOf(strict, { id: "2" })))
      assert.include(failure.message, "eu-west-1/100000000000: Account 100000000000 is not ready\n")
      assert.include(failure.message, "110 more")
      assert.isAtMost(failure.message.length, 5_000)
    }).pipe(Effect.provide(world())))

  it.effect("has the reason that CloudFormation gives for the whole operation", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      const reason = "The organization has no accounts"
      const failing = ({ operation }: StackSets["Service"]): Partial<StackSets["Service"]> => ({
        operation: (key, id) =>
          Effect.map(
            operation(key, id),
            Option.map((found) => ({ ...found, status: "FAILED", reason }))
          )
      })
      const failure = failureOf(yield* withAnswers(failing, invoke(nextEvent(first, "2"))))
      assert.strictEqual(failure.message, `Stack set update failed: FAILED: ${reason}\nThe operation is 1-update-1`)
    }).pipe(Effect.provide(world())))

  it.effect("that is repeated without any progress is given up", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* withAnswers(unlisted, runToEnd(eventOf())))
      assert.deepInclude(failure, {
        type: "JobFailed",
        message: "Stack set \"MyStackSet\" is still not as requested after 100 operations of the step \"create\": " +
          "CloudFormation lists instances that need another one"
      })
      assert.lengthOf(yield* operationIdsOf("1"), 101)
    }).pipe(Effect.provide(world({ instanceDuration: "1 second" }))))
})

describe("a continuation token of another version", () => {
  it.effect("makes the action wait for the operation in progress and deploy again", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf())
      yield* TestClock.adjust("1 second")
      yield* invoke(nextEvent(first, "2"))
      const recovered = yield* invoke(eventOf({}, { id: "3", continuationToken: "{\"version\":99}" }))
      assert.strictEqual(recovered.message, "Waiting for operation 1-create-1 on the stack set: RUNNING")
      const outcome = yield* runToEnd(nextEvent(recovered, "4"))
      assert.strictEqual(outcome.message, "Stack set is up to date: 4 instances")
      assert.deepStrictEqual(yield* operationIdsOf("3"), ["3-update-1"])
    }).pipe(Effect.provide(world())))

  it.effect("deletes nothing in its first job", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcome = yield* invoke(eventWith(deletion, { id: "2", continuationToken: "{\"version\":99}" }))
      assert.strictEqual(outcome.message, "Deletion of instances prepared: the next job starts it")
      assert.lengthOf(yield* instances, 4)
    }).pipe(Effect.provide(world())))
})

it.effect("a stack set of another name in UserParameters between two jobs is another deployment", () =>
  Effect.gen(function*() {
    const first = yield* invoke(eventOf())
    const other = yield* invoke(nextEvent(first, "2", { ...required, stackSet: "Other" }))
    assert.strictEqual(other.message, "Stack set update started")
    assert.isTrue(Option.isSome(yield* StackSets.use(({ describe }) => describe({ stackSet: "Other" }))))
  }).pipe(Effect.provide(world())))
