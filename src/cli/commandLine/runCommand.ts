// Runs a command line to its exit status.
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { globalOptions } from "./globalOptions.ts"
import { withProjectArguments } from "./projectArguments.ts"
import { strictArguments } from "./strictArguments.ts"
import { badUsage, type Unsuccessful } from "./usage.ts"

const unsuccessful: Unsuccessful["_tag"] = "Unsuccessful"

/** The subcommand of a path, whose first name is that of the command. */
const subcommandAt = (command: Command.Command.Any, [, name]: ReadonlyArray<string>) => {
  const root = Completions.fromCommand(command)
  return root.subcommands.find((subcommand) => subcommand.name === name) ?? root
}

/** What Effect's parser has found, in one line. */
const messageOf = (command: Command.Command.Any, { commandPath, errors: [error] }: CliError.ShowHelp): string => {
  const { arguments: operands, name } = subcommandAt(command, commandPath)
  switch (error?._tag) {
    case "MissingArgument": {
      const { description } = operands.find(({ name }) => name === error.argument) ?? {}
      return `${error.argument} is missing${description === undefined ? "" : `: ${description.replace(/\.$/, "")}`}`
    }
    case "MissingOption":
      return `--${error.option} is missing; see --help`
    case "UnexpectedArgument": {
      const expected = [...operands.map(({ name }) => `one ${name}`), "options"].join(" and ")
      return `"${error.arguments[0]}" is not expected: ${name} takes only ${expected}; see --help`
    }
    case "InvalidValue":
      // The options that are not repeatable.
      return error.expected === "at most 1 value"
        ? `--${error.option} is given twice`
        : `${error.kind === "flag" ? "--" : ""}${error.option} cannot be "${error.value}": ${error.expected}`
    default:
      return error?.message.replaceAll(/\s*\n\s*/g, " ") ?? "see --help"
  }
}

/** An error with a message for the user. */
interface Failure {
  readonly _tag: string
  readonly message: string
}

/** Runs the command, and fails with a usage error that has one line if the command line is wrong. */
export const execute = <const Name extends string, Input, ContextInput, E, R>(
  command: Command.Command<Name, Input, ContextInput, E, R>,
  version: string,
  args: ReadonlyArray<string>
) =>
  strictArguments(command, args).pipe(
    Effect.flatMap(Command.runWith(command, { version, renderErrors: false })),
    Effect.catchFilter(
      (error) => CliError.isCliError(error) && error._tag === "ShowHelp" ? Result.succeed(error) : Result.fail(error),
      (error) => badUsage(messageOf(command, error))
    ),
    Effect.provide(globalOptions)
  )

/** The arguments, or those of the project, which are shown. */
const argumentsOf = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const all = yield* withProjectArguments(args, process.cwd())
  if (all !== args) process.stderr.write(`effect-codepipeline ${all.join(" ")}\n`)
  return all
})

/**
 * Runs the command, and returns its exit status: 0 if it succeeded; 2 if the command line is wrong, and 1 on any other
 * failure, with one line on standard error.
 */
export const runCommand = <const Name extends string, Input, ContextInput, E extends Failure, R>(
  command: Command.Command<Name, Input, ContextInput, E, R>,
  version: string,
  args: ReadonlyArray<string>
) =>
  argumentsOf(args).pipe(
    Effect.flatMap((args) => execute(command, version, args)),
    Effect.as(0),
    Effect.catch((error: Failure) =>
      Effect.sync(() => {
        if (error._tag !== unsuccessful) process.stderr.write(`${error.message}\n`)
        return error._tag === "BadUsage" ? 2 : 1
      })
    ),
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatSimple)])),
    // Subcommands show their failures; the log is for defects.
    Effect.provideService(References.MinimumLogLevel, "Error")
  )
