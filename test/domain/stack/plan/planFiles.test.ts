import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type ChangeDetail, ResourceChange } from "../../../../src/domain/stack/ChangeSet.ts"
import { countsOf, noChanges } from "../../../../src/domain/stack/plan/ChangePlan.ts"
import { planLimits, type PlanToWrite, toJson, toMarkdown } from "../../../../src/domain/stack/plan/planFiles.ts"

const planOf = (changes: ReadonlyArray<ResourceChange>, more: Partial<PlanToWrite> = {}): PlanToWrite => ({
  stack: "S",
  stackId: "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0",
  changeSet: "Next",
  changeSetId: "arn:aws:cloudformation:us-east-1:123456789012:changeSet/Next/0",
  hasChanges: true,
  counts: countsOf(changes),
  changes,
  notes: [],
  ...more
})

const change = (logicalResourceId: string, action: string, more: Partial<ResourceChange> = {}): ResourceChange => ({
  action,
  logicalResourceId,
  resourceType: "AWS::S3::Bucket",
  ...more
})

const withDetail = (detail: Partial<ChangeDetail>) =>
  planOf([change("R", "Modify", { replacement: "False", details: [{ attribute: "Properties", ...detail }] })])

/** The cells of a table as GitHub's Markdown has them: `|` ends a cell, whatever is around it, unless `\` is before it. */
const rowsOf = (markdown: string) =>
  markdown.split("\n").filter((line) => line.startsWith("|")).slice(2).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
  )

/** What a reader sees of code in a cell. */
const read = (cell: string) => {
  const html = /^<code>(.*)<\/code>$/.exec(cell)?.[1]
  if (html === undefined) return /^`([^`]*)`$/.exec(cell)?.[1]
  return /[<>*_`[\]\\]/.test(html)
    ? undefined
    : html.replaceAll(/&#(\d+);/g, (_, number: string) => String.fromCodePoint(Number(number)))
}

/** The text in one line, without characters that cannot be seen. */
const oneLine = (text: string) =>
  Array.from(text.replaceAll("\r\n", "\n"), (char) => {
    if (["\n", "\r", "\u2028", "\u2029"].includes(char)) return "↵"
    const isLone = char.length === 1 && char >= "\uD800" && char <= "\uDFFF"
    return isLone || /[\p{Cc}\p{Cf}]/u.test(char) ? "\uFFFD" : char
  }).join("")

