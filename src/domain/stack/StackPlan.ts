// The transition system of DeployStack: what to do about a stack, given what is known of it and how far the action has
// come. It does not know how a stack is described or changed.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Evidence } from "./StackEvents.ts"
import { isRollback, type RollbackOperation, type StackOperation } from "./StackOperation.ts"
import {
  isInProgress,
  isRecoverable,
  isUnderWay,
  type OperationPhase,
  phaseOf,
  type Startability,
  startability
} from "./StackStatus.ts"

/**
 * How the action changes the stack. The words are those of CodePipeline's own CloudFormation action, besides
 * `CHANGE_SET_DEPLOY` and `ROLLBACK`.
 */
export const Mode = Schema.Literals([
  "CREATE_UPDATE",
  "REPLACE_ON_FAILURE",
  "DELETE_ONLY",
  "CHANGE_SET_REPLACE",
  "CHANGE_SET_EXECUTE",
  "CHANGE_SET_DEPLOY",
  "ROLLBACK"
])
export type Mode = typeof Mode.Type

/** What to do while a foreign operation is in progress on the stack. */
export const WhenBusy = Schema.Literals(["fail", "wait"])
export type WhenBusy = typeof WhenBusy.Type

/** What CloudFormation does with a new stack that cannot be created. */
export const OnStackFailure = Schema.Literals(["ROLLBACK", "DELETE", "DO_NOTHING"])
export type OnStackFailure = typeof OnStackFailure.Type

/** What DescribeStacks shows of the stack. */
export const Observation = Schema.TaggedUnion({
  Absent: {},
  Present: {
    /** One of the table's statuses, or one that AWS added later. */
    status: Schema.String,
    /** When it was created or last updated; epoch milliseconds. */
    changedAt: Schema.Int,
    /** Whether that was after the call that started the operation, as far as this job knows. */
    changedSince: Schema.Boolean,
    /** Whether it was created or last updated within the redelivery window of the first event. */
    changedInWindow: Schema.Boolean,
    /** Whether it was created within that window. */
    createdInWindow: Schema.Boolean,
    /** Whether it was created so recently that its events may not be visible yet. */
    justCreated: Schema.Boolean
  }
})
export type Observation = typeof Observation.Type
type PresentStack = typeof Observation.cases.Present.Type

/** What CloudFormation calls ChangeSetType. */
export type ChangeSetType = "CREATE" | "UPDATE"

/** What a job does that has not started an operation, as far as it knows. */
export type Start = Data.TaggedEnum<{
  Begin: { readonly operation: "create" | "update" | "delete" | RollbackOperation }
  /** Create a change set, for a new stack or for an existing one. */
  Prepare: { readonly type: ChangeSetType }
  /** Execute the named change set. */
  Execute: {}
  /** An earlier delivery of the same event started this operation: watch it. */
  Adopt: { readonly operation: StackOperation }
  /** The stack will be free soon: start in the next job. */
  Postpone: { readonly status: string }
  /** The stack's status forbids the operation. */
  Refuse: { readonly status: string }
  /** The stack does not exist, so it need not be deleted. */
  NothingToDelete: {}
  /** The stack is at rest with this status, or does not exist, so it need not be rolled back. */
  NothingToRollBack: { readonly status: string | undefined }
  /** The stack does not exist, so its change set cannot be executed. */
  StackNotFound: {}
}>
/** Its constructors, `$is` and `$match`. */
export const Start = Data.taggedEnum<Start>()

/** What a job does that watches an operation. */
export type WatchDecision = Data.TaggedEnum<{
  /** Poll in the next job. `isIdle`: the stack is not in progress and does not show the own operation yet. */
  Wait: { readonly isIdle: boolean }
  Succeed: {}
  /** The operation failed, with this status. */
  Fail: { readonly status: string }
  /** The stack does not exist. */
  StackNotFound: {}
  /** The stack, in this status, does not show that the operation was ever started. */
  Unproven: { readonly status: string }
}>
/** Its constructors, `$is` and `$match`. */
export const WatchDecision = Data.taggedEnum<WatchDecision>()

/** The status alone does not decide: the evidence of the stack's events does. */
export interface ReadEvents<Step> {
  readonly _tag: "ReadEvents"
  /** The decision by this evidence. */
  readonly decide: (evidence: Evidence) => Step
}

/** A decision, or that the events of the stack are needed for it. */
export type Decision<Step> = Step | ReadEvents<Step>

