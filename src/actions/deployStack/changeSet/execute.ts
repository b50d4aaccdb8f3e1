// Polls a change set until it is created, then executes it. If it cannot be executed, finds out whether this action has
// executed it before.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Action from "../../../Action.ts"
import type { AwsError } from "../../../domain/job/AwsError.ts"
import * as ChangeSet from "../../../domain/stack/ChangeSet.ts"
import { countsOf } from "../../../domain/stack/plan/ChangePlan.ts"
import { requestToken } from "../../../domain/stack/StackOperation.ts"
import { isUnderWay } from "../../../domain/stack/StackStatus.ts"
import type { ArtifactStore } from "../../../services/ArtifactStore.ts"
import { ChangeSetNotReady, CloudFormation, StackNotReady } from "../../../services/CloudFormation.ts"
import { diagnoseChangeSet } from "../diagnose.ts"
import { redeliveryWindowStart } from "../observe.ts"
import * as Outputs from "../outputs.ts"
import {
  continuePreparing,
  continueWatching,
  epochMillis,
  idleLimit,
  type Invocation,
  namesOf,
  type PrepareState,
  type Step,
  timed
} from "../State.ts"
import { adopt, adoptOwnOr, findExecutor, watchState } from "./adopt.ts"
import { ChangeSetFailed, discardChangeSet, isWithStack } from "./create.ts"
import * as Plan from "./plan.ts"

/** The change set cannot be executed. */
const refuse = (invocation: Invocation, reason: string) =>
  Effect.fail(new ChangeSetNotReady({ ...namesOf(invocation), reason }))

/** CloudFormation could not create the change set, or it was deleted. */
const fail = (
  invocation: Invocation,
  reason: string,
  { advice, causes = [] }: { readonly causes?: ReadonlyArray<string>; readonly advice?: string | undefined } = {}
) =>
  Effect.fail(
    new ChangeSetFailed({ ...namesOf(invocation), reason, causes, ...(advice !== undefined && { advice }) })
  )

/** The stack of the change set does not exist. */
export const stackNotFound = (invocation: Invocation) => refuse(invocation, "the stack does not exist")

/** How long CloudFormation can fail to show a change set that exists. */
const visibilityLimit = Duration.toMillis("1 minute")

/** How long events can be unavailable. Then they count as denied. */
const outageLimit = Duration.toMillis("1 hour")

/** Waits for something that CloudFormation may not show yet, but no longer than the limit in milliseconds. */
const waitOr = Effect.fnUntraced(function*<E>(
  invocation: Invocation,
  { changeSet, idleSince, stackId }: PrepareState,
  limit: number,
  reason: string,
  otherwise: Effect.Effect<Step, E>
) {
  const now = yield* epochMillis
  const since = idleSince ?? now
  if (now - since >= limit) return yield* otherwise
  const message = `Waiting for change set "${namesOf(invocation).changeSet}": ${reason}`
  return continuePreparing(message, { stackId, changeSet, idleSince: since })
})

/** Executes the change set that the parameters name. */
export const executeNamed = (invocation: Invocation, stackId: string) =>
  resumeChangeSet(invocation, { stackId, changeSet: namesOf(invocation).key })

/** Values are only read for the files of a plan, and those of a change set to execute at the end. */
const valuesOf = (invocation: Invocation) => ({
  withValues: invocation.parameters.mode === "CHANGE_SET_REPLACE" && Plan.isWritten(invocation)
})

