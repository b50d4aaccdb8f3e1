// The plan of a change set: what it changes, in its stack and in nested stacks, without secrets.
import * as Schema from "effect/Schema"
import type { ChangeDetail, ChangeSet, ResourceChange } from "../ChangeSet.ts"

/** What a change set changes. The logical ids of resources in nested stacks have a path: `Network/Queue`. */
export interface ChangePlan {
  readonly changes: ReadonlyArray<ResourceChange>
  /** The nested stacks, by path, whose own changes are not known. */
  readonly unknown: ReadonlyArray<string>
}

/** The number of changes by kind. Each change is of one kind. */
export const ChangeCounts = Schema.Struct({
  /** Resources that are created or imported. */
  additions: Schema.Int,
  /** Resources that are changed in place. */
  modifications: Schema.Int,
  /** Resources that are, or may be, replaced. */
  replacements: Schema.Int,
  removals: Schema.Int
})
export type ChangeCounts = typeof ChangeCounts.Type

/** Whether the resource is, or may be, recreated, and the old one removed. */
export const isReplaced = ({ replacement }: ResourceChange): boolean =>
  replacement === "True" || replacement === "Conditional"

const kinds: ReadonlyMap<string, keyof ChangeCounts> = new Map([
  ["Add", "additions"],
  ["Import", "additions"],
  ["Remove", "removals"]
])

const kindOf = (change: ResourceChange): keyof ChangeCounts =>
  isReplaced(change) ? "replacements" : kinds.get(change.action) ?? "modifications"

export const noChanges: ChangeCounts = { additions: 0, modifications: 0, replacements: 0, removals: 0 }

export const countsOf = (changes: ReadonlyArray<ResourceChange>): ChangeCounts => {
  const counts = { ...noChanges }
  for (const change of changes) counts[kindOf(change)]++
  return counts
}

export const totalOf = ({ additions, modifications, removals, replacements }: ChangeCounts): number =>
  additions + modifications + replacements + removals

/**
 * The output variables of a plan, for later actions and for rules of the pipeline. A number that is not known is
 * `unknown`: it is equal to no number that a rule expects.
 */
export const variables = (counts: ChangeCounts | undefined, hasChanges: boolean): Readonly<Record<string, string>> => ({
  HasChanges: String(hasChanges),
  ChangeCount: counts === undefined ? unknown : String(totalOf(counts)),
  Additions: String(counts?.additions ?? unknown),
  Modifications: String(counts?.modifications ?? unknown),
  Replacements: String(counts?.replacements ?? unknown),
  Removals: String(counts?.removals ?? unknown)
})

const unknown = "unknown"

/** The type of nested stacks. */
export const nestedStackType = "AWS::CloudFormation::Stack"

/** The change of a nested stack, with the path of the stacks that it is in. */
export const within = (path: string, change: ResourceChange): ResourceChange =>
  path === "" ? change : { ...change, logicalResourceId: `${path}/${change.logicalResourceId}` }

/** Whether a nested stack is removed and has no change set of its own, so that its resources are not listed. */
export const isRemovedWhole = ({ action, nestedChangeSet }: ResourceChange): boolean =>
  action === "Remove" && nestedChangeSet === undefined

/**
 * Whether a nested stack is listed although nothing of it changes: CloudFormation updates every nested stack with its
 * parent, because its template may have changed.
 */
export const isUntouched = ({ action, details = [] }: ResourceChange, nested: ChangeSet): boolean =>
  action === "Modify" && nested.changes.length === 0 && details.length > 0 &&
  details.every(({ source }) => source === "Automatic")

/** What must not be shown in a plan. */
export interface PlanSecrets {
  /** The values of hidden parameters, as far as they are known. */
  readonly values: ReadonlyArray<string>
  /** Whether hidden values are not known although they should be: then no value is shown. */
  readonly areUnknown: boolean
  /** Redacts parts of a text. */
  readonly redact: (text: string) => string
}

const hidden = "(hidden)"

/** What CloudFormation shows instead of a hidden value. */
export const masked = "****"

/** Properties that hold secrets, whatever the template says: `MasterUserPassword`, `DB_PASSWORD`, `SecretString`. */
const secretName =
  /(?:password|passwd|passphrase|secret|secretstring|secretkey|secretaccesskey|privatekey|apikey|token)$/i

const isSecretName = ({ name = "", path = "" }: ChangeDetail) =>
  [name, ...path.split("/")].some((part) => secretName.test(part.replaceAll(/[^A-Za-z]/g, "")))

/** Values with fewer characters occur in others by chance: they are hidden only as a whole. */
const minimumPart = 4

const contains = (text: string, secret: string) =>
  text === secret ||
  (secret.length >= minimumPart && (text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1))))

/** Whether a value in JSON has a property whose name is that of a secret. */
const hasSecretName = (value: string) =>
  value.match(/"[^"\\]+"\s*:/g)?.some((name) => isSecretName({ attribute: "", name })) ?? false

/** Shows the value of a property, unless it is, or contains, a secret or what CloudFormation masks. */
export const hiding = (
  { areUnknown, redact, values }: PlanSecrets,
  hiddenParameters: ReadonlyArray<string> = []
): (detail: ChangeDetail, value: string) => string => {
  const secrets = values.filter((value) => value !== "")
  const isHidden = (detail: ChangeDetail) =>
    areUnknown || isSecretName(detail) ||
    (detail.source === "ParameterReference" && hiddenParameters.includes(detail.cause ?? ""))
  return (detail, value) =>
    isHidden(detail) || hasSecretName(value) || value.includes(masked) ||
      secrets.some((secret) => contains(value, secret))
      ? hidden
      : redact(value)
}

/** The changes without the values of hidden parameters, of properties that hold secrets, and what CloudFormation masks. */
export const withoutSecrets = (
  changes: ReadonlyArray<ResourceChange>,
  secrets: PlanSecrets,
  hiddenParameters: ReadonlyArray<string>
): ReadonlyArray<ResourceChange> => {
  const shown = hiding(secrets, hiddenParameters)
  const detailOf = (detail: ChangeDetail): ChangeDetail => ({
    ...detail,
    ...(detail.before !== undefined && { before: shown(detail, detail.before) }),
    ...(detail.after !== undefined && { after: shown(detail, detail.after) })
  })
  return changes.map((change) =>
    change.details === undefined ? change : Object.assign({}, change, { details: change.details.map(detailOf) })
  )
}
