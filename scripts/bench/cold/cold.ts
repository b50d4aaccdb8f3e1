// npm run bench -- cold: measures cold starts and warm invocations, compared with a function on the AWS SDK alone.
import { build } from "esbuild"
import { mkdtemp, rm } from "node:fs/promises"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { bundleOptions } from "../../build/bundle.ts"
import { Bench, jobs, type StartedStack } from "./Bench.ts"
import { startCloud } from "./cloud.ts"
import { type CpuLimit, cpuLimit, megabytesOfCpu } from "./cpuLimit.ts"
import { checksOf, type Cold, coldFigures, figuresOf, type Result, type Runs, warmFigures } from "./figures.ts"
import { print } from "./print.ts"
import { pythonMissing, readSample } from "./pythonSample.ts"
import { hasCodeCache, type Variant, variants, writeVariants } from "./variants.ts"

export interface Options {
  /** The number of starts of each variant with each memory size. */
  readonly rounds?: number
  /** The latency of AWS, for a connection and for a request, in milliseconds. */
  readonly delay?: number
  /** Only one CPU and 256 MB, few rounds, and no warm invocations. */
  readonly quick?: boolean
  /** A file that has AWS's sample function in Python. */
  readonly sample?: string
  /** Print JSON instead of tables. */
  readonly json?: boolean
}

/** Memory in MB; undefined for a whole CPU. */
const memories = [undefined, 512, 256, 128] as const
const quickMemories = [undefined, 256] as const

/** Runs every variant once per round, each round with another one first. */
const interleaved = async <A>(
  measured: ReadonlyArray<Variant>,
  rounds: number,
  run: (variant: Variant) => Promise<A>
): Promise<Runs<A>> => {
  const runs = new Map(measured.map((variant) => [variant, [] as Array<A>]))
  for (let round = 0; round < rounds; round++) {
    const first = round % measured.length
    for (const variant of [...measured.slice(first), ...measured.slice(0, first)]) {
      runs.get(variant)?.push(await run(variant))
    }
  }
  return runs
}

/** A CPU limit for each memory size; fewer, and the reason, if the machine does not allow them. */
const makeLimits = (memories: ReadonlyArray<number | undefined>) => {
  const made = new Map<number, CpuLimit>()
  try {
    for (const memory of memories) if (memory !== undefined) made.set(memory, cpuLimit(memory))
    return { made, notMeasured: [] }
  } catch (error) {
    return {
      made,
      notMeasured: [`less than one CPU, because this machine does not allow it to be limited: ${String(error)}`]
    }
  }
}

/** The code of AWS's sample, or why there is none. */
const sampleOf = (file: string | undefined) => {
  const missing = file === undefined ? "name a file that has it with --sample" : pythonMissing()
  return file === undefined || missing !== undefined
    ? { notMeasured: [`AWS's Python sample: ${missing}`] }
    : { code: readSample(file), notMeasured: [] }
}

/** Other programs, if they used more than a tenth of a processor in the last minute. */
const notQuiet = () => {
  const [load = 0] = loadavg()
  return load > 0.1 ? [`a quiet machine: before the start, its load was ${load.toFixed(2)}`] : []
}

export const cold = async (options: Options = {}): Promise<void> => {
  const { delay = 0, json = false, quick = false, rounds = quick ? 3 : 11 } = options
  const busy = notQuiet()
  const sample = sampleOf(options.sample)
  const folder = await mkdtemp(join(tmpdir(), "cold-"))
  const runner = join(folder, "runner.mjs")
  const { commands, sizes } = await writeVariants(folder, runner, sample.code)
  await build({
    entryPoints: [fileURLToPath(new URL("function.ts", import.meta.url))],
    outfile: runner,
    ...bundleOptions
  })
  const measured = variants.filter((variant) => commands.has(variant))

  const cloud = await startCloud(delay)
  const bench = new Bench(cloud, commands)
  const limits = makeLimits(quick ? quickMemories : memories)
  try {
    const started: Partial<Record<Variant, StartedStack>> = {}
    for (const variant of measured) {
      if (hasCodeCache(variant)) await bench.addCodeCache(variant, join(folder, variant))
      started[variant] = await bench.startStack(variant)
    }
    const results: Array<Cold> = []
    for (const memory of quick ? quickMemories : memories) {
      const limit = memory === undefined ? undefined : limits.made.get(memory)
      if (memory !== undefined && limit === undefined) continue
      for (const job of jobs) {
        const runs = await interleaved(
          measured,
          rounds,
          (variant) =>
            bench.start(variant, memory ?? megabytesOfCpu, job === "fresh" ? undefined : started[variant], limit)
        )
        const figures = Object.fromEntries(
          measured.map((variant) => [variant, figuresOf(runs, variant, coldFigures)])
        )
        results.push({ job, ...(memory !== undefined && { memory }), figures })
      }
    }
    const calls: Partial<Record<Variant, ReadonlyArray<string>>> = {}
    for (const variant of measured) calls[variant] = await bench.callsOf(variant)
    const warmRuns = quick ?
      undefined :
      await interleaved(measured, 3, (variant) => bench.warm(variant, started[variant]))
    const warm = warmRuns === undefined
      ? {}
      : Object.fromEntries(measured.map((variant) => [variant, figuresOf(warmRuns, variant, warmFigures)]))
    const result: Result = {
      node: process.version,
      cpu: cpus()[0]?.model ?? "an unknown CPU",
      rounds,
      delay,
      sizes,
      calls,
      cold: results,
      warm,
      notMeasured: [
        ...busy,
        ...sample.notMeasured,
        ...limits.notMeasured,
        ...(quick ? ["512 MB, 128 MB and warm invocations, because of --quick"] : [])
      ],
      checks: checksOf({ cold: results, warm })
    }
    if (json) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
    else print(result)
    if (result.checks.some(({ kept }) => !kept)) process.exitCode = 1
  } finally {
    for (const limit of limits.made.values()) limit.remove()
    cloud.aws.close()
    await rm(folder, { recursive: true })
  }
}
