// Large templates, options of all calls, and what can be missing at the end of DeployStackSet.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { UploadFailed } from "../../../src/domain/job/ArtifactErrors.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { StackSetNotFound, StackSets } from "../../../src/services/StackSets.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { StackSetsMemory } from "../../../src/testing/StackSetsMemory.ts"
import { sampleTemplate } from "../../fixtures.ts"
import {
  accounts,
  createdEarlier,
  deny,
  eventOf,
  eventWith,
  failureOf,
  file,
  instances,
  invoke,
  isPresent,
  nextEvent,
  regions,
  required,
  runToEnd,
  stackSet,
  withAnswers,
  world
} from "./world.ts"

describe("a large template", () => {
  const upload = { bucket: "templates", key: "k", reason: "AccessDenied: Access Denied" }
  const large = JSON.stringify({ ...JSON.parse(sampleTemplate), Metadata: { Text: "x".repeat(60_000) } })

  it.effect.each(
    [
      ["may not be uploaded", { denied: true, needed: "s3:PutObject" }, "PermissionError"],
      ["has no such bucket", { denied: false }, "ConfigurationError"]
    ] as const
  )("that %s fails the action before the stack set is created", ([, failure, type]) =>
    Effect.gen(function*() {
      const store = yield* ArtifactStore
      const outcome = yield* invoke(eventOf({ templateBucket: "templates" })).pipe(
        Effect.provideService(ArtifactStore, {
          ...store,
          upload: () => Effect.fail(new UploadFailed({ ...upload, ...failure }))
        })
      )
      assert.strictEqual(failureOf(outcome).type, type)
      assert.isFalse(yield* isPresent)
    }).pipe(Effect.provide(world({ template: large }))))
})

const tooMany = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`P${index}`, "x"]))

const unit = "ou-abcd-12345678"

describe("options", () => {
  it.effect("\"callAs\" is that of every call", () =>
    Effect.gen(function*() {
      const keys: Array<unknown> = []
      const real = yield* StackSets
      const recording = new Proxy(real, {
        get: (service, name) => (...args: ReadonlyArray<unknown>) => {
          keys.push(args[0])
          return Reflect.apply(Reflect.get(service, name), service, args)
        }
      })
      const inUnit = { stackSet, organizationalUnits: [unit], regions, callAs: "DELEGATED_ADMIN" }
      yield* runToEnd(eventWith({ ...inUnit, file, artifact: "MyTemplate" }, { id: "earlier" }))
      assert.lengthOf(yield* instances, 4)
      yield* Effect.provideService(
        runToEnd(eventWith({ ...inUnit, mode: "DELETE_INSTANCES" }, { id: "2" })),
        StackSets,
        recording
      )
      assert.isEmpty(yield* instances)
      assert.isNotEmpty(keys)
      for (const key of keys) assert.deepInclude(key, { callAs: "DELEGATED_ADMIN" })
    }).pipe(Effect.provide(world({ organization: { [unit]: accounts } }))))

  it.effect("\"timeoutMinutes\" ends the action with what it was waiting for", () =>
    Effect.gen(function*() {
      const first = yield* invoke(eventOf({ timeoutMinutes: 5 }))
      yield* TestClock.adjust("1 second")
      const second = yield* invoke(nextEvent(first, "2"))
      yield* TestClock.adjust("5 minutes")
      const failure = failureOf(yield* invoke(nextEvent(second, "3", { ...required, timeoutMinutes: 5 })))
      assert.include(failure.message, "Creation of instances still in progress")
    }).pipe(Effect.provide(world({ instanceDuration: "1 hour" }))))

  it.effect("\"mode\" with another value is refused with the modes that exist", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* invoke(eventOf({ mode: "REPLACE" })))
      assert.strictEqual(failure.type, "ConfigurationError")
      assert.include(failure.message, "\"mode\"")
      assert.include(failure.message, "CREATE_UPDATE")
      assert.isFalse(yield* isPresent)
    }).pipe(Effect.provide(world())))
})

it.effect("a file of overrides with more parameters than a template can have is refused", () =>
  Effect.gen(function*() {
    const failure = failureOf(yield* invoke(eventOf({ overrides: "MyTemplate::overrides.json" })))
    assert.strictEqual(failure.type, "ConfigurationError")
    assert.strictEqual(failure.message, "There are 201 parameters; CloudFormation accepts at most 200")
    assert.isFalse(yield* isPresent)
  }).pipe(Effect.provide(world({ files: { "overrides.json": JSON.stringify([{ parameters: tooMany }]) } }))))

describe("drift detection without permission", () => {
  const detect = { stackSet, mode: "DETECT_DRIFT" }

  it.effect("to list instances still reports the counts", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      yield* StackSetsMemory.use(({ setDrifted }) => setDrifted(stackSet, "111111111111", "us-east-1"))
      yield* deny("cloudformation:ListStackInstances")
      const outcome = yield* runToEnd(eventWith(detect, { id: "2", outputArtifacts: ["Result"] }))
      assert.strictEqual(outcome.message, "Drift detection complete: DRIFTED, 1 of 4 instances drifted")
      const { outputs } = yield* ArtifactStoreMemory
      const { Drift } = JSON.parse(String(outputs.get("Result")?.["result.json"]))
      assert.deepStrictEqual(Drift, { Status: "DRIFTED", Total: 4, Drifted: 1, InSync: 3, Failed: 0 })
    }).pipe(Effect.provide(world())))
})

const notFound = () => Effect.fail(new StackSetNotFound({ stackSet }))

/** The stack set is found until its operation has ended. */
const vanishing = ({ operation }: StackSets["Service"]): Partial<StackSets["Service"]> => {
  let ended = 0
  return {
    instances: notFound,
    results: notFound,
    operation: (key, id) =>
      Effect.flatMap(
        operation(key, id),
        (found) =>
          Option.exists(found, ({ status }) => status === "SUCCEEDED") && ended++ > 0
            ? notFound()
            : Effect.succeed(found)
      )
  }
}

describe("a stack set that someone deletes when the last operation has ended", () => {
  it.effect("leaves a result without what can no longer be read", () =>
    Effect.gen(function*() {
      yield* createdEarlier()
      const outcome = yield* withAnswers(
        vanishing,
        runToEnd(eventWith({ stackSet, mode: "DETECT_DRIFT" }, { id: "2" }))
      )
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.match(outcome.message, /^Drift detection complete/)
    }).pipe(Effect.provide(world())))
})
