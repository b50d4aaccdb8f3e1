// The contract of CloudFormation for the calls that bring a stack back to rest.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  cancelUpdate,
  continueRollback,
  created,
  eventsOf,
  otherTemplate,
  rollBack,
  settings,
  stack,
  statusOf,
  update,
  World,
  worlds
} from "./world.ts"

const failUpdate = (how: "in the rollback" | "without rollback") => World.use((world) => world.failUpdate(how))
const setStatus = (status: string) => World.use((world) => world.setStatus(stack, status))
const complete = World.use(({ completeOperation }) => completeOperation(stack))

const newestToken = (id: string) => Effect.map(eventsOf(id, 0), ([newest]) => newest?.clientRequestToken)

const roleArn = "arn:aws:iam::123456789012:role/deploy"

describe.each(worlds)("CloudFormation $name: rollbacks", ({ world }) => {
  it.effect("an update that was not rolled back is rolled back, and its events carry the token", () =>
    Effect.gen(function*() {
      const id = yield* failUpdate("without rollback")
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_FAILED"))
      yield* rollBack({ roleArn })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_IN_PROGRESS"))
      yield* complete
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_COMPLETE"))
      assert.strictEqual(yield* newestToken(id), "rollback-1")
      assert.strictEqual((yield* settings(stack)).roleArn, roleArn)
    }).pipe(Effect.provide(world)))

  it.effect("a creation that was not rolled back ends in ROLLBACK_COMPLETE", () =>
    Effect.gen(function*() {
      yield* setStatus("CREATE_FAILED")
      yield* rollBack()
      yield* complete
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("ROLLBACK_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect("the failed rollback of an update is continued, and its events carry the token", () =>
    Effect.gen(function*() {
      const id = yield* failUpdate("in the rollback")
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_FAILED"))
      yield* continueRollback({ roleArn })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_IN_PROGRESS"))
      yield* complete
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_COMPLETE"))
      assert.strictEqual(yield* newestToken(id), "continue-rollback-1")
      assert.strictEqual((yield* settings(stack)).roleArn, roleArn)
    }).pipe(Effect.provide(world)))

  it.effect("a resource that could not be rolled back can be skipped, and no other one", () =>
    Effect.gen(function*() {
      yield* failUpdate("in the rollback")
      const error = yield* Effect.flip(continueRollback({ resourcesToSkip: ["Bucket", "Topic", "Nested.Queue"] }))
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        operation: "cloudformation:ContinueUpdateRollback",
        code: "ValidationError"
      })
      assert.match(error.message, /\[Topic, Nested\.Queue\].*only resources that are in the UPDATE_FAILED state/)
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_FAILED"))
      yield* continueRollback({ resourcesToSkip: ["Bucket"] })
      yield* complete
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect.each(["UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_FAILED", "UPDATE_IN_PROGRESS"])(
    "RollbackStack is refused in status %s",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        assert.deepInclude(yield* Effect.flip(rollBack()), { _tag: "StackNotReady", stack })
        assert.deepStrictEqual(yield* statusOf(stack), Option.some(status))
      }).pipe(Effect.provide(world))
  )

  it.effect.each(["UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"])(
    "ContinueUpdateRollback is refused in status %s",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        assert.deepInclude(yield* Effect.flip(continueRollback()), { _tag: "StackNotReady", stack })
        assert.deepStrictEqual(yield* statusOf(stack), Option.some(status))
      }).pipe(Effect.provide(world))
  )

  it.effect("a second rollback with the same token is TokenUsed", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_FAILED")
      yield* rollBack()
      assert.deepInclude(yield* Effect.flip(rollBack()), { _tag: "TokenUsed", stack })
      yield* setStatus("UPDATE_ROLLBACK_FAILED")
      yield* continueRollback()
      assert.deepInclude(yield* Effect.flip(continueRollback()), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a stack that does not exist is rejected", () =>
    Effect.gen(function*() {
      const detail = `Stack [${stack}] does not exist`
      assert.deepInclude(yield* Effect.flip(rollBack()), { _tag: "AwsRejected", detail })
      assert.deepInclude(yield* Effect.flip(continueRollback()), { _tag: "AwsRejected", detail })
    }).pipe(Effect.provide(world)))

  it.effect("a cancelled update is rolled back, and its events carry the token of the cancellation", () =>
    Effect.gen(function*() {
      const id = yield* created
      yield* update({ templateBody: otherTemplate })
      yield* cancelUpdate
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_IN_PROGRESS"))
      assert.deepInclude((yield* eventsOf(id, 0))[0], {
        status: "UPDATE_ROLLBACK_IN_PROGRESS",
        reason: "User Initiated",
        clientRequestToken: "cancel-1"
      })
      yield* complete
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_ROLLBACK_COMPLETE"))
      // The stack has its old template.
      const again = yield* Effect.flip(update({ clientRequestToken: "update-2" }))
      assert.deepInclude(again, { _tag: "NoUpdates" })
      yield* update({ templateBody: otherTemplate, clientRequestToken: "update-3" })
    }).pipe(Effect.provide(world)))

  it.effect.each(["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"])(
    "nothing is cancelled in status %s",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        assert.deepInclude(yield* Effect.flip(cancelUpdate), { _tag: "StackNotReady", stack })
        assert.deepStrictEqual(yield* statusOf(stack), Option.some(status))
      }).pipe(Effect.provide(world))
  )

  it.effect("a second cancellation with the same token is TokenUsed", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      yield* cancelUpdate
      assert.deepInclude(yield* Effect.flip(cancelUpdate), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect.each([
    { operation: "cloudformation:CancelUpdateStack", call: cancelUpdate },
    { operation: "cloudformation:RollbackStack", call: rollBack() },
    { operation: "cloudformation:ContinueUpdateRollback", call: continueRollback() }
  ])("a role without $operation is denied the call", ({ call, operation }) =>
    Effect.gen(function*() {
      const { deny } = yield* World
      yield* deny(operation)
      assert.deepInclude(yield* Effect.flip(call), { _tag: "AwsDenied", operation, code: "AccessDenied" })
    }).pipe(Effect.provide(world)))
})
