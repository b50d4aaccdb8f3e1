// Why CloudFormation refuses an operation on a stack or a change set, in its own words.
import * as Schema from "effect/Schema"
import type { AwsError, AwsRejected } from "../job/AwsError.ts"
import type { ChangeSetKey } from "./Stack.ts"

/** The update changes nothing. */
export class NoUpdates extends Schema.TaggedError<NoUpdates>()("NoUpdates", { stack: Schema.String }) {
  override get message() {
    return `There is nothing to update in stack "${this.stack}"`
  }
}

/** A stack of this name exists. */
export class StackExists extends Schema.TaggedError<StackExists>()("StackExists", { stack: Schema.String }) {
  override get message() {
    return `Stack "${this.stack}" exists already`
  }
}

/** An operation with this ClientRequestToken was started before. */
export class TokenUsed extends Schema.TaggedError<TokenUsed>()("TokenUsed", { stack: Schema.String }) {
  override get message() {
    return `The operation on stack "${this.stack}" was started before`
  }
}

/** The stack's status does not allow the operation. */
export class StackNotReady extends Schema.TaggedError<StackNotReady>()("StackNotReady", {
  stack: Schema.String,
  status: Schema.String
}) {
  override get message() {
    return `Stack "${this.stack}" cannot be changed while its status is ${this.status}`
  }
}

/** A change set of this name exists. */
export class ChangeSetExists extends Schema.TaggedError<ChangeSetExists>()("ChangeSetExists", {
  stack: Schema.String,
  changeSet: Schema.String
}) {
  override get message() {
    return `Stack "${this.stack}" has a change set "${this.changeSet}" already`
  }
}

/** The change set does not exist, or its own or its stack's current status does not allow the call. */
export class ChangeSetNotReady extends Schema.TaggedError<ChangeSetNotReady>()("ChangeSetNotReady", {
  stack: Schema.String,
  changeSet: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String
}) {
  override get message() {
    return `Change set "${this.changeSet}" of stack "${this.stack}" cannot be executed: ${this.reason}`
  }
}

/** A ValidationError: there is no error code for that. */
export const detectsAlready = /^Drift detection is already in progress/

/** CloudFormation's words for {@link NoUpdates}. */
export const noUpdates = "No updates are to be performed."

/** The code of the error for an operation whose ClientRequestToken was used before. */
export const tokenUsed = "TokenAlreadyExistsException"

/** CloudFormation has no error codes for these: update and change set, an earlier wording, and delete. */
const notReady =
  /^(?:Stack:\S+ is in|This stack is currently in a non-terminal|Stack \[.*\] cannot be deleted while in status) \[?([A-Z_]+)\]?(?: state|$)/

/** Of rollbacks, and of the cancellation of an update. The call can have an internal name, as in "RollbackUpdatedStack". */
const wrongStatus = /^\w+ cannot be called from current stack status/

/** Whether the status of the stack forbids the call. */
export const toStackNotReady = (stack: string, { detail }: AwsError) => {
  const status = notReady.exec(detail)?.[1] ?? (wrongStatus.test(detail) ? "unknown" : undefined)
  return status === undefined ? undefined : new StackNotReady({ stack, status })
}

/** Why an operation with a ClientRequestToken was not started, as far as that has an error of its own. */
export const toNotStarted = (stack: string) => (error: AwsError) =>
  error.code === tokenUsed ? new TokenUsed({ stack }) : toStackNotReady(stack, error) ?? error

/** The whole sentence for this stack: of a missing role or template object, it says "does not exist" too. */
export const isStackNotFound = (stack: string) => (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" && error.detail === `Stack with id ${stack} does not exist`

/** DescribeStackEvents has another sentence than DescribeStacks. */
export const hasNoEvents = (stack: string) => (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" && error.detail === `Stack [${stack}] does not exist`

/** The codes on the wire, and the names of the SDK's classes. */
const changeSetNotFound: ReadonlySet<string> = new Set(["ChangeSetNotFound", "ChangeSetNotFoundException"])
const changeSetNotReady: ReadonlySet<string> = new Set(["InvalidChangeSetStatus", "InvalidChangeSetStatusException"])

/** If its stack does not exist, neither does the change set. */
export const isChangeSetNotFound = (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" &&
  (changeSetNotFound.has(error.code) || /^(?:Stack|ChangeSet) \[.*\] does not exist$/.test(error.detail))

/** Whether the status of the change set or of its stack forbids the call. */
export const toChangeSetNotReady = ({ changeSet, stack }: ChangeSetKey, error: AwsError) =>
  toStackNotReady(stack, error) ??
    (changeSetNotReady.has(error.code) ? new ChangeSetNotReady({ stack, changeSet, reason: error.detail }) : error)

/** A change set of type CREATE is only for a stack that does not exist. There is no error code for that. */
export const stackExists = /^Stack \[.*\] already exists and cannot be created again/
