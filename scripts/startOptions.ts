// What npm start is asked for, on its command line and in the files that it names.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { decodeJob, type Job } from "../src/domain/Job.ts"
import { nearest } from "../src/domain/nearest.ts"
import { StackStatus } from "../src/domain/StackStatus.ts"
import { readArtifact } from "./artifacts.ts"
import { absolute, BadUsage, parseOptions, reason } from "./options.ts"

export const help = `Usage: npm start -- [EVENT.json] [options]

Runs an action on an event, as CodePipeline would, until the action is over. Without options it is deploy-stack, and
everything is in memory: no AWS account, no network. EVENT.json is events/ACTION.json when left out.

  --action ACTION        deploy-stack or check-webpage, which asks for the page that the event names
  --artifact NAME=PATH   the input artifact NAME: a zip, or a folder that is packed into one; as often as needed.
                         The default event has MyTemplate=events/artifacts/MyTemplate.
  --mode MODE            what becomes of the stack, in place of the event's own mode: CREATE_UPDATE, DELETE_ONLY, …
  --option NAME=VALUE    any other option of deploy-stack, in place of the event's own; VALUE is JSON, or else text;
                         as often as needed
  --stack-status STATUS  in memory: the stack that the event names is there, in this status
  --stack-fails RESOURCE in memory: this resource of the template cannot be created or updated
  --live                 real S3 and CloudFormation, with your credentials; CodePipeline is still played here.
                         Artifacts that are given are uploaded to where the event says that they are.
  --endpoint-url URL     with --live: S3 and CloudFormation at this address, such as an emulator's
  --interval SECONDS     the time between two invocations
  --help

Exit status: 0 the action succeeded, 1 it failed, 2 the command line or its files are wrong.
`

const inRepository = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const actions = ["deploy-stack", "check-webpage"] as const

/** What only deploy-stack has a use for. */
const ofDeployStack = ["artifact", "mode", "option", "stack-status", "stack-fails", "live", "endpoint-url"] as const

const defaultArtifacts = [`MyTemplate=${inRepository("events/artifacts/MyTemplate")}`]

/** What the command line asks for; nothing that it asks for is passed over. */
export const readOptions = Effect.fn("readOptions")(function*(args: ReadonlyArray<string>) {
  const { flags, positionals, values } = yield* parseOptions(args, {
    action: "value",
    artifact: "values",
    mode: "value",
    option: "values",
    "stack-status": "value",
    "stack-fails": "value",
    live: "flag",
    "endpoint-url": "value",
    interval: "value",
    help: "flag"
  })
  const name = values.action?.[0] ?? "deploy-stack"
  const action = actions.find((action) => action === name)
  if (action === undefined) return yield* badUsage(`--action takes ${actions.join(" or ")}, not "${name}"`)
  const useless = ofDeployStack.find((option) => flags.has(option) || values[option] !== undefined)
  if (action !== "deploy-stack" && useless !== undefined) {
    return yield* badUsage(`--${useless} does not go with --action ${action}`)
  }
  const live = flags.has("live")
  const endpoint = values["endpoint-url"]?.[0]
  const stackFails = values["stack-fails"]?.[0]
  const stackStatus = values["stack-status"]?.[0]
  const parameters = yield* readParameters([
    ...(values.mode ?? []).map((mode) => `mode=${mode}`),
    ...(values.option ?? [])
  ])
  const interval = Number(values.interval?.[0] ?? (live || action === "check-webpage" ? 5 : 0.3))
  if (positionals.length > 1) return yield* badUsage(`one event at a time, not ${positionals.join(" and ")}`)
  if (live && stackFails !== undefined) return yield* badUsage("--stack-fails does not go with --live")
  if (live && stackStatus !== undefined) return yield* badUsage("--stack-status does not go with --live")
  if (stackStatus !== undefined && !isStackStatus(stackStatus)) {
    const [closest = "one of CloudFormation's"] = nearest(stackStatus, StackStatus.literals)
    return yield* badUsage(`--stack-status ${stackStatus} is no status of a stack; did you mean ${closest}?`)
  }
  if (!live && endpoint !== undefined) return yield* badUsage("--endpoint-url needs --live")
  if (endpoint !== undefined && !URL.canParse(endpoint)) return yield* badUsage(`"${endpoint}" is not a URL`)
  if (!(interval >= 0)) return yield* badUsage(`--interval takes seconds, not "${values.interval?.[0]}"`)
  return {
    help: flags.has("help"),
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

/** `NAME=VALUE`, where the value may be JSON. */
const readParameters = (options: ReadonlyArray<string>) =>
  Effect.forEach(options, (option) => {
    const name = option.slice(0, Math.max(0, option.indexOf("=")))
    const text = option.slice(name.length + 1)
    return name === ""
      ? badUsage(`--option takes NAME=VALUE, not "${option}"`)
      : Effect.succeed([name, Option.getOrElse(parseJson(text), () => text)] as const)
  }).pipe(Effect.map((entries) => Object.fromEntries<unknown>(entries)))

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const Parameters = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** A job's event as far as it is changed here. */
interface JobEvent {
  readonly "CodePipeline.job": {
    readonly data: { readonly actionConfiguration?: { readonly configuration?: object } | null }
  }
}

/** The event, with the command line's options of deploy-stack in its UserParameters. */
export const withParameters = Effect.fn("withParameters")(function*({ parameters }: Options, event: unknown) {
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

const badUsage = (message: string) => Effect.fail(new BadUsage({ message }))

export type Options = Effect.Success<ReturnType<typeof readOptions>>

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
export const readArtifacts = Effect.fn("readArtifacts")(function*({ artifacts: given }: Options, job: Job) {
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
