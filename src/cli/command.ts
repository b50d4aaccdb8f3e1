// The command, of which each subcommand has a module of its own.
import * as Command from "effect/cli/Command"
import { build } from "./build.ts"
import { cache } from "./cache.ts"
import { ExitStatus } from "./commandLine/options.ts"
import { deploy } from "./deploy.ts"
import { event } from "./event.ts"
import { init } from "./init.ts"
import { run } from "./run.ts"

export const command = Command.make("effect-codepipeline").pipe(
  Command.withDescription(
    "Runs actions of CodePipeline on this machine, writes events for them, builds their functions, deploys them, and begins " +
      "projects of actions.\n\nA subcommand without arguments takes those that \"effect-codepipeline\" in the project's " +
      "package.json has for it, such as {\"build\": [\"src/greet.ts\"]}."
  ),
  Command.withSubcommands([init, run, event, build, deploy, cache]),
  Command.withExamples([
    { command: "npx effect-codepipeline run" },
    { command: "npx effect-codepipeline run --help" },
    { command: "source <(npx effect-codepipeline --completions bash)" }
  ]),
  Command.annotate(ExitStatus, "0 it was done, 1 it failed, 2 the command line is wrong")
)
