// The command line of npm start, and the files that it names.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { decodeJob, type Job } from "../../src/domain/job/Job.ts"
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
import { notJson, parse } from "../../src/domain/text/json.ts"
import {
  absolute,
  BadUsage,
  badUsage,
  type CommandLine as CommandLineOf,
  didYouMean,
  reason,
  type Script
} from "../commandLine.ts"
import { readArtifact } from "./artifacts.ts"
import { readUserParameters } from "./userParameters.ts"

const actions = ["deploy-stack", "check-webpage"] as const

export const script = {
  command: "npm start",
  operands: "[EVENT.json]",
  purpose: `
Runs an action on an event, as CodePipeline would, until the action ends. By default the action is deploy-stack,
EVENT.json is events/ACTION.json, and everything is in memory, without an AWS account or the network. npm run event writes
other events.`,
  options: {
    action: {
      kind: "value",
      value: "ACTION",
      text: "deploy-stack, or check-webpage, which requests the page of the event over the network.",
      otherwise: "deploy-stack"
    },
    artifact: {
      kind: "values",
      value: "NAME=PATH",
      text:
        "The input artifact NAME: a zip, a folder, or a template (.json, .template, .yaml or .yml), which takes the " +
        "place of the event's template.",
      otherwise: "the folder events/artifacts/NAME, if it exists"
    },
    mode: {
      kind: "value",
      value: "MODE",
      text: "The mode of deploy-stack: CREATE_UPDATE, DELETE_ONLY, or another one of the README.",
      otherwise: "the event's"
    },
    option: {
      kind: "values",
      value: "NAME=VALUE",
      text: "Any other option of deploy-stack; it overrides the event's. VALUE is JSON, or else a string."
    },
    "stack-status": {
      kind: "value",
      value: "STATUS",
      text: "In memory: the stack of the event exists, in this status."
    },
    "stack-fails": {
      kind: "value",
      value: "RESOURCE",
      text: "In memory: this resource of the template cannot be created or updated."
    },
    export: {
      kind: "values",
      value: "NAME=VALUE",
      text: "In memory: another stack exports this value."
    },
    events: { text: "Also print the events of the stack's resources, one a line." },
    live: {
      text: "Use real S3 and CloudFormation, with the credentials and the region of your environment or AWS profile. " +
        "CodePipeline is still simulated. Artifacts of --artifact are uploaded to their location in the event."
    },
    yes: { text: "With --live and --artifact: overwrite an artifact in S3 that differs." },
    "endpoint-url": {
      kind: "value",
      value: "URL",
      text: "With --live: the address of S3 and CloudFormation, such as an emulator's."
    },
    interval: {
      kind: "value",
      value: "SECONDS",
      text: "The time between two invocations.",
      otherwise: "5 with --live and for check-webpage, otherwise 0.3"
    }
  },
  examples: [
    "npm start -- --stack-fails MySampleBucket",
    "npm start -- --mode REPLACE_ON_FAILURE --stack-status ROLLBACK_COMPLETE",
    "npm start -- --artifact MyTemplate=template.yaml --events",
    "npm start -- event.json --artifact MyTemplate=./template-package --live"
  ],
  status: "0 the action succeeded, 1 it failed, 2 the command line or one of its files is wrong"
} as const satisfies Script<string>

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The options that apply to deploy-stack only. */
const deployStackOptions = [
  "artifact",
  "mode",
  "option",
  "stack-status",
  "stack-fails",
  "export",
  "events",
  "live",
  "yes",
  "endpoint-url"
] as const

/** The artifacts of the events in this repository. */
const defaultArtifact = (name: string) => {
  const folder = inRepository(`events/artifacts/${name}`)
  return /^[\w-]+$/.test(name) && existsSync(folder) ? [`${name}=${folder}`] : []
}

export type CommandLine = CommandLineOf<keyof typeof script["options"]>

/** The options, validated. Everything on the command line is either used or rejected. */
export const readOptions = Effect.fn("readOptions")(function*({ flags, positionals, values }: CommandLine) {
  const name = values.action?.[0] ?? "deploy-stack"
  const action = actions.find((action) => action === name)
  if (action === undefined) return yield* badUsage(`--action ${name} is not an action; ${didYouMean(name, actions)}`)
  const inapplicable = deployStackOptions.find((option) => flags.has(option) || values[option] !== undefined)
  if (action !== "deploy-stack" && inapplicable !== undefined) {
    return yield* badUsage(`--${inapplicable} cannot be combined with --action ${action}`)
  }
  const live = flags.has("live")
  const endpoint = values["endpoint-url"]?.[0]
  const stackFails = values["stack-fails"]?.[0]
  const stackStatus = values["stack-status"]?.[0]
  const parameters = yield* readUserParameters([
    ...(values.mode ?? []).map((mode) => `mode=${mode}`),
    ...(values.option ?? [])
  ])
  const exports = yield* Effect.forEach(values.export ?? [], (option) => {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(option) ?? []
    return name === undefined || value === undefined
      ? badUsage(`--export takes NAME=VALUE, not "${option}"`)
      : Effect.succeed([name, value] as const)
  })
  const interval = Number(values.interval?.[0] ?? (live || action === "check-webpage" ? 5 : 0.3))
  if (positionals.length > 1) return yield* badUsage(`one event at a time, not ${positionals.join(" and ")}`)
  if (live && stackFails !== undefined) return yield* badUsage("--stack-fails cannot be combined with --live")
  if (live && stackStatus !== undefined) return yield* badUsage("--stack-status cannot be combined with --live")
  if (live && values.export !== undefined) return yield* badUsage("--export cannot be combined with --live")
  if (stackStatus !== undefined && !isStackStatus(stackStatus)) {
    return yield* badUsage(
      `--stack-status ${stackStatus} is not a status of a stack; ${didYouMean(stackStatus, StackStatus.literals)}`
    )
  }
  if (!live && endpoint !== undefined) return yield* badUsage("--endpoint-url needs --live")
  const yes = flags.has("yes")
  if (yes && (!live || values.artifact === undefined)) return yield* badUsage("--yes needs --live and --artifact")
  if (!(interval >= 0)) return yield* badUsage(`--interval takes a number of seconds, not "${values.interval?.[0]}"`)
  return {
    action,
    event: positionals[0] ?? inRepository(`events/${action}.json`),
    artifacts: values.artifact ?? [],
    live,
    yes,
    events: flags.has("events"),
    endpoint,
    stackFails,
    stackStatus,
    exports: new Map(exports),
    parameters,
    interval
  }
})

const isStackStatus = Schema.is(StackStatus)

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
    try: () => readFile(absolute(path), "utf8"),
    catch: (cause) => new BadUsage({ message: `the event cannot be read: ${reason(cause)}` })
  })
  // Not the parser's message: it quotes the text, and an event has credentials.
  return yield* Effect.mapError(
    Effect.fromResult(parse(text.replace(/^\uFEFF/, ""))),
    (error) => new BadUsage({ message: `the event cannot be read from ${path}: ${notJson(error)}` })
  )
})

/** The path of the template in an artifact, if the event's template is there. */
const templateFileOf = ({ userParameters }: Job) => {
  const { artifact, file } = Option.getOrElse(decodeParameters(userParameters), () => ({ artifact: "", file: "" }))
  return (name: string) => name === artifact && typeof file === "string" ? file : undefined
}

/** The artifacts of the command line, or else those of the repository's events. */
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
