// The statuses that a CloudFormation stack can have, and what each means for an action that deploys it.
import * as Schema from "effect/Schema"

/** What a status says about the operation that the action watches. */
export type OperationPhase =
  /** In progress. */
  | "Running"
  /** In progress and going to fail: CloudFormation rolls the operation back. */
  | "Failing"
  /** Succeeded; CloudFormation still deletes replaced resources. */
  | "CleaningUp"
  | "Succeeded"
  | "Failed"
  /** The stack is deleted. */
  | "Deleted"

/** What an action can start while the stack has this status. */
export type Startability =
  /** Nothing: another operation is in progress. */
  | "Busy"
  /** Nothing: the stack is being deleted. */
  | "Deleting"
  /** Nothing yet: another operation succeeded or rolled back, and only its cleanup is in progress. */
  | "CleaningUp"
  /** An update. */
  | "Updatable"
  /** A delete, or an update without rollback. */
  | "CreateFailed"
  /** Only an update without rollback. */
  | "UpdatableWithoutRollback"
  /** A create: the stack is deleted. */
  | "Creatable"
  /** Only a delete. */
  | "Broken"
  /** Only a delete, or continuing the update rollback. */
  | "RollbackStuck"
  /** A change set or a delete: the stack is the empty shell of a change set that was never executed. */
  | "Shell"
  /** Unknown: no source says, or AWS added the status later. */
  | "Unknown"

/**
 * One row for each status of CloudFormation's API (shape StackStatus). A new status is a new row, nothing else.
 *
 * Source: pages "Stack status codes" and "Update behaviors" of the CloudFormation user guide.
 */
export const statuses = {
  CREATE_IN_PROGRESS: { phase: "Running", startability: "Busy" },
  CREATE_FAILED: { phase: "Failed", startability: "CreateFailed" },
  CREATE_COMPLETE: { phase: "Succeeded", startability: "Updatable" },
  ROLLBACK_IN_PROGRESS: { phase: "Failing", startability: "Busy" },
  ROLLBACK_FAILED: { phase: "Failed", startability: "Broken" },
  ROLLBACK_COMPLETE: { phase: "Failed", startability: "Broken" },
  DELETE_IN_PROGRESS: { phase: "Running", startability: "Deleting" },
  DELETE_FAILED: { phase: "Failed", startability: "Broken" },
  DELETE_COMPLETE: { phase: "Deleted", startability: "Creatable" },
  UPDATE_IN_PROGRESS: { phase: "Running", startability: "Busy" },
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: { phase: "CleaningUp", startability: "CleaningUp" },
  UPDATE_COMPLETE: { phase: "Succeeded", startability: "Updatable" },
  UPDATE_FAILED: { phase: "Failed", startability: "UpdatableWithoutRollback" },
  UPDATE_ROLLBACK_IN_PROGRESS: { phase: "Failing", startability: "Busy" },
  UPDATE_ROLLBACK_FAILED: { phase: "Failed", startability: "RollbackStuck" },
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: { phase: "Failing", startability: "CleaningUp" },
  UPDATE_ROLLBACK_COMPLETE: { phase: "Failed", startability: "Updatable" },
  REVIEW_IN_PROGRESS: { phase: "Failed", startability: "Shell" },
  IMPORT_IN_PROGRESS: { phase: "Running", startability: "Busy" },
  IMPORT_COMPLETE: { phase: "Succeeded", startability: "Updatable" },
  IMPORT_ROLLBACK_IN_PROGRESS: { phase: "Failing", startability: "Busy" },
  IMPORT_ROLLBACK_FAILED: { phase: "Failed", startability: "Unknown" },
  IMPORT_ROLLBACK_COMPLETE: { phase: "Failed", startability: "Updatable" }
} as const satisfies Record<string, { readonly phase: OperationPhase; readonly startability: Startability }>

/** The statuses that this version knows. */
export const StackStatus = Schema.Literals(Object.keys(statuses) as Array<keyof typeof statuses>)
export type StackStatus = typeof StackStatus.Type

/** An unknown status counts as in progress if its name says so, and otherwise ends the job. */
const rowOf = (status: string): { readonly phase: OperationPhase; readonly startability: Startability } => {
  if (Object.hasOwn(statuses, status)) return statuses[status as StackStatus]
  return status.endsWith("_IN_PROGRESS")
    ? { phase: "Running", startability: "Busy" }
    : { phase: "Failed", startability: "Unknown" }
}

/**
 * The phase of an operation by the status of its stack. Total: a status that AWS added later is in progress if its
 * name says so, and failed otherwise.
 */
export const phaseOf = (status: string): OperationPhase => rowOf(status).phase

/** What an action can start while the stack has this status. Total, as {@link phaseOf}. */
export const startability = (status: string): Startability => rowOf(status).startability

const underWay: ReadonlySet<OperationPhase> = new Set<OperationPhase>(["Running", "Failing", "CleaningUp"])

/** Whether CloudFormation is working on the stack, so that no operation can start. */
export const isUnderWay = (status: string): boolean => underWay.has(phaseOf(status))

/** Whether the watched operation is in progress. Without `waitForCleanup` it ends before its cleanup. */
export const isInProgress = (status: string, waitForCleanup: boolean): boolean =>
  isUnderWay(status) && (waitForCleanup || phaseOf(status) !== "CleaningUp")

const recoverable: ReadonlySet<Startability> = new Set<Startability>([
  "CreateFailed",
  "UpdatableWithoutRollback",
  "RollbackStuck"
])

