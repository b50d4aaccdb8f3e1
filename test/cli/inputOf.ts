import { Effect } from "effect"
import { Command } from "effect/cli"
import { execute } from "../../src/cli/commandLine/runCommand.ts"
import { nodeServices } from "../../src/cli/nodeServices.ts"

/** The input of a subcommand that has these arguments and options, as the command reads it from a command line. */
export const inputOf = <const Config extends Command.Command.Config>(
  name: string,
  config: Config,
  args: ReadonlyArray<string>
) =>
  Effect.gen(function*() {
    let input: Command.Command.Config.Infer<Config> | undefined
    const subcommand = Command.make(name, config, (read) =>
      Effect.sync(() => {
        input = read
      }))
    yield* execute(Command.make("command").pipe(Command.withSubcommands([subcommand])), "1.0.0", [name, ...args])
    return input ?? (yield* Effect.die("the subcommand did not run"))
  }).pipe(Effect.provide(nodeServices))
