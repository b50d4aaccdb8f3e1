// A container of a function, for the benchmark of cold starts: a process that loads it, waits, and invokes it as often as
// it is told, and tells when what was done and what it took.
import { performance } from "node:perf_hooks"
import process from "node:process"
import type { handler as Handler } from "../../src/lambda/deployStack.ts"

/** What one process is to do next. */
export interface Order {
  readonly events: ReadonlyArray<unknown>
  /** Whether to collect garbage afterwards, and to look at the heap. */
  readonly collect: boolean
}

export interface Report {
  /** Epoch milliseconds, with fractions. */
  readonly at: number
  /** Milliseconds of CPU since the process was there, of all its threads. */
  readonly cpu: number
  /** The most bytes that the process has held. */
  readonly peak: number
  /** Bytes of the heap that are still held, where that was asked for. */
  readonly heap: number
  /** What the last event came to. */
  readonly result?: unknown
}

const report = (collect: boolean, result?: unknown): Report => {
  const { system, user } = process.cpuUsage()
  const peak = process.resourceUsage().maxRSS * 1_024
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
