// Parses options strictly: each is known, has a value exactly if it takes one, and does not swallow the next option.
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { type BadUsage, badUsage, didYouMean } from "./usage.ts"

/** An option takes no value, one value, or a value each time. */
export type Kind = "flag" | "value" | "values"

export interface CommandLine<Names extends string> {
  readonly positionals: ReadonlyArray<string>
  readonly flags: ReadonlySet<Names>
  readonly values: Readonly<Partial<Record<Names, ReadonlyArray<string>>>>
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
