import { Effect, Layer, Schema } from "effect"
import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"

class NobodyThere extends Schema.TaggedError<NobodyThere>()("NobodyThere", { file: Schema.String }) {
  override get message() {
    return `"${this.file}" is empty: write a name into it`
  }
}

export const Greet = Action.make({
  name: "greet",
  parameters: UserParameters.json({ artifact: Schema.NonEmptyString, file: Schema.NonEmptyString }),
  state: Schema.Struct({ name: Schema.String }),

  // Reads a name from a file of an artifact …
  start: Effect.fn("Greet.start")(function*({ job, parameters }) {
    const store = yield* ArtifactStore
    const name = new TextDecoder().decode(yield* store.read(job, parameters)).trim()
    if (name === "") return yield* new NobodyThere({ file: parameters.file })
    return Action.Step.Continue({ message: `${name} is there`, state: { name } })
  }),

  // … and greets it in the next job.
  resume: (_, { name }) =>
    Effect.succeed(Action.Step.Done({ message: `Hello, ${name}`, outputVariables: { Name: name } }))
})({
  ...Action.awsFailures,
  ...Action.artifactFailures,
  NobodyThere: "ConfigurationError"
})

/** The function that Lambda calls. */
export const handler = Lambda.handler(Greet, Layer.merge(ArtifactStore.layer, CodePipeline.layer))
