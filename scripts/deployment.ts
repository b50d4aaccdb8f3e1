// Brings the functions, and the example of a pipeline, into an account.
import { S3Client } from "@aws-sdk/client-s3"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { parse } from "yaml"
import type { JobOutcome } from "../src/domain/JobOutcome.ts"
import { scopedClient } from "../src/internal/awsCommand.ts"
import { CloudFormation } from "../src/services/CloudFormation.ts"
import { readArtifact } from "./artifacts.ts"
import type { BuiltFunction } from "./bundle.ts"
import { AccountNotReady, openBucket } from "./codeBucket.ts"
import type { DeployOptions } from "./deployOptions.ts"
import { BadUsage, reason } from "./options.ts"
import { type FunctionName, functionNames } from "./permissions.ts"
import { deployStack } from "./stackDeployment.ts"
import type { Story } from "./story.ts"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** A template of `scripts/templates`, and its parameters' defaults. */
const readTemplate = (name: "functions" | "pipeline") =>
  Effect.promise(async () => {
    const file = `scripts/templates/${name}.yaml`
    const text = await readFile(path(`../${file}`), "utf8")
    // CloudFormation's own tags (!Ref, !Sub, …) do not matter for these.
    const { Parameters } = parse(text, { logLevel: "silent" }) as {
      readonly Parameters: Readonly<Record<string, { readonly Default?: string | number }>>
    }
    const defaults = Object.entries(Parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, String(Default)] as const]
    )
    return { file, text, defaults: Object.fromEntries(defaults) }
  })

/**
 * A new stack is given the defaults, too, so that a dry run shows them, and an emulator of AWS which forgets defaults
 * (moto) can update the stack. One that there is keeps what is not named.
 */
const parametersFor = (
  isUpdate: boolean,
  { defaults }: Effect.Success<ReturnType<typeof readTemplate>>,
  given: Readonly<Record<string, string>>
) => isUpdate ? given : { ...defaults, ...given }

/** The key of a function's code, made of the code. It is not where deploy-stack's role may write templates. */
const keyOf = ({ name, zip }: BuiltFunction) =>
  `effect-codepipeline-functions/${name}-${createHash("sha256").update(zip).digest("hex")}.zip`

const keyParameters = {
  "deploy-stack": "DeployStackKey",
  "check-webpage": "CheckWebpageKey"
} satisfies Record<FunctionName, string>

/** A client of S3 that has a region and credentials; or what is missing of them. */
const connect = Effect.fn("connect")(function*({ endpoint }: DeployOptions) {
  const client = yield* scopedClient((shared) => new S3Client({ ...shared, forcePathStyle: endpoint !== undefined }))
  const region = yield* Effect.tryPromise({
    try: () => client.config.region(),
    catch: () => new BadUsage({ message: "No region: give --region, set AWS_REGION, or one in your AWS profile" })
  })
  yield* Effect.tryPromise({
    try: () => client.config.credentials(),
    catch: (cause) =>
      new AccountNotReady({
        message:
          "No AWS credentials: sign in (aws sso login, aws configure), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID " +
          `and AWS_SECRET_ACCESS_KEY. The AWS SDK says: ${reason(cause)}`
      })
  })
  return { client, region }
})

/** Whether there is such a stack: the first call of CloudFormation, so that a refusal is known before anything is done. */
const exists = Effect.fn("exists")(function*(stack: string) {
  const cloudFormation = yield* CloudFormation
  return yield* cloudFormation.describe(stack).pipe(
    Effect.map(Option.isSome),
    Effect.catchTags({
      AwsDenied: ({ message, needed }) =>
        Effect.fail(new AccountNotReady({ message: `${message}. Your credentials need ${needed}` })),
      AwsRejected: ({ message }) => Effect.fail(new AccountNotReady({ message })),
      AwsUnavailable: ({ message }) => Effect.fail(new AccountNotReady({ message }))
    })
  )
})

const variablesOf = (outcome: JobOutcome): Readonly<Record<string, string>> =>
  outcome._tag === "Succeeded" ? outcome.outputVariables ?? {} : {}

const kibibytes = ({ length }: Uint8Array) => `${Math.ceil(length / 1024)} KiB`

