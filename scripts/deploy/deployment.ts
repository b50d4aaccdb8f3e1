// Deploys the functions, and the example pipeline, into an account.
import { S3Client } from "@aws-sdk/client-s3"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { parse } from "yaml"
import { readArtifact } from "../../src/cli/run/artifacts.ts"
import type { TerminalReporter } from "../../src/cli/TerminalReporter.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import type { Stack } from "../../src/domain/stack/Stack.ts"
import { startability } from "../../src/domain/stack/StackStatus.ts"
import { sentences } from "../../src/domain/text/sentences.ts"
import { scopedClient } from "../../src/runtime/AwsClient.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import type { BuiltFunction } from "../build/bundle.ts"
import { badUsage } from "../commandLine.ts"
import { type FunctionName, functionNames } from "../permissions.ts"
import { AccountNotReady, openBucket } from "./codeBucket.ts"
import type { RequestCodeCache } from "./codeCacheClient.ts"
import type { DeployOptions } from "./deployOptions.ts"
import { addCodeCache, confirmCodeCache, type StoredFunction, storeFunction } from "./functionCode.ts"
import { deployStack } from "./stackDeployment.ts"
import { invalidParameters, type TemplateParameter } from "./templateParameters.ts"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** A template in `scripts/templates`, with its parameters and their defaults. */
const readTemplate = (name: "functions" | "pipeline") =>
  Effect.promise(async () => {
    const file = `scripts/templates/${name}.yaml`
    const text = await readFile(path(`../../${file}`), "utf8")
    // Tags such as !Ref and !Sub, which yaml does not know, do not occur in the parameters.
    const { Parameters } = parse(text, { logLevel: "silent" }) as {
      readonly Parameters: Readonly<Record<string, TemplateParameter>>
    }
    const defaults = Object.entries(Parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, String(Default)] as const]
    )
    return { file, text, parameters: Parameters, defaults: Object.fromEntries(defaults) }
  })

/**
 * A new stack gets the defaults explicitly: a dry run shows them, and moto, which forgets defaults, can update the stack.
 * An existing stack keeps the values of all other parameters.
 */
const parametersFor = (
  isUpdate: boolean,
  { defaults }: Effect.Success<ReturnType<typeof readTemplate>>,
  given: Readonly<Record<string, string>>
) => isUpdate ? given : { ...defaults, ...given }

/** The template's parameter for the key of a function's code, and its output with the function's name. */
const inTemplate = {
  "deploy-stack": { key: "DeployStackKey", output: "DeployStackFunction" },
  "check-webpage": { key: "CheckWebpageKey", output: "CheckWebpageFunction" }
} satisfies Record<FunctionName, unknown>

/**
 * The existing stack. This is the first call of CloudFormation, so that missing permissions are known before anything is
 * done. Fails if the stack has another template, without this parameter: an update would delete its resources.
 */
const findStack = Effect.fn("findStack")(function*(stack: string, parameter: string) {
  const cloudFormation = yield* CloudFormation
  const found = yield* cloudFormation.describe(stack).pipe(
    Effect.catchTags({
      AwsDenied: ({ needed, problem }) =>
        Effect.fail(
          new AccountNotReady({
            message: sentences(
              problem,
              needed === undefined
                ? "Check your credentials and the clock of this machine"
                : `Your credentials need ${needed}`
            )
          })
        ),
      AwsRejected: ({ message }) => Effect.fail(new AccountNotReady({ message })),
      AwsUnavailable: ({ message }) => Effect.fail(new AccountNotReady({ message }))
    })
  )
  // A stack that has only a change set has no resources yet.
  const isFree = Option.match(found, {
    onNone: () => true,
    onSome: ({ parameters, status }) => parameters.has(parameter) || startability(status) === "Shell"
  })
  return isFree
    ? found
    : yield* new AccountNotReady({
      message: `Stack "${stack}" exists with another template: it has no parameter ${parameter}. ` +
        "Choose another name with --stack"
    })
})

