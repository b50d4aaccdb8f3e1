import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { AwsRejected } from "../../../src/domain/job/AwsError.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { ChangeSetExists, CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import { deployEvent } from "../../fixtures.ts"

const file = "template-package/template.json"

const templateOf = (resources: Readonly<Record<string, string>>) =>
  JSON.stringify({ Resources: Object.fromEntries(Object.entries(resources).map(([id, Type]) => [id, { Type }])) })

const first = templateOf({ Topic: "AWS::SNS::Topic", Table: "AWS::DynamoDB::Table" })
const second = templateOf({ Queue: "AWS::SQS::Queue", Table: "AWS::DynamoDB::GlobalTable" })

const world = Layer.mergeAll(
  ArtifactStoreMemory.layer({ MyTemplate: { [file]: first } }),
  CloudFormationMemory.layer(),
  CodePipelineMemory.layer
)

const stack = "MyTestStack"
const templated = { stack, file, artifact: "MyTemplate" }

const eventOf = (
  id: string,
  parameters: Readonly<Record<string, unknown>>,
  data: Readonly<Record<string, unknown>> = {}
) => deployEvent({ id, userParameters: JSON.stringify(parameters), ...data })

const invoke = (event: unknown) => drive(JobRunner.run(DeployStack, event))

const run = (id: string, parameters: Readonly<Record<string, unknown>>) =>
  drive(
    LocalPipeline.run({ event: eventOf(id, parameters), invoke: (event) => JobRunner.run(DeployStack, event) }),
    "10 seconds"
  )

const tokenOf = (outcome: JobOutcome) =>
  outcome._tag === "Continued" ? outcome.continuationToken : assert.fail(`${outcome._tag}: ${outcome.message}`)

/** The next job of the same action. */
const next = (outcome: JobOutcome, id: string, parameters: Readonly<Record<string, unknown>>) =>
  eventOf(id, parameters, { continuationToken: tokenOf(outcome) })

const operationTokens = CloudFormationMemory.useSync(({ operationTokens }) => [...operationTokens])
const setStatus = (status: string) => CloudFormationMemory.use(({ setStatus }) => setStatus(stack, status))
const statusOf = (name: string) =>
  Effect.map(CloudFormation.use(({ describe }) => describe(name)), Option.map(({ status }) => status))

const created = run("earlier", templated)
const changeTemplate = ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { [file]: second }))

describe("REPLACE_ON_FAILURE", () => {
  const parameters = { ...templated, mode: "REPLACE_ON_FAILURE" }

  it.effect.each([
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS"
  ])("deletes a stack in %s and creates it again", (status) =>
    Effect.gen(function*() {
      yield* setStatus(status)
      const started = yield* invoke(eventOf("1", parameters))
      assert.deepInclude(started, { _tag: "Continued", message: "Stack delete started" })
      yield* TestClock.adjust("1 minute")
      const creating = yield* invoke(next(started, "2", parameters))
      assert.strictEqual(creating.message, "Stack create started")
      yield* TestClock.adjust("1 minute")
      const outcome = yield* invoke(next(creating, "3", parameters))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["delete-1", "create-1"])
    }).pipe(Effect.provide(world)))

  it.effect("updates a healthy stack", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      assert.deepInclude(yield* run("1", parameters), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "update-1"])
    }).pipe(Effect.provide(world)))

  it.effect("leaves a protected stack alone", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* CloudFormationMemory.use(({ protect }) => protect(stack))
      const outcome = yield* invoke(eventOf("1", parameters))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "termination protection")
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world)))

  it.effect("deletes nothing before the template is read", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      const outcome = yield* invoke(eventOf("1", { ...parameters, file: "missing.json" }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "RevisionUnavailable" })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world)))

  it.effect("does not delete again what it has failed to create", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* CloudFormationMemory.use(({ failResource }) => failResource("Topic", "The name is taken"))
      const outcome = yield* run("1", parameters)
      assert.include(outcome.message, "Update failed: ROLLBACK_COMPLETE")
      const again = yield* invoke(eventOf("1", parameters))
      assert.strictEqual(again._tag, "Continued")
      assert.deepStrictEqual(yield* operationTokens, ["delete-1", "create-1"])
    }).pipe(Effect.provide(world)))

  it.effect("tells why the new stack could not be created either", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ failResource }) => failResource("Topic", "The name is taken"))
      yield* run("earlier", templated)
      const outcome = yield* run("1", parameters)
      assert.match(outcome.message, /^Update failed: ROLLBACK_COMPLETE\nTopic \(AWS::SNS::Topic\): The name is taken/)
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1", "create-1"])
    }).pipe(Effect.provide(world)))
})

