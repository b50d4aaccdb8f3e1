// npm run bench -- load: one warm function serves 200 jobs at a time, while AWS throttles and resets requests.
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { bundle, bundleOptions, entryPoints } from "../build/bundle.ts"
import { type AwsServer, startAws } from "./awsServer.ts"
import { jobEvent } from "./jobEvent.ts"
import type { Memory, Order, Reply } from "./loadFunction.ts"

const actionsAtOnce = 200
/** An action starts in the first job and ends in the last: each round of actions has 1,000 jobs. */
const jobsOfAction = 5
/** The first round warms the function up. */
const rounds = 6
const throttled = 0.1
const reset = 0.02

/** Limits for the memory after the fifth thousand of jobs, relative to the first. The rss varies more. */
const growth = { heap: 1.05, rss: 1.15 } as const satisfies Record<keyof Memory, number>

/** Lambda redelivers an event twice when the function fails. */
const deliveries = 3

interface Kind {
  readonly file: string
  readonly exists: boolean
  readonly ending: "COMPLETE" | "ROLLBACK_COMPLETE"
  readonly message: string
}

const success = { ending: "COMPLETE", message: "Stack update complete" } as const

const kinds: ReadonlyArray<Kind> = [
  { file: "small.json", exists: false, ...success },
  { file: "small.json", exists: true, ...success },
  // Passed through a bucket.
  { file: "large.json", exists: false, ...success },
  {
    file: "small.json",
    exists: false,
    ending: "ROLLBACK_COMPLETE",
    message: "Update failed: ROLLBACK_COMPLETE\nTopic (AWS::SNS::Topic): It cannot be created"
  }
]

const files = {
  "small.json": JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } }),
  "large.json": JSON.stringify({ Resources: {}, Description: "x".repeat(60_000) })
}

/** A container of the function. */
class Container {
  readonly #child: ChildProcess
  readonly #open = new Map<number, { resolve(reply: Reply): void; reject(cause: unknown): void }>()
  readonly stderr: Promise<string>
  #last = 0

