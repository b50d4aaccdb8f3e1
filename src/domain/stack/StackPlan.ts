// What to do about a stack, given what is seen of it and how far the action has come: the transition system of
// DeployStack. It knows nothing of how a stack is seen or changed.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Evidence } from "./StackEvents.ts"
import type { StackOperation } from "./StackOperation.ts"
import { type Fresh, fresh, goesOn, isUnderWay, type Watched, watched } from "./StackStatus.ts"

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
    changedOfLate: Schema.Boolean,
    /** Whether it was created since then. */
    createdOfLate: Schema.Boolean
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
  Gone: {}
  /** There is no stack to do it to. */
  Missing: {}
}>
/** What CloudFormation calls ChangeSetType. */
export type ChangeSetType = "CREATE" | "UPDATE"
export const Start = Data.taggedEnum<Start>()

/** What to do once the operation is begun. */
export type Watch = Data.TaggedEnum<{
  /** Look again in the next job. A stack at rest will not change for long before it shows our operation. */
  Wait: { readonly atRest: boolean }
  Succeed: {}
  /** It has ended badly, with this status. */
  Fail: { readonly status: string }
  /** There is no such stack any more. */
  Miss: {}
  /** The stack, in this status, does not show that the operation was ever begun. */
  Unproven: { readonly status: string }
}>
export const Watch = Data.taggedEnum<Watch>()

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
const gone = () => Start.Gone()
const prepare = (type: ChangeSetType) => () => Start.Prepare({ type })

/** Lambda delivers an event at least once: what is seen may be the doing of the first delivery. */
export const unlessOurs = (step: Start, unknown: Start = step) =>
  readEvents(Evidence.$match({
    Begun: ({ operation }) => Start.Adopt({ operation }),
    Ended: ({ operation }) => Start.Adopt({ operation }),
    Others: () => step,
    Unmarked: () => step,
    Nothing: () => unknown,
    Denied: () => unknown
  }))

/** What the job was asked for besides its mode. */
export interface Wishes {
  readonly whenBusy: WhenBusy
  /** An update that does not roll back may begin where others may not. */
  readonly disableRollback: boolean
}

type Opening = (
  seen: { readonly status: string; readonly changedOfLate: boolean; readonly createdOfLate: boolean },
  wishes: Wishes
) => Decision<Start>

const refuse: Opening = ({ status }) => unlessOurs(Start.Refuse({ status }))

const withoutRollback: Opening = ({ status }, { disableRollback }) =>
  unlessOurs(disableRollback ? update() : Start.Refuse({ status }))

/** A second delivery finds what the first has deleted, created, or failed to. */
const replace: Opening = () => unlessOurs(remove())

const settling: Opening = ({ status }) => unlessOurs(Start.Postpone({ status }))

// Only what is somebody else's for sure is refused: to fail a deployment that goes on would be worse than to wait.
const busy: Opening = ({ status }, { whenBusy }) =>
  unlessOurs(whenBusy === "fail" ? Start.Refuse({ status }) : Start.Postpone({ status }), Start.Postpone({ status }))

type Openings = Record<Fresh, Opening> & { readonly Absent: () => Decision<Start> }

const createOrUpdate: Openings = {
  Absent: create,
  Creatable: create,
  // A second update with the same token begins nothing; an update after a create of ours would.
  Updatable: ({ createdOfLate }) => createdOfLate ? unlessOurs(update()) : update(),
  Settling: settling,
  Busy: busy,
  CreateFailed: withoutRollback,
  UpdatableWithoutRollback: withoutRollback,
  Broken: refuse,
  RollbackStuck: refuse,
  Shell: refuse,
  Unknown: refuse
}

const replaceOnFailure: Openings = {
  ...createOrUpdate,
  CreateFailed: replace,
  Broken: replace,
  RollbackStuck: replace,
  Shell: replace
}

const deleteOnly: Openings = {
  Absent: gone,
  Creatable: gone,
  Updatable: remove,
  Settling: settling,
  Busy: busy,
  CreateFailed: remove,
  UpdatableWithoutRollback: remove,
  // It may be our own delete that has failed.
  Broken: replace,
  RollbackStuck: remove,
  Shell: remove,
  Unknown: remove
}