/** Polls a change set that is being created, then executes it or ends. */
export const resumeChangeSet = Effect.fn("StackChangeSet.resume")(function*(
  invocation: Invocation,
  state: PrepareState
): Effect.fn.Return<Step, ResumeError, CloudFormation | ArtifactStore> {
  const { describeChangeSet } = yield* CloudFormation
  const { changeSet, isEmpty, stackId } = state
  if (isEmpty) return yield* endEmpty(invocation, state)
  const found = yield* describeChangeSet({ stack: stackId, changeSet, ...valuesOf(invocation) })
  if (Option.isSome(found) && found.value.status !== "DELETE_COMPLETE") {
    const { id, rootId = id } = found.value
    if (found.value.stackId !== stackId) return yield* refuse(invocation, "it belongs to another stack")
    if (rootId !== id) {
      return yield* refuse(invocation, `it is nested in the change set ${rootId}. Execute that one`)
    }
    return yield* proceed(invocation, { ...state, changeSet: found.value.id }, found.value)
  }
  const missing = "the change set does not exist"
  const reason = changeSet.startsWith("arn:")
    ? `${missing} any more: it was deleted or replaced. Create it again`
    : missing
  if (invocation.parameters.mode === "CHANGE_SET_REPLACE") {
    return yield* waitOr(invocation, state, visibilityLimit, missing, fail(invocation, reason))
  }
  return yield* adoptOwnOr(
    invocation,
    { stackId, createdAt: redeliveryWindowStart(invocation.execution) },
    () => waitOr(invocation, state, visibilityLimit, missing, refuse(invocation, reason))
  )
})

const isEmptyText = (changeSet: string) => `There were no stack updates: change set "${changeSet}" is empty`

/** Succeeds with an empty change set, and deletes it in the mode that created it. */
const endEmpty = Effect.fnUntraced(function*(invocation: Invocation, { changeSet, stackId }: PrepareState) {
  const { describe } = yield* CloudFormation
  if (invocation.parameters.mode === "CHANGE_SET_DEPLOY") yield* discardChangeSet({ stack: stackId, changeSet })
  return yield* Outputs.succeed(invocation, isEmptyText(namesOf(invocation).changeSet), yield* describe(stackId), {
    plan: Plan.emptyPlan(stackId)
  })
})

