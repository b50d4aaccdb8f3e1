// The command line of a script, described once as data: the arguments are parsed, and the help is printed, from it. An
// error is one line on standard error.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { closestMatches } from "../src/domain/text/closestMatches.ts"

/** The command line, or a file that it names, is wrong. The message says what to do. */
export class BadUsage extends Schema.TaggedError<BadUsage>()("BadUsage", { message: Schema.String }) {}

export const badUsage = (message: string) => Effect.fail(new BadUsage({ message }))

/** Resolves a path of the command line in the folder where npm was called. npm changes to the package's folder. */
export const absolute = (path: string) => resolve(process.env["INIT_CWD"] ?? ".", path)

/** The message of a thrown value. */
export const reason = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** An option takes no value, one value, or a value each time. */
export type Kind = "flag" | "value" | "values"

export interface OptionHelp {
  /** Default: `flag`. */
  readonly kind?: Kind
  /** The placeholder of its value in the help, such as `NAME=PATH`. */
  readonly value?: string
  readonly text: string
  /** The default, in words. */
  readonly otherwise?: string
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

export interface CommandLine<Names extends string> {
  readonly positionals: ReadonlyArray<string>
  readonly flags: ReadonlySet<Names>
  readonly values: Readonly<Partial<Record<Names, ReadonlyArray<string>>>>
}

/** `did you mean X?`, or the list of all known names. */
export const didYouMean = (name: string, known: ReadonlyArray<string>): string => {
  const [closest] = closestMatches(name, known)
  if (closest !== undefined) return `did you mean ${closest}?`
  return known.length === 0 ? "none are known" : `known are ${known.join(", ")}`
}

/** Parses options, which are written `--name value` or `--name=value`. */
export const parseOptions = <Names extends string>(
  args: ReadonlyArray<string>,
  known: Readonly<Record<Names, Kind>>
): Effect.Effect<CommandLine<Names>, BadUsage> =>
  Effect.gen(function*() {
    const names = Object.keys(known) as Array<Names>
    const { tokens } = parseArgs({
      args: [...args],
      strict: false,
      tokens: true,
      allowPositionals: true,
      options: Object.fromEntries(names.map((name) => [name, { type: known[name] === "flag" ? "boolean" : "string" }]))
    })
    const flags = new Set<Names>()
    const values: Partial<Record<Names, Array<string>>> = {}
    const positionals: Array<string> = []
    for (const token of tokens) {
      if (token.kind === "positional") positionals.push(token.value)
      if (token.kind !== "option") continue
      const name = names.find((name) => name === token.name)
      if (name === undefined) {
        const advice = didYouMean(`--${token.name}`, [...names, "help"].map((name) => `--${name}`))
        return yield* badUsage(`${token.rawName} is not an option; ${advice}`)
      }
      if (known[name] === "flag") {
        if (token.value !== undefined) return yield* badUsage(`--${name} takes no value`)
        flags.add(name)
      } else {
        const { inlineValue, value } = token
        if (value === undefined || value === "") return yield* badUsage(`--${name} needs a value`)
        // The value is probably missing: the next option is not meant to be it.
        if (!inlineValue && value.startsWith("--")) {
          return yield* badUsage(`--${name} needs a value; if it is "${value}", write --${name}=${value}`)
        }
        const before = values[name] ?? []
        if (known[name] === "value" && before.length > 0) return yield* badUsage(`--${name} is given twice`)
        values[name] = [...before, value]
      }
    }
    return { positionals, flags, values }
  })

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

/** The width of the help, if the terminal is not narrower. */
const widest = 118

/** The least room for a text beside its option. With less, the text goes below. */
const narrowest = 36

/** Breaks a text into lines, which are indented as far as `head`. A line that is continued ends with `mark`. */
const wrapped = (
  head: string,
  words: ReadonlyArray<string>,
  width: number,
  indent = head.length,
  mark = ""
): string => {
  const lines = [head]
  for (const word of words) {
    const line = lines.at(-1) ?? ""
    const joint = line.trim() === "" || line === head ? "" : " "
    if (line.trim() === "" || line.length + joint.length + word.length + mark.length <= width) {
      lines[lines.length - 1] = `${line}${joint}${word}`
    } else lines.push(`${" ".repeat(indent)}${word}`)
  }
  return lines.join(`${mark}\n`)
}

const wordsOf = (text: string) => text.trim().split(/\s+/)

/** The words of a command. An option and its value stay together. */
const argumentsOf = (command: string) => command.split(/ (?=--?\w)| (?=>)/)

/** The text of `--help` for a terminal of this many columns. */
export const helpOf = <Names extends string>(script: Script<Names>, columns = Infinity): string => {
  const width = Math.min(widest, columns - 1)
  const rows = Object.entries<OptionHelp>(script.options).map(([name, { kind, otherwise, text, value }]) =>
    [
      value === undefined ? `--${name}` : `--${name} ${value}`,
      [text, kind === "values" ? "Can be repeated." : "", otherwise === undefined ? "" : `Default: ${otherwise}.`]
        .filter((part) => part !== "").join(" ")
    ] as const
  )
  const all = [...rows, ["--help", "Print this text."] as const]
  const column = Math.max(...all.map(([head]) => head.length)) + 4
  const row = ([head, text]: readonly [string, string]) =>
    width - column < narrowest
      ? `  ${head}\n${wrapped("      ", wordsOf(text), width)}`
      : wrapped(`  ${head}`.padEnd(column), wordsOf(text), width)
  const sections = [
    `Usage: ${script.command}${script.command.startsWith("npm") ? " --" : ""} ${
      script.operands === undefined ? "" : `${script.operands} `
    }[options]`,
    script.purpose.trim().split(/\n\n+/).map((paragraph) => wrapped("", wordsOf(paragraph), width)).join("\n\n"),
    all.map(row).join("\n"),
    `Examples:\n${script.examples.map((example) => wrapped("  ", argumentsOf(example), width, 6, " \\")).join("\n")}`,
    wrapped("", wordsOf(`Exit status: ${script.status}.`), width)
  ]
  return `${sections.join("\n\n")}\n`
}

/** The width of the terminal: COLUMNS has it if the output goes elsewhere, such as to a pager. */
const columns = () => Number(process.env["COLUMNS"]) || process.stdout.columns || Infinity

/** Ends the process quietly when the reader of its output has closed it, as `head` does. The status is that of SIGPIPE. */
const endWithReader = () => {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount("error") > 0) continue
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error
      process.exit(141)
    })
  }
}

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
    process.stdout.write(helpOf(script, columns()))
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