const readEvents = <Step>(decide: (evidence: Evidence) => Step): ReadEvents<Step> => ({ _tag: "ReadEvents", decide })

/** The options of a job that matter at the start, besides its mode. */
export interface StartOptions {
  readonly whenBusy: WhenBusy
  /** Whether a failed operation is not rolled back. Some statuses allow no other update. */
  readonly disableRollback: boolean
  /** Whether a stack that is not at rest is rolled back first. */
  readonly recover: boolean
  /** Whether an earlier job found the stack, and decided to change it. */
  readonly isFound: boolean
}

type Step = (stack: PresentStack, options: StartOptions) => Start

/** One cell of the start table. */
interface StartRule {
  /** What to do if the stack shows no own operation. */
  readonly step: Step
  /** Whether the stack can show an operation that an earlier delivery started. Then the events are read. */
  readonly mayBeOwn: (stack: PresentStack) => boolean
  /** What to do if the events do not show whose operation it is. */
  readonly inconclusive: Step
}

const rule = (
  step: Step,
  { inconclusive = step, mayBeOwn = () => true }: Partial<Omit<StartRule, "step">> = {}
): StartRule => ({ step, mayBeOwn, inconclusive })

const createdInWindow = { mayBeOwn: (stack: PresentStack) => stack.createdInWindow }
const changedInWindow = { mayBeOwn: (stack: PresentStack) => stack.changedInWindow }
const never = { mayBeOwn: () => false }

const create: Step = () => Start.Begin({ operation: "create" })
const update: Step = () => Start.Begin({ operation: "update" })
const remove: Step = () => Start.Begin({ operation: "delete" })
const prepare = (type: ChangeSetType): Step => () => Start.Prepare({ type })
const execute: Step = () => Start.Execute()
const rollBack: Step = () => Start.Begin({ operation: "rollback" })
const continueRollback: Step = () => Start.Begin({ operation: "continue-rollback" })
const refuse: Step = ({ status }) => Start.Refuse({ status })
const postpone: Step = ({ status }) => Start.Postpone({ status })
const nothingToDelete: Step = () => Start.NothingToDelete()
const stackNotFound: Step = () => Start.StackNotFound()
const nothingToRollBack: Step = ({ status }) => Start.NothingToRollBack({ status })

const updateWithoutRollbackOr = (otherwise: Step): Step => (stack, options) =>
  (options.disableRollback ? update : otherwise)(stack, options)

/** Brings the stack to rest first if the action may, and goes on from there. */
const recoverBy = (step: Step, otherwise: Step = refuse): Step => (stack, options) =>
  (options.recover ? step : otherwise)(stack, options)

const waitOrRefuse: Step = (stack, options) =>
  options.whenBusy === "fail" ? refuse(stack, options) : postpone(stack, options)

// Refuse only if the operation in progress is certainly foreign: failing our own deployment is worse than waiting.
const busy = rule(waitOrRefuse, { inconclusive: postpone })

type StartRules = Readonly<Record<Startability, StartRule>> & { readonly absent: Start }

const createOrUpdate: StartRules = {
  absent: Start.Begin({ operation: "create" }),
  Creatable: rule(create, never),
  // A second update has the token of the first and does nothing. An update after an own create would do something.
  Updatable: rule(update, createdInWindow),
  CleaningUp: rule(postpone),
  Busy: busy,
  Deleting: busy,
  // The rollback of a creation leaves a stack that can only be deleted.
  CreateFailed: rule(updateWithoutRollbackOr(refuse)),
  UpdatableWithoutRollback: rule(updateWithoutRollbackOr(recoverBy(rollBack))),
  Broken: rule(refuse),
  RollbackStuck: rule(recoverBy(continueRollback)),
  Shell: rule(refuse),
  Unknown: rule(refuse)
}

// After a redelivery the stack can be one that the first delivery deleted, created, or failed to create.
const replaceOnFailure: StartRules = {
  ...createOrUpdate,
  CreateFailed: rule(remove),
  Broken: rule(remove),
  RollbackStuck: rule(recoverBy(continueRollback, remove)),
  Shell: rule(remove)
}

const deleteOnly: StartRules = {
  absent: Start.NothingToDelete(),
  Creatable: rule(nothingToDelete, never),
  Updatable: rule(remove, never),
  CleaningUp: rule(postpone),
  Busy: busy,
  // The goal, no matter who started the delete.
  Deleting: rule(postpone),
  CreateFailed: rule(remove, never),
  UpdatableWithoutRollback: rule(remove, never),
  // The own delete can have failed.
  Broken: rule(remove),
  RollbackStuck: rule(remove, never),
  Shell: rule(remove, never),
  Unknown: rule(remove, never)
}

