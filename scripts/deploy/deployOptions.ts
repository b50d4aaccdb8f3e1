// What npm run deploy is asked for.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { BucketName } from "../../src/domain/job/Job.ts"
import { badUsage, type CommandLine, didYouMean, type Script } from "../commandLine.ts"
import { functionNames } from "../permissions.ts"

export const script = {
  command: "npm run deploy",
  purpose: `
Builds the functions, uploads them, and creates or updates the stack of functions in your account: what
scripts/templates/functions.yaml says. Then it looks that each function starts, and deploys it again with what V8 has
compiled of it there, so that it starts faster. A second run changes what has changed, and nothing else.`,
  options: {
    bucket: {
      kind: "value",
      value: "BUCKET",
      text: "Required: the bucket for the functions' code, in the region of the stack."
    },
    stack: { kind: "value", value: "NAME", text: "The stack of functions.", otherwise: "codepipeline-actions" },
    region: { kind: "value", value: "REGION", text: "In place of that of your environment or AWS profile." },
    actions: {
      kind: "value",
      value: "NAMES",
      text: "The functions that the stack is to have, with commas. Others that it has are removed.",
      otherwise: functionNames.join(",")
    },
    parameter: {
      kind: "values",
      value: "NAME=VALUE",
      text: "A parameter of the template, such as Stacks=shop-*, MemorySize=512 or LogRetentionDays=90. What is not " +
        "named stays as it is, and is the template's default at first."
    },
    "template-bucket": {
      kind: "value",
      value: "BUCKET",
      text: "The bucket through which deploy-stack passes templates of more than 51,200 bytes."
    },
    "pipeline-example": {
      text:
        "Deploy the pipeline of scripts/templates/pipeline.yaml as well, as the stack NAME-example, with its sample."
    },
    "dry-run": {
      text: "Build, look at what there is, and say what would be done; nothing in your account is changed."
    },
    "endpoint-url": { kind: "value", value: "URL", text: "AWS at this address, such as an emulator's." }
  },
  examples: [
    "npm run deploy -- --bucket my-code --dry-run",
    "npm run deploy -- --bucket my-code --parameter \"Stacks=shop-*\" --pipeline-example"
  ],
  status: "0 it is deployed, 1 it is not, 2 the command line is wrong, or there is no region or no credentials"
} as const satisfies Script<string>

/** With what comes after it, it is the name of a function, which has 64 characters at most. */
const isStackName = Schema.is(Schema.String.check(Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9]{0,49}$/)))
const isBucketName = Schema.is(BucketName)

/** What the command line asks for; nothing that it asks for is passed over. */
export const readOptions = Effect.fn("readOptions")(
  function*({ flags, values }: CommandLine<keyof typeof script["options"]>) {
    const bucket = values.bucket?.[0]
    if (bucket === undefined) {
      return yield* badUsage(
        "--bucket is missing: name a bucket for the functions' code (aws s3 mb s3://NAME makes one)"
      )
    }
    const templateBucket = values["template-bucket"]?.[0]
    for (const name of [bucket, templateBucket]) {
      if (name !== undefined && !isBucketName(name)) return yield* badUsage(`"${name}" is not the name of a bucket`)
    }
    const stack = values.stack?.[0] ?? "codepipeline-actions"
    if (!isStackName(stack)) {
      return yield* badUsage(`--stack takes a letter, then letters, digits and hyphens, 50 at most, not "${stack}"`)
    }
    const actions = yield* readActions(values.actions?.[0] ?? functionNames.join(","))
    const pipelineExample = flags.has("pipeline-example")
    if (pipelineExample && actions.length < functionNames.length) {
      return yield* badUsage("--pipeline-example needs all functions: leave --actions out")
    }
    const parameters = yield* readParameters(values.parameter ?? [])
    if (pipelineExample && parameters["ServiceRole"] === "false") {
      return yield* badUsage(
        "--pipeline-example needs the role for CloudFormation: leave --parameter ServiceRole=false out"
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
    return yield* badUsage(`--actions: there is no function "${name}"; ${didYouMean(name, functionNames)}`)
  }
  return functionNames.filter((name) => names.includes(name))
})

/** What this script gives to the template by options of its own. */
const own: Readonly<Record<string, string>> = {
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
    if (own[name] !== undefined) return yield* badUsage(`--parameter ${name}: that is for ${own[name]} to say`)
    if (Object.hasOwn(parameters, name)) return yield* badUsage(`--parameter ${name} is given twice`)
    parameters[name] = option.slice(name.length + 1)
  }
  return parameters
})

export type DeployOptions = Effect.Success<ReturnType<typeof readOptions>>
