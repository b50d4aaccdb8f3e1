import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  AccountFilter,
  groupsOf,
  isNamedBy,
  maxOrganizationalUnits,
  missing,
  type Place,
  unitTargets
} from "../../../src/domain/stackSet/StackInstances.ts"

const letters = Schema.Array(Schema.Literals(["a", "b", "c", "d"]))

const Places = Schema.Array(Schema.Struct({
  account: Schema.Literals(["a", "b", "c", "d"]),
  region: Schema.Literals(["r", "s", "t"])
}))

const keysOf = (places: Iterable<Place>) =>
  [...new Set(Array.from(places, ({ account, region }) => `${account}/${region}`))]
    .toSorted()

/** The places that calls with these groups name. */
const named = (groups: ReturnType<typeof groupsOf>) =>
  groups.flatMap(({ target: { accounts = [], regions } }) =>
    accounts.flatMap((account) => regions.map((region) => ({ account, region })))
  )

describe("groups of places", () => {
  it.prop("name each place once, and no other", [Places], ([places]) => {
    const all = named(groupsOf(places))
    assert.deepStrictEqual(all.map(({ account, region }) => `${account}/${region}`).toSorted(), keysOf(places))
  })

  it.prop("have the number of their places", [Places], ([places]) => {
    const groups = groupsOf(places)
    assert.strictEqual(groups.reduce((sum, { size }) => sum + size, 0), keysOf(places).length)
  })

  it("are as few as there are different sets of regions", () => {
    const places = ["a", "b", "c"].flatMap((account) => ["r", "s"].map((region) => ({ account, region })))
    assert.deepStrictEqual(groupsOf(places), [{ target: { accounts: ["a", "b", "c"], regions: ["r", "s"] }, size: 6 }])
    assert.lengthOf(groupsOf([...places, { account: "a", region: "t" }]), 2)
  })

  it("of organizational units name them, at most 50 in a call", () => {
    const places = Array.from({ length: 60 }, (_, index) => ({
      account: `account${index}`,
      region: "r",
      organizationalUnit: `unit${index}`
    }))
    const groups = groupsOf(places)
    assert.deepStrictEqual(groups.map(({ size }) => size), [maxOrganizationalUnits, 10])
    assert.deepStrictEqual(groups[1]?.target.accountFilter, "INTERSECTION")
    assert.deepStrictEqual(groups[1]?.target.organizationalUnits, places.slice(50).map((one) => one.organizationalUnit))
    assert.deepStrictEqual(groups[1]?.target.accounts, places.slice(50).map(({ account }) => account))
  })
})

describe("missing places", () => {
  it.prop(
    "are those among the accounts and regions that have no instance",
    [letters, letters, Places],
    ([accounts, regions, present]) => {
      const instances = present.map(({ account, region }) => ({ account, region, status: "CURRENT" }))
      const wanted = accounts.flatMap((account) => regions.map((region) => ({ account, region })))
      const expected = keysOf(wanted).filter((key) => !keysOf(present).includes(key))
      assert.deepStrictEqual(keysOf(missing({ accounts, regions }, instances)), expected)
    }
  )

  it("without accounts and regions there are none", () => {
    assert.deepStrictEqual(missing({}, []), [])
  })
})

const at = (account: string, region: string, organizationalUnit?: string) => ({
  account,
  region,
  organizationalUnit,
  status: "CURRENT"
})

const filtered = (accountFilter: AccountFilter | undefined) =>
  [at("a", "r", "u"), at("b", "r", "u"), at("a", "r", "v"), at("b", "r", "v"), at("c", "r")]
    .filter(isNamedBy({ accounts: ["a"], organizationalUnits: ["u"], accountFilter }))
    .map(({ account, organizationalUnit }) => `${account} in ${organizationalUnit}`)

describe("an instance", () => {
  it("is named by its account and region, or by all if none are given", () => {
    assert.isTrue(isNamedBy({})(at("a", "r")))
    assert.isTrue(isNamedBy({ accounts: ["a"], regions: ["r"] })(at("a", "r")))
    assert.isFalse(isNamedBy({ accounts: ["b"] })(at("a", "r")))
    assert.isFalse(isNamedBy({ regions: ["s"] })(at("a", "r")))
  })

  it.each<[AccountFilter | undefined, ReadonlyArray<string>]>([
    [undefined, ["a in u", "b in u"]],
    ["INTERSECTION", ["a in u"]],
    ["DIFFERENCE", ["b in u"]],
    ["UNION", ["a in u", "b in u", "a in v"]]
  ])("is named by its organizational unit with the filter %s", (filter, expected) => {
    assert.deepStrictEqual(filtered(filter), expected)
  })
})

describe("targets of organizational units", () => {
  it("are split into calls with at most 50 units", () => {
    const organizationalUnits = Array.from({ length: 101 }, (_, index) => `u${index}`)
    const targets = unitTargets({
      organizationalUnits,
      accounts: ["a"],
      accountFilter: AccountFilter.literals[0],
      regions: ["r"]
    })
    assert.deepStrictEqual(targets.map((target) => target.organizationalUnits?.length), [50, 50, 1])
    assert.deepInclude(targets[2], { accounts: ["a"], accountFilter: "INTERSECTION", regions: ["r"] })
    assert.deepStrictEqual(unitTargets({}), [])
    assert.deepStrictEqual(unitTargets({ organizationalUnits: ["u"] })[0]?.regions, [])
  })
})
