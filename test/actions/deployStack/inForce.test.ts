// Every setting of the request is in force when DeployStack succeeds, whatever call gets lost.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, type Layer, Option, Schedule } from "effect"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import {
  deny,
  describeStack,
  eventWith,
  firstTemplate,
  foreignToken,
  invoke,
  putFiles,
  recordCalls,
  recordLog,
  required,
  runAction,
  secondTemplate,
  setStatus,
  settings,
  stack,
  stackId,
  world
} from "./world.ts"

const policy = JSON.stringify({ Statement: [] })
const files = { "c.json": JSON.stringify({ StackPolicy: JSON.parse(policy) }) }
const provided = Effect.provide(world(firstTemplate, { files }), { local: true })

const asked = { terminationProtection: true, templateConfiguration: "MyTemplate::c.json" }
const all = { ...required, ...asked }
const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next", ...asked }

const inForce = Effect.map(settings, ({ stackPolicy, terminationProtection }) => ({
  protected: terminationProtection,
  policy: stackPolicy
}))

const created = runAction("earlier", required)
const changeTemplate = putFiles(secondTemplate, files)
const prepared = runAction("prepare", { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" })

type Start = Effect.Effect<unknown, unknown, Layer.Success<ReturnType<typeof world>>>

/** The stack at first, and the UserParameters. */
const deployments: ReadonlyArray<readonly [name: string, start: Start, parameters: Readonly<Record<string, unknown>>]> =
  [
    ["CREATE_UPDATE of a new stack", Effect.void, all],
    ["CREATE_UPDATE of a stack", Effect.andThen(created, changeTemplate), all],
    ["CREATE_UPDATE without updates", created, all],
    ["REPLACE_ON_FAILURE of a failed stack", setStatus("ROLLBACK_COMPLETE"), { ...all, mode: "REPLACE_ON_FAILURE" }],
    ["CHANGE_SET_DEPLOY of a new stack", Effect.void, { ...all, mode: "CHANGE_SET_DEPLOY" }],
    ["CHANGE_SET_DEPLOY of a stack", Effect.andThen(created, changeTemplate), { ...all, mode: "CHANGE_SET_DEPLOY" }],
    ["CHANGE_SET_DEPLOY without updates", created, { ...all, mode: "CHANGE_SET_DEPLOY" }],
    ["CHANGE_SET_EXECUTE of a new stack", prepared, execute],
    ["CHANGE_SET_EXECUTE of a stack", Effect.andThen(Effect.andThen(created, changeTemplate), prepared), execute],
    ["CHANGE_SET_EXECUTE without updates", Effect.andThen(created, prepared), execute]
  ]

const lost = new AwsUnavailable({ operation: "a call", code: "ECONNRESET", detail: "the connection was reset" })

/** Runs the action to its end. Its `at`-th call to CloudFormation is lost. Returns which call that was, if any. */
const runWithLoss = Effect.fnUntraced(function*(
  parameters: Readonly<Record<string, unknown>>,
  at: number,
  loss: "request lost" | "answer lost" | "function killed"
) {
  const service = yield* CloudFormation
  let calls = 0
  let lostCall: string | undefined
  const invoke = Effect.fnUntraced(function*(event: unknown) {
    const killed = yield* Deferred.make<"killed">()
    const losing = new Proxy(service, {
      get: (service, name) => (...args: ReadonlyArray<unknown>) => {
        const call: Effect.Effect<unknown, unknown> = Reflect.apply(Reflect.get(service, name), service, args)
        return Effect.suspend(() => {
          if (++calls !== at) return call
          lostCall = String(name)
          if (loss === "request lost") return Effect.fail(lost)
          if (loss === "answer lost") return Effect.andThen(call, Effect.fail(lost))
          return Effect.andThen(call, Effect.andThen(Deferred.succeed(killed, "killed"), Effect.never))
        })
      }
    })
    const run = Effect.provideService(JobRunner.run(DeployStack, event), CloudFormation, losing)
    return yield* Effect.raceFirst(run, Effect.flatMap(Deferred.await(killed), Effect.fail))
  })
  const outcome = yield* drive(
    LocalPipeline.run({
      event: eventWith(parameters, { id: "1" }),
      invoke: (event) => Effect.retry(invoke(event), Schedule.spaced("1 minute"))
    }),
    "10 seconds"
  )
  return { lostCall, outcome }
})

describe.each(deployments)("%s", (_, start, parameters) => {
  it.effect.each(["request lost", "answer lost", "function killed"] as const)(
    "protection and policy are in force on success, whichever call fails: %s",
    (loss) =>
      Effect.gen(function*() {
        for (let at = 1;; at++) {
          const lostCall = yield* Effect.gen(function*() {
            yield* start
            const { lostCall, outcome } = yield* runWithLoss(parameters, at, loss)
            assert.strictEqual(outcome._tag, "Succeeded", `${lostCall}: ${outcome.message}`)
            assert.deepStrictEqual(yield* inForce, { protected: true, policy }, `${lostCall}`)
            return lostCall
          }).pipe(provided)
          if (lostCall === undefined) return assert.isAbove(at, 2)
        }
      })
  )

  it.effect("a protection that cannot be set fails the job, which names the permission", () =>
    Effect.gen(function*() {
      yield* start
      yield* deny("cloudformation:UpdateTerminationProtection")
      const outcome = yield* runAction("1", parameters)
      const { protected: isProtected } = yield* inForce
      assert.strictEqual(outcome._tag, isProtected ? "Succeeded" : "Failed")
      if (isProtected) return
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(
        outcome.message,
        "The role of the Lambda function needs cloudformation:UpdateTerminationProtection"
      )
    }).pipe(provided))
})

it.effect("protection is switched off if that is asked, also without updates", () =>
  Effect.gen(function*() {
    yield* created
    yield* CloudFormationMemory.use(({ protect }) => protect(stack))
    yield* prepared
    assert.deepInclude(yield* runAction("1", { ...execute, terminationProtection: false }), { _tag: "Succeeded" })
    assert.deepStrictEqual(yield* inForce, { protected: false, policy })
  }).pipe(provided))

it.effect("the settings are in force after a job that continues with a foreign token", () =>
  Effect.gen(function*() {
    yield* created
    const event = eventWith(all, { id: "1", continuationToken: foreignToken })
    assert.deepInclude(yield* invoke(event), { _tag: "Succeeded" })
    assert.deepStrictEqual(yield* inForce, { protected: true, policy })
  }).pipe(provided))

it.effect("the policy is in force if the role may not read the events that prove the update", () =>
  Effect.gen(function*() {
    yield* created
    yield* changeTemplate
    yield* deny("cloudformation:DescribeStackEvents")
    const { calls, result } = yield* recordCalls(runAction("1", all))
    assert.deepInclude(result, { _tag: "Succeeded" })
    assert.include(calls, "setStackPolicy")
  }).pipe(provided))

it.effect("a protection that may not be set after a change set says that the stack is deployed", () =>
  Effect.gen(function*() {
    yield* deny("cloudformation:UpdateTerminationProtection")
    const outcome = yield* runAction("1", { ...all, mode: "CHANGE_SET_DEPLOY" })
    assert.deepInclude(outcome, { _tag: "Failed", type: "PermissionError", externalExecutionId: yield* stackId })
    assert.match(outcome.message, /^Stack ".+" is deployed, but its termination protection is not set: /)
  }).pipe(provided))

describe("CHANGE_SET_REPLACE", () => {
  const replace = { ...all, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }

  it.effect("an existing stack keeps its settings after a job that continues with a foreign token", () =>
    Effect.gen(function*() {
      yield* created
      yield* invoke(eventWith(replace, { id: "1", continuationToken: foreignToken }))
      assert.deepStrictEqual(yield* inForce, { protected: false, policy: undefined })
    }).pipe(provided))

  it.effect("an existing stack keeps its protection, and the log says which action sets it", () =>
    Effect.gen(function*() {
      yield* created
      yield* changeTemplate
      for (const mode of ["changes", "empty"]) {
        const { lines, result } = yield* recordLog(runAction(mode, replace))
        assert.deepInclude(result, { _tag: "Succeeded" })
        assert.include(lines.join(), "does not change the termination protection")
        assert.isFalse(Option.getOrThrow(yield* describeStack).terminationProtection)
        yield* putFiles(firstTemplate, files)
      }
    }).pipe(provided))

  it.effect.each(["request lost", "answer lost", "function killed"] as const)(
    "a new stack is protected on success, whichever call fails: %s",
    (loss) =>
      Effect.gen(function*() {
        for (let at = 1;; at++) {
          const lostCall = yield* Effect.gen(function*() {
            const { lostCall, outcome } = yield* runWithLoss(replace, at, loss)
            assert.strictEqual(outcome._tag, "Succeeded", `${lostCall}: ${outcome.message}`)
            assert.isTrue(Option.getOrThrow(yield* describeStack).terminationProtection)
            return lostCall
          }).pipe(provided)
          if (lostCall === undefined) return assert.isAbove(at, 2)
        }
      })
  )
})
