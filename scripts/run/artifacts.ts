// Artifacts from this machine: packs them, and uploads them to their location in an event.
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import { readdir, readFile, stat } from "node:fs/promises"
import { join, relative } from "node:path"
import type { Files } from "../../src/domain/job/ArtifactFiles.ts"
import type { Artifact } from "../../src/domain/job/Job.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { absolute, BadUsage, reason } from "../commandLine.ts"

export interface LocalArtifact {
  readonly name: string
  /** The file or folder that it was read from. */
  readonly path: string
  readonly zip: Uint8Array
}

/** The files of a folder by their relative path. */
const readFolder = async (folder: string): Promise<Files> => {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = await Promise.all(
    paths.map(async (path) => [relative(folder, path).replaceAll("\\", "/"), await readFile(path)] as const)
  )
  return Object.fromEntries(files)
}

/** `NAME=PATH`; the path is that of a zip, or of a folder, which is packed into one. */
export const readArtifact = Effect.fn("readArtifact")(function*(option: string) {
  const name = option.slice(0, Math.max(0, option.indexOf("=")))
  const path = option.slice(name.length + 1)
  if (name === "" || path === "") {
    return yield* new BadUsage({ message: `--artifact takes NAME=PATH, not "${option}"` })
  }
  const content = yield* Effect.tryPromise({
    try: async () => {
      const file = absolute(path)
      return (await stat(file)).isDirectory() ? readFolder(file) : readFile(file)
    },
    catch: (cause) => new BadUsage({ message: `artifact ${name} cannot be read: ${reason(cause)}` })
  })
  const zip = content instanceof Uint8Array ? content : yield* zipFiles(content)
  return { name, path, zip } satisfies LocalArtifact
})

/**
 * Uploads an artifact to S3 with the credentials of this machine, and returns whether it did. An existing object is kept
 * unless `replace` is set. On an emulator, a missing bucket is created.
 */
export const upload = Effect.fn("upload")(function*(
  artifact: Artifact,
  { zip }: LocalArtifact,
  { emulator, replace }: { readonly emulator: boolean; readonly replace: boolean }
) {
  const { bucketName: Bucket, objectKey: Key } = artifact.location.s3Location
  return yield* Effect.tryPromise({
    try: async () => {
      const s3 = new S3Client({ forcePathStyle: emulator })
      const exists = (await s3.send(new HeadObjectCommand({ Bucket, Key })).catch(() => undefined)) !== undefined
      if (exists && !replace) return false
      if (emulator) await s3.send(new CreateBucketCommand({ Bucket })).catch(() => undefined)
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: zip }))
      return true
    },
    catch: (cause) =>
      new BadUsage({
        message: cause instanceof Error && cause.name === "NoSuchBucket"
          ? `bucket ${Bucket} of the artifact does not exist: create it, or write an event with another bucket by npm run event`
          : `s3://${Bucket}/${Key} could not be written: ${reason(cause)}`
      })
  })
})