const variablesOf = (outcome: JobOutcome): Readonly<Record<string, string>> =>
  outcome._tag === "Succeeded" ? outcome.outputVariables ?? {} : {}

const kibibytes = ({ length }: Uint8Array) => `${Math.ceil(length / 1024)} KiB`

/** Returns whether everything is deployed, or would be in a dry run. Runs `build` after all checks of the account. */
export const deploy = Effect.fn("deploy")(function*<E, R>(
  options: DeployOptions,
  { build, interval, region, reporter, requestCodeCache }: {
    readonly requestCodeCache: RequestCodeCache
    readonly build: Effect.Effect<ReadonlyArray<BuiltFunction>, E, R>
    readonly interval: Duration.Input
    /** The SDK's region. */
    readonly region: string
    readonly reporter: TerminalReporter
  }
) {
  const { bucket, dryRun, endpoint, parameters: given, pipelineExample, stack, templateBucket } = options
  const client = yield* scopedClient((shared) => new S3Client({ ...shared, forcePathStyle: endpoint !== undefined }))
  const template = yield* readTemplate("functions")
  const invalid = invalidParameters(template.file, template.parameters, given)
  if (invalid.length > 0) return yield* badUsage(invalid.join("\n"))
  const code = openBucket(client, bucket, region)
  yield* code.check
  if (templateBucket !== undefined) yield* openBucket(client, templateBucket, region).check
  const isUpdate = Option.isSome(yield* findStack(stack, "CodeBucket"))
  const example = pipelineExample ? yield* findStack(exampleOf(stack), "DeployStackFunction") : Option.none()

  const reportStep = (step: string, text: string) => reporter.line(`    ${step.padEnd(10)}  ${text}`)
  yield* reporter.line(`${dryRun ? "dry run: " : ""}stack ${stack} in ${region}${endpoint ? `, ${endpoint}` : ""}`)

  const functions: Array<StoredFunction> = []
  for (const built of yield* build) {
    yield* reportStep("built", `${built.path}, ${kibibytes(built.zip)}`)
    functions.push(yield* storeFunction(built, { bucket: code, dryRun, reportStep }))
  }

  const parametersOf = (isUpdate: boolean, functions: ReadonlyArray<StoredFunction>) => {
    const keys = new Map(functions.map(({ built, key }) => [built.name, key]))
    return parametersFor(isUpdate, template, {
      CodeBucket: bucket,
      ...Object.fromEntries(functionNames.map((name) => [inTemplate[name].key, keys.get(name) ?? ""])),
      ...(templateBucket !== undefined && { TemplateBucket: templateBucket }),
      ...given
    })
  }
  const parameters = parametersOf(isUpdate, functions)
  if (dryRun) {
    yield* reportStep(
      isUpdate ? "to update" : "to create",
      `stack ${stack}, from ${template.file}${ifChanged(isUpdate)}`
    )
    for (const [name, value] of Object.entries(parameters)) {
      yield* reportStep("parameter", `${name}: ${value || "(none)"}`)
    }
    if (isUpdate) yield* reportStep("parameter", "all others unchanged")
    if (pipelineExample) {
      const isUpdate = Option.isSome(example)
      const { file } = yield* readTemplate("pipeline")
      yield* reportStep(
        isUpdate ? "to update" : "to create",
        `stack ${exampleOf(stack)}, from ${file}${ifChanged(isUpdate)}`
      )
      const source = sourceOf(example)
      if (source === undefined || !(yield* openBucket(client, source, region).has(sampleKey))) {
        yield* reportStep("to upload", `${sampleKey}, into ${source ?? "the source bucket of that stack"}`)
      }
    }
    return true
  }

  const deployFunctions = (parameters: Readonly<Record<string, string>>) =>
    deployStack({ stack, template, parameters, templateBucket, interval }, reporter)
  const outcome = yield* deployFunctions(parameters)
  if (outcome._tag === "Failed") {
    yield* reporter.line(afterFailure)
    return false
  }
  const outputs = variablesOf(outcome)
  const names = new Map<string, string | undefined>(
    functionNames.map((name) => [name, outputs[inTemplate[name].output]])
  )
  const nameOf = ({ built: { name } }: StoredFunction) => names.get(name)
  const withCodeCaches = yield* Effect.forEach(
    functions,
    (stored) => addCodeCache(stored, nameOf(stored), { requestCodeCache, bucket: code, reportStep })
  )
  if (withCodeCaches.some(({ key }, index) => key !== functions[index]?.key)) {
    const second = yield* deployFunctions(parametersOf(true, withCodeCaches))
    if (second._tag === "Failed") {
      yield* reporter.line(afterFailure)
      return false
    }
    yield* Effect.forEach(
      withCodeCaches,
      (stored) => confirmCodeCache(stored, nameOf(stored), { requestCodeCache, reportStep }),
      {
        discard: true
      }
    )
  }
  if (!pipelineExample) {
    yield* reporter.line(nextSteps(outputs))
    return true
  }
  return yield* deployExample(options, outputs, { client, region, interval, reporter })
})