describe("DELETE_ONLY", () => {
  const parameters = { stack, mode: "DELETE_ONLY" }

  it.effect("deletes a stack, and needs neither artifact nor file", () =>
    Effect.gen(function*() {
      yield* created
      const started = yield* invoke(eventOf("1", parameters))
      assert.strictEqual(started.message, "Stack delete started")
      const waiting = yield* invoke(next(started, "2", parameters))
      assert.include(waiting.message, "Stack delete still in progress: DELETE_IN_PROGRESS")
      yield* TestClock.adjust("1 minute")
      const outcome = yield* invoke(next(waiting, "3", parameters))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack delete complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
      assert.isTrue(Option.isNone(yield* statusOf(stack)))
    }).pipe(Effect.provide(world)))

  it.effect("is content with a stack that is not there", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf("1", parameters))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: `There is no stack "${stack}" to delete` })
    }).pipe(Effect.provide(world)))

  it.effect("a second delivery is content with what the first has deleted", () =>
    Effect.gen(function*() {
      yield* created
      yield* invoke(eventOf("1", parameters))
      const again = yield* invoke(eventOf("1", parameters))
      assert.strictEqual(again._tag, "Continued")
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* invoke(eventOf("1", parameters)), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-1"])
    }).pipe(Effect.provide(world)))

  it.effect("leaves a protected stack alone", () =>
    Effect.gen(function*() {
      yield* created
      yield* CloudFormationMemory.use(({ protect }) => protect(stack))
      const outcome = yield* invoke(eventOf("1", parameters))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        message:
          `Stack "${stack}" has termination protection and is not deleted. Switch that off, then retry the action`
      })
    }).pipe(Effect.provide(world)))

  it.effect("tells which resource would not go", () =>
    Effect.gen(function*() {
      yield* created
      yield* CloudFormationMemory.use(({ failResource }) => failResource("Topic", "It has subscriptions"))
      const outcome = yield* run("1", parameters)
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.match(outcome.message, /^Delete failed: DELETE_FAILED\nTopic \(AWS::SNS::Topic\): It has subscriptions/)
    }).pipe(Effect.provide(world)))
})

