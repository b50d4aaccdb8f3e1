// The statuses that a CloudFormation stack can have, and what each means for an action that deploys it.
import * as Schema from "effect/Schema"

/** What a status says of the operation that the action watches. */
export type OperationPhase =
  /** Under way. */
  | "Running"
  /** Under way, and will end badly: CloudFormation takes the operation back. */
  | "Failing"
  /** Has succeeded; old resources are still being removed. */
  | "CleaningUp"
  | "Succeeded"
  | "Failed"
  /** The stack is gone. */
  | "Deleted"

/** What a status says to an action that has not begun its operation. */
export type Startability =
  /** Another operation is under way. */
  | "Busy"
  /** Another operation has done its part, only old resources go: it will be out of the way soon. */
  | "CleaningUp"
  | "Updatable"
  /** Deleting helps, or an update that does not roll back. */
  | "CreateFailed"
  /** Only an update that does not roll back is taken. */
  | "UpdatableWithoutRollback"
  /** There is nothing to update: create. */
  | "Creatable"
  /** Only deleting helps. */
  | "Broken"
  /** Only continuing or skipping the rollback helps, or deleting. */
  | "RollbackStuck"
  /** A change set that was never executed has left an empty stack. */
  | "Shell"
  /** Nobody knows what can be done: no source says, or AWS has added the status since. */
  | "Unknown"

/**
 * One row for each status of CloudFormation's API (shape StackStatus), by what the "Stack status codes" and "Update
 * behaviors" pages of the CloudFormation user guide say. A new status is a new row, nothing else.
 */
export const statuses = {
  CREATE_IN_PROGRESS: { phaseOf: "Running", startability: "Busy" },
  CREATE_FAILED: { phaseOf: "Failed", startability: "CreateFailed" },
  CREATE_COMPLETE: { phaseOf: "Succeeded", startability: "Updatable" },
  ROLLBACK_IN_PROGRESS: { phaseOf: "Failing", startability: "Busy" },
  ROLLBACK_FAILED: { phaseOf: "Failed", startability: "Broken" },
  ROLLBACK_COMPLETE: { phaseOf: "Failed", startability: "Broken" },
  DELETE_IN_PROGRESS: { phaseOf: "Running", startability: "Busy" },
  DELETE_FAILED: { phaseOf: "Failed", startability: "Broken" },
  DELETE_COMPLETE: { phaseOf: "Deleted", startability: "Creatable" },
  UPDATE_IN_PROGRESS: { phaseOf: "Running", startability: "Busy" },
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: { phaseOf: "CleaningUp", startability: "CleaningUp" },
  UPDATE_COMPLETE: { phaseOf: "Succeeded", startability: "Updatable" },
  UPDATE_FAILED: { phaseOf: "Failed", startability: "UpdatableWithoutRollback" },
  UPDATE_ROLLBACK_IN_PROGRESS: { phaseOf: "Failing", startability: "Busy" },
  UPDATE_ROLLBACK_FAILED: { phaseOf: "Failed", startability: "RollbackStuck" },
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: { phaseOf: "Failing", startability: "CleaningUp" },
  UPDATE_ROLLBACK_COMPLETE: { phaseOf: "Failed", startability: "Updatable" },
  REVIEW_IN_PROGRESS: { phaseOf: "Failed", startability: "Shell" },
  IMPORT_IN_PROGRESS: { phaseOf: "Running", startability: "Busy" },
  IMPORT_COMPLETE: { phaseOf: "Succeeded", startability: "Updatable" },
  IMPORT_ROLLBACK_IN_PROGRESS: { phaseOf: "Failing", startability: "Busy" },
  IMPORT_ROLLBACK_FAILED: { phaseOf: "Failed", startability: "Unknown" },
  IMPORT_ROLLBACK_COMPLETE: { phaseOf: "Failed", startability: "Updatable" }
} as const satisfies Record<string, { readonly phaseOf: OperationPhase; readonly startability: Startability }>

/** The statuses that this version knows. */
export const StackStatus = Schema.Literals(Object.keys(statuses) as Array<keyof typeof statuses>)
export type StackStatus = typeof StackStatus.Type

/** A row for any status: one that AWS has added since is waited for while its name says so, and ends the job else. */
const rowOf = (status: string): { readonly phaseOf: OperationPhase; readonly startability: Startability } => {
  if (Object.hasOwn(statuses, status)) return statuses[status as StackStatus]
  return status.endsWith("_IN_PROGRESS")
    ? { phaseOf: "Running", startability: "Busy" }
    : { phaseOf: "Failed", startability: "Unknown" }
}

export const phaseOf = (status: string): OperationPhase => rowOf(status).phaseOf
export const startability = (status: string): Startability => rowOf(status).startability

const underWay: ReadonlySet<OperationPhase> = new Set<OperationPhase>(["Running", "Failing", "CleaningUp"])

/** Whether CloudFormation is at work on the stack, so that nothing new can begin. */
export const isUnderWay = (status: string): boolean => underWay.has(phaseOf(status))

/** Whether to wait for the end; `waitForCleanup`: also where the operation has succeeded and only old resources are to go. */
export const isInProgress = (status: string, waitForCleanup: boolean): boolean =>
  isUnderWay(status) && (waitForCleanup || phaseOf(status) !== "CleaningUp")

const unrollable: ReadonlySet<Startability> = new Set<Startability>(["CreateFailed", "UpdatableWithoutRollback"])

/** Whether only an operation that does not roll back can go on from there. */
export const isUnrollable = (status: string): boolean => unrollable.has(startability(status))

const waitAndRetry = (stack: string) =>
  `Another operation on stack "${stack}" is under way; retry the action when it is over`

const replace = (stack: string) =>
  `Delete stack "${stack}", or let the action do it with "mode": "REPLACE_ON_FAILURE", then retry the action`

const advices: Readonly<Record<Startability, (stack: string) => string>> = {
  Busy: waitAndRetry,
  CleaningUp: waitAndRetry,
  Updatable: waitAndRetry,
  Creatable: waitAndRetry,
  CreateFailed: (stack) =>
    `Delete stack "${stack}", or let the action do it with "mode": "REPLACE_ON_FAILURE", or add "disableRollback": true ` +
    "to UserParameters, then retry the action",
  UpdatableWithoutRollback: (stack) =>
    `Roll stack "${stack}" back or delete it, or add "disableRollback": true to UserParameters, then retry the action`,
  Broken: replace,
  RollbackStuck: (stack) =>
    `Continue the update rollback of stack "${stack}", or delete it, or let the action do that with "mode": ` +
    `"REPLACE_ON_FAILURE", then retry the action`,
  Shell: (stack) =>
    `Stack "${stack}" is empty: a change set made it and was never executed. Execute it, or delete the stack, or let the ` +
    `action do that with "mode": "REPLACE_ON_FAILURE", then retry the action`,
  Unknown: (stack) => `Bring stack "${stack}" into a status that can be updated, then retry the action`
}

/** What a person can do about a stack that could not be updated in this status. */
export const advice = (status: string, stack: string): string => advices[startability(status)](stack)

/** What a person can do after an operation has failed and left the stack in this status. */
export const adviceAfterFailure = (status: string, stack: string): string | undefined => {
  const { startability, phaseOf } = rowOf(status)
  if (phaseOf === "Succeeded") return undefined
  if (status === "DELETE_FAILED") return `Mend the cause, then delete stack "${stack}" again`
  if (startability === "Creatable") return `Stack "${stack}" is deleted; the next deployment creates it`
  return startability === "Updatable"
    ? `Stack "${stack}" is as it was before: mend the cause, then deploy it again`
    : advice(status, stack)
}
