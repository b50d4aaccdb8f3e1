// npm run bench -- NAME: benchmarks. They measure, and say where a limit is passed; tests do not.
import * as Effect from "effect/Effect"
import process from "node:process"
import { artifacts } from "./bench/artifacts.ts"
import { BadUsage, parseOptions } from "./options.ts"

const benchmarks: Readonly<Record<string, () => Promise<void>>> = { artifacts }

const help = `Usage: npm run bench -- NAME

  artifacts   requests, bytes, time and memory to read a template out of a zip, beside downloading the whole zip

Exit status: 0 all limits are kept, 1 one is passed, 2 the command line is wrong.
`

const main = Effect.gen(function*() {
  const { flags, positionals } = yield* parseOptions(process.argv.slice(2), { help: "flag" })
  if (flags.has("help")) return process.stdout.write(help)
  const [name = "", ...others] = positionals
  const benchmark = benchmarks[name]
  if (benchmark === undefined || others.length > 0) {
    return yield* new BadUsage({ message: `name one benchmark: ${Object.keys(benchmarks).join(", ")}` })
  }
  return yield* Effect.promise(benchmark)
})

await Effect.runPromise(Effect.catchTag(main, "BadUsage", ({ message }) =>
  Effect.sync(() => {
    process.stderr.write(`${message}\n`)
    process.exitCode = 2
  })))
