// CloudFormation as an abstract machine: what can become of one stack's name. Every function is pure and gives all that
// can happen next; nothing here is shared with the code under test but the spelling of the statuses.

export interface ModelEvent {
  /** Empty where the call that began the operation had none. */
  readonly token: string
  readonly status: string
  readonly at: number
}

export interface ModelStack {
  readonly id: string
  readonly status: string
  readonly createdAt: number
  readonly changedAt: number
  /** Of the operation that is under way, or was the last. */
  readonly token: string
  /** Oldest first. */
  readonly events: ReadonlyArray<ModelEvent>
}

/** An operation of the action that CloudFormation has begun. */
export interface ModelOperation {
  readonly token: string
  readonly stack: string
  readonly result: "running" | "succeeded" | "failed"
}

/** What CloudFormation thinks of the action's template: it takes it, has it already, or does not want it. */
export type Template = "new" | "same" | "wrong"

export interface Cloud {
  readonly now: number
  readonly template: Template
  readonly stacks: ReadonlyArray<ModelStack>
  readonly operations: ReadonlyArray<ModelOperation>
}

export const name = "MyTestStack"

export const idOf = (index: number) => `arn:aws:cloudformation:us-east-1:123456789012:stack/${name}/${index}`

/** Some of the others send no token, as the AWS CLI does. */
const none = ""

/** A stack that somebody else has brought into this status. */
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
    createdAt: at,
    changedAt: at,
    token: none,
    events: [{ token: none, status, at }]
  })
  return { now, template, stacks: status === undefined ? [] : [stack(status)], operations: [] }
}

/** By id, or by the name that a deleted stack has no more. */
export const find = (stacks: ReadonlyArray<ModelStack>, stack: string): ModelStack | undefined =>
  stacks.find(({ id }) => id === stack) ??
    stacks.find(({ status }) => stack === name && status !== "DELETE_COMPLETE")

/** How the statuses can follow one another while CloudFormation works. */
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

const updatable = new Set([
  "CREATE_COMPLETE",
  "UPDATE_COMPLETE",
  "IMPORT_COMPLETE",
  "UPDATE_ROLLBACK_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE"
])

export const isRunning = ({ status }: ModelStack) => Object.hasOwn(successors, status)

const succeeding = new Set(["CREATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"])

/** What a status, once reached, makes of the operation that reached it. */
const resultOf = (status: string, token: string) => {
  if (token.startsWith("delete-") ? status === "DELETE_COMPLETE" : succeeding.has(status)) return "succeeded"
  return Object.hasOwn(successors, status) ? "running" : "failed"
}

const second = 1_000

/** The stack gets this status, by the operation with this token. */
const bring = (cloud: Cloud, id: string, status: string, token: string, changes: boolean): Cloud => {
  // What CloudFormation does by itself takes no time here: the order of events is that of the list.
  const at = changes ? cloud.now + second : cloud.now
  return {
    ...cloud,
    now: at,
    stacks: cloud.stacks.map((stack) =>
      stack.id === id
        ? {
          ...stack,
          status,
          token,
          changedAt: changes ? at : stack.changedAt,
          events: [...stack.events, { token, status, at }]
        }
        : stack
    ),
    operations: cloud.operations.map((operation) => {
      if (operation.stack !== id || operation.result !== "running") return operation
      // Another operation has cut ours off; what it was about to do is not done.
      if (operation.token !== token) return { ...operation, result: "failed" }
      return { ...operation, result: resultOf(status, token) }
    })
  }
}

/** What CloudFormation can do by itself. */
export const advances = (cloud: Cloud): ReadonlyArray<readonly [what: string, cloud: Cloud]> =>
  cloud.stacks.flatMap((stack) =>
    (successors[stack.status] ?? []).map((status) =>
      [`${stack.status} → ${status}`, bring(cloud, stack.id, status, stack.token, false)] as const
    )
  )

/** What somebody else can do. */
export const interferences = (cloud: Cloud): ReadonlyArray<readonly [what: string, cloud: Cloud]> => {
  const stack = find(cloud.stacks, name)
  if (stack === undefined) return [["somebody creates it", add(cloud, none)]]
  const update = ["somebody updates it", bring(cloud, stack.id, "UPDATE_IN_PROGRESS", none, true)] as const
  const cancel = [
    "somebody cancels the update",
    bring(cloud, stack.id, "UPDATE_ROLLBACK_IN_PROGRESS", "Console-3", false)
  ] as const
  const remove = ["somebody deletes it", bring(cloud, stack.id, "DELETE_IN_PROGRESS", "Console-4", false)] as const
  return [
    ...(updatable.has(stack.status) ? [update] : []),
    ...(stack.status === "UPDATE_IN_PROGRESS" ? [cancel] : []),
    ...(stack.status === "DELETE_IN_PROGRESS" ? [] : [remove])
  ]
}

