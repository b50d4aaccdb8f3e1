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

describe("the example backup", () => {
  it.effect("watches the backup to its end", () =>
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

  it.effect("begins one backup for two deliveries of an event", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* invoke(event("1")), yield* invoke(event("1"))]
      assert.deepStrictEqual(first, second)
    }).pipe(Effect.provide(inVault(["data"]))))

  it.effect("says that there is nothing to back up", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* backUp, { type: "ConfigurationError", message: "There is no volume \"data\"" })
    }).pipe(Effect.provide(inVault(["other"]))))

  it.effect("fails with the backup, and names it", () => {
    const broken = Layer.succeed(Vault, {
      begin: () => Effect.succeed("b-1"),
      look: () => Effect.succeed(Progress.Broken({ reason: "the vault is full" }))
    })
    return Effect.gen(function*() {
      assert.deepInclude(yield* backUp, {
        type: "JobFailed",
        message: "Backup b-1 failed: the vault is full",
        externalExecutionId: "b-1"
      })
    }).pipe(Effect.provide(Layer.merge(broken, CodePipelineMemory.layer)))
  })

  it.effect("goes on when the vault answers again", () => {
    let silent = 3
    const shaky = Layer.succeed(Vault, {
      begin: () => Effect.succeed("b-1"),
      look: () =>
        silent-- > 0
          ? Effect.fail(new VaultUnavailable({ reason: "maintenance" }))
          : Effect.succeed(Progress.Complete())
    })
    return Effect.gen(function*() {
      assert.deepInclude(yield* backUp, { _tag: "Succeeded", message: "Backup of data complete" })
    }).pipe(Effect.provide(Layer.merge(shaky, CodePipelineMemory.layer)))
  })
})
