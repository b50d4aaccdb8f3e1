// A change set in memory.
import type { ChangeDetail, ChangeSet, ResourceChange } from "../../domain/stack/ChangeSet.ts"
import { masked } from "../../domain/stack/plan/ChangePlan.ts"
import type { OnStackFailure } from "../../domain/stack/StackPlan.ts"
import { isUnderWay } from "../../domain/stack/StackStatus.ts"
import { earlyValidationReason } from "./MemoryOperation.ts"
import { isUnchanged, type MemorySettings } from "./MemorySettings.ts"
import type { MemoryStack } from "./MemoryStack.ts"
import { failureOf, type NestedChangeSet, nestedChangeSets, withNested } from "./nestedChangeSets.ts"
import { changesBetween, isSame } from "./template/changes.ts"
import type { MemoryTemplate } from "./template/MemoryTemplate.ts"
import type { Resolved, ResolvedResource } from "./template/resolve.ts"

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
  /** Whether nested stacks have change sets of their own. */
  readonly includesNested: boolean
  readonly nested: ReadonlyArray<NestedChangeSet>
  /** Whether new resources that exist already are imported. */
  readonly imports: boolean
  /** Whether a new resource is imported. */
  readonly isImported: (resource: ResolvedResource) => boolean
  readonly changes: ReadonlyArray<ResourceChange>
  /** The values of hidden parameters, before and after. */
  readonly hiddenValues: ReadonlyArray<string>
}

/** The maximum number of change sets of a stack, including failed ones (CloudFormation's quotas). */
export const maxChangeSets = 1_000

/** Adds a change set. The id of a change set also identifies its failed validations among the failed events. */
export const addChangeSet = (
  stack: MemoryStack,
  request: Pick<
    MemoryChangeSet,
    | "name"
    | "description"
    | "template"
    | "resolved"
    | "capabilities"
    | "settings"
    | "includesNested"
    | "imports"
    | "isImported"
    | "onStackFailure"
  >,
  resourceMillis: number,
  now: number
) => {
  const id = stack.id.replace(/stack\/.*/, `changeSet/${request.name}/${stack.changeSets.length}-${now}`)
  const isInvalid = stack.recordFailedValidations(request.resolved, { operationId: id }, now)
  const readyAt = now + resourceMillis
  const created = { createdAt: now, readyAt, isInvalid, executed: false }
  const nested = request.includesNested ? nestedChangeSets(stack, request.resolved, { ...request, now }) : []
  const before = { previous: stack.resolved, hiddenValues: hiddenValuesOf(stack.settings, request.settings) }
  const changes = withNested(changesBetween(before.previous, request.resolved, request.isImported), nested)
    .map(withPhysicalId(stack))
  stack.changeSets = [...stack.changeSets, { ...request, ...created, ...before, id, nested, changes }]
  return { id, stackId: stack.id }
}

const withPhysicalId = (stack: MemoryStack) => (change: ResourceChange): ResourceChange =>
  change.action === "Add" ? change : { ...change, physicalResourceId: stack.physicalIdOf(change.logicalResourceId) }

const hiddenValuesOf = (...settings: ReadonlyArray<MemorySettings>) =>
  settings.flatMap(({ noEcho, parameters }) => Array.from(noEcho, (name) => parameters.get(name) ?? ""))
    .filter((value) => value !== "")

export const describeChangeSetAt = (stack: MemoryStack, changeSet: MemoryChangeSet, now: number): ChangeSet => {
  const {
    changes,
    createdAt,
    description,
    executed,
    id,
    isInvalid,
    name,
    nested,
    previous,
    readyAt,
    resolved,
    settings
  } = changeSet
  const hiddenParameters = [...settings.noEcho]
  const shape = {
    id,
    name,
    description,
    stackId: stack.id,
    createdAt,
    changes,
    ...(hiddenParameters.length > 0 && { hiddenParameters })
  }
  if (now < readyAt) return { ...shape, status: "CREATE_IN_PROGRESS", executionStatus: "UNAVAILABLE" }
  if (executed) {
    const executionStatus = isUnderWay(stack.statusAt(now)) ? "EXECUTE_IN_PROGRESS" : "EXECUTE_COMPLETE"
    return { ...shape, status: "CREATE_COMPLETE", executionStatus }
  }
  if (isInvalid) return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason: earlyValidationReason }
  const failure = failureOf(nested)
  if (failure !== undefined) return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason: failure }
  const hasSameResources = changeSet.includesNested
    ? previous.fingerprint === resolved.fingerprint && changes.length === 0
    : isSame(previous, resolved)
  if (hasSameResources && isUnchanged(settings, stack.settings)) {
    const reason =
      "The submitted information didn't contain changes. Submit different information to create a change set."
    return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason }
  }
  const executionStatus = previous === stack.resolved ? "AVAILABLE" : "OBSOLETE"
  return { ...shape, status: "CREATE_COMPLETE", executionStatus }
}

/** The values of properties, those of hidden parameters masked; or without values. */
const showValues = (hiddenValues: ReadonlyArray<string>, areShown: boolean) => {
  const shown = (value: string) => hiddenValues.some((hidden) => value.includes(hidden)) ? masked : value
  return ({ after, before, ...detail }: ChangeDetail): ChangeDetail => ({
    ...detail,
    ...(areShown && before !== undefined && { before: shown(before) }),
    ...(areShown && after !== undefined && { after: shown(after) })
  })
}

/** The change set with or without the values of properties. */
export const withValues = (found: ChangeSet, hiddenValues: ReadonlyArray<string>, areShown: boolean): ChangeSet => {
  const show = showValues(hiddenValues, areShown)
  const changes = found.changes.map((change) =>
    change.details === undefined ? change : Object.assign({}, change, { details: change.details.map(show) })
  )
  return { ...found, changes }
}
