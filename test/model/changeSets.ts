// Change sets in the abstract machine of CloudFormation: all answers to the calls on them, and all that can happen to them.
import * as Cloud from "./cloud.ts"
import * as Drift from "./drift.ts"
import { answersToUsedToken } from "./stackOperations.ts"

/** A change set as DescribeChangeSet shows it. */
export interface Shown extends Cloud.ModelChangeSet {
  readonly stackId: string
  readonly shown: readonly [status: string, executionStatus: string, reason?: string]
  /** The id of the change set that is nested in it; empty if the nested stack has none. */
  readonly nested?: string
}

const shapes = {
  creating: ["CREATE_IN_PROGRESS", "UNAVAILABLE"],
  available: ["CREATE_COMPLETE", "AVAILABLE"],
  empty: ["FAILED", "UNAVAILABLE", "The submitted information didn't contain changes."],
  failed: ["FAILED", "UNAVAILABLE", "Template error"],
  obsolete: ["CREATE_COMPLETE", "OBSOLETE"]
} as const

const changeSetsOf = ({ changeSets = [] }: Cloud.ModelStack) => changeSets

/** The name of an executed change set is free. */
const isNamed = (name: string) => (changeSet: Cloud.ModelChangeSet) =>
  changeSet.name === name && changeSet.status !== "executed"

/** Finds a change set by its id, or the newest one by its name. */
const findIn = (stack: Cloud.ModelStack | undefined, key: string) =>
  stack && changeSetsOf(stack).findLast(({ id, name }) => id === key || name === key)

/** DescribeChangeSet. A nested change set is found by its ARN alone, and belongs to a stack of its own. */
export const describe = (
  stacks: ReadonlyArray<Cloud.ModelStack>,
  stackName: string,
  key: string
): Shown | undefined => {
  const stack = stackName === ""
    ? stacks.find((stack) => changeSetsOf(stack).some(({ id }) => id === key))
    : Cloud.find(stacks, stackName)
  const found = findIn(stack, key)
  if (stack === undefined || found === undefined) return undefined
  const { features: _, isNestedHidden, ...changeSet } = found
  const shown = found.status === "executed"
    ? ["CREATE_COMPLETE", Cloud.isRunning(stack) ? "EXECUTE_IN_PROGRESS" : "EXECUTE_COMPLETE"] as const
    : shapes[found.status]
  const nested = changeSetsOf(stack).find(({ rootId }) => rootId === found.id)
  return {
    ...changeSet,
    stackId: changeSetsOf(stack).some(({ id }) => id === found.rootId) ? nestedStackId : stack.id,
    shown,
    ...(nested && { nested: nested.id }),
    ...(isNestedHidden && { nested: "" })
  }
}

const nestedStackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/MyTestStack-Nested/1"

const withChangeSets = (
  cloud: Cloud.Cloud,
  stackId: string,
  change: (changeSets: ReadonlyArray<Cloud.ModelChangeSet>) => ReadonlyArray<Cloud.ModelChangeSet>
): Cloud.Cloud => ({
  ...cloud,
  stacks: cloud.stacks.map((stack) =>
    stack.id === stackId ? { ...stack, changeSets: change(changeSetsOf(stack)) } : stack
  )
})

/** Adds a change set; its description is empty if it is another actor's. */
export const add = (
  cloud: Cloud.Cloud,
  stackId: string,
  name: string,
  description: string,
  status: Cloud.ModelChangeSet["status"],
  features: Cloud.ModelFeatures = {}
): Cloud.Cloud => {
  const createdAt = cloud.now + 1_000
  const id = `arn:aws:cloudformation:us-east-1:123456789012:changeSet/${name}/${createdAt}`
  const common = { id, name, description, createdAt, status, ...(Object.keys(features).length > 0 && { features }) }
  const isListed = cloud.hasNestedStack && features.includeNestedStacks
  const root = { ...common, ...(cloud.hasNestedStack && !isListed && { isNestedHidden: true }) }
  const nested = { ...common, id: `${id}-nested`, name: `${name}-nested`, rootId: id }
  return withChangeSets({ ...cloud, now: createdAt }, stackId, (changeSets) => [
    ...changeSets,
    root,
    ...(isListed ? [nested] : [])
  ])
}

