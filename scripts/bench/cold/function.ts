// A container of a function, for the benchmark of cold starts: a process that loads the function, invokes it on request,
// and reports the times and the resources.
import { readFileSync } from "node:fs"
import { performance } from "node:perf_hooks"
import process from "node:process"
import type { handler as Handler } from "../../../src/lambda/deployStack.ts"

/** The next invocations of a process. */
export interface Order {
  readonly events: ReadonlyArray<unknown>
  /** Whether to collect garbage afterwards, and to measure the heap. */
  readonly collect: boolean
}

export interface Report {
  /** Epoch milliseconds, with fractions. */
  readonly at: number
  /** Milliseconds of CPU of all threads since the start of the process. */
  readonly cpu: number
  /** The peak of the memory, in bytes. */
  readonly peak: number
  /** The bytes of the heap after a collection, if one was requested. */
  readonly heap: number
  /** The handler's result for the last event. */
  readonly result?: unknown
}

/**
 * The peak of this program's memory. What `resourceUsage` calls `maxRSS` includes the parent's memory at the moment when it
 * started this process.
 */
const peakOfMemory = () => {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? []
  return Number(kilobytes) * 1_024
}

const report = (collect: boolean, result?: unknown): Report => {
  const { system, user } = process.cpuUsage()
  const peak = peakOfMemory()
  if (collect) globalThis.gc?.()
  return {
    at: performance.timeOrigin + performance.now(),
    cpu: (user + system) / 1_000,
    peak,
    heap: collect ? process.memoryUsage().heapUsed : NaN,
    result
  }
}

const { handler } = await import(process.argv[2] ?? "") as { readonly handler: typeof Handler }
process.send?.(report(false))

process.on("message", async ({ collect, events }: Order) => {
  let result: unknown
  for (const event of events) {
    const end = Date.now() + 60_000
    result = await handler(event, { awsRequestId: "bench", getRemainingTimeInMillis: () => end - Date.now() })
  }
  process.send?.(report(collect, result))
})
process.on("disconnect", () => process.exit())
