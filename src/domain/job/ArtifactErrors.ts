// Why an artifact cannot be found, read or written.
import * as Schema from "effect/Schema"
import { closestMatches } from "../text/closestMatches.ts"
import { quotedNames } from "../text/lists.ts"
import { capitalized, sentences } from "../text/sentences.ts"

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
    return `The action's ${this.direction} artifacts are: ${quotedNames(this.known) || "none"}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** An artifact and its location. */
const place = { artifact: Schema.String, bucket: Schema.String, key: Schema.String }

export type ArtifactLocation = { readonly [Key in keyof typeof place]: string }

const placeOf = ({ artifact, bucket, key }: ArtifactLocation) => `artifact "${artifact}" (s3://${bucket}/${key})`

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
  needed: Schema.optionalKey(Schema.String),
  /** The role of the call, in words. Default: that of the function. */
  role: Schema.optionalKey(Schema.String)
}) {
  get problem() {
    return `Could not upload to s3://${this.bucket}/${this.key}: ${this.reason}`
  }
  get advice() {
    const { needed, role = "the role of the Lambda function" } = this
    if (needed === undefined) return undefined
    return `${capitalized(role)} needs ${isKms(needed) ? `${needed} on the key of the object` : uploadPermissions}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

const uploadPermissions =
  "s3:PutObject on this object, and kms:GenerateDataKey on its key if it is encrypted with a KMS " +
  "key. Or the bucket's policy requires another x-amz-server-side-encryption header: without " +
  "\"templateBucketEncryption\", the upload is tried without a header, then with aws:kms, then with AES256"
