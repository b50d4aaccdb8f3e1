// The figures of the measurements: medians, ratios to the baseline in the same round, and the limits for them.
import type { ColdStart, JobKind, Warm } from "./Bench.ts"
import type { Size, Variant } from "./variants.ts"

interface Bound {
  /** The goal. */
  readonly target: number
  /** Slightly more than what has been reached. To exceed it fails the benchmark. */
  readonly limit: number
}

/** What is bounded, relative to the SDK alone: both kinds of job, as deployed (with a code cache) and as built. */
const bounds = {
  "deploy-stack": {
    oneCpu: { target: 0.95, limit: 1.25 },
    at256: { target: 0.55, limit: 0.75 },
    peak: { target: 1.05, limit: 1.15 }
  },
  "as built": {
    oneCpu: { target: 1.15, limit: 1.65 },
    at256: { target: 0.6, limit: 0.8 },
    peak: { target: 1.05, limit: 1.2 }
  }
} as const satisfies Partial<Record<Variant, Readonly<Record<string, Bound>>>>

/** The handler as built, relative to AWS's sample. */
const sampleBound: Bound = { target: 0.42, limit: 0.75 }
const warmBounds = { cpu: { target: 1.4, limit: 1.75 }, growth: { target: 1, limit: 1.15 } } as const

const quantile = (values: ReadonlyArray<number>, share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN

/** The median over the rounds, and the ratios in each round. */
export interface Figure {
  readonly median: number
  /** The median of the ratios to the SDK alone. */
  readonly ratio: number
  /** Half of these ratios are at most as far apart as this. */
  readonly spread: number
  /** The median of the ratios to the SDK as it is usually bundled. */
  readonly usual: number
  /** The median of the ratios to AWS's Python sample, if it was measured. */
  readonly sample?: number
}

export type Runs<A> = ReadonlyMap<Variant, ReadonlyArray<A>>

export const figure = <A>(runs: Runs<A>, variant: Variant, of: (run: A) => number): Figure => {
  const values = (runs.get(variant) ?? []).map(of)
  const ratiosTo = (base: Variant) => {
    const bases = (runs.get(base) ?? []).map(of)
    return values.map((value, round) => value / (bases[round] ?? NaN))
  }
  const ratios = ratiosTo("SDK alone")
  return {
    median: quantile(values, 0.5),
    ratio: quantile(ratios, 0.5),
    spread: quantile(ratios, 0.75) - quantile(ratios, 0.25),
    usual: quantile(ratiosTo("SDK alone, not shrunk"), 0.5),
    ...(runs.has("AWS's Python sample") && { sample: quantile(ratiosTo("AWS's Python sample"), 0.5) })
  }
}

export const coldFigures = {
  loaded: ({ loaded }) => loaded,
  firstRequest: ({ firstRequest }) => firstRequest,
  reported: ({ reported }) => reported,
  /** The handler's part of it. Only this part is slower with less memory. */
  handled: ({ loaded, reported }) => reported - loaded,
  cpu: ({ cpu }) => cpu,
  peak: ({ peak }) => peak
} satisfies Record<string, (run: ColdStart) => number>

export const warmFigures = {
  cpu: ({ cpu }) => cpu,
  after50: ({ after50 }) => after50,
  after1000: ({ after1000 }) => after1000,
  growth: ({ growth }) => growth
} satisfies Record<keyof Warm, (run: Warm) => number>

export type Figures<Of extends string> = Readonly<Record<Of, Figure>>

/** All figures of a variant. */
export const figuresOf = <A, Of extends string>(
  runs: Runs<A>,
  variant: Variant,
  of: Readonly<Record<Of, (run: A) => number>>
): Figures<Of> =>
  Object.fromEntries(
    Object.entries<(run: A) => number>(of).map(([name, value]) => [name, figure(runs, variant, value)])
  ) as Figures<Of>

/** Cold starts of one kind of job with one memory size. */
export interface Cold {
  readonly job: JobKind
  /** MB; absent for a whole CPU. */
  readonly memory?: number
  readonly figures: Readonly<Partial<Record<Variant, Figures<keyof typeof coldFigures>>>>
}

export interface Check extends Bound, Figure {
  readonly words: string
  /** What the bound is for: a ratio to the SDK alone or to AWS's sample. */
  readonly measured: number
  readonly kept: boolean
}

export interface Result {
  readonly node: string
  readonly cpu: string
  readonly rounds: number
  readonly delay: number
  readonly sizes: Readonly<Record<string, Size>>
  readonly calls: Readonly<Partial<Record<Variant, ReadonlyArray<string>>>>
  readonly cold: ReadonlyArray<Cold>
  readonly warm: Readonly<Partial<Record<Variant, Figures<keyof Warm>>>>
  /** What was not measured, and why. */
  readonly notMeasured: ReadonlyArray<string>
  readonly checks: ReadonlyArray<Check>
}

const check = (words: string, figure: Figure, bound: Bound, measured = figure.ratio): Check => ({
  words,
  ...figure,
  ...bound,
  measured,
  kept: measured <= bound.limit
})

/** Omits what was not measured. */
export const checksOf = ({ cold, warm }: Pick<Result, "cold" | "warm">): ReadonlyArray<Check> => {
  const coldChecks = cold.flatMap(({ figures, job, memory }) =>
    Object.entries(bounds).flatMap(([variant, { at256, oneCpu, peak }]) => {
      const { peak: ofMemory, reported } = figures[variant as Variant] ?? {}
      if (reported === undefined || ofMemory === undefined) return []
      const start = `${variant}, ${job} job, start to report`
      if (memory === 256) return [check(`${start} at 256 MB`, reported, at256)]
      if (memory !== undefined) return []
      const always = [
        check(`${start} with one CPU`, reported, oneCpu),
        check(`${variant}, ${job} job, peak of memory`, ofMemory, peak)
      ]
      if (reported.sample === undefined || variant !== "as built") return always
      return always.concat(check(`${start} with one CPU, to AWS's sample`, reported, sampleBound, reported.sample))
    })
  )
  const ofWarm = warm["deploy-stack"]
  if (ofWarm === undefined) return coldChecks
  return [
    ...coldChecks,
    check("CPU of a warm invocation", ofWarm.cpu, warmBounds.cpu),
    check("growth of the heap from 50 to 1,000 invocations", ofWarm.growth, warmBounds.growth)
  ]
}
