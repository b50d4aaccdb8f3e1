import { Effect, Layer, Schema } from "effect"
import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"

class NameMissing extends Schema.TaggedError<NameMissing>()("NameMissing", {
  file: Schema.String
}) {
  override get message() {
    return `The file "${this.file}" is empty. Write a name into it`
  }
}

export const Greet = Action.make({
  name: "greet",
  parameters: UserParameters.json({
    artifact: Schema.NonEmptyString,
    file: Schema.NonEmptyString
  }),
  state: Schema.Struct({ name: Schema.String }),

  // The first job reads a name from a file of an artifact.
  start: Effect.fn("Greet.start")(function*({ job, parameters }) {
    const store = yield* ArtifactStore
    const name = new TextDecoder().decode(yield* store.read(job, parameters)).trim()
    if (name === "") return yield* new NameMissing({ file: parameters.file })
    return Action.Step.Continue({ message: `Read the name ${name}`, state: { name } })
  }),

  // The next job greets it.
  resume: (_, { name }) =>
    Effect.succeed(
      Action.Step.Done({ message: `Hello, ${name}`, outputVariables: { Name: name } })
    )
})({
  ...Action.awsFailures,
  ...Action.artifactFailures,
  NameMissing: "ConfigurationError"
})

/** The handler of the Lambda function. */
export const handler = Lambda.handler(Greet, Layer.merge(ArtifactStore.layer, CodePipeline.layer))
