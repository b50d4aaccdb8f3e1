// The command line of a script, described once as data: the arguments are parsed, and the help is printed, from it. An
// error is one line on standard error.
import * as Effect from "effect/Effect"
import { endWithReader } from "../src/cli/commandLine/endWithReader.ts"
import {
  helpRow,
  layoutHelp,
  type OptionText,
  terminalColumns,
  textOfOption
} from "../src/cli/commandLine/layoutHelp.ts"
import { type CommandLine, type Kind, parseOptions } from "../src/cli/commandLine/parseOptions.ts"
import { type BadUsage, badUsage } from "../src/cli/commandLine/usage.ts"

export type { CommandLine } from "../src/cli/commandLine/parseOptions.ts"
export { type BadUsage, badUsage, didYouMean, reason } from "../src/cli/commandLine/usage.ts"

export interface OptionHelp extends OptionText {
  /** Default: `flag`. */
  readonly kind?: Kind
}

/** The description of a script's command line. Every script has `--help` besides these options. */
export interface Script<Names extends string> {
  /** `npm start` */
  readonly command: string
  /** Its arguments besides options, such as `[EVENT.json]`. Default: none. */
  readonly operands?: string
  /** Its purpose, in paragraphs separated by empty lines. */
  readonly purpose: string
  readonly options: Readonly<Record<Names, OptionHelp>>
  /** Whole commands. */
  readonly examples: ReadonlyArray<string>
  /** `0 …, 1 …` */
  readonly status: string
}

/** Parses the arguments by the script's description. */
export const readCommandLine = Effect.fn("readCommandLine")(function*<Names extends string>(
  { command, operands, options }: Script<Names>,
  args: ReadonlyArray<string>
) {
  const entries = Object.entries<OptionHelp>(options).map(([name, { kind = "flag" }]) => [name, kind])
  const read = yield* parseOptions<Names>(args, Object.fromEntries(entries))
  const [stray] = read.positionals
  return operands === undefined && stray !== undefined
    ? yield* badUsage(`"${stray}" is not expected: ${command} takes only options; see --help`)
    : read
})

/** The text of `--help` for a terminal of this many columns. */
export const helpOf = <Names extends string>(script: Script<Names>, columns = Infinity): string =>
  layoutHelp({
    usage: `${script.command}${script.command.startsWith("npm") ? " --" : ""} ${
      script.operands === undefined ? "" : `${script.operands} `
    }[options]`,
    purpose: script.purpose,
    lists: [[
      ...Object.entries<OptionHelp>(script.options).map(([name, help]) =>
        [
          help.value === undefined ? `--${name}` : `--${name} ${help.value}`,
          textOfOption(help, help.kind === "values")
        ] as const
      ),
      helpRow
    ]],
    examples: script.examples,
    status: script.status
  }, columns)

/**
 * Runs a script. If `--help` is among the arguments, it only prints the help. The exit status of the process is the result
 * of `run`, if there is one; 2 if the command line is wrong, and 1 on any other failure, with one line on standard error.
 */
export const runScript = <Names extends string, E extends { readonly _tag: string; readonly message: string }>(
  script: Script<Names>,
  run: (options: CommandLine<Names>) => Effect.Effect<number | void, E | BadUsage>,
  args: ReadonlyArray<string> = process.argv.slice(2)
): Promise<void> => {
  endWithReader()
  if (args.some((arg) => arg === "--help" || arg === "-h")) {
    process.stdout.write(helpOf(script, terminalColumns()))
    return Promise.resolve()
  }
  return readCommandLine(script, args).pipe(
    Effect.flatMap(run),
    Effect.catch((error) =>
      Effect.sync(() => {
        process.stderr.write(`${error.message}\n`)
        return error._tag === "BadUsage" ? 2 : 1
      })
    ),
    Effect.runPromise
  ).then((status) => {
    if (status !== undefined) process.exitCode = status
  })
}
