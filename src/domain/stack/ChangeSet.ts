// What can be done with a change set, and what it would change.
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { truncate } from "../job/JobOutcome.ts"
import { evidence, isOfStack, ownOperation, type StackEvent } from "./StackEvents.ts"
import type { Owner } from "./StackOperation.ts"
import { phaseOf } from "./StackStatus.ts"

/** What changes of a resource, and why. Source: shapes ResourceChangeDetail and ResourceTargetDefinition. */
export const ChangeDetail = Schema.Struct({
  /** `Properties`, `Metadata`, `Tags`, … */
  attribute: Schema.String,
  /** The name of the property. */
  name: Schema.optionalKey(Schema.String),
  /** The path of the property, such as `/Properties/Tags/0/Value`. */
  path: Schema.optionalKey(Schema.String),
  /** The values before and after, which CloudFormation can cut; only if they were requested. */
  before: Schema.optionalKey(Schema.String),
  after: Schema.optionalKey(Schema.String),
  /** `Never`, `Conditionally` or `Always`: whether the change of this property replaces the resource. */
  requiresRecreation: Schema.optionalKey(Schema.String),
  /** `Static`, or `Dynamic` if only the execution shows the value. */
  evaluation: Schema.optionalKey(Schema.String),
  /** `DirectModification`, `ParameterReference`, `ResourceReference`, `ResourceAttribute`, `Automatic`, … */
  source: Schema.optionalKey(Schema.String),
  /** The parameter, resource or attribute that causes the change. */
  cause: Schema.optionalKey(Schema.String)
})
export type ChangeDetail = typeof ChangeDetail.Type

/** One change to a resource. Source: shape ResourceChange of CloudFormation's API. */
export const ResourceChange = Schema.Struct({
  /** `Add`, `Modify`, `Remove`, `Import`, `Dynamic`, or an action that AWS added later. */
  action: Schema.String,
  logicalResourceId: Schema.String,
  resourceType: Schema.String,
  /** `True` or `Conditional` if the modified resource is, or may be, replaced: recreated, and the old one removed. */
  replacement: Schema.optionalKey(Schema.String),
  /** What happens to the old resource, such as `Retain` or `ReplaceAndDelete`. */
  policyAction: Schema.optionalKey(Schema.String),
  physicalResourceId: Schema.optionalKey(Schema.String),
  /** The ARN of the nested stack's own change set. */
  nestedChangeSet: Schema.optionalKey(Schema.String),
  details: Schema.optionalKey(Schema.Array(ChangeDetail))
})
export type ResourceChange = typeof ResourceChange.Type

/** A change set as DescribeChangeSet shows it. */
export const ChangeSet = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  stackId: Schema.String,
  /** Epoch milliseconds. */
  createdAt: Schema.Int,
  status: Schema.String,
  executionStatus: Schema.String,
  /** Why it is in this status. */
  reason: Schema.optionalKey(Schema.String),
  /** deploy-stack marks its own change sets here. */
  description: Schema.optionalKey(Schema.String),
  /** The ARN of the change set from which this nested one is executed and deleted. */
  rootId: Schema.optionalKey(Schema.String),
  /** The names of the parameters whose values CloudFormation hides (NoEcho). */
  hiddenParameters: Schema.optionalKey(Schema.Array(Schema.String)),
  changes: Schema.Array(ResourceChange)
})
export type ChangeSet = typeof ChangeSet.Type

/** What can be done with a change set. */
export type Readiness = Data.TaggedEnum<{
  /** CloudFormation is still creating it. */
  Pending: {}
  /** It can be executed. */
  Ready: {}
  /** It has no changes. */
  Empty: {}
  /** Its execution started or ended. */
  Executed: {}
  /** It is obsolete, being deleted, or could not be created. */
  Unusable: { readonly reason: string }
}>
/** Its constructors, `$is` and `$match`. */
export const Readiness = Data.taggedEnum<Readiness>()

/** CloudFormation's sentences for a change set without changes: of a plain template, and of one with a transform. */
const noChanges = /didn't contain changes|No updates are to be performed/

/** Whether CloudFormation could not create it, although it has changes. */
export const isFailed = ({ reason = "", status }: ChangeSet): boolean => status === "FAILED" && !noChanges.test(reason)

