import { Config, Context, Effect, Layer, Schema } from "effect"
import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"

export class ValueMissing extends Schema.TaggedError<ValueMissing>()("ValueMissing", {
  name: Schema.String
}) {
  override get message() {
    return `The placeholder \${${this.name}} has no value. ` +
      `Set the variable VALUE_${this.name} of the Lambda function`
  }
}

/** The values of placeholders. */
export class Values extends Context.Service<Values, {
  get(name: string): Effect.Effect<string, ValueMissing>
}>()("examples/Values") {
  /** Environment variables of the Lambda function whose names begin with `VALUE_`. */
  static readonly layer = Layer.succeed(Values, {
    get: (name) => Effect.mapError(Config.String(`VALUE_${name}`), () => new ValueMissing({ name }))
  })
}

const placeholder = /\$\{([A-Z0-9_]+)\}/g

const fill = Effect.fn("Transform.fill")(function*(text: string) {
  const { get } = yield* Values
  const names = new Set([...text.matchAll(placeholder)].map(([, name = ""]) => name))
  const values: Record<string, string> = {}
  for (const name of names) values[name] = yield* get(name)
  return text.replaceAll(placeholder, (_, name: string) => values[name] ?? "")
})

/** Replaces `${NAME}` by values in files of the input artifact, and writes the output artifact. */
export const Transform = Action.makeStateless({
  name: "transform",
  parameters: UserParameters.json({
    from: Schema.NonEmptyString,
    to: Schema.NonEmptyString,
    files: Schema.NonEmptyArray(Schema.NonEmptyString)
  }),
  start: Effect.fn("Transform.start")(function*({ job, parameters: { files, from, to } }) {
    const store = yield* ArtifactStore
    const filled: Record<string, string> = {}
    for (const file of files) {
      const bytes = yield* store.read(job, { artifact: from, file })
      filled[file] = yield* fill(new TextDecoder().decode(bytes))
    }
    // Idempotent: a second delivery of the event writes the same files again.
    yield* store.write(job, { artifact: to, files: filled })
    return Action.Step.Done({ message: `${files.length} files written to ${to}` })
  })
})({
  ...Action.awsFailures,
  ...Action.artifactFailures,
  ValueMissing: "ConfigurationError"
})

export const handler = Lambda.handler(
  Transform,
  Layer.mergeAll(Values.layer, ArtifactStore.layer, CodePipeline.layer)
)
