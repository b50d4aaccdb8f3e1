// What Effect's parser lets pass is refused here: an unknown name with the closest one, an option without its value. The
// rest is rewritten in the form that leaves nothing to interpret: `subcommand --flag --name=value -- operand`.
import type * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Effect from "effect/Effect"
import { type Kind, parseOptions } from "./parseOptions.ts"
import { type BadUsage, badUsage, didYouMean } from "./usage.ts"

const isHelp = (arg: string) => arg === "--help" || arg === "-h"

/** The shells that have completions. */
export const shells = ["bash", "zsh", "fish", "powershell"] as const

export const rootTexts = {
  version: "Print the version of the package.",
  completions: "Print completions of effect-codepipeline for bash, zsh, fish or powershell."
}

/** The options of the command itself; see `globalOptions.ts`. */
export const rootOptions: ReadonlyArray<Completions.FlagDescriptor> = [
  { name: "version", aliases: [], description: rootTexts.version, type: { _tag: "Boolean" }, negation: false },
  { name: "completions", aliases: [], description: rootTexts.completions, type: { _tag: "Choice", values: shells } }
]

/** Effect's parser knows whether an option may be repeated. */
const kindOf = ({ type }: Completions.FlagDescriptor): Kind => type._tag === "Boolean" ? "flag" : "values"

export const strictArguments = Effect.fn("strictArguments")(function*(
  command: Command.Command.Any,
  args: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<string>, BadUsage> {
  const { subcommands } = Completions.fromCommand(command)
  const [first, ...rest] = args
  const subcommand = subcommands.find(({ name }) => name === first)
  const path = subcommand === undefined ? [] : [subcommand.name]
  if (args.some(isHelp)) return [...path, "--help"]
  const names = subcommands.map(({ name }) => name)
  if (first === undefined) return yield* badUsage(`name a subcommand: ${names.join(", ")}; see --help`)
  if (subcommand === undefined && !first.startsWith("-")) {
    return yield* badUsage(`${first} is not a subcommand; ${didYouMean(first, names)}`)
  }
  const options = subcommand?.flags ?? rootOptions
  const { flags, positionals, values } = yield* parseOptions(
    subcommand === undefined ? args : rest,
    Object.fromEntries(options.map((option) => [option.name, kindOf(option)]))
  )
  for (const { name, type } of options) {
    if (type._tag !== "Choice") continue
    const wrong = values[name]?.find((value) => !type.values.includes(value))
    if (wrong !== undefined) return yield* badUsage(`--${name} cannot be ${wrong}; ${didYouMean(wrong, type.values)}`)
  }
  return [
    ...path,
    ...Array.from(flags, (name) => `--${name}`),
    ...Object.entries(values).flatMap(([name, given = []]) => given.map((value) => `--${name}=${value}`)),
    "--",
    ...positionals
  ]
})
