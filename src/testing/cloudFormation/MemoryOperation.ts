// An operation on a stack in memory: its request, its failures, and the statuses through which it ends.
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import type { StackOperation } from "../../domain/stack/StackOperation.ts"
import type { MemorySettings } from "./MemorySettings.ts"
import type { MemoryStack } from "./MemoryStack.ts"

export type OperationKind = "create" | "update" | "delete"

/** The statuses that the stack goes through after its resources, by how the operation ends. */
export const lastStatuses = {
  create: {
    succeeded: ["CREATE_COMPLETE"],
    failed: ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"],
    failedWithoutRollback: ["CREATE_FAILED"]
  },
  update: {
    succeeded: ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
    failed: [
      "UPDATE_ROLLBACK_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE"
    ],
    failedWithoutRollback: ["UPDATE_FAILED"]
  },
  delete: {
    succeeded: ["DELETE_COMPLETE"],
    failed: ["DELETE_FAILED"],
    failedWithoutRollback: ["DELETE_FAILED"]
  }
} as const satisfies Record<OperationKind, unknown>

/** The failures that a test has set up, by the logical id of the resource. */
export interface InjectedFailures {
  readonly resources: Map<string, string>
  readonly hooks: Map<string, { readonly type: string; readonly reason: string }>
  readonly validations: Map<string, string>
}

export const earlyValidation = "AWS::EarlyValidation::PropertyValidation"

/** The reason of a stack or change set that fails early validation. */
export const earlyValidationReason =
  `The following hook(s)/validation failed: [${earlyValidation}]. To troubleshoot Early Validation ` +
  "errors, use the DescribeEvents API for detailed failure information."

export const isFailure = ({ hook, status }: StackEvent) => hook !== undefined || status.endsWith("_FAILED")

/** The event of the hook that makes the resource fail, if a hook does. */
export const hookEvents = (failure: StackEvent | undefined, hooks: InjectedFailures["hooks"], status: string) => {
  const hook = failure && hooks.get(failure.logicalResourceId)
  return failure === undefined || hook === undefined
    ? []
    : [{ ...failure, status, hook: { ...hook, status: "HOOK_COMPLETE_FAILED", failureMode: "FAIL" } }]
}

/** An operation to start on a stack. */
export interface MemoryOperation {
  readonly operation: StackOperation
  readonly token: string
  readonly template: string
  /** The settings of the stack after the operation. */
  readonly settings: MemorySettings
  readonly disableRollback: boolean
  readonly failures: InjectedFailures
  /** Templates of nested stacks by URL. */
  readonly templates: Readonly<Record<string, string>>
  readonly addNestedStack: (name: string) => MemoryStack
  /** The duration of one resource, in whole milliseconds. */
  readonly resourceMillis: number
  /** Epoch milliseconds. */
  readonly now: number
}
