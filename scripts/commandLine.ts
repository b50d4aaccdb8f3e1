// The command line of a script, described once: its help is made of that, and what it does not know is refused in one
// clear line.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { closestMatches } from "../src/domain/text/closestMatches.ts"

/** The command line, or what it names, is not what the script takes. The message says what to do. */
export class BadUsage extends Schema.TaggedError<BadUsage>()("BadUsage", { message: Schema.String }) {}

export const badUsage = (message: string) => Effect.fail(new BadUsage({ message }))

/** A path of the command line: npm runs scripts in the package's folder, wherever it was called. */
export const absolute = (path: string) => resolve(process.env["INIT_CWD"] ?? ".", path)

/** What was thrown, in words. */
export const reason = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** What an option takes: nothing, a value, or a value each time that it is given. */
export type Kind = "flag" | "value" | "values"

export interface OptionHelp {
  /** `flag` when left out. */
  readonly kind?: Kind
  /** What stands for its value in the help, such as `NAME=PATH`. */
  readonly value?: string
  readonly text: string
  /** What holds where it is left out. */
  readonly otherwise?: string
}

/** All that there is to know of a script's command line. `--help` need not be among the options. */
export interface Script<Names extends string> {
  /** `npm start` */
  readonly command: string
  /** What it takes besides options, such as `[EVENT.json]`; nothing when left out. */
  readonly operands?: string
  /** What it is for; paragraphs are told apart by empty lines. */
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

/** `did you mean X?`, or all that there are. */
export const didYouMean = (name: string, known: ReadonlyArray<string>): string => {
  const [closest] = closestMatches(name, known)
  if (closest !== undefined) return `did you mean ${closest}?`
  return known.length === 0 ? "there are none" : `known are ${known.join(", ")}`
}

/** CommandLine are written `--name value` or `--name=value`. */
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
        // The value was forgotten, and the next option is not what was meant by it.
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

/** The command line, as the script describes it. */
export const readCommandLine = Effect.fn("readCommandLine")(function*<Names extends string>(
  { command, operands, options }: Script<Names>,
  args: ReadonlyArray<string>
) {
  const entries = Object.entries<OptionHelp>(options).map(([name, { kind = "flag" }]) => [name, kind])
  const read = yield* parseOptions<Names>(args, Object.fromEntries(entries))
  const [stray] = read.positionals
  return operands === undefined && stray !== undefined
    ? yield* badUsage(`"${stray}" is too much: ${command} takes options only; see --help`)
    : read
})

const width = 118

/** The words in lines that all begin below the first one. */
const wrapped = (head: string, text: string): string => {
  const lines = [head]
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? ""
    const fits = lines.length === 1 && line === head || line.length + word.length < width
    const joint = line === head || line.trim() === "" ? "" : " "
    if (fits) lines[lines.length - 1] = `${line}${joint}${word}`
    else lines.push(`${" ".repeat(head.length)}${word}`)
  }
  return lines.join("\n")
}

/** What `--help` says. */
export const helpOf = <Names extends string>(script: Script<Names>): string => {
  const rows = Object.entries<OptionHelp>(script.options).map(([name, { kind, otherwise, text, value }]) =>
    [
      value === undefined ? `--${name}` : `--${name} ${value}`,
      [text, kind === "values" ? "As often as needed." : "", otherwise === undefined ? "" : `Left out: ${otherwise}.`]
        .filter((part) => part !== "").join(" ")
    ] as const
  )
  const all = [...rows, ["--help", "This text."] as const]
  const column = Math.max(...all.map(([head]) => head.length)) + 4
  const sections = [
    `Usage: ${script.command}${script.command.startsWith("npm") ? " --" : ""} ${
      script.operands === undefined ? "" : `${script.operands} `
    }[options]`,
    script.purpose.split(/\n\n+/).map((paragraph) => wrapped("", paragraph.trim())).join("\n\n"),
    all.map(([head, text]) => wrapped(`  ${head}`.padEnd(column), text)).join("\n"),
    `Examples:\n${script.examples.map((example) => `  ${example}`).join("\n")}`,
    wrapped("", `Exit status: ${script.status}.`)
  ]
  return `${sections.join("\n\n")}\n`
}

/**
 * Runs a script: prints its help where `--help` is among the arguments, whatever else is; else does what the command
 * line asks for. The process's exit status is what `run` gives (none: what it is), 2 where the command line is wrong, and 1 where
 * something else failed; then one line on standard error says why.
 */
export const runScript = <Names extends string, E extends { readonly _tag: string; readonly message: string }>(
  script: Script<Names>,
  run: (options: CommandLine<Names>) => Effect.Effect<number | void, E | BadUsage>,
  args: ReadonlyArray<string> = process.argv.slice(2)
): Promise<void> => {
  if (args.some((arg) => arg === "--help" || arg === "-h")) {
    process.stdout.write(helpOf(script))
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
