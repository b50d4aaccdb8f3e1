// The instances of a stack set: which are wanted, which are missing, and how to name many of them in one call. A call names
// accounts and regions, and means every account in every region.
import * as Arr from "effect/Array"
import * as Schema from "effect/Schema"

/** An instance of a stack set: its stack in one account and region. Source: ListStackInstances. */
export interface StackInstance {
  readonly account: string
  readonly region: string
  /** The organizational unit by which it became an instance; only with SERVICE_MANAGED. */
  readonly organizationalUnit?: string | undefined
  /** `CURRENT`, `OUTDATED` or `INOPERABLE`. */
  readonly status: string
  /** The operation that changed it last. */
  readonly lastOperationId?: string | undefined
}

/** Which accounts of the organizational units are meant. Source: shape DeploymentTargets of CloudFormation's API. */
export const AccountFilter = Schema.Literals(["INTERSECTION", "DIFFERENCE", "UNION"])
export type AccountFilter = typeof AccountFilter.Type

/** What a call changes: accounts, or accounts of organizational units, in these regions. */
export interface Target {
  readonly accounts?: ReadonlyArray<string> | undefined
  readonly organizationalUnits?: ReadonlyArray<string> | undefined
  readonly accountFilter?: AccountFilter | undefined
  readonly regions: ReadonlyArray<string>
}

/** What the user names. In a mode that deletes, omitted means all. */
export type Targets = Omit<Target, "regions"> & { readonly regions?: ReadonlyArray<string> | undefined }

/** The number of organizational units in a call. Source: quota of CreateStackInstances. */
export const maxOrganizationalUnits = 50

const includes = (names: ReadonlyArray<string> | undefined, name: string) => names?.includes(name) ?? true

/** Returns whether the user named an instance. */
export const isNamedBy = (targets: Targets): (instance: StackInstance) => boolean => {
  const accounts = targets.accounts && new Set(targets.accounts)
  const isInAccount = (account: string) => accounts?.has(account) ?? true
  return ({ account, organizationalUnit = "", region }) => {
    if (!includes(targets.regions, region)) return false
    if (targets.organizationalUnits === undefined) return isInAccount(account)
    const isInUnit = targets.organizationalUnits.includes(organizationalUnit)
    switch (targets.accountFilter) {
      case "INTERSECTION":
        return isInUnit && isInAccount(account)
      case "DIFFERENCE":
        return isInUnit && !isInAccount(account)
      case "UNION":
        return isInUnit || isInAccount(account)
      default:
        return isInUnit
    }
  }
}

/** An account and region; and what an instance there gets, if it differs from that of others. */
export interface Place {
  readonly account: string
  readonly region: string
  readonly organizationalUnit?: string | undefined
}

/** Places that one call can name, and how many there are. */
export interface Group {
  readonly target: Target
  readonly size: number
}

/**
 * The groups that consist of exactly these places: the accounts with the same regions are one group, or several if they
 * are in more organizational units than a call can name. In the order of the places.
 */
export const groupsOf = (places: Iterable<Place>): ReadonlyArray<Group> => {
  const regionsOf = new Map<string, { readonly unit: string | undefined; readonly regions: Set<string> }>()
  for (const { account, organizationalUnit: unit, region } of places) {
    const known = regionsOf.get(account) ?? { unit, regions: new Set() }
    known.regions.add(region)
    regionsOf.set(account, known)
  }
  const byRegions = new Map<string, Array<readonly [account: string, unit: string | undefined]>>()
  for (const [account, { regions, unit }] of regionsOf) {
    const key = JSON.stringify([...regions].toSorted())
    const accounts = byRegions.get(key) ?? []
    accounts.push([account, unit])
    byRegions.set(key, accounts)
  }
  return Array.from(byRegions).flatMap(([key, members]) => {
    const regions: ReadonlyArray<string> = JSON.parse(key)
    const units = [...new Set(members.flatMap(([, unit]) => unit === undefined ? [] : [unit]))]
    if (units.length === 0) {
      return [{
        target: { accounts: members.map(([account]) => account), regions },
        size: members.length * regions.length
      }]
    }
    return Arr.chunksOf(units, maxOrganizationalUnits).map((organizationalUnits) => {
      const accounts = members.filter(([, unit]) => unit !== undefined && organizationalUnits.includes(unit))
        .map(([account]) => account)
      return {
        target: { accounts, organizationalUnits, accountFilter: "INTERSECTION" as const, regions },
        size: accounts.length * regions.length
      }
    })
  })
}

const keyOf = ({ account, region }: Place) => `${account}/${region}`

/** The places among these accounts and regions that have no instance. */
export const missing = (
  { accounts = [], regions = [] }: Targets,
  instances: Iterable<StackInstance>
): ReadonlyArray<Place> => {
  const present = new Set(Array.from(instances, keyOf))
  return accounts
    .flatMap((account) => regions.map((region) => ({ account, region })))
    .filter((place) => !present.has(keyOf(place)))
}

/** The targets as calls can name them: with at most 50 organizational units each. */
export const unitTargets = (
  { accountFilter, accounts, organizationalUnits = [], regions = [] }: Targets
): ReadonlyArray<Target> =>
  Arr.chunksOf(organizationalUnits, maxOrganizationalUnits).map((organizationalUnits) => ({
    accounts,
    organizationalUnits,
    accountFilter,
    regions
  }))
