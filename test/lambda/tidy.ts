// A function whose layer has something to release.
import { Console, Effect, Layer, Schema } from "effect"
import * as Action from "../../src/Action.ts"
import * as Lambda from "../../src/lambda/handler.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"

/** Says how many listen for SIGTERM. */
const Tidy = Action.makeStateless({
  name: "tidy",
  parameters: Schema.String,
  start: () => Effect.sync(() => Action.Step.Done({ message: `${process.listenerCount("SIGTERM")} for SIGTERM` }))
})({})

const releases = Layer.effectDiscard(
  Effect.acquireRelease(
    Console.log("acquired"),
    () => Effect.andThen(Effect.sleep("50 millis"), Console.log("released"))
  )
)

export const handler = Lambda.handler(Tidy, Layer.merge(releases, CodePipeline.layer))
