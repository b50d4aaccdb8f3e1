// npm run bench -- cold: measures cold starts and warm invocations, compared with a function on the AWS SDK alone.
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { gunzipSync, gzipSync } from "node:zlib"
import { codeCacheFile, codeCacheRequest, type CodeCacheResponse } from "../../src/cli/build/codeCache.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { megabytesOfCpu } from "../../src/lambda/priming/replay.ts"
import { type Bundle, bundleOptions, compile, entryPoints, functionFiles, writeFiles } from "../build/bundle.ts"
import { type AwsServer, startAws } from "./awsServer.ts"
import type { Order, Report } from "./coldFunction.ts"
import { type CpuLimit, cpuLimit } from "./cpuLimit.ts"
import { jobEvent } from "./jobEvent.ts"
import { withYauzl } from "./withYauzl.ts"

export interface Options {
  /** The number of starts of each variant with each memory size. */
  readonly rounds?: number
  /** The latency of AWS, for a connection and for a request, in milliseconds. */
  readonly delay?: number
  /** Print JSON instead of tables. */
  readonly json?: boolean
}

/**
 * The first variant is the baseline. The second one is the same, bundled by esbuild without our plugins. The third one and
 * the last one have a V8 code cache. `npm run build` creates the last but one, `npm run deploy` the last one.
 */
const variants = [
  "SDK alone",
  "SDK alone, not shrunk",
  "SDK alone, with code cache",
  "not primed",
  "as built",
  "deploy-stack"
] as const
type Variant = (typeof variants)[number]

const hasCodeCache = (variant: Variant) => variant === "SDK alone, with code cache" || variant === "deploy-stack"

const jobs = ["fresh", "continuation"] as const
type JobKind = (typeof jobs)[number]

/** Memory in MB; undefined for a whole CPU. */
const memories = [undefined, 512, 256, 128] as const

/** `require` for CommonJS in a module, which our plugins make superfluous. */
const withRequire = "import{createRequire}from\"node:module\";const require=createRequire(import.meta.url);"

interface Bound {
  /** The goal. */
  readonly target: number
  /** Slightly more than what has been reached. To exceed it fails the benchmark. */
  readonly limit: number
}

/** The bounds for `deploy-stack`, relative to the SDK alone. */
const bounds = {
  reported: { fresh: { target: 1.05, limit: 1.25 }, continuation: { target: 1, limit: 1.25 } },
  reportedAt256: { fresh: { target: 0.6, limit: 0.75 }, continuation: { target: 0.6, limit: 0.75 } },
  peak: { target: 1.08, limit: 1.15 },
  warmCpu: { target: 1.15, limit: 1.75 },
  growth: { target: 1, limit: 1.15 }
} as const

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const now = () => performance.timeOrigin + performance.now()
const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** AWS on this machine, and the times of the calls. */
interface Cloud {
  readonly aws: AwsServer
  readonly calls: Array<{ readonly operation: string; readonly at: number }>
}

const startCloud = async (delay: number): Promise<Cloud> => {
  const template = JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } })
  const zip = await Effect.runPromise(zipFiles({ "README.md": "# Readme", "template.json": template }))
  const tls = {
    cert: await readFile(path("../../test/certificates/localhost.pem")),
    key: await readFile(path("../../test/certificates/key.pem"))
  }
  const calls: Cloud["calls"] = []
  const aws = await startAws(zip, { seed: "", throttled: 0, reset: 0 }, {
    tls,
    delay,
    onRequest: (operation) => calls.push({ operation, at: now() })
  })
  return { aws, calls }
}

