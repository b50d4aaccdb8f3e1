// The operations that the action begins on a stack, and the mark by which each is known again as ours.
import * as Schema from "effect/Schema"
import type { JobId } from "../job/Job.ts"

/** An operation of CloudFormation that the action begins; `execute` is that of a change set. */
export const StackOperation = Schema.Literals(["create", "update", "delete", "execute"])
export type StackOperation = typeof StackOperation.Type

/** Whose operation: that of the action whose first job this is. */
export interface Owner {
  readonly firstJobId: JobId
  /**
   * When the action itself made the call that began the operation, as far as this job knows, in epoch milliseconds. None
   * where an earlier delivery may have: then nothing but the token shows whose operation it is.
   */
  readonly calledAt?: number | undefined
}

/**
 * The ClientRequestToken of the operation: a second delivery of an event makes the same one, and every event of the
 * operation carries it. CloudFormation takes `[a-zA-Z0-9][-a-zA-Z0-9]*`, 128 characters at most.
 */
export const requestToken = (operation: StackOperation, { firstJobId }: Pick<Owner, "firstJobId">): string =>
  `${operation}-${firstJobId.replaceAll(/[^-a-zA-Z0-9]/g, "-")}`.slice(0, 128)
