// npm run bench -- start: what a cold start of deploy-stack consists of, by groups of modules.
import { build } from "esbuild"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath, pathToFileURL } from "node:url"
import { minify } from "terser"
import { notPrimedFrom } from "../../../src/lambda/priming/replay.ts"
import { bundleOptions, entryPoints, functionFiles, minifyOptions, writeFiles } from "../../build/bundle.ts"
import { Bench, type JobKind, jobs, type StartedStack } from "../cold/Bench.ts"
import {
  type Cloud,
  type Command,
  endContainer,
  invoke,
  nodeCommand,
  startCloud,
  startContainer
} from "../cold/cloud.ts"
import { megabytesOfCpu } from "../cold/cpuLimit.ts"
import { kb, table } from "../cold/print.ts"
import type { Instrument, Report } from "./function.ts"
import { type ByGroup, type Group, groups, type Modules, readModules, sumsByGroup } from "./modules.ts"

export interface Options {
  /** The number of starts for each time. */
  readonly rounds?: number
}

/** The width of a line: a sample of the profiler names a line, which is finer than a function. */
const columns = 100

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Writes deploy-stack as built, but in lines, and the functions that run it. */
const writeFunction = async (folder: string) => {
  const module = new Map(await entryPoints()).get("deploy-stack")
  if (module === undefined) throw new Error("deploy-stack is not a function")
  const { outputFiles } = await build({
    ...bundleOptions,
    entryPoints: [module],
    outdir: folder,
    write: false,
    sourcemap: "external"
  })
  const text = (end: string) => outputFiles.find((file) => file.path.endsWith(end))?.text ?? ""
  const { code = "", map = "" } = await minify(text(".mjs"), {
    ...minifyOptions,
    format: { ...minifyOptions.format, max_line_len: columns },
    sourceMap: { content: text(".map") }
  })
  const files = await functionFiles({ code, metafile: { inputs: {}, outputs: {} } })
  await writeFiles(files, folder)
  const runners = { instrumented: path("function.ts"), plain: path("../cold/function.ts") }
  await build({ ...bundleOptions, entryPoints: runners, outdir: folder })
  const script = Buffer.from(files["function.js"]).toString()
  const head = script.indexOf(code.slice(0, columns))
  return {
    bundle: join(folder, "function.js"),
    module: join(folder, "index.mjs"),
    instrumented: join(folder, "instrumented.mjs"),
    plain: join(folder, "plain.mjs"),
    modules: readModules(code, typeof map === "string" ? map : JSON.stringify(map)),
    /** The offset of the bundle's code in the script. */
    head
  }
}

type Written = Awaited<ReturnType<typeof writeFunction>>

/** For each byte of the bundle, whether it is in a function that has run, and not in one within it that has not. */
const markRan = ({ head, modules }: Written, { ranges = [] }: Report): Uint8Array => {
  const ran = new Uint8Array(modules.size)
  const outerFirst = ranges.toSorted((a, b) => a.start - b.start || b.end - a.end)
  for (const { count, end, start } of outerFirst) ran.fill(count > 0 ? 1 : 0, Math.max(0, start - head), end - head)
  return ran
}

/** Bytes that have run by the time of one of the reports. V8 counts anew after each. */
const bytesThatRan = (written: Written, reports: ReadonlyArray<Report>): ByGroup => {
  const marks = reports.map((report) => markRan(written, report))
  const { add, sums } = sumsByGroup()
  for (let offset = 0; offset < written.modules.size; offset++) {
    if (marks.some((ran) => ran[offset] === 1)) add(written.modules.groupAt(offset), 1)
  }
  return sums
}

const sizes = ({ groupAt, size }: Modules): ByGroup => {
  const { add, sums } = sumsByGroup()
  for (let offset = 0; offset < size; offset++) add(groupAt(offset), 1)
  return sums
}

/** Starts a function, lets it do one job, and returns its reports, before the job and after it. */
const startOnce = async <A>(
  cloud: Cloud,
  command: Command,
  memory: number,
  event: unknown
): Promise<readonly [A, A]> => {
  const { child, loaded } = startContainer(cloud, command, memory)
  const atLoad = await loaded
  const atReport = await invoke(child, [event])
  await endContainer(child)
  return [atLoad as A, atReport as A]
}

const instrumentedCommand = ({ bundle, instrumented, module }: Written, instrument: Instrument): Command => ({
  program: process.execPath,
  // The same flags as for the code cache, which V8 would reject otherwise.
  args: ["--expose-gc", instrumented, module, pathToFileURL(bundle).href, instrument]
})

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

