// Prints the result of the benchmark as tables.
import process from "node:process"
import type { Cold, Result } from "./figures.ts"
import { type Variant, variants } from "./variants.ts"

const write = (line = "") => process.stdout.write(`${line}\n`)

/** Prints a table: the first `left` columns are left-aligned, the others right-aligned. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>, left = 1): void => {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) =>
      column < left ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    )
    write(cells.join("  ").trimEnd())
  }
  write()
}

export const ms = (value: number): string => `${value.toFixed(value < 20 ? 2 : 0)} ms`
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
export const kb = (bytes: number): string => `${(bytes / 1e3).toFixed(1)} KB`
const times = (ratio: number) => ratio.toFixed(2)
const plusMinus = (spread: number) => `±${(spread / 2).toFixed(2)}`

const memoryOf = ({ memory }: Cold) => memory === undefined ? "one CPU" : `${memory} MB`

/** Only a limit of the CPU below half makes a container indifferent to what else the machine does. */
const needsQuiet = ({ memory = Infinity }: Cold) => memory > 256

const presentIn = (figures: Readonly<Partial<Record<Variant, unknown>>>) => variants.filter((of) => of in figures)

export const print = ({ calls, checks, cold, cpu, delay, node, notMeasured, rounds, sizes, warm }: Result): void => {
  write(`Node ${node} on ${cpu}; ${rounds} rounds, AWS on loopback with TLS, ${delay} ms away`)
  write(
    "Medians; after each, the median of its ratios to the SDK alone in the same round, and half of their middle range."
  )
  write("Rows with * are right only if nothing else runs on this machine.")
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
      "",
      "in the handler",
      "",
      "CPU",
      "",
      "peak",
      ""
    ],
    cold.flatMap((one) =>
      presentIn(one.figures).flatMap((variant) => {
        const figures = one.figures[variant]
        if (figures === undefined) return []
        const { cpu, firstRequest, handled, loaded, peak, reported } = figures
        return [[
          one.job,
          `${memoryOf(one)}${needsQuiet(one) ? " *" : ""}`,
          variant,
          ms(loaded.median),
          ms(firstRequest.median),
          ms(reported.median),
          times(reported.ratio),
          plusMinus(reported.spread),
          ms(handled.median),
          times(handled.ratio),
          ms(cpu.median),
          times(cpu.ratio),
          mb(peak.median),
          times(peak.ratio)
        ]]
      })
    ),
    3
  )
  if (presentIn(warm).length > 0) {
    table(
      ["warm *", "CPU an invocation", "", "", "heap after 50", "after 1,000", "growth"],
      presentIn(warm).flatMap((variant) => {
        const figures = warm[variant]
        if (figures === undefined) return []
        const { after1000, after50, cpu, growth } = figures
        const heap = [mb(after50.median), mb(after1000.median), times(growth.median)]
        return [[variant, ms(cpu.median), times(cpu.ratio), plusMinus(cpu.spread), ...(after50.median > 0 ? heap : [])]]
      })
    )
  }
  for (const what of notMeasured) write(`NOT MEASURED: ${what}`)
  if (notMeasured.length > 0) write()
  const parts = ["ours", "Effect", "AWS SDK", "others"]
  table(
    ["size", "minified", "gzipped", ...parts],
    Object.entries(sizes).map(([name, { bytes, gzipped, parts: of }]) =>
      [name, kb(bytes), kb(gzipped)].concat(parts.map((part) => kb(of[part] ?? 0)))
    )
  )
  for (const variant of presentIn(calls)) write(`calls of a deployment  ${variant}: ${calls[variant]?.join(", ")}`)
  write()
  table(
    ["check", "", "measured", "", "limit", "target", "to SDK not shrunk", "to AWS's sample"],
    checks.map(({ kept, limit, measured, sample, spread, target, usual, words }) => [
      kept ? "pass" : "FAIL",
      words,
      times(measured),
      plusMinus(spread),
      times(limit),
      times(target),
      times(usual),
      sample === undefined ? "" : times(sample)
    ]),
    2
  )
}
