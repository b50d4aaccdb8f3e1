import { Clock, Context, Data, Effect, Layer, Schema } from "effect"
import { Action, UserParameters } from "effect-codepipeline"

export class VolumeNotFound extends Schema.TaggedError<VolumeNotFound>()("VolumeNotFound", {
  volume: Schema.String
}) {
  override get message() {
    return `Volume "${this.volume}" does not exist`
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
    return `The vault is unavailable: ${this.reason}`
  }
}

/** The progress of a backup. */
export type Progress = Data.TaggedEnum<{
  Running: { readonly percent: number }
  Complete: {}
  Broken: { readonly reason: string }
}>
export const Progress = Data.taggedEnum<Progress>()

/** A service that creates backups, such as AWS Backup. */
export class Vault extends Context.Service<Vault, {
  /** Starts a backup and returns its id. Idempotent: the same token returns the same backup. */
  start(volume: string, token: string): Effect.Effect<string, VolumeNotFound | VaultUnavailable>
  progress(id: string): Effect.Effect<Progress, VaultUnavailable>
}>()("examples/Vault") {
  /** For tests: backups of these volumes, each of which takes ten minutes. */
  static readonly layerMemory = (volumes: ReadonlyArray<string>) =>
    Layer.sync(Vault, () => {
      const startedAt = new Map<string, number>()
      return {
        start: Effect.fn("Vault.start")(function*(volume: string, token: string) {
          if (!volumes.includes(volume)) return yield* new VolumeNotFound({ volume })
          const id = `backup-of-${volume}-${token}`
          if (!startedAt.has(id)) startedAt.set(id, yield* Clock.currentTimeMillis)
          return id
        }),
        progress: Effect.fn("Vault.progress")(function*(id: string) {
          const percent = ((yield* Clock.currentTimeMillis) - (startedAt.get(id) ?? 0)) / 6_000
          return percent < 100 ? Progress.Running({ percent }) : Progress.Complete()
        })
      }
    })
}

/** Creates a backup of a volume, and waits until it is complete. */
export const Backup = Action.poll({
  name: "backup",
  parameters: UserParameters.json({ volume: Schema.NonEmptyString }),
  state: Schema.Struct({ id: Schema.String }),

  begin: Effect.fn("Backup.begin")(function*({ execution, parameters: { volume } }) {
    const vault = yield* Vault
    // A second delivery of the event has the same token, and so gets the same backup.
    const id = yield* vault.start(volume, execution.firstJobId)
    return { message: `Backup of ${volume} started`, externalExecutionId: id, state: { id } }
  }),

  check: Effect.fn("Backup.check")(function*({ parameters: { volume } }, { id }) {
    const vault = yield* Vault
    const progress = yield* vault.progress(id)
    return yield* Progress.$match(progress, {
      Running: ({ percent: percentComplete }) =>
        Effect.succeed(
          Action.Poll.Pending({
            message: `Backup of ${volume} in progress`,
            externalExecutionId: id,
            percentComplete
          })
        ),
      Complete: () =>
        Effect.succeed(
          Action.Poll.Done({ message: `Backup of ${volume} complete`, outputVariables: { BackupId: id } })
        ),
      Broken: ({ reason }) => Effect.fail(new BackupFailed({ id, reason }))
    })
  })
})({
  VolumeNotFound: "ConfigurationError",
  VaultUnavailable: "SystemUnavailable",
  BackupFailed: ({ id, message }) => ({ type: "JobFailed", message, externalExecutionId: id })
})
