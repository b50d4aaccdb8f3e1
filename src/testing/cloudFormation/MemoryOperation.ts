// An operation on a stack in memory: its request, its failures, and the statuses through which it ends.
import type * as Result from "effect/Result"
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import type { RollbackOperation, StackOperation } from "../../domain/stack/StackOperation.ts"
import type { OnStackFailure } from "../../domain/stack/StackPlan.ts"
import type { StandIn } from "./evaluation/Scope.ts"
import type { MemorySettings } from "./MemorySettings.ts"
import type { MemoryStack } from "./MemoryStack.ts"
import type { OperationKind } from "./resourceEvents.ts"
import type { MemoryTemplate } from "./template/MemoryTemplate.ts"
import type { Resolved } from "./template/resolve.ts"

/** The statuses that the stack goes through after its resources, by how the operation ends. */
export const lastStatuses = {
  create: {
    succeeded: ["CREATE_COMPLETE"],
    failed: ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"],
    rollbackFailed: ["ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"],
    failedWithoutRollback: ["CREATE_FAILED"]
  },
  update: {
    succeeded: ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
    failed: [
      "UPDATE_ROLLBACK_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE"
    ],
    rollbackFailed: ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"],
    failedWithoutRollback: ["UPDATE_FAILED"]
  },
  delete: {
    succeeded: ["DELETE_COMPLETE"],
    failed: ["DELETE_FAILED"],
    rollbackFailed: ["DELETE_FAILED"],
    failedWithoutRollback: ["DELETE_FAILED"]
  }
} as const satisfies Record<OperationKind, unknown>

/** How an operation ends that fails. */
export const failedStatuses = (
  kind: OperationKind,
  { disableRollback, onStackFailure }: Pick<MemoryOperation, "disableRollback" | "onStackFailure">,
  isStuck: boolean
): readonly [first: string, ...others: ReadonlyArray<string>] => {
  if (kind === "create" && onStackFailure === "DELETE") {
    return ["DELETE_IN_PROGRESS", isStuck ? "DELETE_FAILED" : "DELETE_COMPLETE"]
  }
  if (disableRollback || (kind === "create" && onStackFailure === "DO_NOTHING")) {
    return lastStatuses[kind].failedWithoutRollback
  }
  return lastStatuses[kind][isStuck ? "rollbackFailed" : "failed"]
}

/** The failures that a test has set up, by the logical id of the resource. */
export interface InjectedFailures {
  readonly resources: Map<string, string>
  /** Those of rolling the resource back. */
  readonly rollbacks: Map<string, string>
  readonly hooks: Map<string, { readonly type: string; readonly reason: string }>
  readonly validations: Map<string, string>
}

export const earlyValidation = "AWS::EarlyValidation::PropertyValidation"

/** The reason of a stack or change set that fails early validation. */
export const earlyValidationReason =
  `The following hook(s)/validation failed: [${earlyValidation}]. To troubleshoot Early Validation ` +
  "errors, use the DescribeEvents API for detailed failure information."

export const isFailure = ({ hook, status }: StackEvent) => hook !== undefined || status.endsWith("_FAILED")

/** The events with that of the hook that makes the resource fail, if a hook does. */
export const withHook = (
  events: ReadonlyArray<StackEvent>,
  failure: StackEvent | undefined,
  hooks: InjectedFailures["hooks"]
): ReadonlyArray<StackEvent> => {
  const hook = failure && hooks.get(failure.logicalResourceId)
  if (failure === undefined || hook === undefined) return events
  const status = failure.status.replace("_FAILED", "_IN_PROGRESS")
  const hookEvent = { ...failure, status, hook: { ...hook, status: "HOOK_COMPLETE_FAILED", failureMode: "FAIL" } }
  return events.toSpliced(events.indexOf(failure), 0, hookEvent)
}

/** An operation to start on a stack. */
export interface MemoryOperation {
  readonly operation: Exclude<StackOperation, RollbackOperation>
  readonly token: string
  readonly template: MemoryTemplate
  readonly resolved: Resolved
  /** The settings of the stack after the operation. */
  readonly settings: MemorySettings
  readonly capabilities: ReadonlyArray<string>
  readonly disableRollback: boolean
  /** What happens to a new stack that cannot be created. */
  readonly onStackFailure?: OnStackFailure | undefined
  /** The duration of one resource, in whole milliseconds. */
  readonly resourceMillis: number
  /** Epoch milliseconds. */
  readonly now: number
  /** The number of stacks that this one is nested in. Default: 0. */
  readonly depth?: number
  /** Whether new resources that exist already are imported. Default: `false`. */
  readonly importsExisting?: boolean
}

/** What the operations on one stack need to know of the others. */
export interface Surroundings {
  readonly region: string
  readonly accountId: string
  readonly failures: InjectedFailures
  /** The template of a nested stack, or why CloudFormation refuses it. */
  readTemplate(url: string): Result.Result<MemoryTemplate, string>
  addStack(name: string, now: number): MemoryStack
  /** A stack that does not exist until it is added. */
  draft(name: string, now: number): MemoryStack
  /** The keys of the resources that exist outside of all stacks. */
  readonly existing: Set<string>
  /** Lists what the evaluation of a nested stack did not check. */
  noteUnchecked(resolved: Resolved): void
  /** The value of an export of a stack that is not in memory. */
  readonly foreignExport: (name: string) => StandIn | undefined
  /** The stack that exports this name, and the value. */
  readonly exporterOf: (
    name: string,
    now: number
  ) => { readonly stack: MemoryStack; readonly value: string } | undefined
  /** The stack that imports this name. */
  readonly importerOf: (name: string, now: number) => MemoryStack | undefined
}
