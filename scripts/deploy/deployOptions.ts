// The command line of npm run deploy.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { BucketName } from "../../src/domain/job/Job.ts"
import { badUsage, type CommandLine, didYouMean, type Script } from "../commandLine.ts"
import { functionNames } from "../permissions.ts"

export const script = {
  command: "npm run deploy",
  purpose: `
Builds the functions, uploads them, and creates or updates the stack of functions in your account, from
scripts/templates/functions.yaml. Then it checks that each function starts, and deploys it again with the V8 code cache
that the function returns, so that it starts faster. A second run deploys only what has changed.`,
  options: {
    bucket: {
      kind: "value",
      value: "BUCKET",
      text: "Required. The bucket for the functions' code, in the region of the stack."
    },
    stack: { kind: "value", value: "NAME", text: "The stack of functions.", otherwise: "codepipeline-actions" },
    region: { kind: "value", value: "REGION", text: "The region, instead of that of your environment or AWS profile." },
    actions: {
      kind: "value",
      value: "NAMES",
      text: "The functions of the stack, separated by commas. Any other function is removed from it.",
      otherwise: functionNames.join(",")
    },
    parameter: {
      kind: "values",
      value: "NAME=VALUE",
      text: "A parameter of the template, such as Stacks=shop-*, MemorySize=512 or LogRetentionDays=90. Other " +
        "parameters keep their value; a new stack has the template's defaults."
    },
    "template-bucket": {
      kind: "value",
      value: "BUCKET",
      text: "The bucket through which deploy-stack passes templates over 51,200 bytes."
    },
    "pipeline-example": {
      text:
        "Also deploy the pipeline of scripts/templates/pipeline.yaml as the stack NAME-example, with a sample template."
    },
    "dry-run": {
      text: "Build, and report what would be done. Nothing in your account is changed."
    },
    "endpoint-url": { kind: "value", value: "URL", text: "The address of AWS, such as an emulator's." }
  },
  examples: [
    "npm run deploy -- --bucket my-code --dry-run",
    "npm run deploy -- --bucket my-code --parameter \"Stacks=shop-*\" --pipeline-example"
  ],
  status: "0 deployed, 1 not deployed, 2 the command line is wrong, or the region or the credentials are missing"
} as const satisfies Script<string>

/** A function's name is this name and a suffix, and Lambda allows 64 characters. */
const isStackName = Schema.is(Schema.String.check(Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9]{0,49}$/)))
const isBucketName = Schema.is(BucketName)

/** The options, validated. Everything on the command line is either used or rejected. */
export const readOptions = Effect.fn("readOptions")(
  function*({ flags, values }: CommandLine<keyof typeof script["options"]>) {
    const bucket = values.bucket?.[0]
    if (bucket === undefined) {
      return yield* badUsage(
        "--bucket is missing: name a bucket for the functions' code (aws s3 mb s3://NAME creates one)"
      )
    }
    const templateBucket = values["template-bucket"]?.[0]
    for (const name of [bucket, templateBucket]) {
      if (name !== undefined && !isBucketName(name)) return yield* badUsage(`"${name}" is not a valid bucket name`)
    }
    const stack = values.stack?.[0] ?? "codepipeline-actions"
    if (!isStackName(stack)) {
      return yield* badUsage(
        `--stack takes a letter, then letters, digits and hyphens, at most 50 characters, not "${stack}"`
      )
    }
    const actions = yield* readActions(values.actions?.[0] ?? functionNames.join(","))
    const pipelineExample = flags.has("pipeline-example")
    if (pipelineExample && actions.length < functionNames.length) {
      return yield* badUsage("--pipeline-example needs all functions: omit --actions")
    }
    const parameters = yield* readParameters(values.parameter ?? [])
    if (pipelineExample && parameters["ServiceRole"] === "false") {
      return yield* badUsage(
        "--pipeline-example needs the role for CloudFormation: omit --parameter ServiceRole=false"
      )
    }
    return {
      bucket,
      stack,
      region: values.region?.[0],
      actions,
      parameters,
      templateBucket,
      pipelineExample,
      dryRun: flags.has("dry-run"),
      endpoint: values["endpoint-url"]?.[0]
    }
  }
)

const readActions = Effect.fnUntraced(function*(list: string) {
  const names = list.split(",")
  for (const name of names) {
    if (functionNames.some((known) => known === name)) continue
    return yield* badUsage(`--actions: "${name}" is not a function; ${didYouMean(name, functionNames)}`)
  }
  return functionNames.filter((name) => names.includes(name))
})

/** The parameters of the template that have an option. */
const optionOf: Readonly<Record<string, string>> = {
  CodeBucket: "--bucket",
  DeployStackKey: "--actions",
  CheckWebpageKey: "--actions",
  TemplateBucket: "--template-bucket"
}

const readParameters = Effect.fnUntraced(function*(options: ReadonlyArray<string>) {
  const parameters: Record<string, string> = {}
  for (const option of options) {
    const name = option.slice(0, Math.max(0, option.indexOf("=")))
    if (name === "") return yield* badUsage(`--parameter takes NAME=VALUE, not "${option}"`)
    if (optionOf[name] !== undefined) return yield* badUsage(`--parameter ${name}: use ${optionOf[name]} instead`)
    if (Object.hasOwn(parameters, name)) return yield* badUsage(`--parameter ${name} is given twice`)
    parameters[name] = option.slice(name.length + 1)
  }
  return parameters
})

export type DeployOptions = Effect.Success<ReturnType<typeof readOptions>>
