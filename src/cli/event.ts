// event: writes the event of a job, as CodePipeline sends it, for `run`, SAM and tests.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { randomUUID } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { chosenAction, type ReadyMadeName } from "./action/chosenAction.ts"
import { composeEvent } from "./action/composeEvent.ts"
import {
  readUserParameters,
  userParametersAdvice,
  userParametersOptions,
  userParametersText
} from "./action/userParameters.ts"
import { ExitStatus, value, values } from "./commandLine/options.ts"
import { BadUsage, badUsage, reason } from "./commandLine/usage.ts"

/** CodePipeline's limit. */
const maxArtifacts = 5

/** The UserParameters that are options of the command. */
const shortcuts = ["stack", "file", "mode", "url"] as const
const shortcutsOf: Readonly<Record<ReadyMadeName, ReadonlyArray<typeof shortcuts[number]>>> = {
  "deploy-stack": ["stack", "file", "mode"],
  "deploy-stack-set": ["file", "mode"],
  "check-webpage": ["url"]
}

/** The arguments and options of `event`. */
export const eventConfig = {
  action: Argument.String("ACTION").pipe(
    Argument.withDescription(
      "deploy-stack, deploy-stack-set, check-webpage, or a module of your own, such as ./greet.ts."
    )
  ),
  stack: value("stack", { value: "NAME", text: "deploy-stack: the name of the stack." }),
  file: value("file", {
    value: "PATH",
    text: "deploy-stack, deploy-stack-set: the path of the template in the artifact's zip."
  }),
  mode: value("mode", { value: "MODE", text: "deploy-stack, deploy-stack-set: the mode.", otherwise: "CREATE_UPDATE" }),
  url: value("url", { value: "URL", text: "check-webpage: the URL of the page." }),
  ...userParametersOptions,
  artifact: values("artifact", {
    value: "NAME=BUCKET/KEY",
    text:
      "An input artifact, and the location of its zip. Of deploy-stack and deploy-stack-set, the first one has the template, unless " +
      "--option artifact=NAME names another."
  }),
  outputArtifact: values("output-artifact", {
    value: "NAME=BUCKET/KEY",
    text: "An output artifact, and the location of its zip."
  }),
  continuation: value("continuation", {
    value: "TOKEN",
    text: "The continuation token of the previous job.",
    otherwise: "none, for the first job of an action"
  }),
  jobId: value("job-id", { value: "ID", text: "The id of the job.", otherwise: "a random one" }),
  accountId: value("account-id", {
    value: "ID",
    text: "The account of the pipeline.",
    otherwise: "111122223333"
  }),
  encryptionKey: value("encryption-key", {
    value: "KEY",
    text: "The KMS key of the artifacts.",
    otherwise: "S3's own encryption"
  }),
  output: value("output", { value: "FILE", text: "The file for the event.", otherwise: "standard output" })
} as const

export type EventInput = Command.Command.Config.Infer<typeof eventConfig>

/** `NAME=BUCKET/KEY` */
const readArtifacts = (option: string, given: ReadonlyArray<string>) =>
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

/** The artifacts that deploy-stack and deploy-stack-set read. */
const artifactsToRead = (
  { accounts, artifact, overrides, templateConfiguration }: Readonly<Record<string, unknown>>
) => [
  ...(typeof artifact === "string" ? [artifact] : []),
  ...[templateConfiguration, accounts, overrides].flatMap((place) =>
    typeof place === "string" ? place.split("::").slice(0, 1) : []
  )
]

/** The event of the command line. Fails if the function would reject it. */
export const makeEvent = Effect.fn("makeEvent")(function*(
  input: EventInput
) {
  const chosen = yield* chosenAction(input.action)
  const { readyMade, title } = chosen
  const own = readyMade === undefined ? [] : shortcutsOf[readyMade]
  const inapplicable = shortcuts.find((option) => Option.isSome(input[option]) && !own.includes(option))
  if (inapplicable !== undefined) return yield* badUsage(`--${inapplicable} does not apply to ${title}`)

  const inputArtifacts = yield* readArtifacts("artifact", input.artifact)
  const outputArtifacts = yield* readArtifacts("output-artifact", input.outputArtifact)
  const isDeployStack = readyMade === "deploy-stack" || readyMade === "deploy-stack-set"
  const [first] = inputArtifacts
  const parameters = {
    ...Object.fromEntries(
      own.flatMap((option) => Option.toArray(input[option]).map((value): [string, string] => [option, value]))
    ),
    ...(isDeployStack && first !== undefined && { artifact: first.name }),
    ...(yield* readUserParameters(input.option))
  }
  const event = yield* composeEvent(
    chosen,
    {
      id: Option.getOrElse(input.jobId, () => randomUUID()),
      ...(Option.isSome(input.accountId) && { accountId: input.accountId.value }),
      userParameters: yield* userParametersText(chosen.action, input.userParameters, parameters),
      inputArtifacts,
      outputArtifacts,
      continuationToken: Option.getOrUndefined(input.continuation),
      encryptionKey: Option.getOrUndefined(input.encryptionKey)
    },
    {
      parameters: own.length === 0 ? userParametersAdvice : `${own.map((option) => `--${option}`).join(", ")} and ` +
        `--option NAME=VALUE${isDeployStack ? ", and the artifact with --artifact NAME=BUCKET/KEY" : ""}`,
      ...(isDeployStack && { tooLong: ": put parameters and tags into the file of templateConfiguration" })
    }
  )
  const given = new Set(inputArtifacts.map((artifact) => artifact.name))
  const missing = isDeployStack ? artifactsToRead(parameters).find((artifact) => !given.has(artifact)) : undefined
  if (missing !== undefined) {
    return yield* badUsage(`input artifact "${missing}" is missing: add it with --artifact ${missing}=BUCKET/KEY`)
  }
  return event
})

const write = Effect.fn("event")(function*(input: EventInput) {
  const json = `${JSON.stringify(yield* makeEvent(input), null, 2)}\n`
  if (Option.isNone(input.output)) {
    process.stdout.write(json)
    return
  }
  const file = input.output.value
  yield* Effect.tryPromise({
    try: () => writeFile(file, json),
    catch: (cause) => new BadUsage({ message: `the event could not be written to ${file}: ${reason(cause)}` })
  })
})

export const event = Command.make("event", eventConfig, write).pipe(
  Command.withShortDescription("Writes the event of a job, as CodePipeline sends it."),
  Command.withDescription(`
Writes the event that CodePipeline would send to the function of ACTION. The event is validated as the function would
validate it. Its credentials give no access to anything.

The event goes to a file, or to standard output. npx effect-codepipeline run FILE runs the action on it; sam local invoke
--event FILE passes it to a function.`),
  Command.withExamples([
    {
      command:
        "npx effect-codepipeline event deploy-stack --stack S --artifact A=bucket/key.zip --file template.json " +
        "--output event.json"
    },
    { command: "npx effect-codepipeline event deploy-stack --stack S --mode DELETE_ONLY > event.json" },
    {
      command: "npx effect-codepipeline event check-webpage --url https://www.example.com/ --option status=2xx " +
        "--output event.json"
    },
    { command: "npx effect-codepipeline event ./greet.ts --option artifact=A --artifact A=bucket/key.zip" }
  ]),
  Command.annotate(
    ExitStatus,
    "0 the event was written, 2 the command line is wrong, or the file could not be written"
  )
)
