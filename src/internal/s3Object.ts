// Reads a file out of a zip in S3, and writes whole objects.
import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import type { AwsError } from "../domain/job/AwsError.ts"
import type { Artifact } from "../domain/job/Job.ts"
import { callAws } from "../runtime/AwsClient.ts"
import { readEntry } from "./zipEntry.ts"

type S3Location = Artifact["location"]["s3Location"]

/** One request of this size fetches all of a small zip, and the directory of all but the largest. */
const tailBytes = 1024 * 1024

/** The code of S3's error if the requested version of the object has been replaced. */
export const objectChanged = "PreconditionFailed"

/**
 * Reads one file of a zip: one request for the end of the zip, and more for the same version of the object if that is
 * not enough. If the object is replaced meanwhile, it is read once more.
 */
export const readObject = (
  client: Pick<S3Client, "send">,
  { bucketName: Bucket, objectKey: Key }: S3Location,
  file: string,
  maxBytes: number
) => {
  const get = (range: { readonly Range: string; readonly IfMatch?: string }) =>
    callAws(
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
    // S3 accepts a suffix longer than the object, unless the object is empty; some emulators of S3 never do.
    Effect.catchIf(({ code }) => code === "InvalidRange", () => get({ Range: `bytes=0-${tailBytes - 1}` })),
    Effect.flatMap(({ bytes: tail, size, version }) => {
      const fetch = (start: number, end: number) =>
        Effect.map(get({ Range: `bytes=${start}-${end - 1}`, IfMatch: version }), ({ bytes }) => bytes)
      return readEntry({ size, tail, fetch }, file, maxBytes)
    }),
    Effect.retry({ times: 1, while: (error) => error._tag === "AwsRejected" && error.code === objectChanged })
  )
}

type ObjectToPut = Pick<PutObjectCommandInput, "Bucket" | "Key" | "Body">

/**
 * Writes an object and returns its URL.
 *
 * Without `encryption`, the first request has no encryption header, so that the bucket's default encryption applies:
 * a header `aws:kms` would replace a bucket's own key by `aws/s3`. But bucket policies may deny such a request. That of
 * the bucket that CodePipeline's console creates requires `aws:kms`, others require `AES256`. So a denied request is
 * repeated with these headers; unless it is a KMS key that was denied, which another header would only evade.
 */
export const putObject = (
  client: Pick<S3Client, "send">,
  object: ObjectToPut,
  encryption?: string
): Effect.Effect<string, AwsError> =>
  encryption === undefined
    ? put(client, object).pipe(
      Effect.catchIf(deniedByPolicy, (denied) =>
        putEncrypted(client, object, "aws:kms").pipe(
          Effect.catchIf(deniedByPolicy, () => putEncrypted(client, object, "AES256")),
          Effect.catchIf(deniedByPolicy, () => Effect.fail(denied))
        ))
    )
    : putEncrypted(client, object, encryption)

const deniedByPolicy = (error: AwsError) =>
  error._tag === "AwsDenied" && error.code === "AccessDenied" && error.needed === "s3:PutObject"

const putEncrypted = (client: Pick<S3Client, "send">, object: ObjectToPut, encryption: string) =>
  put(client, {
    ...object,
    ...(encryption === "AES256" || encryption === "aws:kms"
      ? { ServerSideEncryption: encryption }
      : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: encryption })
  })

const put = (client: Pick<S3Client, "send">, input: PutObjectCommandInput) => {
  const command = new PutObjectCommand(input)
  // The URL depends on the region, the endpoint and the style of addressing: take that of the request.
  let url = ""
  command.middlewareStack.add((next) => (args) => {
    url = urlOf(args.request as RequestShape)
    return next(args)
  }, { step: "finalizeRequest" })
  return Effect.map(callAws("s3:PutObject", (options) => client.send(command, options)), () => url)
}

/** The parts of the SDK's requests that make a URL. */
interface RequestShape {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
}

const urlOf = ({ hostname, path, port, protocol }: RequestShape) =>
  `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`
