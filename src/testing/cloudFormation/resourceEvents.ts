// The events of the resources in an operation.
import { changesBetween } from "./template/changes.ts"
import type { Resolved, ResolvedResource } from "./template/resolve.ts"

export type OperationKind = "create" | "update" | "delete"

/** What an operation does to one resource. */
export interface Step {
  readonly resource: ResolvedResource
  readonly verb: "CREATE" | "IMPORT" | "UPDATE" | "DELETE"
  /** The resources whose steps end before this one starts. */
  readonly after: ReadonlySet<string>
  /** Whether the resource is kept although the stack loses it. */
  readonly isSkipped: boolean
  readonly reason?: string
}

const isKept = (policy: string) => policy === "Retain" || policy === "RetainExceptOnCreate"

/** Deletes resources: first those on which no other depends. */
const deletions = (resources: ReadonlyArray<ResolvedResource>, keeps: (resource: ResolvedResource) => boolean) =>
  resources.toReversed().map((resource): Step => ({
    resource,
    verb: "DELETE",
    after: new Set(resources.filter(({ dependsOn }) => dependsOn.has(resource.id)).map(({ id }) => id)),
    isSkipped: keeps(resource)
  }))

/** The steps of an operation in their order, and those of the cleanup that follows an update. */
export const stepsOf = (
  kind: OperationKind,
  before: Resolved,
  after: Resolved,
  isImported?: (resource: ResolvedResource) => boolean
) => {
  if (kind === "delete") {
    return { steps: deletions(before.resources, ({ deletionPolicy }) => isKept(deletionPolicy)), cleanup: [] }
  }
  const changes = new Map(changesBetween(before, after, isImported).map((change) => [change.logicalResourceId, change]))
  const steps = after.resources.flatMap((resource): ReadonlyArray<Step> => {
    const change = changes.get(resource.id)
    if (change === undefined) return []
    const step = { resource, after: resource.dependsOn, isSkipped: false }
    if (change.action === "Add") return [{ ...step, verb: "CREATE" }]
    if (change.action === "Import") return [{ ...step, verb: "IMPORT" }]
    return [{ ...step, verb: "UPDATE", ...(change.replacement === "True" && { reason: replaces }) }]
  })
  const isReplaced = ({ id }: ResolvedResource) => changes.get(id)?.replacement === "True"
  const old = before.resources.filter((resource) =>
    isReplaced(resource) || changes.get(resource.id)?.action === "Remove"
  )
  return {
    steps,
    cleanup: deletions(
      old,
      (resource) => isKept(isReplaced(resource) ? resource.updateReplacePolicy : resource.deletionPolicy)
    )
  }
}

const replaces = "Requested update requires the creation of a new physical resource; hence creating one."

/** CloudFormation's words for what was cancelled. */
const nouns = { CREATE: "creation", IMPORT: "import", UPDATE: "update", DELETE: "deletion" }

export interface ResourceEvent {
  readonly resource: ResolvedResource
  readonly status: string
  readonly timestamp: number
  readonly reason: string | undefined
}

/** The failure of a step. */
export interface StepFailure {
  readonly index: number
  readonly reason: string
}

/**
 * One step ends after another, each after `millis`. It starts when those before it have ended that it depends on. A failure
 * cancels the steps in progress; the others do not start.
 */
export const eventsOf = (
  steps: ReadonlyArray<Step>,
  now: number,
  millis: number,
  failure?: StepFailure
): ReadonlyArray<ResourceEvent> => {
  const last = failure?.index ?? Infinity
  const ends = new Map(steps.map(({ resource }, index) => [resource.id, now + millis * (1 + index)]))
  const failsAt = now + millis * (1 + last)
  const events = steps.flatMap(({ after, isSkipped, reason, resource, verb }, index): ReadonlyArray<ResourceEvent> => {
    const start = Math.max(now, ...Array.from(after, (id) => ends.get(id) ?? now))
    const end = Math.min(ends.get(resource.id) ?? now, failsAt)
    if (index > last && start >= failsAt) return []
    const started: ResourceEvent = { resource, status: `${verb}_IN_PROGRESS`, timestamp: start, reason }
    if (index > last) {
      const reason = `Resource ${nouns[verb]} cancelled`
      return [started, { resource, status: `${verb}_FAILED`, timestamp: end, reason }]
    }
    if (index === last) {
      return [started, { resource, status: `${verb}_FAILED`, timestamp: end, reason: failure?.reason }]
    }
    if (isSkipped) return [{ resource, status: "DELETE_SKIPPED", timestamp: end, reason: undefined }]
    return [started, { resource, status: `${verb}_COMPLETE`, timestamp: end, reason: undefined }]
  })
  return events.toSorted((a, b) => a.timestamp - b.timestamp)
}

/** How long the steps take. */
export const duration = (steps: ReadonlyArray<Step>, millis: number, failure?: StepFailure) =>
  millis * Math.max(1, failure === undefined ? steps.length : failure.index + 1)
