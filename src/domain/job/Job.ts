// The event that CodePipeline sends to a Lambda action, in AWS's own shape. What is used is decoded strictly, what is
// not is left alone: AWS adds fields, and tools that make test events leave fields out.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { problems } from "../text/problems.ts"

/** Names the job in every report. AWS's own example id is not a UUID, so any text will do. */
export const JobId = Schema.NonEmptyString.pipe(Schema.brand("JobId"))
export type JobId = typeof JobId.Type

/** AWS leaves out, or sends as `null`, what does not apply. */
const absent = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const secret = (label: string) => Schema.RedactedFromValue(Schema.NonEmptyString, { label, disallowEncode: true })

/** Temporary credentials of the pipeline action's role, good for the job's artifacts only. */
export const ArtifactCredentials = Schema.Struct({
  accessKeyId: secret("accessKeyId"),
  secretAccessKey: secret("secretAccessKey"),
  sessionToken: absent(secret("sessionToken"))
})
export type ArtifactCredentials = typeof ArtifactCredentials.Type

/** The name of a bucket, as S3 takes it for one. */
export const BucketName = Schema.String.check(Schema.isPattern(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/, {
  expected: "the name of a bucket"
}))

/** Whatever an example may have; only not a path, which would make the URL of the object another one. */
const artifactBucket = Schema.String.check(
  Schema.isPattern(/^(?!\.{1,2}$)[^/]+$/, { expected: "the name of a bucket" })
)

/** Where an input artifact is, or where an output artifact has to go. It is always a zip. */
export const Artifact = Schema.Struct({
  name: Schema.NonEmptyString,
  revision: absent(Schema.String),
  location: Schema.Struct({
    s3Location: Schema.Struct({ bucketName: artifactBucket, objectKey: Schema.NonEmptyString })
  })
})
export type Artifact = typeof Artifact.Type

/** The key with which CodePipeline encrypts the artifacts of this pipeline, where it is not S3's own. */
export const EncryptionKey = Schema.Struct({ id: Schema.NonEmptyString, type: Schema.String })
export type EncryptionKey = typeof EncryptionKey.Type

/**
 * One job: what CodePipeline wants one invocation to do, or to go on with. The shape is that of the action
 * `GetJobDetails` of CodePipeline's API, without `actionTypeId` and `pipelineContext`.
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
  /** The text of the action's `UserParameters`; empty where the pipeline has none. */
  get userParameters(): string {
    return this.data.actionConfiguration?.configuration?.UserParameters ?? ""
  }

  /** What the job before this one left for it. None: this job begins the action. */
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

/** Nobody can be told that this event is wrong but its sender: without a job id there is nothing to report on. */
export class NotAJobEvent extends Schema.TaggedError<NotAJobEvent>()("NotAJobEvent", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `This is not the event of a CodePipeline job: ${this.problems.join("; ")}. ` +
      "This function is for an action of CodePipeline with the provider Lambda, or for a test event of such a job"
  }
}

/** The event names a job but cannot be worked on. */
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

/** The id first: it is all that is needed to report, whatever else is wrong with the event. */
export const decodeJobId = (event: unknown): Effect.Effect<JobId, NotAJobEvent> =>
  decodeEnvelope(event).pipe(
    Effect.map((envelope) => envelope["CodePipeline.job"].id),
    Effect.mapError(({ issue }) => new NotAJobEvent({ problems: problems("the event", issue, event, unquoted) }))
  )

/** Credentials are redacted from here on. */
export const decodeJob = (event: unknown): Effect.Effect<Job, JobInvalid> =>
  decodeWhole(event, { errors: "all" }).pipe(
    Effect.map((envelope) => envelope["CodePipeline.job"]),
    Effect.mapError(({ issue }) => new JobInvalid({ problems: problems("the event", issue, event, unquoted) }))
  )
