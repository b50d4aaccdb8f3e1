// What to do about a stack, given what is seen of it and how far the action has come: the transition system of
// DeployStack. It knows nothing of how a stack is seen or changed.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Evidence } from "./StackEvents.ts"
import type { StackOperation } from "./StackOperation.ts"
import {
  isInProgress,
  isUnderWay,
  type OperationPhase,
  phaseOf,
  type Startability,
  startability
} from "./StackStatus.ts"

/** How the action changes the stack; the words are those of CodePipeline's own CloudFormation action. */
export const Mode = Schema.Literals([
  "CREATE_UPDATE",
  "REPLACE_ON_FAILURE",
  "DELETE_ONLY",
  "CHANGE_SET_REPLACE",
  "CHANGE_SET_EXECUTE",
  "CHANGE_SET_DEPLOY"
])
export type Mode = typeof Mode.Type

/** What to do while somebody else's operation is under way on the stack. */
export const WhenBusy = Schema.Literals(["fail", "wait"])
export type WhenBusy = typeof WhenBusy.Type

/** What is seen of the stack. */
export const Observation = Schema.TaggedUnion({
  Absent: {},
  Present: {
    /** One of the table's, or one that AWS has added since. */
    status: Schema.String,
    /** Whether the stack was created or last updated since the call that began our operation, as far as this job knows. */
    changedSince: Schema.Boolean,
    /** Whether it was since an earlier delivery of the first event may have begun our operation. */
    changedInWindow: Schema.Boolean,
    /** Whether it was created since then. */
    createdInWindow: Schema.Boolean
  }
})
export type Observation = typeof Observation.Type

/** What to do while nothing is begun, as far as this job knows. */
export type Start = Data.TaggedEnum<{
  Begin: { readonly operation: "create" | "update" | "delete" }
  /** Make a change set, for a stack that is still to be created or for one that exists. */
  Prepare: { readonly type: ChangeSetType }
  /** Execute the change set that was named. */
  Execute: {}
  /** Our operation was begun by an earlier delivery of the same event: watch it. */
  Adopt: { readonly operation: StackOperation }
  /** The stack will soon be free: start in the next job. */
  Postpone: { readonly status: string }
  /** The stack's status forbids the operation. */
  Refuse: { readonly status: string }
  /** There is no stack, and nothing to do. */
  NothingToDelete: {}
  /** There is no stack to do it to. */
  StackNotFound: {}
}>
/** What CloudFormation calls ChangeSetType. */
export type ChangeSetType = "CREATE" | "UPDATE"
export const Start = Data.taggedEnum<Start>()

/** What to do once the operation is begun. */
export type WatchDecision = Data.TaggedEnum<{
  /** Look again in the next job. A stack at rest will not change for long before it shows our operation. */
  Wait: { readonly isIdle: boolean }
  Succeed: {}
  /** It has ended badly, with this status. */
  Fail: { readonly status: string }
  /** There is no such stack any more. */
  StackNotFound: {}
  /** The stack, in this status, does not show that the operation was ever begun. */
  Unproven: { readonly status: string }
}>
export const WatchDecision = Data.taggedEnum<WatchDecision>()

/** The status alone does not tell: what the stack's events prove decides. */
export interface ReadEvents<Step> {
  readonly _tag: "ReadEvents"
  readonly decide: (evidence: Evidence) => Step
}

export type Decision<Step> = Step | ReadEvents<Step>

const readEvents = <Step>(decide: (evidence: Evidence) => Step): ReadEvents<Step> => ({ _tag: "ReadEvents", decide })

const create = () => Start.Begin({ operation: "create" })
const update = () => Start.Begin({ operation: "update" })
const remove = () => Start.Begin({ operation: "delete" })
const nothingToDelete = () => Start.NothingToDelete()
const prepare = (type: ChangeSetType) => () => Start.Prepare({ type })

/** Lambda delivers an event at least once: what is seen may be the doing of the first delivery. */
export const adoptOwnOr = (step: Start, unknown: Start = step) =>
  readEvents(Evidence.$match({
    Begun: ({ operation }) => Start.Adopt({ operation }),
    Ended: ({ operation }) => Start.Adopt({ operation }),
    Foreign: () => step,
    NoTokens: () => step,
    Inconclusive: () => unknown,
    Denied: () => unknown
  }))

/** What the job was asked for besides its mode. */
export interface StartOptions {
  readonly whenBusy: WhenBusy
  /** An update that does not roll back may begin where others may not. */
  readonly disableRollback: boolean
}

type StartRule = (
  seen: { readonly status: string; readonly changedInWindow: boolean; readonly createdInWindow: boolean },
  options: StartOptions
) => Decision<Start>

const refuse: StartRule = ({ status }) => adoptOwnOr(Start.Refuse({ status }))

const withoutRollback: StartRule = ({ status }, { disableRollback }) =>
  adoptOwnOr(disableRollback ? update() : Start.Refuse({ status }))

/** A second delivery finds what the first has deleted, created, or failed to. */
const replace: StartRule = () => adoptOwnOr(remove())

const cleaningUp: StartRule = ({ status }) => adoptOwnOr(Start.Postpone({ status }))

// Only what is somebody else's for sure is refused: to fail a deployment that goes on would be worse than to wait.
const busy: StartRule = ({ status }, { whenBusy }) =>
  adoptOwnOr(whenBusy === "fail" ? Start.Refuse({ status }) : Start.Postpone({ status }), Start.Postpone({ status }))

type StartRules = Record<Startability, StartRule> & { readonly Absent: () => Decision<Start> }