/** By status and execution status. Source: page "DescribeChangeSet" of CloudFormation's API reference. */
export const readiness = ({ executionStatus, reason, status }: ChangeSet): Readiness => {
  if (status === "FAILED" && noChanges.test(reason ?? "")) return Readiness.Empty()
  if (/_(?:PENDING|IN_PROGRESS)$/.test(status)) {
    return status.startsWith("CREATE") ? Readiness.Pending() : Readiness.Unusable({ reason: "it is being deleted" })
  }
  if (status !== "CREATE_COMPLETE") return Readiness.Unusable({ reason: reason ?? `its status is ${status}` })
  switch (executionStatus) {
    case "AVAILABLE":
      return Readiness.Ready()
    case "UNAVAILABLE":
      return Readiness.Pending()
    case "OBSOLETE":
      return Readiness.Unusable({
        reason: "it is obsolete: the stack changed after the change set was created. Create the change set again"
      })
    default:
      return executionStatus.startsWith("EXECUTE_")
        ? Readiness.Executed()
        : Readiness.Unusable({ reason: `its execution status is ${executionStatus}` })
  }
}

/** Who executed a change set. */
export type Executor = Data.TaggedEnum<{
  /** This action. */
  Own: {}
  /** Another actor, with this ClientRequestToken if it sent one. */
  Foreign: { readonly token: string | undefined }
  /** The stack's events do not show it yet. */
  Unknown: {}
  /** The events cannot be read. */
  Denied: {}
  /** The events could not be read in this job. */
  Unavailable: {}
}>
/** Its constructors, `$is` and `$match`. */
export const Executor = Data.taggedEnum<Executor>()

/**
 * Who executed a change set that was created at this time (epoch milliseconds). Any other operation on the stack makes a
 * change set obsolete, so the first operation after its creation is its execution.
 */
export const executor = (events: ReadonlyArray<StackEvent>, owner: Owner, createdAt: number): Executor => {
  if (Option.isSome(ownOperation(evidence(events, owner, ["execute"])))) return Executor.Own()
  const [first] = events
    .filter((event) => isOfStack(event) && event.timestamp > createdAt && phaseOf(event.status) === "Running")
    .toSorted((a, b) => a.timestamp - b.timestamp)
  return first === undefined ? Executor.Unknown() : Executor.Foreign({ token: first.clientRequestToken })
}

const verbs: ReadonlyMap<string, string> = new Map([
  ["Add", "add"],
  ["Modify", "modify"],
  ["Remove", "remove"],
  ["Import", "import"],
  ["Dynamic", "perhaps change"]
])

/** Sorts replacements first, then possible replacements, then removals. */
export const weight = ({ action, replacement }: ResourceChange) => {
  if (replacement === "True") return 0
  if (replacement === "Conditional") return 1
  return action === "Remove" ? 2 : 3
}

const verbOf = (change: ResourceChange) => {
  if (change.replacement === "True") return "replace"
  return change.replacement === "Conditional" ? "perhaps replace" : verbs.get(change.action) ?? change.action
}

/** Maximum number of resources to name. */
const maxNamed = 10

/**
 * The number of changes by kind and up to ten resources by name, replacements first: `3 changes (1 replace, 2 add):
 * replace Database (AWS::RDS::DBInstance), add …`. At most 1,500 characters.
 */
export const summary = (changes: ReadonlyArray<ResourceChange>): string => {
  const sorted = changes.toSorted((a, b) => weight(a) - weight(b))
  const counts = new Map<string, number>()
  for (const change of sorted) counts.set(verbOf(change), (counts.get(verbOf(change)) ?? 0) + 1)
  const counted = Array.from(counts, ([verb, count]) => `${count} ${verb}`).join(", ")
  const named = sorted.slice(0, maxNamed).map((change) =>
    `${verbOf(change)} ${change.logicalResourceId} (${change.resourceType})`
  )
  const more = changes.length > maxNamed ? [`and ${changes.length - maxNamed} more`] : []
  const head = `${changes.length} change${changes.length === 1 ? "" : "s"}`
  return changes.length === 0 ? head : truncate(`${head} (${counted}): ${[...named, ...more].join(", ")}`, 1_500)
}
