// Reads files of a job's input artifacts, writes its output artifacts, and uploads templates that are too large for a call.
import { S3Client } from "@aws-sdk/client-s3"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { createHash } from "node:crypto"
import {
  ArtifactDenied,
  type ArtifactLocation,
  ArtifactNotFound,
  ArtifactUnreadable,
  ArtifactUnwritable,
  FileTooLarge,
  UploadFailed
} from "../domain/job/ArtifactErrors.ts"
import type { EntryTooLarge, EntryUnreadable, Files } from "../domain/job/ArtifactFiles.ts"
import type { AwsDenied, AwsError, AwsRejected, AwsUnavailable } from "../domain/job/AwsError.ts"
import type { Artifact, Job } from "../domain/job/Job.ts"
import type { ObjectEncryption } from "../domain/job/ObjectEncryption.ts"
import { templateLimits } from "../domain/stack/Template.ts"
import { objectChanged, putObject, readObject } from "../internal/s3Object.ts"
import { zipFiles } from "../internal/zipFiles.ts"
import { accessOptions, type AwsAccess } from "../runtime/AwsAccess.ts"
import { clientOptions, scopedClient } from "../runtime/AwsClient.ts"
import { liveLayer } from "../runtime/liveLayer.ts"

export {
  ArtifactDenied,
  ArtifactNotFound,
  ArtifactUnreadable,
  ArtifactUnwritable,
  FileTooLarge,
  UploadFailed
} from "../domain/job/ArtifactErrors.ts"

/** A file of an input artifact. */
export interface ArtifactFile {
  /** The name of the artifact in the pipeline. */
  readonly artifact: string
  /** The path of the file in the artifact's zip, with `/`. */
  readonly file: string
  /** The maximum size of the file in bytes. By default 1,000,000, CloudFormation's maximum for a template. */
  readonly maxBytes?: number | undefined
}

/** An output artifact with all its files. */
export interface ArtifactContent {
  /** The name of the artifact in the pipeline. */
  readonly artifact: string
  /** Text or bytes by path, with `/`. They are held in memory, and so is their zip. */
  readonly files: Files
}

/** The location of an input artifact. */
export interface ArtifactPlace {
  readonly bucket: string
  readonly key: string
  /** In the form that CodePipeline's own actions use: `https://s3.REGION.amazonaws.com/BUCKET/KEY`. */
  readonly url: string
}

/** Access to the objects of artifacts: what distinguishes one {@link ArtifactStore} from another. */
export interface ArtifactObjects {
  /** The bytes of a file in an input artifact. Fails if it has more than `maxBytes`. */
  readFile(
    job: Job,
    artifact: Artifact,
    file: string,
    maxBytes: number
  ): Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge | AwsError>
  /** Writes an output artifact: a zip with these files. */
  writeFiles(job: Job, artifact: Artifact, files: Files): Effect.Effect<void, AwsError>
  /** The object's URL, with the bucket in its path. Makes no request. */
  urlOf(bucket: string, key: string): Effect.Effect<string>
  /** Returns the object's URL. */
  upload(
    bucket: string,
    key: string,
    body: Uint8Array,
    encryption: ObjectEncryption | undefined,
    access: AwsAccess | undefined
  ): Effect.Effect<string, AwsError>
}

const defaultMaxBytes = templateLimits.templateUrl

/**
 * Reads the input artifacts of jobs, writes their output artifacts, and uploads templates. Every call is retried
 * until the deadline.
 */
