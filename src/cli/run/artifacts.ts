// Artifacts from this machine: packs them, and uploads them to their location in an event.
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException
} from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import { readdir, readFile, stat } from "node:fs/promises"
import { basename, join, relative } from "node:path"
import type { Files } from "../../domain/job/ArtifactFiles.ts"
import type { Artifact } from "../../domain/job/Job.ts"
import { templateLimits } from "../../domain/stack/Template.ts"
import { readEntry } from "../../internal/zipEntry.ts"
import { zipFiles } from "../../internal/zipFiles.ts"
import { normalizePath } from "../../internal/zipNames.ts"
import { entriesOf } from "../../internal/zipRecords.ts"
import { BadUsage, badUsage, notRead, reason } from "../commandLine/usage.ts"

export interface LocalArtifact {
  readonly name: string
  /** The file or folder that it was read from. */
  readonly path: string
  readonly zip: Uint8Array
  /** Its files; of a zip, only the templates. */
  readonly files: Files
  /** The path of the template in the zip, if only a template was packed. */
  readonly file?: string
}

/** An artifact of the event, and what is to be at its location. */
export interface GivenArtifact {
  readonly artifact: Artifact
  readonly local: LocalArtifact
}

/** The files of a folder by their relative path. */
const readFolder = async (folder: string): Promise<Files> => {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files: Record<string, Uint8Array> = {}
  // One after another: of thousands of files, the process may not open all at once.
  for (const path of paths) files[relative(folder, path).replaceAll("\\", "/")] = await readFile(path)
  return files
}

/** Whether a file is a template, by its extension. As an artifact, any other file is a zip. */
const isTemplate = (path: string) => /\.(?:json|template|ya?ml)$/i.test(path)

/** The templates in a zip that can be read. */
const templatesIn = (zip: Uint8Array): Effect.Effect<Files> => {
  const source = {
    size: zip.length,
    tail: zip,
    fetch: (start: number, end: number) => Effect.succeed(zip.subarray(start, end))
  }
  const names = new Set(Array.from(entriesOf(Buffer.from(zip)), ({ name }) => normalizePath(name)).filter(isTemplate))
  return Effect.forEach(names, (name) =>
    readEntry(source, name, templateLimits.templateUrl).pipe(
      Effect.match({ onFailure: () => [], onSuccess: (content) => [[name, content] as const] })
    )).pipe(Effect.map((files) => Object.fromEntries(files.flat())))
}

const parts = (option: string) => {
  const name = option.slice(0, Math.max(0, option.indexOf("=")))
  const path = option.slice(name.length + 1)
  return name === "" || path === ""
    ? badUsage(`--artifact takes NAME=PATH, not "${option}"`)
    : Effect.succeed({ name, path })
}

/** The name in `NAME=PATH`. */
export const artifactName = (option: string) => Effect.map(parts(option), ({ name }) => name)

/**
 * `NAME=PATH`; the path is that of a zip, of a folder, which is packed into one, or of a template. A template is packed
 * under its own name, and under that of the template in the event.
 */
export const readArtifact = Effect.fn("readArtifact")(
  function*(
    option: string,
    templateFile: (artifact: string) => string | undefined = () => undefined
  ): Effect.fn.Return<LocalArtifact, BadUsage> {
    const { name, path } = yield* parts(option)
    const content = yield* Effect.tryPromise({
      try: async () => {
        return (await stat(path)).isDirectory() ? readFolder(path) : readFile(path)
      },
      catch: (cause) => new BadUsage({ message: notRead(`the artifact ${name}=${path}`, cause) })
    })
    if (!(content instanceof Uint8Array)) {
      return { name, path, files: content, zip: yield* zipFiles(content) }
    }
    if (!isTemplate(path)) return { name, path, files: yield* templatesIn(content), zip: content }
    const own = basename(path)
    const file = templateFile(name) ?? own
    const files = { [own]: content, [file]: content }
    return { name, path, files, file, zip: yield* zipFiles(files) }
  }
)

const locationOf = ({ location: { s3Location: { bucketName, objectKey } } }: Artifact) => ({
  Bucket: bucketName,
  Key: objectKey,
  url: `s3://${bucketName}/${objectKey}`
})

/** Whether the location of an artifact has no object, the same one or another; or why nobody knows. */
const compare = async (s3: S3Client, { artifact, local: { zip } }: GivenArtifact) => {
  const { Bucket, Key } = locationOf(artifact)
  try {
    const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket, Key }))
    if (ContentLength !== zip.length) return "different"
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    return Buffer.from(zip).equals(await Body?.transformToByteArray() ?? new Uint8Array()) ? "equal" : "different"
  } catch (cause) {
    return cause instanceof S3ServiceException && cause.$metadata.httpStatusCode === 404
      ? "missing"
      : { unknown: reason(cause) }
  }
}

interface UploadOptions {
  /** An emulator is ours: a missing bucket is created. */
  readonly emulator: boolean
  /** Another object is kept, replaced, or refused. */
  readonly ifDifferent: "keep" | "replace" | "refuse"
}

const mustUpload = Effect.fn("mustUpload")(
  function*(s3: S3Client, given: GivenArtifact, { ifDifferent }: UploadOptions) {
    const found = yield* Effect.promise(() => compare(s3, given))
    if (found === "missing" || found === "equal") return found === "missing"
    if (ifDifferent !== "refuse") return ifDifferent === "replace" || found !== "different"
    const { url } = locationOf(given.artifact)
    return yield* new BadUsage({
      message: found === "different"
        ? `${url} differs from ${given.local.path}: add --yes to overwrite it, or write an event with another location by ` +
          "npx effect-codepipeline event"
        : `${url} cannot be compared with ${given.local.path} (${found.unknown}): add --yes to write it all the same`
    })
  }
)

/**
 * Uploads artifacts to S3 with the credentials of this machine, and returns those that it uploaded. An equal object is
 * kept. Nothing is uploaded if one is refused.
 */
export const upload = Effect.fn("upload")(function*(artifacts: ReadonlyArray<GivenArtifact>, options: UploadOptions) {
  const s3 = new S3Client({ forcePathStyle: options.emulator })
  const pending = yield* Effect.filter(artifacts, (given) => mustUpload(s3, given, options))
  yield* Effect.forEach(pending, ({ artifact, local: { zip } }) => {
    const { Bucket, Key, url } = locationOf(artifact)
    return Effect.tryPromise({
      try: async () => {
        if (options.emulator) await s3.send(new CreateBucketCommand({ Bucket })).catch(() => undefined)
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: zip }))
      },
      catch: (cause) =>
        new BadUsage({
          message: cause instanceof Error && cause.name === "NoSuchBucket"
            ? `bucket ${Bucket} of the artifact does not exist: create it, or write an event with another bucket by ` +
              "npx effect-codepipeline event"
            : `${url} could not be written: ${reason(cause)}`
        })
    })
  }, { discard: true })
  return pending
})
