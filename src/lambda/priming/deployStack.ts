// The sample job of deploy-stack during a container's start: a stack is created and complete.
import * as Effect from "effect/Effect"
import { zipFiles } from "../../internal/zipFiles.ts"
import type { Priming } from "./replay.ts"
import type { StubRequest, StubResponse } from "./StubTransport.ts"

const stack = "priming"
const stackId = `arn:aws:cloudformation:us-east-1:123456789012:stack/${stack}/5c36ae10-1b4f-11f0-8d4e-000000000000`
const jobId = "priming"
const file = "template.json"

/** After the start of any operation. */
const timestamp = "2999-12-31T23:59:59.000Z"

const event = (continuationToken?: string) => ({
  "CodePipeline.job": {
    id: jobId,
    data: {
      actionConfiguration: {
        configuration: { UserParameters: JSON.stringify({ stack, file, artifact: "priming" }) }
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

const resource = { StackId: stackId, StackName: stack }

const described = elements({
  ...resource,
  StackStatus: "CREATE_COMPLETE",
  CreationTime: timestamp
})

/** Newest first, as CloudFormation returns them, on one page. */
const happened = ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"].map((ResourceStatus) =>
  elements({
    ...resource,
    EventId: "priming",
    LogicalResourceId: stack,
    PhysicalResourceId: stackId,
    ResourceType: "AWS::CloudFormation::Stack",
    ResourceStatus,
    ClientRequestToken: `create-${jobId}`,
    Timestamp: timestamp
  })
)

const missing = `<ErrorResponse><Error>${
  elements({ Type: "Sender", Code: "ValidationError", Message: `Stack with id ${stack} does not exist` })
}</Error></ErrorResponse>`

/** CloudFormation's results by operation. */
const results: Readonly<Record<string, string>> = {
  CreateStack: elements({ StackId: stackId }),
  DescribeStacks: `<Stacks><member>${described}</member></Stacks>`,
  DescribeStackEvents: `<StackEvents>${happened.map((event) => `<member>${event}</member>`).join("")}</StackEvents>`
}

const cloudFormation = (body: string): StubResponse => {
  const { Action = "", StackName = "" } = Object.fromEntries(new URLSearchParams(body))
  if (Action === "DescribeStacks" && StackName === stack) return { status: 400, body: missing }
  const result = results[Action] ?? ""
  return {
    status: 200,
    body: `<${Action}Response><${Action}Result>${result}</${Action}Result></${Action}Response>`
  }
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

const respond = ({ body, headers, method }: StubRequest): StubResponse | Promise<StubResponse> => {
  if (method === "GET") return Effect.runPromise(artifact)
  return headers["x-amz-target"] === undefined ? cloudFormation(String(body)) : { status: 200, body: "{}" }
}

export const deployStackPriming: Priming = { event, respond }