describe("the ARN of a stack that is gone", () => {
  /** It was deleted a while ago. */
  const gone = Effect.gen(function*() {
    yield* created
    const { id } = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe(stack)))
    yield* run("deleting", { stack: id, mode: "DELETE_ONLY" })
    yield* TestClock.adjust("1 day")
    return id
  })

  it.effect.each(["CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_DEPLOY"])(
    "in %s is made anew under its name, and the next run updates what the first has made",
    (mode) =>
      Effect.gen(function*() {
        const arn = yield* gone
        const parameters = { ...templated, stack: arn, mode }
        const made = yield* run("1", parameters)
        assert.strictEqual(made._tag, "Succeeded")
        yield* changeTemplate
        const updated = yield* run("2", parameters)
        assert.deepInclude(updated, { _tag: "Succeeded", externalExecutionId: made.externalExecutionId })
        assert.notStrictEqual(made.externalExecutionId, arn)
        assert.lengthOf(yield* operationTokens, 4)
      }).pipe(Effect.provide(world))
  )

  it.effect("a second delivery adopts what the first has started", () =>
    Effect.gen(function*() {
      const parameters = { ...templated, stack: yield* gone }
      const first = yield* invoke(eventOf("1", parameters))
      const second = yield* invoke(eventOf("1", parameters))
      assert.deepInclude(second, { _tag: "Continued", externalExecutionId: first.externalExecutionId })
      assert.deepInclude(yield* run("1", parameters), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "delete-deleting", "create-1"])
    }).pipe(Effect.provide(world)))

  it.effect("a second delivery that does not see the new stack yet watches it by its name", () =>
    Effect.gen(function*() {
      const arn = yield* gone
      const parameters = { ...templated, stack: arn }
      yield* invoke(eventOf("1", parameters))
      const second = yield* CloudFormation.use((cloudFormation) =>
        Effect.provideService(invoke(eventOf("1", parameters)), CloudFormation, {
          ...cloudFormation,
          describe: (name) => name === arn ? cloudFormation.describe(arn) : Effect.succeedNone
        })
      )
      assert.deepInclude(second, { _tag: "Continued", externalExecutionId: stack })
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* invoke(next(second, "2", parameters)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world)))

  it.effect("in CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE is that of the stack that has its name", () =>
    Effect.gen(function*() {
      const arn = yield* gone
      const replace = { ...templated, stack: arn, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
      const execute = { stack: arn, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
      assert.deepInclude(yield* run("1", execute), {
        _tag: "Failed",
        message: `Change set "Next" of stack "${stack}" cannot be executed: there is no such stack`
      })
      assert.include((yield* run("2", replace)).message, "2 changes (2 add)")
      assert.deepInclude(yield* run("3", execute), { _tag: "Succeeded" })
      yield* changeTemplate
      assert.include((yield* run("4", replace)).message, "3 changes")
      assert.deepInclude(yield* run("5", execute), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world)))

  it.effect("in DELETE_ONLY is that of no other stack", () =>
    Effect.gen(function*() {
      const arn = yield* gone
      yield* run("1", { ...templated, stack: arn })
      const outcome = yield* run("2", { stack: arn, mode: "DELETE_ONLY" })
      assert.deepInclude(outcome, { _tag: "Succeeded", message: `There is no stack "${arn}" to delete` })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect("is not what a failure speaks of: the stack of its name is in the way", () =>
    Effect.gen(function*() {
      const arn = yield* gone
      yield* setStatus("ROLLBACK_COMPLETE")
      const outcome = yield* run("1", { ...templated, stack: arn })
      assert.include(outcome.message, `status is: ROLLBACK_COMPLETE. Delete stack "${stack}"`)
    }).pipe(Effect.provide(world)))
})

describe("what a mode needs", () => {
  it.effect.each<readonly [parameters: Readonly<Record<string, unknown>>, missing: ReadonlyArray<string>]>([
    [{}, ["stack name", "template file name", "artifact name"]],
    [{ mode: "REPLACE_ON_FAILURE" }, ["stack name", "template file name", "artifact name"]],
    [{ mode: "DELETE_ONLY" }, ["stack name"]],
    [{ mode: "CHANGE_SET_EXECUTE" }, ["stack name", "name of the change set"]],
    [{ mode: "CHANGE_SET_REPLACE", stack }, ["template file name", "artifact name", "name of the change set"]],
    [{ mode: "CHANGE_SET_DEPLOY", stack }, ["template file name", "artifact name"]]
  ])("is asked for, all at once, and nothing else: %j", ([parameters, missing]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf("1", parameters))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      const asked = outcome.message.split("; ").map((problem) =>
        problem.replace("Your UserParameters JSON must include the ", "").replace(" (\"changeSet\")", "")
      )
      assert.deepStrictEqual(asked, missing)
    }).pipe(Effect.provide(world)))

  it.effect("is one of those that there are", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventOf("1", { ...templated, mode: "REPLACE" }))
      assert.include(outcome.message, "\"mode\": expected")
      assert.include(outcome.message, "REPLACE_ON_FAILURE")
    }).pipe(Effect.provide(world)))
})

