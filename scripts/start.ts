// npm start: plays CodePipeline for one action on this machine and tells the story as it happens.
import { S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { readFile } from "node:fs/promises"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { DeployStack } from "../src/actions/DeployStack.ts"
import { decodeJob, type Job } from "../src/domain/Job.ts"
import type { JobOutcome } from "../src/domain/JobOutcome.ts"
import * as JobRunner from "../src/JobRunner.ts"
import { ArtifactStore } from "../src/services/ArtifactStore.ts"
import { CloudFormation } from "../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../src/testing/LocalPipeline.ts"
import { type LocalArtifact, readArtifact, upload } from "./artifacts.ts"
import { absolute, BadUsage, parseOptions, reason } from "./options.ts"
import { makeStory, type Story } from "./story.ts"

const help = `Usage: npm start -- [EVENT.json] [options]

Runs deploy-stack on an event, as CodePipeline would, until the action is over. Without options everything is in memory:
no AWS account, no network. EVENT.json is events/deploy-stack.json when left out.

  --artifact NAME=PATH   the input artifact NAME: a zip, or a folder that is packed into one; as often as needed.
                         The default event has MyTemplate=events/artifacts/MyTemplate.
  --stack-fails RESOURCE in memory: this resource of the template cannot be created or updated
  --live                 real S3 and CloudFormation, with your credentials; CodePipeline is still played here.
                         Artifacts that are given are uploaded to where the event says that they are.
  --endpoint-url URL     with --live: S3 and CloudFormation at this address, such as an emulator's
  --interval SECONDS     the time between two invocations
  --help

Exit status: 0 the action succeeded, 1 it failed, 2 the command line or its files are wrong.
`

const inRepository = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const defaultEvent = inRepository("events/deploy-stack.json")
const defaultArtifacts = [`MyTemplate=${inRepository("events/artifacts/MyTemplate")}`]

const shown = (path: string) => relative(process.cwd(), absolute(path))

const readEvent = Effect.fn("readEvent")(function*(path: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(absolute(path), "utf8"),
    catch: (cause) => new BadUsage({ message: `the event cannot be read: ${reason(cause)}` })
  })
  return yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => new BadUsage({ message: `${path} is not JSON: ${reason(cause)}` })
  })
})

/** What the command line asks for; nothing that it asks for is passed over. */
const readOptions = Effect.fn("readOptions")(function*(args: ReadonlyArray<string>) {
  const { flags, positionals, values } = yield* parseOptions(args, {
    artifact: "values",
    "stack-fails": "value",
    live: "flag",
    "endpoint-url": "value",
    interval: "value",
    help: "flag"
  })
  const live = flags.has("live")
  const endpoint = values["endpoint-url"]?.[0]
  const stackFails = values["stack-fails"]?.[0]
  const interval = Number(values.interval?.[0] ?? (live ? 5 : 0.3))
  if (positionals.length > 1) return yield* badUsage(`one event at a time, not ${positionals.join(" and ")}`)
  if (live && stackFails !== undefined) return yield* badUsage("--stack-fails does not go with --live")
  if (!live && endpoint !== undefined) return yield* badUsage("--endpoint-url needs --live")
  if (endpoint !== undefined && !URL.canParse(endpoint)) return yield* badUsage(`"${endpoint}" is not a URL`)
  if (!(interval >= 0)) return yield* badUsage(`--interval takes seconds, not "${values.interval?.[0]}"`)
  return {
    help: flags.has("help"),
    event: positionals[0] ?? defaultEvent,
    artifacts: values.artifact ?? [],
    live,
    endpoint,
    stackFails,
    interval
  }
})

const badUsage = (message: string) => Effect.fail(new BadUsage({ message }))

type Options = Effect.Success<ReturnType<typeof readOptions>>

/** Tells the AWS SDK what the options say. An emulator takes any region and credentials. */
const configureSdk = Effect.fn("configureSdk")(function*({ endpoint, live }: Options) {
  if (!live) return
  if (endpoint !== undefined) {
    process.env["AWS_ENDPOINT_URL"] = endpoint
    process.env["AWS_REGION"] ??= "us-east-1"
    process.env["AWS_ACCESS_KEY_ID"] ??= "local"
    process.env["AWS_SECRET_ACCESS_KEY"] ??= "local"
  }
  yield* Effect.tryPromise({
    try: () => new S3Client({}).config.region(),
    catch: () => new BadUsage({ message: "--live needs a region: set AWS_REGION, or one in your AWS profile" })
  })
})

