// The bucket with the functions' code.
import { HeadObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import type { AwsError } from "../../../domain/job/AwsError.ts"
import { putObject } from "../../../internal/s3Object.ts"
import { callAws } from "../../../runtime/AwsClient.ts"
import { AccountNotReady } from "../accountNotReady.ts"

const needs = "s3:ListBucket on it, and s3:GetObject and s3:PutObject on its objects"

const otherRegion: ReadonlySet<string> = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException"
])

const invalidCredentials: ReadonlySet<string> = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidToken",
  "ExpiredToken",
  "ExpiredTokenException"
])

/** The message about an error of S3: what happened, and what to do. */
const messageOf = (bucket: string, region: string, { _tag, code, detail, message }: AwsError): string => {
  if (code === "NoSuchBucket") {
    return `Bucket "${bucket}" does not exist. Create it: aws s3 mb s3://${bucket} --region ${region}`
  }
  if (otherRegion.has(code)) {
    return `Bucket "${bucket}" is not in ${region}, and Lambda loads code only from its own region. ` +
      "Name another bucket, or the bucket's region with --region"
  }
  if (invalidCredentials.has(code)) return `AWS rejects your credentials (${code}: ${detail}). Sign in again`
  return _tag === "AwsDenied"
    ? `Your credentials may not use bucket "${bucket}" (${code}: ${detail}). They need ${needs}`
    : message
}

const toAccountNotReady = (bucket: string, region: string) => (error: AwsError) =>
  Effect.fail(new AccountNotReady({ message: messageOf(bucket, region, error) }))

export const openBucket = (client: S3Client, bucket: string, region: string) => ({
  urlOf: (key: string) => `s3://${bucket}/${key}`,

  /** Fails if the bucket cannot be used. Not by HeadBucket, whose errors have no message. */
  check: callAws(
    "s3:ListBucket",
    (options) => client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), options)
  ).pipe(Effect.asVoid, Effect.catch(toAccountNotReady(bucket, region))),

  /** The first 1,000 keys with the prefix, the newest last. */
  keys: (prefix: string) =>
    callAws(
      "s3:ListBucket",
      (options) => client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }), options)
    ).pipe(
      Effect.map(({ Contents = [] }) =>
        Contents.toSorted((a, b) => (a.LastModified?.getTime() ?? 0) - (b.LastModified?.getTime() ?? 0))
          .map(({ Key = "" }) => Key)
      ),
      Effect.catch(toAccountNotReady(bucket, region))
    ),

  /** Whether the object exists. */
  has: (key: string) =>
    callAws("s3:GetObject", (options) => client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), options))
      .pipe(
        Effect.as(true),
        Effect.catchIf(({ code }) => code === "NotFound" || code === "NoSuchKey", () => Effect.succeed(false)),
        Effect.catch(toAccountNotReady(bucket, region))
      ),

  put: (key: string, body: Uint8Array) =>
    putObject(client, { Bucket: bucket, Key: key, Body: body }).pipe(
      Effect.asVoid,
      Effect.catch(toAccountNotReady(bucket, region))
    )
})