export class ArtifactStore extends Context.Service<ArtifactStore, {
  /**
   * Reads a file from the zip of an input artifact, with the credentials of the job, or those of the function if the
   * event has none. Fetches only the directory of the zip and the file itself.
   */
  read(
    job: Job,
    file: ArtifactFile
  ): Effect.Effect<Uint8Array, ArtifactNotFound | ArtifactUnreadable | FileTooLarge | ArtifactDenied | AwsUnavailable>
  /** The location of an input artifact according to the event. Makes no request. */
  locate(job: Job, artifact: string): Effect.Effect<ArtifactPlace, ArtifactNotFound>
  /**
   * Writes an output artifact with the credentials of the job, before the job succeeds. Idempotent: writing again
   * replaces the artifact.
   *
   * It is encrypted with the pipeline's key. If the pipeline has none, the bucket's default encryption applies, or, if
   * the bucket's policy denies that, `aws:kms` (the policy of the bucket that CodePipeline's console creates requires
   * it) or else `AES256`.
   */
  write(
    job: Job,
    content: ArtifactContent
  ): Effect.Effect<void, ArtifactNotFound | ArtifactUnwritable | ArtifactDenied | AwsUnavailable>
  /**
   * Uploads an object with the function's own credentials and returns its URL. Idempotent: the key is derived from the
   * content. Without `encryption`, the same applies as to output artifacts without a key. With `access`, the call is made
   * with its credentials and in its region: the bucket may belong to another account.
   */
  upload(
    bucket: string,
    body: Uint8Array,
    encryption?: ObjectEncryption,
    access?: AwsAccess
  ): Effect.Effect<string, UploadFailed | AwsUnavailable>
}>()("effect-codepipeline/services/ArtifactStore") {
  /** An artifact store over any storage of objects. */
  static readonly layerObjects = (objects: ArtifactObjects): Layer.Layer<ArtifactStore> =>
    Layer.succeed(ArtifactStore, {
      read: Effect.fn("ArtifactStore.read")(function*(
        job: Job,
        { artifact: name, file, maxBytes = defaultMaxBytes }: ArtifactFile
      ) {
        const artifact = yield* find("input", job.inputArtifacts, name)
        const where = { ...whereIs(artifact), file }
        return yield* objects.readFile(job, artifact, file, maxBytes).pipe(
          Effect.catchTags({
            EntryUnreadable: ({ advice, reason }) =>
              Effect.fail(new ArtifactUnreadable({ ...where, reason, ...(advice !== undefined && { advice }) })),
            EntryTooLarge: ({ bytes }) => Effect.fail(new FileTooLarge({ ...where, bytes, maxBytes })),
            AwsRejected: (error) =>
              Effect.fail(
                new ArtifactUnreadable({
                  ...where,
                  reason: reasonOf(error),
                  ...(error.code === objectArchived &&
                    { advice: "Restore it, or start the pipeline with a new revision" })
                })
              ),
            AwsDenied: (error) => Effect.fail(new ArtifactDenied({ ...where, purpose: "read", ...denialOf(error) }))
          })
        )
      }),
      locate: Effect.fn("ArtifactStore.locate")(function*(job: Job, artifact: string) {
        const { bucket, key } = whereIs(yield* find("input", job.inputArtifacts, artifact))
        return { bucket, key, url: yield* objects.urlOf(bucket, key) }
      }),
      write: Effect.fn("ArtifactStore.write")(function*(job: Job, { artifact: name, files }: ArtifactContent) {
        const artifact = yield* find("output", job.outputArtifacts, name)
        const where = whereIs(artifact)
        yield* objects.writeFiles(job, artifact, files).pipe(
          Effect.catchTags({
            AwsRejected: (error) => Effect.fail(new ArtifactUnwritable({ ...where, reason: reasonOf(error) })),
            AwsDenied: (error) => Effect.fail(new ArtifactDenied({ ...where, purpose: "write", ...denialOf(error) }))
          })
        )
      }),
      upload: Effect.fn("ArtifactStore.upload")(function*(
        bucket: string,
        body: Uint8Array,
        encryption?: ObjectEncryption,
        access?: AwsAccess
      ) {
        const key = `effect-codepipeline/${yield* sha256(body)}`
        const failed = (error: AwsDenied | AwsRejected) =>
          Effect.fail(
            error._tag === "AwsDenied"
              ? new UploadFailed({ bucket, key, denied: true, ...denialOf(error) })
              : new UploadFailed({ bucket, key, denied: false, reason: reasonOf(error) })
          )
        return yield* objects.upload(bucket, key, body, encryption, access).pipe(
          Effect.catchTag(["AwsDenied", "AwsRejected"], failed)
        )
      })
    })

  /**
   * Artifacts in S3. The region comes from the environment, as the AWS SDK reads it. With an endpoint for S3
   * (`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`), buckets are addressed by path.
   */
  static readonly layer: Layer.Layer<ArtifactStore> = liveLayer(Effect.gen(function*() {
    const endpoint = yield* Config.String("AWS_ENDPOINT_URL_S3").pipe(
      Config.orElse(() => Config.String("AWS_ENDPOINT_URL")),
      Effect.option
    )
    const forcePathStyle = Option.isSome(endpoint)
    const options = { forcePathStyle, responseChecksumValidation: "WHEN_REQUIRED" } as const
    const client = yield* scopedClient((shared) => new S3Client({ ...shared, ...options }))
    const clientWith = (access: AwsAccess) =>
      new S3Client({
        ...clientOptions,
        ...options,
        // Share the connections of the client that lives as long as the layer.
        requestHandler: client.config.requestHandler,
        ...accessOptions(access)
      })
    const clientOf = ({ data: { artifactCredentials: credentials } }: Job) =>
      Predicate.isNullish(credentials) ? client : clientWith({ credentials })
    return ArtifactStore.layerObjects({
      readFile: (job, artifact, file, maxBytes) =>
        readObject(clientOf(job), artifact.location.s3Location, file, maxBytes),
      writeFiles: (job, { location: { s3Location } }, files) =>
        Effect.flatMap(zipFiles(files), (Body) =>
          putObject(
            clientOf(job),
            { Bucket: s3Location.bucketName, Key: s3Location.objectKey, Body },
            job.data.encryptionKey?.id
          )),
      urlOf: (Bucket, key) =>
        Effect.map(Effect.promise(client.config.region), (Region) => {
          const { url } = client.config.endpointProvider({
            Bucket,
            Region,
            ForcePathStyle: true,
            Endpoint: Option.getOrUndefined(endpoint)
          })
          return `${url}/${key.split("/").map(encodeURIComponent).join("/")}`
        }),
      upload: (Bucket, Key, Body, encryption, access) =>
        putObject(access === undefined ? client : clientWith(access), { Bucket, Key, Body }, encryption)
    })
  }))
}

