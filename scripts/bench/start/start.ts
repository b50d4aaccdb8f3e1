// npm run bench -- start: what a cold start of deploy-stack consists of, by groups of modules.
import { build } from "esbuild"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath, pathToFileURL } from "node:url"
import { minify } from "terser"
import { megabytesOfCpu } from "../../../src/lambda/priming/replay.ts"
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
import { kb, table } from "../cold/print.ts"
import { logOptions, readCompilations } from "./compileTimes.ts"
import type { Instrument, Report } from "./function.ts"
import { type ByGroup, type Group, groups, type Modules, readModules, sumsByGroup } from "./modules.ts"

export interface Options {
  /** The number of starts for each time. */
  readonly rounds?: number
}

/** In lines, so that a sample of the profiler tells more than the function. */
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
  args: [instrumented, module, pathToFileURL(bundle).href, instrument]
})

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

const medians = (rounds: ReadonlyArray<ByGroup>): ByGroup => {
  const { add, sums } = sumsByGroup()
  for (const group of groups) add(group, median(rounds.map((round) => round[group])))
  return sums
}

const millisOf = ({ modules }: Written, { times = [] }: Report): ByGroup => {
  const { add, sums } = sumsByGroup()
  for (const [line, micros] of times) add(modules.groupOfLine(line), micros / 1_000)
  return sums
}

/** What a start consists of. Times are milliseconds. */
interface Start {
  readonly job: JobKind
  readonly primed: boolean
  readonly ran: ByGroup
  readonly compiling: ByGroup
  /** Parsing the whole file for the first time. */
  readonly parsing: number
  readonly atLoad: ByGroup
  readonly inHandler: ByGroup
  /** In Node and V8, while the function loads and in its handler. */
  readonly outside: readonly [atLoad: number, inHandler: number]
}

const measure = async (
  cloud: Cloud,
  written: Written,
  folder: string,
  { job, memory, rounds, started }: {
    readonly job: JobKind
    readonly memory: number
    readonly rounds: number
    readonly started: StartedStack
  }
): Promise<Start> => {
  const bench = new Bench(cloud, new Map())
  const event = () => bench.event(job === "fresh" ? undefined : started, `start-${job}-${memory}-`).event
  const covered = await startOnce<Report>(cloud, instrumentedCommand(written, "coverage"), memory, event())
  const atLoad: Array<ByGroup> = []
  const inHandler: Array<ByGroup> = []
  const compiling: Array<ByGroup> = []
  const parsing: Array<number> = []
  const outside: Array<readonly [number, number]> = []
  for (let round = 0; round < rounds; round++) {
    const command = instrumentedCommand(written, "profile")
    const [before, after] = await startOnce<Report>(cloud, command, memory, event())
    atLoad.push(millisOf(written, before))
    inHandler.push(millisOf(written, after))
    outside.push([(before.outside ?? 0) / 1_000, (after.outside ?? 0) / 1_000])
    const log = join(folder, "v8.log")
    const { args, program } = nodeCommand(written.plain, written.module)
    await startOnce(cloud, { program, args: [...logOptions(log), ...args] }, memory, event())
    const { add, sums } = sumsByGroup()
    let whole = 0
    for (const { millis, start, whole: isWhole } of readCompilations(log, written.bundle)) {
      if (isWhole) whole += millis
      else add(written.modules.groupAt(Math.max(0, start - written.head)), millis)
    }
    compiling.push(sums)
    parsing.push(whole)
  }
  return {
    job,
    primed: memory < megabytesOfCpu,
    ran: bytesThatRan(written, covered),
    compiling: medians(compiling),
    parsing: median(parsing),
    atLoad: medians(atLoad),
    inHandler: medians(inHandler),
    outside: [median(outside.map(([atLoad]) => atLoad)), median(outside.map(([, inHandler]) => inHandler))]
  }
}

const total = (sums: ByGroup) => Object.values(sums).reduce((sum, value) => sum + value, 0)
const percent = (part: number, whole: number) => `${Math.round(100 * part / whole)} %`
const ms = (millis: number) => millis.toFixed(1)

const print = (bytes: ByGroup, starts: ReadonlyArray<Start>, rounds: number): void => {
  process.stdout.write(
    `Node ${process.version}; medians of ${rounds} starts, in milliseconds of the machine's CPU. "ran" is the share of a ` +
      "group's bytes\nin functions that have run before the report. \"at load\" and \"in handler\" include compiling.\n\n"
  )
  for (const { atLoad, compiling, inHandler, job, outside, parsing, primed, ran } of starts) {
    const row = (name: string, of: (sums: ByGroup) => number) => [
      name,
      kb(of(bytes)),
      percent(of(ran), of(bytes)),
      ms(of(compiling)),
      ms(of(atLoad)),
      ms(of(inHandler))
    ]
    table([`${job} job, ${primed ? "primed" : "not primed"}`, "size", "ran", "compiling", "at load", "in handler"], [
      ...groups.map((group: Group) => row(group, (sums) => sums[group])),
      row("all", total),
      ["the whole file at first", "", "", ms(parsing), "", ""],
      ["Node, V8 and its collector", "", "", "", ...outside.map(ms)]
    ])
  }
}

export const start = async ({ rounds = 5 }: Options = {}): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "start-"))
  const cloud = await startCloud(0)
  try {
    const written = await writeFunction(folder)
    const bench = new Bench(cloud, new Map([["as built", nodeCommand(written.plain, written.module)]]))
    const started = await bench.startStack("as built")
    const starts: Array<Start> = []
    for (const memory of [megabytesOfCpu, 256]) {
      for (const job of jobs) starts.push(await measure(cloud, written, folder, { job, memory, rounds, started }))
    }
    print(sizes(written.modules), starts, rounds)
  } finally {
    cloud.aws.close()
    await rm(folder, { recursive: true })
  }
}