const medians = (rounds: ReadonlyArray<ByGroup>): ByGroup => {
  const { add, sums } = sumsByGroup()
  for (const group of groups) add(group, median(rounds.map((round) => round[group])))
  return sums
}

const millisOf = ({ modules }: Written, { outside = 0, times = [] }: Report): ByGroup => {
  const { add, sums } = sumsByGroup()
  for (const [line, micros] of times) add(modules.groupOfLine(line), micros / 1_000)
  add("Node and V8", outside / 1_000)
  return sums
}

/** Milliseconds until the function is loaded, and from then to the report. */
interface Times {
  readonly atLoad: ByGroup
  readonly inHandler: ByGroup
}

/** A kind of start. */
interface Kind {
  readonly job: JobKind
  /** MB. */
  readonly memory: number
}

/** What a start consists of. */
interface Start extends Kind {
  readonly ran: ByGroup
  /** As built. */
  readonly compiled: Times
  readonly withCodeCache: Times
}

const kinds: ReadonlyArray<Kind> = [megabytesOfCpu, 256].flatMap((memory) => jobs.map((job) => ({ job, memory })))

class Measurement {
  readonly #cloud: Cloud
  readonly #written: Written
  readonly #bench: Bench
  readonly #started: StartedStack
  readonly #rounds: number

  constructor(cloud: Cloud, written: Written, bench: Bench, started: StartedStack, rounds: number) {
    this.#cloud = cloud
    this.#written = written
    this.#bench = bench
    this.#started = started
    this.#rounds = rounds
  }

  #start(instrument: Instrument, { job, memory }: Kind) {
    const { event } = this.#bench.event(job === "fresh" ? undefined : this.#started)
    return startOnce<Report>(this.#cloud, instrumentedCommand(this.#written, instrument), memory, event)
  }

  async ran(kind: Kind): Promise<ByGroup> {
    return bytesThatRan(this.#written, await this.#start("coverage", kind))
  }

  async times(kind: Kind): Promise<Times> {
    const atLoad: Array<ByGroup> = []
    const inHandler: Array<ByGroup> = []
    for (let round = 0; round < this.#rounds; round++) {
      const [before, after] = await this.#start("profile", kind)
      atLoad.push(millisOf(this.#written, before))
      inHandler.push(millisOf(this.#written, after))
    }
    return { atLoad: medians(atLoad), inHandler: medians(inHandler) }
  }
}

const total = (sums: ByGroup) => Object.values(sums).reduce((sum, value) => sum + value, 0)
const percent = (part: number, whole: number) => whole === 0 ? "" : `${Math.round(100 * part / whole)} %`
const ms = (millis: number) => millis.toFixed(1)

const print = (bytes: ByGroup, starts: ReadonlyArray<Start>, rounds: number): void => {
  process.stdout.write(
    `Node ${process.version}; medians of ${rounds} starts, in milliseconds. "ran" is the share of a group's bytes in functions ` +
      "that have run before the report.\n\"compiling\" is what a V8 code cache saves.\n\n"
  )
  for (const { compiled, job, memory, ran, withCodeCache } of starts) {
    const row = (name: string, of: (sums: ByGroup) => number) => {
      const [load, handler] = [of(compiled.atLoad), of(compiled.inHandler)]
      const cached = of(withCodeCache.atLoad) + of(withCodeCache.inHandler)
      return [
        name,
        kb(of(bytes)),
        percent(of(ran), of(bytes)),
        ms(load),
        ms(handler),
        ms(load + handler),
        ms(load + handler - cached)
      ]
    }
    const head = `${job} job, ${memory < notPrimedFrom ? "primed" : "not primed"}`
    table([head, "size", "ran", "at load", "in handler", "both", "compiling"], [
      ...groups.map((group: Group) => row(group, (sums) => sums[group])),
      row("all", total)
    ])
  }
}

export const start = async ({ rounds = 5 }: Options = {}): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "start-"))
  const cloud = await startCloud(0)
  try {
    const written = await writeFunction(folder)
    const bench = new Bench(cloud, new Map([["deploy-stack", nodeCommand(written.plain, written.module)]]))
    const measurement = new Measurement(cloud, written, bench, await bench.startStack("deploy-stack"), rounds)
    const asBuilt: Array<Omit<Start, "withCodeCache">> = []
    for (const kind of kinds) {
      asBuilt.push({ ...kind, ran: await measurement.ran(kind), compiled: await measurement.times(kind) })
    }
    await bench.addCodeCache("deploy-stack", folder)
    const starts: Array<Start> = []
    for (const one of asBuilt) starts.push({ ...one, withCodeCache: await measurement.times(one) })
    print(sizes(written.modules), starts, rounds)
  } finally {
    cloud.aws.close()
    await rm(folder, { recursive: true })
  }
}