const add = (cloud: Cloud, token: string): Cloud => {
  const at = cloud.now + second
  const status = "CREATE_IN_PROGRESS"
  const stack = {
    id: idOf(cloud.stacks.length),
    status,
    createdAt: at,
    changedAt: at,
    token,
    events: [{ token, status, at }]
  }
  return { ...cloud, now: at, stacks: [...cloud.stacks, stack] }
}

const begin = (cloud: Cloud, token: string): Cloud => ({
  ...cloud,
  operations: [
    ...cloud.operations,
    { token, stack: cloud.stacks.at(-1)?.id ?? "", result: "running" }
  ]
})

/** CloudFormation's answer to a call that changes a stack. */
export type Answer =
  | { readonly _tag: "Begun"; readonly stackId: string }
  | { readonly _tag: "NoUpdates" | "TokenUsed" | "StackExists" | "Rejected" }
  | { readonly _tag: "StackNotReady"; readonly status: string }

type Reply = readonly [answer: Answer, cloud: Cloud]

/** All that CloudFormation is known, or thought, to answer to a token that it has seen. */
const repeated = (cloud: Cloud, { stack: id }: ModelOperation): ReadonlyArray<Reply> => {
  const stack = find(cloud.stacks, id)
  return [
    [{ _tag: "Begun", stackId: id }, cloud],
    [{ _tag: "TokenUsed" }, cloud],
    ...(stack !== undefined && isRunning(stack)
      ? [[{ _tag: "StackNotReady", status: stack.status }, cloud] as const]
      : [])
  ]
}

/** CreateStack. */
export const create = (cloud: Cloud, token: string): ReadonlyArray<Reply> => {
  const before = cloud.operations.find((operation) => operation.token === token)
  const stack = find(cloud.stacks, name)
  const exists = [{ _tag: "StackExists" }, cloud] as const
  if (before !== undefined) {
    return [...repeated(cloud, before).filter(([{ _tag }]) => _tag !== "StackNotReady"), ...(stack ? [exists] : [])]
  }
  if (stack !== undefined) return [exists]
  if (cloud.template === "wrong") return [[{ _tag: "Rejected" }, cloud]]
  const created = begin(add(cloud, token), token)
  return [[{ _tag: "Begun", stackId: created.stacks.at(-1)?.id ?? "" }, created]]
}

/** The stack is as an operation of the action has left it. */
const hasTemplate = ({ operations }: Cloud, { id, token }: ModelStack) =>
  operations.some((operation) =>
    operation.stack === id && operation.token === token && operation.result === "succeeded"
  )

/** DeleteStack. Of a stack that is gone, and to a token that was used, it says nothing else than to a new one. */
export const remove = (cloud: Cloud, token: string, id: string): ReadonlyArray<Reply> => {
  const stack = find(cloud.stacks, id)
  const begun = { _tag: "Begun", stackId: id } as const
  const before = cloud.operations.find((operation) => operation.token === token && operation.stack === stack?.id)
  if (stack === undefined || stack.status === "DELETE_COMPLETE") return [[begun, cloud]]
  if (before !== undefined) return [[begun, cloud], [{ _tag: "TokenUsed" }, cloud]]
  if (stack.status === "DELETE_IN_PROGRESS") return [[begun, cloud]]
  const changed = bring(cloud, stack.id, "DELETE_IN_PROGRESS", token, true)
  return [[begun, { ...changed, operations: [...changed.operations, { token, stack: stack.id, result: "running" }] }]]
}

/** UpdateStack. Nobody documents which of the two it says of a stack that is gone, when it is named by its id. */
export const update = (cloud: Cloud, token: string, id: string): ReadonlyArray<Reply> => {
  const stack = find(cloud.stacks, id)
  if (stack === undefined || stack.status === "REVIEW_IN_PROGRESS") return [[{ _tag: "Rejected" }, cloud]]
  const before = cloud.operations.find((operation) => operation.token === token && operation.stack === stack.id)
  if (before !== undefined) {
    const same = before.result === "succeeded" && updatable.has(stack.status)
    return [...repeated(cloud, before), ...(same ? [[{ _tag: "NoUpdates" }, cloud] as const] : [])]
  }
  const notReady = [{ _tag: "StackNotReady", status: stack.status }, cloud] as const
  if (stack.status === "DELETE_COMPLETE") return [notReady, [{ _tag: "Rejected" }, cloud]]
  if (!updatable.has(stack.status)) return [notReady]
  if (cloud.template === "same" || hasTemplate(cloud, stack)) return [[{ _tag: "NoUpdates" }, cloud]]
  if (cloud.template === "wrong") return [[{ _tag: "Rejected" }, cloud]]
  const changed = bring(cloud, stack.id, "UPDATE_IN_PROGRESS", token, true)
  const operations = [
    ...changed.operations,
    { token, stack: stack.id, result: "running" } as const
  ]
  return [[{ _tag: "Begun", stackId: stack.id }, { ...changed, operations }]]
}
