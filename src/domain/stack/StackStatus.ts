// The statuses that a CloudFormation stack can have, and what each means for an action that deploys it.
import * as Schema from "effect/Schema"

/** What a status says of the operation that the action watches. */
export type Watched =
  /** Under way. */
  | "Running"
  /** Under way, and will end badly: CloudFormation takes the operation back. */
  | "Failing"
  /** Has succeeded; old resources are still being removed. */
  | "Settling"
  | "Succeeded"
  | "Failed"
  /** The stack is gone. */
  | "Deleted"

/** What a status says to an action that has not begun its operation. */
export type Fresh =
  /** Another operation is under way. */
  | "Busy"
  /** Another operation has done its part, only old resources go: it will be out of the way soon. */
  | "Settling"
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
  CREATE_IN_PROGRESS: { watched: "Running", fresh: "Busy" },
  CREATE_FAILED: { watched: "Failed", fresh: "CreateFailed" },
  CREATE_COMPLETE: { watched: "Succeeded", fresh: "Updatable" },
  ROLLBACK_IN_PROGRESS: { watched: "Failing", fresh: "Busy" },
  ROLLBACK_FAILED: { watched: "Failed", fresh: "Broken" },
  ROLLBACK_COMPLETE: { watched: "Failed", fresh: "Broken" },
  DELETE_IN_PROGRESS: { watched: "Running", fresh: "Busy" },
  DELETE_FAILED: { watched: "Failed", fresh: "Broken" },
  DELETE_COMPLETE: { watched: "Deleted", fresh: "Creatable" },
  UPDATE_IN_PROGRESS: { watched: "Running", fresh: "Busy" },
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: { watched: "Settling", fresh: "Settling" },
  UPDATE_COMPLETE: { watched: "Succeeded", fresh: "Updatable" },
  UPDATE_FAILED: { watched: "Failed", fresh: "UpdatableWithoutRollback" },
  UPDATE_ROLLBACK_IN_PROGRESS: { watched: "Failing", fresh: "Busy" },
  UPDATE_ROLLBACK_FAILED: { watched: "Failed", fresh: "RollbackStuck" },
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: { watched: "Failing", fresh: "Settling" },
  UPDATE_ROLLBACK_COMPLETE: { watched: "Failed", fresh: "Updatable" },
  REVIEW_IN_PROGRESS: { watched: "Failed", fresh: "Shell" },
  IMPORT_IN_PROGRESS: { watched: "Running", fresh: "Busy" },
  IMPORT_COMPLETE: { watched: "Succeeded", fresh: "Updatable" },
  IMPORT_ROLLBACK_IN_PROGRESS: { watched: "Failing", fresh: "Busy" },
  IMPORT_ROLLBACK_FAILED: { watched: "Failed", fresh: "Unknown" },
  IMPORT_ROLLBACK_COMPLETE: { watched: "Failed", fresh: "Updatable" }
} as const satisfies Record<string, { readonly watched: Watched; readonly fresh: Fresh }>

/** The statuses that this version knows. */
export const StackStatus = Schema.Literals(Object.keys(statuses) as Array<keyof typeof statuses>)
export type StackStatus = typeof StackStatus.Type

/** A row for any status: one that AWS has added since is waited for while its name says so, and ends the job else. */
const rowOf = (status: string): { readonly watched: Watched; readonly fresh: Fresh } => {
  if (Object.hasOwn(statuses, status)) return statuses[status as StackStatus]
  return status.endsWith("_IN_PROGRESS")
    ? { watched: "Running", fresh: "Busy" }
    : { watched: "Failed", fresh: "Unknown" }
}

export const watched = (status: string): Watched => rowOf(status).watched
export const fresh = (status: string): Fresh => rowOf(status).fresh

const underWay: ReadonlySet<Watched> = new Set<Watched>(["Running", "Failing", "Settling"])

/** Whether CloudFormation is at work on the stack, so that nothing new can begin. */
export const isUnderWay = (status: string): boolean => underWay.has(watched(status))

/** Whether to wait for the end; `settle`: also where the operation has succeeded and only old resources are to go. */
export const goesOn = (status: string, settle: boolean): boolean =>
  isUnderWay(status) && (settle || watched(status) !== "Settling")

const unrollable: ReadonlySet<Fresh> = new Set<Fresh>(["CreateFailed", "UpdatableWithoutRollback"])

/** Whether only an operation that does not roll back can go on from there. */
export const isUnrollable = (status: string): boolean => unrollable.has(fresh(status))

const waitAndRetry = (stack: string) =>
  `Another operation on stack "${stack}" is under way; retry the action when it is over`

const replace = (stack: string) =>
  `Delete stack "${stack}", or let the action do it with "mode": "REPLACE_ON_FAILURE", then retry the action`

const advices: Readonly<Record<Fresh, (stack: string) => string>> = {
  Busy: waitAndRetry,
  Settling: waitAndRetry,
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
export const advice = (status: string, stack: string): string => advices[fresh(status)](stack)

/** What a person can do after an operation has failed and left the stack in this status. */
export const adviceAfterFailure = (status: string, stack: string): string | undefined => {
  const { fresh, watched } = rowOf(status)
  if (watched === "Succeeded") return undefined
  if (status === "DELETE_FAILED") return `Mend the cause, then delete stack "${stack}" again`
  if (fresh === "Creatable") return `Stack "${stack}" is deleted; the next deployment creates it`
  return fresh === "Updatable"
    ? `Stack "${stack}" is as it was before: mend the cause, then deploy it again`
    : advice(status, stack)
}