/** Does what the status of the change set allows. */
const proceed = Effect.fnUntraced(function*(
  invocation: Invocation,
  state: PrepareState,
  found: ChangeSet.ChangeSet
): Effect.fn.Return<Step, ResumeError, CloudFormation | ArtifactStore> {
  const { execution, parameters } = invocation
  const { disableRollback, mode, retainExceptOnCreate, terminationProtection, whenBusy } = parameters
  const { stackId } = state
  const { changes, createdAt, id, status } = found
  const { describe, executeChangeSet, setTerminationProtection } = yield* CloudFormation
  const { changeSet: name } = namesOf(invocation)
  const key = { stack: stackId, changeSet: id }
  const deploys = mode === "CHANGE_SET_DEPLOY"
  const executes = mode !== "CHANGE_SET_REPLACE"
  const readiness = ChangeSet.readiness(found)
  const isReady = ChangeSet.Readiness.$is("Ready")(readiness)
  // The changes of one that cannot be executed do not matter.
  const planned = ChangeSet.Readiness.$is("Unusable")(readiness) ? { ...found, changes: [] } : found
  const plan = yield* Plan.read(planned, {
    ...valuesOf(invocation),
    isRequired: isReady && Plan.isGuarded(parameters)
  })
  if (isReady) yield* Plan.check(invocation, plan)
  const counts = planned === found ? countsOf(plan.changes) : undefined
  const summary = ChangeSet.summary(plan.changes)

  /** Ends without executing the change set. An existing stack keeps its termination protection until then. */
  const done = Effect.fnUntraced(function*(message: string, hasChanges = true) {
    const known = Plan.knownPlan(found, plan, hasChanges)
    if (terminationProtection !== undefined) {
      yield* isWithStack(found)
        ? setTerminationProtection(stackId, terminationProtection)
        : Effect.logWarning(noProtection)
    }
    yield* Outputs.write(invocation, Plan.filesOf(invocation, known))
    return Action.Step.Done({
      message,
      externalExecutionId: stackId,
      outputVariables: { ...Plan.variablesOf(invocation, known), ChangeSetId: id }
    })
  })
  const wait = (message: string) => Effect.succeed(continuePreparing(message, { stackId, changeSet: id }))
  /** The execution of an earlier call may not be visible yet. */
  const waitForEvents = (reason: string) => waitOr(invocation, state, idleLimit, reason, refuse(invocation, reason))
  const ownOr = <E, R>(otherwise: (executor: ChangeSet.Executor) => Effect.Effect<Step, E, R>) =>
    adoptOwnOr(invocation, { stackId, createdAt, ...(counts && { changes: counts }) }, otherwise)
  const adopted = Effect.sync(() => adopt(invocation, stackId, counts))

  const busy = (status: string) =>
    ownOr((executor) =>
      whenBusy !== "wait" && ChangeSet.Executor.$is("Foreign")(executor)
        ? refuse(invocation, new StackNotReady({ stack: namesOf(invocation).stack, status }).message)
        : wait(`Waiting for the stack: ${status}`)
    )

  const execute = timed(executeChangeSet({
    ...key,
    clientRequestToken: requestToken("execute", execution),
    disableRollback,
    retainExceptOnCreate
  })).pipe(
    Effect.map(({ calledAt }) =>
      continueWatching(`Stack update started: ${summary}`, {
        ...watchState(invocation, stackId, counts),
        calledAt,
        // Removed resources are deleted in the cleanup afterwards.
        resources: changes.filter(({ action }) => action !== "Remove").length
      }, 0)
    ),
    Effect.catchTags({
      TokenUsed: () => adopted,
      // The answer to an earlier call can have been lost: its operation may not be visible yet.
      ChangeSetNotReady: ({ reason }) =>
        Effect.flatMap(
          describe(stackId),
          (stack) =>
            Option.match(Option.filter(stack, ({ status }) => isUnderWay(status)), {
              onNone: () => ownOr(() => waitForEvents(reason)),
              onSome: ({ status }) => busy(status)
            })
        ),
      StackNotReady: ({ status }) => busy(status),
      AwsRejected: ({ detail }) => ownOr(() => refuse(invocation, detail))
    })
  )

  const unusable = Effect.fnUntraced(function*(reason: string) {
    const isFailed = status === "FAILED"
    if (deploys ? isFailed : !executes) {
      const { causes, isNested } = isFailed ? yield* diagnoseChangeSet(found) : { causes: [], isNested: false }
      const advice = isNested && parameters.includeNestedStacks === undefined ? withoutNestedStacks : undefined
      return yield* fail(invocation, reason, { causes, advice })
    }
    return yield* ownOr(() => refuse(invocation, reason))
  })

  return yield* ChangeSet.Readiness.$match(readiness, {
    Pending: () => wait(`Change set "${name}" is being created`),
    Ready: () => executes ? execute : done(`Change set "${name}" created: ${summary}`),
    Empty: () => {
      if (!executes) return done(isEmptyText(name), false)
      // Deleted in the next job, so that this one can be delivered again.
      return deploys
        ? Effect.succeed(continuePreparing(isEmptyText(name), { stackId, changeSet: id, isEmpty: true }))
        : endEmpty(invocation, state)
    },
    Executed: () =>
      executes
        ? Effect.flatMap(
          findExecutor(invocation, stackId, createdAt),
          ChangeSet.Executor.$match({
            Own: () => adopted,
            // The stack's status and times are the only evidence.
            Denied: () => adopted,
            Foreign: ({ token = "none" }) =>
              refuse(invocation, `another actor has executed it (client request token: ${token})`),
            Unknown: () => waitForEvents(unknownExecutor),
            Unavailable: () => waitOr(invocation, state, outageLimit, unknownExecutor, adopted)
          })
        )
        : done(`Change set "${name}" created, and executed by another actor: ${summary}`),
    Unusable: ({ reason }) => unusable(reason)
  })
})

const unknownExecutor = "it was executed, but the events of the stack do not show by whom"

const noProtection =
  "A change set does not change the termination protection of its stack: the action that executes it does, if it has the " +
  "option"

const withoutNestedStacks =
  "If only the plan of the nested stacks fails, deploy without it: \"includeNestedStacks\": false in UserParameters"

type ResumeError =
  | Plan.ReplacementRefused
  | ChangeSetFailed
  | ChangeSetNotReady
  | AwsError
  | Outputs.SuccessError
