// The sample job of deploy-stack-set during a container's start: a stack set is updated.
import * as Effect from "effect/Effect"
import { zipFiles } from "../../internal/zipFiles.ts"
import type { Priming } from "./replay.ts"
import type { StubRequest, StubResponse } from "./StubTransport.ts"

const stackSet = "priming"
const stackSetId = `${stackSet}:5c36ae10-1b4f-11f0-8d4e-000000000000`
const jobId = "priming"
const file = "template.json"

const event = (continuationToken?: string) => ({
  "CodePipeline.job": {
    id: jobId,
    data: {
      actionConfiguration: {
        configuration: { UserParameters: JSON.stringify({ stackSet, file, artifact: "priming" }) }
      },
      inputArtifacts: [
        { name: "priming", location: { type: "S3", s3Location: { bucketName: "priming", objectKey: "priming.zip" } } }
      ],
      outputArtifacts: [],
      artifactCredentials: { accessKeyId: "priming", secretAccessKey: "priming", sessionToken: "priming" },
      ...(continuationToken !== undefined && { continuationToken })
    }
  }
})

const elements = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([name, text]) => `<${name}>${text}</${name}>`).join("")

const missing = `<ErrorResponse><Error>${
  elements({ Type: "Sender", Code: "OperationNotFoundException", Message: "Operation does not exist" })
}</Error></ErrorResponse>`

/** Not the own id, which is looked up before the operation is started. */
const operationId = `${jobId}-started`

/** CloudFormation's results by operation. */
const results: Readonly<Record<string, string>> = {
  DescribeStackSet: `<StackSet>${
    elements({ StackSetName: stackSet, StackSetId: stackSetId, Status: "ACTIVE" })
  }</StackSet>`,
  UpdateStackSet: elements({ OperationId: operationId }),
  DescribeStackSetOperation: `<StackSetOperation>${
    elements({ OperationId: operationId, StackSetId: stackSetId, Action: "UPDATE", Status: "RUNNING" })
  }</StackSetOperation>`,
  ListStackSetOperationResults: `<Summaries><member>${
    elements({ Account: "123456789012", Region: "us-east-1", Status: "RUNNING" })
  }</member></Summaries>`
}

const artifact = Effect.map(
  zipFiles({ [file]: JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } }) }),
  (zip): StubResponse => ({
    status: 206,
    headers: {
      etag: "\"priming\"",
      "content-length": `${zip.length}`,
      "content-range": `bytes 0-${zip.length - 1}/${zip.length}`
    },
    body: zip
  })
)

const cloudFormation = (body: string): StubResponse => {
  const { Action = "", OperationId } = Object.fromEntries(new URLSearchParams(body))
  if (Action === "DescribeStackSetOperation" && OperationId !== operationId) return { status: 404, body: missing }
  const result = results[Action] ?? ""
  return {
    status: 200,
    body: `<${Action}Response><${Action}Result>${result}</${Action}Result></${Action}Response>`
  }
}

const respond = ({ body, headers, method }: StubRequest): StubResponse | Promise<StubResponse> => {
  if (method === "GET") return Effect.runPromise(artifact)
  return headers["x-amz-target"] === undefined ? cloudFormation(String(body)) : { status: 200, body: "{}" }
}

export const deployStackSetPriming: Priming = { event, respond }
