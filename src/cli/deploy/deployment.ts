// Deploys the functions, and the example pipeline, into an account.
import { S3Client } from "@aws-sdk/client-s3"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { JobOutcome } from "../../domain/job/JobOutcome.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import { scopedClient } from "../../runtime/AwsClient.ts"
import { badUsage, reason } from "../commandLine/usage.ts"
import { makeFolder } from "../makeFolder.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"
import { AccountNotReady } from "./accountNotReady.ts"
import { openBucket } from "./code/codeBucket.ts"
import type { RequestCodeCache } from "./code/codeCacheClient.ts"
import {
  addCodeCache,
  confirmCodeCache,
  type FunctionCode,
  type StoredFunction,
  storeFunction
} from "./code/functionCode.ts"
import { outputFolder } from "./code/ownFunctions.ts"
import { type FunctionName, functionNames } from "./code/readyMade.ts"
import { commandOf, type DeployOptions } from "./deployOptions.ts"
import { findStack, type ReadTemplate } from "./existingStack.ts"
import { functionOutput, functionsOf, keyParameter, logicalIdOf } from "./functionNames.ts"
import { afterFailure, nextSteps } from "./nextSteps.ts"
import { deployExample, findExample, planExample } from "./pipelineExample.ts"
import { deployStack } from "./stackDeployment.ts"
import { type DeployedTemplate, withOwnFunctions } from "./template/functionsTemplate.ts"
import { templateDifference } from "./template/templateDifference.ts"
import { invalidParameters } from "./template/templateParameters.ts"
import { parametersFor, readTemplate } from "./template/templates.ts"

const variablesOf = (outcome: JobOutcome): Readonly<Record<string, string>> =>
  outcome._tag === "Succeeded" ? outcome.outputVariables ?? {} : {}

const kibibytes = ({ length }: Uint8Array) => `${Math.ceil(length / 1024)} KiB`

/** Fails if the stack has functions that this deployment would remove, and the command line does not say so. */
const checkRemoval = Effect.fn("checkRemoval")(
  function*({ remove, stack }: DeployOptions, removed: ReadonlyArray<string>) {
    if (remove || removed.length === 0) return
    const readyMade = removed.filter((name) => functionNames.some((known) => known === name))
    const own = removed.filter((name) => !readyMade.includes(name))
    const wanted = [
      ...(readyMade.length === 0 ? [] : [`${readyMade.join(",")} in --actions`]),
      ...(own.length === 0 ? [] : [`the module of ${own.join(" and of ")}`])
    ]
    return yield* new AccountNotReady({
      message: `Stack "${stack}" has ${removed.join(" and ")}, which this deployment would remove. To keep ` +
        `${removed.length > 1 ? "them" : "it"}, name ${wanted.join(" and ")}; otherwise, give --remove`
    })
  }
)

interface Deployment<E, R> {
  readonly requestCodeCache: RequestCodeCache
  /** Reads the template that is deployed, for a dry run. */
  readonly readDeployed: ReadTemplate
  /** Builds the ready-made functions with these names, and the own ones, in this order. */
  readonly build: (actions: ReadonlyArray<FunctionName>) => Effect.Effect<ReadonlyArray<FunctionCode>, E, R>
  readonly interval: Duration.Input
  /** The SDK's region. */
  readonly region: string
  readonly reporter: TerminalReporter
}

