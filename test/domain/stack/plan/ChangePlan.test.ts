import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type ChangeDetail, type ChangeSet, ResourceChange } from "../../../../src/domain/stack/ChangeSet.ts"
import {
  countsOf,
  isRemovedWhole,
  isUntouched,
  noChanges,
  type PlanSecrets,
  totalOf,
  variables,
  within,
  withoutSecrets
} from "../../../../src/domain/stack/plan/ChangePlan.ts"

const change = (action: string, more: Partial<ResourceChange> = {}): ResourceChange => ({
  action,
  logicalResourceId: "R",
  resourceType: "AWS::S3::Bucket",
  ...more
})

describe("countsOf", () => {
  it("each change is an addition, a modification, a replacement or a removal", () => {
    assert.deepStrictEqual(
      countsOf([
        change("Add"),
        change("Import"),
        change("Modify", { replacement: "False" }),
        change("Modify", { replacement: "True" }),
        change("Modify", { replacement: "Conditional" }),
        change("Dynamic"),
        change("SyncWithActual"),
        change("Remove")
      ]),
      { additions: 2, modifications: 3, replacements: 2, removals: 1 }
    )
    assert.deepStrictEqual(countsOf([]), noChanges)
  })

  it.prop("every change is counted once", [Schema.Array(ResourceChange)], ([changes]) => {
    assert.strictEqual(totalOf(countsOf(changes)), changes.length)
  })
})

describe("variables", () => {
  it("the variables are text, and a number that is not known is equal to no number", () => {
    assert.deepStrictEqual(variables({ additions: 1, modifications: 2, replacements: 3, removals: 4 }, true), {
      HasChanges: "true",
      ChangeCount: "10",
      Additions: "1",
      Modifications: "2",
      Replacements: "3",
      Removals: "4"
    })
    assert.deepInclude(variables(noChanges, false), { HasChanges: "false", ChangeCount: "0", Removals: "0" })
    const unknown = Object.entries(variables(undefined, true)).filter(([name]) => name !== "HasChanges")
    assert.deepStrictEqual([...new Set(unknown.map(([, value]) => value))], ["unknown"])
  })
})

const changeSet = (changes: ReadonlyArray<ResourceChange>): ChangeSet => ({
  id: "arn",
  name: "N",
  stackId: "arn",
  createdAt: 0,
  status: "CREATE_COMPLETE",
  executionStatus: "AVAILABLE",
  changes
})

describe("nested stacks", () => {
  const automatic: ChangeDetail = { attribute: "Properties", source: "Automatic" }

  it("a resource in a nested stack has the path of its stacks", () => {
    assert.strictEqual(within("A/B", change("Add")).logicalResourceId, "A/B/R")
    assert.deepStrictEqual(within("", change("Add")), change("Add"))
  })

  it.each<readonly [what: string, change: ResourceChange, inner: ReadonlyArray<ResourceChange>, expected: boolean]>([
    ["an update for its template alone that changes nothing", change("Modify", { details: [automatic] }), [], true],
    ["an update that changes a resource", change("Modify", { details: [automatic] }), [change("Add")], false],
    [
      "an update of a parameter",
      change("Modify", { details: [automatic, { ...automatic, source: "DirectModification" }] }),
      [],
      false
    ],
    ["an update without details", change("Modify"), [], false],
    ["an addition", change("Add", { details: [automatic] }), [], false]
  ])("whether a nested stack is untouched: %s", (_, change, inner, expected) => {
    assert.strictEqual(isUntouched(change, changeSet(inner)), expected)
  })

  it("a removed nested stack without a change set of its own is removed as a whole", () => {
    assert.isTrue(isRemovedWhole(change("Remove")))
    assert.isFalse(isRemovedWhole(change("Remove", { nestedChangeSet: "arn" })))
    assert.isFalse(isRemovedWhole(change("Modify")))
  })
})

const redact = (text: string) => text.replaceAll("key", "(hidden)")

