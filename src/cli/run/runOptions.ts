// The command line of `run`, and the files that it names.
import * as Argument from "effect/cli/Argument"
import type * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { decodeJob, type Job } from "../../domain/job/Job.ts"
import { StackStatus } from "../../domain/stack/StackStatus.ts"
import { notJson, parse } from "../../domain/text/json.ts"
import { choice, flag, value, values } from "../commandLine/options.ts"
import { BadUsage, badUsage, didYouMean, reason } from "../commandLine/usage.ts"
import { readUserParameters } from "../userParameters.ts"
import { readArtifact } from "./artifacts.ts"

const actions = ["deploy-stack", "check-webpage"] as const

/** The arguments and options of `run`. */
export const runConfig = {
  event: Argument.Path("EVENT.json").pipe(
    Argument.withDescription("The event of the action's first job. Default: the sample of the action."),
    Argument.optional
  ),
  action: value("action", {
    value: "ACTION",
    text: "deploy-stack, or check-webpage, which requests the page of the event over the network.",
    otherwise: "deploy-stack"
  }),
  artifact: values("artifact", {
    value: "NAME=PATH",
    text:
      "The input artifact NAME: a zip, a folder, or a template (.json, .template, .yaml or .yml), which takes the " +
      "place of the event's template.",
    otherwise: "the artifact of the sample, if it has this name"
  }),
  mode: value("mode", {
    value: "MODE",
    text: "The mode of deploy-stack: CREATE_UPDATE, DELETE_ONLY, or another one of docs/deploy-stack/modes.md.",
    otherwise: "the event's"
  }),
  option: values("option", {
    value: "NAME=VALUE",
    text: "Any other option of deploy-stack; it overrides the event's. VALUE is JSON, or else a string."
  }),
  stackStatus: choice("stack-status", StackStatus.literals, {
    value: "STATUS",
    text: "In memory: the stack of the event exists, in this status."
  }),
  stackFails: value("stack-fails", {
    value: "RESOURCE",
    text: "In memory: this resource of the template cannot be created or updated."
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

/** A file of this package. */
const inPackage = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** A path as it is shown: relative, for a file in the current folder. */
export const shownPath = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short === "" || short.startsWith("..") ? path : short
}

/** The options that apply to deploy-stack only: whether each is given. */
const deployStackOptions: Readonly<Record<string, (input: RunInput) => boolean>> = {
  artifact: ({ artifact }) => artifact.length > 0,
  mode: ({ mode }) => Option.isSome(mode),
  option: ({ option }) => option.length > 0,
  "stack-status": ({ stackStatus }) => Option.isSome(stackStatus),
  "stack-fails": ({ stackFails }) => Option.isSome(stackFails),
  export: (input) => input.export.length > 0,
  events: ({ events }) => events,
  live: ({ live }) => live,
  yes: ({ yes }) => yes,
  "endpoint-url": ({ endpoint }) => Option.isSome(endpoint)
}

/** The artifacts of the samples. */
const defaultArtifact = (name: string) => {
  const folder = inPackage(`events/artifacts/${name}`)
  return /^[\w-]+$/.test(name) && existsSync(folder) ? [`${name}=${folder}`] : []
}

/** The options, validated. Everything on the command line is either used or rejected. */
export const readOptions = Effect.fn("readOptions")(function*(input: RunInput) {
  const { artifact: artifacts, events, live, yes } = input
  const name = Option.getOrElse(input.action, () => "deploy-stack")
  const action = actions.find((action) => action === name)
  if (action === undefined) return yield* badUsage(`--action ${name} is not an action; ${didYouMean(name, actions)}`)
  const [inapplicable] = Object.entries(deployStackOptions).find(([, isGiven]) => isGiven(input)) ?? []
  if (action !== "deploy-stack" && inapplicable !== undefined) {
    return yield* badUsage(`--${inapplicable} cannot be combined with --action ${action}`)
  }
  const endpoint = Option.getOrUndefined(input.endpoint)
  const stackFails = Option.getOrUndefined(input.stackFails)
  const stackStatus = Option.getOrUndefined(input.stackStatus)
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
  const isSlow = live || action === "check-webpage"
  const interval = Number(Option.getOrElse(input.interval, () => isSlow ? 5 : 0.3))
  if (live && stackFails !== undefined) return yield* badUsage("--stack-fails cannot be combined with --live")
  if (live && stackStatus !== undefined) return yield* badUsage("--stack-status cannot be combined with --live")
  if (live && exports.length > 0) return yield* badUsage("--export cannot be combined with --live")
  if (!live && endpoint !== undefined) return yield* badUsage("--endpoint-url needs --live")
  if (yes && (!live || artifacts.length === 0)) return yield* badUsage("--yes needs --live and --artifact")
  if (!(interval >= 0)) {
    return yield* badUsage(`--interval takes a number of seconds, not "${Option.getOrElse(input.interval, () => "")}"`)
  }
  return {
    action,
    isNamed: Option.isSome(input.action),
    event: Option.getOrElse(input.event, () => inPackage(`events/${action}.json`)),
    artifacts,
    live,
    yes,
    events,
    endpoint,
    stackFails,
    stackStatus,
    exports: new Map(exports),
    parameters,
    interval
  }
})

const Parameters = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeParameters = Schema.decodeOption(Parameters)

/** The part of a job's event that is changed here. */
interface JobEvent {
  readonly "CodePipeline.job": {
    readonly data: { readonly actionConfiguration?: { readonly configuration?: object } | null }
  }
}

/** The event, with the options of the command line in its UserParameters. */
export const withParameters = Effect.fn("withParameters")(function*({ parameters }: RunOptions, event: unknown) {
  if (Object.keys(parameters).length === 0) return event
  const job = yield* Effect.mapError(decodeJob(event), ({ message }) => new BadUsage({ message }))
  const own = yield* Schema.decodeEffect(Parameters)(job.userParameters || "{}").pipe(
    Effect.mapError(() =>
      new BadUsage({ message: "--mode and --option need an event with JSON as its UserParameters" })
    )
  )
  const { "CodePipeline.job": { data, ...rest } } = event as JobEvent
  const UserParameters = JSON.stringify({ ...own, ...parameters })
  const actionConfiguration = { configuration: { ...data.actionConfiguration?.configuration, UserParameters } }
  return { "CodePipeline.job": { ...rest, data: { ...data, actionConfiguration } } }
})

/** The event without its credentials, which have expired. Artifacts are read with the credentials of this machine. */
export const withoutCredentials = (event: unknown): Effect.Effect<unknown> =>
  decodeJob(event).pipe(
    Effect.map(() => {
      const { "CodePipeline.job": { data, ...rest } } = event as JobEvent
      return { "CodePipeline.job": { ...rest, data: { ...data, artifactCredentials: null } } }
    }),
    // The action reports what is wrong with the event.
    Effect.orElseSucceed(() => event)
  )

export type RunOptions = Effect.Success<ReturnType<typeof readOptions>>

export const readEvent = Effect.fn("readEvent")(function*(path: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => new BadUsage({ message: `the event cannot be read: ${reason(cause)}` })
  })
  // Not the parser's message: it quotes the text, and an event has credentials.
  return yield* Effect.mapError(
    Effect.fromResult(parse(text.replace(/^\uFEFF/, ""))),
    (error) => new BadUsage({ message: `the event cannot be read from ${shownPath(path)}: ${notJson(error)}` })
  )
})

