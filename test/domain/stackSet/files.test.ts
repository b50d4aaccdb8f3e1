// The files that the targets of a stack set name.
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
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
    ["\"[0].account\" is not known (did you mean \"accounts\"?)", "[{\"account\": [], \"parameters\": {}}]"]
  ])("is refused with what is wrong: %s", (problem, text) => {
    assert.include(failureOf(Overrides.decode(bytes(text))), problem)
  })

  it("never quotes a value", () => {
    assert.notInclude(
      failureOf(Overrides.decode(bytes("[{\"parameters\": {\"Key\": [\"hunter2\"]}}]"))).join(),
      "hunter2"
    )
  })
})
