// Artifacts in memory, for tests and for running a pipeline locally.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EntryTooLarge, type EntryUnreadable, type Files } from "../domain/job/ArtifactFiles.ts"
import { AwsRejected } from "../domain/job/AwsError.ts"
import { missingFile, readEntry } from "../internal/zipEntry.ts"
import { composed, normalizePath } from "../internal/zipNames.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"

/** Files by path, or the bytes of a zip, which is read like one in S3. */
export type Content = Files | Uint8Array

/** Artifacts in memory. */
export class ArtifactStoreMemory extends Context.Service<ArtifactStoreMemory, {
  /** Creates or replaces an input artifact. */
  put(artifact: string, content: Content): Effect.Effect<void>
  /** The files of the output artifacts that were written, by the artifact's name. */
  readonly outputs: ReadonlyMap<string, Files>
  /** The contents of uploaded objects, by URL. */
  readonly uploads: ReadonlyMap<string, Uint8Array>
}>()("effect-codepipeline/testing/ArtifactStoreMemory") {
  /** Input artifacts by their name in the pipeline. The locations in events are ignored. */
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

/** Makes no zip, so that Effect's clock and scheduler control everything that happens. */
const readFile = (
  files: Files,
  file: string,
  maxBytes: number
): Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge> => {
  const wanted = normalizePath(file)
  const paths = new Map(Object.keys(files).map((path) => [normalizePath(path), path]))
  const equivalents = new Map(Array.from(paths, ([name, path]) => [composed(name), path]))
  const path = paths.get(wanted) ?? equivalents.get(composed(wanted))
  if (path === undefined) return missingFile(wanted, [...paths.keys()])
  const bytes = new Uint8Array(Buffer.from(files[path] ?? ""))
  return bytes.length > maxBytes
    ? Effect.fail(new EntryTooLarge({ bytes: bytes.length }))
    : Effect.succeed(bytes)
}
