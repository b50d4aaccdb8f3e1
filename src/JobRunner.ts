// Runs one job of an action and reports its outcome, once, however the action ends.
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type Action, type Failures, type Invocation, Step, type TaggedError } from "./Action.ts"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "./domain/job/AwsError.ts"
import * as ContinuationToken from "./domain/job/ContinuationToken.ts"
import { decodeJob, decodeJobId, type Job, type JobId, type JobInvalid, type NotAJobEvent } from "./domain/job/Job.ts"
import {
  failed,
  type Failure,
  type FailureType,
  JobOutcome,
  type OutputVariablesInvalid,
  type Progress,
  withinLimits
} from "./domain/job/JobOutcome.ts"
import * as UserParameters from "./domain/job/UserParameters.ts"
import { Deadline } from "./runtime/Deadline.ts"
import * as Telemetry from "./runtime/Telemetry.ts"
import { CodePipeline } from "./services/CodePipeline.ts"

/** The event gave no job to report on, or CodePipeline did not take the report. Another delivery can still succeed. */
export type RunError = NotAJobEvent | AwsUnavailable | AwsDenied | AwsRejected

export interface RunOptions {
  /**
   * How long the function may still run, in milliseconds, as Lambda's context says. Before that is over the action is
   * interrupted, and the job goes on from where it began. No limit when left out.
   */
  readonly remainingMillis?: number | undefined
}

/**
 * How the time of one invocation is shared out, in milliseconds from its start. Three seconds, or a quarter where there
 * is little, are kept for telling CodePipeline, and a hundredth for returning.
 */
const timeBudget = (remainingMillis: number) => {
  const reserve = Math.min(3_000, remainingMillis / 4)
  const actionDeadline = remainingMillis - reserve
  return {
    /** A call that is silent is given up a little before the action is interrupted, so that the job can name it. */
    callDeadline: actionDeadline - reserve / 10,
    actionDeadline,
    reportDeadline: remainingMillis - Math.min(100, remainingMillis / 100)
  }
}

/**
 * Does what the event asks for and tells CodePipeline the outcome, which is also the result. It fails only where nothing
 * was reported: then the function has to fail too, so that Lambda delivers the event again.
 */
export const run = Effect.fn(Telemetry.spans.job)(function*<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  event: unknown,
  { remainingMillis = Infinity }: RunOptions = {}
): Effect.fn.Return<JobOutcome, RunError, R | CodePipeline> {
  const jobId = yield* decodeJobId(event)
  const now = yield* epochMillis
  const { callDeadline, actionDeadline, reportDeadline } = timeBudget(remainingMillis)
  const end = perform(action, event, now, actionDeadline).pipe(
    Effect.provideService(Deadline, now + callDeadline),
    Effect.flatMap((outcome) => Effect.fromResult(withinLimits(outcome))),
    Effect.catch((error: ActionFailure<E> | RunnerError) =>
      Effect.andThen(
        Effect.logWarning("The action failed", Cause.fail(error instanceof ActionFailure ? error.error : error)),
        Effect.sync(() => failed(toFailure(action.failures, error)))
      )
    ),
    Effect.catchCause((cause) => Effect.as(Effect.logError("The action has a bug", cause), failed(unexpected))),
    Effect.flatMap((outcome) => report(action.name, jobId, outcome)),
    Effect.tapError(() => Telemetry.countJob(action.name, "Unreported")),
    Effect.provideService(Deadline, now + reportDeadline)
  )
  const about = { jobId, action: action.name }
  yield* Effect.annotateCurrentSpan(about)
  return yield* annotate(end, about)
})

/** Log lines and spans have the same annotations. */
const annotate = <A, E, R>(effect: Effect.Effect<A, E, R>, annotations: Readonly<Record<string, string>>) =>
  effect.pipe(Effect.annotateLogs(annotations), Effect.annotateSpans(annotations))

const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

const perform = Effect.fnUntraced(function*<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  event: unknown,
  now: number,
  actionDeadline: number
): Effect.fn.Return<JobOutcome, ActionFailure<E> | RunnerError, R> {
  const job = yield* decodeJob(event)
  const token = resumePoint(action, job, now)
  const { execution } = token
  yield* Effect.logInfo("Job started").pipe(Effect.annotateLogs({ ...execution }))
  const parameters = yield* UserParameters.decode(action.parameters, job.userParameters)
  const annotations = action.annotations?.(parameters) ?? {}
  yield* Effect.annotateCurrentSpan(annotations)
  const outcome = yield* runStep(action, token.position, { job, parameters, execution }).pipe(
    (effect) => annotate(effect, annotations),
    Effect.timeoutOrElse({ duration: actionDeadline, orElse: () => Effect.fail(new OutOfTime()) }),
    Effect.flatMap((step) => toOutcome(action, execution, step)),
    Effect.catch((error: ActionFailure<E> | OutOfTime | TokenUnknown | ContinuationToken.StateTooLarge) => {
      const failure = toFailure(action.failures, error)
      return failure.type === "SystemUnavailable" && withinOutageLimit(execution, now)
        ? continueAfterOutage(token, now, failure)
        : Effect.fail(error)
    })
  )
  return yield* withinTimeout(outcome, execution, action.timeout?.(parameters))
})

