// Reads the files of a job's artifacts.
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { AwsError, AwsUnavailable } from "../domain/AwsError.ts"
import type { Artifact, ArtifactCredentials, Job } from "../domain/Job.ts"
import { nearest } from "../domain/nearest.ts"
import { clientOptions, scopedClient, send } from "../internal/awsCommand.ts"
import { type EntryUnreadable, readEntry } from "../internal/zipEntry.ts"

/** The job has no input artifact of that name. */
export class ArtifactNotFound extends Schema.TaggedError<ArtifactNotFound>()("ArtifactNotFound", {
  artifact: Schema.String,
  /** The names of the artifacts that the job has. */
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    const [closest] = nearest(this.artifact, this.known)
    const known = this.known.map((name) => `"${name}"`).join(", ")
    const advice = closest === undefined
      ? `The action's input artifacts are: ${known === "" ? "none" : known}`
      : `Did you mean "${closest}"?`
    return `Input artifact named "${this.artifact}" not found in event. ${advice}`
  }
}

/** Which file of which artifact, and where the artifact is. */
const place = {
  artifact: Schema.String,
  bucket: Schema.String,
  key: Schema.String,
  file: Schema.String
}

const placeOf = (self: { readonly [Key in keyof typeof place]: string }) =>
  `"${self.file}" in artifact "${self.artifact}" (s3://${self.bucket}/${self.key})`

/** The artifact is missing, is not a zip, is damaged, or has no such file. */
export class ArtifactUnreadable extends Schema.TaggedError<ArtifactUnreadable>()("ArtifactUnreadable", {
  ...place,
  reason: Schema.String
}) {
  override get message() {
    return `Could not read ${placeOf(this)}: ${this.reason}`
  }
}

/** The credentials that came with the job do not allow to read the artifact. */
export class ArtifactDenied extends Schema.TaggedError<ArtifactDenied>()("ArtifactDenied", {
  ...place,
  reason: Schema.String
}) {
  override get message() {
    return `Not permitted to read ${placeOf(this)}: ${this.reason}. ` +
      `The artifact is read with the credentials of the pipeline action's role: it needs s3:GetObject on this object, ` +
      `and kms:Decrypt on its key where the bucket is encrypted with one`
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

/** Reads a file out of an artifact: what makes one {@link ArtifactStore} different from another. */
export type ReadFile = (
  artifact: Artifact,
  credentials: Option.Option<ArtifactCredentials>,
  file: string,
  maxBytes: number
) => Effect.Effect<Uint8Array, EntryUnreadable | AwsError>

/** One request of this size brings all of a small zip, and the directory of all but the largest. */
const tailBytes = 1024 * 1024

const defaultMaxBytes = 1024 * 1024

export class ArtifactStore extends Context.Service<ArtifactStore, {
  /**
   * A file out of the zip of an input artifact, with the credentials that came with the job (those of the function
   * where the event has none). Only the directory of the zip and the file itself are fetched.
   */
  read(
    job: Job,
    file: ArtifactFile
  ): Effect.Effect<Uint8Array, ArtifactNotFound | ArtifactUnreadable | ArtifactDenied | AwsUnavailable>
}>()("effect-codepipeline/services/ArtifactStore") {
  /** Everything but where the artifacts are. */
  static readonly layerReader = (readFile: ReadFile): Layer.Layer<ArtifactStore> =>
    Layer.succeed(ArtifactStore, {
      read: Effect.fn("ArtifactStore.read")(function*(
        job: Job,
        { artifact: name, file, maxBytes = defaultMaxBytes }: ArtifactFile
      ) {
        const artifact = job.inputArtifacts.find((artifact) => artifact.name === name)
        if (artifact === undefined) {
          return yield* new ArtifactNotFound({ artifact: name, known: job.inputArtifacts.map(({ name }) => name) })
        }
        const { bucketName: bucket, objectKey: key } = artifact.location.s3Location
        const where = { artifact: name, bucket, key, file }
        return yield* readFile(artifact, Option.fromNullishOr(job.data.artifactCredentials), file, maxBytes).pipe(
          Effect.catchTags({
            EntryUnreadable: ({ reason }) => Effect.fail(new ArtifactUnreadable({ ...where, reason })),
            AwsRejected: ({ code, detail }) =>
              Effect.fail(new ArtifactUnreadable({ ...where, reason: reasons[code] ?? `${code}: ${detail}` })),
            AwsDenied: ({ code, detail }) => Effect.fail(new ArtifactDenied({ ...where, reason: `${code}: ${detail}` }))
          })
        )
      })
    })

  /**
   * Reads from S3. The region comes from the environment, as the AWS SDK reads it; with an endpoint set for S3
   * (`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`) buckets are addressed by path.
   */
  static readonly layer: Layer.Layer<ArtifactStore> = Layer.unwrap(Effect.gen(function*() {
    const forcePathStyle = yield* Config.String("AWS_ENDPOINT_URL_S3").pipe(
      Config.orElse(() => Config.String("AWS_ENDPOINT_URL")),
      Effect.isSuccess
    )
    const options = { ...clientOptions, forcePathStyle, responseChecksumValidation: "WHEN_REQUIRED" } as const
    const client = yield* scopedClient(() => new S3Client(options))
    return ArtifactStore.layerReader((artifact, credentials, file, maxBytes) =>
      readObject(
        Option.match(credentials, {
          onNone: () => client,
          // Its connections are those of the client that lives as long as the layer.
          onSome: (credentials) =>
            new S3Client({
              ...options,
              requestHandler: client.config.requestHandler,
              credentials: revealed(credentials)
            })
        }),
        artifact,
        file,
        maxBytes
      )
    )
  }))
}

const changed = "PreconditionFailed"

const reasons: Readonly<Record<string, string>> = {
  NoSuchKey: "there is no such object in the bucket",
  NoSuchBucket: "there is no such bucket",
  InvalidRange: "it is empty, not a zip",
  [changed]: "it was replaced while it was read, twice"
}

const revealed = ({ accessKeyId, secretAccessKey, sessionToken }: ArtifactCredentials) => ({
  accessKeyId: Redacted.value(accessKeyId),
  secretAccessKey: Redacted.value(secretAccessKey),
  ...(Predicate.isNotNullish(sessionToken) && { sessionToken: Redacted.value(sessionToken) })
})

/** One request for the end of the zip, and others, of the same version of the object, where that is not enough. */
const readObject = (
  client: Pick<S3Client, "send">,
  { location: { s3Location: { bucketName: Bucket, objectKey: Key } } }: Artifact,
  file: string,
  maxBytes: number
) => {
  const get = (range: { readonly Range: string; readonly IfMatch?: string }) =>
    send(
      "s3:GetObject",
      (options) =>
        client.send(new GetObjectCommand({ Bucket, Key, ...range }), options).then((
          { Body, ContentRange, ETag = "" }
        ) =>
          (Body?.transformToByteArray() ?? Promise.resolve(new Uint8Array())).then((bytes) => ({
            bytes,
            version: ETag,
            size: Number(ContentRange?.split("/")[1] ?? bytes.length)
          }))
        )
    )
  return get({ Range: `bytes=-${tailBytes}` }).pipe(
    Effect.flatMap(({ bytes: tail, size, version }) => {
      const fetch = (start: number, end: number) =>
        Effect.map(get({ Range: `bytes=${start}-${end - 1}`, IfMatch: version }), ({ bytes }) => bytes)
      return readEntry({ size, tail, fetch }, file, maxBytes)
    }),
    Effect.retry({ times: 1, while: (error) => error._tag === "AwsRejected" && error.code === changed })
  )
}
