// The files that the targets of a stack set name.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Accounts from "../../../src/domain/stackSet/Accounts.ts"
import * as Overrides from "../../../src/domain/stackSet/Overrides.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const failureOf = <A, E>(result: Result.Result<A, E>) =>
  Result.match(result, { onFailure: (problem) => problem, onSuccess: () => assert.fail("it is accepted") })

describe("a file of accounts", () => {
  it.each([
    "[\"111111111111\", \"222222222222\", \"111111111111\"]",
    "111111111111,222222222222\n",
    "111111111111\r\n222222222222"
  ])("is JSON or text, and counts duplicates once: %j", (text) => {
    assert.deepStrictEqual(Accounts.decode(bytes(text)), Result.succeed(["111111111111", "222222222222"]))
  })

  it("names what is not an id", () => {
    assert.strictEqual(
      failureOf(Accounts.decode(bytes("[111111111111, \"prod\", 2222]"))),
      "it has other texts than ids of 12 digits: \"prod\", \"2222\""
    )
    assert.strictEqual(failureOf(Accounts.decode(bytes("[]"))), "it has no account")
    assert.strictEqual(failureOf(Accounts.decode(bytes(""))), "it is empty")
  })
})

const entries = (text: string) => Result.getOrThrow(Overrides.decode(bytes(text)))

const some = (names: ReadonlyArray<string>) => Schema.optionalKey(Schema.Array(Schema.Literals(names)))

describe("a file of overrides", () => {
  const overridesOf = Overrides.overridesOf(entries(JSON.stringify([
    { parameters: { Size: "small", Zones: "a" } },
    { accounts: ["222222222222"], parameters: { Size: "large" } },
    { accounts: ["222222222222"], regions: ["us-east-1"], parameters: { Zones: null, Count: 2 } }
  ])))

  it("gives each instance the last value of each parameter, and null removes it", () => {
    const values = [["111111111111", "us-east-1"], ["222222222222", "eu-west-1"], ["222222222222", "us-east-1"]].map(
      ([account = "", region = ""]) => Object.fromEntries(overridesOf({ account, region }) ?? [])
    )
    assert.deepStrictEqual(values, [
      { Size: "small", Zones: "a" },
      { Size: "large", Zones: "a" },
      { Size: "large", Count: "2" }
    ])
  })

  it("gives nothing to an instance that no entry is about", () => {
    const one = Overrides.overridesOf(entries("[{\"accounts\": [\"111111111111\"], \"parameters\": {}}]"))
    assert.isUndefined(one({ account: "222222222222", region: "us-east-1" }))
    assert.strictEqual(one({ account: "111111111111", region: "us-east-1" })?.size, 0)
  })

  const accounts = ["111111111111", "222222222222"]
  const regions = ["eu-west-1", "us-east-1"]
  const Value = Schema.NullOr(Schema.Literals(["1", "2"]))
  const Entries = Schema.Array(Schema.Struct({
    accounts: some(accounts),
    regions: some(regions),
    parameters: Schema.Struct({ A: Value, B: Value })
  }))

  it.prop("applies the entries about an instance one after another", [Entries], ([given]) => {
    const overridesOf = Overrides.overridesOf(given)
    for (const account of accounts) {
      for (const region of regions) {
        const about = given.filter((entry) =>
          (entry.accounts ?? accounts).includes(account) && (entry.regions ?? regions).includes(region)
        )
        const all = new Map<string, string | null>(about.flatMap(({ parameters }) => Object.entries(parameters)))
        const expected = [...all].flatMap(([name, value]) => value === null ? [] : [[name, value] as [string, string]])
        const found = overridesOf({ account, region })
        assert.strictEqual(found === undefined, about.length === 0)
        assert.sameDeepMembers([...found ?? []], expected)
      }
    }
  })

  it("makes one group of all places with the same values", () => {
    const places = ["111111111111", "222222222222", "333333333333"].map((account) => ({ account, region: "us-east-1" }))
    const groups = Overrides.overrideGroups(places, overridesOf)
    assert.deepStrictEqual(groups.map(({ overrides, size, target }) => [target.accounts, size, [...overrides ?? []]]), [
      [["111111111111", "333333333333"], 2, [["Size", "small"], ["Zones", "a"]]],
      [["222222222222"], 1, [["Size", "large"], ["Count", "2"]]]
    ])
  })

  it("keeps numbers as they are written", () => {
    const [entry] = entries("[{\"parameters\": {\"Version\": 1.10}}]")
    assert.strictEqual(entry?.parameters["Version"], "1.10")
  })

  it.each([
    ["it is not JSON: error in line 1, column 1", "yaml: no"],
    ["it is empty", ""],
    ["it has more than 100000 values", `[${Array.from({ length: 100_001 }, () => "1").join()}]`],
    ["it has more than 64 levels", "[".repeat(5_000)],
    [
      "it has 1001 entries without \"accounts\"; the maximum is 1000",
      `[${Array.from({ length: 1_001 }, () => "{\"parameters\": {}}").join()}]`
    ],
    ["\"[0].account\" is not known (did you mean \"accounts\"?)", "[{\"account\": [], \"parameters\": {}}]"]
  ])("is refused with what is wrong: %s", (problem, text) => {
    assert.include(failureOf(Overrides.decode(bytes(text))).join(), problem)
  })

  it("never quotes a value", () => {
    assert.notInclude(
      failureOf(Overrides.decode(bytes("[{\"parameters\": {\"Key\": [\"hunter2\"]}}]"))).join(),
      "hunter2"
    )
  })
})
