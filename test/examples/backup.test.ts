import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { drive } from "../drive.ts"
import { Backup, Progress, Vault, VaultUnavailable } from "./backup.ts"

const event = (id: string) => LocalPipeline.event({ id, userParameters: { volume: "data" } })

const invoke = (event: unknown) => JobRunner.run(Backup, event)

const backUp = drive(LocalPipeline.run({ event: event("first"), invoke, interval: "3 minutes" }), "1 minute")

const inVault = (volumes: ReadonlyArray<string>) => Layer.merge(Vault.layerMemory(volumes), CodePipelineMemory.layer)

describe("the backup example", () => {
  it.effect("watches the backup until it is complete", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* backUp, {
        _tag: "Succeeded",
        message: "Backup of data complete",
        outputVariables: { BackupId: "backup-of-data-first" }
      })
      const { outcomes } = yield* CodePipelineMemory
      assert.deepStrictEqual(
        [...outcomes.values()].map((outcome) => "percentComplete" in outcome && outcome.percentComplete),
        [undefined, 30, 60, 90, 100]
      )
    }).pipe(Effect.provide(inVault(["data"]))))

  it.effect("starts one backup for two deliveries of an event", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* invoke(event("1")), yield* invoke(event("1"))]
      assert.deepStrictEqual(first, second)
    }).pipe(Effect.provide(inVault(["data"]))))

  it.effect("fails if the volume does not exist", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* backUp, { type: "ConfigurationError", message: "Volume \"data\" does not exist" })
    }).pipe(Effect.provide(inVault(["other"]))))

  it.effect("fails if the backup fails, and reports its id", () => {
    const broken = Layer.succeed(Vault, {
      start: () => Effect.succeed("b-1"),
      progress: () => Effect.succeed(Progress.Broken({ reason: "the vault is full" }))
    })
    return Effect.gen(function*() {
      assert.deepInclude(yield* backUp, {
        type: "JobFailed",
        message: "Backup b-1 failed: the vault is full",
        externalExecutionId: "b-1"
      })
    }).pipe(Effect.provide(Layer.merge(broken, CodePipelineMemory.layer)))
  })

  it.effect("continues after an outage of the vault", () => {
    let failures = 3
    const unstable = Layer.succeed(Vault, {
      start: () => Effect.succeed("b-1"),
      progress: () =>
        failures-- > 0
          ? Effect.fail(new VaultUnavailable({ reason: "maintenance" }))
          : Effect.succeed(Progress.Complete())
    })
    return Effect.gen(function*() {
      assert.deepInclude(yield* backUp, { _tag: "Succeeded", message: "Backup of data complete" })
    }).pipe(Effect.provide(Layer.merge(unstable, CodePipelineMemory.layer)))
  })
})
