// What to do about a stack, given what is seen of it and how far the action has come: the transition system of
// DeployStack. It knows nothing of how a stack is seen or changed.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Evidence } from "./StackEvents.ts"
import type { StackOperation } from "./StackOperation.ts"
import { type Fresh, fresh, isUnderWay, watched } from "./StackStatus.ts"

/** How the action changes the stack; the words are those of CodePipeline's own CloudFormation action. */
export const Mode = Schema.Literals(["CREATE_UPDATE"])
export type Mode = typeof Mode.Type

/** What is seen of the stack. */
export const Observation = Schema.TaggedUnion({
  Absent: {},
  Present: {
    /** One of the table's, or one that AWS has added since. */
    status: Schema.String,
    /** Whether the stack was created or last updated since the action began. */
    changedSince: Schema.Boolean
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
  /** It is under way: look again in the next job. */
  Wait: {}
  Succeed: {}
  /** It has ended badly, with this status. */
  Fail: { readonly status: string }
  /** There is no such stack any more. */
  Miss: {}
}>
export const Watch = Data.taggedEnum<Watch>()

/** The status alone does not tell: what the stack's events prove decides. */
export interface ReadEvents<Step> {
  readonly _tag: "ReadEvents"
  readonly decide: (evidence: Evidence) => Step
}

export type Decision<Step> = Step | ReadEvents<Step>

const readEvents = <Step>(decide: (evidence: Evidence) => Step): ReadEvents<Step> => ({ _tag: "ReadEvents", decide })

/** Lambda delivers an event at least once: what stands in the way may be what the first delivery has begun. */
const unlessOurs = (step: Start) =>
  readEvents(Evidence.$match({
    Begun: ({ operation }) => Start.Adopt({ operation }),
    Ended: ({ operation }) => Start.Adopt({ operation }),
    Nothing: () => step,
    Unmarked: () => step,
    Denied: () => step
  }))

const create = () => Start.Begin({ operation: "create" })
const update = () => Start.Begin({ operation: "update" })
const postpone = (status: string) => unlessOurs(Start.Postpone({ status }))
const refuse = (status: string) => unlessOurs(Start.Refuse({ status }))

const createOrUpdate = {
  Creatable: create,
  Updatable: update,
  Settling: postpone,
  Busy: refuse,
  UpdatableWithoutRollback: refuse,
  Broken: refuse,
  RollbackStuck: refuse,
  Shell: refuse,
  Unknown: refuse
} satisfies Record<Fresh, (status: string) => Decision<Start>>

const starts: Record<Mode, { readonly Absent: () => Decision<Start> } & typeof createOrUpdate> = {
  CREATE_UPDATE: { Absent: create, ...createOrUpdate }
}

/** What a new job does. Total: every status has a decision, known or not. */
export const start = (mode: Mode, observation: Observation): Decision<Start> =>
  Observation.match(observation, {
    Absent: (): Decision<Start> => starts[mode].Absent(),
    Present: ({ status }) => starts[mode][fresh(status)](status)
  })

const verdict = (status: string): Watch => watched(status) === "Succeeded" ? Watch.Succeed() : Watch.Fail({ status })

/**
 * What a job does that goes on with an operation. A stack at rest may still show the status of an earlier operation, or
 * already that of a later one of somebody else, so that only the events of our own prove anything. `ours` is false where
 * nothing is known of the operation, because the token was not ours: then the status has to do.
 */
export const watch = (ours: boolean, observation: Observation): Decision<Watch> =>
  Observation.match(observation, {
    Absent: (): Decision<Watch> => Watch.Miss(),
    Present: ({ changedSince, status }) => {
      if (isUnderWay(status)) return Watch.Wait()
      if (!ours) return verdict(status)
      return readEvents(Evidence.$match({
        Nothing: () => Watch.Wait(),
        Begun: () => Watch.Wait(),
        Ended: ({ status }) => verdict(status),
        Unmarked: () => verdict(status),
        Denied: () => changedSince ? verdict(status) : Watch.Wait()
      }))
    }
  })
