// What is done with the functions that are compared: they get their code caches, start cold, stay warm.
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { codeCacheFile, codeCacheRequest, type CodeCacheResponse } from "../../../src/cli/build/codeCache.ts"
import { jobEvent } from "../jobEvent.ts"
import { type Cloud, type Command, endContainer, invoke, now, startContainer } from "./cloud.ts"
import type { CpuLimit } from "./cpuLimit.ts"
import type { Variant } from "./variants.ts"

export const jobs = ["fresh", "continuation"] as const
export type JobKind = (typeof jobs)[number]

/** One cold start. Times are milliseconds since the start of the process. */
export interface ColdStart {
  readonly loaded: number
  readonly firstRequest: number
  readonly reported: number
  readonly cpu: number
  /** Bytes. */
  readonly peak: number
}

export interface Warm {
  /** Milliseconds per invocation. */
  readonly cpu: number
  /** The bytes of the heap after this number of invocations. */
  readonly after50: number
  readonly after1000: number
  /** The second relative to the first. It includes code that V8 still compiles. */
  readonly growth: number
}

/** A stack that is being created, and the continuation token of the job that started it. */
export interface StartedStack {
  readonly stack: string
  readonly token: string
}

export class Bench {
  readonly #cloud: Cloud
  readonly #commands: ReadonlyMap<Variant, Command>
  #last = 0

  constructor(cloud: Cloud, commands: ReadonlyMap<Variant, Command>) {
    this.#cloud = cloud
    this.#commands = commands
  }

  #container(variant: Variant, memory?: number) {
    const command = this.#commands.get(variant)
    if (command === undefined) throw new Error(`${variant} was not built`)
    return startContainer(this.#cloud, command, memory)
  }

  /** The event of a new job, or of one that continues. */
  event(started?: StartedStack) {
    const id = `job-${++this.#last}`
    const { stack, token: continuationToken } = started ?? { stack: `stack-${id}`, token: undefined }
    return { id, event: jobEvent({ id, stack, file: "template.json", accessKeyId: "ASIABENCH", continuationToken }) }
  }

  /** Puts a V8 code cache for both kinds of job into the folder of the variant, as `npm run deploy` does. */
  async addCodeCache(variant: Variant, folder: string): Promise<void> {
    const { child, loaded } = this.#container(variant)
    await loaded
    if (variant !== "deploy-stack") {
      // Only deploy-stack replays a job by itself.
      await invoke(child, [this.event().event, this.event(await this.startStack(variant)).event])
    }
    const { result } = await invoke(child, [codeCacheRequest])
    await endContainer(child)
    const answer = result as CodeCacheResponse
    if (answer.usesCodeCache) throw new Error(`${variant} already uses a code cache`)
    await writeFile(join(folder, codeCacheFile), gunzipSync(Buffer.from(answer.codeCache, "base64")))
  }

  async startStack(variant: Variant): Promise<StartedStack> {
    const { child, loaded } = this.#container(variant)
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
    const { child, loaded, pid } = this.#container(variant, memory)
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
      const { child, loaded } = this.#container(variant)
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
    const { child, loaded } = this.#container(variant)
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
