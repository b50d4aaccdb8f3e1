// Artifacts in memory, as real zips that are read as those in S3 are.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AwsRejected } from "../domain/AwsError.ts"
import { type Files, zipFiles } from "../internal/zipFiles.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"

/** Files to be zipped, or the bytes of a zip. */
export type Content = Files | Uint8Array

export class ArtifactStoreMemory extends Context.Service<ArtifactStoreMemory, {
  /** Puts an artifact in place, or replaces it. */
  put(artifact: string, content: Content): Effect.Effect<void>
}>()("effect-codepipeline/testing/ArtifactStoreMemory") {
  /** Artifacts by their name in the pipeline; where an event says that they lie does not matter. */
  static readonly layer = (
    artifacts: Readonly<Record<string, Content>> = {}
  ): Layer.Layer<ArtifactStore | ArtifactStoreMemory> =>
    Layer.unwrap(Effect.gen(function*() {
      const objects = new Map<string, { readonly zip: Uint8Array; readonly version: string }>()
      let versions = 0
      const put = Effect.fn("ArtifactStoreMemory.put")(function*(artifact: string, content: Content) {
        const zip = content instanceof Uint8Array ? content : yield* zipFiles(content)
        objects.set(artifact, { zip, version: `${versions++}` })
      })
      yield* Effect.forEach(Object.entries(artifacts), ([artifact, content]) => put(artifact, content))

      const store = ArtifactStore.layerObjects(({ name }) => ({
        tail: (length) => {
          const object = objects.get(name)
          if (object === undefined) return rejected("NoSuchKey", "The specified key does not exist.")
          const { version, zip } = object
          return Effect.succeed({ bytes: zip.subarray(-length), size: zip.length, version })
        },
        range: (version, start, end) => {
          const object = objects.get(name)
          return object?.version === version
            ? Effect.succeed(object.zip.subarray(start, end))
            : rejected("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        }
      }))
      return Layer.merge(store, Layer.succeed(ArtifactStoreMemory, { put }))
    }))
}

const rejected = (code: string, detail: string) =>
  Effect.fail(new AwsRejected({ operation: "s3:GetObject", code, detail }))
