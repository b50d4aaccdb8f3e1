// Elastic Beanstalk in memory: no emulator has SwapEnvironmentCNAMEs.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { AwsRejected, JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { drive } from "../drive.ts"
import { type Environment, Environments, Swap } from "./swap.ts"

const cname = "shop.eu-west-1.elasticbeanstalk.com"
const event = (id: string, environment = "green") =>
  LocalPipeline.event({ id, userParameters: { application: "shop", environment, cname } })

const invoke = (event: unknown) => JobRunner.run(Swap, event)

const swap = drive(LocalPipeline.run({ event: event("1"), invoke, interval: "1 minute" }), "1 minute")

/** Two environments. A swap makes both busy until they were listed twice. */
const inMemory = (swaps: Array<string>) =>
  Layer.merge(
    Layer.sync(Environments, () => {
      let looks = 0
      let environments: ReadonlyArray<Environment> = [
        { name: "blue", cname, status: "Ready" },
        { name: "green", cname: "new.example", status: "Ready" }
      ]
      return {
        list: () =>
          Effect.sync(() => {
            if (--looks === 0) environments = environments.map((one) => ({ ...one, status: "Ready" }))
            return environments
          }),
        swap: (one, other) =>
          Effect.suspend(() => {
            if (environments.some(({ status }) => status !== "Ready")) {
              const detail = "Environment is in an invalid state for this operation. Must be Ready"
              return Effect.fail(new AwsRejected({ operation: "swap", code: "InvalidParameterValue", detail }))
            }
            swaps.push(`${one}, ${other}`)
            looks = 2
            const [first, second] = environments
            environments = [
              { name: "blue", cname: second?.cname ?? "", status: "Updating" },
              { name: "green", cname: first?.cname ?? "", status: "Updating" }
            ]
            return Effect.void
          })
      }
    }),
    CodePipelineMemory.layer
  )

describe("the swap example", () => {
  it.effect("swaps once, and waits until both environments are ready", () => {
    const swaps: Array<string> = []
    return Effect.gen(function*() {
      assert.deepInclude(yield* swap, { _tag: "Succeeded", message: `"green" answers at ${cname}` })
      assert.deepStrictEqual(swaps, ["blue, green"])
    }).pipe(Effect.provide(inMemory(swaps)))
  })

  it.effect("changes nothing when it runs again, or when an event is delivered again", () => {
    const swaps: Array<string> = []
    return Effect.gen(function*() {
      yield* swap
      assert.deepInclude(yield* invoke(event("1")), { _tag: "Succeeded" })
      assert.deepInclude(yield* invoke(event("2")), { _tag: "Succeeded" })
      assert.deepStrictEqual(swaps, ["blue, green"])
    }).pipe(Effect.provide(inMemory(swaps)))
  })

  it.effect("waits while an environment is busy", () => {
    const swaps: Array<string> = []
    return Effect.gen(function*() {
      yield* invoke(event("1"))
      assert.deepInclude(yield* invoke(event("1")), {
        _tag: "Continued",
        message: "Waiting for the environment \"green\", which is Updating"
      })
    }).pipe(Effect.provide(inMemory(swaps)))
  })

  it.effect("fails if the environment does not exist", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* invoke(event("1", "red")), {
        type: "ConfigurationError",
        message: "No environment of the application \"shop\" has the name \"red\""
      })
    }).pipe(Effect.provide(inMemory([]))))
})
