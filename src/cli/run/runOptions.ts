// The command line of `run`.
import * as Argument from "effect/cli/Argument"
import type * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { relative } from "node:path"
import { StackStatus } from "../../domain/stack/StackStatus.ts"
import { chosenAction } from "../action/chosenAction.ts"
import { readUserParameters, userParametersOptions } from "../action/userParameters.ts"
import { choice, flag, value, values } from "../commandLine/options.ts"
import { badUsage } from "../commandLine/usage.ts"
import { packageFile } from "../packageFiles.ts"

/** The arguments and options of `run`. */
export const runConfig = {
  event: Argument.Path("EVENT.json").pipe(
    Argument.withDescription(
      "The event of the first job. Default: a sample for a ready-made action; otherwise an event of the " +
        "command line's UserParameters and artifacts."
    ),
    Argument.optional
  ),
  action: value("action", {
    value: "ACTION",
    text:
      "deploy-stack, deploy-stack-set, check-webpage, which requests the page of the event over the network, or a module of your own, " +
      "such as ./greet.ts, or ./actions.ts#Greet for one of its exports.",
    otherwise: "deploy-stack"
  }),
  artifact: values("artifact", {
    value: "NAME=PATH",
    text:
      "The input artifact NAME: a zip, a folder, or a template (.json, .template, .yaml or .yml), which takes the " +
      "place of the event's template.",
    otherwise: "the artifact of the sample, if it has this name"
  }),
  outputArtifact: values("output-artifact", {
    value: "NAME",
    text: "The output artifact NAME, for a module without EVENT.json."
  }),
  mode: value("mode", {
    value: "MODE",
    text:
      "The mode of deploy-stack or deploy-stack-set: CREATE_UPDATE, DELETE_ONLY, or another one of docs/deploy-stack/modes.md.",
    otherwise: "the event's"
  }),
  ...userParametersOptions,
  stackStatus: choice("stack-status", StackStatus.literals, {
    value: "STATUS",
    text: "In memory: the stack of the event exists, in this status."
  }),
  stackFails: value("stack-fails", {
    value: "RESOURCE",
    text: "In memory: this resource of the template cannot be created or updated."
  }),
  instanceFails: value("instance-fails", {
    value: "REGION/ACCOUNT",
    text: "In memory: this instance of the stack set fails.",
    otherwise: "of the sample, us-east-1/222222222222"
  }),
  export: values("export", { value: "NAME=VALUE", text: "In memory: another stack exports this value." }),
  events: flag("events", { text: "Also print the events of the stack's resources, one a line." }),
  live: flag("live", {
    text: "Use real S3 and CloudFormation, with the credentials and the region of your environment or AWS profile. " +
      "CodePipeline is still simulated. Artifacts of --artifact are uploaded to their location in the event."
  }),
  yes: flag("yes", { text: "With --live and --artifact: overwrite an artifact in S3 that differs." }),
  endpoint: value("endpoint-url", {
    value: "URL",
    text: "With --live: the address of S3 and CloudFormation, such as an emulator's."
  }),
  interval: value("interval", {
    value: "SECONDS",
    text: "The time between two invocations.",
    otherwise: "5 with --live and for check-webpage, otherwise 0.3"
  })
} as const

export type RunInput = Command.Command.Config.Infer<typeof runConfig>

/** A path as it is shown: relative, for a file in the current folder. */
export const shownPath = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short === "" || short.startsWith("..") ? path : short
}

type Given = readonly [option: string, isGiven: (input: RunInput) => boolean]

/** The options that apply to actions with modes only. */
const modeOptions: ReadonlyArray<Given> = [["mode", ({ mode }) => Option.isSome(mode)]]

/** The options that apply to deploy-stack only. */
const deployStackOptions: ReadonlyArray<Given> = [["stack-status", ({ stackStatus }) => Option.isSome(stackStatus)]]

/** The options that apply to deploy-stack-set only. */
const stackSetOptions: ReadonlyArray<Given> = [
  ["instance-fails", ({ instanceFails }) => Option.isSome(instanceFails)]
]

/** The options that apply to actions with stacks. */
const stackOptions: ReadonlyArray<Given> = [
  ["stack-fails", ({ stackFails }) => Option.isSome(stackFails)],
  ["export", (input) => input.export.length > 0],
  ["events", ({ events }) => events]
]

