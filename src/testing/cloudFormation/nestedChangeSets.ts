// The change sets of nested stacks, which are made with that of their root.
import * as Result from "effect/Result"
import type { ChangeSet, ResourceChange } from "../../domain/stack/ChangeSet.ts"
import type { MemorySettings } from "./MemorySettings.ts"
import type { MemoryStack } from "./MemoryStack.ts"
import { changesBetween, isNestedStack } from "./template/changes.ts"
import type { MemoryTemplate } from "./template/MemoryTemplate.ts"
import type { Resolved, ResolvedResource } from "./template/resolve.ts"

/** What an operation makes of a nested stack. */
export interface NestedTarget {
  /** It does not exist yet if the operation creates it. */
  readonly stack: MemoryStack
  readonly template: MemoryTemplate
  readonly settings: MemorySettings
  readonly resolved: Resolved
}

export interface NestedChangeSet {
  readonly id: string
  readonly logicalId: string
  readonly stackId: string
  readonly hiddenParameters: ReadonlyArray<string>
  readonly changes: ReadonlyArray<ResourceChange>
  /** Why it could not be created. */
  readonly reason: string | undefined
  readonly nested: ReadonlyArray<NestedChangeSet>
}

/** What a change set includes. */
export interface NestedRequest {
  /** The name of the root change set. */
  readonly name: string
  readonly capabilities: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly now: number
  readonly isImported: (resource: ResolvedResource) => boolean
}

/** The change sets of all stacks that are nested in the resources, directly or not. */
export const nestedWithin = (nested: ReadonlyArray<NestedChangeSet>): ReadonlyArray<NestedChangeSet> =>
  nested.flatMap((changeSet) => [changeSet, ...nestedWithin(changeSet.nested)])

/** The change sets of the stacks that are nested in the stack. */
export const nestedChangeSets = (
  parent: MemoryStack,
  { resources }: Resolved,
  request: NestedRequest,
  depth = 0
): ReadonlyArray<NestedChangeSet> =>
  resources.filter(isNestedStack).map((resource) => nestedChangeSet(parent, resource, request, depth))

const nestedChangeSet = (
  parent: MemoryStack,
  resource: ResolvedResource,
  request: NestedRequest,
  depth: number
): NestedChangeSet => {
  const logicalId = resource.id
  const target = parent.nestedTarget(resource, { ...request, depth })
  const id = parent.id.replace(/stack\/.*/, `changeSet/${request.name}-${parent.name}-${logicalId}/${request.now}`)
  if (Result.isFailure(target)) {
    const stackId = parent.physicalIdOf(logicalId)
    return { id, logicalId, stackId, hiddenParameters: [], changes: [], nested: [], reason: target.failure }
  }
  const { resolved, settings, stack } = target.success
  const nested = nestedChangeSets(stack, resolved, request, depth + 1)
  const changes = withNested(changesBetween(stack.resolved, resolved, request.isImported), nested)
  const hiddenParameters = [...settings.noEcho]
  return { id, logicalId, stackId: stack.id, hiddenParameters, changes, nested, reason: failureOf(nested) }
}

/** CloudFormation's reason if a nested change set could not be created. */
export const failureOf = (nested: ReadonlyArray<NestedChangeSet>): string | undefined => {
  const failed = nested.find(({ reason }) => reason !== undefined)
  return failed && `Nested change set ${failed.id} was not successfully created: Currently in FAILED.`
}

/** The changes with the ids of the nested change sets. A nested stack that does not change is not among them. */
export const withNested = (
  changes: ReadonlyArray<ResourceChange>,
  nested: ReadonlyArray<NestedChangeSet>
): ReadonlyArray<ResourceChange> => {
  const byId = new Map(nested.map((changeSet) => [changeSet.logicalId, changeSet]))
  return changes.flatMap((change) => {
    const own = byId.get(change.logicalResourceId)
    if (own === undefined) return [change]
    const isUnchanged = own.changes.length === 0 && own.reason === undefined &&
      change.details?.every(({ source }) => source === "Automatic") === true
    return isUnchanged ? [] : [{ ...change, nestedChangeSet: own.id }]
  })
}

/** A nested change set as DescribeChangeSet shows it. */
export const describeNested = (
  { changes, hiddenParameters, id, reason, stackId }: NestedChangeSet,
  root: ChangeSet
): ChangeSet => ({
  id,
  name: id.split("/")[1] ?? "",
  stackId,
  createdAt: root.createdAt,
  changes,
  rootId: root.id,
  ...(hiddenParameters.length > 0 && { hiddenParameters }),
  status: reason === undefined || root.status !== "FAILED" ? root.status : "FAILED",
  executionStatus: root.executionStatus,
  ...(reason !== undefined && root.status === "FAILED" && { reason })
})
