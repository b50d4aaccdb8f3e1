// A function whose layer has a finalizer.
import { Effect, Layer, Schema } from "effect"
import * as Action from "../../src/Action.ts"
import * as Lambda from "../../src/lambda/handler.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"

/** Reports the number of listeners for SIGTERM. */
const Tidy = Action.makeStateless({
  name: "tidy",
  parameters: Schema.String,
  start: () => Effect.sync(() => Action.Step.Done({ message: `${process.listenerCount("SIGTERM")} for SIGTERM` }))
})({})

/** Not through `console`, which Lambda replaces. */
const write = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const releases = Layer.effectDiscard(
  Effect.acquireRelease(
    write("acquired"),
    () => Effect.andThen(Effect.sleep("50 millis"), write("released"))
  )
)

export const handler = Lambda.handler(Tidy, Layer.merge(releases, CodePipeline.layer))