describe("CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE", () => {
  const replace = { ...templated, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
  const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }

  it.effect("make a change set, tell what it changes, and execute it", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventOf("1", replace))
      assert.strictEqual(started.message, "Change set \"Next\" create started")
      yield* TestClock.adjust("1 minute")
      const made = yield* invoke(next(started, "2", replace))
      assert.deepInclude(made, {
        _tag: "Succeeded",
        message: "Change set \"Next\" created: 3 changes (1 replace, 1 remove, 1 add): " +
          "replace Table (AWS::DynamoDB::GlobalTable), remove Topic (AWS::SNS::Topic), add Queue (AWS::SQS::Queue)"
      })
      assert.deepNestedInclude(made, { "outputVariables.ChangeSetName": "Next" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])

      const outcome = yield* run("3", execute)
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-3"])
    }).pipe(Effect.provide(world)))

  it.effect("create a stack that does not exist", () =>
    Effect.gen(function*() {
      const made = yield* run("1", replace)
      assert.include(made.message, "2 changes (2 add)")
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("REVIEW_IN_PROGRESS"))
      assert.deepInclude(yield* run("2", execute), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect("replace a change set of the same name by another", () =>
    Effect.gen(function*() {
      yield* created
      yield* run("1", replace)
      yield* changeTemplate
      const made = yield* run("2", replace)
      assert.include(made.message, "3 changes")
    }).pipe(Effect.provide(world)))

  it.effect("take the change set that an earlier delivery has made", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventOf("1", replace))
      const again = yield* invoke(eventOf("1", replace))
      assert.strictEqual(again._tag, "Continued")
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* invoke(next(started, "2", replace)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world)))

  it.effect("succeed with an empty change set, both, and say so", () =>
    Effect.gen(function*() {
      yield* created
      const empty = "There were no stack updates: change set \"Next\" is empty"
      assert.deepInclude(yield* run("1", replace), { _tag: "Succeeded", message: empty })
      assert.deepInclude(yield* run("2", execute), { _tag: "Succeeded", message: empty })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
    }).pipe(Effect.provide(world)))

  it.effect.each<readonly [what: string, prepare: Effect.Effect<unknown, unknown, CloudFormation>, reason: string]>([
    ["a missing change set", Effect.void, "there is no such change set"],
    [
      "a stale change set",
      CloudFormation.use(({ createChangeSet, update }) =>
        Effect.andThen(
          createChangeSet({
            stack,
            changeSet: "Next",
            type: "UPDATE",
            description: "",
            templateBody: second
          }),
          update({ stack, clientRequestToken: "Console-1", templateBody: templateOf({ Other: "AWS::SNS::Topic" }) })
        )
      ),
      "it is obsolete"
    ]
  ])("refuse %s clearly", ([, prepare, reason]) =>
    Effect.gen(function*() {
      yield* created
      yield* prepare
      yield* TestClock.adjust("1 hour")
      const outcome = yield* run("1", execute)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, `Change set "Next" of stack "${stack}" cannot be executed: ${reason}`)
      assert.notInclude(yield* operationTokens, "execute-1")
    }).pipe(Effect.provide(world)))

  it.effect("refuse a stack that is not there", () =>
    Effect.gen(function*() {
      const outcome = yield* run("1", execute)
      assert.include(outcome.message, "cannot be executed: there is no such stack")
    }).pipe(Effect.provide(world)))

  it.effect("wait for a change set that somebody is making", () =>
    Effect.gen(function*() {
      yield* created
      yield* CloudFormation.use(({ createChangeSet }) =>
        createChangeSet({ stack, changeSet: "Next", type: "UPDATE", description: "", templateBody: second })
      )
      const waiting = yield* invoke(eventOf("1", execute))
      assert.include(waiting.message, "change set \"Next\" is being made")
      yield* TestClock.adjust("1 minute")
      assert.include((yield* invoke(next(waiting, "2", execute))).message, "Stack update started: 3 changes")
    }).pipe(Effect.provide(world)))

  it.effect("a second delivery of the execution executes nothing again", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* run("1", replace)
      yield* invoke(eventOf("2", execute))
      const during = yield* invoke(eventOf("2", execute))
      assert.strictEqual(during.message, "Stack update still in progress")
      yield* TestClock.adjust("1 hour")
      const after = yield* invoke(eventOf("2", execute))
      assert.deepInclude(yield* invoke(next(after, "3", execute)), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-2"])
    }).pipe(Effect.provide(world)))
})

describe("CHANGE_SET_DEPLOY", () => {
  const deploy = { ...templated, mode: "CHANGE_SET_DEPLOY" }

  it.effect("makes a change set, says what it will change, and executes it", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventOf("1", deploy))
      assert.strictEqual(started.message, "Change set \"execute-1\" create started")
      const making = yield* invoke(next(started, "2", deploy))
      assert.strictEqual(making.message, "Change set \"execute-1\" is being made")
      yield* TestClock.adjust("1 minute")
      const executing = yield* invoke(next(making, "3", deploy))
      assert.match(executing.message, /^Stack update started: 3 changes \(1 replace, 1 remove, 1 add\): replace Table/)
      yield* TestClock.adjust("1 minute")
      const outcome = yield* invoke(next(executing, "4", deploy))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-1"])
    }).pipe(Effect.provide(world)))

  it.effect("creates a stack that does not exist", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* run("1", deploy), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("CREATE_COMPLETE"))
    }).pipe(Effect.provide(world)))

  it.effect("has nothing to do where nothing changes, and clears the empty change set away", () =>
    Effect.gen(function*() {
      yield* created
      const outcome = yield* run("1", deploy)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "There were no stack updates: change set \"execute-1\" is empty"
      })
      const left = yield* CloudFormation.use(({ describeChangeSet }) =>
        describeChangeSet({ stack, changeSet: "execute-1" })
      )
      assert.isTrue(Option.isNone(left))
    }).pipe(Effect.provide(world)))

  it.effect("fails with the causes when a resource fails", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* CloudFormationMemory.use(({ failResource }) => failResource("Queue", "The name is taken"))
      const outcome = yield* run("1", deploy)
      assert.match(
        outcome.message,
        /^Update failed: UPDATE_ROLLBACK_COMPLETE\nQueue \(AWS::SQS::Queue\): The name is taken/
      )
    }).pipe(Effect.provide(world)))

  it.effect("a job that comes twice executes nothing twice", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const started = yield* invoke(eventOf("1", deploy))
      yield* invoke(eventOf("1", deploy))
      yield* TestClock.adjust("1 minute")
      const executing = yield* invoke(next(started, "2", deploy))
      const again = yield* invoke(next(started, "2", deploy))
      assert.strictEqual(again._tag, "Continued")
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* invoke(next(again, "3", deploy)), { _tag: "Succeeded" })
      assert.deepInclude(yield* invoke(next(executing, "4", deploy)), { _tag: "Succeeded" })
      const late = yield* invoke(eventOf("1", deploy))
      assert.deepInclude(yield* invoke(next(late, "5", deploy)), { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["create-earlier", "execute-1"])
    }).pipe(Effect.provide(world)))
})

