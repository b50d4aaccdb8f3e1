// What a job leaves for the next job of the same action. Each continuation is a new job with a new id, so everything
// that must outlive one invocation travels in the token.
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { sentences } from "../text/sentences.ts"
import { type Job, JobId } from "./Job.ts"
import { jobLimits } from "./JobOutcome.ts"

/** More than one job a second for the 24 hours of an action. */
const maxAttempts = 100_000

/** The largest number of 13 digits: in the year 2286. */
const maxEpochMillis = 9_999_999_999_999

/** How long an action continues without any usable response. */
const outageLimit = Duration.toMillis("1 hour")

/** What one action keeps from its first job to its last. */
export class Execution extends Schema.Class<Execution>("effect-codepipeline/domain/Execution")({
  /** The id of the action's first job. It is the same in all later jobs, and so serves as an idempotency key. */
  firstJobId: JobId,
  /** When the first job started, in epoch milliseconds. */
  startedAt: Schema.Int,
  /** The number of invocations, this one included. */
  attempt: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxAttempts })),
  /** The current outage; absent without one. */
  unavailable: Schema.optionalKey(Schema.Struct({
    /** Epoch milliseconds. */
    since: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxEpochMillis })),
    /** The number of consecutive jobs without a usable response. */
    jobs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxAttempts }))
  }))
}) {
  get next(): Execution {
    return new Execution({ ...this, attempt: this.attempt + 1 })
  }

  /** Counts one more job without a usable response. `now` in epoch milliseconds. */
  withOutage(now: number): Execution {
    const { jobs, since } = this.unavailable ?? { since: now, jobs: 0 }
    return new Execution({ ...this, unavailable: { since, jobs: jobs + 1 } })
  }

  /** Whether the action may still continue without a usable response. `now` in epoch milliseconds. */
  isWithinOutageLimit(now: number): boolean {
    return this.unavailable === undefined || now - this.unavailable.since < outageLimit
  }

  /** The values with the longest text that this execution can reach. */
  get longest(): Execution {
    const unavailable = { since: maxEpochMillis, jobs: maxAttempts }
    return new Execution({ ...this, attempt: maxAttempts, unavailable })
  }
}

/** Where the action continues. */
export type Position = Data.TaggedEnum<{
  /** At its start: no operation was started. */
  Start: {}
  /** At the encoded state that the action left. */
  State: { readonly state: Schema.Json }
  /** Unknown: another program, or another version of this one, wrote the token. */
  Unknown: {}
}>
/** Its constructors, `$is` and `$match`. */
export const Position = Data.taggedEnum<Position>()

const version = 1

const Envelope = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(version),
  action: Schema.String,
  execution: Execution,
  /** Absent at the start of the action. */
  state: Schema.optionalKey(Schema.Json),
  unknown: Schema.optionalKey(Schema.Literal(true))
}))
type Envelope = typeof Envelope.Type

/** The action's state is too large for a continuation token. */
export class StateTooLarge extends Schema.TaggedError<StateTooLarge>()("StateTooLarge", {
  action: Schema.String,
  /** Including the space reserved for the data of an outage. */
  length: Schema.Int
}) {
  override get message() {
    return sentences(this.problem, this.advice)
  }
  get problem() {
    return `The state of action "${this.action}" needs a continuation token of ${this.length} characters; ` +
      `CodePipeline allows ${jobLimits.continuationToken}`
  }
  get advice() {
    return "Store large values elsewhere and keep only their names in the state"
  }
}

/** The action cannot read the token of this job, and cannot recover without one. */
export class TokenUnknown extends Schema.TaggedError<TokenUnknown>()("TokenUnknown", { action: Schema.String }) {
  override get message() {
    return sentences(this.problem, this.advice)
  }
  get problem() {
    return `The continuation token of this job was written by another program, or by another version of action ` +
      `"${this.action}"; it is unknown which operations were started before`
  }
  get advice() {
    return "Retry the action"
  }
}

const encodeEnvelope = Schema.encodeEffect(Envelope)
const decodeEnvelope = Schema.decodeUnknownOption(Envelope)

/** What a continuation token holds. */
export interface Token {
  readonly action: string
  readonly execution: Execution
  readonly position: Position
}

/**
 * Returns at most 2,048 characters, or fails with {@link StateTooLarge}. If the first token of a position fits, later
 * ones do too: space for all attempts and for the data of an outage is reserved.
 */
export const encode = ({ action, execution, position }: Token): Effect.Effect<string, StateTooLarge> => {
  const where = Position.$match(position, {
    Start: () => ({}),
    State: ({ state }) => ({ state }),
    Unknown: () => ({ unknown: true as const })
  })
  const write = (execution: Execution) =>
    // Values of these types always encode.
    Effect.orDie(encodeEnvelope({ version, action, execution, ...where }))
  return write(execution.longest).pipe(
    Effect.filterOrFail(
      ({ length }) => length <= jobLimits.continuationToken,
      ({ length }) => new StateTooLarge({ action, length })
    ),
    Effect.andThen(write(execution))
  )
}

/** Times are in the past, give or take a day for clocks that differ. */
const isPossible = ({ attempt, startedAt, unavailable }: Execution, now: number) =>
  attempt < maxAttempts && [startedAt, unavailable?.since ?? 0].every((time) => time >= 0 && time < now + day)

const day = 86_400_000

/**
 * None if the token is not of this action and version, or has impossible values: AWS's sample function writes
 * `{"previous_job_id": …}`, and a pipeline may change its function between two jobs. `now` in epoch milliseconds.
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

/** Where the job continues the action: at its start, at a state, or unknown. `now` in epoch milliseconds. */
export const resumePoint = (action: string, { continuationToken, id }: Job, now: number): Token => {
  const execution = new Execution({ firstJobId: id, startedAt: now, attempt: 1 })
  return Option.match(continuationToken, {
    onNone: () => ({ action, execution, position: Position.Start() }),
    onSome: (text) =>
      Option.match(decode(action, text, now), {
        onNone: () => ({ action, execution, position: Position.Unknown() }),
        onSome: (token) => ({ ...token, execution: token.execution.next })
      })
  })
}
