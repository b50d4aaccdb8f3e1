// Mode ROLLBACK and the option `recover`: how a stack is brought back to rest.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { AwsRejected, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { CloudFormation, StackNotReady } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import {
  deny,
  eventOf,
  eventWith,
  failResource,
  invoke,
  nextEvent,
  operationTokens,
  parameterValues,
  putTemplate,
  recordCalls,
  recordLog,
  required,
  runAction,
  runToEnd,
  setStatus,
  settings,
  stack,
  stackId,
  statusOfStack,
  templateOf,
  templateWith,
  world
} from "./world.ts"

const first = templateOf({ Bucket: "AWS::S3::Bucket" })
const second = JSON.stringify({
  Resources: {
    Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "other" } },
    Topic: { Type: "AWS::SNS::Topic", DependsOn: "Bucket" }
  }
})
const third = templateOf({ Bucket: "AWS::S3::Bucket", Queue: "AWS::SQS::Queue" })

const failRollback = (id: string, reason: string) =>
  CloudFormationMemory.use(({ failRollback }) => failRollback(id, reason))
const fix = (id: string) => CloudFormationMemory.use(({ fixResource }) => fixResource(id))

const created = runAction("0", required)

/** An update has failed, and so has its rollback: the bucket cannot be rolled back. */
const stuck = Effect.gen(function*() {
  yield* created
  yield* putTemplate(second)
  yield* failResource("Topic", "The name is taken")
  yield* failRollback("Bucket", "The bucket is gone")
  const outcome = yield* runAction("1", required)
  assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_ROLLBACK_FAILED"))
  return outcome
})

/** An update has failed, and was not rolled back. */
const leftFailed = Effect.gen(function*() {
  yield* created
  yield* putTemplate(second)
  yield* failResource("Topic", "The name is taken")
  yield* runAction("1", { ...required, disableRollback: true })
  assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_FAILED"))
})

const fixed = Effect.andThen(Effect.all([fix("Topic"), fix("Bucket")]), putTemplate(third))

const rollBack = { stack, mode: "ROLLBACK" }

/** Asserts the tokens of all operations after those that led to the start of the test. */
const assertStarted = (...tokens: ReadonlyArray<string>) =>
  Effect.map(operationTokens, (all) => assert.deepStrictEqual(all.filter((token) => !/-[01]$/.test(token)), tokens))

const unavailable = new AwsUnavailable({ operation: "a call", code: "InternalFailure", detail: "try again" })

