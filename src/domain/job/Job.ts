// The event that CodePipeline sends to a Lambda action, in AWS's own shape. The used fields are decoded strictly, all
// others are ignored: AWS adds fields, and tools that make test events omit some.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { problems } from "../text/problems.ts"

/** Identifies the job in its report. AWS's own example id is not a UUID, so any text is accepted. */
export const JobId = Schema.NonEmptyString.pipe(Schema.brand("JobId"))
export type JobId = typeof JobId.Type

/** AWS omits fields that do not apply, or sends them as `null`. */
const absent = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const secret = (label: string) => Schema.RedactedFromValue(Schema.NonEmptyString, { label, disallowEncode: true })

/** Temporary credentials of the pipeline action's role, for the job's artifacts only. */
export const ArtifactCredentials = Schema.Struct({
  accessKeyId: secret("accessKeyId"),
  secretAccessKey: secret("secretAccessKey"),
  sessionToken: absent(secret("sessionToken"))
})
export type ArtifactCredentials = typeof ArtifactCredentials.Type

/** The name of an S3 bucket. */
export const BucketName = Schema.String.check(Schema.isPattern(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/, {
  expected: "the name of a bucket"
}))

/** Accepts the names of examples, but not a path, which would change the URL of the object. */
const artifactBucket = Schema.String.check(
  Schema.isPattern(/^(?!\.{1,2}$)[^/]+$/, { expected: "the name of a bucket" })
)

/** The location of an input artifact, or the destination of an output artifact. Both are zips. */
export const Artifact = Schema.Struct({
  name: Schema.NonEmptyString,
  revision: absent(Schema.String),
  location: Schema.Struct({
    s3Location: Schema.Struct({ bucketName: artifactBucket, objectKey: Schema.NonEmptyString })
  })
})
export type Artifact = typeof Artifact.Type

/** The KMS key that encrypts the artifacts of this pipeline, unless it is the default key of S3. */
export const EncryptionKey = Schema.Struct({ id: Schema.NonEmptyString, type: Schema.String })
export type EncryptionKey = typeof EncryptionKey.Type

/**
 * One job: the work of one invocation. Source: the action `GetJobDetails` of CodePipeline's API; the event has no
 * `actionTypeId` and no `pipelineContext`.
 */
export class Job extends Schema.Class<Job>("effect-codepipeline/domain/Job")({
  id: JobId,
  accountId: absent(Schema.String),
  data: Schema.Struct({
    actionConfiguration: absent(Schema.Struct({
      configuration: absent(Schema.Struct({ UserParameters: absent(Schema.String) }))
    })),
    inputArtifacts: absent(Schema.Array(Artifact)),
    outputArtifacts: absent(Schema.Array(Artifact)),
    artifactCredentials: absent(ArtifactCredentials),
    encryptionKey: absent(EncryptionKey),
    continuationToken: absent(Schema.String)
  })
}) {
  /** The text of the action's `UserParameters`; empty if the pipeline has none. */
  get userParameters(): string {
    return this.data.actionConfiguration?.configuration?.UserParameters ?? ""
  }

  /** The token that the previous job of the action left. None: this is the action's first job. */
  get continuationToken(): Option.Option<string> {
    return Option.fromNullishOr(this.data.continuationToken).pipe(Option.filter((token) => token !== ""))
  }

  get inputArtifacts(): ReadonlyArray<Artifact> {
    return this.data.inputArtifacts ?? []
  }

  get outputArtifacts(): ReadonlyArray<Artifact> {
    return this.data.outputArtifacts ?? []
  }
}

/** The event has no job id, so that no failure can be reported. */
export class NotAJobEvent extends Schema.TaggedError<NotAJobEvent>()("NotAJobEvent", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `This is not the event of a CodePipeline job: ${this.problems.join("; ")}. ` +
      "This function is for an action of CodePipeline with the provider Lambda, or for a test event of such a job"
  }
}

/** The event names a job, but is invalid otherwise. */
export class JobInvalid extends Schema.TaggedError<JobInvalid>()("JobInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The event of this job could not be read: ${this.problems.join("; ")}`
  }
}

/** Any part of an event may be a credential. */
const unquoted = { quote: false }

const envelope = <S extends Schema.Constraint>(job: S) => Schema.Struct({ "CodePipeline.job": job })

const decodeEnvelope = Schema.decodeUnknownEffect(envelope(Schema.Struct({ id: JobId })))
const decodeWhole = Schema.decodeUnknownEffect(envelope(Job))

/** Decodes only the id, which suffices to report a failure if the rest of the event is invalid. */
export const decodeJobId = (event: unknown): Effect.Effect<JobId, NotAJobEvent> =>
  decodeEnvelope(event).pipe(
    Effect.map((envelope) => envelope["CodePipeline.job"].id),
    Effect.mapError(({ issue }) => new NotAJobEvent({ problems: problems("the event", issue, event, unquoted) }))
  )

/** Decodes the event. Credentials are redacted in the result. */
export const decodeJob = (event: unknown): Effect.Effect<Job, JobInvalid> =>
  decodeWhole(event, { errors: "all" }).pipe(
    Effect.map((envelope) => envelope["CodePipeline.job"]),
    Effect.mapError(({ issue }) => new JobInvalid({ problems: problems("the event", issue, event, unquoted) }))
  )
