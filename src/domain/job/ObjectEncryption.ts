// How S3 encrypts an object that is written to it.
import * as Schema from "effect/Schema"

/**
 * A value for PutObject's `x-amz-server-side-encryption`: `AES256` for keys of S3, `aws:kms` for the account's default key
 * (`aws/s3`); or the ARN of a KMS key or alias, which implies `aws:kms`.
 */
export const ObjectEncryption = Schema.String.check(
  Schema.isPattern(/^(?:AES256|aws:kms|arn:[^:\s]+:kms:[^:\s]+:\d{12}:(?:key|alias)\/\S{1,256})$/, {
    expected: "\"AES256\", \"aws:kms\" or the ARN of a KMS key"
  })
)
export type ObjectEncryption = typeof ObjectEncryption.Type