/** CodePipeline fails an action after 24 hours, without a word of what it waited for. */
const longest = Duration.minutes(23 * 60 + 30)

/** An action that has had its time does not go on. */
const withinTimeout = Effect.fnUntraced(function*(
  outcome: JobOutcome,
  { startedAt }: ContinuationToken.Execution,
  timeout: Duration.Duration = longest
): Effect.fn.Return<JobOutcome, TimedOut> {
  if (!JobOutcome.$is("Continued")(outcome)) return outcome
  const { externalExecutionId, message: waitedFor } = outcome
  const limit = Duration.min(timeout, longest)
  return (yield* epochMillis) - startedAt < Duration.toMillis(limit)
    ? outcome
    : yield* new TimedOut({ minutes: Duration.toMinutes(limit), waitedFor, externalExecutionId })
})

/** Where the action stands: at its start, at a state that it left, or somewhere unknown. */
const resumePoint = <Params, State, E extends TaggedError, R>(
  { name: action }: Action<Params, State, E, R>,
  job: Job,
  now: number
): ContinuationToken.Token => {
  const execution = new ContinuationToken.Execution({ firstJobId: job.id, startedAt: now, attempt: 1 })
  return Option.match(job.continuationToken, {
    onNone: () => ({ action, execution, position: ContinuationToken.Position.Start() }),
    onSome: (text) =>
      Option.match(ContinuationToken.decode(action, text, now), {
        onNone: () => ({ action, execution, position: ContinuationToken.Position.Unknown() }),
        onSome: (token) => ({ ...token, execution: token.execution.next })
      })
  })
}

const runStep = <Params, State, E extends TaggedError, R>(
  { name, recover, resume, start, state: schema }: Action<Params, State, E, R>,
  position: ContinuationToken.Position,
  invocation: Invocation<Params>
): Effect.Effect<Step<State>, ActionFailure<E> | TokenUnknown, R> => {
  const inAction = (step: Effect.Effect<Step<State>, E, R>, span: string) =>
    Effect.mapError(Effect.withSpan(step, span), (error) => new ActionFailure(error))
  const unknown = () =>
    recover === undefined
      ? Effect.fail(new TokenUnknown({ action: name }))
      : inAction(recover(invocation), Telemetry.spans.recover)
  return ContinuationToken.Position.$match(position, {
    Start: () => inAction(start(invocation), Telemetry.spans.start),
    State: ({ state }) =>
      Option.match(Schema.decodeOption(Schema.toCodecJson(schema))(state), {
        onNone: unknown,
        onSome: (state) => inAction(resume(invocation, state), Telemetry.spans.resume)
      }),
    Unknown: unknown
  })
}

/** An error of the action itself: it may have the tag, and even the class, of one of the runner's. */
class ActionFailure<E> {
  readonly error: E

  constructor(error: E) {
    this.error = error
  }
}

const toOutcome = <Params, State, E extends TaggedError, R>(
  { name: action, state: schema }: Action<Params, State, E, R>,
  { attempt, firstJobId, startedAt }: ContinuationToken.Execution,
  step: Step<State>
): Effect.Effect<JobOutcome, ContinuationToken.StateTooLarge> => {
  // AWS has answered: what was before is over.
  const execution = new ContinuationToken.Execution({ attempt, firstJobId, startedAt })
  const continued = (position: ContinuationToken.Position, progress: Progress) =>
    ContinuationToken.encode({ action, execution, position }).pipe(
      Effect.map((continuationToken) => JobOutcome.Continued({ ...progress, continuationToken }))
    )
  return Step.$match(step, {
    Done: (success) => Effect.succeed(JobOutcome.Succeeded({ percentComplete: 100, ...success })),
    Continue: ({ state, ...progress }) =>
      Schema.encodeEffect(Schema.toCodecJson(schema))(state).pipe(
        // A state that its own schema does not take is a bug of the action.
        Effect.orDie,
        Effect.flatMap((state) => continued(ContinuationToken.Position.State({ state }), progress))
      ),
    StartAgain: (progress) => continued(ContinuationToken.Position.Start(), progress)
  })
}

/** How long an action goes on without one good answer. */
const outageLimit = Duration.toMillis("1 hour")

const withinOutageLimit = ({ unavailable }: ContinuationToken.Execution, now: number) =>
  unavailable === undefined || now - unavailable.since < outageLimit

