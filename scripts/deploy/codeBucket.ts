// The bucket that the functions' code is in.
import { HeadObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../src/domain/job/AwsError.ts"
import { putObject } from "../../src/internal/s3Object.ts"
import { callAws } from "../../src/runtime/AwsClient.ts"

/** The account, as these credentials see it, does not allow the deployment. */
export class AccountNotReady extends Schema.TaggedError<AccountNotReady>()("AccountNotReady", {
  message: Schema.String
}) {}

const needs = "s3:ListBucket on it, and s3:GetObject and s3:PutObject on its objects"

const elsewhere: ReadonlySet<string> = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException"
])

const strangers: ReadonlySet<string> = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidToken",
  "ExpiredToken",
  "ExpiredTokenException"
])

/** What to do about an answer of S3. */
const advice = (bucket: string, region: string, { _tag, code, detail, message }: AwsError): string => {
  if (code === "NoSuchBucket") {
    return `There is no bucket "${bucket}". Make it: aws s3 mb s3://${bucket} --region ${region}`
  }
  if (elsewhere.has(code)) {
    return `Bucket "${bucket}" is not in ${region}: Lambda takes code from buckets of its own region. ` +
      "Name another bucket, or the bucket's --region"
  }
  if (strangers.has(code)) return `AWS does not take your credentials (${code}: ${detail}). Sign in again`
  return _tag === "AwsDenied"
    ? `Your credentials may not use bucket "${bucket}" (${code}: ${detail}). They need ${needs}`
    : message
}

const refused = (bucket: string, region: string) => (error: AwsError) =>
  Effect.fail(new AccountNotReady({ message: advice(bucket, region, error) }))

export const openBucket = (client: S3Client, bucket: string, region: string) => ({
  urlOf: (key: string) => `s3://${bucket}/${key}`,

  /** Fails where the bucket cannot be used; asks S3 with a call that answers in words, as HeadBucket does not. */
  check: callAws(
    "s3:ListBucket",
    (options) => client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), options)
  ).pipe(Effect.asVoid, Effect.catch(refused(bucket, region))),

  /** The first thousand keys that begin so, the newest last. */
  keys: (prefix: string) =>
    callAws(
      "s3:ListBucket",
      (options) => client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }), options)
    ).pipe(
      Effect.map(({ Contents = [] }) =>
        Contents.toSorted((a, b) => (a.LastModified?.getTime() ?? 0) - (b.LastModified?.getTime() ?? 0))
          .map(({ Key = "" }) => Key)
      ),
      Effect.catch(refused(bucket, region))
    ),

  /** Whether there is such an object. */
  has: (key: string) =>
    callAws("s3:GetObject", (options) => client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), options))
      .pipe(
        Effect.as(true),
        Effect.catchIf(({ code }) => code === "NotFound" || code === "NoSuchKey", () => Effect.succeed(false)),
        Effect.catch(refused(bucket, region))
      ),

  put: (key: string, body: Uint8Array) =>
    putObject(client, { Bucket: bucket, Key: key, Body: body }).pipe(
      Effect.asVoid,
      Effect.catch(refused(bucket, region))
    )
})