const whereIs = ({ location: { s3Location }, name }: Artifact): ArtifactLocation => ({
  artifact: name,
  bucket: s3Location.bucketName,
  key: s3Location.objectKey
})

const find = (direction: "input" | "output", artifacts: ReadonlyArray<Artifact>, name: string) =>
  Effect.suspend(() => {
    const artifact = artifacts.find((artifact) => artifact.name === name)
    return artifact === undefined
      ? Effect.fail(new ArtifactNotFound({ direction, artifact: name, known: artifacts.map(({ name }) => name) }))
      : Effect.succeed(artifact)
  })

const sha256 = (bytes: Uint8Array) => Effect.sync(() => createHash("sha256").update(bytes).digest("hex"))

/** The code of S3's error for an object that has to be restored before it can be read. */
const objectArchived = "InvalidObjectState"

const reasons: Readonly<Record<string, string>> = {
  NoSuchKey: "the object does not exist in the bucket",
  NoSuchBucket: "the bucket does not exist",
  InvalidRange: "it is empty, not a zip",
  [objectArchived]: "the object is in an archive storage class of S3 (Glacier), where it cannot be read",
  [objectChanged]: "it was replaced twice while it was being read"
}

const reasonOf = ({ code, detail }: AwsError) =>
  (Object.hasOwn(reasons, code) ? reasons[code] : undefined) ?? `${code}: ${detail}`

const denialOf = (error: AwsDenied) => ({
  reason: reasonOf(error),
  ...(error.needed !== undefined && { needed: error.needed })
})