/** The artifacts that were given, or else those of the default event. */
const readArtifacts = Effect.fn("readArtifacts")(function*({ artifacts: given }: Options, job: Job) {
  const artifacts = yield* Effect.forEach(given.length > 0 ? given : defaultArtifacts, readArtifact)
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

/** Brings the artifacts to where they will be read. A real bucket gets none that was not given. */
const putArtifacts = Effect.fn("putArtifacts")(function*(
  { artifacts: { length: given }, endpoint, live }: Options,
  artifacts: Effect.Success<ReturnType<typeof readArtifacts>>,
  story: Story
) {
  const emulator = endpoint !== undefined
  if (live && !emulator && given === 0) return
  for (const { artifact, local } of artifacts) {
    const put = !live || (yield* upload(artifact, local, { emulator, replace: given > 0 }))
    if (put) {
      yield* story.line(`    artifact    ${local.name}: ${shown(local.path)}, ${local.zip.length} bytes as a zip`)
    }
  }
})

const memory = ({ stackFails }: Options, artifacts: ReadonlyArray<LocalArtifact>) => {
  const cloudFormation = CloudFormationMemory.layer({ resourceDuration: "500 millis" })
  const failing = stackFails === undefined
    ? Layer.empty
    : Layer.effectDiscard(
      CloudFormationMemory.use(({ failResource }) => failResource(stackFails, "It fails because --stack-fails says so"))
    )
  return Layer.merge(
    ArtifactStoreMemory.layer(Object.fromEntries(artifacts.map(({ name, zip }) => [name, zip]))),
    Layer.provideMerge(failing, cloudFormation)
  )
}

/** CloudFormation, with each look at a stack told. */
const told = (story: Story) =>
  Layer.effect(
    CloudFormation,
    Effect.map(CloudFormation, (cloudFormation) => ({
      ...cloudFormation,
      describe: (stack) => Effect.tap(cloudFormation.describe(stack), (found) => story.saw(found))
    }))
  )

const play = Effect.fn("play")(function*(options: Options, event: unknown, story: Story) {
  let invocations = 0
  const outcome = yield* LocalPipeline.run({
    event,
    invoke: (event) => JobRunner.run(DeployStack, event),
    interval: options.interval * 1000,
    observe: (happening) => {
      invocations = happening.invocation
      return story.happened(happening)
    }
  })
  yield* story.end(outcome, invocations)
  return outcome
})

/** In memory: a resource that was to fail and did not is a mistake in the command line. */
const checkFailed = ({ stackFails }: Options, outcome: JobOutcome) =>
  stackFails !== undefined && outcome._tag === "Succeeded"
    ? badUsage(`--stack-fails ${stackFails}: the template has no resource of that name, or is not JSON`)
    : Effect.void

const main = Effect.gen(function*() {
  const options = yield* readOptions(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(help)
    return 0
  }
  const event = yield* readEvent(options.event)
  yield* configureSdk(options)
  const artifacts = yield* decodeJob(event).pipe(
    Effect.flatMap((job) => readArtifacts(options, job)),
    // The action is to tell what is wrong with the event.
    Effect.catchTag("JobInvalid", () => Effect.succeed([]))
  )
  const story = yield* makeStory(process.stdout)
  yield* story.line(
    `deploy-stack on ${shown(options.event)}, ${options.live ? options.endpoint ?? "live" : "in memory"}`
  )
  yield* putArtifacts(options, artifacts, story)
  const services = options.live
    ? Layer.merge(ArtifactStore.layer, CloudFormation.layer)
    : memory(options, artifacts.map(({ local }) => local))
  const outcome = yield* play(options, event, story).pipe(
    Effect.provide(told(story).pipe(Layer.provideMerge(Layer.merge(services, CodePipelineMemory.layer))))
  )
  yield* checkFailed(options, outcome)
  return outcome._tag === "Succeeded" ? 0 : 1
}).pipe(
  Effect.scoped,
  Effect.catch((error) => {
    process.stderr.write(`${error.message}\n`)
    return Effect.succeed(error._tag === "BadUsage" || error._tag === "NotAJobEvent" ? 2 : 1)
  }),
  Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatSimple)])),
  // Failures are part of the story; bugs are not.
  Effect.provideService(References.MinimumLogLevel, "Error")
)

process.exitCode = await Effect.runPromise(main)
