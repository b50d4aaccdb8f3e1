// The arguments of a subcommand that is called without any, from the package.json of the project: with
// `"effect-codepipeline": { "run": ["--action", "./greet.ts"] }`, `effect-codepipeline run` runs the action in greet.ts.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { type BadUsage, badUsage } from "./usage.ts"

const field = "effect-codepipeline"

const Arguments = Schema.Record(Schema.String, Schema.Array(Schema.String))

const decodeManifest = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Adds the arguments of the project in this folder, if there are none besides the subcommand. */
export const withProjectArguments = Effect.fn("withProjectArguments")(function*(
  args: ReadonlyArray<string>,
  folder: string
): Effect.fn.Return<ReadonlyArray<string>, BadUsage> {
  const [subcommand, ...others] = args
  if (subcommand === undefined || subcommand.startsWith("-") || others.length > 0) return args
  const text = yield* Effect.promise(() => readFile(join(folder, "package.json"), "utf8").catch(() => ""))
  const manifest = Option.getOrUndefined(decodeManifest(text))
  if (!Predicate.hasProperty(manifest, field)) return args
  const known = yield* Schema.decodeUnknownEffect(Arguments)(manifest[field]).pipe(
    Effect.catch(() =>
      badUsage(
        `"${field}" in package.json must have a list of arguments for each subcommand, as in {"build": ["src/greet.ts"]}`
      )
    )
  )
  return Object.hasOwn(known, subcommand) ? [subcommand, ...known[subcommand] ?? []] : args
})
