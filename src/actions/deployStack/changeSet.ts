// Creates change sets and executes them.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { Execution } from "../../domain/job/ContinuationToken.ts"
import * as ChangeSet from "../../domain/stack/ChangeSet.ts"
import type { ChangeSetKey, Stack, StackOptions } from "../../domain/stack/Stack.ts"
import { ownOperation } from "../../domain/stack/StackEvents.ts"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import { requestToken } from "../../domain/stack/StackOperation.ts"
import type * as StackPlan from "../../domain/stack/StackPlan.ts"
import type { Template } from "../../domain/stack/Template.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import {
  ChangeSetNotReady,
  CloudFormation,
  type RequestError,
  type StackNotReady,
  type TokenUsed
} from "../../services/CloudFormation.ts"
import { diagnoseChangeSet } from "./diagnose.ts"
import { evidenceOf, ownerOf, redeliveryWindowStart } from "./observe.ts"
import * as Outputs from "./outputs.ts"
import type { DeployStackParameters } from "./Parameters.ts"
import {
  continuePreparing,
  continueWatching,
  epochMillis,
  type Invocation,
  nameOf,
  postpone,
  type PrepareState,
  type Step,
  stillInProgress,
  type WatchState
} from "./State.ts"

/** CloudFormation could not create the change set. */
export class ChangeSetFailed extends Schema.TaggedError<ChangeSetFailed>()("ChangeSetFailed", {
  stack: Schema.String,
  changeSet: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String,
  /** The causes that only DescribeEvents shows, oldest first. */
  causes: Schema.Array(Schema.String)
}) {
  override get message() {
    const { causes, changeSet, reason, stack } = this
    return StackFailure.message({
      head: `Error creating change set "${changeSet}" for CloudFormation stack "${stack}": ` +
        (causes.length === 0 ? reason : reason.replace(useDescribeEvents, "")),
      causes,
      remarks: []
    })
  }
}

/** CloudFormation's advice. It is redundant if the causes are known. */
const useDescribeEvents = /\s*To troubleshoot .*$/s

/** Marks the change set as one that a delivery of this event created. */
const descriptionOf = ({ firstJobId }: Execution) => `Made by effect-codepipeline for job ${firstJobId}`

/** Appended if CloudFormation created an empty stack for the change set. */
const newStackMark = ", with its stack"

/** The name of a change set that has no name in UserParameters. */
export const ownName = (execution: Execution): string => requestToken("execute", execution)

export interface Request {
  readonly stack: string
  readonly changeSet: string
  readonly type: StackPlan.ChangeSetType
  readonly template: Template
  readonly options: StackOptions
  readonly execution: Execution
  /** Whether the stack does not exist yet. */
  readonly isNewStack: boolean
}

/** The change set that is being created; none while a change set of the same name is being deleted. */
export type Prepared = Option.Option<PrepareState>

/** Starts to create a change set. One that an earlier delivery created is adopted; a foreign one is replaced. */
export const prepare = Effect.fn("StackChangeSet.prepare")(function*(
  { changeSet, execution, isNewStack, options, stack, template, type }: Request
): Effect.fn.Return<Prepared, ChangeSetFailed | StackNotReady | RequestError | AwsError, CloudFormation> {
  const cloudFormation = yield* CloudFormation
  const own = descriptionOf(execution)
  const description = isNewStack && type === "CREATE" ? own + newStackMark : own
  const create = cloudFormation.createChangeSet({ ...options, ...template, stack, changeSet, type, description }).pipe(
    Effect.map(({ id, stackId }) => Option.some({ changeSet: id, stackId })),
    Effect.catchTag(
      "AwsRejected",
      ({ detail }) => Effect.fail(new ChangeSetFailed({ stack, changeSet, reason: detail, causes: [] }))
    )
  )
  const adoptOrReplace = Effect.gen(function*() {
    const found = yield* cloudFormation.describeChangeSet({ stack, changeSet })
    if (Option.isSome(found)) {
      const { description: marked, id, stackId } = found.value
      if (marked?.startsWith(own)) return Option.some({ changeSet: id, stackId })
      yield* cloudFormation.deleteChangeSet({ stack, changeSet })
    }
    return yield* create.pipe(Effect.catchTag("ChangeSetExists", () => Effect.succeedNone))
  })
  return yield* create.pipe(Effect.catchTag("ChangeSetExists", () => adoptOrReplace))
})

