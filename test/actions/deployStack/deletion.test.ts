// The modes of DeployStack that delete stacks, and what each mode requires.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import {
  describeStack,
  eventWith,
  failResource,
  firstTemplate,
  invoke,
  nextEvent,
  operationTokens,
  putTemplate,
  required,
  runAction,
  secondTemplate,
  setStatus,
  stack,
  statusOfStack,
  world
} from "./world.ts"

const created = runAction("earlier", required)
const changeTemplate = putTemplate(secondTemplate)

describe("REPLACE_ON_FAILURE", () => {
  const parameters = { ...required, mode: "REPLACE_ON_FAILURE" }

  it.effect.each([
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS"
  ])("REPLACE_ON_FAILURE deletes a stack in status %s and creates it again", (status) =>
    Effect.gen(function*() {
      yield* setStatus(status)
      const prepared = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.strictEqual(prepared.message, "Stack replacement prepared: the next job deletes it")
      const started = yield* invoke(nextEvent(prepared, "2", parameters))
      assert.deepInclude(started, { _tag: "Continued", message: "Stack delete started" })
      yield* TestClock.adjust("1 minute")
      const creating = yield* invoke(nextEvent(started, "3", parameters))
      assert.strictEqual(creating.message, "Stack create started")
      yield* TestClock.adjust("1 minute")
      const outcome = yield* invoke(nextEvent(creating, "4", parameters))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      assert.deepStrictEqual(yield* operationTokens, ["delete-1", "create-1"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("REPLACE_ON_FAILURE updates a healthy stack", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      assert.deepInclude(yield* runAction("1", parameters), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("REPLACE_ON_FAILURE does not delete a stack with termination protection", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* CloudFormationMemory.use(({ protect }) => protect(stack))
      const outcome = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "termination protection")
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("REPLACE_ON_FAILURE deletes nothing before the template is read", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      const outcome = yield* invoke(eventWith({ ...parameters, file: "missing.json" }, { id: "1" }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "RevisionUnavailable" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("REPLACE_ON_FAILURE does not delete a stack that it created itself and that failed", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* failResource("Topic", "The name is taken")
      const outcome = yield* runAction("1", parameters)
      assert.include(outcome.message, "Update failed: ROLLBACK_COMPLETE")
      const again = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.strictEqual(again._tag, "Continued")
      assert.deepStrictEqual(yield* operationTokens, ["delete-1", "create-1"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("REPLACE_ON_FAILURE reports why the new stack could not be created", () =>
    Effect.gen(function*() {
      yield* failResource("Topic", "The name is taken")
      yield* runAction("earlier", required)
      const outcome = yield* runAction("1", parameters)
      assert.match(outcome.message, /^Update failed: ROLLBACK_COMPLETE\nTopic \(AWS::SNS::Topic\): The name is taken/)
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1", "create-1"])
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("DELETE_ONLY", () => {
  const parameters = { stack, mode: "DELETE_ONLY" }

  it.effect("DELETE_ONLY deletes a stack, and needs neither artifact nor file", () =>
    Effect.gen(function*() {
      yield* created
      const prepared = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.strictEqual(prepared.message, "Stack delete prepared: the next job deletes it")
      const started = yield* invoke(nextEvent(prepared, "2", parameters))
      assert.strictEqual(started.message, "Stack delete started")
      const waiting = yield* invoke(nextEvent(started, "3", parameters))
      assert.include(waiting.message, "Stack delete still in progress: DELETE_IN_PROGRESS")
      yield* TestClock.adjust("1 minute")
      const outcome = yield* invoke(nextEvent(waiting, "4", parameters))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack delete complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
      assert.isTrue(Option.isNone(yield* statusOfStack))
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("DELETE_ONLY succeeds if the stack does not exist", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: `Stack "${stack}" does not exist: there is nothing to delete`
      })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a second delivery of DELETE_ONLY succeeds after the first one has deleted the stack", () =>
    Effect.gen(function*() {
      yield* created
      const event = nextEvent(yield* invoke(eventWith(parameters, { id: "1" })), "2", parameters)
      yield* invoke(event)
      assert.strictEqual((yield* invoke(event))._tag, "Continued")
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* invoke(event), { _tag: "Succeeded" })
      assert.deepInclude(yield* invoke(eventWith(parameters, { id: "1" })), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("DELETE_ONLY does not delete a stack with termination protection", () =>
    Effect.gen(function*() {
      yield* created
      yield* CloudFormationMemory.use(({ protect }) => protect(stack))
      const outcome = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        message: `Stack "${stack}" has termination protection and is not deleted. Switch the protection off, or let ` +
          "the action do so with \"terminationProtection\": false in UserParameters, then retry the action"
      })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each(["fail", "wait"])(
    "DELETE_ONLY waits for a delete that another actor started, with whenBusy %s",
    (whenBusy) =>
      Effect.gen(function*() {
        yield* created
        yield* CloudFormation.use((service) => service.delete({ stack, clientRequestToken: "foreign" }))
        const outcome = yield* runAction("1", { ...parameters, whenBusy })
        assert.deepInclude(outcome, { _tag: "Succeeded" })
        assert.deepStrictEqual(yield* statusOfStack, Option.none())
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("DELETE_ONLY says that a busy stack cannot be deleted", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const outcome = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.match(outcome.message, /^Stack cannot be deleted when status is: UPDATE_IN_PROGRESS\. /)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each<[string, "Failed" | "Continued"]>([["fail", "Failed"], ["wait", "Continued"]])(
    "a stack that becomes busy before the delete is handled by whenBusy %s",
    ([whenBusy, _tag]) =>
      Effect.gen(function*() {
        yield* created
        const memory = yield* CloudFormationMemory
        const options = { ...parameters, whenBusy }
        const prepared = yield* invoke(eventWith(options, { id: "1" }))
        const outcome = yield* invoke(nextEvent(prepared, "2", options)).pipe(
          Effect.updateService(CloudFormation, (service) => ({
            ...service,
            delete: (request) => Effect.andThen(memory.setStatus(stack, "UPDATE_IN_PROGRESS"), service.delete(request))
          }))
        )
        assert.deepInclude(outcome, { _tag })
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("DELETE_ONLY reports which resource could not be deleted", () =>
    Effect.gen(function*() {
      yield* created
      yield* failResource("Topic", "It has subscriptions")
      const outcome = yield* runAction("1", parameters)
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.match(outcome.message, /^Delete failed: DELETE_FAILED\nTopic \(AWS::SNS::Topic\): It has subscriptions/)
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("the ARN of a deleted stack", () => {
  /** The ARN of a stack that was deleted a day ago. */
  const deletedStackArn = Effect.gen(function*() {
    yield* created
    const { id } = Option.getOrThrow(yield* describeStack)
    yield* runAction("deleting", { stack: id, mode: "DELETE_ONLY" })
    yield* TestClock.adjust("1 day")
    return id
  })

  it.effect.each(["CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_DEPLOY"])(
    "in mode %s, a deleted stack is recreated under its name, and the next run updates the new stack",
    (mode) =>
      Effect.gen(function*() {
        const arn = yield* deletedStackArn
        const parameters = { ...required, stack: arn, mode }
        const made = yield* runAction("1", parameters)
        assert.strictEqual(made._tag, "Succeeded")
        yield* changeTemplate
        const updated = yield* runAction("2", parameters)
        assert.deepInclude(updated, { _tag: "Succeeded", externalExecutionId: made.externalExecutionId })
        assert.notStrictEqual(made.externalExecutionId, arn)
        assert.lengthOf(yield* operationTokens, 4)
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("a second delivery adopts the recreation that the first one started", () =>
    Effect.gen(function*() {
      const parameters = { ...required, stack: yield* deletedStackArn }
      const first = yield* invoke(eventWith(parameters, { id: "1" }))
      const second = yield* invoke(eventWith(parameters, { id: "1" }))
      assert.deepInclude(second, { _tag: "Continued", externalExecutionId: first.externalExecutionId })
      assert.deepInclude(yield* runAction("1", parameters), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-deleting", "create-1"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a second delivery that does not see the recreated stack yet watches it by its name", () =>
    Effect.gen(function*() {
      const arn = yield* deletedStackArn
      const parameters = { ...required, stack: arn }
      yield* invoke(eventWith(parameters, { id: "1" }))
      const second = yield* CloudFormation.use((cloudFormation) =>
        Effect.provideService(invoke(eventWith(parameters, { id: "1" })), CloudFormation, {
          ...cloudFormation,
          describe: (name) => name === arn ? cloudFormation.describe(arn) : Effect.succeedNone
        })
      )
      assert.deepInclude(second, { _tag: "Continued", externalExecutionId: stack })
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* invoke(nextEvent(second, "2", parameters)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE with the ARN of a deleted stack use the current stack of the same name", () =>
    Effect.gen(function*() {
      const arn = yield* deletedStackArn
      const replace = { ...required, stack: arn, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
      const execute = { stack: arn, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
      assert.deepInclude(yield* runAction("1", execute), {
        _tag: "Failed",
        message: `Change set "Next" of stack "${stack}" cannot be executed: the stack does not exist`
      })
      assert.include((yield* runAction("2", replace)).message, "2 changes (2 add)")
      assert.deepInclude(yield* runAction("3", execute), { _tag: "Succeeded" })
      yield* changeTemplate
      assert.include((yield* runAction("4", replace)).message, "3 changes")
      assert.deepInclude(yield* runAction("5", execute), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("DELETE_ONLY with the ARN of a deleted stack does not delete the current stack of the same name", () =>
    Effect.gen(function*() {
      const arn = yield* deletedStackArn
      yield* runAction("1", { ...required, stack: arn })
      const outcome = yield* runAction("2", { stack: arn, mode: "DELETE_ONLY" })
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: `Stack "${arn}" does not exist: there is nothing to delete`
      })
      assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a failure with the ARN of a deleted stack names the current stack of the same name", () =>
    Effect.gen(function*() {
      const arn = yield* deletedStackArn
      yield* setStatus("ROLLBACK_COMPLETE")
      const outcome = yield* runAction("1", { ...required, stack: arn })
      assert.include(outcome.message, `status is: ROLLBACK_COMPLETE. Delete stack "${stack}"`)
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("the parameters that a mode requires", () => {
  it.effect.each<readonly [parameters: Readonly<Record<string, unknown>>, missing: ReadonlyArray<string>]>([
    [{}, ["stack name", "template file name", "artifact name"]],
    [{ mode: "REPLACE_ON_FAILURE" }, ["stack name", "template file name", "artifact name"]],
    [{ mode: "DELETE_ONLY" }, ["stack name"]],
    [{ mode: "CHANGE_SET_EXECUTE" }, ["stack name", "name of the change set"]],
    [{ mode: "CHANGE_SET_REPLACE", stack }, ["template file name", "artifact name", "name of the change set"]],
    [{ mode: "CHANGE_SET_DEPLOY", stack }, ["template file name", "artifact name"]]
  ])(
    "all missing parameters are reported at once, and nothing else: %j",
    ([parameters, missing]) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(eventWith(parameters, { id: "1" }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        const asked = outcome.message.split("; ").map((problem) =>
          problem.replace("Your UserParameters JSON must include the ", "").replace(" (\"changeSet\")", "")
        )
        assert.deepStrictEqual(asked, missing)
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("an unknown mode is rejected with the list of modes", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWith({ ...required, mode: "REPLACE" }, { id: "1" }))
      assert.include(outcome.message, "\"mode\": expected")
      assert.include(outcome.message, "REPLACE_ON_FAILURE")
      const another = yield* invoke(eventWith({ ...required, mode: "CHANGE_SET", changeSet: "Next", tags: {} }))
      assert.match(another.message, /^"mode": expected [^;]+$/)
    }).pipe(Effect.provide(world(firstTemplate))))
})
