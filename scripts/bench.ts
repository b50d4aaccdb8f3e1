// npm run bench -- NAME: benchmarks. They measure, and say where a limit is passed; tests do not.
import * as Effect from "effect/Effect"
import process from "node:process"
import { artifacts } from "./bench/artifacts.ts"
import { cold } from "./bench/cold.ts"
import { load } from "./bench/load.ts"
import { BadUsage, parseOptions } from "./options.ts"

interface Flags {
  readonly seed?: string
  readonly rounds?: number
  readonly delay?: number
  readonly json?: boolean
}

interface Benchmark {
  /** What it takes of the options. */
  readonly options: ReadonlyArray<keyof Flags>
  run(flags: Flags): Promise<void>
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  artifacts: { options: [], run: () => artifacts() },
  cold: { options: ["rounds", "delay", "json"], run: (flags) => cold(flags) },
  load: { options: ["seed"], run: ({ seed }) => load(seed) }
}

const help = `Usage: npm run bench -- NAME

  artifacts   requests, bytes, time and memory to read a template out of a zip, beside downloading the whole zip
  cold        time, CPU and memory of cold starts and of warm invocations of deploy-stack, beside a function on the AWS SDK
              alone, and what the functions are made of
  load        one warm function serves 200 jobs at a time, on an AWS that throttles and resets some of the requests

  --rounds N    of cold: how often each variant is started for each size of memory; 11 when left out
  --delay MS    of cold: what AWS takes for a connection, and for a request; 0 when left out
  --json        of cold: JSON instead of tables
  --seed TEXT   of load: decides which requests are throttled and reset

Exit status: 0 all limits are kept, 1 one is passed, 2 the command line is wrong.
`

const number = (name: string, text: string | undefined) => {
  if (text === undefined) return Effect.succeed({})
  return /^\d+$/.test(text)
    ? Effect.succeed({ [name]: Number(text) })
    : Effect.fail(new BadUsage({ message: `--${name} takes a number, not "${text}"` }))
}

const main = Effect.gen(function*() {
  const { flags, positionals, values } = yield* parseOptions(process.argv.slice(2), {
    help: "flag",
    rounds: "value",
    delay: "value",
    json: "flag",
    seed: "value"
  })
  if (flags.has("help")) return process.stdout.write(help)
  const [name = "", ...others] = positionals
  const benchmark = benchmarks[name]
  if (benchmark === undefined || others.length > 0) {
    return yield* new BadUsage({ message: `name one benchmark: ${Object.keys(benchmarks).join(", ")}` })
  }
  const [seed] = values.seed ?? []
  const given: Flags = {
    ...(seed !== undefined && { seed }),
    ...(flags.has("json") && { json: true }),
    ...(yield* number("rounds", values.rounds?.[0])),
    ...(yield* number("delay", values.delay?.[0]))
  }
  const wrong = Object.keys(given).find((option) => !benchmark.options.some((known) => known === option))
  if (wrong !== undefined) return yield* new BadUsage({ message: `--${wrong} is not for ${name}` })
  return yield* Effect.promise(() => benchmark.run(given))
})

await Effect.runPromise(Effect.catchTag(main, "BadUsage", ({ message }) =>
  Effect.sync(() => {
    process.stderr.write(`${message}\n`)
    process.exitCode = 2
  })))
