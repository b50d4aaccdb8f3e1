// Artifacts in memory.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AwsRejected } from "../domain/AwsError.ts"
import { EntryUnreadable, missingFile, normalise, readEntry, tooLarge } from "../internal/zipEntry.ts"
import type { Files } from "../internal/zipFiles.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"

/** Files by their path, or the bytes of a zip, which is read as one in S3 is. */
export type Content = Files | Uint8Array

export class ArtifactStoreMemory extends Context.Service<ArtifactStoreMemory, {
  /** Puts an artifact in place, or replaces it. */
  put(artifact: string, content: Content): Effect.Effect<void>
}>()("effect-codepipeline/testing/ArtifactStoreMemory") {
  /** Artifacts by their name in the pipeline; where an event says that they lie does not matter. */
  static readonly layer = (
    artifacts: Readonly<Record<string, Content>> = {}
  ): Layer.Layer<ArtifactStore | ArtifactStoreMemory> => {
    const contents = new Map(Object.entries(artifacts))
    return Layer.merge(
      ArtifactStore.layerReader(({ name }, _credentials, file, maxBytes) => {
        const content = contents.get(name)
        if (content === undefined) return Effect.fail(noSuchKey)
        return content instanceof Uint8Array
          ? readEntry({ size: content.length, tail: content, fetch: () => Effect.fail(noSuchKey) }, file, maxBytes)
          : readFile(content, file, maxBytes)
      }),
      Layer.succeed(ArtifactStoreMemory, {
        put: (artifact, content) => Effect.sync(() => void contents.set(artifact, content))
      })
    )
  }
}

const noSuchKey = new AwsRejected({
  operation: "s3:GetObject",
  code: "NoSuchKey",
  detail: "The specified key does not exist."
})

/** Without a zip, so that nothing happens but by Effect's clock and scheduler. */
const readFile = (files: Files, file: string, maxBytes: number) => {
  const names = new Map(Object.keys(files).map((path) => [normalise(path), path]))
  const path = names.get(normalise(file))
  if (path === undefined) return Effect.fail(new EntryUnreadable({ reason: missingFile(file, [...names.keys()]) }))
  const bytes = new Uint8Array(Buffer.from(files[path] ?? ""))
  return bytes.length > maxBytes
    ? Effect.fail(new EntryUnreadable({ reason: tooLarge(bytes.length, maxBytes) }))
    : Effect.succeed(bytes)
}
