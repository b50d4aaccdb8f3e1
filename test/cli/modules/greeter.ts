// A module of a user, as the command runs it. It imports the package by its path, because it runs without Vitest.
import { Context, Effect, Layer, Schema } from "effect"
import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "../../../src/index.ts"

/** A service whose layer uses the package's own, and keeps it to itself. */
export class Names extends Context.Service<Names, Pick<ArtifactStore["Service"], "read">>()("test/Names") {
  static readonly layer = Layer.effect(Names, Effect.map(ArtifactStore, ({ read }) => ({ read })))
}

/** Greets the name in a file of the artifact in its second job. */
export const Greeter = Action.make({
  name: "greeter",
  parameters: UserParameters.json({
    greeting: Schema.optionalKey(Schema.String),
    artifact: Schema.String,
    crash: Schema.optionalKey(Schema.Boolean)
  }),
  state: Schema.Struct({ name: Schema.String }),
  start: Effect.fn("Greeter.start")(function*({ job, parameters: { artifact, crash } }) {
    if (crash) return yield* Effect.die(new Error("a bug"))
    const { read } = yield* Names
    const name = new TextDecoder().decode(yield* read(job, { artifact, file: "name.txt" })).trim()
    return Action.Step.Continue({ message: `Read the name ${name}`, state: { name } })
  }),
  resume: ({ parameters: { greeting = "Hello" } }, { name }) =>
    Effect.succeed(Action.Step.Done({ message: `${greeting}, ${name}`, outputVariables: { Name: name } }))
})({ ...Action.awsFailures, ...Action.artifactFailures })

export const layer = Layer.provide(Names.layer, ArtifactStore.layer)

export const handler = Lambda.handler(Greeter, Layer.merge(layer, CodePipeline.layer))