/** Returns whether everything is deployed, or would be in a dry run. Builds after all checks of the account. */
export const deploy = Effect.fn("deploy")(function*<E, R>(
  options: DeployOptions,
  { build, interval, readDeployed, region, reporter, requestCodeCache }: Deployment<E, R>
) {
  const { bucket, dryRun, endpoint, own, parameters: given, pipelineExample, stack, templateBucket } = options
  const client = yield* scopedClient((shared) => new S3Client({ ...shared, forcePathStyle: endpoint !== undefined }))
  const template = yield* withOwnFunctions(yield* readTemplate("functions"), own, templateFile)
  const invalid = invalidParameters(template.file, template.parameters, given)
  if (invalid.length > 0) return yield* badUsage(invalid.join("\n"))
  const code = openBucket(client, bucket, region)
  yield* code.check
  if (templateBucket !== undefined) yield* openBucket(client, templateBucket, region).check
  const existing = yield* findStack(stack, "CodeBucket")
  const isUpdate = Option.isSome(existing)
  const present = Option.match(existing, { onNone: (): ReadonlyArray<string> => [], onSome: functionsOf })
  // By default, own functions are added to the ready-made ones that the stack has.
  const actions = options.actions ?? functionNames.filter((name) => present.includes(name))
  const names = [...actions, ...own.map(({ name }) => name)]
  const kept = new Set(names.map(logicalIdOf))
  const removed = present.filter((name) => !kept.has(logicalIdOf(name)))
  yield* checkRemoval(options, removed)
  const example = yield* findExample(options)

  const reportStep = (step: string, text: string) => reporter.line(`    ${step.padEnd(10)}  ${text}`)
  yield* reporter.line(`${dryRun ? "dry run: " : ""}stack ${stack} in ${region}${endpoint ? `, ${endpoint}` : ""}`)

  const functions: Array<StoredFunction> = []
  for (const built of yield* build(actions)) {
    yield* reportStep(built.isBuilt ? "built" : "function", `${built.origin}, ${kibibytes(built.zip)}`)
    functions.push(yield* storeFunction(built, { bucket: code, dryRun, reportStep }))
  }
  if (own.length > 0) {
    yield* writeTemplate(template)
    yield* reportStep("template", template.file)
  }

  const parametersOf = (isUpdate: boolean, functions: ReadonlyArray<StoredFunction>) => {
    const keys = new Map(functions.map(({ built, key }) => [built.name, key]))
    return parametersFor(isUpdate, template, {
      CodeBucket: bucket,
      ...Object.fromEntries(functionNames.map((name) => [keyParameter(name), ""])),
      ...Object.fromEntries(Array.from(keys, ([name, key]) => [keyParameter(name), key])),
      ...(templateBucket !== undefined && { TemplateBucket: templateBucket }),
      ...given
    })
  }
  const parameters = parametersOf(isUpdate, functions)
  if (dryRun) {
    yield* planStack(options, { existing, template, parameters, removed, readDeployed, reportStep })
    if (pipelineExample) yield* planExample(options, example, { client, region, reportStep })
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
  const nameOf = ({ built: { name } }: StoredFunction) => outputs[functionOutput(name)]
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
      { discard: true }
    )
  }
  if (!pipelineExample) {
    yield* reporter.line(nextSteps({ functions: names, own, outputs, deployAgain: commandOf(options) }))
    return true
  }
  return yield* deployExample(options, outputs, { client, region, interval, reporter })
})

/** The template with own functions, for whoever wants to read it, or to deploy it in another way. */
const templateFile = join(outputFolder, "functions.yaml")

const writeTemplate = ({ file, text }: DeployedTemplate) =>
  Effect.tryPromise({
    try: async () => {
      await makeFolder(dirname(file))
      await writeFile(file, text)
    },
    catch: (cause) => new TemplateNotWritten({ message: `${file} could not be written: ${reason(cause)}` })
  })

/** The file system refuses the template. */
export class TemplateNotWritten extends Schema.TaggedError<TemplateNotWritten>()("TemplateNotWritten", {
  message: Schema.String
}) {}

const shown = (value: string | undefined) => value || "(none)"

/** Reports how the stack would change. */
const planStack = Effect.fn("planStack")(function*(
  { stack }: DeployOptions,
  { existing, parameters, readDeployed, removed, reportStep, template }: {
    readonly existing: Option.Option<Stack>
    readonly template: DeployedTemplate
    readonly parameters: Readonly<Record<string, string>>
    readonly removed: ReadonlyArray<string>
    readonly readDeployed: ReadTemplate
    readonly reportStep: (step: string, text: string) => Effect.Effect<void>
  }
) {
  if (Option.isNone(existing)) {
    yield* reportStep("to create", `stack ${stack}, from ${template.file}`)
    for (const [name, value] of Object.entries(parameters)) yield* reportStep("parameter", `${name}: ${shown(value)}`)
    return
  }
  const before = existing.value.parameters
  yield* reportStep("to update", `stack ${stack}, from ${template.file}, if it differs`)
  for (const [name, value] of Object.entries(parameters)) {
    const old = before.get(name)
    yield* reportStep("parameter", `${name}: ${old === value ? "" : `${shown(old)} → `}${shown(value)}`)
  }
  yield* reportStep("parameter", "all others unchanged")
  const difference = yield* readDeployed(existing.value).pipe(
    Effect.map((deployed) => templateDifference(deployed, template.text) ?? ["the deployed one cannot be read"]),
    // It only makes the report better.
    Effect.catch(({ message }) => Effect.succeed([`the difference is unknown: ${message}`]))
  )
  for (const line of difference.length === 0 ? ["no difference"] : difference) yield* reportStep("template", line)
  for (const name of removed) yield* reportStep("to remove", `function ${name}, its log group and its role`)
})