const changeSetReplace: Openings = {
  Absent: prepare("CREATE"),
  Creatable: prepare("CREATE"),
  Shell: prepare("CREATE"),
  Updatable: prepare("UPDATE"),
  Settling: settling,
  Busy: busy,
  CreateFailed: refuse,
  UpdatableWithoutRollback: refuse,
  Broken: refuse,
  RollbackStuck: refuse,
  Unknown: refuse
}

/** A change set that an earlier delivery has executed is not there any more. */
const onceExecuted = (step: Start): Opening => ({ changedOfLate }) => changedOfLate ? unlessOurs(step) : step

const changeSetExecute: Openings = {
  ...changeSetReplace,
  Absent: () => Start.Missing(),
  Creatable: () => Start.Missing(),
  Shell: onceExecuted(Start.Execute()),
  Updatable: onceExecuted(Start.Execute())
}

const changeSetDeploy: Openings = {
  ...changeSetReplace,
  Updatable: onceExecuted(Start.Prepare({ type: "UPDATE" }))
}

const starts: Record<Mode, Openings> = {
  CREATE_UPDATE: createOrUpdate,
  REPLACE_ON_FAILURE: replaceOnFailure,
  DELETE_ONLY: deleteOnly,
  CHANGE_SET_REPLACE: changeSetReplace,
  CHANGE_SET_EXECUTE: changeSetExecute,
  CHANGE_SET_DEPLOY: changeSetDeploy
}

/** What a new job does. Total: every status has a decision, known or not. */
export const start = (mode: Mode, wishes: Wishes, observation: Observation): Decision<Start> =>
  Observation.match(observation, {
    Absent: (): Decision<Start> => starts[mode].Absent(),
    Present: (seen) => starts[mode][fresh(seen.status)](seen, wishes)
  })

const successes: ReadonlySet<Watched> = new Set<Watched>(["Succeeded", "Settling"])

/** What a job knows of the operation that it goes on with. */
export interface Pursuit {
  /** None where nothing is known, because the token was not ours: then the status has to do. */
  readonly operation: StackOperation | undefined
  /** Whether an operation that has succeeded is waited for until the resources that it replaced are gone. */
  readonly settle: boolean
  /** Whether the stack is at rest for so long that what has not shown by now never will. */
  readonly rested: boolean
}

const isSuccess = ({ operation }: Pursuit, status: string) =>
  operation === "delete" ? watched(status) === "Deleted" : successes.has(watched(status))

/**
 * What a job does that goes on with an operation. A stack at rest may still show the status of an earlier operation, or
 * already that of a later one of somebody else, so that only the events of our own prove anything.
 */
export const watch = (pursuit: Pursuit, observation: Observation): Decision<Watch> => {
  const { operation, rested, settle } = pursuit
  const verdict = (status: string) => isSuccess(pursuit, status) ? Watch.Succeed() : Watch.Fail({ status })
  return Observation.match(observation, {
    // By its id a stack is found for 90 days after it was deleted: one that is not found may not be seen yet.
    Absent: (): Decision<Watch> => operation === undefined || rested ? Watch.Miss() : Watch.Wait({ atRest: true }),
    Present: ({ changedOfLate, changedSince, status }) => {
      const atRest = !isUnderWay(status)
      if (goesOn(status, settle)) return Watch.Wait({ atRest })
      if (operation === undefined) return verdict(status)
      // A stack that is gone is what was wanted, whoever has deleted it.
      if (operation === "delete" && isSuccess(pursuit, status)) return Watch.Succeed()
      const wait = atRest && rested ? Watch.Unproven({ status }) : Watch.Wait({ atRest })
      return readEvents(Evidence.$match({
        Nothing: () => wait,
        Others: () => wait,
        Begun: ({ status }) =>
          !atRest && status !== undefined && watched(status) === "Settling" ? verdict(status) : wait,
        Ended: ({ status }) => verdict(status),
        Unmarked: () => verdict(status),
        // In the end CloudFormation may have answered for what an earlier delivery had begun.
        Denied: () => changedSince || (rested && changedOfLate) ? verdict(status) : wait
      }))
    }
  })
}
