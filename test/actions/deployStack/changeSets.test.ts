// The modes of DeployStack that work with change sets.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { AwsRejected, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import type { ChangeSet } from "../../../src/domain/stack/ChangeSet.ts"
import { ChangeSetExists, ChangeSetNotReady, CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import {
  deny,
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
  settings,
  stack,
  stackId,
  statusOfStack,
  templateOf,
  templateWith,
  world
} from "./world.ts"

const created = runAction("earlier", required)
const changeTemplate = putTemplate(secondTemplate)

describe("CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE", () => {
  const replace = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
  const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }

  it.effect("CHANGE_SET_REPLACE creates a change set and reports its changes, and CHANGE_SET_EXECUTE executes it", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventWith(replace, { id: "1" }))
      assert.strictEqual(started.message, "Change set \"Next\" create started")
      yield* TestClock.adjust("1 minute")
      const made = yield* invoke(nextEvent(started, "2", replace))
      assert.deepInclude(made, {
        _tag: "Succeeded",
        message: "Change set \"Next\" created: 3 changes (1 replace, 1 remove, 1 add): " +
          "replace Table (AWS::DynamoDB::GlobalTable), remove Topic (AWS::SNS::Topic), add Queue (AWS::SQS::Queue)"
      })
      assert.deepNestedInclude(made, { "outputVariables.ChangeSetName": "Next" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])

      const outcome = yield* runAction("3", execute)
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-3"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE create a stack that does not exist", () =>
    Effect.gen(function*() {
      const made = yield* runAction("1", replace)
      assert.include(made.message, "2 changes (2 add)")
      assert.deepStrictEqual(yield* statusOfStack, Option.some("REVIEW_IN_PROGRESS"))
      assert.deepInclude(yield* runAction("2", execute), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_REPLACE replaces a change set of the same name", () =>
    Effect.gen(function*() {
      yield* created
      yield* runAction("1", replace)
      yield* changeTemplate
      const made = yield* runAction("2", replace)
      assert.include(made.message, "3 changes")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a second delivery of CHANGE_SET_REPLACE adopts the change set that the first one created", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventWith(replace, { id: "1" }))
      const again = yield* invoke(eventWith(replace, { id: "1" }))
      assert.strictEqual(again._tag, "Continued")
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* invoke(nextEvent(started, "2", replace)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE succeed with an empty change set and say that it is empty", () =>
    Effect.gen(function*() {
      yield* created
      const empty = "There were no stack updates: change set \"Next\" is empty"
      assert.deepInclude(yield* runAction("1", replace), { _tag: "Succeeded", message: empty })
      assert.deepInclude(yield* runAction("2", execute), { _tag: "Succeeded", message: empty })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each<readonly [what: string, prepare: Effect.Effect<unknown, unknown, CloudFormation>, reason: string]>([
    ["a missing change set", Effect.void, "the change set does not exist"],
    [
      "a stale change set",
      CloudFormation.use(({ createChangeSet, update }) =>
        Effect.andThen(
          createChangeSet({
            stack,
            changeSet: "Next",
            type: "UPDATE",
            description: "",
            templateBody: secondTemplate
          }),
          update({ stack, clientRequestToken: "Console-1", templateBody: templateOf({ Other: "AWS::SNS::Topic" }) })
        )
      ),
      "it is obsolete"
    ]
  ])("CHANGE_SET_EXECUTE refuses %s with the reason", ([, prepare, reason]) =>
    Effect.gen(function*() {
      yield* created
      yield* prepare
      yield* TestClock.adjust("1 hour")
      const outcome = yield* runAction("1", execute)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, `Change set "Next" of stack "${stack}" cannot be executed: ${reason}`)
      assert.notInclude(yield* operationTokens, "execute-1")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_EXECUTE refuses a stack that does not exist", () =>
    Effect.gen(function*() {
      const outcome = yield* runAction("1", execute)
      assert.include(outcome.message, "cannot be executed: the stack does not exist")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_EXECUTE waits for a change set that is being created", () =>
    Effect.gen(function*() {
      yield* created
      yield* CloudFormation.use(({ createChangeSet }) =>
        createChangeSet({ stack, changeSet: "Next", type: "UPDATE", description: "", templateBody: secondTemplate })
      )
      const waiting = yield* invoke(eventWith(execute, { id: "1" }))
      assert.strictEqual(waiting.message, "Change set \"Next\" is being created")
      yield* TestClock.adjust("1 minute")
      assert.include((yield* invoke(nextEvent(waiting, "2", execute))).message, "Stack update started: 3 changes")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a second delivery of CHANGE_SET_EXECUTE executes nothing again", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* runAction("1", replace)
      yield* invoke(eventWith(execute, { id: "2" }))
      const during = yield* invoke(eventWith(execute, { id: "2" }))
      assert.strictEqual(during.message, "Stack update still in progress")
      yield* TestClock.adjust("1 hour")
      const after = yield* invoke(eventWith(execute, { id: "2" }))
      assert.deepInclude(yield* invoke(nextEvent(after, "3", execute)), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-2"])
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("CHANGE_SET_DEPLOY", () => {
  const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }

  it.effect("CHANGE_SET_DEPLOY creates a change set, reports its changes, and executes it", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventWith(deploy, { id: "1" }))
      assert.strictEqual(started.message, "Change set \"execute-1\" create started")
      const making = yield* invoke(nextEvent(started, "2", deploy))
      assert.strictEqual(making.message, "Change set \"execute-1\" is being created")
      yield* TestClock.adjust("1 minute")
      const executing = yield* invoke(nextEvent(making, "3", deploy))
      assert.match(executing.message, /^Stack update started: 3 changes \(1 replace, 1 remove, 1 add\): replace Table/)
      yield* TestClock.adjust("1 minute")
      const outcome = yield* invoke(nextEvent(executing, "4", deploy))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-1"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_DEPLOY creates a stack that does not exist", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* runAction("1", deploy), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* statusOfStack, Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_DEPLOY succeeds without changes and deletes the empty change set", () =>
    Effect.gen(function*() {
      yield* created
      const outcome = yield* runAction("1", deploy)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "There were no stack updates: change set \"execute-1\" is empty"
      })
      const left = yield* CloudFormation.use(({ describeChangeSet }) =>
        describeChangeSet({ stack, changeSet: "execute-1" })
      )
      assert.isTrue(Option.isNone(left))
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_DEPLOY reports the causes when a resource fails", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* failResource("Queue", "The name is taken")
      const outcome = yield* runAction("1", deploy)
      assert.match(
        outcome.message,
        /^Update failed: UPDATE_ROLLBACK_COMPLETE\nQueue \(AWS::SQS::Queue\): The name is taken/
      )
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a redelivered job of CHANGE_SET_DEPLOY executes nothing twice", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventWith(deploy, { id: "1" }))
      yield* invoke(eventWith(deploy, { id: "1" }))
      yield* TestClock.adjust("1 minute")
      const executing = yield* invoke(nextEvent(started, "2", deploy))
      const again = yield* invoke(nextEvent(started, "2", deploy))
      assert.strictEqual(again._tag, "Continued")
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* invoke(nextEvent(again, "3", deploy)), { _tag: "Succeeded" })
      assert.deepInclude(yield* invoke(nextEvent(executing, "4", deploy)), { _tag: "Succeeded" })
      const late = yield* invoke(eventWith(deploy, { id: "1" }))
      assert.deepInclude(yield* invoke(nextEvent(late, "5", deploy)), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-1"])
    }).pipe(Effect.provide(world(firstTemplate))))
})

const clear = (changeSet: string) => CloudFormation.use(({ deleteChangeSet }) => deleteChangeSet({ stack, changeSet }))

describe("calls that CloudFormation refuses", () => {
  const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }
  const replace = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }

  it.effect.each([{}, { parameters: { A: "1" } }])(
    "a rejected change set is reported in CloudFormation's words: with %j",
    (more) =>
      Effect.gen(function*() {
        yield* putTemplate("{}")
        const outcome = yield* invoke(eventWith({ ...replace, ...more }, { id: "1" }))
        assert.deepInclude(outcome, {
          _tag: "Failed",
          type: "ConfigurationError",
          message: `Error creating change set "Next" for CloudFormation stack "${stack}": ` +
            "Template format error: At least one Resources member must be defined."
        })
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect.each(
    [
      [replace, "Next", "Error creating change set \"Next\""],
      [deploy, "execute-1", "Change set \"execute-1\" of stack \"MyTestStack\" cannot be executed"]
    ] as const
  )(
    "a change set that another actor deleted is reported as missing: %j",
    ([parameters, changeSet, words]) =>
      Effect.gen(function*() {
        yield* created
        yield* changeTemplate
        const started = yield* invoke(eventWith(parameters, { id: "1" }))
        yield* TestClock.adjust("1 minute")
        yield* clear(changeSet)
        const waiting = yield* invoke(nextEvent(started, "2", parameters))
        assert.deepInclude(waiting, {
          _tag: "Continued",
          message: `Waiting for change set "${changeSet}": the change set does not exist`
        })
        yield* TestClock.adjust("1 minute")
        const outcome = yield* invoke(nextEvent(waiting, "3", parameters))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, words)
        assert.include(outcome.message, "the change set does not exist")
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("an empty change set that the role may not delete does not fail the job", () =>
    Effect.gen(function*() {
      yield* created
      yield* deny("cloudformation:DeleteChangeSet")
      assert.deepInclude(yield* runAction("1", deploy), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each<readonly [operation: string, parameters: Readonly<Record<string, unknown>>]>([
    ["cloudformation:CreateChangeSet", deploy],
    ["cloudformation:DescribeChangeSet", deploy],
    ["cloudformation:ExecuteChangeSet", deploy],
    ["cloudformation:DeleteStack", { stack, mode: "DELETE_ONLY" }]
  ])("a denied call is a PermissionError that names it: %s", ([operation, parameters]) =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* deny(operation)
      const outcome = yield* runAction("1", parameters)
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, operation)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each(["delete", "executeChangeSet"] as const)(
    "a rejected call is reported in CloudFormation's words: %s",
    (call) =>
      Effect.gen(function*() {
        yield* created
        yield* changeTemplate
        const service = yield* CloudFormation
        const rejected = new AwsRejected({
          operation: "cloudformation:Call",
          code: "ValidationError",
          detail: "Not so"
        })
        const refusing = { ...service, [call]: () => Effect.fail(rejected) }
        const parameters = call === "delete" ? { stack, mode: "DELETE_ONLY" } : deploy
        const outcome = yield* runAction("1", parameters).pipe(Effect.provideService(CloudFormation, refusing))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(
          outcome.message,
          call === "delete" ? `Error deleting CloudFormation stack "${stack}": Not so` : "cannot be executed: Not so"
        )
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("a change set of the same name that another actor creates at the same time is waited for", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const service = yield* CloudFormation
      const exists = new ChangeSetExists({ stack, changeSet: "Next" })
      const outcome = yield* invoke(eventWith(replace, { id: "1" })).pipe(
        Effect.provideService(CloudFormation, { ...service, createChangeSet: () => Effect.fail(exists) })
      )
      assert.deepInclude(outcome, { _tag: "Continued" })
      assert.include(outcome.message, "change set \"Next\" is being deleted")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a change set for an update is for the stack that was described, not for another one that has its name by now", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const service = yield* CloudFormation
      const described = yield* service.describe(stack)
      yield* setStatus("DELETE_COMPLETE")
      yield* TestClock.adjust("1 second")
      yield* setStatus("CREATE_COMPLETE")
      const { id } = Option.getOrThrow(yield* service.describe(stack))
      let descriptions = 0
      const outcome = yield* invoke(eventWith(replace, { id: "1" })).pipe(
        Effect.provideService(CloudFormation, {
          ...service,
          describe: (name) => descriptions++ === 0 ? Effect.succeed(described) : service.describe(name)
        })
      )
      assert.strictEqual(descriptions, 2)
      assert.deepInclude(outcome, {
        _tag: "Continued",
        message: "Change set \"Next\" create started",
        externalExecutionId: id
      })
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("a change set that CloudFormation cannot create", () => {
  const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }
  const replace = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
  const invalid = CloudFormationMemory.use(({ failValidation }) => failValidation("Queue", "it has no property Nmae"))
  it.effect("reports the words of the validation, not the advice to call an API", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* invalid
      const outcome = yield* runAction("1", replace)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.match(outcome.message, /^Error creating change set "Next" .*\nQueue \(.*it has no property Nmae$/)
      assert.notInclude(outcome.message, "DescribeEvents")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("is deleted by CHANGE_SET_DEPLOY, so that failed ones do not reach the limit", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* invalid
      assert.deepInclude(yield* runAction("1", deploy), { _tag: "Failed" })
      assert.isTrue(
        Option.isNone(
          yield* CloudFormation.use((service) => service.describeChangeSet({ stack, changeSet: "execute-1" }))
        )
      )
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each([deploy, replace])(
    "leaves no empty stack behind that %j created",
    (parameters) =>
      Effect.gen(function*() {
        yield* changeTemplate
        yield* invalid
        const outcome = yield* runAction("1", parameters)
        assert.deepInclude(outcome, { _tag: "Failed" })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* statusOfStack, Option.none())
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect.each([deploy, replace])(
    "leaves no empty stack behind that %j created, if it reaches its timeout while the change set is pending",
    (parameters) =>
      Effect.gen(function*() {
        const outcome = yield* runAction("1", { ...parameters, timeoutMinutes: 5 }).pipe(
          withService(({ describeChangeSet }) => ({
            describeChangeSet: (key) =>
              Effect.map(
                describeChangeSet(key),
                Option.map((found) => ({ ...found, status: "CREATE_IN_PROGRESS", executionStatus: "UNAVAILABLE" }))
              )
          }))
        )
        assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
        assert.include(outcome.message, "did not complete within 5 minutes")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* statusOfStack, Option.none())
      }).pipe(Effect.provide(world()))
  )

  it.effect("leaves the empty stack of another change set alone", () =>
    Effect.gen(function*() {
      yield* runAction("1", { ...replace, changeSet: "Other" })
      yield* changeTemplate
      yield* invalid
      assert.deepInclude(yield* runAction("2", replace), { _tag: "Failed" })
      assert.deepStrictEqual(yield* statusOfStack, Option.some("REVIEW_IN_PROGRESS"))
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("leaves an empty stack that the role may not delete, and still reports the cause", () =>
    Effect.gen(function*() {
      yield* changeTemplate
      yield* invalid
      yield* deny("cloudformation:DeleteStack")
      assert.include((yield* runAction("1", replace)).message, "it has no property Nmae")
    }).pipe(Effect.provide(world(firstTemplate))))
})

type Service = CloudFormation["Service"]

/** Changes the service for one job. */
const withService = (change: (service: Service) => Partial<Service>) => <A, E, R>(job: Effect.Effect<A, E, R>) =>
  Effect.updateService(job, CloudFormation, (service) => ({ ...service, ...change(service) }))

const withoutEvents = withService(() => ({ events: () => Effect.succeed([]) }))

describe("an execution that is not visible yet", () => {
  const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }
  const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
  const replaced = Effect.gen(function*() {
    yield* created
    yield* changeTemplate
    yield* runAction("2", { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" })
  })
  /** CloudFormation accepts the call, its answer is lost, and the retry is refused. */
  const withLostAnswer = withService(({ executeChangeSet }) => ({
    executeChangeSet: (request) =>
      Effect.andThen(
        executeChangeSet(request),
        Effect.fail(
          new ChangeSetNotReady({
            ...request,
            reason: `ChangeSet [${request.changeSet}] cannot be executed in its current execution status of ` +
              "[EXECUTE_IN_PROGRESS]"
          })
        )
      )
  }))
  const adopted = { _tag: "Continued", message: "Stack update still in progress" } as const

  it.effect.each<readonly [parameters: object, events: "visible" | "late"]>([
    [execute, "visible"],
    [execute, "late"],
    [deploy, "visible"],
    [deploy, "late"]
  ])(
    "an execution whose answer was lost is adopted: %j, and its events are %s",
    ([parameters, events]) =>
      Effect.gen(function*() {
        yield* replaced
        // The events of an older stack are not all late.
        yield* TestClock.adjust("1 hour")
        const event = eventWith({ ...parameters }, { id: "3" })
        const first = "file" in parameters ? nextEvent(yield* invoke(event), "4", { ...parameters }) : event
        yield* TestClock.adjust("1 minute")
        const lost = yield* withLostAnswer(events === "late" ? withoutEvents(invoke(first)) : invoke(first))
        assert.strictEqual(lost._tag, "Continued")
        const seen = events === "late" ? yield* invoke(nextEvent(lost, "5", { ...parameters })) : lost
        assert.deepInclude(seen, adopted)
        yield* TestClock.adjust("1 minute")
        const outcome = yield* invoke(nextEvent(seen, "6", { ...parameters }))
        assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-3"])
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("a second delivery adopts the execution of the first one although stack and events are read too early", () =>
    Effect.gen(function*() {
      yield* replaced
      // The events of an older stack are not all late.
      yield* TestClock.adjust("1 hour")
      const before = yield* CloudFormation.use(({ describe }) => describe(stack))
      yield* invoke(eventWith(execute, { id: "3" }))
      yield* TestClock.adjust("1 minute")
      const second = yield* invoke(eventWith(execute, { id: "3" })).pipe(
        withService(() => ({ describe: () => Effect.succeed(before) })),
        withoutEvents
      )
      assert.strictEqual(second._tag, "Continued")
      const adopting = yield* invoke(nextEvent(second, "4", execute))
      assert.deepInclude(adopting, adopted)
      assert.deepInclude(yield* invoke(nextEvent(adopting, "5", execute)), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-3"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("an executed change set is adopted if the role may not read events", () =>
    Effect.gen(function*() {
      yield* replaced
      yield* deny("cloudformation:DescribeStackEvents")
      yield* invoke(eventWith(execute, { id: "3" }))
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* runAction("3", execute), { _tag: "Succeeded", message: "Stack update complete" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("an executed change set is not waited for longer than 15 minutes", () =>
    Effect.gen(function*() {
      yield* replaced
      yield* runAction("3", execute)
      const outcome = yield* withoutEvents(runAction("4", execute))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "it was executed, but the events of the stack do not show by whom")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("an executed change set is adopted if the events are unavailable for an hour, not if they are in one job", () =>
    Effect.gen(function*() {
      yield* replaced
      yield* runAction("3", execute)
      const unavailable = withService(() => ({
        events: () => Effect.fail(new AwsUnavailable({ operation: "cloudformation:Call", code: "E", detail: "" }))
      }))
      const first = yield* unavailable(invoke(eventWith(execute, { id: "4" })))
      assert.include(first.message, "it was executed, but the events of the stack do not show by whom")
      assert.include((yield* invoke(nextEvent(first, "5", execute))).message, "another actor has executed it")
      yield* TestClock.adjust("50 minutes")
      assert.include((yield* unavailable(invoke(nextEvent(first, "6", execute)))).message, "do not show by whom")
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(yield* unavailable(invoke(nextEvent(first, "7", execute))), adopted)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("events that are unavailable in one job are read in the next one", () =>
    Effect.gen(function*() {
      yield* replaced
      const unavailable = withService(() => ({
        events: () => Effect.fail(new AwsUnavailable({ operation: "cloudformation:Call", code: "E", detail: "" }))
      }))
      const lost = yield* withLostAnswer(unavailable(invoke(eventWith(execute, { id: "3" }))))
      assert.deepInclude(lost, { _tag: "Continued", message: "Waiting for the stack: UPDATE_IN_PROGRESS" })
      assert.deepInclude(yield* invoke(nextEvent(lost, "4", execute)), adopted)
    }).pipe(Effect.provide(world(firstTemplate))))
})

it.effect("a change set that is not visible yet is waited for", () =>
  Effect.gen(function*() {
    const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
    yield* created
    yield* changeTemplate
    yield* runAction("1", { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" })
    const hidden = withService(() => ({ describeChangeSet: () => Effect.succeedNone }))
    const waiting = yield* hidden(invoke(eventWith(execute, { id: "2" })))
    assert.deepInclude(waiting, { _tag: "Continued" })
    assert.include((yield* invoke(nextEvent(waiting, "3", execute))).message, "Stack update started: 3 changes")
  }).pipe(Effect.provide(world(firstTemplate))))

const executeAs = (clientRequestToken: string) =>
  CloudFormation.use(({ executeChangeSet }) => executeChangeSet({ stack, changeSet: "Next", clientRequestToken }))

describe("a change set that another actor executes", () => {
  const byName = { ...required, changeSet: "Next" }
  const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
  const words = "another actor has executed it (client request token: Console-1)"

  it.effect("CHANGE_SET_EXECUTE names the client request token of the actor", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* runAction("1", { ...byName, mode: "CHANGE_SET_REPLACE" })
      yield* executeAs("Console-1")
      yield* TestClock.adjust("1 hour")
      const outcome = yield* invoke(eventWith(execute, { id: "2" }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: `Change set "Next" of stack "${stack}" cannot be executed: ${words}`
      })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each(["in progress", "complete"])(
    "CHANGE_SET_DEPLOY fails at once if another actor has executed its change set, and the operation is %s",
    (progress) =>
      Effect.gen(function*() {
        yield* created
        yield* changeTemplate
        const deploy = { ...byName, mode: "CHANGE_SET_DEPLOY" }
        const started = yield* invoke(eventWith(deploy, { id: "1" }))
        yield* TestClock.adjust("1 minute")
        yield* executeAs("Console-1")
        if (progress === "complete") yield* TestClock.adjust("1 hour")
        const outcome = yield* invoke(nextEvent(started, "2", deploy))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, words)
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("CHANGE_SET_REPLACE reports that its change set was executed", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const replace = { ...byName, mode: "CHANGE_SET_REPLACE" }
      const started = yield* invoke(eventWith(replace, { id: "1" }))
      yield* TestClock.adjust("1 minute")
      yield* executeAs("Console-1")
      const outcome = yield* invoke(nextEvent(started, "2", replace))
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.include(outcome.message, "Change set \"Next\" created, and executed by another actor: 3 changes")
    }).pipe(Effect.provide(world(firstTemplate))))
})

const changeSetId = Effect.map(
  CloudFormation.use(({ describeChangeSet }) => describeChangeSet({ stack, changeSet: "Next" })),
  Option.match({ onNone: () => "", onSome: ({ id }) => id })
)

describe("a change set or stack that is busy", () => {
  const replace = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
  const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }

  it.effect("CHANGE_SET_REPLACE waits for a change set of the same name that is being created, then replaces it", () =>
    Effect.gen(function*() {
      yield* created
      yield* invoke(eventWith(replace, { id: "1" }))
      yield* changeTemplate
      const waiting = yield* invoke(eventWith(replace, { id: "2" }))
      assert.deepInclude(waiting, {
        _tag: "Continued",
        message: "Waiting for the stack: change set \"Next\": Cannot delete ChangeSet in status CREATE_IN_PROGRESS"
      })
      assert.include((yield* runAction("2", replace)).message, "3 changes")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each<readonly [what: string, template: string, parameters: object, words: string]>([
    ["no resources", "{}", {}, "At least one Resources member must be defined"],
    ["an unknown type", templateOf({ Queue: "AWS::SQS:Queue" }), {}, "Unrecognized resource types: [AWS::SQS:Queue]"],
    ["missing capabilities", templateOf({ Role: "AWS::IAM::Role" }), {}, "CAPABILITY_IAM"],
    ["a missing value", templateWith({ Size: { Type: "String" } }), {}, "Parameter \"Size\" must have a value"],
    [
      "an invalid value",
      templateWith({ Size: { Type: "Number" } }),
      { parameters: { Size: "large" } },
      "Parameter \"Size\" must be a number"
    ]
  ])("CHANGE_SET_REPLACE keeps the change set of the same name if CloudFormation would reject the new one: %s", (
    [, template, parameters, words]
  ) =>
    Effect.gen(function*() {
      yield* created
      yield* runAction("1", replace)
      const before = yield* changeSetId
      yield* putTemplate(template)
      const outcome = yield* runAction("2", { ...replace, ...parameters })
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, words)
      assert.strictEqual(yield* changeSetId, before)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_REPLACE keeps the hidden values of the stack, and needs no template summary", () =>
    Effect.gen(function*() {
      const secret = { Secret: { Type: "String", NoEcho: true } }
      yield* runAction("earlier", { ...required, parameters: { Secret: "s" } })
      yield* putTemplate(templateWith(secret, { Description: "Changed" }))
      yield* runAction("1", replace)
      const before = yield* changeSetId
      assert.deepInclude(yield* runAction("2", replace), { _tag: "Succeeded" })
      const again = yield* changeSetId
      assert.notStrictEqual(again, before)
      yield* deny("cloudformation:GetTemplateSummary")
      assert.deepInclude(yield* runAction("3", replace), { _tag: "Succeeded" })
      assert.notStrictEqual(yield* changeSetId, again)
    }).pipe(Effect.provide(world(templateWith({ Secret: { Type: "String", NoEcho: true } })))))

  it.effect("an execution waits for an operation that has just started if \"whenBusy\" is \"wait\"", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const parameters = { ...deploy, whenBusy: "wait" }
      const started = yield* invoke(eventWith(parameters, { id: "1" }))
      yield* TestClock.adjust("1 minute")
      yield* setStatus("UPDATE_IN_PROGRESS")
      const waiting = yield* invoke(nextEvent(started, "2", parameters))
      assert.deepInclude(waiting, { _tag: "Continued", message: "Waiting for the stack: UPDATE_IN_PROGRESS" })
      yield* setStatus("UPDATE_ROLLBACK_COMPLETE")
      assert.include((yield* invoke(nextEvent(waiting, "3", parameters))).message, "Stack update started: 3 changes")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("an execution waits as long as a stack is busy, also if CloudFormation blames the change set", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const parameters = { ...deploy, whenBusy: "wait" }
      const started = yield* invoke(eventWith(parameters, { id: "1" }))
      yield* TestClock.adjust("1 minute")
      yield* setStatus("UPDATE_IN_PROGRESS")
      const refusing = withService(() => ({
        executeChangeSet: (request) => Effect.fail(new ChangeSetNotReady({ ...request, reason: "in progress" }))
      }))
      const first = yield* refusing(invoke(nextEvent(started, "2", parameters)))
      yield* TestClock.adjust("1 hour")
      const second = yield* refusing(invoke(nextEvent(first, "3", parameters)))
      assert.deepInclude(second, { _tag: "Continued", message: "Waiting for the stack: UPDATE_IN_PROGRESS" })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("an execution is refused while another actor's operation is in progress", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventWith(deploy, { id: "1" }))
      yield* TestClock.adjust("1 minute")
      yield* setStatus("UPDATE_IN_PROGRESS")
      const unseen = yield* withoutEvents(invoke(nextEvent(started, "2", deploy)))
      assert.deepInclude(unseen, { _tag: "Continued", message: "Waiting for the stack: UPDATE_IN_PROGRESS" })
      const outcome = yield* invoke(nextEvent(unseen, "3", deploy))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "cannot be changed while its status is UPDATE_IN_PROGRESS")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each(
    [
      ["fail", "Failed", "Stack cannot be updated when status is: CREATE_IN_PROGRESS"],
      ["wait", "Continued", "Waiting for the stack: CREATE_IN_PROGRESS"]
    ] as const
  )(
    "a change set for a new stack that another actor creates at the same time obeys \"whenBusy\": %s",
    ([whenBusy, _tag, words]) =>
      Effect.gen(function*() {
        let isRead = false
        const outcome = yield* invoke(eventWith({ ...deploy, whenBusy }, { id: "1" })).pipe(
          withService(({ create, describe }) => ({
            describe: (name) =>
              Effect.suspend(() => {
                if (isRead) return describe(name)
                isRead = true
                const foreign = { stack, clientRequestToken: "Console-1", templateBody: firstTemplate }
                return Effect.orDie(Effect.as(create(foreign), Option.none()))
              })
          }))
        )
        assert.strictEqual(outcome._tag, _tag)
        assert.include(outcome.message, words)
      }).pipe(Effect.provide(world(firstTemplate)))
  )
})

it.effect("an empty change set has its output variables", () =>
  Effect.gen(function*() {
    yield* created
    const outcome = yield* runAction("1", { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" })
    assert.deepInclude(outcome, {
      _tag: "Succeeded",
      outputVariables: {
        ChangeSetId: yield* changeSetId,
        ChangeSetName: "Next",
        StackId: yield* stackId,
        HasChanges: "false",
        ChangeCount: "0",
        Additions: "0",
        Modifications: "0",
        Replacements: "0",
        Removals: "0"
      }
    })
  }).pipe(Effect.provide(world(firstTemplate))))

const idOf = (outcome: JobOutcome) =>
  outcome._tag === "Succeeded" ? outcome.outputVariables?.["ChangeSetId"] : undefined
const byArn = (changeSet: string | undefined) => ({ stack, mode: "CHANGE_SET_EXECUTE", changeSet })

/** DescribeChangeSet shows the change set with other values. */
const showing = (change: Partial<ChangeSet>) =>
  withService(({ describeChangeSet }) => ({
    describeChangeSet: (key) =>
      Effect.map(describeChangeSet(key), Option.map((found) => Object.assign({}, found, change)))
  }))

describe("the ARN of a change set", () => {
  const replace = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }

  it.effect("CHANGE_SET_EXECUTE executes the change set that CHANGE_SET_REPLACE has created", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const plan = yield* runAction("1", replace)
      assert.deepInclude(yield* runAction("2", byArn(idOf(plan))), {
        _tag: "Succeeded",
        message: "Stack update complete"
      })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-2"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_EXECUTE refuses a change set that was replaced after the approval", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const plan = yield* runAction("1", replace)
      yield* runAction("2", replace)
      const outcome = yield* runAction("3", byArn(idOf(plan)))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message:
          `Change set "Next" of stack "${stack}" cannot be executed: the change set does not exist any more: it was ` +
          "deleted or replaced. Create it again"
      })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_EXECUTE refuses a change set that CloudFormation shows as deleted, or as one of another stack", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const plan = byArn(idOf(yield* runAction("1", replace)))
      const deleted = yield* showing({ status: "DELETE_COMPLETE" })(runAction("2", plan))
      assert.include(deleted.message, "it was deleted or replaced")
      const foreign = yield* showing({ stackId: "arn:other" })(runAction("3", plan))
      assert.include(foreign.message, "cannot be executed: it belongs to another stack")
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each(["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"])(
    "%s accepts only the name of a change set",
    (mode) =>
      Effect.gen(function*() {
        const changeSet = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/Next/0"
        const outcome = yield* invoke(eventWith({ ...required, mode, changeSet }, { id: "1" }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, "the name of the change set to create, not an ARN")
      }).pipe(Effect.provide(world(firstTemplate)))
  )
})

describe("the stack policy of the template configuration", () => {
  const policy = { StackPolicy: { Statement: [] } }
  const configured = { ...required, templateConfiguration: "MyTemplate::c.json" }
  const files = { "c.json": JSON.stringify(policy) }
  const setsPolicy = Effect.map(settings, ({ stackPolicy }) => stackPolicy === JSON.stringify(policy.StackPolicy))

  it.effect("is set if nothing else changes", () =>
    Effect.gen(function*() {
      yield* created
      assert.isFalse(yield* setsPolicy)
      const outcome = yield* runAction("1", configured)
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "There were no stack updates" })
      assert.isTrue(yield* setsPolicy)
    }).pipe(Effect.provide(world(firstTemplate, { files }))))

  it.effect("is set after a change set is executed, or is empty", () =>
    Effect.gen(function*() {
      yield* runAction("1", { ...configured, mode: "CHANGE_SET_REPLACE", changeSet: "Next" })
      yield* runAction("2", { ...configured, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" })
      assert.isTrue(yield* setsPolicy)
      yield* CloudFormation.use(({ setStackPolicy }) => Effect.flatMap(stackId, (id) => setStackPolicy(id, "{}")))
      assert.include((yield* runAction("3", { ...configured, mode: "CHANGE_SET_DEPLOY" })).message, "is empty")
      assert.isTrue(yield* setsPolicy)
    }).pipe(Effect.provide(world(firstTemplate, { files }))))

  it.effect("fails the job if it cannot be set, and names the permission", () =>
    Effect.gen(function*() {
      yield* created
      yield* deny("cloudformation:SetStackPolicy")
      const outcome = yield* runAction("1", configured)
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError", externalExecutionId: yield* stackId })
      assert.match(
        outcome.message,
        /is deployed, but its stack policy is not set: .*needs cloudformation:SetStackPolicy/
      )
    }).pipe(Effect.provide(world(firstTemplate, { files }))))
})
