// What the sample jobs of the deploying functions have in common: a template in an artifact, and CloudFormation's XML.
import * as Effect from "effect/Effect"
import { zipFiles } from "../../internal/zipFiles.ts"
import type { Priming } from "./replay.ts"
import type { StubRequest, StubResponse } from "./StubTransport.ts"

export const jobId = "priming"

const file = "template.json"

export const elements = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([name, text]) => `<${name}>${text}</${name}>`).join("")

const artifact = Effect.map(
  zipFiles({ [file]: JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } }) }),
  (zip): StubResponse => ({
    status: 206,
    headers: {
      etag: "\"1\"",
      "content-length": `${zip.length}`,
      "content-range": `bytes 0-${zip.length - 1}/${zip.length}`
    },
    body: zip
  })
)

type Form = Readonly<Record<string, string>>

/**
 * A sample job with these UserParameters besides the template. `results` are CloudFormation's by operation; `code` is that of
 * its error for what does not exist yet.
 */
export const deployment = (
  userParameters: object,
  results: Readonly<Record<string, string>>,
  code: string,
  isMissing: (form: Form) => boolean
): Priming => {
  const cloudFormation = (body: string): StubResponse => {
    const form: Form = Object.fromEntries(new URLSearchParams(body))
    const { Action = "" } = form
    return isMissing(form)
      ? {
        status: 400,
        body: `<ErrorResponse><Error>${
          elements({ Code: code, Message: "Stack with id priming does not exist" })
        }</Error></ErrorResponse>`
      }
      : {
        status: 200,
        body: `<${Action}Response><${Action}Result>${results[Action] ?? ""}</${Action}Result></${Action}Response>`
      }
  }
  return {
    event: (continuationToken) => ({
      "CodePipeline.job": {
        id: jobId,
        data: {
          actionConfiguration: {
            configuration: { UserParameters: JSON.stringify({ ...userParameters, file, artifact: "priming" }) }
          },
          inputArtifacts: [
            {
              name: "priming",
              location: { type: "S3", s3Location: { bucketName: "priming", objectKey: "priming" } }
            }
          ],
          artifactCredentials: { accessKeyId: "priming", secretAccessKey: "priming", sessionToken: "priming" },
          ...(continuationToken !== undefined && { continuationToken })
        }
      }
    }),
    respond: ({ body, headers, method }: StubRequest): StubResponse | Promise<StubResponse> => {
      if (method === "GET") return Effect.runPromise(artifact)
      return headers["x-amz-target"] === undefined ? cloudFormation(String(body)) : { status: 200, body: "{}" }
    }
  }
}