describe("mode ROLLBACK", () => {
  it.effect("continues the failed rollback of an update, in the job after the one that found it", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      const found = yield* invoke(eventWith(rollBack, { id: "2" }))
      assert.strictEqual(found.message, "Stack rollback prepared: the next job rolls it back")
      yield* assertStarted()
      const outcome = yield* runAction("2", rollBack)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE",
        outputVariables: { StackId: yield* stackId, StackStatus: "UPDATE_ROLLBACK_COMPLETE" }
      })
      yield* assertStarted("continue-rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("rolls an update back that was not rolled back, with the role and the deletion of retained resources", () =>
    Effect.gen(function*() {
      yield* leftFailed
      const roleArn = "arn:aws:iam::123456789012:role/deploy"
      let retainExceptOnCreate: boolean | undefined
      const outcome = yield* runAction("2", { ...rollBack, roleArn, retainExceptOnCreate: true }).pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          rollBack: (request) => {
            retainExceptOnCreate = request.retainExceptOnCreate
            return service.rollBack(request)
          }
        }))
      )
      assert.deepInclude(outcome, { message: "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE" })
      yield* assertStarted("rollback-2")
      assert.strictEqual((yield* settings).roleArn, roleArn)
      assert.isTrue(retainExceptOnCreate)
    }).pipe(Effect.provide(world(first))))

  it.effect("rolls a creation back that was not rolled back, and says that only a delete helps after that", () =>
    Effect.gen(function*() {
      yield* failResource("Bucket", "The name is taken")
      yield* runAction("1", { ...required, disableRollback: true })
      const outcome = yield* runAction("2", rollBack)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "Stack rollback complete: ROLLBACK_COMPLETE. The stack was never complete: it can only be deleted"
      })
      const again = yield* runAction("3", rollBack)
      assert.deepInclude(again, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: "Stack cannot be rolled back when status is: ROLLBACK_COMPLETE. Only a delete helps: delete stack " +
          "\"MyTestStack\", or let an action with \"mode\": \"REPLACE_ON_FAILURE\" delete and recreate it"
      })
      yield* assertStarted("rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("succeeds if CloudFormation deletes a stack that was never complete", () =>
    Effect.gen(function*() {
      yield* setStatus("CREATE_FAILED")
      const found = yield* invoke(eventWith(rollBack, { id: "2" }))
      const started = yield* invoke(nextEvent(found, "3", rollBack))
      assert.strictEqual(started.message, "Stack rollback started")
      yield* CloudFormationMemory.use(({ setStatus }) => setStatus(stack, "DELETE_IN_PROGRESS"))
      const waiting = yield* invoke(nextEvent(started, "4", rollBack))
      assert.strictEqual(waiting.message, "Stack rollback still in progress: DELETE_IN_PROGRESS")
      yield* setStatus("DELETE_COMPLETE")
      const outcome = yield* invoke(nextEvent(waiting, "5", rollBack))
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message:
          "Stack rollback complete: DELETE_COMPLETE. The stack was never complete, so CloudFormation has deleted it"
      })
    }).pipe(Effect.provide(world(first))))

  it.effect.each(["ROLLBACK_FAILED", "DELETE_FAILED"])(
    "says that only a delete helps a stack in %s",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        const outcome = yield* runAction("2", rollBack)
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, `Stack cannot be rolled back when status is: ${status}. Only a delete helps`)
      }).pipe(Effect.provide(world(first)))
  )

  it.effect.each(["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])(
    "has nothing to do for a stack in %s",
    (status) =>
      Effect.gen(function*() {
        yield* setStatus(status)
        const { calls, result } = yield* recordCalls(invoke(eventWith(rollBack, { id: "2" })))
        assert.deepInclude(result, {
          _tag: "Succeeded",
          message: `There is nothing to roll back: stack "MyTestStack" is in ${status}`,
          outputVariables: { StackId: yield* stackId, StackStatus: status }
        })
        assert.deepStrictEqual(calls, ["describe"])
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("has nothing to do if the stack does not exist", () =>
    Effect.gen(function*() {
      const message = "Stack \"MyTestStack\" does not exist: there is nothing to roll back"
      assert.deepInclude(yield* runAction("2", rollBack), { _tag: "Succeeded", message })
    }).pipe(Effect.provide(world(first))))

  it.effect("rolls back no other stack than the one of the ARN", () =>
    Effect.gen(function*() {
      yield* created
      const { id } = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe(stack)))
      yield* setStatus("DELETE_COMPLETE")
      yield* setStatus("UPDATE_FAILED")
      const outcome = yield* runAction("2", { ...rollBack, stack: id })
      assert.deepInclude(outcome, { _tag: "Succeeded" })
      assert.include(outcome.message, "is in DELETE_COMPLETE")
      yield* assertStarted()
    }).pipe(Effect.provide(world(first))))

  it.effect("refuses a stack with another operation in progress, or waits for its end", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_IN_PROGRESS")
      const refused = yield* invoke(eventWith(rollBack, { id: "2" }))
      assert.deepInclude(refused, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(refused.message, "Stack cannot be rolled back when status is: UPDATE_IN_PROGRESS")
      const waiting = yield* invoke(eventWith({ ...rollBack, whenBusy: "wait" }, { id: "3" }))
      assert.deepInclude(waiting, { _tag: "Continued", message: "Waiting for the stack: UPDATE_IN_PROGRESS" })
    }).pipe(Effect.provide(world(first))))

  it.effect("skips exactly the named resources", () =>
    Effect.gen(function*() {
      yield* stuck
      const failed = yield* runAction("2", rollBack)
      assert.deepInclude(failed, { _tag: "Failed", type: "JobFailed" })
      assert.match(
        failed.message,
        /^Rollback failed: UPDATE_ROLLBACK_FAILED\nBucket \(AWS::S3::Bucket\): The bucket is gone/
      )
      assert.match(failed.message, /retry the action: it continues the rollback\..*"resourcesToSkip" names/)
      const wrong = yield* runAction("3", { ...rollBack, resourcesToSkip: ["Topic"] })
      assert.match(
        wrong.message,
        /^Error continuing the rollback of CloudFormation stack .*cannot be skipped: \[Topic\]/
      )
      const outcome = yield* runAction("4", { ...rollBack, resourcesToSkip: ["Bucket"] })
      assert.deepInclude(outcome, { message: "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE" })
      yield* assertStarted("continue-rollback-2", "continue-rollback-4")
    }).pipe(Effect.provide(world(first))))

  it.effect("logs that nothing is skipped in the first rollback of an update", () =>
    Effect.gen(function*() {
      yield* leftFailed
      const { lines } = yield* recordLog(runAction("2", { ...rollBack, resourcesToSkip: ["Bucket"] }))
      assert.include(lines.join("\n"), "nothing is skipped")
      yield* assertStarted("rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect.each(["Bucket*", "", "Nested/Queue", "Nested.Queue.Policy"])(
    "takes no pattern for a name: %j",
    (name) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(eventWith({ ...rollBack, resourcesToSkip: [name] }))
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, "\"resourcesToSkip[0]\": expected the logical id of a resource")
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("a second delivery adopts the rollback that the first one started, before and after its end", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      const found = yield* invoke(eventWith(rollBack, { id: "2" }))
      const begins = nextEvent(found, "3", rollBack)
      yield* invoke(begins)
      const again = yield* invoke(begins)
      assert.deepInclude(again, { _tag: "Continued", message: "Stack rollback still in progress" })
      yield* TestClock.adjust("10 minutes")
      const late = yield* invoke(begins)
      assert.deepInclude(late, { _tag: "Succeeded", message: "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE" })
      yield* assertStarted("continue-rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("a second delivery that cannot read events starts no other rollback after the first one has failed", () =>
    Effect.gen(function*() {
      yield* leftFailed
      yield* failRollback("Bucket", "The bucket is gone")
      const found = yield* invoke(eventWith(rollBack, { id: "2" }))
      const begins = nextEvent(found, "3", rollBack)
      yield* invoke(begins)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_ROLLBACK_FAILED"))
      const again = yield* invoke(begins).pipe(
        Effect.updateService(CloudFormation, (service) => ({ ...service, events: () => Effect.fail(unavailable) }))
      )
      assert.deepInclude(again, { _tag: "Continued", message: "Stack rollback still in progress" })
      const outcome = yield* invoke(nextEvent(again, "4", rollBack))
      assert.include(
        outcome.message,
        "Rollback failed: UPDATE_ROLLBACK_FAILED\nBucket (AWS::S3::Bucket): The bucket is gone"
      )
      yield* assertStarted("rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("a stack that another actor failed to roll back in the meantime is rolled back as it requires now", () =>
    Effect.gen(function*() {
      yield* leftFailed
      const found = yield* invoke(eventWith(rollBack, { id: "2" }))
      yield* TestClock.adjust("1 minute")
      yield* setStatus("UPDATE_ROLLBACK_FAILED")
      yield* invoke(nextEvent(found, "3", rollBack))
      yield* assertStarted("continue-rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("a late delivery of the first event rolls back nothing", () =>
    Effect.gen(function*() {
      yield* setStatus("UPDATE_FAILED")
      const event = eventWith(rollBack, { id: "2" })
      yield* invoke(event)
      assert.deepInclude(yield* invoke(event), { _tag: "Continued" })
      yield* assertStarted()
    }).pipe(Effect.provide(world(first))))

  it.effect("a rollback whose answer is lost is started once", () =>
    Effect.gen(function*() {
      yield* leftFailed
      let isLost = false
      const outcome = yield* runAction("2", rollBack).pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          rollBack: (request) =>
            Effect.andThen(
              service.rollBack(request),
              Effect.suspend(() => isLost ? Effect.void : (isLost = true, Effect.fail(unavailable)))
            )
        }))
      )
      assert.isTrue(isLost)
      assert.deepInclude(outcome, { message: "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE" })
      yield* assertStarted("rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("a rollback that CloudFormation refuses for the stack's status is decided anew", () =>
    Effect.gen(function*() {
      yield* leftFailed
      const memory = yield* CloudFormationMemory
      const outcome = yield* runAction("2", rollBack).pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          rollBack: () =>
            Effect.andThen(
              memory.setStatus(stack, "UPDATE_COMPLETE"),
              Effect.fail(new StackNotReady({ stack, status: "unknown" }))
            )
        }))
      )
      assert.include(outcome.message, "There is nothing to roll back")
    }).pipe(Effect.provide(world(first))))

  it.effect("a refused rollback is reported in CloudFormation's words", () =>
    Effect.gen(function*() {
      yield* leftFailed
      const detail = "Role arn:aws:iam::123456789012:role/r is invalid or cannot be assumed"
      const outcome = yield* runAction("2", rollBack).pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          rollBack: () =>
            Effect.fail(
              new AwsRejected({ operation: "cloudformation:RollbackStack", code: "ValidationError", detail })
            )
        }))
      )
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: `Error rolling back CloudFormation stack "MyTestStack": ${detail}`
      })
    }).pipe(Effect.provide(world(first))))

  it.effect("a role without the permission is named", () =>
    Effect.gen(function*() {
      yield* leftFailed
      yield* deny("cloudformation:RollbackStack")
      const outcome = yield* runAction("2", rollBack)
      assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError" })
      assert.include(outcome.message, "cloudformation:RollbackStack")
    }).pipe(Effect.provide(world(first))))

  it.effect("without permission to read events, the stack's status proves the rollback", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      yield* deny("cloudformation:DescribeStackEvents")
      const outcome = yield* runAction("2", rollBack)
      assert.deepInclude(outcome, { message: "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE" })
    }).pipe(Effect.provide(world(first))))

  it.effect("makes no call twice in a job, and none that it does not need", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      const { calls } = yield* recordCalls(runToEnd(eventWith(rollBack, { id: "2" }), "10 minutes"))
      assert.deepStrictEqual(calls, [
        "describe",
        "events",
        // The job that begins:
        "describe",
        "events",
        "continueRollback",
        // The job that watches:
        "events",
        "describe"
      ])
    }).pipe(Effect.provide(world(first))))
})

