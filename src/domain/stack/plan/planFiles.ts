// The files of a plan in an output artifact: JSON for programs, and Markdown for people, in a pull request or an approval.
import { truncate } from "../../job/JobOutcome.ts"
import { wellFormed } from "../../text/wellFormed.ts"
import { type ChangeDetail, type ResourceChange, weight } from "../ChangeSet.ts"
import { type ChangeCounts, isReplaced, totalOf } from "./ChangePlan.ts"

/** The names of the files in the output artifact. */
export const planFileNames = ["plan.json", "plan.md"] as const

/** A plan to write. */
export interface PlanToWrite {
  readonly stack: string
  readonly stackId: string
  readonly changeSet: string
  /** The ARN, if it is known. */
  readonly changeSetId: string | undefined
  /** Whether CloudFormation found anything to change. Outputs can change without any resource. */
  readonly hasChanges: boolean
  /** None if the change set was deleted before it was described. */
  readonly counts: ChangeCounts | undefined
  readonly changes: ReadonlyArray<ResourceChange>
  /** What the plan lacks, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** Limits of the files, in UTF-16 code units. A comment in a pull request of GitHub can have 65,536 characters. */
export const planLimits = {
  json: 4_000_000,
  jsonValue: 4_096,
  markdown: 60_000,
  markdownValue: 200,
  details: 20
} as const

const shorten = (detail: ChangeDetail, limit: number): ChangeDetail => ({
  ...detail,
  ...(detail.before !== undefined && { before: truncate(detail.before, limit) }),
  ...(detail.after !== undefined && { after: truncate(detail.after, limit) })
})

/** The texts of the first items that fit into the limit. */
const fitting = <A>(items: Iterable<A>, limit: number, toText: (item: A) => string): ReadonlyArray<string> => {
  const texts: Array<string> = []
  let length = 0
  for (const item of items) {
    const text = toText(item)
    length += text.length + 1
    if (length > limit) break
    texts.push(text)
  }
  return texts
}

/** The plan as JSON, a change a line. If not all changes fit, `omittedChanges` is how many are missing. */
export const toJson = (plan: PlanToWrite): string => {
  const { changeSet, changeSetId, changes, counts, hasChanges, notes, stack, stackId } = plan
  const lines = fitting(changes, planLimits.json, (change) =>
    JSON.stringify({
      ...change,
      ...(change.details && { details: change.details.map((detail) => shorten(detail, planLimits.jsonValue)) })
    }))
  const head = JSON.stringify(
    {
      stack,
      stackId,
      changeSet,
      changeSetId,
      hasChanges,
      changeCount: counts && totalOf(counts),
      ...counts,
      omittedChanges: changes.length - lines.length,
      notes
    },
    undefined,
    2
  )
  return `${head.slice(0, -2)},\n  "changes": [${lines.map((line) => `\n    ${line}`).join(",")}\n  ]\n}\n`
}

const kinds = [
  ["replacement", "replacements"],
  ["removal", "removals"],
  ["addition", "additions"],
  ["modification", "modifications"]
] as const

const number = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`

const headline = ({ counts, hasChanges }: PlanToWrite) => {
  if (!hasChanges) return "No changes."
  if (counts === undefined) return "The number of changes is not known."
  const byKind = kinds.filter(([, key]) => counts[key] > 0).map(([word, key]) => number(counts[key], word)).join(", ")
  return byKind === "" ? "No resource changes." : `${number(totalOf(counts), "change")}: ${byKind}.`
}

/**
 * The plan as Markdown: a table with a row for each resource, the most severe change first. At most 60,000 characters; the
 * last line has the number of changes that do not fit.
 */
export const toMarkdown = (plan: PlanToWrite): string => {
  const { changeSet, changes, notes, stack } = plan
  const head = [
    `# Change set ${code(changeSet)} of stack ${code(stack)}`,
    "",
    headline(plan),
    ...notes.flatMap((note) => ["", sentence(truncate(note, maxNote))])
  ].join("\n")
  if (changes.length === 0) return `${head}\n`
  const sorted = changes.toSorted((a, b) => weight(a) - weight(b))
  const rows = fitting(sorted, planLimits.markdown - head.length - table.length - maxNote, row)
  const rest = changes.length - rows.length
  return [head, "", table, ...rows, ...(rest > 0 ? ["", `… and ${number(rest, "more change")}.`] : []), ""].join("\n")
}

