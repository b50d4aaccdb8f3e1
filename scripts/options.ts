// Reads the command line of a script: known options, or one clear line of what is wrong.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { nearest } from "../src/domain/nearest.ts"

/** The command line is not what the script takes. */
export class BadUsage extends Schema.TaggedError<BadUsage>()("BadUsage", { message: Schema.String }) {}

/** A path of the command line: npm runs scripts in the package's folder, wherever it was called. */
export const absolute = (path: string) => resolve(process.env["INIT_CWD"] ?? ".", path)

/** What was thrown, in words. */
export const reason = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** What an option takes: nothing, a value, or a value each time that it is given. */
export type Kind = "flag" | "value" | "values"

export interface Options<Names extends string> {
  readonly positionals: ReadonlyArray<string>
  readonly flags: ReadonlySet<Names>
  readonly values: Readonly<Partial<Record<Names, ReadonlyArray<string>>>>
}

/** Options are written `--name value` or `--name=value`. */
export const parseOptions = <Names extends string>(
  args: ReadonlyArray<string>,
  known: Readonly<Record<Names, Kind>>
): Effect.Effect<Options<Names>, BadUsage> =>
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
        const [closest] = nearest(token.name, names)
        const advice = closest === undefined
          ? `known are ${names.map((name) => `--${name}`).join(", ")}`
          : `did you mean --${closest}?`
        return yield* new BadUsage({ message: `${token.rawName} is not an option; ${advice}` })
      }
      if (known[name] === "flag") {
        if (token.value !== undefined) return yield* new BadUsage({ message: `--${name} takes no value` })
        flags.add(name)
      } else {
        const { value } = token
        if (value === undefined || value === "") return yield* new BadUsage({ message: `--${name} needs a value` })
        const before = values[name] ?? []
        if (known[name] === "value" && before.length > 0) {
          return yield* new BadUsage({ message: `--${name} is given twice` })
        }
        values[name] = [...before, value]
      }
    }
    return { positionals, flags, values }
  })
