import { Clock, Context, Data, Effect, Layer, Schema } from "effect"
import { Action, UserParameters } from "effect-codepipeline"

export class NothingToBackUp extends Schema.TaggedError<NothingToBackUp>()("NothingToBackUp", {
  volume: Schema.String
}) {
  override get message() {
    return `There is no volume "${this.volume}"`
  }
}

export class BackupFailed extends Schema.TaggedError<BackupFailed>()("BackupFailed", {
  id: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Backup ${this.id} failed: ${this.reason}`
  }
}

export class VaultUnavailable extends Schema.TaggedError<VaultUnavailable>()("VaultUnavailable", {
  reason: Schema.String
}) {
  override get message() {
    return `The vault does not answer: ${this.reason}`
  }
}

/** How far a backup is. */
export type Progress = Data.TaggedEnum<{
  Running: { readonly percent: number }
  Complete: {}
  Broken: { readonly reason: string }
}>
export const Progress = Data.taggedEnum<Progress>()

/** Whatever makes backups: snapshots of volumes, images of machines, AWS Backup. */
export class Vault extends Context.Service<Vault, {
  /** Begins a backup, once for each token, and gives its id. */
  begin(volume: string, token: string): Effect.Effect<string, NothingToBackUp | VaultUnavailable>
  look(id: string): Effect.Effect<Progress, VaultUnavailable>
}>()("examples/Vault") {
  /** Backups of these volumes that take ten minutes; for tests. */
  static readonly layerMemory = (volumes: ReadonlyArray<string>) =>
    Layer.sync(Vault, () => {
      const startedAt = new Map<string, number>()
      return {
        begin: Effect.fn("Vault.begin")(function*(volume: string, token: string) {
          if (!volumes.includes(volume)) return yield* new NothingToBackUp({ volume })
          const id = `backup-of-${volume}-${token}`
          if (!startedAt.has(id)) startedAt.set(id, yield* Clock.currentTimeMillis)
          return id
        }),
        look: Effect.fn("Vault.look")(function*(id: string) {
          const percent = ((yield* Clock.currentTimeMillis) - (startedAt.get(id) ?? 0)) / 6_000
          return percent < 100 ? Progress.Running({ percent }) : Progress.Complete()
        })
      }
    })
}

/** Backs a volume up, and waits until the backup is complete. */
export const Backup = Action.make({
  name: "backup",
  parameters: UserParameters.json({ volume: Schema.NonEmptyString }),
  state: Schema.Struct({ id: Schema.String }),

  start: Effect.fn("Backup.start")(function*({ execution, parameters: { volume } }) {
    const vault = yield* Vault
    // A second delivery of the event has the same token, and so finds the same backup.
    const id = yield* vault.begin(volume, execution.firstJobId)
    return Action.Step.Continue({ message: `Backup of ${volume} started`, externalExecutionId: id, state: { id } })
  }),

  resume: Effect.fn("Backup.resume")(function*({ parameters: { volume } }, { id }) {
    const vault = yield* Vault
    const progress = yield* vault.look(id)
    return yield* Progress.$match(progress, {
      Running: ({ percent: percentComplete }) =>
        Effect.succeed(Action.Step.Continue({
          message: `Backup of ${volume} in progress`,
          percentComplete,
          externalExecutionId: id,
          state: { id }
        })),
      Complete: () =>
        Effect.succeed(
          Action.Step.Done({ message: `Backup of ${volume} complete`, outputVariables: { BackupId: id } })
        ),
      Broken: ({ reason }) => Effect.fail(new BackupFailed({ id, reason }))
    })
  })
})({
  NothingToBackUp: "ConfigurationError",
  VaultUnavailable: "SystemUnavailable",
  BackupFailed: ({ id, message }) => ({ type: "JobFailed", message, externalExecutionId: id })
})
