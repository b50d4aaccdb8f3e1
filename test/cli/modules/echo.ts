// Another module: an action without a layer that takes any text, beside another one with a layer that cannot be built.
import { Effect, Layer, Schema } from "effect"
import { Action, ArtifactStore, Lambda } from "../../../src/index.ts"

export const Echo = Action.makeStateless({
  name: "echo",
  parameters: Schema.String,
  start: ({ parameters }) => Effect.succeed(Action.Step.Done({ message: `"${parameters}"` }))
})({})

export const Write = Action.makeStateless({
  name: "write",
  parameters: Schema.String,
  start: Effect.fn("Write.start")(function*({ job, parameters }) {
    const store = yield* ArtifactStore
    yield* store.write(job, { artifact: "Out", files: { "text.txt": parameters } })
    return Action.Step.Done({ message: "written" })
  })
})({ ...Action.awsFailures, ...Action.artifactFailures })

export const broken = { action: Echo, layer: Layer.effectDiscard(Effect.die(new Error("DESK_URL is not set"))) }

export const { handler: notAnAction = "text" } = { handler: Lambda.handler.name }
