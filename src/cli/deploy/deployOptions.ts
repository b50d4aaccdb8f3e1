// The command line of `deploy`.
import * as Argument from "effect/cli/Argument"
import type * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BucketName } from "../../domain/job/Job.ts"
import { flag, value, values } from "../commandLine/options.ts"
import { type BadUsage, badUsage, didYouMean } from "../commandLine/usage.ts"
import { readOwnFunctions } from "./code/ownFunctions.ts"
import { type FunctionName, functionNames } from "./code/readyMade.ts"
import { keyParameter } from "./functionNames.ts"
import { word } from "./shell.ts"

const defaultStack = "codepipeline-actions"

/** The arguments and options of `deploy`. */
export const deployConfig = {
  entries: Argument.Path("ENTRY.ts").pipe(
    Argument.withDescription(
      "A module with an action of your own. It exports its handler and, as permissions, what the function's role needs."
    ),
    Argument.variadic()
  ),
  bucket: value("bucket", {
    value: "BUCKET",
    text: "Required. The bucket for the functions' code, in the region of the stack."
  }),
  stack: value("stack", { value: "NAME", text: "The stack of functions.", otherwise: defaultStack }),
  region: value("region", {
    value: "REGION",
    text: "The region, instead of that of your environment or AWS profile."
  }),
  actions: value("actions", {
    value: "NAMES",
    text: "The ready-made functions of the stack, separated by commas, or none.",
    otherwise: `${functionNames.join(",")}; with ENTRY.ts, those that the stack has`
  }),
  remove: flag("remove", {
    text: "Remove every other function from the stack. Without it, a deployment that would remove one is refused."
  }),
  parameter: values("parameter", {
    value: "NAME=VALUE",
    text: "A parameter of the template, such as Stacks=shop-*, MemorySize=512 or LogRetentionDays=90. Other " +
      "parameters keep their value; a new stack has the template's defaults."
  }),
  templateBucket: value("template-bucket", {
    value: "BUCKET",
    text: "The bucket through which deploy-stack passes templates over 51,200 bytes."
  }),
  pipelineExample: flag("pipeline-example", {
    text: "Also deploy an example pipeline as the stack NAME-example, with a sample template."
  }),
  dryRun: flag("dry-run", {
    text: "Report what would be done, with the difference to the deployed template. Nothing in your account is changed."
  }),
  endpoint: value("endpoint-url", { value: "URL", text: "The address of AWS, such as an emulator's." })
} as const

export type DeployInput = Command.Command.Config.Infer<typeof deployConfig>

/** A function's name is this name and a suffix, and Lambda allows 64 characters. */
const isStackName = Schema.is(Schema.String.check(Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9]{0,49}$/)))
const isBucketName = Schema.is(BucketName)

/** The options, validated. Everything on the command line is either used or rejected. */
export const readOptions = Effect.fn("readOptions")(
  function*({ dryRun, pipelineExample, remove, ...input }: DeployInput) {
    const bucket = Option.getOrUndefined(input.bucket)
    if (bucket === undefined) {
      return yield* badUsage(
        "--bucket is missing: name a bucket for the functions' code (aws s3 mb s3://NAME creates one)"
      )
    }
    const templateBucket = Option.getOrUndefined(input.templateBucket)
    for (const name of [bucket, templateBucket]) {
      if (name !== undefined && !isBucketName(name)) return yield* badUsage(`"${name}" is not a valid bucket name`)
    }
    const stack = Option.getOrElse(input.stack, () => defaultStack)
    if (!isStackName(stack)) {
      return yield* badUsage(
        `--stack takes a letter, then letters, digits and hyphens, at most 50 characters, not "${stack}"`
      )
    }
    const actions = yield* readActions(Option.getOrUndefined(input.actions))
    if (pipelineExample && actions !== undefined && actions.length < functionNames.length) {
      return yield* badUsage("--pipeline-example needs all functions: omit --actions")
    }
    const own = yield* readOwnFunctions(input.entries, stack)
    if (actions?.length === 0 && own.length === 0) {
      return yield* badUsage("--actions none leaves nothing to deploy: name a module with an action of your own")
    }
    const parameters = yield* readParameters(
      input.parameter,
      new Map([
        ...optionOf,
        ...functionNames.map((name) => [keyParameter(name), "--actions"] as const),
        ...own.map(({ entry, name }) => [keyParameter(name), entry] as const)
      ])
    )
    if (pipelineExample && parameters["ServiceRole"] === "false") {
      return yield* badUsage(
        "--pipeline-example needs the role for CloudFormation: omit --parameter ServiceRole=false"
      )
    }
    return {
      bucket,
      stack,
      region: Option.getOrUndefined(input.region),
      own,
      actions: actions ?? (own.length === 0 || pipelineExample ? functionNames : undefined),
      remove,
      parameters,
      templateBucket,
      pipelineExample,
      dryRun,
      endpoint: Option.getOrUndefined(input.endpoint)
    }
  }
)

/** The functions by their names; `undefined` if the default applies, which depends on the stack. */
const readActions = Effect.fnUntraced(function*(list: string | undefined): Effect.fn.Return<
  ReadonlyArray<FunctionName> | undefined,
  BadUsage
> {
  if (list === undefined) return undefined
  if (list === "none") return []
  const names = list.split(",")
  for (const name of names) {
    if (functionNames.some((known) => known === name)) continue
    return yield* badUsage(`--actions: "${name}" is not a function; ${didYouMean(name, functionNames)}`)
  }
  return functionNames.filter((name) => names.includes(name))
})

/** The parameters of the template that have an option. */
const optionOf: ReadonlyArray<readonly [parameter: string, option: string]> = [
  ["CodeBucket", "--bucket"],
  ["TemplateBucket", "--template-bucket"]
]

const readParameters = Effect.fnUntraced(function*(
  options: ReadonlyArray<string>,
  others: ReadonlyMap<string, string>
) {
  const parameters: Record<string, string> = {}
  for (const option of options) {
    const name = option.slice(0, Math.max(0, option.indexOf("=")))
    if (name === "") return yield* badUsage(`--parameter takes NAME=VALUE, not "${option}"`)
    const instead = others.get(name)
    if (instead !== undefined) return yield* badUsage(`--parameter ${name}: use ${instead} instead`)
    if (Object.hasOwn(parameters, name)) return yield* badUsage(`--parameter ${name} is given twice`)
    parameters[name] = option.slice(name.length + 1)
  }
  return parameters
})

export type DeployOptions = Effect.Success<ReturnType<typeof readOptions>>

/** The command that deploys the same functions into the same stack again. */
export const commandOf = ({ actions, bucket, own, region, stack }: DeployOptions): string =>
  [
    "npx effect-codepipeline deploy",
    ...own.map(({ entry }) => word(entry)),
    `--bucket ${bucket}`,
    ...(stack === defaultStack ? [] : [`--stack ${stack}`]),
    ...(region === undefined ? [] : [`--region ${region}`]),
    ...(actions === undefined || (actions.length === functionNames.length && own.length === 0)
      ? []
      : [`--actions ${actions.join(",") || "none"}`])
  ].join(" ")
