// Reads the files of a job's input artifacts, writes its output artifacts, and uploads what is too large for a call.
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
import { templateLimits } from "../domain/stack/Template.ts"
import { closestMatches } from "../domain/text/closestMatches.ts"
import { objectChanged, putObject, readObject } from "../internal/s3Object.ts"
import { zipFiles } from "../internal/zipFiles.ts"
import { clientOptions, scopedClient } from "../runtime/AwsClient.ts"

/** The job has no artifact of that name. */
export class ArtifactNotFound extends Schema.TaggedError<ArtifactNotFound>()("ArtifactNotFound", {
  direction: Schema.Literals(["input", "output"]),
  artifact: Schema.String,
  /** The names of the artifacts that the job has. */
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    const { artifact, direction, known } = this
    const [closest] = closestMatches(artifact, known)
    const names = known.map((name) => `"${name}"`).join(", ")
    const advice = closest === undefined
      ? `The action's ${direction} artifacts are: ${names === "" ? "none" : names}`
      : `Did you mean "${closest}"?`
    const Direction = direction === "input" ? "Input" : "Output"
    return `${Direction} artifact named "${artifact}" not found in event. ${advice}`
  }
}

/** Which artifact, and where it is. */
const place = { artifact: Schema.String, bucket: Schema.String, key: Schema.String }

type Place = { readonly [Key in keyof typeof place]: string }

const placeOf = ({ artifact, bucket, key }: Place) => `artifact "${artifact}" (s3://${bucket}/${key})`

/** The artifact is missing, is not a zip, is damaged, or has no such file. */
export class ArtifactUnreadable extends Schema.TaggedError<ArtifactUnreadable>()("ArtifactUnreadable", {
  ...place,
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Could not read "${this.file}" in ${placeOf(this)}: ${this.reason}`
  }
}

/** The file is there, and larger than what was asked for allows. */
export class FileTooLarge extends Schema.TaggedError<FileTooLarge>()("FileTooLarge", {
  ...place,
  file: Schema.String,
  bytes: Schema.Int,
  maxBytes: Schema.Int
}) {
  override get message() {
    return `"${this.file}" in ${placeOf(this)} has ${this.bytes} bytes or more; ${this.maxBytes} are allowed`
  }
}

/** The artifact could not be put where the event says. */
export class ArtifactUnwritable extends Schema.TaggedError<ArtifactUnwritable>()("ArtifactUnwritable", {
  ...place,
  reason: Schema.String
}) {
  override get message() {
    return `Could not write ${placeOf(this)}: ${this.reason}`
  }
}

/** The credentials that came with the job do not allow to read, or to write, the artifact. */
export class ArtifactDenied extends Schema.TaggedError<ArtifactDenied>()("ArtifactDenied", {
  ...place,
  purpose: Schema.Literals(["read", "write"]),
  reason: Schema.String
}) {
  override get message() {
    return `Not permitted to ${this.purpose} ${placeOf(this)}: ${this.reason}. ` +
      `That is done with the credentials of the pipeline action's role, which needs ${needed[this.purpose]}`
  }
}

const needed = {
  read: "s3:GetObject on this object, and kms:Decrypt on its key where the bucket is encrypted with one",
  write: "s3:PutObject on this object, and kms:GenerateDataKey on its key where the bucket is encrypted with one"
}

/** An object of the function's own could not be uploaded. */
export class UploadFailed extends Schema.TaggedError<UploadFailed>()("UploadFailed", {
  bucket: Schema.String,
  key: Schema.String,
  denied: Schema.Boolean,
  reason: Schema.String
}) {
  override get message() {
    return `Could not upload to s3://${this.bucket}/${this.key}: ${this.reason}` +
      (this.denied ? ". The role of the Lambda function needs s3:PutObject on this object" : "")
  }
}

/** A file of an input artifact. */
export interface ArtifactFile {
  /** The name of the artifact in the pipeline. */
  readonly artifact: string
  /** The path of the file in the artifact's zip, with `/`. */
  readonly file: string
  /** How many bytes the file may have; 1 MiB, the most that CloudFormation takes as a template, when left out. */
  readonly maxBytes?: number | undefined
}

/** An output artifact, with all its files. */
export interface ArtifactContent {
  /** The name of the artifact in the pipeline. */
  readonly artifact: string
  /** Text or bytes by path, with `/`. They are held in memory, and so is their zip. */
  readonly files: Files
}

/** Where an input artifact is. */
export interface ArtifactPlace {
  readonly bucket: string
  readonly key: string
  /** Of the form that CodePipeline's own actions give: `https://s3.REGION.amazonaws.com/BUCKET/KEY`. */
  readonly url: string
}

