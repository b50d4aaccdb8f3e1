import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ResourceChange } from "../../../../src/domain/stack/ChangeSet.ts"
import { lossesOf, statefulTypes } from "../../../../src/domain/stack/plan/StatefulResources.ts"

const change = (
  logicalResourceId: string,
  action: string,
  replacement?: string,
  more: Partial<ResourceChange> = {}
): ResourceChange => ({
  action,
  logicalResourceId,
  resourceType: "AWS::DynamoDB::Table",
  ...(replacement !== undefined && { replacement }),
  ...more
})

const nested = { resourceType: "AWS::CloudFormation::Stack" }
const textsOf = (
  changes: ReadonlyArray<ResourceChange>,
  { allowed = [], unknown = [] }: { readonly allowed?: Array<string>; readonly unknown?: Array<string> } = {}
) => lossesOf({ changes, unknown }, allowed).map(({ text }) => text)

describe("lossesOf", () => {
  it("a stateful resource is lost if it is, or may be, replaced or removed", () => {
    assert.deepStrictEqual(
      textsOf([
        change("A", "Modify", "True"),
        change("B", "Modify", "Conditional"),
        change("C", "Remove"),
        change("D", "Dynamic"),
        change("E", "ActionOfTomorrow")
      ]),
      [
        "replace A (AWS::DynamoDB::Table)",
        "perhaps replace B (AWS::DynamoDB::Table)",
        "remove C (AWS::DynamoDB::Table)",
        "perhaps replace D (AWS::DynamoDB::Table)",
        "perhaps replace E (AWS::DynamoDB::Table)"
      ]
    )
  })

  it("a resource that is kept by its policy is replaced or removed all the same", () => {
    assert.deepStrictEqual(
      textsOf([
        change("A", "Modify", "True", { policyAction: "ReplaceAndRetain" }),
        change("B", "Remove", undefined, { policyAction: "Retain" }),
        change("C", "Remove", undefined, { policyAction: "Snapshot" })
      ]),
      [
        "replace A (AWS::DynamoDB::Table); the old one is retained",
        "remove B (AWS::DynamoDB::Table); the old one is retained",
        "remove C (AWS::DynamoDB::Table)"
      ]
    )
  })

  it("a resource that stays is not lost, and neither is one without state, or one that is allowed", () => {
    assert.isEmpty(
      textsOf([
        change("A", "Add"),
        change("B", "Import"),
        change("C", "Modify", "False"),
        change("D", "SyncWithActual"),
        change("E", "Modify", "True", { resourceType: "AWS::IAM::Role" }),
        change("F", "Remove", undefined, { resourceType: "Custom::Table" })
      ])
    )
    const changes = [change("A", "Remove"), change("Network/A", "Remove")]
    assert.deepStrictEqual(lossesOf({ changes, unknown: [] }, ["Network/A"]).map((loss) => loss.logicalResourceId), [
      "A"
    ])
  })

  it("a nested stack that is removed, or changes in an unknown way, may lose anything", () => {
    const changes = [change("A", "Modify", "False", nested), change("B", "Remove", undefined, nested)]
    assert.deepStrictEqual(textsOf(changes), ["remove B (AWS::CloudFormation::Stack)"])
    assert.deepStrictEqual(textsOf(changes, { unknown: ["A"], allowed: ["B"] }), [
      "change A (AWS::CloudFormation::Stack), whose own changes are not known"
    ])
    assert.isEmpty(textsOf([change("C", "Add", undefined, nested)], { unknown: ["C"] }))
  })

  it.prop("without replacements and removals nothing is lost", [Schema.Array(ResourceChange)], ([changes]) => {
    const harmless = changes.map(({ logicalResourceId, resourceType }, index) =>
      change(logicalResourceId, ["Add", "Modify", "Import"][index % 3] ?? "", "False", { resourceType })
    )
    assert.isEmpty(textsOf(harmless))
  })

  it.prop("of stateful resources every removal is listed, unless it is allowed", [
    Schema.Array(Schema.String),
    Schema.Array(Schema.String)
  ], ([ids, allowed]) => {
    const types = [...statefulTypes]
    const removals = ids.map((id, index) =>
      change(id, "Remove", undefined, { resourceType: types[index % types.length] ?? "" })
    )
    const expected = ids.filter((id) => !allowed.includes(id))
    assert.deepStrictEqual(
      lossesOf({ changes: removals, unknown: [] }, allowed).map(({ logicalResourceId }) => logicalResourceId),
      expected
    )
  })
})
