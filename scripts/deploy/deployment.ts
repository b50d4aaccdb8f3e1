// Brings the functions, and the example of a pipeline, into an account.
import { S3Client } from "@aws-sdk/client-s3"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { parse } from "yaml"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import type { Stack } from "../../src/domain/stack/Stack.ts"
import { startability } from "../../src/domain/stack/StackStatus.ts"
import { sentences } from "../../src/domain/text/sentences.ts"
import { scopedClient } from "../../src/runtime/AwsClient.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import type { BuiltFunction } from "../build/bundle.ts"
import { badUsage } from "../commandLine.ts"
import { type FunctionName, functionNames } from "../permissions.ts"
import { readArtifact } from "../run/artifacts.ts"
import type { TerminalReporter } from "../run/TerminalReporter.ts"
import { AccountNotReady, openBucket } from "./codeBucket.ts"
import type { DeployOptions } from "./deployOptions.ts"
import { compileFunction, confirmCompiled, type StoredFunction, storeFunction } from "./functionCode.ts"
import type { Ask } from "./functionsInLambda.ts"
import { deployStack } from "./stackDeployment.ts"
import { refusals, type TemplateParameter } from "./templateParameters.ts"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** A template of `scripts/templates`, with its parameters and their defaults. */
const readTemplate = (name: "functions" | "pipeline") =>
  Effect.promise(async () => {
    const file = `scripts/templates/${name}.yaml`
    const text = await readFile(path(`../../${file}`), "utf8")
    // CloudFormation's own tags (!Ref, !Sub, …) do not matter for these.
    const { Parameters } = parse(text, { logLevel: "silent" }) as {
      readonly Parameters: Readonly<Record<string, TemplateParameter>>
    }
    const defaults = Object.entries(Parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, String(Default)] as const]
    )
    return { file, text, parameters: Parameters, defaults: Object.fromEntries(defaults) }
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

/** The template's parameter for the key of a function's code, and its output that names the function. */
const inTemplate = {
  "deploy-stack": { key: "DeployStackKey", output: "DeployStackFunction" },
  "check-webpage": { key: "CheckWebpageKey", output: "CheckWebpageFunction" }
} satisfies Record<FunctionName, unknown>

/**
 * The stack as it is; the first call of CloudFormation, so that a refusal is known before anything is done. It has to
 * have this parameter: a stack with another template would lose what is in it.
 */
const look = Effect.fn("look")(function*(stack: string, parameter: string) {
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
  // A stack of which there is only a change set, one that was never executed, has nothing to lose.
  const isFree = Option.match(found, {
    onNone: () => true,
    onSome: ({ parameters, status }) => parameters.has(parameter) || startability(status) === "Shell"
  })
  return isFree
    ? found
    : yield* new AccountNotReady({
      message: `There is a stack "${stack}" already, for something else: it has no parameter ${parameter}. ` +
        "Name another one with --stack"
    })
})

const variablesOf = (outcome: JobOutcome): Readonly<Record<string, string>> =>
  outcome._tag === "Succeeded" ? outcome.outputVariables ?? {} : {}

const kibibytes = ({ length }: Uint8Array) => `${Math.ceil(length / 1024)} KiB`