describe("withoutSecrets", () => {
  const nothing: PlanSecrets = { values: [], areUnknown: false, redact: (text) => text }
  const shownOf = (detail: Partial<ChangeDetail>, secrets: Partial<PlanSecrets> = {}, hidden: Array<string> = []) => {
    const details = [{ attribute: "Properties", ...detail }]
    const [only] = withoutSecrets([change("Modify", { details })], { ...nothing, ...secrets }, hidden)
    const { after, before } = only?.details?.[0] ?? {}
    return [before, after]
  }

  it("other values are shown, and a missing value stays missing", () => {
    assert.deepStrictEqual(shownOf({ name: "Size", before: "small", after: "large" }), ["small", "large"])
    assert.deepStrictEqual(shownOf({ name: "Size", after: "" }), [undefined, ""])
    assert.deepStrictEqual(withoutSecrets([change("Add")], nothing, []), [change("Add")])
  })

  it("the value of a parameter that CloudFormation hides is hidden, and of no other", () => {
    const detail = { before: "a", after: "b", source: "ParameterReference", cause: "Password" }
    assert.deepStrictEqual(shownOf(detail, {}, ["Password"]), ["(hidden)", "(hidden)"])
    assert.deepStrictEqual(shownOf(detail, {}, ["Other"]), ["a", "b"])
    assert.deepStrictEqual(shownOf({ ...detail, source: "ResourceReference" }, {}, ["Password"]), ["a", "b"])
    assert.deepStrictEqual(shownOf({ before: "a", source: "ParameterReference" }, {}, ["Password"]), ["a", undefined])
  })

  it("what CloudFormation masks is hidden", () => {
    assert.deepStrictEqual(shownOf({ before: "****", after: "url=****;" }), ["(hidden)", "(hidden)"])
  })

  it.each(["MasterUserPassword", "DB_PASSWORD", "SecretString", "ApiKey", "AuthToken", "private-key"])(
    "the property %s is hidden by its name, wherever it is",
    (name) => {
      assert.deepStrictEqual(shownOf({ name, before: "a", after: "b" }), ["(hidden)", "(hidden)"])
      assert.deepStrictEqual(shownOf({ path: `/Properties/Environment/${name}/0`, after: "b" }), [
        undefined,
        "(hidden)"
      ])
    }
  )

  it.each(["SecretArn", "PasswordPolicy", "KeyName", "TokenValidity"])("the property %s is shown", (name) => {
    assert.deepStrictEqual(shownOf({ name, path: `/Properties/${name}`, before: "a", after: "b" }), ["a", "b"])
  })

  it("a value in JSON with a property that is hidden by its name is hidden as a whole", () => {
    assert.deepStrictEqual(
      shownOf({
        name: "Environment",
        before: "{\"Variables\":{\"DB_PASSWORD\" : \"a\"}}",
        after: "{\"Size\":\"password\"}"
      }),
      ["(hidden)", "{\"Size\":\"password\"}"]
    )
  })

  it("a value with a known secret in it is hidden, as JSON too; a short secret only if it is the whole value", () => {
    const values = ["hunter2", "a\"bcd", "ab", ""]
    assert.deepStrictEqual(shownOf({ before: "x hunter2 y", after: "{\"k\":\"a\\\"bcd\"}" }, { values }), [
      "(hidden)",
      "(hidden)"
    ])
    assert.deepStrictEqual(shownOf({ before: "ab", after: "cab" }, { values }), ["(hidden)", "cab"])
  })

  it("parts of a value are redacted, and no value is shown if the secrets are not known", () => {
    assert.deepStrictEqual(shownOf({ before: "a key", after: "b" }, { redact }), ["a (hidden)", "b"])
    assert.deepStrictEqual(shownOf({ before: "a", after: "b" }, { areUnknown: true }), ["(hidden)", "(hidden)"])
  })

  it.prop(
    "no value of four characters or more is in any value that is shown",
    [Schema.Array(ResourceChange), Schema.Array(Schema.String), Schema.String],
    ([changes, values, secret]) => {
      const long = `${secret}1234`
      const planted = changes.map((change) =>
        change.details === undefined
          ? change
          : Object.assign({}, change, {
            details: change.details.map((detail) => Object.assign({}, detail, { after: `<${long}>` }))
          })
      )
      const shown = withoutSecrets(planted, { ...nothing, values: [...values, long] }, [])
      const texts = shown.flatMap(({ details = [] }) =>
        details.flatMap(({ after = "", before = "" }) => [before, after])
      )
      assert.isFalse(texts.some((text) => text.includes(long)))
      assert.lengthOf(shown, changes.length)
    }
  )
})
