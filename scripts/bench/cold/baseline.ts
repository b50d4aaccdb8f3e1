// The baseline for deploy-stack: a function for the same job on the AWS SDK alone, written by hand. It creates or updates a
// stack from a template in an artifact, polls it, and reports once.
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand
} from "@aws-sdk/client-cloudformation"
import {
  CodePipelineClient,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand
} from "@aws-sdk/client-codepipeline"
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { buffer } from "node:stream/consumers"
import { fromBuffer } from "yauzl-promise"
import type { LambdaContext } from "../../../src/lambda/handler.ts"

interface Job {
  readonly id: string
  readonly data: {
    readonly actionConfiguration: { readonly configuration: { readonly UserParameters?: string } }
    readonly inputArtifacts: ReadonlyArray<{
      readonly name: string
      readonly location: { readonly s3Location: { readonly bucketName: string; readonly objectKey: string } }
    }>
    readonly artifactCredentials: {
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken: string
    }
    readonly continuationToken?: string
  }
}

interface Parameters {
  readonly stack: string
  readonly file: string
  readonly artifact: string
}

interface Watched {
  readonly stackId: string
  readonly token: string
}

interface Progress {
  readonly summary: string
  readonly watched?: Watched
}

const codePipeline = new CodePipelineClient()
const cloudFormation = new CloudFormationClient()
const forcePathStyle = process.env["AWS_ENDPOINT_URL_S3"] !== undefined || process.env["AWS_ENDPOINT_URL"] !== undefined
const s3 = new S3Client({ forcePathStyle })

/** A required string of UserParameters. */
const required = (parameters: Partial<Parameters>, name: keyof Parameters, words: string): string => {
  const value = parameters[name]
  if (typeof value !== "string" || value === "") throw new Error(`Your UserParameters JSON must include the ${words}`)
  return value
}

const parse = (text = ""): Parameters => {
  let parameters: Partial<Parameters>
  try {
    parameters = JSON.parse(text)
  } catch {
    throw new Error("UserParameters could not be decoded as JSON")
  }
  return {
    stack: required(parameters, "stack", "stack name"),
    file: required(parameters, "file", "template file name"),
    artifact: required(parameters, "artifact", "artifact name")
  }
}

const readTemplate = async ({ data }: Job, { artifact: name, file }: Parameters): Promise<string> => {
  const artifact = data.inputArtifacts.find((artifact) => artifact.name === name)
  if (artifact === undefined) throw new Error(`Input artifact named "${name}" not found in event`)
  const { bucketName: Bucket, objectKey: Key } = artifact.location.s3Location
  const { accessKeyId, secretAccessKey, sessionToken } = data.artifactCredentials
  const client = new S3Client({
    forcePathStyle,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    requestHandler: s3.config.requestHandler
  })
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  if (Body === undefined) throw new Error(`s3://${Bucket}/${Key} is empty`)
  const zip = await fromBuffer(Buffer.from(await Body.transformToByteArray()))
  for await (const entry of zip) {
    if (entry.filename === file) return (await buffer(await entry.openReadStream())).toString()
  }
  throw new Error(`s3://${Bucket}/${Key} has no ${file}`)
}

const describe = async (StackName: string): Promise<Stack | undefined> => {
  try {
    return (await cloudFormation.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0]
  } catch (error) {
    if (error instanceof Error && error.message.endsWith("does not exist")) return undefined
    throw error
  }
}

const start = async (job: Job, parameters: Parameters): Promise<Progress> => {
  const [TemplateBody, stack] = await Promise.all([readTemplate(job, parameters), describe(parameters.stack)])
  if (stack === undefined || stack.StackStatus === "REVIEW_IN_PROGRESS") {
    const token = `create-${job.id}`
    const command = new CreateStackCommand({ StackName: parameters.stack, TemplateBody, ClientRequestToken: token })
    const { StackId = parameters.stack } = await cloudFormation.send(command)
    return { summary: "Stack create started", watched: { stackId: StackId, token } }
  }
  if (!/^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$/.test(stack.StackStatus ?? "")) {
    throw new Error(`Stack cannot be updated when status is: ${stack.StackStatus}`)
  }
  try {
    const token = `update-${job.id}`
    const command = new UpdateStackCommand({ StackName: parameters.stack, TemplateBody, ClientRequestToken: token })
    const { StackId = parameters.stack } = await cloudFormation.send(command)
    return { summary: "Stack update started", watched: { stackId: StackId, token } }
  } catch (error) {
    if (error instanceof Error && error.message === "No updates are to be performed.") {
      return { summary: "There were no stack updates" }
    }
    throw error
  }
}

const causes = async ({ stackId, token }: Watched): Promise<ReadonlyArray<string>> => {
  const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName: stackId }))
  return StackEvents
    .filter(({ ClientRequestToken, ResourceStatus }) =>
      ClientRequestToken === token && ResourceStatus?.endsWith("_FAILED")
    )
    .map(({ LogicalResourceId, ResourceStatusReason, ResourceType }) =>
      `${LogicalResourceId} (${ResourceType}): ${ResourceStatusReason}`
    )
    .toReversed()
}

const resume = async (watched: Watched): Promise<Progress> => {
  const stack = await describe(watched.stackId)
  const status = stack?.StackStatus ?? "gone"
  if (status === "CREATE_COMPLETE" || status === "UPDATE_COMPLETE") return { summary: "Stack update complete" }
  if (!status.endsWith("_IN_PROGRESS") && !status.endsWith("_CLEANUP_IN_PROGRESS")) {
    throw new Error([`Update failed: ${status}`, ...(await causes(watched))].join("\n"))
  }
  return { summary: `Stack update still in progress: ${status}`, watched }
}

const log = (jobId: string, requestId: string | undefined, message: string, summary?: string) => {
  const line = { jobId, requestId, timestamp: new Date().toISOString(), level: "INFO", message, summary }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

export const handler = async (event: { readonly "CodePipeline.job": Job }, context?: LambdaContext): Promise<void> => {
  const job = event["CodePipeline.job"]
  log(job.id, context?.awsRequestId, "Job started")
  let progress: Progress
  try {
    const { actionConfiguration: { configuration }, continuationToken } = job.data
    const parameters = parse(configuration.UserParameters)
    progress = continuationToken === undefined
      ? await start(job, parameters)
      : await resume(JSON.parse(continuationToken) as Watched)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const failureDetails = { type: "JobFailed", message: message.slice(0, 5_000) } as const
    await codePipeline.send(new PutJobFailureResultCommand({ jobId: job.id, failureDetails }))
    return log(job.id, context?.awsRequestId, "Job failed", message)
  }
  const { summary, watched } = progress
  await codePipeline.send(
    new PutJobSuccessResultCommand({
      jobId: job.id,
      continuationToken: watched && JSON.stringify(watched),
      executionDetails: { summary, externalExecutionId: watched?.stackId }
    })
  )
  return log(job.id, context?.awsRequestId, "Job reported", summary)
}
