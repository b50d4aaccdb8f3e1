// Artifacts in memory.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EntryTooLarge, EntryUnreadable } from "../domain/job/ArtifactFiles.ts"
import type { Files } from "../domain/job/ArtifactFiles.ts"
import { AwsRejected } from "../domain/job/AwsError.ts"
import { missingFile, normalise, readEntry } from "../internal/zipEntry.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"

/** Files by their path, or the bytes of a zip, which is read as one in S3 is. */
export type Content = Files | Uint8Array

export class ArtifactStoreMemory extends Context.Service<ArtifactStoreMemory, {
  /** Puts an artifact in place, or replaces it. */
  put(artifact: string, content: Content): Effect.Effect<void>
  /** The files of the output artifacts that were written, by artifact. */
  readonly outputs: ReadonlyMap<string, Files>
  /** What was uploaded to a bucket of one's own, by URL. */
  readonly uploads: ReadonlyMap<string, Uint8Array>
}>()("effect-codepipeline/testing/ArtifactStoreMemory") {
  /** Artifacts by their name in the pipeline; where an event says that they lie does not matter. */
  static readonly layer = (
    artifacts: Readonly<Record<string, Content>> = {}
  ): Layer.Layer<ArtifactStore | ArtifactStoreMemory> =>
    Layer.unwrap(Effect.sync(() => {
      const inputs = new Map(Object.entries(artifacts))
      const outputs = new Map<string, Files>()
      const uploads = new Map<string, Uint8Array>()
      return Layer.merge(
        ArtifactStore.layerObjects({
          readFile: (_job, { name }, file, maxBytes) => {
            const content = inputs.get(name)
            if (content === undefined) return Effect.fail(noSuchKey)
            return content instanceof Uint8Array
              ? readEntry({ size: content.length, tail: content, fetch: () => Effect.fail(noSuchKey) }, file, maxBytes)
              : readFile(content, file, maxBytes)
          },
          writeFiles: (_job, { name }, files) => Effect.sync(() => void outputs.set(name, files)),
          urlOf: (bucket, key) => Effect.succeed(`https://s3.us-east-1.amazonaws.com/${bucket}/${key}`),
          upload: (bucket, key, body) =>
            Effect.sync(() => {
              const url = `https://${bucket}.s3.us-east-1.amazonaws.com/${key}`
              uploads.set(url, body)
              return url
            })
        }),
        Layer.succeed(ArtifactStoreMemory, {
          put: (artifact, content) => Effect.sync(() => void inputs.set(artifact, content)),
          outputs,
          uploads
        })
      )
    }))
}

const noSuchKey = new AwsRejected({
  operation: "s3:GetObject",
  code: "NoSuchKey",
  detail: "The specified key does not exist."
})

/** Without a zip, so that nothing happens but by Effect's clock and scheduler. */
const readFile = (
  files: Files,
  file: string,
  maxBytes: number
): Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge> => {
  const names = new Map(Object.keys(files).map((path) => [normalise(path), path]))
  const path = names.get(normalise(file))
  if (path === undefined) return Effect.fail(new EntryUnreadable({ reason: missingFile(file, [...names.keys()]) }))
  const bytes = new Uint8Array(Buffer.from(files[path] ?? ""))
  return bytes.length > maxBytes
    ? Effect.fail(new EntryTooLarge({ bytes: bytes.length }))
    : Effect.succeed(bytes)
}