/** Gives whether all is deployed, or would be. `build` makes the functions; it is run when the account is known to be ready. */
export const deploy = Effect.fn("deploy")(function*<E, R>(
  options: DeployOptions,
  { build, interval, story }: {
    readonly build: Effect.Effect<ReadonlyArray<BuiltFunction>, E, R>
    readonly interval: Duration.Input
    readonly story: Story
  }
) {
  const { bucket, dryRun, endpoint, parameters: given, pipelineExample, stack, templateBucket } = options
  const { client, region } = yield* connect(options)
  const code = openBucket(client, bucket, region)
  yield* code.check
  if (templateBucket !== undefined) yield* openBucket(client, templateBucket, region).check
  const isUpdate = yield* exists(stack)

  const note = (word: string, text: string) => story.line(`    ${word.padEnd(10)}  ${text}`)
  yield* story.line(`${dryRun ? "dry run: " : ""}stack ${stack} in ${region}${endpoint ? `, ${endpoint}` : ""}`)

  const keys = new Map<string, string>()
  for (const built of yield* build) {
    const key = keyOf(built)
    keys.set(built.name, key)
    yield* note("built", `${built.path}, ${kibibytes(built.zip)}`)
    if (yield* code.has(key)) {
      yield* note("unchanged", `s3://${bucket}/${key}`)
      continue
    }
    yield* note(dryRun ? "to upload" : "upload", `s3://${bucket}/${key}`)
    if (!dryRun) yield* code.put(key, built.zip)
  }

  const template = yield* readTemplate("functions")
  const parameters = parametersFor(isUpdate, template, {
    CodeBucket: bucket,
    ...Object.fromEntries(functionNames.map((name) => [keyParameters[name], keys.get(name) ?? ""])),
    ...(templateBucket !== undefined && { TemplateBucket: templateBucket }),
    ...given
  })
  if (dryRun) {
    yield* note(isUpdate ? "to update" : "to create", `stack ${stack}, of ${template.file}`)
    for (const [name, value] of Object.entries(parameters)) yield* note("parameter", `${name}: ${value || "(none)"}`)
    if (pipelineExample) {
      const word = (yield* exists(exampleOf(stack))) ? "to update" : "to create"
      yield* note(word, `stack ${exampleOf(stack)}, of scripts/templates/pipeline.yaml`)
      yield* note("to upload", `${sampleKey}, into the source bucket that the pipeline gets`)
    }
    return true
  }

  const outcome = yield* deployStack({ stack, template, parameters, templateBucket, interval }, story)
  if (outcome._tag === "Failed") {
    yield* story.line(afterFailure)
    return false
  }
  const outputs = variablesOf(outcome)
  if (!pipelineExample) {
    yield* story.line(whatNext(outputs, given))
    return true
  }
  return yield* deployExample(options, outputs, { client, region, interval, story })
})

const afterFailure =
  "\nRun this again when the cause is gone: a stack that could not be created is deleted and created again."

const sampleKey = "template-package.zip"

const exampleOf = (stack: string) => `${stack}-example`

/** What the example's template takes of the functions' stack. */
const passedOn = ["DeployStackFunction", "CheckWebpageFunction", "CloudFormationRoleArn", "CloudFormationRoleName"]

const deployExample = Effect.fn("deployExample")(function*(
  { stack: functions, templateBucket }: DeployOptions,
  outputs: Readonly<Record<string, string>>,
  { client, interval, region, story }: {
    readonly client: S3Client
    readonly region: string
    readonly interval: Duration.Input
    readonly story: Story
  }
) {
  const stack = exampleOf(functions)
  const missing = passedOn.filter((name) => outputs[name] === undefined)
  if (missing.length > 0) {
    return yield* new AccountNotReady({
      message: `Stack ${functions} has no output ${missing.join(", ")}, which the example needs: ` +
        "deploy it with --parameter ServiceRole=true"
    })
  }
  yield* story.line(`stack ${stack}`)
  const template = yield* readTemplate("pipeline")
  const given = Object.fromEntries(passedOn.map((name) => [name, outputs[name] ?? ""]))
  const outcome = yield* deployStack({
    stack,
    template,
    parameters: parametersFor(yield* exists(stack), template, given),
    templateBucket,
    interval
  }, story)
  const { SourceBucketName: source } = variablesOf(outcome)
  if (outcome._tag === "Failed" || source === undefined) {
    yield* story.line(afterFailure)
    return false
  }
  const bucket = openBucket(client, source, region)
  if (yield* bucket.has(sampleKey)) {
    yield* story.line(`    unchanged   s3://${source}/${sampleKey}`)
  } else {
    const { zip } = yield* readArtifact(`MyTemplate=${path("../events/artifacts/MyTemplate")}`)
    yield* bucket.put(sampleKey, zip)
    yield* story.line(`    upload      s3://${source}/${sampleKey}, the sample that the pipeline deploys`)
  }
  yield* story.line(`
The upload of ${sampleKey} begins an execution of pipeline ${stack}:

    aws codepipeline get-pipeline-state --name ${stack} --region ${region}

Another upload begins the next:

    aws s3 cp ${sampleKey} s3://${source}/${sampleKey} --region ${region}`)
  return true
})

const action = (name: string, userParameters: object) =>
  `    FunctionName    ${name}\n    UserParameters  ${JSON.stringify(userParameters)}\n`

/** How to go on: the configuration of an action in a pipeline. */
const whatNext = (outputs: Readonly<Record<string, string>>, given: Readonly<Record<string, string>>) => {
  const { CheckWebpageFunction, CloudFormationRoleArn: roleArn, DeployStackFunction } = outputs
  const { Stacks = "MyTestStack" } = given
  const deployStack = {
    stack: Stacks.replaceAll("*", "NAME"),
    file: "template.json",
    artifact: "SourceArtifact",
    ...(roleArn !== undefined && { roleArn })
  }
  return [
    "\nNext, in a pipeline: an action of the category Invoke and the provider Lambda, with this configuration:\n",
    ...(DeployStackFunction === undefined ? [] : [action(DeployStackFunction, deployStack)]),
    ...(CheckWebpageFunction === undefined ? [] : [action(CheckWebpageFunction, { url: "https://www.example.com/" })]),
    ...(DeployStackFunction === undefined ? [] : [
      "The stacks that deploy-stack may work on: --parameter Stacks=PATTERN (MyTestStack, at first)."
    ]),
    ...(roleArn === undefined ? [] : [
      "What CloudFormation's role may make: --parameter ServiceRolePolicyArns=ARN,ARN or policies of your own (nothing, at first)."
    ])
  ].join("\n")
}
