// How a stack in memory is rolled back by an operation of its own.
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import { isOfStack } from "../../domain/stack/StackEvents.ts"
import { type InjectedFailures, lastStatuses } from "./MemoryOperation.ts"
import type { MemoryStack, StackStep } from "./MemoryStack.ts"
import type { ResourceEvent } from "./resourceEvents.ts"
import type { ResolvedResource } from "./template/resolve.ts"

/** The first resource that fails to be rolled back, if any does. */
export const failedRollback = (
  kind: "create" | "update",
  resources: ReadonlyArray<ResolvedResource>,
  { rollbacks }: InjectedFailures,
  timestamp: number
): ResourceEvent | undefined => {
  const resource = resources.find(({ id }) => rollbacks.has(id))
  const status = kind === "create" ? "DELETE_FAILED" : "UPDATE_FAILED"
  return resource && { resource, status, timestamp, reason: rollbacks.get(resource.id) }
}

/** The events since the last rollback of the stack started, newest first. */
const lastRollback = (events: ReadonlyArray<StackEvent>) => {
  const start = events.findIndex((event) => isOfStack(event) && event.status === "UPDATE_ROLLBACK_IN_PROGRESS")
  return events.slice(0, Math.max(0, start))
}

/** The ids of the resources that the last rollback could not roll back. */
export const notRolledBack = (stack: MemoryStack, now: number): ReadonlySet<string> => {
  const events = lastRollback(stack.eventsAt(now)).filter((event) => !isOfStack(event))
  const newest = new Map(events.toReversed().map(({ logicalResourceId, status }) => [logicalResourceId, status]))
  return new Set(Array.from(newest, ([id, status]) => status === "UPDATE_FAILED" ? [id] : []).flat())
}

/** Whether the stack was complete before, so that there is something to roll back to. */
const wasComplete = (events: ReadonlyArray<StackEvent>) => {
  const statuses = events.filter(isOfStack).map(({ status }) => status)
  return !statuses.includes("CREATE_IN_PROGRESS") || statuses.some((status) => /^(?!ROLLBACK).*_COMPLETE$/.test(status))
}

/** The events of a rollback that starts now. */
export const rollbackEvents = (
  stack: MemoryStack,
  { failures, now, resourceMillis, resourcesToSkip }: {
    readonly failures: InjectedFailures
    readonly now: number
    readonly resourceMillis: number
    readonly resourcesToSkip: ReadonlyArray<string>
  }
): ReadonlyArray<ResourceEvent | StackStep> => {
  const isCreation = stack.statusAt(now) === "CREATE_FAILED" || !wasComplete(stack.eventsAt(now))
  const kind = isCreation ? "create" : "update"
  const resources = stack.attempted.resources
  const end = now + resourceMillis
  const skipped = resources.filter(({ id }) => resourcesToSkip.includes(id))
  const stuck = failedRollback(kind, resources.filter((resource) => !skipped.includes(resource)), failures, end)
  const [first, ...others] = lastStatuses[kind][stuck === undefined ? "failed" : "rollbackFailed"]
  const reason = stuck &&
    `The following resource(s) failed to ${isCreation ? "delete" : "update"}: [${stuck.resource.id}].`
  return [
    { status: first, timestamp: now, reason: "User Initiated" },
    // Skipping leaves a resource as it is, and calls that complete.
    ...skipped.map((resource) => ({ resource, status: "UPDATE_COMPLETE", timestamp: end, reason: undefined })),
    ...(stuck === undefined ? [] : [stuck]),
    ...others.map((status, index) => ({ status, timestamp: now + resourceMillis * (1 + index), reason }))
  ]
}
