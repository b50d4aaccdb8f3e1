// npm run event: writes the event of a job, as CodePipeline sends it, for npm start, SAM and tests.
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { CheckWebpage } from "../../src/actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { decodeJob } from "../../src/domain/job/Job.ts"
import { jobLimits } from "../../src/domain/job/JobOutcome.ts"
import * as UserParameters from "../../src/domain/job/UserParameters.ts"
import * as LocalPipeline from "../../src/testing/LocalPipeline.ts"
import {
  absolute,
  BadUsage,
  badUsage,
  type CommandLine,
  didYouMean,
  reason,
  runScript,
  type Script
} from "../commandLine.ts"
import { readUserParameters } from "./userParameters.ts"

/** CodePipeline's limits. */
const maxUserParameters = 1_000
const maxArtifacts = 5

/** The actions, and their UserParameters that are options of this script. */
const actions: Readonly<
  Record<string, {
    readonly parameters: Schema.Codec<unknown, string>
    readonly own: ReadonlyArray<"stack" | "file" | "mode" | "url">
  }>
> = {
  "deploy-stack": { parameters: DeployStack.parameters, own: ["stack", "file", "mode"] },
  "check-webpage": { parameters: CheckWebpage.parameters, own: ["url"] }
}

export const script = {
  command: "npm run event",
  operands: "ACTION",
  purpose: `
Writes the event that CodePipeline would send to the function of ACTION, which is deploy-stack or check-webpage. The
event is validated as the function would validate it. Its credentials give no access to anything.

The event goes to a file, or to standard output, where npm adds lines of its own without --silent. npm start -- FILE runs
the action on it; sam local invoke --event FILE passes it to a function.`,
  options: {
    stack: { kind: "value", value: "NAME", text: "deploy-stack: the name of the stack." },
    file: { kind: "value", value: "PATH", text: "deploy-stack: the path of the template in the artifact's zip." },
    mode: {
      kind: "value",
      value: "MODE",
      text: "deploy-stack: the mode.",
      otherwise: "CREATE_UPDATE"
    },
    url: { kind: "value", value: "URL", text: "check-webpage: the URL of the page." },
    option: {
      kind: "values",
      value: "NAME=VALUE",
      text: "Any other UserParameter of the action; VALUE is JSON, or else a string."
    },
    artifact: {
      kind: "values",
      value: "NAME=BUCKET/KEY",
      text: "An input artifact, and the location of its zip. The first one has the template, unless --option " +
        "artifact=NAME names another."
    },
    "output-artifact": {
      kind: "values",
      value: "NAME=BUCKET/KEY",
      text: "An output artifact, and the location of its zip."
    },
    continuation: {
      kind: "value",
      value: "TOKEN",
      text: "The continuation token of the previous job.",
      otherwise: "none, for the first job of an action"
    },
    "job-id": { kind: "value", value: "ID", text: "The id of the job.", otherwise: "a random one" },
    "account-id": { kind: "value", value: "ID", text: "The account of the pipeline.", otherwise: "111122223333" },
    "encryption-key": {
      kind: "value",
      value: "KEY",
      text: "The KMS key of the artifacts.",
      otherwise: "S3's own encryption"
    },
    output: { kind: "value", value: "FILE", text: "The file for the event.", otherwise: "standard output" }
  },
  examples: [
    "npm run event -- deploy-stack --stack S --artifact A=bucket/key.zip --file template.json --output event.json",
    "npm run --silent event -- deploy-stack --stack S --mode DELETE_ONLY > event.json",
    "npm run event -- check-webpage --url https://www.example.com/ --option status=2xx --output event.json"
  ],
  status: "0 the event was written, 2 the command line is wrong, or the file could not be written"
} as const satisfies Script<string>

/** `NAME=BUCKET/KEY` */
const readArtifacts = (option: string, given: ReadonlyArray<string> = []) =>
  Effect.gen(function*() {
    const artifacts = yield* Effect.forEach(given, (text) => {
      const [, name, bucketName, objectKey] = /^([^=]+)=([^/]+)\/(.+)$/.exec(text) ?? []
      return name === undefined || bucketName === undefined || objectKey === undefined
        ? badUsage(`--${option} takes NAME=BUCKET/KEY, not "${text}"`)
        : Effect.succeed({ name, bucketName, objectKey })
    })
    const names = artifacts.map(({ name }) => name)
    const twice = names.find((name, index) => names.indexOf(name) < index)
    if (twice !== undefined) return yield* badUsage(`--${option} ${twice} is given twice`)
    return artifacts.length > maxArtifacts
      ? yield* badUsage(
        `an action has at most ${maxArtifacts} artifacts; --${option} is given ${artifacts.length} times`
      )
      : artifacts
  })

