// What npm start is asked for, on its command line and in the files that it names.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { decodeJob, type Job } from "../../src/domain/job/Job.ts"
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
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
Runs an action on an event, as CodePipeline would, until the action is over. Without options it is deploy-stack, and
everything is in memory: no AWS account, no network. EVENT.json is events/ACTION.json when left out; npm run event makes
others.`,
  options: {
    action: {
      kind: "value",
      value: "ACTION",
      text: "deploy-stack, or check-webpage, which asks for the page that the event names.",
      otherwise: "deploy-stack"
    },
    artifact: {
      kind: "values",
      value: "NAME=PATH",
      text: "The input artifact NAME: a zip, or a folder that is packed into one.",
      otherwise: "MyTemplate=events/artifacts/MyTemplate, where the event has it"
    },
    mode: {
      kind: "value",
      value: "MODE",
      text: "What becomes of the stack: CREATE_UPDATE, DELETE_ONLY, and what else the README has.",
      otherwise: "the event's own"
    },
    option: {
      kind: "values",
      value: "NAME=VALUE",
      text: "Any other option of deploy-stack, in place of the event's own; VALUE is JSON, or else text."
    },
    "stack-status": {
      kind: "value",
      value: "STATUS",
      text: "In memory: the stack that the event names is there, in this status."
    },
    "stack-fails": {
      kind: "value",
      value: "RESOURCE",
      text: "In memory: this resource of the template cannot be created or updated."
    },
    live: {
      text: "Real S3 and CloudFormation, with your credentials and region, as AWS_PROFILE and AWS_REGION have them; " +
        "CodePipeline is still played here. Artifacts that are given are uploaded to where the event says that they are."
    },
    "endpoint-url": {
      kind: "value",
      value: "URL",
      text: "With --live: S3 and CloudFormation at this address, such as an emulator's."
    },
    interval: {
      kind: "value",
      value: "SECONDS",
      text: "The time between two invocations.",
      otherwise: "5 with --live and for check-webpage, else 0.3"
    }
  },
  examples: [
    "npm start -- --stack-fails MySampleBucket",
    "npm start -- --mode REPLACE_ON_FAILURE --stack-status ROLLBACK_COMPLETE",
    "npm start -- event.json --artifact MyTemplate=./template-package --live"
  ],
  status: "0 the action succeeded, 1 it failed, 2 the command line or its files are wrong"
} as const satisfies Script<string>

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** What only deploy-stack has a use for. */
const ofDeployStack = ["artifact", "mode", "option", "stack-status", "stack-fails", "live", "endpoint-url"] as const

const defaultArtifacts = [`MyTemplate=${inRepository("events/artifacts/MyTemplate")}`]

export type CommandLine = CommandLineOf<keyof typeof script["options"]>

/** What the command line asks for; nothing that it asks for is passed over. */
export const readOptions = Effect.fn("readOptions")(function*({ flags, positionals, values }: CommandLine) {
  const name = values.action?.[0] ?? "deploy-stack"
  const action = actions.find((action) => action === name)
  if (action === undefined) return yield* badUsage(`--action ${name} is no action; ${didYouMean(name, actions)}`)
  const useless = ofDeployStack.find((option) => flags.has(option) || values[option] !== undefined)
  if (action !== "deploy-stack" && useless !== undefined) {
    return yield* badUsage(`--${useless} does not go with --action ${action}`)
  }
  const live = flags.has("live")
  const endpoint = values["endpoint-url"]?.[0]
  const stackFails = values["stack-fails"]?.[0]
  const stackStatus = values["stack-status"]?.[0]
  const parameters = yield* readUserParameters([
    ...(values.mode ?? []).map((mode) => `mode=${mode}`),
    ...(values.option ?? [])
  ])
  const interval = Number(values.interval?.[0] ?? (live || action === "check-webpage" ? 5 : 0.3))
  if (positionals.length > 1) return yield* badUsage(`one event at a time, not ${positionals.join(" and ")}`)
  if (live && stackFails !== undefined) return yield* badUsage("--stack-fails does not go with --live")
  if (live && stackStatus !== undefined) return yield* badUsage("--stack-status does not go with --live")
  if (stackStatus !== undefined && !isStackStatus(stackStatus)) {
    return yield* badUsage(
      `--stack-status ${stackStatus} is no status of a stack; ${didYouMean(stackStatus, StackStatus.literals)}`
    )
  }
  if (!live && endpoint !== undefined) return yield* badUsage("--endpoint-url needs --live")
  if (!(interval >= 0)) return yield* badUsage(`--interval takes seconds, not "${values.interval?.[0]}"`)
  return {
    action,
    event: positionals[0] ?? inRepository(`events/${action}.json`),
    artifacts: values.artifact ?? [],
    live,
    endpoint,
    stackFails,
    stackStatus,
    parameters,
    interval
  }
})

const isStackStatus = Schema.is(StackStatus)

const Parameters = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** A job's event as far as it is changed here. */
interface JobEvent {
  readonly "CodePipeline.job": {
    readonly data: { readonly actionConfiguration?: { readonly configuration?: object } | null }
  }
}

/** The event, with the command line's options of deploy-stack in its UserParameters. */
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

/** The event without the credentials in it, which open nothing any more: artifacts are read with those of this machine. */
export const withoutCredentials = (event: unknown): Effect.Effect<unknown> =>
  decodeJob(event).pipe(
    Effect.map(() => {
      const { "CodePipeline.job": { data, ...rest } } = event as JobEvent
      return { "CodePipeline.job": { ...rest, data: { ...data, artifactCredentials: null } } }
    }),
    // The action is to tell what is wrong with the event.
    Effect.orElseSucceed(() => event)
  )

export type RunOptions = Effect.Success<ReturnType<typeof readOptions>>

export const readEvent = Effect.fn("readEvent")(function*(path: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(absolute(path), "utf8"),
    catch: (cause) => new BadUsage({ message: `the event cannot be read: ${reason(cause)}` })
  })
  return yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    // The parser's own words quote the text, and an event holds credentials.
    catch: () => new BadUsage({ message: `${path} is not JSON` })
  })
})

/** The artifacts that were given, or else those of the default event. */
export const readArtifacts = Effect.fn("readArtifacts")(function*({ artifacts: given }: RunOptions, job: Job) {
  const artifacts = yield* Effect.forEach(given.length > 0 ? given : defaultArtifacts, readArtifact)
  const twice = artifacts.find(({ name }, index) => artifacts.findIndex((other) => other.name === name) < index)
  if (twice !== undefined) return yield* badUsage(`--artifact ${twice.name} is given twice`)
  const known = new Map(job.inputArtifacts.map((artifact) => [artifact.name, artifact]))
  const unknown = artifacts.find(({ name }) => !known.has(name))
  if (given.length > 0 && unknown !== undefined) {
    const names = [...known.keys()].join(", ")
    return yield* badUsage(`the event has no input artifact "${unknown.name}"; it has ${names || "none"}`)
  }
  return artifacts.flatMap((local) => {
    const artifact = known.get(local.name)
    return artifact === undefined ? [] : [{ artifact, local }]
  })
})
