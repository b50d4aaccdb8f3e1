// npm run bench -- NAME: benchmarks. They measure, and say where a limit is passed; tests do not.
import * as Effect from "effect/Effect"
import process from "node:process"
import { artifacts } from "./bench/artifacts.ts"
import { load } from "./bench/load.ts"
import { BadUsage, parseOptions } from "./options.ts"

const benchmarks: Readonly<Record<string, (seed?: string) => Promise<void>>> = { artifacts, load }

const help = `Usage: npm run bench -- NAME

  artifacts   requests, bytes, time and memory to read a template out of a zip, beside downloading the whole zip
  load        one warm function serves 200 jobs at a time, on an AWS that throttles and resets some of the requests

  --seed TEXT   of load: decides which requests those are

Exit status: 0 all limits are kept, 1 one is passed, 2 the command line is wrong.
`

const main = Effect.gen(function*() {
  const { flags, positionals, values } = yield* parseOptions(process.argv.slice(2), { help: "flag", seed: "value" })
  if (flags.has("help")) return process.stdout.write(help)
  const [name = "", ...others] = positionals
  const benchmark = benchmarks[name]
  if (benchmark === undefined || others.length > 0) {
    return yield* new BadUsage({ message: `name one benchmark: ${Object.keys(benchmarks).join(", ")}` })
  }
  const [seed] = values.seed ?? []
  if (seed !== undefined && benchmark !== load) return yield* new BadUsage({ message: "--seed is for load" })
  return yield* Effect.promise(() => benchmark(seed))
})

await Effect.runPromise(Effect.catchTag(main, "BadUsage", ({ message }) =>
  Effect.sync(() => {
    process.stderr.write(`${message}\n`)
    process.exitCode = 2
  })))