const ifChanged = (isUpdate: boolean) => isUpdate ? ", if it differs" : ""

const afterFailure = "\nRemove the cause, then run this again. A stack that cannot be updated is deleted and recreated."

const sampleKey = "template-package.zip"

const exampleOf = (stack: string) => `${stack}-example`

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

const deployExample = Effect.fn("deployExample")(function*(
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
  const findExample = findStack(stack, "DeployStackFunction")
  const deployWith = Effect.fnUntraced(function*(WithPipeline: "true" | "false") {
    const isUpdate = Option.isSome(yield* findExample)
    const parameters = parametersFor(isUpdate, template, { ...given, WithPipeline })
    return (yield* deployStack({ stack, template, parameters, templateBucket, interval }, reporter))._tag ===
      "Succeeded"
  })

  // A new pipeline starts its first execution at once, which needs the sample.
  const before = yield* findExample
  const ready = sourceOf(before) !== undefined || (yield* deployWith("false"))
  const source = ready ? sourceOf(yield* findExample) : undefined
  if (source === undefined) {
    yield* reporter.line(afterFailure)
    return false
  }
  const bucket = openBucket(client, source, region)
  if (yield* bucket.has(sampleKey)) {
    yield* reporter.line(`    unchanged   s3://${source}/${sampleKey}`)
  } else {
    const { zip } = yield* readArtifact(`MyTemplate=${path("../../events/artifacts/MyTemplate")}`)
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

const action = (name: string, userParameters: object) =>
  `    FunctionName    ${name}\n    UserParameters  ${JSON.stringify(userParameters)}\n`

/** The name of a stack that deploy-stack may change. */
const stackOf = ({ Stacks = "" }: Readonly<Record<string, string>>, name: string) => Stacks.replaceAll("*", name)

/** The next steps: how to configure an action in a pipeline. */
const nextSteps = (outputs: Readonly<Record<string, string>>) => {
  const { CheckWebpageFunction, CloudFormationRoleArn: roleArn, DeployStackFunction, Stacks } = outputs
  const deployStack = {
    stack: stackOf(outputs, "NAME"),
    file: "template.json",
    artifact: "SourceArtifact",
    ...(roleArn !== undefined && { roleArn })
  }
  return [
    "\nNext, add an action to a pipeline, with the category Invoke, the provider Lambda and this configuration:\n",
    ...(DeployStackFunction === undefined ? [] : [action(DeployStackFunction, deployStack)]),
    ...(CheckWebpageFunction === undefined ? [] : [action(CheckWebpageFunction, { url: "https://www.example.com/" })]),
    ...(DeployStackFunction === undefined ? [] : [
      `The stacks that deploy-stack may change: ${Stacks}. To allow others: --parameter Stacks=PATTERN.`
    ]),
    ...(roleArn === undefined ? [] : [
      "To give CloudFormation's role permissions (a new one has none): --parameter ServiceRolePolicyArns=ARN,ARN."
    ])
  ].join("\n")
}
