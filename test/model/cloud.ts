// CloudFormation as an abstract machine: the stacks of one name and the operations of the action on them. Every function
// is pure and returns all possible answers or next states. It shares nothing with the code under test but the spelling of
// the statuses.

export interface ModelEvent {
  /** Empty if the operation has no token. */
  readonly token: string
  readonly status: string
  readonly at: number
}

export interface ModelStack {
  readonly id: string
  readonly status: string
  readonly createdAt: number
  readonly changedAt: number
  /** The token of the current or last operation. */
  readonly token: string
  /** How many operations have succeeded. Its outputs show it. */
  readonly revision: number
  /** Oldest first. */
  readonly events: ReadonlyArray<ModelEvent>
  /** Oldest first (changeSets.ts). */
  readonly changeSets?: ReadonlyArray<ModelChangeSet>
  /** Whether somebody has changed a resource without CloudFormation; absent if drift does not matter (drift.ts). */
  readonly hasDrifted?: boolean
  /** Oldest first. */
  readonly detections?: ReadonlyArray<ModelDetection>
}

/** A drift detection. Its id shows whose it is. */
export interface ModelDetection {
  readonly id: string
  readonly result: "running" | "in sync" | "drifted" | "unchecked"
}

export interface ModelChangeSet {
  readonly id: string
  readonly name: string
  /** Empty if another actor created it. */
  readonly description: string
  readonly createdAt: number
  readonly status: "creating" | "available" | "empty" | "failed" | "obsolete" | "executed"
  /** Whether it does not show what it changes in the nested stack. */
  readonly isNestedHidden?: boolean
  /** The id of the change set in which it is nested. */
  readonly rootId?: string
  /** What was requested, if an own change set was. */
  readonly features?: ModelFeatures
}

/** The features of a change set. */
export interface ModelFeatures {
  readonly includeNestedStacks?: boolean | undefined
  readonly importExistingResources?: boolean | undefined
  readonly deploymentMode?: string | undefined
}

/** An operation that CloudFormation has started for the action. */
export interface ModelOperation {
  readonly token: string
  readonly stack: string
  readonly result: "running" | "succeeded" | "failed"
  /** The stack's revision when the operation succeeded. */
  readonly revision?: number
  /** The id of the change set that it executes. */
  readonly changeSet?: string
}

/** How CloudFormation judges the action's template: as an update, as no update, or as invalid. */
export type Template = "new" | "same" | "invalid"

export interface Cloud {
  readonly now: number
  /** Whether operations skip the statuses between their start and their end, so that there are fewer states. */
  readonly isBrief?: boolean
  /** Whether CloudFormation deletes a stack that it cannot create (OnFailure DELETE). */
  readonly deletesFailed?: boolean
  /** Whether a drift detection can fail to check resources. */
  readonly detectionsFail?: boolean
  /** Whether the template has a nested stack. */
  readonly hasNestedStack?: boolean
  readonly template: Template
  readonly stacks: ReadonlyArray<ModelStack>
  readonly operations: ReadonlyArray<ModelOperation>
  /** The own cancellations: their tokens, and those of the updates that they cancelled. */
  readonly cancelled?: ReadonlyArray<{ readonly token: string; readonly update: string }>
}

export const name = "MyTestStack"

const second = 1_000

export const idOf = (index: number) => `arn:aws:cloudformation:us-east-1:123456789012:stack/${name}/${index}`

/** Other actors may send no token, as the AWS CLI does. */
const noToken = ""

/** A cloud whose stack another actor has brought into this status; without a status, there is no stack. */
export const cloudWith = (
  status: string | undefined,
  template: Template,
  now: number,
  age: number,
  index = 0
): Cloud => {
  const at = now - age
  const stack = (status: string) => ({
    id: idOf(index),
    status,
    // The operation that led to the status started before it.
    createdAt: at - second,
    changedAt: at - second,
    token: noToken,
    revision: 0,
    events: [{ token: noToken, status, at }]
  })
  return { now, template, stacks: status === undefined ? [] : [stack(status)], operations: [] }
}

/** Finds a stack by its id, or by the name, which a deleted stack no longer has. */
export const find = (stacks: ReadonlyArray<ModelStack>, stack: string): ModelStack | undefined =>
  stacks.find(({ id }) => id === stack) ??
    stacks.find(({ status }) => stack === name && status !== "DELETE_COMPLETE")

/** The statuses that can follow a status while CloudFormation works. */
const successors: Readonly<Record<string, ReadonlyArray<string>>> = {
  CREATE_IN_PROGRESS: ["CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS", "CREATE_FAILED"],
  ROLLBACK_IN_PROGRESS: ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"],
  UPDATE_IN_PROGRESS: ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED"],
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: ["UPDATE_COMPLETE"],
  UPDATE_ROLLBACK_IN_PROGRESS: ["UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"],
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: ["UPDATE_ROLLBACK_COMPLETE"],
  IMPORT_IN_PROGRESS: ["IMPORT_COMPLETE", "IMPORT_ROLLBACK_IN_PROGRESS"],
  IMPORT_ROLLBACK_IN_PROGRESS: ["IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED"],
  DELETE_IN_PROGRESS: ["DELETE_COMPLETE", "DELETE_FAILED"],
  MOVE_IN_PROGRESS: ["MOVE_COMPLETE"]
}

