// Reads and writes objects of S3: a file out of one that is a zip, and whole objects.
import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import type { Artifact } from "../domain/job/Job.ts"
import { callAws } from "../runtime/AwsClient.ts"
import { readEntry } from "./zipEntry.ts"

type S3Location = Artifact["location"]["s3Location"]

/** One request of this size brings all of a small zip, and the directory of all but the largest. */
const tailBytes = 1024 * 1024

/** What S3 answers when the version that was asked for is not there any more. */
export const objectChanged = "PreconditionFailed"

/** The file out of the zip. One request for the end of the zip, and others, of the same version of the object, where that is not enough. */
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
    // S3 takes a suffix longer than the object, unless that is empty; some emulators of S3 do not.
    Effect.catchIf(({ code }) => code === "InvalidRange", () => get({ Range: `bytes=0-${tailBytes - 1}` })),
    Effect.flatMap(({ bytes: tail, size, version }) => {
      const fetch = (start: number, end: number) =>
        Effect.map(get({ Range: `bytes=${start}-${end - 1}`, IfMatch: version }), ({ bytes }) => bytes)
      return readEntry({ size, tail, fetch }, file, maxBytes)
    }),
    Effect.retry({ times: 1, while: (error) => error._tag === "AwsRejected" && error.code === objectChanged })
  )
}

/** Gives the URL of the object. */
export const putObject = (client: Pick<S3Client, "send">, input: PutObjectCommandInput) => {
  const command = new PutObjectCommand(input)
  // Region, style of addressing and endpoint make an object's URL: it is the one that it was put to.
  let url = ""
  command.middlewareStack.add((next) => (args) => {
    url = urlOf(args.request as RequestShape)
    return next(args)
  }, { step: "finalizeRequest" })
  return Effect.map(callAws("s3:PutObject", (options) => client.send(command, options)), () => url)
}

/** What the SDK's requests have. */
interface RequestShape {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
}

const urlOf = ({ hostname, path, port, protocol }: RequestShape) =>
  `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`
