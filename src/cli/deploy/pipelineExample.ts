// The example pipeline, a stack beside that of the functions.
import type { S3Client } from "@aws-sdk/client-s3"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Stack } from "../../domain/stack/Stack.ts"
import { packageFile } from "../packageFiles.ts"
import { readArtifact } from "../run/artifacts.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"
import { AccountNotReady } from "./accountNotReady.ts"
import { openBucket } from "./code/codeBucket.ts"
import type { DeployOptions } from "./deployOptions.ts"
import { findStack } from "./existingStack.ts"
import { afterFailure, stackOf } from "./nextSteps.ts"
import { deployStack } from "./stackDeployment.ts"
import { parametersFor, readTemplate } from "./template/templates.ts"

const sample = packageFile("events/artifacts/MyTemplate")

const sampleKey = "template-package.zip"

export const exampleOf = (stack: string) => `${stack}-example`

/** The bucket for the sample, if the example's stack exists. */
const sourceOf = Option.match<string | undefined, Stack, string | undefined>({
  onNone: () => undefined,
  onSome: ({ outputs }) => outputs["SourceBucketName"]
})

/** The outputs of the functions' stack that are parameters of the example's template. */
const exampleParameters = [
  "DeployStackFunction",
  "CheckWebpageFunction",
  "CloudFormationRoleArn",
  "CloudFormationRoleName"
]

/** The example's stack, if it exists; none if the example is not wanted. */
export const findExample = ({ pipelineExample, stack }: DeployOptions) =>
  pipelineExample ? findStack(exampleOf(stack), "DeployStackFunction") : Effect.succeedNone

type ReportStep = (step: string, text: string) => Effect.Effect<void>

/** Reports what would be done. */
export const planExample = Effect.fn("planExample")(function*(
  { stack }: DeployOptions,
  example: Option.Option<Stack>,
  { client, region, reportStep }: {
    readonly client: S3Client
    readonly region: string
    readonly reportStep: ReportStep
  }
) {
  const isUpdate = Option.isSome(example)
  const { file } = yield* readTemplate("pipeline")
  yield* reportStep(
    isUpdate ? "to update" : "to create",
    `stack ${exampleOf(stack)}, from ${file}${isUpdate ? ", if it differs" : ""}`
  )
  const source = sourceOf(example)
  if (source === undefined || !(yield* openBucket(client, source, region).has(sampleKey))) {
    yield* reportStep("to upload", `${sampleKey}, into ${source ?? "the source bucket of that stack"}`)
  }
})

/** Deploys the example for functions with these outputs. Returns whether it is deployed. */
export const deployExample = Effect.fn("deployExample")(function*(
  { stack: functions, templateBucket }: DeployOptions,
  outputs: Readonly<Record<string, string>>,
  { client, interval, region, reporter }: {
    readonly client: S3Client
    readonly region: string
    readonly interval: Duration.Input
    readonly reporter: TerminalReporter
  }
) {
  const stack = exampleOf(functions)
  const missing = exampleParameters.filter((name) => outputs[name] === undefined)
  if (missing.length > 0) {
    return yield* new AccountNotReady({
      message: `Stack ${functions} has no output ${missing.join(", ")}, which the example needs: ` +
        "deploy it with --parameter ServiceRole=true"
    })
  }
  yield* reporter.line(`stack ${stack}`)
  const template = yield* readTemplate("pipeline")
  const given = {
    ...Object.fromEntries(exampleParameters.map((name) => [name, outputs[name] ?? ""])),
    Stack: stackOf(outputs, "example")
  }
  const findIt = findStack(stack, "DeployStackFunction")
  const deployWith = Effect.fnUntraced(function*(WithPipeline: "true" | "false") {
    const isUpdate = Option.isSome(yield* findIt)
    const parameters = parametersFor(isUpdate, template, { ...given, WithPipeline })
    return (yield* deployStack({ stack, template, parameters, templateBucket, interval }, reporter))._tag ===
      "Succeeded"
  })

  // A new pipeline starts its first execution at once, which needs the sample.
  const before = yield* findIt
  const ready = sourceOf(before) !== undefined || (yield* deployWith("false"))
  const source = ready ? sourceOf(yield* findIt) : undefined
  if (source === undefined) {
    yield* reporter.line(afterFailure)
    return false
  }
  const bucket = openBucket(client, source, region)
  if (yield* bucket.has(sampleKey)) {
    yield* reporter.line(`    unchanged   s3://${source}/${sampleKey}`)
  } else {
    const { zip } = yield* readArtifact(`MyTemplate=${sample}`)
    yield* bucket.put(sampleKey, zip)
    yield* reporter.line(`    upload      s3://${source}/${sampleKey}, the sample that the pipeline deploys`)
  }
  if (!(yield* deployWith("true"))) {
    yield* reporter.line(afterFailure)
    return false
  }
  const hadPipeline = Option.exists(before, ({ outputs }) => outputs["PipelineName"] !== undefined)
  const state = hadPipeline ? "exists" : "has started its first execution"
  yield* reporter.line(`
Pipeline ${stack} ${state}. It deploys stack ${given.Stack}, checks the
result, and waits for an approval to delete the stack again:

    aws codepipeline get-pipeline-state --name ${stack} --region ${region}

To start ${hadPipeline ? "an" : "another"} execution, upload a zip that contains template-package/template.json:

    aws s3 cp YOUR.zip s3://${source}/${sampleKey} --region ${region}`)
  return true
})