  constructor(runner: string, handler: string, endpoint: string) {
    const env = {
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench"
    }
    const execArgv = ["--expose-gc"]
    this.#child = fork(runner, [handler], { execArgv, env, stdio: ["ignore", "ignore", "pipe", "ipc"] })
    this.stderr = text(this.#child.stderr!)
    this.#child.on("message", (reply: Reply) => {
      this.#open.get(reply.id)?.resolve(reply)
      this.#open.delete(reply.id)
    })
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#open.values()) reject(new Error(`the function has ended with ${code}`))
    })
  }

  async invoke(event: unknown): Promise<string | undefined> {
    return (await this.#send({ event })).rejected
  }

  async measure(): Promise<Memory> {
    return (await this.#send({})).memory ?? { heap: NaN, rss: NaN }
  }

  async end(): Promise<void> {
    this.#child.disconnect()
    await once(this.#child, "exit")
  }

  #send(order: Omit<Order, "id">) {
    return new Promise<Reply>((resolve, reject) => {
      const id = ++this.#last
      this.#open.set(id, { resolve, reject })
      this.#child.send({ id, ...order })
    })
  }
}

/** The results so far. */
interface Tally {
  jobs: number
  redelivered: number
  /** The violations, one line each. */
  readonly wrong: Array<string>
}

/** Acts as CodePipeline for one action, from its first job to its last. */
const runAction = async (aws: AwsServer, container: Container, index: number, tally: Tally): Promise<void> => {
  const { ending, exists, file, message } = kinds[index % kinds.length]!
  const stack = `stack-${index}`
  if (exists) aws.addStack(stack)
  let continuationToken: string | undefined
  for (let job = 1;; job++) {
    const id = `job-${index}-${job}`
    tally.jobs++
    if (job >= jobsOfAction) aws.finish(stack, ending)
    const event = jobEvent({ id, stack, file, templateBucket: "templates", accessKeyId: id, continuationToken })
    let rejected = await container.invoke(event)
    for (let delivery = 2; rejected !== undefined && delivery <= deliveries; delivery++) {
      tally.redelivered++
      rejected = await container.invoke(event)
    }
    const result = aws.results.get(id)
    if (result === undefined) {
      return void tally.wrong.push(`${id} has no result: ${rejected ?? "the function has reported nothing"}`)
    }
    if (aws.repeated.has(id)) tally.wrong.push(`${id} has two results`)
    continuationToken = result.continuationToken
    if (continuationToken !== undefined) continue
    if (!result.message.startsWith(message)) tally.wrong.push(`${id}: "${result.message}" instead of "${message}"`)
    if (aws.operations(stack) !== 1) tally.wrong.push(`${aws.operations(stack)} operations on ${stack}`)
    return
  }
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)} %`

const write = (line: string) => process.stdout.write(`${line}\n`)

/** The heads, which set the widths of the columns. */
const heads = ["  jobs", " jobs/s", "requests", "throttled", "  reset", "redelivered", "      heap", "       rss"]
const row = (cells: ReadonlyArray<string>) =>
  write(cells.map((cell, column) => cell.padStart(heads[column]?.length ?? 0)).join("  "))

export const load = async (seed = "1"): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "load-"))
  const [name, module] = (await entryPoints()).find(([name]) => name === "deploy-stack")!
  await bundle(name, module, folder)
  const runner = join(folder, "runner.mjs")
  const source = fileURLToPath(new URL("loadFunction.ts", import.meta.url))
  await build({ entryPoints: [source], outfile: runner, ...bundleOptions })
  const aws = await startAws(await Effect.runPromise(zipFiles(files)), { seed, throttled, reset })
  const container = new Container(runner, join(folder, name, "index.mjs"), aws.endpoint)

  write(`${actionsAtOnce} jobs at a time, seed ${seed}; the first row warms the function up`)
  row(heads)
  const measured: Array<Memory> = []
  const total: Tally = { jobs: 0, redelivered: 0, wrong: [] }
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    const before = { ...aws.counts, ...total }
    await Promise.all(Array.from(
      { length: actionsAtOnce },
      (_, index) => runAction(aws, container, round * actionsAtOnce + index, total)
    ))
    const seconds = (performance.now() - began) / 1_000
    const memory = await container.measure()
    measured.push(memory)
    const jobs = total.jobs - before.jobs
    const requests = aws.counts.requests - before.requests
    row([
      `${jobs}`,
      (jobs / seconds).toFixed(0),
      `${requests}`,
      percent(aws.counts.throttled - before.throttled, requests),
      percent(aws.counts.reset - before.reset, requests),
      `${total.redelivered - before.redelivered}`,
      mb(memory.heap),
      mb(memory.rss)
    ])
    aws.forget()
  }
  await container.end()
  aws.close()
  await rm(folder, { recursive: true })

  const [first, last] = [measured[1]!, measured.at(-1)!]
  const stderr = await container.stderr
  const ratio = (what: keyof Memory) => last[what] / first[what]
  const limits: ReadonlyArray<readonly [kept: boolean, words: string]> = [
    [total.wrong.length === 0, "every job has one result, and every action the expected end and one operation"],
    [stderr === "", "the function writes nothing to stderr"],
    ...(["heap", "rss"] as const).map((what) =>
      [
        ratio(what) <= growth[what],
        `${what} after the fifth thousand of jobs / after the first: ${ratio(what).toFixed(3)} (limit ${growth[what]})`
      ] as const
    )
  ]
  write("")
  for (const [kept, words] of limits) write(`${kept ? "pass" : "FAIL"}  ${words}`)
  for (const line of total.wrong.slice(0, 20)) write(`      ${line}`)
  if (stderr !== "") write(stderr)
  if (limits.some(([kept]) => !kept)) process.exitCode = 1
}