/** Where artifacts are: what makes one {@link ArtifactStore} different from another. */
export interface ArtifactObjects {
  readFile(
    job: Job,
    artifact: Artifact,
    file: string,
    maxBytes: number
  ): Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge | AwsError>
  writeFiles(job: Job, artifact: Artifact, files: Files): Effect.Effect<void, AwsError>
  /** The object's URL, with the bucket in its path. Nothing is asked for it. */
  urlOf(bucket: string, key: string): Effect.Effect<string>
  /** Gives the object's URL. */
  upload(bucket: string, key: string, body: Uint8Array): Effect.Effect<string, AwsError>
}

const defaultMaxBytes = templateLimits.templateUrl

export class ArtifactStore extends Context.Service<ArtifactStore, {
  /**
   * A file out of the zip of an input artifact, with the credentials that came with the job (those of the function
   * where the event has none). Only the directory of the zip and the file itself are fetched.
   */
  read(
    job: Job,
    file: ArtifactFile
  ): Effect.Effect<Uint8Array, ArtifactNotFound | ArtifactUnreadable | FileTooLarge | ArtifactDenied | AwsUnavailable>
  /** Where an input artifact is, as the event says: S3 is not asked. */
  locate(job: Job, artifact: string): Effect.Effect<ArtifactPlace, ArtifactNotFound>
  /**
   * Writes an output artifact, with the credentials that came with the job and, where the pipeline has one, its
   * encryption key. Has to be done before the job succeeds; doing it again replaces the artifact.
   */
  write(
    job: Job,
    content: ArtifactContent
  ): Effect.Effect<void, ArtifactNotFound | ArtifactUnwritable | ArtifactDenied | AwsUnavailable>
  /**
   * Uploads to a bucket of your own with the function's own credentials, under a key made of the content, and gives the
   * URL: uploading the same again is harmless.
   */
  upload(bucket: string, body: Uint8Array): Effect.Effect<string, UploadFailed | AwsUnavailable>
}>()("effect-codepipeline/services/ArtifactStore") {
  /** Everything but where the artifacts are. */
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
            EntryUnreadable: ({ reason }) => Effect.fail(new ArtifactUnreadable({ ...where, reason })),
            EntryTooLarge: ({ bytes }) => Effect.fail(new FileTooLarge({ ...where, bytes, maxBytes })),
            AwsRejected: (error) => Effect.fail(new ArtifactUnreadable({ ...where, reason: reasonOf(error) })),
            AwsDenied: (error) =>
              Effect.fail(new ArtifactDenied({ ...where, purpose: "read", reason: reasonOf(error) }))
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
            AwsDenied: (error) =>
              Effect.fail(new ArtifactDenied({ ...where, purpose: "write", reason: reasonOf(error) }))
          })
        )
      }),
      upload: Effect.fn("ArtifactStore.upload")(function*(bucket: string, body: Uint8Array) {
        const key = `effect-codepipeline/${yield* sha256(body)}`
        const failed = (error: AwsDenied | AwsRejected) =>
          Effect.fail(new UploadFailed({ bucket, key, denied: error._tag === "AwsDenied", reason: reasonOf(error) }))
        return yield* objects.upload(bucket, key, body).pipe(Effect.catchTag(["AwsDenied", "AwsRejected"], failed))
      })
    })

  /**
   * Reads from S3. The region comes from the environment, as the AWS SDK reads it; with an endpoint set for S3
   * (`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`) buckets are addressed by path.
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
        // Its connections are those of the client that lives as long as the layer.
        requestHandler: client.config.requestHandler,
        credentials: revealed(artifactCredentials)
      })
    return ArtifactStore.layerObjects({
      readFile: (job, artifact, file, maxBytes) =>
        readObject(clientOf(job), artifact.location.s3Location, file, maxBytes),
      writeFiles: (job, { location: { s3Location } }, files) =>
        Effect.flatMap(zipFiles(files), (Body) =>
          putObject(clientOf(job), {
            Bucket: s3Location.bucketName,
            Key: s3Location.objectKey,
            Body,
            ...(job.data.encryptionKey && { ServerSideEncryption: "aws:kms", SSEKMSKeyId: job.data.encryptionKey.id })
          })),
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
      upload: (Bucket, Key, Body) => putObject(client, { Bucket, Key, Body })
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

const reasons: Readonly<Record<string, string>> = {
  NoSuchKey: "there is no such object in the bucket",
  NoSuchBucket: "there is no such bucket",
  InvalidRange: "it is empty, not a zip",
  [objectChanged]: "it was replaced while it was read, twice"
}

const reasonOf = ({ code, detail }: AwsError) => reasons[code] ?? `${code}: ${detail}`

const revealed = ({ accessKeyId, secretAccessKey, sessionToken }: ArtifactCredentials) => ({
  accessKeyId: Redacted.value(accessKeyId),
  secretAccessKey: Redacted.value(secretAccessKey),
  ...(Predicate.isNotNullish(sessionToken) && { sessionToken: Redacted.value(sessionToken) })
})