/** A change set as far as its execution needs it. One that does not exist is unusable. */
const describeReadiness = Effect.fn("StackChangeSet.describeReadiness")(function*(key: ChangeSetKey) {
  const { describeChangeSet } = yield* CloudFormation
  return Option.match(yield* describeChangeSet(key), {
    onNone: () => ({
      readiness: ChangeSet.Readiness.Unusable({ reason: "the change set does not exist" }),
      changes: "",
      resources: 0,
      failedId: Option.none<string>(),
      isWithStack: false
    }),
    onSome: (found) => ({
      /** The ARN of a change set that CloudFormation could not create. */
      failedId: Option.liftPredicate(found.id, () => found.status === "FAILED"),
      isWithStack: found.description?.endsWith(newStackMark) ?? false,
      readiness: ChangeSet.readiness(found),
      changes: ChangeSet.summary(found.changes),
      // Removed resources are deleted in the cleanup afterwards.
      resources: found.changes.filter(({ action }) => action !== "Remove").length
    })
  })
})

/** Starts to execute a change set. */
const execute = Effect.fn("StackChangeSet.execute")(function*(
  key: ChangeSetKey,
  execution: Execution,
  { disableRollback, retainExceptOnCreate }: DeployStackParameters
): Effect.fn.Return<void, ChangeSetNotReady | StackNotReady | TokenUsed | AwsError, CloudFormation> {
  const { executeChangeSet } = yield* CloudFormation
  const clientRequestToken = requestToken("execute", execution)
  yield* executeChangeSet({ ...key, clientRequestToken, disableRollback, retainExceptOnCreate }).pipe(
    Effect.catchTag("AwsRejected", ({ detail }) => Effect.fail(new ChangeSetNotReady({ ...key, reason: detail })))
  )
})

/** Deletes an unusable change set, so that these do not reach CloudFormation's limit. */
const discard = (key: ChangeSetKey) =>
  CloudFormation.use(({ deleteChangeSet }) => optionalCall(deleteChangeSet(key), "The change set is not deleted."))

/** Deletes the empty stack that CloudFormation created for a change set which then failed. */
const discardStack = Effect.fnUntraced(function*(stackId: string, execution: Execution) {
  const cloudFormation = yield* CloudFormation
  const stack = Option.flatten(yield* optionalCall(cloudFormation.describe(stackId), withoutDelete))
  if (Option.isNone(stack) || stack.value.status !== "REVIEW_IN_PROGRESS") return
  const request = { stack: stackId, clientRequestToken: requestToken("delete", execution) }
  const deleted = cloudFormation.delete(request).pipe(
    Effect.catchTag(["TokenUsed", "StackNotReady"], () => Effect.void)
  )
  yield* optionalCall(deleted, withoutDelete)
})

const withoutDelete = "The empty stack of the failed change set is not deleted."

/** The stack of the change set does not exist. */
export const stackNotFound = ({ changeSet = "", stack }: DeployStackParameters) =>
  Effect.fail(new ChangeSetNotReady({ stack: nameOf(stack), changeSet, reason: "the stack does not exist" }))

/** Executes the change set that the parameters name. */
export const executeNamed = Effect.fnUntraced(function*(
  invocation: Invocation,
  stack: Option.Option<Stack>,
  state: WatchState
) {
  const { execution, parameters } = invocation
  const { changeSet = ownName(execution) } = parameters
  const now = yield* epochMillis
  const key = { stack: state.stackId, changeSet }
  const { changes, readiness, resources } = yield* describeReadiness(key)
  const refuse = (reason: string) =>
    adoptOr(new ChangeSetNotReady({ stack: nameOf(parameters.stack), changeSet, reason }), stack, execution, state)
  return yield* ChangeSet.Readiness.$match(readiness, {
    Pending: () => Effect.succeed(postpone(`change set "${changeSet}" is being created`)),
    Ready: () =>
      execute(key, execution, parameters).pipe(
        Effect.as(executing(changes, { ...state, resources, since: now })),
        Effect.catchTags({
          TokenUsed: () => Effect.succeed(adopted(state)),
          ChangeSetNotReady: ({ reason }) => refuse(reason),
          StackNotReady: ({ message, status }) =>
            parameters.whenBusy === "wait" ? Effect.succeed(postpone(status)) : refuse(message)
        })
      ),
    Empty: () => Outputs.succeed(invocation, emptyChangeSet(changeSet), stack),
    Executed: () => refuse("it was executed before"),
    Unusable: ({ reason }) => refuse(reason)
  })
})

