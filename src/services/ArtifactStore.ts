// Reads files of a job's input artifacts, writes its output artifacts, and uploads templates that are too large for a call.
import { S3Client } from "@aws-sdk/client-s3"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { EntryTooLarge, EntryUnreadable, Files } from "../domain/job/ArtifactFiles.ts"
import type { AwsDenied, AwsError, AwsRejected, AwsUnavailable } from "../domain/job/AwsError.ts"
import type { Artifact, ArtifactCredentials, Job } from "../domain/job/Job.ts"
import type { ObjectEncryption } from "../domain/job/ObjectEncryption.ts"
import { templateLimits } from "../domain/stack/Template.ts"
import { closestMatches } from "../domain/text/closestMatches.ts"
import { sentences } from "../domain/text/sentences.ts"
import { objectChanged, putObject, readObject } from "../internal/s3Object.ts"
import { zipFiles } from "../internal/zipFiles.ts"
import { clientOptions, scopedClient } from "../runtime/AwsClient.ts"

/** The job has no artifact of this name. */
export class ArtifactNotFound extends Schema.TaggedError<ArtifactNotFound>()("ArtifactNotFound", {
  direction: Schema.Literals(["input", "output"]),
  artifact: Schema.String,
  /** The names of the job's artifacts. */
  known: Schema.Array(Schema.String)
}) {
  get problem() {
    return `${this.direction === "input" ? "Input" : "Output"} artifact named "${this.artifact}" not found in event`
  }
  get advice() {
    const [closest] = closestMatches(this.artifact, this.known)
    if (closest !== undefined) return `Did you mean "${closest}"?`
    const names = this.known.map((name) => `"${name}"`).join(", ")
    return `The action's ${this.direction} artifacts are: ${names === "" ? "none" : names}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** An artifact and its location. */
const place = { artifact: Schema.String, bucket: Schema.String, key: Schema.String }

type Place = { readonly [Key in keyof typeof place]: string }

const placeOf = ({ artifact, bucket, key }: Place) => `artifact "${artifact}" (s3://${bucket}/${key})`

/** The artifact does not exist, is not a zip, is damaged, or does not contain the file. */
export class ArtifactUnreadable extends Schema.TaggedError<ArtifactUnreadable>()("ArtifactUnreadable", {
  ...place,
  file: Schema.String,
  reason: Schema.String,
  advice: Schema.optionalKey(Schema.String)
}) {
  get problem() {
    return `Could not read "${this.file}" in ${placeOf(this)}: ${this.reason}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The file exists, but has more bytes than the caller allows. */
export class FileTooLarge extends Schema.TaggedError<FileTooLarge>()("FileTooLarge", {
  ...place,
  file: Schema.String,
  bytes: Schema.Int,
  maxBytes: Schema.Int
}) {
  override get message() {
    return `"${this.file}" in ${placeOf(this)} has ${this.bytes} bytes or more; the maximum is ${this.maxBytes}`
  }
}

/** S3 rejected the output artifact. */
export class ArtifactUnwritable extends Schema.TaggedError<ArtifactUnwritable>()("ArtifactUnwritable", {
  ...place,
  reason: Schema.String
}) {
  override get message() {
    return `Could not write ${placeOf(this)}: ${this.reason}`
  }
}

/** The credentials of the job do not permit reading, or writing, the artifact, or S3 does not accept them. */
export class ArtifactDenied extends Schema.TaggedError<ArtifactDenied>()("ArtifactDenied", {
  ...place,
  purpose: Schema.Literals(["read", "write"]),
  reason: Schema.String,
  /** The permission that is missing according to S3, or that the call needs; none if S3 does not accept the credentials. */
  needed: Schema.optionalKey(Schema.String)
}) {
  get problem() {
    return `Not permitted to ${this.purpose} ${placeOf(this)}: ${this.reason}`
  }
  get advice() {
    const { needed, purpose } = this
    if (needed === undefined) return undefined
    if (isKms(needed)) return `${actionRole} ${needed} on the key that the object is encrypted with`
    return needed === "s3:ListBucket" ? probablyMissing : `${actionRole} ${permissions[purpose]}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** S3 then shows that neither a missing object nor a header is the cause. */
const isKms = (permission: string) => permission.startsWith("kms:")

const actionRole = "The request had the credentials of the pipeline action's role, which needs"

/** S3 checks this permission when a request is for an object that does not exist. */
const probablyMissing = "The object probably does not exist: with s3:ListBucket on the bucket, S3 would say so"

const permissions = {
  read:
    "s3:GetObject on this object, and kms:Decrypt on its key if it is encrypted with a KMS key. Or the object does " +
    "not exist: S3 denies reading it then, unless the role has s3:ListBucket on the bucket",
  write: "s3:PutObject on this object, and kms:GenerateDataKey on its key if it is encrypted with a KMS key. Or the " +
    "bucket's policy requires another x-amz-server-side-encryption header: the request had aws:kms with the pipeline's " +
    "key, or, if the pipeline has none, no header, then aws:kms, then AES256"
}

/** An object could not be uploaded with the function's own credentials. */
export class UploadFailed extends Schema.TaggedError<UploadFailed>()("UploadFailed", {
  bucket: Schema.String,
  key: Schema.String,
  denied: Schema.Boolean,
  reason: Schema.String,
  /** If denied: the permission that is missing according to S3, or that the call needs; none if S3 does not accept the credentials. */
  needed: Schema.optionalKey(Schema.String)
}) {
  get problem() {
    return `Could not upload to s3://${this.bucket}/${this.key}: ${this.reason}`
  }
  get advice() {
    const { needed } = this
    if (needed === undefined) return undefined
    return `The role of the Lambda function needs ${
      isKms(needed) ? `${needed} on the key of the object` : uploadPermissions
    }`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

const uploadPermissions =
  "s3:PutObject on this object, and kms:GenerateDataKey on its key if it is encrypted with a KMS " +
  "key. Or the bucket's policy requires another x-amz-server-side-encryption header: without " +
  "\"templateBucketEncryption\", the upload is tried without a header, then with aws:kms, then with AES256"

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
  readFile(
    job: Job,
    artifact: Artifact,
    file: string,
    maxBytes: number
  ): Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge | AwsError>
  writeFiles(job: Job, artifact: Artifact, files: Files): Effect.Effect<void, AwsError>
  /** The object's URL, with the bucket in its path. Makes no request. */
  urlOf(bucket: string, key: string): Effect.Effect<string>
  /** Returns the object's URL. */
  upload(
    bucket: string,
    key: string,
    body: Uint8Array,
    encryption: ObjectEncryption | undefined
  ): Effect.Effect<string, AwsError>
}

const defaultMaxBytes = templateLimits.templateUrl

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
   * content. Without `encryption`, the same applies as to output artifacts without a key.
   */
  upload(
    bucket: string,
    body: Uint8Array,
    encryption?: ObjectEncryption
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
        encryption?: ObjectEncryption
      ) {
        const key = `effect-codepipeline/${yield* sha256(body)}`
        const failed = (error: AwsDenied | AwsRejected) =>
          Effect.fail(
            error._tag === "AwsDenied"
              ? new UploadFailed({ bucket, key, denied: true, ...denialOf(error) })
              : new UploadFailed({ bucket, key, denied: false, reason: reasonOf(error) })
          )
        return yield* objects.upload(bucket, key, body, encryption).pipe(
          Effect.catchTag(["AwsDenied", "AwsRejected"], failed)
        )
      })
    })

  /**
   * Artifacts in S3. The region comes from the environment, as the AWS SDK reads it. With an endpoint for S3
   * (`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`), buckets are addressed by path.
   */
  static readonly layer: Layer.Layer<ArtifactStore> = Layer.unwrap(Effect.gen(function*() {
    const endpoint = yield* Config.String("AWS_ENDPOINT_URL_S3").pipe(
      Config.orElse(() => Config.String("AWS_ENDPOINT_URL")),
      Effect.option
    )
    const forcePathStyle = Option.isSome(endpoint)
    const options = { forcePathStyle, responseChecksumValidation: "WHEN_REQUIRED" } as const
    const client = yield* scopedClient((shared) => new S3Client({ ...shared, ...options }))
    const clientOf = ({ data: { artifactCredentials } }: Job) =>
      Predicate.isNullish(artifactCredentials) ? client : new S3Client({
        ...clientOptions,
        ...options,
        // Share the connections of the client that lives as long as the layer.
        requestHandler: client.config.requestHandler,
        credentials: revealed(artifactCredentials)
      })
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
      upload: (Bucket, Key, Body, encryption) => putObject(client, { Bucket, Key, Body }, encryption)
    })
  }))
}

const whereIs = ({ location: { s3Location }, name }: Artifact): Place => ({
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

const reasonOf = ({ code, detail }: AwsError) => reasons[code] ?? `${code}: ${detail}`

const denialOf = (error: AwsDenied) => ({
  reason: reasonOf(error),
  ...(error.needed !== undefined && { needed: error.needed })
})

const revealed = ({ accessKeyId, secretAccessKey, sessionToken }: ArtifactCredentials) => ({
  accessKeyId: Redacted.value(accessKeyId),
  secretAccessKey: Redacted.value(secretAccessKey),
  ...(Predicate.isNotNullish(sessionToken) && { sessionToken: Redacted.value(sessionToken) })
})