/** Whether the stack can be rolled back: its last operation was not rolled back, or the rollback failed. */
export const isRecoverable = (status: string): boolean => recoverable.has(startability(status))

const unrollable: ReadonlySet<Startability> = new Set<Startability>(["CreateFailed", "UpdatableWithoutRollback"])

/** Whether only an operation without rollback can update the stack. */
export const needsDisableRollback = (status: string): boolean => unrollable.has(startability(status))

/** What an advice depends on besides the stack's status. */
export interface AdviceContext {
  /** The stack's name. */
  readonly stack: string
  /** Whether the stack is protected from deletion. */
  readonly isProtected: boolean
  /** Whether the action deletes and recreates a stack that cannot be updated. */
  readonly isReplaced: boolean
  /** Whether the action updates a stack that was not rolled back: with its options, with `disableRollback` too, or never. */
  readonly isContinued: "yes" | "with disableRollback" | "never"
  /** Whether the action rolls the stack back: that is all it does, it does so before it deploys, with `recover`, or never. */
  readonly isRolledBack: "only" | "first" | "with recover" | "never"
}

type Advice = (context: AdviceContext) => string

const waitAndRetry: Advice = ({ stack }) =>
  `Another operation on stack "${stack}" is in progress; retry the action when it has ended`

/** The options with which the action deletes and recreates a stack. */
const replacing = ({ isProtected }: AdviceContext) =>
  `"mode": "REPLACE_ON_FAILURE"${isProtected ? " and \"terminationProtection\": false" : ""}`

const orContinue = ({ isContinued }: AdviceContext) =>
  isContinued === "with disableRollback" ? ", or add \"disableRollback\": true to UserParameters" : ""

const replace: Advice = (context) =>
  context.isRolledBack === "only"
    ? `Only a delete helps: delete stack "${context.stack}", or let an action with ${replacing(context)} delete and ` +
      "recreate it"
    : `Delete stack "${context.stack}", or let the action delete and recreate it with ${replacing(context)}` +
      `${orContinue(context)}, then retry the action`

/** How a stack can be rolled back by this action or by another one. */
const orRecover = ({ isRolledBack }: AdviceContext) =>
  isRolledBack === "with recover" ? ", or let the action do so with \"recover\": true" : " (\"mode\": \"ROLLBACK\")"

const continueRollback: Advice = (context) =>
  context.isRolledBack === "only" || context.isRolledBack === "first"
    ? `Fix what keeps stack "${context.stack}" from being rolled back, then retry the action: it continues the rollback. ` +
      "It leaves resources as they are that \"resourcesToSkip\" names; they differ from the template then"
    : `Continue the update rollback of stack "${context.stack}"${orRecover(context)}, then retry the action. ` +
      "\"mode\": \"REPLACE_ON_FAILURE\" without \"recover\" does not continue the rollback: it deletes the stack with all " +
      "its resources and their data, and creates it again"

const advices: Readonly<Record<Startability, Advice>> = {
  Busy: waitAndRetry,
  Deleting: waitAndRetry,
  CleaningUp: waitAndRetry,
  Updatable: waitAndRetry,
  Creatable: waitAndRetry,
  CreateFailed: (context) =>
    replace(context) +
    (context.isRolledBack === "first"
      ? ". It is not rolled back, because that leaves a stack that can only be deleted"
      : ""),
  UpdatableWithoutRollback: (context) =>
    `Roll stack "${context.stack}" back${orRecover(context)}, or delete it${
      orContinue(context)
    }, then retry the action`,
  Broken: (context) => replace({ ...context, isContinued: "never" }),
  RollbackStuck: continueRollback,
  Shell: (context) =>
    `Stack "${context.stack}" is empty: a change set created it and was never executed. Execute the change set, or ` +
    `delete the stack, or let the action delete it with ${replacing(context)}, then retry the action`,
  Unknown: ({ stack }) => `Bring stack "${stack}" into a status that can be updated, then retry the action`
}

/** What a person can do about a stack that could not be changed in this status. It names no option that is set already. */
export const advice = (status: string, context: AdviceContext): string => advices[startability(status)](context)

const replaceable: ReadonlySet<Startability> = new Set<Startability>(["Broken", "CreateFailed", "Shell"])

/** What a person can do after an operation failed and left the stack in this status. */
export const adviceAfterFailure = (status: string, context: AdviceContext): string | undefined => {
  const { phase, startability } = rowOf(status)
  const { isContinued, isProtected, isReplaced, stack } = context
  if (phase === "Succeeded") return undefined
  if (status === "DELETE_FAILED") return `Fix the cause, then delete stack "${stack}" again`
  if (startability === "Creatable") return `Stack "${stack}" is deleted; the next deployment creates it`
  if (startability === "Updatable") return `Stack "${stack}" is as it was before: fix the cause, then deploy it again`
  if (isReplaced && replaceable.has(startability)) {
    return isProtected
      ? `Fix the cause. Stack "${stack}" has termination protection: switch it off, or set "terminationProtection" to ` +
        "false in UserParameters. Then retry the action: it deletes and recreates the stack"
      : `Fix the cause, then retry the action: it deletes and recreates stack "${stack}"`
  }
  return isContinued === "yes" && unrollable.has(startability)
    ? `Fix the cause, then retry the action: it updates stack "${stack}" without a rollback`
    : advice(status, context)
}
