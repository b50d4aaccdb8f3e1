// What a job leaves for the next one of the same action. Each continuation is a new job with a new id, so all that must
// outlive one invocation travels here.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JobId } from "./Job.ts"
import { limits } from "./JobOutcome.ts"

/** One a second for more than a day is more than there can be. */
const maxAttempts = 100_000

/** What one action keeps from its first job to its last. */
export class Execution extends Schema.Class<Execution>("effect-codepipeline/domain/Execution")({
  /** The id of the job that began the action: the same in every later job, and so the key of what is done only once. */
  firstJobId: JobId,
  /** When that job was first seen, in epoch milliseconds. */
  startedAt: Schema.Int,
  /** Counts the invocations, this one included, from 1. */
  attempt: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxAttempts })),
  /** How long there was no good answer; absent while there is one. */
  unavailable: Schema.optionalKey(Schema.Struct({
    /** Epoch milliseconds. */
    since: Schema.Int,
    /** As many jobs had none, one after the other. */
    jobs: Schema.Int
  }))
}) {
  get next(): Execution {
    return new Execution({ ...this, attempt: this.attempt + 1 })
  }
}

/** Where the action goes on. */
export type Position = Data.TaggedEnum<{
  /** Nothing was begun: at its start. */
  Start: {}
  /** At a state that the action left, encoded. */
  State: { readonly state: Schema.Json }
  /** Somewhere: the operation was begun by a program that left no token of ours. */
  Unknown: {}
}>
export const Position = Data.taggedEnum<Position>()

const version = 1

const Envelope = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(version),
  action: Schema.String,
  execution: Execution,
  /** Absent at the start. */
  state: Schema.optionalKey(Schema.Json),
  unknown: Schema.optionalKey(Schema.Literal(true))
}))
type Envelope = typeof Envelope.Type

/** The action's state does not fit into a continuation token. */
export class StateTooLarge extends Schema.TaggedError<StateTooLarge>()("StateTooLarge", {
  action: Schema.String,
  length: Schema.Int
}) {
  override get message() {
    return `The state that action "${this.action}" wants to continue with makes a token of up to ${this.length} characters; ` +
      `CodePipeline allows ${limits.continuationToken}. Keep large values outside and their names in the state.`
  }
}

const encodeEnvelope = Schema.encodeEffect(Envelope)
const decodeEnvelope = Schema.decodeUnknownOption(Envelope)

export interface Token {
  readonly action: string
  readonly execution: Execution
  readonly position: Position
}

/** The execution as it takes the most characters: after a day of jobs, in an hour of them without a good answer. */
const longest = (execution: Execution): Execution =>
  new Execution({
    ...execution,
    attempt: maxAttempts,
    unavailable: { since: 9_999_999_999_999, jobs: maxAttempts }
  })

/**
 * At most 2,048 characters, or {@link StateTooLarge}: also where a later job has to go on from the same state because AWS
 * does not answer, so that no state is found to be too large then.
 */
export const encode = ({ action, execution, position }: Token): Effect.Effect<string, StateTooLarge> => {
  const where = Position.$match(position, {
    Start: () => ({}),
    State: ({ state }) => ({ state }),
    Unknown: () => ({ unknown: true as const })
  })
  const text = (execution: Execution) =>
    // What has these types always encodes.
    Effect.orDie(encodeEnvelope({ version, action, execution, ...where }))
  return Effect.flatMap(
    text(longest(execution)),
    ({ length }) =>
      length <= limits.continuationToken ? text(execution) : Effect.fail(new StateTooLarge({ action, length }))
  )
}

/** What was, was before now; clocks may differ. */
const isPossible = ({ attempt, startedAt, unavailable }: Execution, now: number) =>
  attempt < maxAttempts && [startedAt, unavailable?.since ?? 0].every((time) => time >= 0 && time < now + day)

const day = 86_400_000

/**
 * None where the token is not of this action and version, or cannot be: AWS's sample writes `{"previous_job_id": …}`, and
 * a pipeline may have changed its function between two jobs. `now` in epoch milliseconds.
 */
export const decode = (action: string, token: string, now: number): Option.Option<Token> =>
  Option.liftPredicate(token, (token) => token.length <= limits.continuationToken).pipe(
    Option.flatMap(decodeEnvelope),
    Option.filter((envelope: Envelope) => envelope.action === action && isPossible(envelope.execution, now)),
    Option.map(({ execution, state, unknown }) => {
      if (unknown) return { action, execution, position: Position.Unknown() }
      return { action, execution, position: state === undefined ? Position.Start() : Position.State({ state }) }
    })
  )
