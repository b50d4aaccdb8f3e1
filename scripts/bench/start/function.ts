// A container of a function, for the benchmark of what a start consists of. It does what ../cold/function.ts does, with V8's
// profiler on, and reports what the profiler has found.
import { Session } from "node:inspector/promises"
import process from "node:process"
import type { Handler } from "../../../src/lambda/handler.ts"

/** What is measured: which functions have run, or where the time goes. Each would falsify the other. */
export type Instrument = "coverage" | "profile"

/** A function of the bundle that has run; offsets into its code. */
export interface Range {
  readonly start: number
  readonly end: number
  readonly count: number
}

/** Microseconds in which a sample found the program in this line of the bundle, from 1. */
export type LineTimes = ReadonlyArray<readonly [line: number, micros: number]>

export interface Report {
  readonly ranges?: ReadonlyArray<Range>
  readonly times?: LineTimes
  /** Microseconds in Node's own code, in V8 without a function, and in the garbage collector. */
  readonly outside?: number
}

/** Microseconds between samples. */
const interval = 100

const [module = "", bundle = "", instrument] = process.argv.slice(2)
const session = new Session()
session.connect()
await session.post("Profiler.enable")

const startProfile = async () => {
  await session.post("Profiler.setSamplingInterval", { interval })
  await session.post("Profiler.start")
}

const coverage = async (): Promise<Report> => {
  const { result } = await session.post("Profiler.takePreciseCoverage")
  const functions = result.filter(({ url }) => url === bundle).flatMap(({ functions }) => functions)
  return {
    ranges: functions.flatMap(({ ranges }) =>
      ranges.map(({ count, endOffset: end, startOffset: start }) => ({ start, end, count }))
    )
  }
}

const profile = async (): Promise<Report> => {
  const { profile: { nodes } } = await session.post("Profiler.stop")
  await startProfile()
  const own = nodes.filter(({ callFrame }) => callFrame.url === bundle)
  const others = nodes.filter(({ callFrame: { functionName, url } }) => url !== bundle && functionName !== "(idle)")
  return {
    times: own.flatMap(({ positionTicks = [] }) =>
      positionTicks.map(({ line, ticks }) => [line, ticks * interval] as const)
    ),
    outside: others.reduce((sum, { hitCount = 0 }) => sum + hitCount * interval, 0)
  }
}

const report = instrument === "coverage" ? coverage : profile

if (instrument === "coverage") await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false })
else await startProfile()

const { handler } = await import(module) as { readonly handler: Handler }
process.send?.(await report())

process.on("message", async ({ events }: { readonly events: ReadonlyArray<unknown> }) => {
  for (const event of events) await handler(event, { awsRequestId: "bench" })
  process.send?.(await report())
})
process.on("disconnect", () => process.exit())