describe("toMarkdown", () => {
  it("the plan is a table, the most severe change first, with properties, values and reasons", () => {
    const plan = planOf([
      change("Queue", "Add", { resourceType: "AWS::SQS::Queue" }),
      change("Topic", "Remove", { policyAction: "Retain" }),
      change("Network/Table", "Modify", {
        replacement: "True",
        policyAction: "ReplaceAndDelete",
        details: [
          {
            attribute: "Properties",
            name: "TableName",
            path: "/Properties/TableName",
            before: "a|b",
            after: "c",
            requiresRecreation: "Always",
            evaluation: "Static",
            source: "ParameterReference",
            cause: "Name"
          },
          { attribute: "Tags", after: "" }
        ]
      }),
      change("Role", "Modify", {
        replacement: "Conditional",
        details: [
          {
            attribute: "Properties",
            name: "Policies",
            requiresRecreation: "Conditionally",
            evaluation: "Dynamic",
            source: "ResourceAttribute",
            cause: "Table.Arn"
          }
        ]
      })
    ])
    assert.strictEqual(
      toMarkdown(plan),
      `# Change set \`Next\` of stack \`S\`

4 changes: 2 replacements, 1 removal, 1 addition.

| Action | Replacement | Logical id | Type | What changes and why |
| ------ | ----------- | ---------- | ---- | -------------------- |
| Modify (ReplaceAndDelete) | **yes** | \`Network/Table\` | \`AWS::S3::Bucket\` | \`/Properties/TableName\`: <code>a&#124;b</code> → \`c\` (parameter \`Name\`, requires replacement)<br>\`Tags\`: (none) → (empty) |
| Modify | **perhaps** | \`Role\` | \`AWS::S3::Bucket\` | \`Properties.Policies\` (attribute \`Table.Arn\`, known only during the execution, may require replacement) |
| Remove (Retain) |  | \`Topic\` | \`AWS::S3::Bucket\` |  |
| Add |  | \`Queue\` | \`AWS::SQS::Queue\` |  |
`
    )
  })

  it("a plan without changes of resources says so, and what it lacks", () => {
    const empty = planOf([], { hasChanges: false, counts: noChanges })
    assert.strictEqual(toMarkdown(empty), "# Change set `Next` of stack `S`\n\nNo changes.\n")
    assert.include(toMarkdown(planOf([])), "No resource changes.")
    const lost = planOf([], { counts: undefined, notes: ["It is <gone>_\n."] })
    assert.include(toMarkdown(lost), "The number of changes is not known.\n\nIt is &#60;gone&#62;&#95;↵.\n")
    assert.include(toMarkdown(planOf([change("A", "Modify", { replacement: "False" })])), "1 change: 1 modification.")
  })

  it("a source and an action that AWS adds later keep their names", () => {
    const plan = planOf([change("A", "Modify", { details: [{ attribute: "Metadata", source: "New Source" }] })])
    assert.include(toMarkdown(plan), "`Metadata` (`New Source`)")
    assert.include(toMarkdown(planOf([change("A", "A|b")])), "| <code>A&#124;b</code> |")
  })

  it("of many properties the first twenty are listed, and how many more there are", () => {
    const details = Array.from({ length: 22 }, (_, index) => ({ attribute: "Properties", name: `P${index}` }))
    const text = toMarkdown(planOf([change("A", "Modify", { details })]))
    assert.include(text, "`Properties.P19`<br>and 2 more |")
    assert.notInclude(text, "P20")
  })

  it("of thousands of changes, as many are listed as fit into a comment", () => {
    const changes = Array.from({ length: 5_000 }, (_, index) => change(`Resource${index}`, "Add"))
    const text = toMarkdown(planOf(changes))
    assert.isAtMost(text.length, planLimits.markdown)
    const [, rest] = /… and (\d+) more changes\.\n$/.exec(text) ?? []
    assert.strictEqual(rowsOf(text).length + Number(rest), 5_000)
    assert.isAbove(rowsOf(text).length, 500)
  })

  it("a long value is cut", () => {
    assert.include(toMarkdown(withDetail({ name: "P", before: "x".repeat(300), after: "y" })), "x … (cut)` → `y`")
  })

  it.prop(
    "whatever is in a value, its row has five cells, and a reader sees the value",
    [Schema.String, Schema.String, Schema.Array(Schema.String)],
    ([logicalResourceId, resourceType, parts]) => {
      for (const glue of ["", "|", "\\", "`", "\\|", "\n", "</code>", "&#124;", "*", " ", "\u202E"]) {
        const id = `${logicalResourceId}${glue}${parts.join(glue)}`.slice(0, 150) || "A"
        const row = rowsOf(
          toMarkdown(planOf([{ action: "Add", logicalResourceId: id, resourceType: resourceType || "T" }]))
        )
        assert.lengthOf(row, 1)
        assert.lengthOf(row[0] ?? [], 5)
        assert.strictEqual(read(row[0]?.[2] ?? ""), oneLine(id))
        assert.strictEqual(read(row[0]?.[3] ?? ""), oneLine(resourceType || "T"))
      }
    }
  )

  it.prop(
    "whatever is in the details, each change is one row of five cells without foreign HTML, and the text is bounded",
    [Schema.Array(ResourceChange), Schema.Array(Schema.String)],
    ([changes, notes]) => {
      const text = toMarkdown(planOf(changes, { notes }))
      const rows = rowsOf(text)
      assert.lengthOf(rows, changes.length)
      for (const row of rows) assert.lengthOf(row, 5)
      const tags = text.replaceAll(/`[^`\n]*`/g, "").match(/<[^>]*>/g) ?? []
      assert.isEmpty(tags.filter((tag) => !["<code>", "</code>", "<br>"].includes(tag)))
    }
  )
})

describe("toJson", () => {
  it.prop("the JSON has the whole plan", [Schema.Array(ResourceChange)], ([changes]) => {
    const { counts, notes: _, ...plan } = planOf(changes)
    const { changes: written, ...rest } = JSON.parse(toJson(planOf(changes, { notes: ["n"] })))
    assert.deepStrictEqual(written, changes)
    assert.deepStrictEqual(rest, {
      stack: plan.stack,
      stackId: plan.stackId,
      changeSet: plan.changeSet,
      changeSetId: plan.changeSetId,
      hasChanges: true,
      changeCount: changes.length,
      ...counts,
      omittedChanges: 0,
      notes: ["n"]
    })
  })

  it("what is not known is absent", () => {
    const json = JSON.parse(toJson(planOf([], { counts: undefined, changeSetId: undefined })))
    assert.notProperty(json, "changeSetId")
    assert.notProperty(json, "changeCount")
    assert.deepStrictEqual(json.changes, [])
  })

  it("long values are cut, and the number of changes that do not fit is in it", () => {
    const value = "x".repeat(10_000)
    const { changes: [only] } = JSON.parse(toJson(withDetail({ before: value, after: value })))
    assert.lengthOf(only.details[0].before, planLimits.jsonValue)
    assert.lengthOf(only.details[0].after, planLimits.jsonValue)
    const details = Array.from({ length: 100 }, () => ({ attribute: "Properties", after: value }))
    const text = toJson(planOf(Array.from({ length: 20 }, (_, index) => change(`R${index}`, "Modify", { details }))))
    const json = JSON.parse(text)
    assert.isAtMost(text.length, planLimits.json + 10_000)
    assert.strictEqual(json.omittedChanges + json.changes.length, 20)
    assert.isAbove(json.omittedChanges, 0)
  })
})