const deny = (operation: string) => CloudFormationMemory.use(({ deny }) => deny(operation))
const clear = (changeSet: string) => CloudFormation.use(({ deleteChangeSet }) => deleteChangeSet({ stack, changeSet }))

describe("what CloudFormation does not do", () => {
  const deploy = { ...templated, mode: "CHANGE_SET_DEPLOY" }
  const replace = { ...templated, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }

  it.effect.each([{}, { parameters: { A: "1" } }])(
    "to make a change set is told in its words: with %j",
    (more) =>
      Effect.gen(function*() {
        yield* ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { [file]: "{}" }))
        const outcome = yield* invoke(eventOf("1", { ...replace, ...more }))
        assert.deepInclude(outcome, {
          _tag: "Failed",
          type: "ConfigurationError",
          message: `Error creating change set "Next" for CloudFormation stack "${stack}": ` +
            "Template format error: At least one Resources member must be defined."
        })
      }).pipe(Effect.provide(world))
  )

  it.effect.each(
    [
      [replace, "Next", "Error creating change set \"Next\""],
      [deploy, "execute-1", "Change set \"execute-1\" of stack \"MyTestStack\" cannot be executed"]
    ] as const
  )(
    "because somebody has deleted the change set is told: %j",
    ([parameters, changeSet, words]) =>
      Effect.gen(function*() {
        yield* created
        yield* changeTemplate
        const started = yield* invoke(eventOf("1", parameters))
        yield* clear(changeSet)
        const outcome = yield* invoke(next(started, "2", parameters))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, words)
        assert.include(outcome.message, "there is no such change set")
        assert.deepStrictEqual(yield* operationTokens, ["create-earlier"])
      }).pipe(Effect.provide(world))
  )

  it.effect("for the role, to clear an empty change set away, is no failure", () =>
    Effect.gen(function*() {
      yield* created
      yield* deny("cloudformation:DeleteChangeSet")
      assert.deepInclude(yield* run("1", deploy), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world)))

  it.effect.each<readonly [operation: string, parameters: Readonly<Record<string, unknown>>]>([
    ["cloudformation:CreateChangeSet", deploy],
    ["cloudformation:DescribeChangeSet", deploy],
    ["cloudformation:ExecuteChangeSet", deploy],
    ["cloudformation:DeleteStack", { stack, mode: "DELETE_ONLY" }]
  ])("for the role is PermissionError: %s", ([operation, parameters]) =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      yield* deny(operation)
      const outcome = yield* run("1", parameters)
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, operation)
    }).pipe(Effect.provide(world)))

  it.effect.each(["delete", "executeChangeSet"] as const)(
    "as it is asked is told in its words: %s",
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
        const outcome = yield* run("1", parameters).pipe(Effect.provideService(CloudFormation, refusing))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(
          outcome.message,
          call === "delete" ? `Error deleting CloudFormation stack "${stack}": Not so` : "cannot be executed: Not so"
        )
      }).pipe(Effect.provide(world))
  )

  it.effect("because somebody else makes a change set of that name at the same time is tried again", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      const service = yield* CloudFormation
      const exists = new ChangeSetExists({ stack, changeSet: "Next" })
      const outcome = yield* invoke(eventOf("1", replace)).pipe(
        Effect.provideService(CloudFormation, { ...service, createChangeSet: () => Effect.fail(exists) })
      )
      assert.deepInclude(outcome, { _tag: "Continued" })
      assert.include(outcome.message, "change set \"Next\" is being deleted")
    }).pipe(Effect.provide(world)))
})