/** The answer to a call on a change set. */
export type Answer =
  | { readonly _tag: "ChangeSetCreated"; readonly id: string; readonly stackId: string }
  | { readonly _tag: "ChangeSetExists" | "ChangeSetNotReady" | "ChangeSetDeleted" }

type Outcome = readonly [answer: Cloud.Answer | Answer, cloud: Cloud.Cloud]

export interface CreateRequest extends Cloud.ModelFeatures {
  readonly stack: string
  readonly changeSet: string
  readonly type: string
  readonly description: string
}

/** CreateChangeSet. */
export const create = (
  cloud: Cloud.Cloud,
  { changeSet, deploymentMode, description, importExistingResources, includeNestedStacks, stack: name, type }:
    CreateRequest
): ReadonlyArray<Outcome> => {
  const stack = Cloud.find(cloud.stacks, name)
  const isInReview = stack?.status === "REVIEW_IN_PROGRESS"
  if (stack !== undefined && changeSetsOf(stack).some(isNamed(changeSet))) return [[{ _tag: "ChangeSetExists" }, cloud]]
  if (type === "CREATE") {
    if (stack !== undefined && !isInReview) return [[{ _tag: "StackExists" }, cloud]]
  } else {
    if (stack === undefined || isInReview) return [[{ _tag: "Rejected" }, cloud]]
    if (!Cloud.updatable.has(stack.status)) return [[{ _tag: "StackNotReady", status: stack.status }, cloud]]
  }
  const target = stack === undefined ? Cloud.addStack(cloud, "", "REVIEW_IN_PROGRESS") : cloud
  const stackId = stack?.id ?? target.stacks.at(-1)?.id ?? ""
  const given = Object.entries({ includeNestedStacks, importExistingResources, deploymentMode })
  const features = Object.fromEntries(given.filter(([, feature]) => feature !== undefined))
  const created = add(target, stackId, changeSet, description, "creating", features)
  const id = findIn(Cloud.find(created.stacks, stackId), changeSet)?.id ?? ""
  return [[{ _tag: "ChangeSetCreated", id, stackId }, created]]
}

/** Starts to execute an available change set. All others of the stack are deleted. */
const startExecution = (
  cloud: Cloud.Cloud,
  stack: Cloud.ModelStack,
  id: string,
  token: string,
  updating = "UPDATE_IN_PROGRESS"
) => {
  const status = stack.status === "REVIEW_IN_PROGRESS" ? "CREATE_IN_PROGRESS" : updating
  const executed = changeSetsOf(stack).filter((other) => other.id === id || other.rootId === id)
  return withChangeSets(
    Cloud.setStatus(cloud, stack.id, status, token, true),
    stack.id,
    () => executed.map((changeSet) => Object.assign({}, changeSet, { status: "executed" as const }))
  )
}

/** ExecuteChangeSet. */
export const execute = (cloud: Cloud.Cloud, stackName: string, key: string, token: string): ReadonlyArray<Outcome> => {
  const stack = Cloud.find(cloud.stacks, stackName)
  const found = findIn(stack, key)
  const notReady: Outcome = [{ _tag: "ChangeSetNotReady" }, cloud]
  if (stack === undefined || found === undefined) return [notReady]
  const before = cloud.operations.find((operation) => operation.token === token && operation.stack === stack.id)
  if (before !== undefined) return [...answersToUsedToken(cloud, before), notReady]
  if (Cloud.isRunning(stack)) return [notReady, [{ _tag: "StackNotReady", status: stack.status }, cloud]]
  if (found.rootId !== undefined) return [[{ _tag: "Rejected" }, cloud]]
  if (found.status !== "available") return [notReady]
  const operation = { token, stack: stack.id, result: "running", changeSet: found.id } as const
  // AWS does not document the status of an update that imports resources by their names.
  const updating = found.features?.importExistingResources
    ? ["UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS"]
    : ["UPDATE_IN_PROGRESS"]
  return updating.map((status) => {
    const target = found.features?.deploymentMode === "REVERT_DRIFT" ? Drift.setDrift(cloud, stack.id, false) : cloud
    const started = startExecution(target, stack, found.id, token, status)
    return [{ _tag: "Started", stackId: stack.id }, { ...started, operations: [...started.operations, operation] }]
  })
}