describe("recover", () => {
  const recover = { ...required, recover: true }

  it.effect.each([
    { from: "UPDATE_ROLLBACK_FAILED", before: Effect.asVoid(stuck), operation: "continue-rollback" },
    { from: "UPDATE_FAILED", before: leftFailed, operation: "rollback" }
  ])(
    "CREATE_UPDATE brings a stack in $from to rest, and updates it in the same action",
    ({ before, operation }) =>
      Effect.gen(function*() {
        yield* before
        yield* fixed
        const outcome = yield* runAction("2", recover)
        assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
        yield* assertStarted(`${operation}-2`, "update-2")
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("the summary says what is going on", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      const messages: Array<string> = []
      let outcome = yield* invoke(eventOf({ recover: true }, { id: "2" }))
      for (let id = 3; outcome._tag === "Continued"; id++) {
        messages.push(outcome.message)
        yield* TestClock.adjust("1 minute")
        outcome = yield* invoke(nextEvent(outcome, String(id), recover))
      }
      assert.deepStrictEqual(messages, [
        "Stack rollback prepared: the next job rolls it back",
        "Stack rollback started",
        "Stack rollback complete: UPDATE_ROLLBACK_COMPLETE; the next job deploys the stack",
        "Stack update started"
      ])
    }).pipe(Effect.provide(world(first))))

  it.effect("REPLACE_ON_FAILURE continues a rollback instead of deleting the stack", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      const outcome = yield* runAction("2", { ...recover, mode: "REPLACE_ON_FAILURE" })
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      yield* assertStarted("continue-rollback-2", "update-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("REPLACE_ON_FAILURE deletes no stack whose rollback fails again", () =>
    Effect.gen(function*() {
      yield* stuck
      const outcome = yield* runAction("2", { ...recover, mode: "REPLACE_ON_FAILURE" })
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(
        outcome.message,
        "Rollback failed: UPDATE_ROLLBACK_FAILED\nBucket (AWS::S3::Bucket): The bucket is gone"
      )
      yield* assertStarted("continue-rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("REPLACE_ON_FAILURE replaces a stack that is rolled back to nothing, with its values", () =>
    Effect.gen(function*() {
      yield* failResource("Topic", "The name is taken")
      const options = { ...required, parameters: { Size: "large" }, disableRollback: true }
      yield* runAction("0", options)
      yield* runAction("1", { ...options, parameters: { Size: "huge" } })
      assert.deepStrictEqual(yield* statusOfStack, Option.some("UPDATE_FAILED"))
      yield* fix("Topic")
      const outcome = yield* runAction("2", { ...recover, mode: "REPLACE_ON_FAILURE" })
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      yield* assertStarted("rollback-2", "delete-2", "create-2")
      assert.deepStrictEqual(yield* parameterValues, { Size: "large" })
    }).pipe(Effect.provide(world(templateWith({ Size: { Type: "String" } })))))

  it.effect("CREATE_UPDATE says that a stack that is rolled back to nothing can only be deleted", () =>
    Effect.gen(function*() {
      yield* failResource("Bucket", "The name is taken")
      yield* runAction("0", { ...required, disableRollback: true })
      yield* putTemplate(third)
      yield* runAction("1", { ...required, disableRollback: true })
      const outcome = yield* runAction("2", recover)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "Stack cannot be updated when status is: ROLLBACK_COMPLETE. Delete stack")
      yield* assertStarted("rollback-2")
    }).pipe(Effect.provide(world(first))))

  it.effect("CREATE_UPDATE does not roll a failed creation back, and says why", () =>
    Effect.gen(function*() {
      yield* setStatus("CREATE_FAILED")
      const outcome = yield* runAction("2", recover)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "It is not rolled back, because that leaves a stack that can only be deleted")
      yield* assertStarted()
    }).pipe(Effect.provide(world(first))))

  it.effect.each(["CHANGE_SET_DEPLOY", "CHANGE_SET_REPLACE"])(
    "%s goes on with its change set",
    (mode) =>
      Effect.gen(function*() {
        yield* stuck
        yield* fixed
        const outcome = yield* runAction("2", { ...recover, mode, changeSet: "Next" })
        assert.deepInclude(outcome, { _tag: "Succeeded" })
        const deploys = mode === "CHANGE_SET_DEPLOY"
        assert.include(outcome.message, deploys ? "Stack update complete" : "Change set \"Next\" created")
        yield* assertStarted("continue-rollback-2", ...(deploys ? ["execute-2"] : []))
      }).pipe(Effect.provide(world(first)))
  )

  it.effect("skips the named resources", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* Effect.andThen(fix("Topic"), putTemplate(third))
      const outcome = yield* runAction("2", { ...recover, resourcesToSkip: ["Bucket"] })
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
    }).pipe(Effect.provide(world(first))))

  it.effect("resourcesToSkip without recover is refused", () =>
    Effect.gen(function*() {
      for (const options of [{}, { recover: false }]) {
        const outcome = yield* invoke(eventOf({ ...options, resourcesToSkip: ["Bucket"] }))
        assert.deepInclude(outcome, {
          _tag: "Failed",
          type: "ConfigurationError",
          message: "\"resourcesToSkip\" requires \"recover\": true, or mode ROLLBACK"
        })
      }
    }).pipe(Effect.provide(world(first))))

  it.effect("a stack that is at rest is updated as without it, by the same calls", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(third)
      yield* TestClock.adjust("7 hours")
      const { calls } = yield* recordCalls(invoke(eventOf({ recover: true }, { id: "2" })))
      assert.deepStrictEqual(calls, ["describe", "update"])
    }).pipe(Effect.provide(world(first))))

  it.effect("checks the template before it rolls the stack back", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* putTemplate("{}")
      const outcome = yield* runAction("2", recover)
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "At least one Resources member must be defined")
      yield* assertStarted()
    }).pipe(Effect.provide(world(first))))

  it.effect("without it, the advice names it", () =>
    Effect.gen(function*() {
      const outcome = yield* stuck
      assert.include(outcome.message, "or let the action do so with \"recover\": true, then retry the action")
    }).pipe(Effect.provide(world(first))))

  it.effect("a second delivery of any job of the action starts nothing twice", () =>
    Effect.gen(function*() {
      yield* stuck
      yield* fixed
      let event = eventOf({ recover: true }, { id: "2" })
      let outcome = yield* invoke(event)
      for (let id = 3; outcome._tag === "Continued"; id++) {
        yield* TestClock.adjust("1 minute")
        // The first delivery was not reported.
        outcome = yield* invoke(event)
        if (outcome._tag !== "Continued") break
        event = nextEvent(outcome, String(id), recover)
        outcome = yield* invoke(event)
      }
      assert.deepInclude(outcome, { _tag: "Succeeded" })
      yield* assertStarted("continue-rollback-2", "update-2")
    }).pipe(Effect.provide(world(first))))
})