/** The artifacts that deploy-stack reads. */
const artifactsToRead = ({ artifact, templateConfiguration }: Readonly<Record<string, unknown>>) => [
  ...(typeof artifact === "string" ? [artifact] : []),
  ...(typeof templateConfiguration === "string" ? templateConfiguration.split("::").slice(0, 1) : [])
]

/** The event of the command line. Fails if the function would reject it. */
export const makeEvent = Effect.fn("makeEvent")(function*(
  { positionals: [name = "", ...others], values }: CommandLine<keyof typeof script["options"]>
) {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action === undefined) {
    const names = Object.keys(actions)
    return yield* badUsage(
      name === "" ? `name the action: ${names.join(" or ")}` : `${name} is not an action; ${didYouMean(name, names)}`
    )
  }
  if (others.length > 0) return yield* badUsage(`one action at a time, not also ${others.join(" and ")}`)
  const inapplicable = (["stack", "file", "mode", "url"] as const)
    .find((option) => values[option] !== undefined && !action.own.includes(option))
  if (inapplicable !== undefined) return yield* badUsage(`--${inapplicable} does not apply to ${name}`)

  const inputArtifacts = yield* readArtifacts("artifact", values.artifact)
  const outputArtifacts = yield* readArtifacts("output-artifact", values["output-artifact"])
  const own = Object.fromEntries(
    action.own.flatMap((option) => (values[option] ?? []).map((value): [string, string] => [option, value]))
  )
  const [first] = inputArtifacts
  const parameters = {
    ...own,
    ...(name === "deploy-stack" && first !== undefined && { artifact: first.name }),
    ...(yield* readUserParameters(values.option ?? []))
  }

  const userParameters = JSON.stringify(parameters)
  yield* Effect.mapError(
    UserParameters.decode(action.parameters, userParameters),
    ({ message }) =>
      new BadUsage({
        message: `${message}. Set UserParameters with ${
          action.own.map((option) => `--${option}`).join(", ")
        } and --option NAME=VALUE${name === "deploy-stack" ? ", and the artifact with --artifact NAME=BUCKET/KEY" : ""}`
      })
  )
  if (userParameters.length > maxUserParameters) {
    return yield* badUsage(
      `UserParameters would have ${userParameters.length} characters, and CodePipeline allows ${maxUserParameters}` +
        (name === "deploy-stack" ? ": put parameters and tags into the file of templateConfiguration" : "")
    )
  }
  const given = new Set(inputArtifacts.map((artifact) => artifact.name))
  const missing = name === "deploy-stack"
    ? artifactsToRead(parameters).find((artifact) => !given.has(artifact))
    : undefined
  if (missing !== undefined) {
    return yield* badUsage(`input artifact "${missing}" is missing: add it with --artifact ${missing}=BUCKET/KEY`)
  }
  const [continuationToken] = values.continuation ?? []
  if (continuationToken !== undefined && continuationToken.length > jobLimits.continuationToken) {
    return yield* badUsage(
      `--continuation has ${continuationToken.length} characters, and CodePipeline allows ${jobLimits.continuationToken}`
    )
  }

  const event = LocalPipeline.event({
    id: values["job-id"]?.[0] ?? randomUUID(),
    ...(values["account-id"] !== undefined && { accountId: values["account-id"].join() }),
    functionName: name,
    userParameters,
    inputArtifacts,
    outputArtifacts,
    continuationToken,
    encryptionKey: values["encryption-key"]?.[0]
  })
  yield* Effect.mapError(decodeJob(event), ({ message }) => new BadUsage({ message }))
  return event
})

const main = Effect.fn("main")(function*(options: CommandLine<keyof typeof script["options"]>) {
  const json = `${JSON.stringify(yield* makeEvent(options), null, 2)}\n`
  const [file] = options.values.output ?? []
  if (file === undefined) {
    process.stdout.write(json)
    return
  }
  yield* Effect.tryPromise({
    try: () => writeFile(absolute(file), json),
    catch: (cause) => new BadUsage({ message: `the event could not be written: ${reason(cause)}` })
  })
})

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(script, main)
