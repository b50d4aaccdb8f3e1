// A change set in memory.
import type { ChangeSet } from "../../domain/stack/ChangeSet.ts"
import type { OnStackFailure } from "../../domain/stack/StackPlan.ts"
import { isUnderWay } from "../../domain/stack/StackStatus.ts"
import { earlyValidationReason } from "./MemoryOperation.ts"
import { isUnchanged, type MemorySettings } from "./MemorySettings.ts"
import type { MemoryStack } from "./MemoryStack.ts"
import { changesBetween, isSame } from "./template/changes.ts"
import type { MemoryTemplate } from "./template/MemoryTemplate.ts"
import type { Resolved } from "./template/resolve.ts"

export interface MemoryChangeSet {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly template: MemoryTemplate
  readonly resolved: Resolved
  readonly capabilities: ReadonlyArray<string>
  /** The stack at the time of creation. */
  readonly previous: Resolved
  readonly settings: MemorySettings
  readonly onStackFailure?: OnStackFailure | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** When CloudFormation has created it; epoch milliseconds. */
  readonly readyAt: number
  /** Whether its template fails CloudFormation's early validation. */
  readonly isInvalid: boolean
  readonly executed: boolean
}

/** The maximum number of change sets of a stack, including failed ones (CloudFormation's quotas). */
export const maxChangeSets = 1_000

/** Adds a change set. The id of a change set also identifies its failed validations among the failed events. */
export const addChangeSet = (
  stack: MemoryStack,
  request: Pick<
    MemoryChangeSet,
    "name" | "description" | "template" | "resolved" | "capabilities" | "settings" | "onStackFailure"
  >,
  resourceMillis: number,
  now: number
) => {
  const id = stack.id.replace(/stack\/.*/, `changeSet/${request.name}/${stack.changeSets.length}-${now}`)
  const isInvalid = stack.recordFailedValidations(request.resolved, { operationId: id }, now)
  const readyAt = now + resourceMillis
  const created = { createdAt: now, readyAt, isInvalid, executed: false }
  const changeSet = { ...request, ...created, id, previous: stack.resolved }
  stack.changeSets = [...stack.changeSets, changeSet]
  return { id, stackId: stack.id }
}

export const describeChangeSetAt = (
  stack: MemoryStack,
  { createdAt, description, executed, id, isInvalid, name, previous, readyAt, resolved, settings }: MemoryChangeSet,
  now: number
): ChangeSet => {
  const changes = changesBetween(previous, resolved)
  const shape = { id, name, description, stackId: stack.id, createdAt, changes }
  if (now < readyAt) return { ...shape, status: "CREATE_IN_PROGRESS", executionStatus: "UNAVAILABLE" }
  if (executed) {
    const executionStatus = isUnderWay(stack.statusAt(now)) ? "EXECUTE_IN_PROGRESS" : "EXECUTE_COMPLETE"
    return { ...shape, status: "CREATE_COMPLETE", executionStatus }
  }
  if (isInvalid) return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason: earlyValidationReason }
  if (isSame(previous, resolved) && isUnchanged(settings, stack.settings)) {
    const reason =
      "The submitted information didn't contain changes. Submit different information to create a change set."
    return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason }
  }
  const executionStatus = previous === stack.resolved ? "AVAILABLE" : "OBSOLETE"
  return { ...shape, status: "CREATE_COMPLETE", executionStatus }
}