/** What is only unavailable is asked again by the next job, from where this one began. */
const continueAfterOutage = (
  token: ContinuationToken.Token,
  now: number,
  { externalExecutionId, message: why }: Failure
) => {
  const { jobs, since } = token.execution.unavailable ?? { since: now, jobs: 0 }
  const execution = new ContinuationToken.Execution({ ...token.execution, unavailable: { since, jobs: jobs + 1 } })
  const message = `Trying again${jobs === 0 ? "" : ` (${jobs + 1})`}: ${why}`
  return Effect.logWarning(`The job goes on later: ${why}`).pipe(
    Effect.andThen(ContinuationToken.encode({ ...token, execution })),
    Effect.map((continuationToken) => JobOutcome.Continued({ message, externalExecutionId, continuationToken }))
  )
}

/** The function's time was over before the action had done its part. */
class OutOfTime extends Schema.TaggedError<OutOfTime>()("OutOfTime", {}) {
  override get message() {
    return "The time of the Lambda function was over before the action had done its part. Give the function more time"
  }
}

/** The action as a whole has had the time that it may take, over all its jobs. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  minutes: Schema.Finite,
  /** What the action would have gone on with. */
  waitedFor: Schema.String,
  externalExecutionId: Schema.UndefinedOr(Schema.String)
}) {
  override get message() {
    return `The action was not over after ${this.minutes} minutes; what it has begun goes on without it. ` +
      `It waited for this: ${this.waitedFor}`
  }
}

/** The job goes on from a token out of which the action cannot tell where it stands. */
export class TokenUnknown extends Schema.TaggedError<TokenUnknown>()("TokenUnknown", { action: Schema.String }) {
  override get message() {
    return `The continuation token of this job was not written by action "${this.action}", or by another version of it: ` +
      "it is not known what was begun before. Retry the action"
  }
}

/** What can go wrong with any action. */
type RunnerError =
  | OutOfTime
  | TokenUnknown
  | TimedOut
  | JobInvalid
  | UserParameters.UserParametersInvalid
  | ContinuationToken.StateTooLarge
  | OutputVariablesInvalid

const runnerFailures: Failures<RunnerError> = {
  OutOfTime: "SystemUnavailable",
  TokenUnknown: "JobFailed",
  TimedOut: ({ externalExecutionId, message }) => ({ type: "JobFailed", message, externalExecutionId }),
  JobInvalid: "JobFailed",
  UserParametersInvalid: "ConfigurationError",
  StateTooLarge: "JobFailed",
  OutputVariablesInvalid: "JobFailed"
}

/** A typed error keeps its words. Anything else is a bug: its details are for the log. */
const toFailure = <E extends TaggedError>(failures: Failures<E>, error: ActionFailure<E> | RunnerError): Failure =>
  error instanceof ActionFailure ? failureFrom(failures, error.error) : failureFrom(runnerFailures, error)

const failureFrom = <E extends TaggedError>(failures: Failures<E>, error: E): Failure => {
  const table = failures as Record<string, FailureType | ((error: E) => Failure)>
  const failure = table[error._tag]
  if (failure === undefined) return unexpected
  return Predicate.isFunction(failure) ? failure(error) : { type: failure, message: error.message || error._tag }
}

const unexpected: Failure = {
  type: "JobFailed",
  message: "The action failed unexpectedly; the log of the Lambda function tells why"
}

/** With these CodePipeline says that the result itself is wrong; the job stays open. */
const refusals: ReadonlySet<string> = new Set(["ValidationException", "OutputVariablesSizeExceededException"])

/** What CodePipeline cannot take as a result it is told as a failure; whatever else goes wrong is for the next delivery. */
const report = Effect.fnUntraced(function*(
  action: string,
  jobId: JobId,
  outcome: JobOutcome
): Effect.fn.Return<JobOutcome, RunError, CodePipeline> {
  const pipeline = yield* CodePipeline
  return yield* pipeline.report(jobId, outcome).pipe(
    Effect.andThen(recordReport(action, outcome)),
    Effect.catchTag(
      "JobNotOpen",
      (error) => Effect.andThen(Effect.logWarning(error.message), Telemetry.countJob(action, "NotOpen"))
    ),
    Effect.as(outcome),
    Effect.tapError((error) => Effect.logError(`CodePipeline did not take the result: ${error.message}`)),
    Effect.catchTag("AwsRejected", (error) => {
      if (JobOutcome.$is("Failed")(outcome) || !refusals.has(error.code)) return Effect.fail(error)
      const failure = failed({ type: "JobFailed", message: `CodePipeline did not take the result. ${error.message}` })
      return report(action, jobId, failure)
    })
  )
})

const recordReport = Effect.fnUntraced(
  function*(action: string, { _tag: outcome, message: summary, ...rest }: JobOutcome) {
    yield* Effect.annotateLogs(Effect.logInfo("Job reported"), { outcome, summary })
    yield* Telemetry.countJob(action, outcome)
    yield* Effect.annotateCurrentSpan({
      outcome,
      ...("type" in rest && { failureType: rest.type }),
      ...(rest.externalExecutionId !== undefined && { externalExecutionId: rest.externalExecutionId })
    })
  }
)
