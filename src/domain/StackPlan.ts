// What to do about a stack, given what is seen of it and how far the action has come: the transition system of
// DeployStack. It knows nothing of how a stack is seen or changed.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Evidence } from "./StackEvents.ts"
import type { StackOperation } from "./StackOperation.ts"
import { type Fresh, fresh, goesOn, isUnderWay, type Watched, watched } from "./StackStatus.ts"

/** How the action changes the stack; the words are those of CodePipeline's own CloudFormation action. */
export const Mode = Schema.Literals(["CREATE_UPDATE"])
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
  Begin: { readonly operation: StackOperation }
  /** Our operation was begun by an earlier delivery of the same event: watch it. */
  Adopt: { readonly operation: StackOperation }
  /** The stack will soon be free: start in the next job. */
  Postpone: { readonly status: string }
  /** The stack's status forbids the operation. */
  Refuse: { readonly status: string }
}>
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

/** Lambda delivers an event at least once: what is seen may be the doing of the first delivery. */
const unlessOurs = (step: Start, unknown: Start = step) =>
  readEvents(Evidence.$match({
    Begun: ({ operation }) => Start.Adopt({ operation }),
    Ended: ({ operation }) => Start.Adopt({ operation }),
    Others: () => step,
    Unmarked: () => step,
    Nothing: () => unknown,
    Denied: () => unknown
  }))

type Opening = (
  seen: { readonly status: string; readonly createdOfLate: boolean },
  whenBusy: WhenBusy
) => Decision<Start>

const refuse: Opening = ({ status }) => unlessOurs(Start.Refuse({ status }))

const createOrUpdate: Record<Fresh, Opening> = {
  Creatable: create,
  // A second update with the same token begins nothing; an update after a create of ours would.
  Updatable: ({ createdOfLate }) => createdOfLate ? unlessOurs(update()) : update(),
  Settling: ({ status }) => unlessOurs(Start.Postpone({ status })),
  // Only what is somebody else's for sure is refused: to fail a deployment that goes on would be worse than to wait.
  Busy: ({ status }, whenBusy) =>
    unlessOurs(whenBusy === "fail" ? Start.Refuse({ status }) : Start.Postpone({ status }), Start.Postpone({ status })),
  UpdatableWithoutRollback: refuse,
  Broken: refuse,
  RollbackStuck: refuse,
  Shell: refuse,
  Unknown: refuse
}

const starts: Record<Mode, Record<Fresh, Opening> & { readonly Absent: () => Decision<Start> }> = {
  CREATE_UPDATE: { Absent: create, ...createOrUpdate }
}

/** What a new job does. Total: every status has a decision, known or not. */
export const start = (mode: Mode, whenBusy: WhenBusy, observation: Observation): Decision<Start> =>
  Observation.match(observation, {
    Absent: (): Decision<Start> => starts[mode].Absent(),
    Present: (seen) => starts[mode][fresh(seen.status)](seen, whenBusy)
  })

const succeeded: ReadonlySet<Watched> = new Set<Watched>(["Succeeded", "Settling"])

const verdict = (status: string): Watch => succeeded.has(watched(status)) ? Watch.Succeed() : Watch.Fail({ status })

/** What a job knows of the operation that it goes on with. */
export interface Pursuit {
  /** False where nothing is known, because the token was not ours: then the status has to do. */
  readonly ours: boolean
  /** Whether an operation that has succeeded is waited for until the resources that it replaced are gone. */
  readonly settle: boolean
  /** Whether the stack is at rest for so long that what has not shown by now never will. */
  readonly rested: boolean
}

/**
 * What a job does that goes on with an operation. A stack at rest may still show the status of an earlier operation, or
 * already that of a later one of somebody else, so that only the events of our own prove anything.
 */
export const watch = ({ ours, rested, settle }: Pursuit, observation: Observation): Decision<Watch> =>
  Observation.match(observation, {
    // By its id a stack is found for 90 days after it was deleted: one that is not found may not be seen yet.
    Absent: (): Decision<Watch> => ours && !rested ? Watch.Wait({ atRest: true }) : Watch.Miss(),
    Present: ({ changedOfLate, changedSince, status }) => {
      const atRest = !isUnderWay(status)
      if (goesOn(status, settle)) return Watch.Wait({ atRest })
      if (!ours) return verdict(status)
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