/** Gives whether all is deployed, or would be. `build` makes the functions; it is run when the account is known to be ready. */
export const deploy = Effect.fn("deploy")(function*<E, R>(
  options: DeployOptions,
  { ask, build, interval, region, reporter }: {
    /** What asks the functions when they are there. */
    readonly ask: Ask
    readonly build: Effect.Effect<ReadonlyArray<BuiltFunction>, E, R>
    readonly interval: Duration.Input
    /** The one that the SDK goes by. */
    readonly region: string
    readonly reporter: TerminalReporter
  }
) {
  const { bucket, dryRun, endpoint, parameters: given, pipelineExample, stack, templateBucket } = options
  const client = yield* scopedClient((shared) => new S3Client({ ...shared, forcePathStyle: endpoint !== undefined }))
  const template = yield* readTemplate("functions")
  const refused = refusals(template.file, template.parameters, given)
  if (refused.length > 0) return yield* badUsage(refused.join("\n"))
  const code = openBucket(client, bucket, region)
  yield* code.check
  if (templateBucket !== undefined) yield* openBucket(client, templateBucket, region).check
  const isUpdate = Option.isSome(yield* look(stack, "CodeBucket"))
  const example = pipelineExample ? yield* look(exampleOf(stack), "DeployStackFunction") : Option.none()

  const note = (word: string, text: string) => reporter.line(`    ${word.padEnd(10)}  ${text}`)
  yield* reporter.line(`${dryRun ? "dry run: " : ""}stack ${stack} in ${region}${endpoint ? `, ${endpoint}` : ""}`)

  const functions: Array<StoredFunction> = []
  for (const built of yield* build) {
    yield* note("built", `${built.path}, ${kibibytes(built.zip)}`)
    functions.push(yield* storeFunction(built, { bucket: code, dryRun, note }))
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
    yield* note(isUpdate ? "to update" : "to create", `stack ${stack}, of ${template.file}${differing(isUpdate)}`)
    for (const [name, value] of Object.entries(parameters)) yield* note("parameter", `${name}: ${value || "(none)"}`)
    if (isUpdate) yield* note("parameter", "all others as they are")
    if (pipelineExample) {
      const isUpdate = Option.isSome(example)
      const { file } = yield* readTemplate("pipeline")
      yield* note(isUpdate ? "to update" : "to create", `stack ${exampleOf(stack)}, of ${file}${differing(isUpdate)}`)
      const source = sourceOf(example)
      if (source === undefined || !(yield* openBucket(client, source, region).has(sampleKey))) {
        yield* note("to upload", `${sampleKey}, into ${source ?? "the source bucket of that stack"}`)
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
  const compiled = yield* Effect.forEach(
    functions,
    (stored) => compileFunction(stored, nameOf(stored), { ask, bucket: code, note })
  )
  if (compiled.some(({ key }, index) => key !== functions[index]?.key)) {
    const again = yield* deployFunctions(parametersOf(true, compiled))
    if (again._tag === "Failed") {
      yield* reporter.line(afterFailure)
      return false
    }
    yield* Effect.forEach(compiled, (stored) => confirmCompiled(stored, nameOf(stored), { ask, note }), {
      discard: true
    })
  }
  if (!pipelineExample) {
    yield* reporter.line(whatNext(outputs))
    return true
  }
  return yield* deployExample(options, outputs, { client, region, interval, reporter })
})

const differing = (isUpdate: boolean) => isUpdate ? ", where it differs" : ""

const afterFailure =
  "\nRun this again when the cause is gone: a stack that only deleting helps is deleted and created again."

const sampleKey = "template-package.zip"

const exampleOf = (stack: string) => `${stack}-example`

/** The bucket that the sample goes into, where the example's stack has it. */
const sourceOf = Option.match<string | undefined, Stack, string | undefined>({
  onNone: () => undefined,
  onSome: ({ outputs }) => outputs["SourceBucketName"]
})

/** What the example's template takes of the functions' stack. */
const passedOn = ["DeployStackFunction", "CheckWebpageFunction", "CloudFormationRoleArn", "CloudFormationRoleName"]

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
  const missing = passedOn.filter((name) => outputs[name] === undefined)
  if (missing.length > 0) {
    return yield* new AccountNotReady({
      message: `Stack ${functions} has no output ${missing.join(", ")}, which the example needs: ` +
        "deploy it with --parameter ServiceRole=true"
    })
  }
  yield* reporter.line(`stack ${stack}`)
  const template = yield* readTemplate("pipeline")
  const given = {
    ...Object.fromEntries(passedOn.map((name) => [name, outputs[name] ?? ""])),
    Stack: stackOf(outputs, "example")
  }
  const lookAtExample = look(stack, "DeployStackFunction")
  const deployWith = Effect.fnUntraced(function*(WithPipeline: "true" | "false") {
    const isUpdate = Option.isSome(yield* lookAtExample)
    const parameters = parametersFor(isUpdate, template, { ...given, WithPipeline })
    return (yield* deployStack({ stack, template, parameters, templateBucket, interval }, reporter))._tag ===
      "Succeeded"
  })

  // A pipeline begins its first execution as soon as it is there, and that needs the sample.
  const before = yield* lookAtExample
  const ready = sourceOf(before) !== undefined || (yield* deployWith("false"))
  const source = ready ? sourceOf(yield* lookAtExample) : undefined
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
  const begun = hadPipeline ? "is there" : "has begun its first execution as soon as it was there"
  yield* reporter.line(`
Pipeline ${stack} ${begun}. It deploys stack ${given.Stack}, checks what
came of it, and waits for an approval to delete it again:

    aws codepipeline get-pipeline-state --name ${stack} --region ${region}

To begin ${hadPipeline ? "an" : "another"} execution, upload a zip with template-package/template.json in it:

    aws s3 cp YOUR.zip s3://${source}/${sampleKey} --region ${region}`)
  return true
})

const action = (name: string, userParameters: object) =>
  `    FunctionName    ${name}\n    UserParameters  ${JSON.stringify(userParameters)}\n`

/** A stack that deploy-stack may work on. */
const stackOf = ({ Stacks = "" }: Readonly<Record<string, string>>, name: string) => Stacks.replaceAll("*", name)

/** How to go on: the configuration of an action in a pipeline. */
const whatNext = (outputs: Readonly<Record<string, string>>) => {
  const { CheckWebpageFunction, CloudFormationRoleArn: roleArn, DeployStackFunction, Stacks } = outputs
  const deployStack = {
    stack: stackOf(outputs, "NAME"),
    file: "template.json",
    artifact: "SourceArtifact",
    ...(roleArn !== undefined && { roleArn })
  }
  return [
    "\nNext, in a pipeline: an action of the category Invoke and the provider Lambda, with this configuration:\n",
    ...(DeployStackFunction === undefined ? [] : [action(DeployStackFunction, deployStack)]),
    ...(CheckWebpageFunction === undefined ? [] : [action(CheckWebpageFunction, { url: "https://www.example.com/" })]),
    ...(DeployStackFunction === undefined ? [] : [
      `The stacks that deploy-stack may work on: --parameter Stacks=PATTERN (now ${Stacks}).`
    ]),
    ...(roleArn === undefined ? [] : [
      "What CloudFormation's role may make: --parameter ServiceRolePolicyArns=ARN,ARN or policies of your own (nothing, at first)."
    ])
  ].join("\n")
}
