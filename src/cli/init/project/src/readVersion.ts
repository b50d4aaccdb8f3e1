import { Effect, Layer, Schema } from "effect"
import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"

class NoVersion extends Schema.TaggedError<NoVersion>()("NoVersion", { message: Schema.String }) {}

const Package = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

/** Reads the version in a package.json of an artifact; later actions use #{NAMESPACE.Version}. */
export const ReadVersion = Action.makeStateless({
  name: "read-version",
  parameters: UserParameters.json({ artifact: Schema.String, file: Schema.String }),
  start: Effect.fn("ReadVersion.start")(function*({ job, parameters }) {
    const store = yield* ArtifactStore
    const text = new TextDecoder().decode(yield* store.read(job, parameters))
    const { version: Version } = yield* Effect.mapError(
      Schema.decodeEffect(Package)(text),
      ({ message }) => new NoVersion({ message: `${parameters.file} has no version: ${message}` })
    )
    return Action.Step.Done({ message: `Version ${Version}`, outputVariables: { Version } })
  })
})({ ...Action.awsFailures, ...Action.artifactFailures, NoVersion: "ConfigurationError" })

const services = Layer.merge(ArtifactStore.layer, CodePipeline.layer)
export const handler = Lambda.handler(ReadVersion, services)