const without = (cloud: Cloud.Cloud, stackId: string, id: string) =>
  withChangeSets(cloud, stackId, (changeSets) => changeSets.filter((other) => other.id !== id && other.rootId !== id))

/** DeleteChangeSet. */
export const remove = (cloud: Cloud.Cloud, stackName: string, key: string): ReadonlyArray<Outcome> => {
  const stack = Cloud.find(cloud.stacks, stackName)
  const found = findIn(stack, key)
  if (stack === undefined || found === undefined) return [[{ _tag: "ChangeSetDeleted" }, cloud]]
  if (found.rootId !== undefined) return [[{ _tag: "Rejected" }, cloud]]
  if (found.status === "creating" || (found.status === "executed" && Cloud.isRunning(stack))) {
    return [[{ _tag: "ChangeSetNotReady" }, cloud]]
  }
  return [[{ _tag: "ChangeSetDeleted" }, without(cloud, stack.id, found.id)]]
}

const created = { new: "available", same: "empty", invalid: "failed" } as const

/** A nested change set, which comes after its root in the list, is created first. */
const isNext = ({ id }: Cloud.ModelChangeSet, _: number, creating: ReadonlyArray<Cloud.ModelChangeSet>) =>
  !creating.some(({ rootId }) => rootId === id)

/** CloudFormation finishes the creation of a change set. That of another actor has changes. */
export const progressTransitions = (cloud: Cloud.Cloud): ReadonlyArray<readonly [label: string, cloud: Cloud.Cloud]> =>
  cloud.stacks.flatMap((stack) =>
    changeSetsOf(stack).filter(({ status }) => status === "creating").filter(isNext).map(
      ({ description, features, id }) => {
        // The drift to revert is a change.
        const isReverting = features?.deploymentMode === "REVERT_DRIFT" && stack.hasDrifted
        const status = description === "" || isReverting ? "available" : created[cloud.template]
        const change = (changeSet: Cloud.ModelChangeSet) => changeSet.id === id ? { ...changeSet, status } : changeSet
        return [
          `the change set is ${status}`,
          withChangeSets(cloud, stack.id, (changeSets) => changeSets.map(change))
        ] as const
      }
    )
  )

/** The next states by another actor, who executes, deletes or replaces the newest change set. */
export const otherActorTransitions = (
  cloud: Cloud.Cloud
): ReadonlyArray<readonly [label: string, cloud: Cloud.Cloud]> => {
  const stack = Cloud.find(cloud.stacks, Cloud.name)
  const newest = stack &&
    changeSetsOf(stack).findLast(({ rootId, status }) => status !== "executed" && rootId === undefined)
  if (stack === undefined || newest === undefined || newest.status === "creating") return []
  const deleted = without(cloud, stack.id, newest.id)
  const canExecute = newest.status === "available" && !Cloud.isRunning(stack)
  return [
    ...(canExecute
      ? [["another actor executes the change set", startExecution(cloud, stack, newest.id, "Console-5")] as const]
      : []),
    ["another actor deletes the change set", deleted],
    ...(Cloud.isRunning(stack)
      ? []
      : [["another actor replaces the change set", add(deleted, stack.id, newest.name, "", "creating")] as const])
  ]
}
