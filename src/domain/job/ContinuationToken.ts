// What a job leaves for the next one of the same action. Each continuation is a new job with a new id, so all that must
// outlive one invocation travels here.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JobId } from "./Job.ts"
import { jobLimits } from "./JobOutcome.ts"

/** One a second for more than a day is more than there can be. */
const maxAttempts = 100_000

/** The last one with 13 digits: in the year 2286. */
const maxEpochMillis = 9_999_999_999_999

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
    since: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxEpochMillis })),
    /** As many jobs had none, one after the other. */
    jobs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxAttempts }))
  }))
}) {
  get next(): Execution {
    return new Execution({ ...this, attempt: this.attempt + 1 })
  }

  /** With the longest text that the same execution can come to have. */
  get longest(): Execution {
    const unavailable = { since: maxEpochMillis, jobs: maxAttempts }
    return new Execution({ ...this, attempt: maxAttempts, unavailable })
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
  /** With the room that waiting for AWS may take. */
  length: Schema.Int
}) {
  override get message() {
    return `The state that action "${this.action}" wants to continue with can make a token of ${this.length} characters; ` +
      `CodePipeline allows ${jobLimits.continuationToken}. Keep large values outside and their names in the state.`
  }
}

const encodeEnvelope = Schema.encodeEffect(Envelope)
const decodeEnvelope = Schema.decodeUnknownOption(Envelope)

export interface Token {
  readonly action: string
  readonly execution: Execution
  readonly position: Position
}

/**
 * At most 2,048 characters, or {@link StateTooLarge}. A position whose first token fits never fails later: there is room
 * for all attempts, and for the time without an answer.
 */
export const encode = ({ action, execution, position }: Token): Effect.Effect<string, StateTooLarge> => {
  const where = Position.$match(position, {
    Start: () => ({}),
    State: ({ state }) => ({ state }),
    Unknown: () => ({ unknown: true as const })
  })
  const write = (execution: Execution) =>
    // What has these types always encodes.
    Effect.orDie(encodeEnvelope({ version, action, execution, ...where }))
  return write(execution.longest).pipe(
    Effect.filterOrFail(
      ({ length }) => length <= jobLimits.continuationToken,
      ({ length }) => new StateTooLarge({ action, length })
    ),
    Effect.andThen(write(execution))
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
  Option.liftPredicate(token, (token) => token.length <= jobLimits.continuationToken).pipe(
    Option.flatMap(decodeEnvelope),
    Option.filter((envelope: Envelope) => envelope.action === action && isPossible(envelope.execution, now)),
    Option.map(({ execution, state, unknown }) => {
      if (unknown) return { action, execution, position: Position.Unknown() }
      return { action, execution, position: state === undefined ? Position.Start() : Position.State({ state }) }
    })
  )
