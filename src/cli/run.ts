// run: acts as CodePipeline for one action on this machine.
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { ExitStatus } from "./commandLine/options.ts"
import { BadUsage, Unsuccessful } from "./commandLine/usage.ts"
import { playAction } from "./run/playAction.ts"
import { readOptions, runConfig, type RunInput } from "./run/runOptions.ts"
import { makeTerminalReporter } from "./TerminalReporter.ts"

const play = Effect.fn("run")(
  function*(input: RunInput) {
    const options = yield* readOptions(input)
    const outcome = yield* playAction(options, yield* makeTerminalReporter(process.stdout))
    if (outcome._tag !== "Succeeded") return yield* new Unsuccessful()
  },
  Effect.scoped,
  Effect.catchTag("NotAJobEvent", ({ message }) => Effect.fail(new BadUsage({ message })))
)

export const run = Command.make("run", runConfig, play).pipe(
  Command.withShortDescription("Runs an action on an event, as CodePipeline would."),
  Command.withDescription(`
Runs an action on an event, as CodePipeline would, until the action ends. By default the action is deploy-stack, and
everything is in memory, without an AWS account or the network. npx effect-codepipeline event writes other events.

A module exports a handler made by Lambda.handler, an action, or an object { action, layer }. Its layer is used, with S3,
CloudFormation and CodePipeline in memory; other services that it has are real.`),
  Command.withExamples([
    { command: "npx effect-codepipeline run --stack-fails MySampleBucket" },
    { command: "npx effect-codepipeline run --mode REPLACE_ON_FAILURE --stack-status ROLLBACK_COMPLETE" },
    { command: "npx effect-codepipeline run --artifact MyTemplate=template.yaml --events" },
    { command: "npx effect-codepipeline run --action ./greet.ts --option name=Ada" },
    { command: "npx effect-codepipeline run event.json --artifact MyTemplate=./template-package --live" }
  ]),
  Command.annotate(ExitStatus, "0 the action succeeded, 1 it failed, 2 the command line or one of its files is wrong")
)