const changeSetReplace: StartRules = {
  absent: Start.Prepare({ type: "CREATE" }),
  Creatable: rule(prepare("CREATE"), never),
  Shell: rule(prepare("CREATE"), never),
  Updatable: rule(prepare("UPDATE"), never),
  CleaningUp: rule(postpone),
  Busy: busy,
  Deleting: busy,
  CreateFailed: rule(refuse),
  UpdatableWithoutRollback: rule(recoverBy(rollBack)),
  Broken: rule(refuse),
  RollbackStuck: rule(recoverBy(continueRollback)),
  Unknown: rule(refuse)
}

// An earlier delivery can have executed the change set.
const changeSetExecute: StartRules = {
  ...changeSetReplace,
  absent: Start.StackNotFound(),
  Creatable: rule(stackNotFound, never),
  Shell: rule(execute, changedInWindow),
  Updatable: rule(execute, changedInWindow)
}

const changeSetDeploy: StartRules = {
  ...changeSetReplace,
  Updatable: rule(prepare("UPDATE"), changedInWindow)
}

/** A stack that an earlier job found was not at rest then. If it is rolled back now, that is the goal, whoever did it. */
const rolledBackOrRefuse: Step = (stack, options) =>
  (options.isFound && stack.status === "ROLLBACK_COMPLETE" ? nothingToRollBack : refuse)(stack, options)

const rollbackOnly: StartRules = {
  absent: Start.NothingToRollBack({ status: undefined }),
  Creatable: rule(nothingToRollBack, never),
  Updatable: rule(nothingToRollBack, never),
  CleaningUp: rule(postpone),
  Busy: busy,
  Deleting: busy,
  CreateFailed: rule(rollBack),
  UpdatableWithoutRollback: rule(rollBack),
  // The own rollback can have ended here.
  Broken: rule(rolledBackOrRefuse),
  RollbackStuck: rule(continueRollback),
  Shell: rule(nothingToRollBack, never),
  Unknown: rule(refuse)
}

const startRules: Readonly<Record<Mode, StartRules>> = {
  CREATE_UPDATE: createOrUpdate,
  REPLACE_ON_FAILURE: replaceOnFailure,
  DELETE_ONLY: deleteOnly,
  CHANGE_SET_REPLACE: changeSetReplace,
  CHANGE_SET_EXECUTE: changeSetExecute,
  CHANGE_SET_DEPLOY: changeSetDeploy,
  ROLLBACK: rollbackOnly
}

/** What to do if the stack shows no own operation, by what its events show instead. */
interface Alternatives {
  /** What to do if the own operation rolled the stack back. */
  readonly afterRecovery: (operation: RollbackOperation, idleUntil: number) => Start
  readonly foreign: Start
  readonly inconclusive: Start
  readonly noEvents: Start
}

/** Lambda delivers an event at least once: an operation on the stack can be the first delivery's. The one place for this. */
const adoptOwnOr = ({ afterRecovery, foreign, inconclusive, noEvents }: Alternatives) =>
  readEvents(Evidence.$match({
    Begun: ({ operation }): Start => Start.Adopt({ operation }),
    Ended: ({ idleUntil, operation, status }) =>
      isRollback(operation) && isSuccess(operation, status)
        ? afterRecovery(operation, idleUntil)
        : Start.Adopt({ operation }),
    Denied: () => inconclusive,
    Inconclusive: () => inconclusive,
    NoEvents: () => noEvents,
    NoTokens: () => foreign,
    Foreign: () => foreign
  }))

/**
 * What the action does after it has rolled the stack back: it goes on. A stack that still is not at rest is described as it
 * was before, or another actor's update has failed since: a second rollback would have the token of the first.
 */
const goOnAfterRecovery =
  ({ changedAt, status }: PresentStack, next: Start) => (_: RollbackOperation, idleUntil: number): Start => {
    if (isUnderWay(status)) return Start.Postpone({ status })
    if (!isRecoverable(status)) return next
    return idleUntil === 0 || changedAt < idleUntil ? Start.Postpone({ status }) : Start.Refuse({ status })
  }

const adoptRollback = (operation: RollbackOperation) => Start.Adopt({ operation })