/** An earlier delivery can have executed a change set that cannot be executed now: then the stack's events show it. */
const adoptOr = Effect.fnUntraced(function*(
  error: ChangeSetNotReady,
  stack: Option.Option<Stack>,
  execution: Execution,
  state: WatchState
): Effect.fn.Return<Step, ChangeSetNotReady | AwsError, CloudFormation> {
  const since = redeliveryWindowStart(execution)
  const { evidence } = yield* evidenceOf({ stack, since, owner: ownerOf(execution, since), operations: ["execute"] })
  return Option.isSome(ownOperation(evidence)) ? adopted(state) : yield* error
})

const executing = (changes: string, state: WatchState) =>
  continueWatching(`Stack update started: ${changes}`, { ...state, operation: "execute" }, 0)

const adopted = (state: WatchState) => continueWatching(stillInProgress("execute"), { ...state, operation: "execute" })

/** Polls a change set that is being created, then executes it or ends. */
export const resumeChangeSet = Effect.fn("StackChangeSet.resume")(function*(
  invocation: Invocation,
  prepared: PrepareState
) {
  const { execution, parameters } = invocation
  const { stackId } = prepared
  const now = yield* epochMillis
  const { changeSet = ownName(execution) } = parameters
  const named = nameOf(parameters.stack)
  const deploys = parameters.mode === "CHANGE_SET_DEPLOY"
  const key = { stack: stackId, changeSet: prepared.changeSet }
  const { changes, failedId, isWithStack, readiness, resources } = yield* describeReadiness(key)
  const cloudFormation = yield* CloudFormation
  const state: WatchState = { stackId, operation: "execute", since: redeliveryWindowStart(execution) }
  /** Ends without executing the change set. An existing stack keeps its termination protection until then. */
  const done = Effect.fnUntraced(function*(message: string) {
    const { terminationProtection } = parameters
    if (terminationProtection !== undefined) {
      yield* isWithStack
        ? cloudFormation.setTerminationProtection(stackId, terminationProtection)
        : Effect.logWarning(noProtection)
    }
    return Action.Step.Done({
      message,
      externalExecutionId: stackId,
      outputVariables: { ChangeSetName: changeSet, StackId: stackId }
    })
  })
  const created = done(`Change set "${changeSet}" created: ${changes}`)

  const failed = Effect.fnUntraced(function*(reason: string) {
    const causes = Option.isSome(failedId) ? yield* diagnoseChangeSet(failedId.value) : []
    return yield* new ChangeSetFailed({ stack: named, changeSet, reason, causes })
  })
  const adoptOrFail = Effect.fnUntraced(function*(reason: string) {
    if (!deploys || Option.isSome(failedId)) return yield* failed(reason)
    const stack = yield* cloudFormation.describe(stackId)
    return yield* adoptOr(new ChangeSetNotReady({ stack: named, changeSet, reason }), stack, execution, state)
  })
  const waitOrFail = ({ message, status }: StackNotReady) =>
    parameters.whenBusy === "wait"
      ? Effect.succeed(continuePreparing(`Waiting for the stack: ${status}`, prepared))
      : adoptOrFail(message)
  /** Deletes what this action created, after a failure. */
  const cleanUp = Effect.gen(function*() {
    if (deploys) yield* discard(key)
    if (isWithStack) yield* discardStack(stackId, execution)
  })
  const empty = Effect.gen(function*() {
    if (!deploys) return yield* done(emptyChangeSet(changeSet))
    const stack = yield* cloudFormation.describe(stackId)
    const step = yield* Outputs.succeed(invocation, emptyChangeSet(changeSet), stack)
    // Last: a job that continues before must find it.
    yield* discard(key)
    return step
  })
  return yield* ChangeSet.Readiness.$match(readiness, {
    Pending: () => Effect.succeed(continuePreparing(`Change set "${changeSet}" is being created`, prepared)),
    Ready: () =>
      deploys
        ? execute(key, execution, parameters).pipe(
          Effect.as(executing(changes, { ...state, resources, since: now })),
          Effect.catchTags({
            TokenUsed: () => Effect.succeed(adopted(state)),
            ChangeSetNotReady: ({ reason }) => adoptOrFail(reason),
            StackNotReady: waitOrFail
          })
        )
        : created,
    Empty: () => empty,
    // The name of a change set to deploy is made of the job's id, so no other actor executes it.
    Executed: () => deploys ? Effect.succeed(adopted(state)) : created,
    Unusable: ({ reason }) => adoptOrFail(reason)
  }).pipe(
    // In an outage the next job continues with the change set.
    Effect.tapError(({ _tag }) => _tag === "AwsUnavailable" ? Effect.void : cleanUp)
  )
})

const noProtection =
  "A change set does not change the termination protection of its stack: the action that executes it does, if it has the " +
  "option"

const emptyChangeSet = (changeSet: string) => `There were no stack updates: change set "${changeSet}" is empty`
