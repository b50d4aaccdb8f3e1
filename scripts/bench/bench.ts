// npm run bench -- NAME: benchmarks. They fail when a limit is exceeded.
import * as Effect from "effect/Effect"
import {
  type BadUsage,
  badUsage,
  type CommandLine,
  didYouMean,
  type OptionHelp,
  runScript,
  type Script
} from "../commandLine.ts"
import { artifacts } from "./artifacts.ts"
import { cold } from "./cold/cold.ts"
import { load } from "./load.ts"
import { start } from "./start/start.ts"

interface Benchmark {
  readonly purpose: string
  readonly options: Readonly<Record<string, OptionHelp>>
  readonly example: string
  run(options: CommandLine<string>): Effect.Effect<void, BadUsage>
}

/** The option's whole number, if it is given. */
const number = (name: string, { values }: CommandLine<string>) => {
  const [text] = values[name] ?? []
  if (text === undefined) return Effect.succeed({})
  return /^\d+$/.test(text)
    ? Effect.succeed({ [name]: Number(text) })
    : badUsage(`--${name} takes a number, not "${text}"`)
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  artifacts: {
    purpose: "requests, bytes, time and memory for reading a template out of a zip, compared with downloading the zip",
    options: {},
    example: "npm run bench -- artifacts",
    run: () => Effect.promise(artifacts)
  },
  cold: {
    purpose:
      "time, CPU and memory of cold starts and warm invocations of deploy-stack, compared with a function on the " +
      "AWS SDK alone, and the sizes of the functions",
    options: {
      rounds: {
        kind: "value",
        value: "N",
        text: "The number of starts of each variant with each memory size.",
        otherwise: "11, or 3 with --quick"
      },
      delay: {
        kind: "value",
        value: "MS",
        text: "The latency of AWS, for a connection and for a request, in milliseconds.",
        otherwise: "0"
      },
      quick: { text: "Measure only one CPU and 256 MB, in few rounds, and no warm invocations." },
      sample: {
        kind: "value",
        value: "FILE",
        text:
          "Compare with AWS's sample in Python too. FILE has its code, or is a page in Markdown that shows it, such as " +
          "that of CodePipeline's guide. It needs python3 with boto3."
      },
      json: { text: "Print JSON instead of tables." }
    },
    example: "npm run bench -- cold --rounds 5",
    run: (options) =>
      Effect.gen(function*() {
        const rounds = yield* number("rounds", options)
        const delay = yield* number("delay", options)
        const [sample] = options.values["sample"] ?? []
        const flags = { json: options.flags.has("json"), quick: options.flags.has("quick") }
        yield* Effect.promise(() => cold({ ...rounds, ...delay, ...flags, ...(sample !== undefined && { sample }) }))
      })
  },
  load: {
    purpose: "a warm function with 200 jobs at a time, while AWS throttles and resets some of the requests",
    options: {
      seed: {
        kind: "value",
        value: "TEXT",
        text: "Decides which requests are throttled and reset.",
        otherwise: "1"
      }
    },
    example: "npm run bench -- load --seed 7",
    run: ({ values }) => Effect.promise(() => load(values["seed"]?.[0]))
  },
  start: {
    purpose:
      "what a cold start of deploy-stack consists of: for each group of modules its size, the share of it that runs " +
      "before the report, and the time for compiling and running it",
    options: {
      rounds: { kind: "value", value: "N", text: "The number of starts for each time.", otherwise: "5" }
    },
    example: "npm run bench -- start",
    run: (options) => Effect.flatMap(number("rounds", options), (rounds) => Effect.promise(() => start(rounds)))
  }
}

const status = "0 all limits hold, 1 one is exceeded, 2 the command line is wrong"

const overview: Script<string> = {
  command: "npm run bench",
  operands: "NAME",
  purpose: `Measures, on this machine and on loopback:\n\n${
    Object.entries(benchmarks).map(([name, { purpose }]) => `${name}: ${purpose}`).join("\n\n")
  }\n\nEach has options of its own: npm run bench -- NAME --help.`,
  options: {},
  examples: Object.values(benchmarks).map(({ example }) => example),
  status
}

const name = process.argv.slice(2).find((arg) => Object.hasOwn(benchmarks, arg)) ?? ""
const benchmark = benchmarks[name]

const script: Script<string> = benchmark === undefined ? overview : {
  command: "npm run bench",
  operands: name,
  purpose: `Measures ${benchmark.purpose}.`,
  options: benchmark.options,
  examples: [benchmark.example],
  status
}

await runScript(script, (options) => {
  const { positionals: [first = "", ...others] } = options
  const names = Object.keys(benchmarks)
  if (benchmark === undefined) {
    return badUsage(
      first === ""
        ? `name one benchmark: ${names.join(", ")}`
        : `${first} is not a benchmark; ${didYouMean(first, names)}`
    )
  }
  if (others.length > 0) return badUsage(`one benchmark at a time, not ${options.positionals.join(" and ")}`)
  return benchmark.run(options)
})