/** What a new job does. Total: every status has a decision, known or not. */
export const start = (mode: Mode, options: StartOptions, observation: Observation): Decision<Start> =>
  Observation.match(observation, {
    Absent: (): Decision<Start> => startRules[mode].absent,
    Present: (stack) => {
      const { inconclusive, mayBeOwn, step } = startRules[mode][startability(stack.status)]
      const foreign = step(stack, options)
      if (!mayBeOwn(stack)) return foreign
      const otherwise = inconclusive(stack, options)
      return adoptOwnOr({
        afterRecovery: mode === "ROLLBACK" ? adoptRollback : goOnAfterRecovery(stack, foreign),
        foreign,
        inconclusive: otherwise,
        noEvents: stack.justCreated ? postpone(stack, options) : otherwise
      })
    }
  })

const successes: ReadonlySet<OperationPhase> = new Set<OperationPhase>(["Succeeded", "CleaningUp"])

/** What a job knows of the operation that it watches. */
export interface OperationContext {
  /** Absent if nothing is known because the token is not ours: then the status decides. */
  readonly operation: StackOperation | undefined
  /** Whether a succeeded operation is watched until replaced resources are deleted. */
  readonly waitForCleanup: boolean
  /** Whether the stack has been idle for so long that it will not show the operation any more. */
  readonly idleTooLong: boolean
}

const rolledBack: Readonly<Record<RollbackOperation, ReadonlySet<string>>> = {
  // A stack that was never complete is rolled back to nothing, or deleted.
  rollback: new Set(["UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"]),
  "continue-rollback": new Set(["UPDATE_ROLLBACK_COMPLETE"])
}

const isSuccess = (operation: StackOperation | undefined, status: string): boolean => {
  if (isRollback(operation)) return rolledBack[operation].has(status)
  return operation === "delete" ? phaseOf(status) === "Deleted" : successes.has(phaseOf(status))
}

/**
 * What a job does that watches an operation. An idle stack can still show the status of an earlier operation, or already
 * that of a later foreign one, so only the events of the own operation prove how it ended. DescribeStacks can lag behind the
 * events: then the stack is described again in the next job, because its outputs and its status belong to the result.
 */
export const watch = (context: OperationContext, observation: Observation): Decision<WatchDecision> => {
  const { idleTooLong, operation, waitForCleanup } = context
  const verdict = (status: string) =>
    isSuccess(operation, status) ? WatchDecision.Succeed() : WatchDecision.Fail({ status })
  return Observation.match(observation, {
    // A stack is found by its id for 90 days after its deletion: one that is not found may not be visible yet.
    Absent: (): Decision<WatchDecision> =>
      operation === undefined || idleTooLong ? WatchDecision.StackNotFound() : WatchDecision.Wait({ isIdle: true }),
    Present: ({ changedAt, changedInWindow, changedSince, status }) => {
      const isIdle = !isUnderWay(status)
      if (isInProgress(status, waitForCleanup)) return WatchDecision.Wait({ isIdle })
      if (operation === undefined) return verdict(status)
      // A deleted stack is the goal of a delete, no matter who deleted it.
      if (operation === "delete" && isSuccess(operation, status)) return WatchDecision.Succeed()
      const wait = isIdle && idleTooLong ? WatchDecision.Unproven({ status }) : WatchDecision.Wait({ isIdle })
      const judge = (own: { readonly idleUntil: number; readonly status: string }) => {
        // An operation never brings a stack back into the status of an empty one. A rollback is not always a change, but
        // starts only in statuses in which it does not succeed.
        const isEarlier = isRollback(operation)
          ? isRecoverable(status) && status !== own.status
          : changedAt < own.idleUntil || startability(status) === "Shell"
        return isEarlier && !idleTooLong ? WatchDecision.Wait({ isIdle: true }) : verdict(own.status)
      }
      return readEvents(Evidence.$match({
        Inconclusive: () => wait,
        NoEvents: () => wait,
        Foreign: () => wait,
        Begun: ({ idleUntil, status }) => {
          if (status === undefined) return wait
          // The operation is proven: an idle stack is read too early, or its last events are.
          return !isIdle && phaseOf(status) === "CleaningUp"
            ? judge({ idleUntil, status })
            : WatchDecision.Wait({ isIdle })
        },
        Ended: judge,
        NoTokens: () => verdict(status),
        // An idle stack that changed only before this job's call: CloudFormation answered for an earlier delivery's call.
        Denied: () => {
          const isShown = isRollback(operation) ? idleTooLong || !isRecoverable(status) : changedSince
          return isShown || (idleTooLong && changedInWindow) ? verdict(status) : wait
        }
      }))
    }
  })
}