/** Including the last line. */
const maxNote = 1_000

const table = [
  "| Action | Replacement | Logical id | Type | What changes and why |",
  "| ------ | ----------- | ---------- | ---- | -------------------- |"
].join("\n")

const row = (change: ResourceChange) => {
  const { action, details = [], logicalResourceId, policyAction, resourceType } = change
  const shown = details.slice(0, planLimits.details).map(detailText)
  const more = details.length > shown.length ? [`and ${details.length - shown.length} more`] : []
  const cells = [
    word(action) + (policyAction === undefined ? "" : ` (${word(policyAction)})`),
    replacementText(change),
    code(logicalResourceId),
    code(resourceType),
    [...shown, ...more].join("<br>")
  ]
  return `| ${cells.join(" | ")} |`
}

const replacementText = (change: ResourceChange) => {
  if (isReplaced(change)) return change.replacement === "True" ? "**yes**" : "**perhaps**"
  return change.action === "Modify" ? "no" : ""
}

const sources: ReadonlyMap<string, string> = new Map([
  ["DirectModification", "changed in the template"],
  ["ParameterReference", "parameter"],
  ["ResourceReference", "resource"],
  ["ResourceAttribute", "attribute"],
  ["Automatic", "the nested stack's template may have changed"],
  ["NoModification", "matches the actual state"]
])

const recreations: ReadonlyMap<string | undefined, string> = new Map([
  ["Always", "requires replacement"],
  ["Conditionally", "may require replacement"]
])

/** A property with its values, and why it changes. */
const detailText = (
  { after, attribute, before, cause, evaluation, name, path, requiresRecreation, source }: ChangeDetail
) => {
  const property = code(path ?? (name === undefined ? attribute : `${attribute}.${name}`))
  const values = before === undefined && after === undefined ? "" : `: ${valueText(before)} → ${valueText(after)}`
  const causeText = cause === undefined ? "" : ` ${code(truncate(cause, planLimits.markdownValue))}`
  const reasons = [
    source === undefined ? "" : (sources.get(source) ?? word(source)) + causeText,
    evaluation === "Dynamic" ? "known only during the execution" : "",
    recreations.get(requiresRecreation) ?? ""
  ].filter(Boolean)
  return `${property}${values}${reasons.length === 0 ? "" : ` (${reasons.join(", ")})`}`
}

const valueText = (value: string | undefined) => {
  if (value === undefined) return "(none)"
  return value === "" ? "(empty)" : code(truncate(value, planLimits.markdownValue))
}

/** Prose without Markdown or HTML. */
const sentence = (text: string) => visible(text).replaceAll(/[&<>`|\\*_[\]{}#~!$@]/g, entity)

/** A word of CloudFormation's. */
const word = (text: string) => /^[A-Za-z]+$/.test(text) ? text : code(text)

/** The text in one line; line breaks, and characters that hide or reorder others, are signs. */
const visible = (text: string) =>
  wellFormed(text).replaceAll(/\r\n|[\n\r\u2028\u2029]/g, "↵").replaceAll(/[\p{Cc}\p{Cf}]/gu, "\uFFFD")

const entity = (char: string) => `&#${char.charCodeAt(0)};`

/** Text that a code span shows as it is: no backticks, no `|` and no `\`, and no white space at the ends. */
const plain = /^(?!\s)[^`|\\]*[^`|\\\s]$/

/** The text as code in a cell of a table. Whatever it has, it ends neither the code nor the cell. */
const code = (text: string): string => {
  const line = visible(text)
  return plain.test(line) ? `\`${line}\`` : `<code>${line.replaceAll(/[!-/:-@[-`{-~]/g, entity)}</code>`
}