/** The options that apply to actions with artifacts. */
const resourceOptions: ReadonlyArray<Given> = [
  ["artifact", ({ artifact }) => artifact.length > 0],
  ["live", ({ live }) => live],
  ["yes", ({ yes }) => yes],
  ["endpoint-url", ({ endpoint }) => Option.isSome(endpoint)]
]

/** The options that apply to modules only. */
const moduleOptions: ReadonlyArray<Given> = [
  ["output-artifact", ({ outputArtifact }) => outputArtifact.length > 0]
]

const inapplicable = {
  "deploy-stack": [...stackSetOptions, ...moduleOptions],
  "deploy-stack-set": [...deployStackOptions, ...stackOptions, ...moduleOptions],
  "check-webpage": [
    ...modeOptions,
    ...deployStackOptions,
    ...stackSetOptions,
    ...stackOptions,
    ...resourceOptions,
    ...moduleOptions
  ]
}

/** The options that do not apply to a module. */
const notForModules = [...modeOptions, ...deployStackOptions, ...stackSetOptions]

/** The instance of the sample whose account has no execution role. */
const failingInSample = "us-east-1/222222222222"

/** The options, validated. Everything on the command line is either used or rejected. */
export const readOptions = Effect.fn("readOptions")(function*(input: RunInput) {
  const { artifact: artifacts, events, live, outputArtifact: outputArtifacts, userParameters, yes } = input
  const chosen = yield* chosenAction(Option.getOrElse(input.action, () => "deploy-stack"), "--action ")
  const { readyMade, title } = chosen
  const [wrong] = (readyMade === undefined ? notForModules : inapplicable[readyMade])
    .find(([, isGiven]) => isGiven(input)) ?? []
  if (wrong !== undefined) return yield* badUsage(`--${wrong} cannot be combined with --action ${title}`)
  if (Option.isSome(input.event) && outputArtifacts.length > 0) {
    return yield* badUsage("--output-artifact cannot be combined with EVENT.json, which has the output artifacts")
  }
  const endpoint = Option.getOrUndefined(input.endpoint)
  const stackFails = Option.getOrUndefined(input.stackFails)
  const stackStatus = Option.getOrUndefined(input.stackStatus)
  const isSampleSet = readyMade === "deploy-stack-set" && Option.isNone(input.event) && !live
  const instanceFails = Option.getOrElse(input.instanceFails, () => isSampleSet ? failingInSample : undefined)
  const parameters = yield* readUserParameters([
    ...Option.toArray(input.mode).map((mode) => `mode=${mode}`),
    ...input.option
  ])
  const exports = yield* Effect.forEach(input.export, (option) => {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(option) ?? []
    return name === undefined || value === undefined
      ? badUsage(`--export takes NAME=VALUE, not "${option}"`)
      : Effect.succeed([name, value] as const)
  })
  const isSlow = live || readyMade === "check-webpage"
  const interval = Number(Option.getOrElse(input.interval, () => isSlow ? 5 : 0.3))
  if (live && stackFails !== undefined) return yield* badUsage("--stack-fails cannot be combined with --live")
  if (live && instanceFails !== undefined) return yield* badUsage("--instance-fails cannot be combined with --live")
  if (instanceFails !== undefined && !/^[a-z0-9-]+\/\d{12}$/.test(instanceFails)) {
    return yield* badUsage(`--instance-fails takes REGION/ACCOUNT, not "${instanceFails}"`)
  }
  if (live && stackStatus !== undefined) return yield* badUsage("--stack-status cannot be combined with --live")
  if (live && exports.length > 0) return yield* badUsage("--export cannot be combined with --live")
  if (!live && endpoint !== undefined) return yield* badUsage("--endpoint-url needs --live")
  if (yes && (!live || artifacts.length === 0)) return yield* badUsage("--yes needs --live and --artifact")
  if (!(interval >= 0)) {
    return yield* badUsage(`--interval takes a number of seconds, not "${Option.getOrElse(input.interval, () => "")}"`)
  }
  return {
    chosen,
    isNamed: Option.isSome(input.action),
    event: Option.getOrElse(input.event, () => readyMade && packageFile(`events/${readyMade}.json`)),
    artifacts,
    outputArtifacts,
    live,
    yes,
    events,
    endpoint,
    stackFails,
    stackStatus,
    instanceFails,
    exports: new Map(exports),
    parameters,
    userParameters,
    interval
  }
})

export type RunOptions = Effect.Success<ReturnType<typeof readOptions>>