const briefSuccessors: typeof successors = {
  ...successors,
  CREATE_IN_PROGRESS: ["CREATE_COMPLETE", "ROLLBACK_COMPLETE"],
  UPDATE_IN_PROGRESS: ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"],
  UPDATE_ROLLBACK_IN_PROGRESS: ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"],
  DELETE_IN_PROGRESS: ["DELETE_COMPLETE"]
}

export const updatable = new Set([
  "CREATE_COMPLETE",
  "UPDATE_COMPLETE",
  "IMPORT_COMPLETE",
  "UPDATE_ROLLBACK_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE"
])

export const isRunning = ({ status }: ModelStack) => Object.hasOwn(successors, status)

const succeeding = new Set([
  "CREATE_COMPLETE",
  "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
  "UPDATE_COMPLETE",
  "IMPORT_COMPLETE"
])

const rolledBack = new Set(["UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"])

/** The result of an operation that has brought the stack into this status. */
const resultOf = (status: string, token: string) => {
  if (/^(continue-)?rollback-/.test(token) && rolledBack.has(status)) return "succeeded"
  if (token.startsWith("delete-") ? status === "DELETE_COMPLETE" : succeeding.has(status)) return "succeeded"
  return Object.hasOwn(successors, status) ? "running" : "failed"
}

/** An operation makes all change sets obsolete; a deleted stack has none. */
const changeSetsAfter = (changeSets: ReadonlyArray<ModelChangeSet>, status: string) => {
  if (status === "DELETE_COMPLETE") return []
  return status === "UPDATE_IN_PROGRESS"
    ? changeSets.map((changeSet) =>
      changeSet.status === "executed" ? changeSet : { ...changeSet, status: "obsolete" as const }
    )
    : changeSets
}

/** Sets the stack's status by the operation with this token. `changes`: DescribeStacks shows a new time of change. */
export const setStatus = (cloud: Cloud, id: string, status: string, token: string, changes: boolean): Cloud => {
  // The work of CloudFormation takes longer than a call, so no operation starts and ends during one.
  const at = cloud.now + (changes ? second : 5 * second)
  const before = find(cloud.stacks, id)
  const revision = (before?.revision ?? 0) +
    (/^(?:CREATE|UPDATE|IMPORT)_IN_PROGRESS$/.test(before?.status ?? "") && succeeding.has(status) ? 1 : 0)
  return {
    ...cloud,
    now: at,
    stacks: cloud.stacks.map((stack) =>
      stack.id === id
        ? {
          ...stack,
          status,
          token,
          revision,
          changedAt: changes ? at : stack.changedAt,
          events: [...stack.events, { token, status, at }],
          ...(stack.changeSets && { changeSets: changeSetsAfter(stack.changeSets, status) })
        }
        : stack
    ),
    operations: cloud.operations.map((operation) => {
      if (operation.stack !== id || operation.result !== "running") return operation
      // Another operation has interrupted ours, which did not finish.
      if (operation.token !== token) return { ...operation, result: "failed" }
      const result = resultOf(status, token)
      return { ...operation, result, ...(result === "succeeded" && { revision }) }
    })
  }
}

const successorsOf = ({ deletesFailed, isBrief }: Cloud, { status }: ModelStack) =>
  deletesFailed && status === "CREATE_IN_PROGRESS"
    ? ["CREATE_COMPLETE", "DELETE_IN_PROGRESS"]
    : (isBrief ? briefSuccessors : successors)[status] ?? []

/** The next states of CloudFormation's own work. */
export const progressTransitions = (cloud: Cloud): ReadonlyArray<readonly [label: string, cloud: Cloud]> =>
  cloud.stacks.flatMap((stack) =>
    successorsOf(cloud, stack).map((status) =>
      [`${stack.status} → ${status}`, setStatus(cloud, stack.id, status, stack.token, false)] as const
    )
  )

/** The next states by another actor. */
export const otherActorTransitions = (cloud: Cloud): ReadonlyArray<readonly [label: string, cloud: Cloud]> => {
  const stack = find(cloud.stacks, name)
  if (stack === undefined) return [["another actor creates the stack", addStack(cloud, noToken)]]
  const update = [
    "another actor updates the stack",
    setStatus(cloud, stack.id, "UPDATE_IN_PROGRESS", noToken, true)
  ] as const
  const cancel = [
    "another actor cancels the update",
    setStatus(cloud, stack.id, "UPDATE_ROLLBACK_IN_PROGRESS", "Console-3", false)
  ] as const
  const remove = [
    "another actor deletes the stack",
    setStatus(cloud, stack.id, "DELETE_IN_PROGRESS", "Console-4", false)
  ] as const
  return [
    ...(updatable.has(stack.status) ? [update] : []),
    ...(stack.status === "UPDATE_IN_PROGRESS" ? [cancel] : []),
    ...(stack.status === "DELETE_IN_PROGRESS" ? [] : [remove])
  ]
}

export const addStack = (cloud: Cloud, token: string, status = "CREATE_IN_PROGRESS"): Cloud => {
  const at = cloud.now + second
  const stack = {
    id: idOf(cloud.stacks.length),
    status,
    createdAt: at,
    changedAt: at,
    token,
    revision: 0,
    events: [{ token, status, at }]
  }
  return { ...cloud, now: at, stacks: [...cloud.stacks, stack] }
}

/** CloudFormation's answer to a call that changes a stack. */
export type Answer =
  | { readonly _tag: "Started"; readonly stackId: string }
  | { readonly _tag: "NoUpdates" | "TokenUsed" | "StackExists" | "Rejected" }
  | { readonly _tag: "StackNotReady"; readonly status: string }

export type Outcome = readonly [answer: Answer, cloud: Cloud]