/** The path of the template in an artifact, if the event's template is there. */
const templateFileOf = ({ userParameters }: Job) => {
  const { artifact, file } = Option.getOrElse(decodeParameters(userParameters), () => ({ artifact: "", file: "" }))
  return (name: string) => name === artifact && typeof file === "string" ? file : undefined
}

/** The artifacts of the command line, or else those of the samples. */
export const readArtifacts = Effect.fn("readArtifacts")(function*({ artifacts: given }: RunOptions, job: Job) {
  const known = new Map(job.inputArtifacts.map((artifact) => [artifact.name, artifact]))
  const sources = given.length > 0 ? given : [...known.keys()].flatMap(defaultArtifact)
  const templateFile = templateFileOf(job)
  const artifacts = yield* Effect.forEach(sources, (source) => readArtifact(source, templateFile))
  const twice = artifacts.find(({ name }, index) => artifacts.findIndex((other) => other.name === name) < index)
  if (twice !== undefined) return yield* badUsage(`--artifact ${twice.name} is given twice`)
  return yield* Effect.forEach(artifacts, (local) => {
    const artifact = known.get(local.name)
    const names = [...known.keys()]
    return artifact === undefined
      ? badUsage(
        `the event has no input artifact "${local.name}"; ${
          names.length === 0 ? "it has none" : `write --artifact ${names.join("=PATH or --artifact ")}=PATH`
        }`
      )
      : Effect.succeed({ artifact, local })
  })
})
