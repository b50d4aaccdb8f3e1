import { Effect, Layer, Option, Schema } from "effect"
import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"

const Parameters = UserParameters.json({ artifact: Schema.NonEmptyString, file: Schema.NonEmptyString })
const State = Schema.Struct({ name: Schema.String })

class NobodyThere extends Schema.TaggedError<NobodyThere>()("NobodyThere", { file: Schema.String }) {}

/** Reads a name from a file of an artifact … */
const start = Effect.fn("Greet.start")(function*({ job, parameters }: Action.Invocation<typeof Parameters.Type>) {
  const store = yield* ArtifactStore
  const name = new TextDecoder().decode(yield* store.read(job, parameters)).trim()
  if (name === "") return yield* new NobodyThere({ file: parameters.file })
  return Action.Step.Continue({ message: `${name} is there`, state: { name } })
})

/** … and greets it in the next job. */
const resume = (_: unknown, state: Option.Option<typeof State.Type>) => {
  const name = Option.match(state, { onNone: () => "whoever you are", onSome: ({ name }) => name })
  return Effect.succeed(Action.Step.Done({ message: `Hello, ${name}`, outputVariables: { Name: name } }))
}

export const Greet = Action.make({
  name: "greet",
  parameters: Parameters,
  state: State,
  start,
  resume,
  failure: {
    ...Action.awsFailures,
    ...Action.artifactFailures,
    NobodyThere: ({ file }) => ({ type: "ConfigurationError", message: `"${file}" is empty: write a name into it` })
  }
})

/** The function that Lambda calls. */
export const handler = Lambda.handler(Greet, Layer.merge(ArtifactStore.layer, CodePipeline.layer))
