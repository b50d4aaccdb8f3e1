// The file with the parameters that some instances get instead of those of the stack set.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Scalar, Scalar as ScalarSchema } from "../stack/StackParameters.ts"
import * as Template from "../stack/Template.ts"
import { notJson, parse } from "../text/json.ts"
import { confidential, problems } from "../text/problems.ts"
import { AccountId, Region } from "./names.ts"
import { type Group, groupsOf, type Place } from "./StackInstances.ts"

/** A value, or `null` for that of the stack set. */
const Value = Schema.Union([ScalarSchema, Schema.Null])

/** Parameters for instances. Of several entries for one instance, the last value of a parameter counts. */
export const Override = Schema.Struct({
  /** Default: all. */
  accounts: Schema.optionalKey(Schema.Array(AccountId)),
  /** Default: all. */
  regions: Schema.optionalKey(Schema.Array(Region)),
  parameters: Schema.Record(Schema.String, Value).annotate(confidential)
})
export type Override = typeof Override.Type

const decodeList = Schema.decodeUnknownResult(Schema.Array(Override))

/** Maximum number of values in the file: more than one for each of 60,000 accounts. Each of them can be a problem. */
const maxValues = 100_000

/** Maximum number of entries that apply to all accounts: each of them is looked at for each instance. */
const maxGeneral = 1_000

const isGeneral = ({ accounts }: Override) => accounts === undefined

const withinLimits = (
  entries: ReadonlyArray<Override>
): Result.Result<ReadonlyArray<Override>, ReadonlyArray<string>> => {
  const { length } = entries.filter(isGeneral)
  return length > maxGeneral
    ? Result.fail([`it has ${length} entries without "accounts"; the maximum is ${maxGeneral}`])
    : Result.succeed(entries)
}

/** The entries of the file, or its first problems and how many more there are. Numbers keep their text. */
export const decode = (file: Uint8Array): Result.Result<ReadonlyArray<Override>, ReadonlyArray<string>> =>
  Template.decode(file).pipe(
    Result.flatMap(({ text }) =>
      Result.mapError(parse(text, { values: maxValues, numbersAsText: () => true }), notJson)
    ),
    Result.mapError((problem) => [problem]),
    Result.flatMap((value) =>
      decodeList(value, { errors: "all", onExcessProperty: "error" }).pipe(
        Result.mapError(({ issue }) => problems("the file", issue, value))
      )
    ),
    Result.flatMap(withinLimits)
  )

/** The overriding parameters of an instance; none if no entry is about it. */
export type OverridesOf = (place: Place) => ReadonlyMap<string, string> | undefined

/** An entry, and its place among the others: a later one overrides an earlier one. */
interface Placed {
  readonly place: number
  readonly regions: Override["regions"]
  readonly parameters: ReadonlyArray<readonly [name: string, value: Scalar | null]>
}

/**
 * The overriding parameters of each instance, by the entries of the file. A file can have an entry for each of thousands of
 * accounts: only those that can apply to an instance are looked at.
 */
export const overridesOf = (entries: ReadonlyArray<Override>): OverridesOf => {
  const general: Array<Placed> = []
  const byAccount = new Map<string, Array<Placed>>()
  for (const [place, { accounts, parameters, regions }] of entries.entries()) {
    const placed = { place, regions, parameters: Object.entries(parameters) }
    if (accounts === undefined) general.push(placed)
    for (const account of new Set(accounts)) {
      const known = byAccount.get(account)
      if (known === undefined) byAccount.set(account, [placed])
      else known.push(placed)
    }
  }
  return ({ account, region }) => {
    const own = byAccount.get(account)
    let values: Map<string, Scalar> | undefined
    for (const { parameters, regions } of own === undefined ? general : inOrder(general, own)) {
      if (regions?.includes(region) === false) continue
      values ??= new Map()
      for (const [name, value] of parameters) {
        if (value === null) values.delete(name)
        else values.set(name, value)
      }
    }
    return values && new Map(Array.from(values, ([name, value]) => [name, String(value)]))
  }
}

const inOrder = (general: ReadonlyArray<Placed>, own: ReadonlyArray<Placed>) =>
  [...general, ...own].toSorted((a, b) => a.place - b.place)

/** Places that get the same overriding parameters. */
export interface OverrideGroup extends Group {
  readonly overrides: ReadonlyMap<string, string> | undefined
}

/** The groups of places with the same overriding parameters, in the order of the places. */
export const overrideGroups = (places: Iterable<Place>, overridesOf: OverridesOf): ReadonlyArray<OverrideGroup> => {
  const byValues = new Map<string, { readonly overrides: OverrideGroup["overrides"]; readonly places: Array<Place> }>()
  for (const place of places) {
    const overrides = overridesOf(place)
    const key = overrides === undefined ? "" : JSON.stringify([...overrides].toSorted())
    const group = byValues.get(key) ?? { overrides, places: [] }
    group.places.push(place)
    byValues.set(key, group)
  }
  return Array.from(byValues.values()).flatMap(({ overrides, places }) =>
    groupsOf(places).map(({ size, target }) => ({ target, size, overrides }))
  )
}
