// The event that a run begins with: a file, the sample of a ready-made action, or one made of the command line.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import { CheckWebpage } from "../../actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../../actions/deployStack/DeployStack.ts"
import { DeployStackSet } from "../../actions/deployStackSet/DeployStackSet.ts"
import { decodeJob } from "../../domain/job/Job.ts"
import * as UserParameters from "../../domain/job/UserParameters.ts"
import { notJson, parse } from "../../domain/text/json.ts"
import { composeEvent } from "../action/composeEvent.ts"
import { mergeUserParameters, userParametersAdvice, userParametersText } from "../action/userParameters.ts"
import { BadUsage, badUsage, notRead } from "../commandLine/usage.ts"
import { artifactName } from "./artifacts.ts"
import { type RunOptions, shownPath } from "./runOptions.ts"

export const readEvent = Effect.fn("readEvent")(function*(path: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => new BadUsage({ message: notRead(`the event ${shownPath(path)}`, cause) })
  })
  // Not the parser's message: it quotes the text, and an event has credentials.
  return yield* Effect.mapError(
    Effect.fromResult(parse(text.replace(/^\uFEFF/, ""))),
    (error) => new BadUsage({ message: `the event ${shownPath(path)} cannot be read: ${notJson(error)}` })
  )
})

/** The part of a job's event that is changed here. */
interface JobEvent {
  readonly "CodePipeline.job": {
    readonly data: { readonly actionConfiguration?: { readonly configuration?: object } | null }
  }
}

/** The event, with the options of the command line in its UserParameters. */
export const withParameters = Effect.fn("withParameters")(
  function*({ parameters, userParameters }: Pick<RunOptions, "parameters" | "userParameters">, event: unknown) {
    if (Object.keys(parameters).length === 0 && Option.isNone(userParameters)) return event
    const job = yield* Effect.catch(decodeJob(event), ({ message }) => badUsage(message))
    const UserParameters = yield* mergeUserParameters(
      Option.getOrElse(userParameters, () => job.userParameters),
      parameters,
      "--mode and --option need an event with JSON as its UserParameters"
    )
    const { "CodePipeline.job": { data, ...rest } } = event as JobEvent
    const actionConfiguration = { configuration: { ...data.actionConfiguration?.configuration, UserParameters } }
    return { "CodePipeline.job": { ...rest, data: { ...data, actionConfiguration } } }
  }
)

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

/** The event of an action of one's own, with the artifacts of the command line. */
const makeEvent = Effect.fn("makeEvent")(function*(options: RunOptions) {
  const { artifacts, chosen, live, outputArtifacts, parameters, userParameters } = options
  const inputArtifacts = yield* Effect.forEach(artifacts, artifactName)
  if (live && inputArtifacts.length + outputArtifacts.length > 0) {
    return yield* badUsage(
      "--live needs an event with the locations of the artifacts: npx effect-codepipeline event writes one"
    )
  }
  return yield* composeEvent(chosen, {
    id: randomUUID(),
    userParameters: yield* userParametersText(chosen.action, userParameters, parameters),
    inputArtifacts,
    outputArtifacts
  }, { parameters: userParametersAdvice })
})

/** Rejects an event that is valid for another action only. */
const rejectOtherAction = Effect.fn("rejectOtherAction")(function*(event: unknown) {
  const isValid = (parameters: Schema.Codec<unknown, string>) =>
    decodeJob(event).pipe(
      Effect.flatMap(({ userParameters }) => UserParameters.decode(parameters, userParameters)),
      Effect.isSuccess
    )
  if (yield* isValid(DeployStack.parameters)) return
  for (const { name, parameters } of [CheckWebpage, DeployStackSet]) {
    if (yield* isValid(parameters)) {
      return yield* badUsage(
        `this looks like an event of ${name}: add --action ${name}, or --action deploy-stack to insist`
      )
    }
  }
})

/** The event of the first job. */
export const eventOf = Effect.fn("eventOf")(function*(options: RunOptions) {
  if (options.event === undefined) return yield* makeEvent(options)
  const event = yield* readEvent(options.event)
  if (!options.isNamed) yield* rejectOtherAction(event)
  return yield* withParameters(options, event)
})