/** A new container of a variant. */
const startContainer = ({ aws }: Cloud, folder: string, variant: Variant, memory = 256) => {
  const env = {
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: "AKIABENCH",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${memory}`,
    NODE_EXTRA_CA_CERTS: path("../../test/certificates/localhost.pem")
  }
  const child = fork(join(folder, "runner.mjs"), [join(folder, variant, "index.mjs")], {
    env,
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"]
  })
  return { child, pid: child.pid ?? NaN, loaded: nextReport(child) }
}

const nextReport = async (child: ChildProcess): Promise<Report> => {
  const controller = new AbortController()
  const ended = once(child, "exit", controller).then(([code]) => {
    throw new Error(`the function has ended with exit status ${code}`)
  })
  try {
    const [report] = await Promise.race([once(child, "message", controller), ended])
    return report as Report
  } finally {
    controller.abort()
    ended.catch(() => undefined)
  }
}

const invoke = (child: ChildProcess, events: ReadonlyArray<unknown>, collect = false): Promise<Report> => {
  const report = nextReport(child)
  child.send({ events, collect } satisfies Order)
  return report
}

const endContainer = async (child: ChildProcess) => {
  const exit = once(child, "exit")
  child.disconnect()
  await exit
}

/** One cold start. Times are milliseconds since the start of the process. */
interface ColdStart {
  readonly loaded: number
  readonly firstRequest: number
  readonly reported: number
  readonly cpu: number
  /** Bytes. */
  readonly peak: number
}

/** A stack that is being created, and the continuation token of the job that started it. */
interface StartedStack {
  readonly stack: string
  readonly token: string
}

class Bench {
  readonly #cloud: Cloud
  readonly #folder: string
  #last = 0

  constructor(cloud: Cloud, folder: string) {
    this.#cloud = cloud
    this.#folder = folder
  }

  /** The event of a new job. */
  event(started?: StartedStack) {
    const id = `job-${++this.#last}`
    const { stack, token: continuationToken } = started ?? { stack: `stack-${id}`, token: undefined }
    return { id, event: jobEvent({ id, stack, file: "template.json", accessKeyId: "ASIABENCH", continuationToken }) }
  }

  /** Puts a V8 code cache for both kinds of job beside the variant, as `npm run deploy` does. */
  async addCodeCache(variant: Variant): Promise<void> {
    const { child, loaded } = startContainer(this.#cloud, this.#folder, variant)
    await loaded
    if (variant !== "deploy-stack") {
      // Only deploy-stack replays a job by itself.
      await invoke(child, [this.event().event, this.event(await this.startStack(variant)).event])
    }
    const { result } = await invoke(child, [codeCacheRequest])
    await endContainer(child)
    const answer = result as CodeCacheResponse
    if (answer.usesCodeCache) throw new Error(`${variant} already uses a code cache`)
    await writeFile(join(this.#folder, variant, codeCacheFile), gunzipSync(Buffer.from(answer.codeCache, "base64")))
  }

  async startStack(variant: Variant): Promise<StartedStack> {
    const { child, loaded } = startContainer(this.#cloud, this.#folder, variant)
    await loaded
    const { event, id } = this.event()
    await invoke(child, [event])
    await endContainer(child)
    const { continuationToken, message } = this.#cloud.aws.results.get(id) ?? {}
    if (continuationToken === undefined) throw new Error(`${variant} has not started a stack: ${message}`)
    return { stack: `stack-${id}`, token: continuationToken }
  }

  async start(variant: Variant, memory: number, started?: StartedStack, limit?: CpuLimit): Promise<ColdStart> {
    const { calls } = this.#cloud
    const { event, id } = this.event(started)
    const before = calls.length
    const startedAt = now()
    const { child, loaded, pid } = startContainer(this.#cloud, this.#folder, variant, memory)
    const { at } = await loaded
    if (calls.length > before) throw new Error(`${variant} has called AWS before it was invoked`)
    limit?.apply(pid)
    const { cpu, peak } = await invoke(child, [event])
    await endContainer(child)
    const result = this.#cloud.aws.results.get(id)
    if (result?.continuationToken === undefined) throw new Error(`${variant} has failed: ${result?.message}`)
    return {
      loaded: at - startedAt,
      firstRequest: (calls[before]?.at ?? NaN) - startedAt,
      reported: (calls.at(-1)?.at ?? NaN) - startedAt,
      cpu,
      peak
    }
  }

  /** The calls of a whole deployment: a stack is created, polled once, and completed. */
  async callsOf(variant: Variant): Promise<ReadonlyArray<string>> {
    const { aws, calls } = this.#cloud
    const before = calls.length
    const started = await this.startStack(variant)
    for (const ends of [false, true]) {
      const { child, loaded } = startContainer(this.#cloud, this.#folder, variant)
      await loaded
      if (ends) aws.finish(started.stack, "COMPLETE")
      const { event } = this.event(started)
      await invoke(child, [event])
      await endContainer(child)
    }
    return calls.slice(before).map(({ operation }) => operation)
  }

  /** Measures a container that is invoked 1,000 times, half of them with new jobs. */
  async warm(variant: Variant, started: StartedStack | undefined): Promise<Warm> {
    const { child, loaded } = startContainer(this.#cloud, this.#folder, variant)
    await loaded
    const events = (count: number) =>
      Array.from({ length: count }, (_, index) => this.event(index % 2 === 0 ? started : undefined).event)
    const after50 = await invoke(child, events(50), true)
    const after200 = await invoke(child, events(150), true)
    const after1000 = await invoke(child, events(800), true)
    await endContainer(child)
    return {
      cpu: (after1000.cpu - after200.cpu) / 800,
      after50: after50.heap,
      after1000: after1000.heap,
      growth: after1000.heap / after50.heap
    }
  }
}

interface Warm {
  /** Milliseconds per invocation. */
  readonly cpu: number
  /** The bytes of the heap after this number of invocations. */
  readonly after50: number
  readonly after1000: number
  /** The second relative to the first. It includes code that V8 still compiles. */
  readonly growth: number
}

/** The size of a function, in all and by packages. */
interface Size {
  readonly bytes: number
  readonly gzipped: number
  readonly parts: Readonly<Record<string, number>>
}

const partOf = (module: string) => {
  if (/node_modules\/(@aws-sdk|@smithy|@aws)\//.test(module)) return "AWS SDK"
  if (module.includes("node_modules/effect/")) return "Effect"
  return module.includes("node_modules/") ? "others" : "ours"
}

const sizeOf = ({ code, metafile }: Bundle): Size => {
  const [output] = Object.values(metafile.outputs)
  const parts: Record<string, number> = {}
  for (const [module, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    parts[partOf(module)] = (parts[partOf(module)] ?? 0) + bytesInOutput
  }
  return { bytes: Buffer.byteLength(code), gzipped: gzipSync(code, { level: 9 }).length, parts }
}

const asModule = ({ code }: Bundle) => ({ "index.mjs": Buffer.from(code) })

/** Writes the variants as they are deployed, without code caches. Returns the sizes of all bundles. */
const writeVariants = async (folder: string): Promise<Readonly<Record<string, Size>>> => {
  const notShrunk = {
    ...bundleOptions,
    alias: { "@node-rs/crc32": "node:zlib" },
    plugins: [],
    banner: { js: withRequire }
  }
  const functions = new Map<string, Bundle>()
  for (const [name, module] of await entryPoints()) functions.set(name, await compile(module))
  const deployStack = functions.get("deploy-stack")
  if (deployStack === undefined) throw new Error("deploy-stack is not a function")
  const baseline = await compile(path("baseline.ts"), withYauzl)
  const usual = await compile(path("baseline.ts"), notShrunk)
  const notPrimed = await compile(path("notPrimed.ts"))

  const ours = await functionFiles(deployStack)
  const files: Readonly<Record<Variant, Readonly<Record<string, Uint8Array>>>> = {
    "SDK alone": asModule(baseline),
    "SDK alone, not shrunk": asModule(usual),
    "SDK alone, with code cache": await functionFiles(baseline),
    "not primed": await functionFiles(notPrimed),
    "as built": ours,
    "deploy-stack": ours
  }
  for (const variant of variants) await writeFiles(files[variant], join(folder, variant))
  const measured = [...functions, ["SDK alone", baseline] as const, ["SDK alone, not shrunk", usual] as const]
  return Object.fromEntries(measured.map(([name, bundle]) => [name, sizeOf(bundle)]))
}

/** The median over the rounds; of the ratios to the SDK alone; and of those to the SDK as it is usually bundled. */
interface Figure {
  readonly median: number
  readonly ratio: number
  readonly usual: number
}

const ratio = (values: ReadonlyArray<number>, baseline: ReadonlyArray<number>) =>
  median(values.map((value, round) => value / (baseline[round] ?? NaN)))

const figure = <A>(
  runs: Readonly<Record<Variant, ReadonlyArray<A>>>,
  variant: Variant,
  of: (run: A) => number
): Figure => {
  const values = runs[variant].map(of)
  const [shrunk, usual] = [variants[0], variants[1]].map((base) => ratio(values, runs[base].map(of)))
  return { median: median(values), ratio: shrunk ?? NaN, usual: usual ?? NaN }
}

const figures = {
  loaded: ({ loaded }) => loaded,
  firstRequest: ({ firstRequest }) => firstRequest,
  reported: ({ reported }) => reported,
  /** The handler's part of it. Only this part is slower with less memory. */
  handled: ({ loaded, reported }) => reported - loaded,
  cpu: ({ cpu }) => cpu,
  peak: ({ peak }) => peak
} satisfies Record<string, (run: ColdStart) => number>

type Figures = Readonly<Record<keyof typeof figures, Figure>>

const byVariant = <A>(of: (variant: Variant) => A) =>
  Object.fromEntries(variants.map((variant) => [variant, of(variant)])) as Readonly<Record<Variant, A>>

/** Runs every variant once per round, each round with another one first. */
const interleaved = async <A>(rounds: number, run: (variant: Variant) => Promise<A>) => {
  const runs = byVariant((): Array<A> => [])
  for (let round = 0; round < rounds; round++) {
    for (const index of variants.keys()) {
      const variant = variants[(round + index) % variants.length] ?? variants[0]
      runs[variant].push(await run(variant))
    }
  }
  return runs as Readonly<Record<Variant, ReadonlyArray<A>>>
}

interface Cold {
  readonly job: JobKind
  /** MB; absent for a whole CPU. */
  readonly memory?: number
  readonly figures: Readonly<Record<Variant, Figures>>
}

interface Result {
  readonly node: string
  readonly cpu: string
  readonly rounds: number
  readonly delay: number
  readonly sizes: Readonly<Record<string, Size>>
  readonly calls: Readonly<Record<Variant, ReadonlyArray<string>>>
  readonly cold: ReadonlyArray<Cold>
  readonly warm: Readonly<Record<Variant, Readonly<Record<keyof Warm, Figure>>>>
  /** Why CPU could not be limited. */
  readonly unlimited?: string
  readonly checks: ReadonlyArray<Check>
}

interface Check extends Bound, Figure {
  readonly words: string
  readonly kept: boolean
}

/** Omits what was not measured. */
const check = (words: string, figure: Figure | undefined, bound: Bound): ReadonlyArray<Check> =>
  figure === undefined ? [] : [{ words, ...figure, ...bound, kept: figure.ratio <= bound.limit }]

const checksOf = ({ cold, warm }: Pick<Result, "cold" | "warm">): ReadonlyArray<Check> => {
  const of = (job: JobKind, memory?: number) =>
    cold.find((one) => one.job === job && one.memory === memory)?.figures["deploy-stack"]
  const { cpu, growth } = warm["deploy-stack"]
  return [
    ...jobs.flatMap((job) => [
      ...check(`${job} job, cold start to report`, of(job)?.reported, bounds.reported[job]),
      ...check(`${job} job, cold start to report at 256 MB`, of(job, 256)?.reported, bounds.reportedAt256[job]),
      ...check(`${job} job, peak of memory`, of(job)?.peak, bounds.peak)
    ]),
    ...check("CPU of a warm invocation", cpu, bounds.warmCpu),
    ...check("growth of the heap from 50 to 1,000 invocations", growth, bounds.growth)
  ]
}

const write = (line = "") => process.stdout.write(`${line}\n`)

/** Prints a table: the first three columns are left-aligned, the others right-aligned. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) => {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) =>
      column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    )
    write(cells.join("  ").trimEnd())
  }
  write()
}

const ms = (value: number) => `${value.toFixed(value < 20 ? 2 : 0)} ms`
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const kb = (bytes: number) => `${(bytes / 1e3).toFixed(1)} KB`
const times = (ratio: number) => ratio.toFixed(2)

const print = ({ calls, checks, cold, cpu, delay, node, rounds, sizes, unlimited, warm }: Result) => {
  write(`Node ${node} on ${cpu}; ${rounds} rounds, AWS on loopback with TLS, ${delay} ms away`)
  write("Medians; after each, the median of its ratios to the SDK alone in the same round.")
  write()
  table(
    [
      "job",
      "memory",
      "function",
      "loaded",
      "first request",
      "reported",
      "",
      "in the handler",
      "",
      "CPU",
      "",
      "peak",
      ""
    ],
    cold.flatMap(({ figures, job, memory }) =>
      variants.map((variant) => {
        const { cpu, firstRequest, handled, loaded, peak, reported } = figures[variant]
        return [
          job,
          memory === undefined ? "one CPU" : `${memory} MB`,
          variant,
          ms(loaded.median),
          ms(firstRequest.median),
          ms(reported.median),
          times(reported.ratio),
          ms(handled.median),
          times(handled.ratio),
          ms(cpu.median),
          times(cpu.ratio),
          mb(peak.median),
          times(peak.ratio)
        ]
      })
    )
  )
  if (unlimited !== undefined) {
    write(`NOT MEASURED: less than one CPU. This machine does not allow it to be limited: ${unlimited}`)
    write()
  }
  table(
    ["warm", "", "", "CPU an invocation", "", "heap after 50", "after 1,000", "growth"],
    variants.map((variant) => {
      const { after1000, after50, cpu, growth } = warm[variant]
      return [
        variant,
        "",
        "",
        ms(cpu.median),
        times(cpu.ratio),
        mb(after50.median),
        mb(after1000.median),
        times(growth.median)
      ]
    })
  )
  const parts = ["ours", "Effect", "AWS SDK", "others"]
  table(
    ["size", "", "", "minified", "gzipped", ...parts],
    Object.entries(sizes).map(([name, { bytes, gzipped, parts: of }]) =>
      [name, "", "", kb(bytes), kb(gzipped)].concat(parts.map((part) => kb(of[part] ?? 0)))
    )
  )
  for (const variant of variants) write(`calls of a deployment  ${variant}: ${calls[variant].join(", ")}`)
  write()
  table(
    ["check", "", "", "to SDK alone", "limit", "target", "to SDK alone, not shrunk"],
    checks.map(({ kept, limit, ratio, target, usual, words }) => [
      kept ? "pass" : "FAIL",
      words,
      "",
      times(ratio),
      times(limit),
      times(target),
      times(usual)
    ])
  )
}

/** A CPU limit for each memory size; none if the machine does not allow them. */
const makeLimits = () => {
  const made = new Map<number, CpuLimit>()
  try {
    for (const memory of memories) if (memory !== undefined) made.set(memory, cpuLimit(memory))
    return { made }
  } catch (error) {
    return { made, unlimited: String(error) }
  }
}

export const cold = async ({ delay = 0, json = false, rounds = 11 }: Options = {}): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "cold-"))
  const sizes = await writeVariants(folder)
  await build({ entryPoints: [path("coldFunction.ts")], outfile: join(folder, "runner.mjs"), ...bundleOptions })

  const cloud = await startCloud(delay)
  const bench = new Bench(cloud, folder)
  const { made, unlimited } = makeLimits()
  try {
    const started: Partial<Record<Variant, StartedStack>> = {}
    for (const variant of variants) {
      if (hasCodeCache(variant)) await bench.addCodeCache(variant)
      started[variant] = await bench.startStack(variant)
    }
    const results: Array<Cold> = []
    for (const memory of memories) {
      const limit = memory === undefined ? undefined : made.get(memory)
      if (memory !== undefined && limit === undefined) continue
      for (const job of jobs) {
        const runs = await interleaved(
          rounds,
          async (variant) =>
            bench.start(variant, memory ?? megabytesOfCpu, job === "fresh" ? undefined : started[variant], limit)
        )
        const of = (variant: Variant) =>
          Object.fromEntries(Object.entries(figures).map(([name, of]) => [name, figure(runs, variant, of)])) as Figures
        results.push({ job, ...(memory !== undefined && { memory }), figures: byVariant(of) })
      }
    }
    const calls = byVariant((): ReadonlyArray<string> => [])
    for (const variant of variants) Object.assign(calls, { [variant]: await bench.callsOf(variant) })
    const warmRuns = await interleaved(3, async (variant) => bench.warm(variant, started[variant]))
    const warm = byVariant((variant) => {
      const of = (value: (warm: Warm) => number) => figure(warmRuns, variant, value)
      return {
        cpu: of(({ cpu }) => cpu),
        after50: of(({ after50 }) => after50),
        after1000: of(({ after1000 }) => after1000),
        growth: of(({ growth }) => growth)
      }
    })
    const checks = checksOf({ cold: results, warm })
    const result: Result = {
      node: process.version,
      cpu: cpus()[0]?.model ?? "an unknown CPU",
      rounds,
      delay,
      sizes,
      calls,
      cold: results,
      warm,
      ...(unlimited !== undefined && { unlimited }),
      checks
    }
    if (json) write(JSON.stringify(result, undefined, 2))
    else print(result)
    if (checks.some(({ kept }) => !kept)) process.exitCode = 1
  } finally {
    for (const limit of made.values()) limit.remove()
    cloud.aws.close()
    await rm(folder, { recursive: true })
  }
}