const createOrUpdate: StartRules = {
  Absent: create,
  Creatable: create,
  // A second update with the same token begins nothing; an update after a create of ours would.
  Updatable: ({ createdInWindow }) => createdInWindow ? adoptOwnOr(update()) : update(),
  CleaningUp: cleaningUp,
  Busy: busy,
  CreateFailed: withoutRollback,
  UpdatableWithoutRollback: withoutRollback,
  Broken: refuse,
  RollbackStuck: refuse,
  Shell: refuse,
  Unknown: refuse
}

const replaceOnFailure: StartRules = {
  ...createOrUpdate,
  CreateFailed: replace,
  Broken: replace,
  RollbackStuck: replace,
  Shell: replace
}

const deleteOnly: StartRules = {
  Absent: nothingToDelete,
  Creatable: nothingToDelete,
  Updatable: remove,
  CleaningUp: cleaningUp,
  Busy: busy,
  CreateFailed: remove,
  UpdatableWithoutRollback: remove,
  // It may be our own delete that has failed.
  Broken: replace,
  RollbackStuck: remove,
  Shell: remove,
  Unknown: remove
}

const changeSetReplace: StartRules = {
  Absent: prepare("CREATE"),
  Creatable: prepare("CREATE"),
  Shell: prepare("CREATE"),
  Updatable: prepare("UPDATE"),
  CleaningUp: cleaningUp,
  Busy: busy,
  CreateFailed: refuse,
  UpdatableWithoutRollback: refuse,
  Broken: refuse,
  RollbackStuck: refuse,
  Unknown: refuse
}

/** A change set that an earlier delivery has executed is not there any more. */
const unlessAlreadyExecuted = (step: Start): StartRule => ({ changedInWindow }) =>
  changedInWindow ? adoptOwnOr(step) : step

const changeSetExecute: StartRules = {
  ...changeSetReplace,
  Absent: () => Start.StackNotFound(),
  Creatable: () => Start.StackNotFound(),
  Shell: unlessAlreadyExecuted(Start.Execute()),
  Updatable: unlessAlreadyExecuted(Start.Execute())
}

const changeSetDeploy: StartRules = {
  ...changeSetReplace,
  Updatable: unlessAlreadyExecuted(Start.Prepare({ type: "UPDATE" }))
}

const starts: Record<Mode, StartRules> = {
  CREATE_UPDATE: createOrUpdate,
  REPLACE_ON_FAILURE: replaceOnFailure,
  DELETE_ONLY: deleteOnly,
  CHANGE_SET_REPLACE: changeSetReplace,
  CHANGE_SET_EXECUTE: changeSetExecute,
  CHANGE_SET_DEPLOY: changeSetDeploy
}

/** What a new job does. Total: every status has a decision, known or not. */
export const start = (mode: Mode, options: StartOptions, observation: Observation): Decision<Start> =>
  Observation.match(observation, {
    Absent: (): Decision<Start> => starts[mode].Absent(),
    Present: (seen) => starts[mode][startability(seen.status)](seen, options)
  })

const successes: ReadonlySet<OperationPhase> = new Set<OperationPhase>(["Succeeded", "CleaningUp"])

/** What a job knows of the operation that it goes on with. */
export interface OperationContext {
  /** None where nothing is known, because the token was not ours: then the status has to do. */
  readonly operation: StackOperation | undefined
  /** Whether an operation that has succeeded is waited for until the resources that it replaced are gone. */
  readonly waitForCleanup: boolean
  /** Whether the stack is at rest for so long that what has not shown by now never will. */
  readonly idleTooLong: boolean
}

const isSuccess = ({ operation }: OperationContext, status: string) =>
  operation === "delete" ? phaseOf(status) === "Deleted" : successes.has(phaseOf(status))

/**
 * What a job does that goes on with an operation. A stack at rest may still show the status of an earlier operation, or
 * already that of a later one of somebody else, so that only the events of our own prove anything.
 */
export const watch = (context: OperationContext, observation: Observation): Decision<WatchDecision> => {
  const { operation, idleTooLong, waitForCleanup } = context
  const verdict = (status: string) =>
    isSuccess(context, status) ? WatchDecision.Succeed() : WatchDecision.Fail({ status })
  return Observation.match(observation, {
    // By its id a stack is found for 90 days after it was deleted: one that is not found may not be seen yet.
    Absent: (): Decision<WatchDecision> =>
      operation === undefined || idleTooLong ? WatchDecision.StackNotFound() : WatchDecision.Wait({ isIdle: true }),
    Present: ({ changedInWindow, changedSince, status }) => {
      const isIdle = !isUnderWay(status)
      if (isInProgress(status, waitForCleanup)) return WatchDecision.Wait({ isIdle })
      if (operation === undefined) return verdict(status)
      // A stack that is gone is what was wanted, whoever has deleted it.
      if (operation === "delete" && isSuccess(context, status)) return WatchDecision.Succeed()
      const wait = isIdle && idleTooLong ? WatchDecision.Unproven({ status }) : WatchDecision.Wait({ isIdle })
      return readEvents(Evidence.$match({
        Inconclusive: () => wait,
        Foreign: () => wait,
        Begun: ({ status }) =>
          !isIdle && status !== undefined && phaseOf(status) === "CleaningUp" ? verdict(status) : wait,
        Ended: ({ status }) => verdict(status),
        NoTokens: () => verdict(status),
        // In the end CloudFormation may have answered for what an earlier delivery had begun.
        Denied: () => changedSince || (idleTooLong && changedInWindow) ? verdict(status) : wait
      }))
    }
  })
}
