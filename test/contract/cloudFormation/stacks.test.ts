// The contract of CloudFormation for stacks, and for calls that are denied or throttled.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { CloudFormation, type OperationError } from "../../../src/services/CloudFormation.ts"
import { drive } from "../../drive.ts"
import { sampleTemplate } from "../../fixtures.ts"
import {
  absentArn,
  create,
  created,
  describeStack,
  eventsOf,
  failedEventsOf,
  otherTemplate,
  remove,
  stack,
  statusOf,
  templateSummary,
  templateUrl,
  update,
  withOutputs,
  World,
  worlds
} from "./world.ts"

describe.each(worlds)("CloudFormation $name: stacks", ({ world }) => {
  it.effect.each([stack, absentArn])("a stack that does not exist is none: %s", (name) =>
    Effect.gen(function*() {
      assert.isTrue(Option.isNone(yield* describeStack(name)))
    }).pipe(Effect.provide(world)))

  it.effect("a created stack is found by its name and by its id", () =>
    Effect.gen(function*() {
      const id = yield* create()
      const byName = yield* describeStack(stack)
      assert.include(Option.getOrThrow(byName), { id, name: stack, status: "CREATE_IN_PROGRESS" })
      assert.deepStrictEqual(yield* describeStack(id), byName)
    }).pipe(Effect.provide(world)))

  it.effect("a stack has the outputs of its template once it is created", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      yield* create({ templateBody: withOutputs })
      assert.deepStrictEqual(Option.getOrThrow(yield* describeStack(stack)).outputs, {})
      yield* completeOperation(stack)
      const { outputs } = Option.getOrThrow(yield* describeStack(stack))
      assert.deepStrictEqual(Object.keys(outputs), ["Url", "Name"])
      assert.strictEqual(outputs["Url"], "https://a.example/?b=1&c=<d>")
      assert.include(outputs["Name"], "Bucket")
    }).pipe(Effect.provide(world)))

  it.effect("a stack without outputs has none", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      yield* create({ templateBody: "Resources: { Bucket: { Type: AWS::S3::Bucket } }" })
      yield* completeOperation(stack)
      assert.deepStrictEqual(Option.getOrThrow(yield* describeStack(stack)).outputs, {})
    }).pipe(Effect.provide(world)))

  it.effect("the creation and an update of a stack each set the time of its last change", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      yield* created
      const before = Option.getOrThrow(yield* describeStack(stack))
      assert.strictEqual(before.status, "CREATE_COMPLETE")
      const id = yield* update({ templateBody: otherTemplate })
      const during = Option.getOrThrow(yield* describeStack(stack))
      assert.include(during, { id, status: "UPDATE_IN_PROGRESS" })
      assert.isAbove(during.changedAt, before.changedAt)
      yield* completeOperation(stack)
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect("a second create with the same token is TokenUsed", () =>
    Effect.gen(function*() {
      yield* create()
      assert.deepInclude(yield* Effect.flip(create()), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a new stack has either a rule for its failure or a disabled rollback", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(create({ onStackFailure: "DELETE", disableRollback: false }))
      assert.deepInclude(error, { _tag: "AwsRejected", code: "ValidationError" })
      assert.include(error.message, "either OnFailure or DisableRollback")
      yield* create({ onStackFailure: "DELETE" })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect("a create of an existing stack is StackExists", () =>
    Effect.gen(function*() {
      yield* create()
      const error = yield* Effect.flip(create({ clientRequestToken: "create-2" }))
      assert.deepInclude(error, { _tag: "StackExists", stack })
    }).pipe(Effect.provide(world)))

  it.effect("a deleted stack is found by its id only, and its name can be used again", () =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      const id = yield* created
      yield* setStatus(stack, "DELETE_COMPLETE")
      assert.deepStrictEqual(yield* statusOf(stack), Option.none())
      assert.deepStrictEqual(yield* statusOf(id), Option.some("DELETE_COMPLETE"))
      assert.notStrictEqual(yield* create({ clientRequestToken: "create-2" }), id)
    }).pipe(Effect.provide(world)))

  it.effect("an update with the stack's own template is NoUpdates", () =>
    Effect.gen(function*() {
      yield* created
      assert.deepInclude(yield* Effect.flip(update()), { _tag: "NoUpdates", stack })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect.each([
    "CREATE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_FAILED"
  ])("a stack in status %s cannot be updated", (status) =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      yield* setStatus(stack, status)
      assert.deepInclude(yield* Effect.flip(update()), { _tag: "StackNotReady", stack, status })
    }).pipe(Effect.provide(world)))

  it.effect.each(["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])(
    "a stack in status %s can be updated",
    (status) =>
      Effect.gen(function*() {
        const { setStatus } = yield* World
        yield* setStatus(stack, status)
        const id = yield* update()
        assert.include(Option.getOrThrow(yield* describeStack(stack)), { id, status: "UPDATE_IN_PROGRESS" })
      }).pipe(Effect.provide(world))
  )

  it.effect.each(["CREATE_FAILED", "UPDATE_FAILED"])(
    "a stack in status %s can only be updated without rollback",
    (status) =>
      Effect.gen(function*() {
        const { setStatus } = yield* World
        yield* setStatus(stack, status)
        assert.deepInclude(yield* Effect.flip(update()), { _tag: "StackNotReady", stack, status })
        yield* update({ disableRollback: true })
        assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_IN_PROGRESS"))
      }).pipe(Effect.provide(world))
  )

  it.effect("a second update with the same token is TokenUsed", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      yield* created
      yield* update({ templateBody: otherTemplate })
      assert.deepInclude(yield* Effect.flip(update({ templateBody: otherTemplate })), { _tag: "TokenUsed", stack })
      yield* completeOperation(stack)
      assert.deepInclude(yield* Effect.flip(update({ templateBody: otherTemplate })), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect("the empty stack of a change set is visible, but cannot be updated", () =>
    Effect.gen(function*() {
      const { setStatus } = yield* World
      yield* setStatus(stack, "REVIEW_IN_PROGRESS")
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("REVIEW_IN_PROGRESS"))
      const error = yield* Effect.flip(update())
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        code: "ValidationError",
        detail: `Stack [${stack}] does not exist`
      })
    }).pipe(Effect.provide(world)))

  it.effect("an invalid template is rejected, and no stack is created", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(create({ templateBody: "{}" }))
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        operation: "cloudformation:CreateStack",
        code: "ValidationError"
      })
      assert.deepStrictEqual(yield* statusOf(stack), Option.none())
    }).pipe(Effect.provide(world)))

  it.effect("a template can be given by URL", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      const cloudFormation = yield* CloudFormation
      yield* cloudFormation.create({ stack, templateUrl, clientRequestToken: "create-1" })
      yield* completeOperation(stack)
      const error = yield* Effect.flip(cloudFormation.update({ stack, templateUrl, clientRequestToken: "update-1" }))
      assert.deepInclude(error, { _tag: "NoUpdates", stack })
    }).pipe(Effect.provide(world)))

  it.effect("deleting a stack removes it, and its events carry the token", () =>
    Effect.gen(function*() {
      const { completeOperation } = yield* World
      const id = yield* created
      yield* remove(id)
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("DELETE_IN_PROGRESS"))
      yield* completeOperation(stack)
      assert.deepStrictEqual(yield* statusOf(id), Option.some("DELETE_COMPLETE"))
      assert.deepStrictEqual(yield* statusOf(stack), Option.none())
      const [newest] = yield* eventsOf(id, 0)
      assert.deepInclude(newest, { clientRequestToken: "delete-1", status: "DELETE_COMPLETE" })
    }).pipe(Effect.provide(world)))

  it.effect.each([stack, absentArn])(
    "deleting a stack that does not exist succeeds: %s",
    (name) => remove(name).pipe(Effect.provide(world))
  )

  it.effect("a second delete with the same token is TokenUsed", () =>
    Effect.gen(function*() {
      yield* created
      yield* remove(stack)
      assert.deepInclude(yield* Effect.flip(remove(stack)), { _tag: "TokenUsed", stack })
    }).pipe(Effect.provide(world)))

  it.effect.each(["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])(
    "a stack in status %s cannot be deleted",
    (status) =>
      Effect.gen(function*() {
        const { setStatus } = yield* World
        yield* setStatus(stack, status)
        assert.deepInclude(yield* Effect.flip(remove(stack)), { _tag: "StackNotReady", stack, status })
      }).pipe(Effect.provide(world))
  )

  it.effect("deleting a stack that is being deleted changes nothing", () =>
    Effect.gen(function*() {
      const id = yield* created
      yield* remove(stack)
      const before = yield* eventsOf(id, 0)
      yield* CloudFormation.use((service) => service.delete({ stack, clientRequestToken: "delete-2" }))
      assert.deepStrictEqual(yield* eventsOf(id, 0), before)
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("DELETE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect("termination protection of a stack is visible, and the stack cannot be deleted", () =>
    Effect.gen(function*() {
      const { protect } = yield* World
      yield* created
      assert.isFalse(Option.getOrThrow(yield* describeStack(stack)).terminationProtection)
      yield* protect(stack)
      assert.isTrue(Option.getOrThrow(yield* describeStack(stack)).terminationProtection)
      const error = yield* Effect.flip(remove(stack))
      assert.deepInclude(error, {
        _tag: "AwsRejected",
        detail: `Stack [${stack}] cannot be deleted while TerminationProtection is enabled`
      })
    }).pipe(Effect.provide(world)))

  it.effect("termination protection can be set at creation and later", () =>
    Effect.gen(function*() {
      const protection = Effect.map(describeStack(stack), (found) => Option.getOrThrow(found).terminationProtection)
      const id = yield* create({ terminationProtection: true })
      assert.isTrue(yield* protection)
      yield* CloudFormation.use(({ setTerminationProtection }) => setTerminationProtection(id, false))
      assert.isFalse(yield* protection)
      const error = yield* Effect.flip(
        CloudFormation.use(({ setTerminationProtection }) => setTerminationProtection(absentArn, true))
      )
      assert.deepInclude(error, { _tag: "AwsRejected", operation: "cloudformation:UpdateTerminationProtection" })
    }).pipe(Effect.provide(world)))

  it.effect.each(
    [
      { operation: "cloudformation:DescribeStacks", call: describeStack(stack) },
      { operation: "cloudformation:CreateStack", call: create() },
      { operation: "cloudformation:UpdateStack", call: update() },
      { operation: "cloudformation:DescribeStackEvents", call: eventsOf(absentArn, 0) },
      { operation: "cloudformation:GetTemplateSummary", call: templateSummary(sampleTemplate) },
      {
        operation: "cloudformation:UpdateTerminationProtection",
        call: CloudFormation.use((service) => service.setTerminationProtection(absentArn, true))
      },
      {
        operation: "cloudformation:SetStackPolicy",
        call: CloudFormation.use((service) => service.setStackPolicy(absentArn, "{}"))
      },
      { operation: "cloudformation:DescribeEvents", call: failedEventsOf("5c36ae10-0000-4000-8000-000000000000") }
    ] as const
  )("a role without $operation is denied the call", ({ call, operation }) =>
    Effect.gen(function*() {
      const { deny } = yield* World
      yield* deny(operation)
      const error = yield* Effect.flip<unknown, OperationError, CloudFormation>(call)
      assert.deepInclude(error, { _tag: "AwsDenied", operation, code: "AccessDenied" })
    }).pipe(Effect.provide(world)))

  it.effect("a throttled call is retried until it succeeds", () =>
    Effect.gen(function*() {
      const { throttle } = yield* World
      yield* throttle(2)
      assert.isTrue(Option.isNone(yield* drive(describeStack(stack))))
      yield* throttle(2)
      yield* drive(create())
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect("a call that stays throttled fails after six attempts", () =>
    Effect.gen(function*() {
      const { throttle } = yield* World
      yield* throttle(6)
      const error = yield* drive(Effect.flip(create()))
      assert.deepInclude(error, {
        _tag: "AwsUnavailable",
        operation: "cloudformation:CreateStack",
        code: "Throttling",
        detail: "Rate exceeded"
      })
      yield* create()
    }).pipe(Effect.provide(world)))
})
