// How CloudFormation goes through the accounts and regions of an operation.
import * as Schema from "effect/Schema"

/** A number, or a percentage such as `"25%"`. */
const amount = (minimum: number, expected: string) =>
  Schema.Union([
    Schema.Int.check(Schema.isBetween({ minimum, maximum: 100_000 }, { expected })),
    Schema.String.check(Schema.isPattern(minimum === 0 ? /^(?:\d{1,2}|100)%$/ : /^(?:[1-9]\d?|100)%$/, { expected }))
  ]).annotate({ expected })

/** The maximum number of accounts of a region at the same time: a number from 1, or a percentage from 1%. */
export const MaxConcurrent = amount(1, "a number of accounts from 1, or a percentage such as \"25%\"")

/** The maximum number of accounts of a region that may fail before the operation stops: a number from 0, or a percentage. */
export const FailureTolerance = amount(0, "a number of accounts from 0, or a percentage such as \"25%\"")

/** A number of accounts, or a percentage of them. */
export type Amount = typeof MaxConcurrent.Type

/** Whether the regions are worked on one after another. Source: shape StackSetOperationPreferences of CloudFormation's API. */
export const RegionConcurrency = Schema.Literals(["SEQUENTIAL", "PARALLEL"])

/** Whether fewer accounts run at the same time after failures. Source: shape ConcurrencyMode of CloudFormation's API. */
export const ConcurrencyMode = Schema.Literals(["STRICT_FAILURE_TOLERANCE", "SOFT_FAILURE_TOLERANCE"])

/** Omitted settings have CloudFormation's defaults: one account at a time, no failure tolerated, regions in sequence. */
export interface Preferences {
  readonly regionOrder?: ReadonlyArray<string> | undefined
  readonly regionConcurrency?: typeof RegionConcurrency.Type | undefined
  /** Accounts of a region at the same time. */
  readonly maxConcurrent?: Amount | undefined
  /** Accounts of a region that may fail before the operation stops. */
  readonly failureTolerance?: Amount | undefined
  readonly concurrencyMode?: typeof ConcurrencyMode.Type | undefined
}

/** The amount as a count, or as a percentage. */
export const countOf = (amount: Amount | undefined): { readonly count?: number; readonly percentage?: number } => {
  if (amount === undefined) return {}
  return typeof amount === "number" ? { count: amount } : { percentage: Number(amount.slice(0, -1)) }
}

/** The preferences for an operation in these regions: an order of other regions would be refused. */
export const inRegions = (preferences: Preferences, regions: ReadonlyArray<string> | undefined): Preferences => {
  const { regionOrder } = preferences
  if (regionOrder === undefined || regions === undefined) return preferences
  const first = regionOrder.filter((region) => regions.includes(region))
  return { ...preferences, regionOrder: [...first, ...regions.filter((region) => !first.includes(region))] }
}
