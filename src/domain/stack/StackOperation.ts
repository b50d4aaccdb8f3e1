// The operations that the action starts on a stack, and the token by which it recognises them.
import * as Schema from "effect/Schema"
import type { JobId } from "../job/Job.ts"

/**
 * An operation that the action starts. `execute` executes a change set; `rollback` (RollbackStack) rolls a failed operation
 * back that was not rolled back, `continue-rollback` (ContinueUpdateRollback) a failed rollback of an update.
 */
export const StackOperation = Schema.Literals([
  "create",
  "update",
  "delete",
  "execute",
  "rollback",
  "continue-rollback"
])
export type StackOperation = typeof StackOperation.Type

/** An operation that brings a failed stack back to rest. */
export const RollbackOperation = Schema.Literals(["rollback", "continue-rollback"])
export type RollbackOperation = typeof RollbackOperation.Type

/** Whether the operation is one of {@link RollbackOperation}. */
export const isRollback: (operation: StackOperation | undefined) => operation is RollbackOperation = Schema.is(
  RollbackOperation
)

/** The action that owns an operation. */
export interface Owner {
  readonly firstJobId: JobId
  /**
   * When this action made the call that started the operation, as far as this job knows ({@link calledAt}). Absent if an
   * earlier delivery may have made it: then only the token shows whose operation it is.
   */
  readonly calledAt?: number | undefined
}

/**
 * The time of a call, to compare with CloudFormation's times; epoch milliseconds. It is two seconds early, so that the
 * clocks of Lambda and CloudFormation may differ by as much: no operation before the call can start and end in two seconds.
 */
export const calledAt = (now: number): number => now - 2_000

/**
 * The ClientRequestToken of the operation, its idempotency token: a second delivery of an event makes the same one, and
 * every event of the operation has it; `cancel` is that of the cancellation of an update. `[a-zA-Z0-9][-a-zA-Z0-9]*`, at most 128 characters.
 */
export const requestToken = (operation: StackOperation | "cancel", { firstJobId }: Pick<Owner, "firstJobId">): string =>
  `${operation}-${firstJobId.replaceAll(/[^-a-zA-Z0-9]/g, "-")}`.slice(0, 128)
