// The calls that start an operation on a stack, in the abstract machine of CloudFormation: all answers to each.
import * as Cloud from "./cloud.ts"

const recordOperation = (cloud: Cloud.Cloud, token: string): Cloud.Cloud => ({
  ...cloud,
  operations: [
    ...cloud.operations,
    { token, stack: cloud.stacks.at(-1)?.id ?? "", result: "running" }
  ]
})

/** All answers that CloudFormation may give to a token that it has seen; AWS does not document which. */
export const answersToUsedToken = (
  cloud: Cloud.Cloud,
  { stack: id }: Cloud.ModelOperation
): ReadonlyArray<Cloud.Outcome> => {
  const stack = Cloud.find(cloud.stacks, id)
  return [
    [{ _tag: "Started", stackId: id }, cloud],
    [{ _tag: "TokenUsed" }, cloud],
    ...(stack !== undefined && Cloud.isRunning(stack)
      ? [[{ _tag: "StackNotReady", status: stack.status }, cloud] as const]
      : [])
  ]
}

/** CreateStack. */
export const create = (cloud: Cloud.Cloud, token: string): ReadonlyArray<Cloud.Outcome> => {
  const before = cloud.operations.find((operation) => operation.token === token)
  const stack = Cloud.find(cloud.stacks, Cloud.name)
  const exists = [{ _tag: "StackExists" }, cloud] as const
  if (before !== undefined) {
    return [
      ...answersToUsedToken(cloud, before).filter(([{ _tag }]) => _tag !== "StackNotReady"),
      ...(stack ? [exists] : [])
    ]
  }
  if (stack !== undefined) return [exists]
  if (cloud.template === "invalid") return [[{ _tag: "Rejected" }, cloud]]
  const created = recordOperation(Cloud.addStack(cloud, token), token)
  return [[{ _tag: "Started", stackId: created.stacks.at(-1)?.id ?? "" }, created]]
}

/** Whether the stack is as a succeeded operation of the action left it. */
const hasTemplate = ({ operations }: Cloud.Cloud, { id, token }: Cloud.ModelStack) =>
  operations.some((operation) =>
    operation.stack === id && operation.token === token && operation.result === "succeeded"
  )

/** DeleteStack. It succeeds for a stack that is deleted or being deleted, and may succeed for a used token. */
export const remove = (cloud: Cloud.Cloud, token: string, id: string): ReadonlyArray<Cloud.Outcome> => {
  const stack = Cloud.find(cloud.stacks, id)
  const started = { _tag: "Started", stackId: id } as const
  const before = cloud.operations.find((operation) => operation.token === token && operation.stack === stack?.id)
  if (stack === undefined || stack.status === "DELETE_COMPLETE") return [[started, cloud]]
  if (before !== undefined) return [[started, cloud], [{ _tag: "TokenUsed" }, cloud]]
  if (stack.status === "DELETE_IN_PROGRESS") return [[started, cloud]]
  const changed = Cloud.setStatus(cloud, stack.id, "DELETE_IN_PROGRESS", token, true)
  return [[started, { ...changed, operations: [...changed.operations, { token, stack: stack.id, result: "running" }] }]]
}

/**
 * RollbackStack or ContinueUpdateRollback. AWS does not document whether it counts as a change of the stack, whether the token
 * or the status is checked first, and whether a stack that was never complete is deleted.
 */
export const rollBack = (
  cloud: Cloud.Cloud,
  kind: "rollback" | "continueRollback",
  token: string,
  id: string
): ReadonlyArray<Cloud.Outcome> => {
  const stack = Cloud.find(cloud.stacks, id)
  if (stack === undefined) return [[{ _tag: "Rejected" }, cloud]]
  const notReady = [{ _tag: "StackNotReady", status: "unknown" }, cloud] as const
  const before = cloud.operations.find((operation) => operation.token === token && operation.stack === stack.id)
  if (before !== undefined) return [...answersToUsedToken(cloud, before), notReady]
  const from = kind === "rollback" ? ["CREATE_FAILED", "UPDATE_FAILED"] : ["UPDATE_ROLLBACK_FAILED"]
  if (!from.includes(stack.status)) return [notReady]
  const next = stack.status === "CREATE_FAILED"
    ? ["ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"]
    : ["UPDATE_ROLLBACK_IN_PROGRESS"]
  return next.flatMap((status) =>
    [true, false].map((changes) => {
      const changed = Cloud.setStatus(cloud, stack.id, status, token, changes)
      const operations = [...changed.operations, { token, stack: stack.id, result: "running" } as const]
      return [{ _tag: "Started", stackId: stack.id }, { ...changed, operations }] as const
    })
  )
}

/** CancelUpdateStack. AWS does not document its answer to a token that it has seen. */
export const cancel = (cloud: Cloud.Cloud, token: string, id: string): ReadonlyArray<Cloud.Outcome> => {
  const stack = Cloud.find(cloud.stacks, id)
  const { cancelled = [] } = cloud
  if (stack === undefined) return [[{ _tag: "Rejected" }, cloud]]
  const started = { _tag: "Started", stackId: stack.id } as const
  const notReady = [{ _tag: "StackNotReady", status: "unknown" }, cloud] as const
  if (cancelled.some((before) => before.token === token)) {
    return [[started, cloud], [{ _tag: "TokenUsed" }, cloud], notReady]
  }
  if (stack.status !== "UPDATE_IN_PROGRESS") return [notReady]
  const changed = Cloud.setStatus(cloud, stack.id, "UPDATE_ROLLBACK_IN_PROGRESS", stack.token, false)
  return [[started, { ...changed, cancelled: [...cancelled, { token, update: stack.token }] }]]
}

/** UpdateStack. AWS does not document its answer for the id of a deleted stack. */
export const update = (cloud: Cloud.Cloud, token: string, id: string): ReadonlyArray<Cloud.Outcome> => {
  const stack = Cloud.find(cloud.stacks, id)
  if (stack === undefined || stack.status === "REVIEW_IN_PROGRESS") return [[{ _tag: "Rejected" }, cloud]]
  const before = cloud.operations.find((operation) => operation.token === token && operation.stack === stack.id)
  if (before !== undefined) {
    const same = before.result === "succeeded" && Cloud.updatable.has(stack.status)
    return [...answersToUsedToken(cloud, before), ...(same ? [[{ _tag: "NoUpdates" }, cloud] as const] : [])]
  }
  const notReady = [{ _tag: "StackNotReady", status: stack.status }, cloud] as const
  if (stack.status === "DELETE_COMPLETE") return [notReady, [{ _tag: "Rejected" }, cloud]]
  if (!Cloud.updatable.has(stack.status)) return [notReady]
  if (cloud.template === "same" || hasTemplate(cloud, stack)) return [[{ _tag: "NoUpdates" }, cloud]]
  if (cloud.template === "invalid") return [[{ _tag: "Rejected" }, cloud]]
  const changed = Cloud.setStatus(cloud, stack.id, "UPDATE_IN_PROGRESS", token, true)
  const operations = [
    ...changed.operations,
    { token, stack: stack.id, result: "running" } as const
  ]
  return [[{ _tag: "Started", stackId: stack.id }, { ...changed, operations }]]
}
