// Runs one job of an action and reports its outcome exactly once, however the action ends.
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type Action, type Failures, type Invocation, Step, type TaggedError } from "./Action.ts"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "./domain/job/AwsError.ts"
import * as ContinuationToken from "./domain/job/ContinuationToken.ts"
import { decodeJob, decodeJobId, type JobId, type NotAJobEvent } from "./domain/job/Job.ts"
import {
  failed,
  type Failure,
  type FailureType,
  JobOutcome,
  mapTexts,
  type Progress,
  withinLimits
} from "./domain/job/JobOutcome.ts"
import * as UserParameters from "./domain/job/UserParameters.ts"
import { loggable } from "./domain/text/loggable.ts"
import { sentences } from "./domain/text/sentences.ts"
import { wellFormed } from "./domain/text/wellFormed.ts"
import { Deadline, timeBudget } from "./runtime/Deadline.ts"
import { Secrets, secretsOf } from "./runtime/Secrets.ts"
import * as Telemetry from "./runtime/Telemetry.ts"
import { CodePipeline } from "./services/CodePipeline.ts"

/** The event names no job, or CodePipeline did not accept the report. A redelivery of the event can still succeed. */
export type RunError = NotAJobEvent | AwsUnavailable | AwsDenied | AwsRejected

/** Options of {@link run}. */
export interface RunOptions {
  /**
   * How long the function may still run, in milliseconds, from Lambda's context. Before this time ends, the action is
   * interrupted, and the job continues from its starting point. Default: no limit.
   */
  readonly remainingMillis?: number | undefined
}

/**
 * Runs the action for this event and reports its outcome to CodePipeline; returns this outcome. It fails only if nothing
 * was reported: the function must fail too then, so that Lambda redelivers the event.
 */
export const run = Effect.fn(Telemetry.spans.job)(function*<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  event: unknown,
  { remainingMillis = Infinity }: RunOptions = {}
): Effect.fn.Return<JobOutcome, RunError, R | CodePipeline> {
  const jobId = yield* decodeJobId(event)
  const now = yield* epochMillis
  const { actionDeadline, callDeadline, reportDeadline } = timeBudget(remainingMillis)
  const end = perform(action, event, now, actionDeadline).pipe(
    Effect.provideService(Deadline, now + callDeadline),
    Effect.flatMap((outcome) => Effect.fromResult(withinLimits(outcome)).pipe(failAs("JobFailed"))),
    Effect.catch(({ failure, reason }) =>
      Effect.as(logSafely(Effect.logWarning, "The action failed", Cause.fail(reason)), failed(failure))
    ),
    Effect.catchCause((cause) =>
      Effect.as(logSafely(Effect.logError, "The action has a bug", cause), failed(unexpected))
    ),
    Effect.flatMap((outcome) => report(action.name, jobId, outcome)),
    Effect.tapError(() => Telemetry.countJob(action.name, "Unreported")),
    Effect.provideService(Deadline, now + reportDeadline),
    Effect.provideService(Secrets, yield* secretsOf(event))
  )
  const annotations = { jobId, action: action.name }
  yield* Effect.annotateCurrentSpan(annotations)
  return yield* annotate(end, annotations)
})

/** Log lines and spans have the same annotations. */
const annotate = <A, E, R>(effect: Effect.Effect<A, E, R>, annotations: Readonly<Record<string, string>>) =>
  effect.pipe(Effect.annotateLogs(annotations), Effect.annotateSpans(annotations))

/** Whatever the cause holds, it does not prevent the report. */
const logSafely = (log: typeof Effect.logError, message: string, cause: Cause.Cause<unknown>) =>
  Effect.ignoreCause(Effect.suspend(() => log(message, loggable(cause))))

const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

/** Why the job fails: what CodePipeline receives, and the error itself for the log. */
class JobFailure extends Data.TaggedError("JobFailure")<{
  readonly failure: Failure
  readonly reason: TaggedError
  /** The message with a remark, if it is not appended: for the action's timeout. */
  readonly messageWith?: ((remark: string) => string) | undefined
}> {
  /** With a sentence on what was done about the failure. */
  with(remark: string): JobFailure {
    const { failure, messageWith = (remark) => sentences(failure.message, remark) } = this
    return new JobFailure({ ...this, failure: { ...failure, message: messageWith(remark) } })
  }
}

/** An error of the runner fails the job with its own message. */
const failAs = (type: FailureType) => <A, E extends TaggedError, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.mapError(effect, (reason) => new JobFailure({ failure: { type, message: reason.message }, reason }))

/** An error of the action fails the job as its table of failures says. */
const failByTable = <E extends TaggedError>(failures: Failures<E>) => <A, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.mapError(effect, (reason) => new JobFailure({ failure: failureOf(failures, reason), reason }))

const failureOf = <E extends TaggedError>(failures: Failures<E>, error: E): Failure => {
  const table = failures as Record<string, FailureType | ((error: E) => Failure)>
  const entry = table[error._tag]
  if (entry === undefined) return unexpected
  return Predicate.isFunction(entry) ? entry(error) : { type: entry, message: error.message || error._tag }
}

/** The failure of a bug: its details are for the log only. */
const unexpected: Failure = {
  type: "JobFailed",
  message: "The action failed unexpectedly; the log of the Lambda function has the details"
}

const perform = Effect.fnUntraced(function*<Params, State, E extends TaggedError, R>(
  action: Action<Params, State, E, R>,
  event: unknown,
  now: number,
  actionDeadline: number
): Effect.fn.Return<JobOutcome, JobFailure, R> {
  const job = yield* decodeJob(event).pipe(failAs("JobFailed"))
  const token = ContinuationToken.resumePoint(action.name, job, now)
  const { execution } = token
  yield* Effect.logInfo("Job started").pipe(Effect.annotateLogs({ ...execution }))
  const parameters = yield* UserParameters.decode(action.parameters, job.userParameters).pipe(
    failAs("ConfigurationError")
  )
  const annotations = action.annotations?.(parameters) ?? {}
  yield* Effect.annotateCurrentSpan(annotations)
  const invocation = { job, parameters, execution }
  let state = yield* stateAt(action, token.position)
  return yield* runStep(action, token.position, state, invocation).pipe(
    (step) => annotate(step, annotations),
    Effect.timeoutOrElse({
      duration: actionDeadline,
      orElse: () => Effect.fail(new OutOfTime()).pipe(failAs("SystemUnavailable"))
    }),
    Effect.flatMap((step) => {
      if (Step.$is("Continue")(step)) state = Option.some(step.state)
      return toOutcome(action, execution, step)
    }),
    Effect.catchIf(
      ({ failure }) => failure.type === "SystemUnavailable" && execution.isWithinOutageLimit(now),
      (error) => continueAfterOutage(token, now, error)
    ),
    Effect.flatMap((outcome) => withinTimeout(outcome, execution, action.timeout?.(parameters))),
    Effect.catchCause((cause) =>
      Effect.flatMap(
        cleanUp(action, invocation, state, cause, now + actionDeadline),
        (remark) => Effect.failCause(remark === undefined ? cause : Cause.map(cause, (failure) => failure.with(remark)))
      )
    )
  )
})

/** The state at which the action continues; none if it starts, or does not understand the state. */
const stateAt = <Params, State, E extends TaggedError, R>(
  { state }: Action<Params, State, E, R>,
  position: ContinuationToken.Position
): Effect.Effect<Option.Option<State>> =>
  ContinuationToken.Position.$is("State")(position)
    ? Effect.option(Schema.decodeEffect(Schema.toCodecJson(state))(position.state))
    : Effect.succeedNone

/** Lets a failed action undo what it has begun; returns what it says about that. The failure is reported in any case. */
const cleanUp = Effect.fnUntraced(function*<Params, State, E extends TaggedError, R>(
  { onFailure }: Action<Params, State, E, R>,
  invocation: Invocation<Params>,
  state: Option.Option<State>,
  cause: Cause.Cause<JobFailure>,
  deadline: number
): Effect.fn.Return<string | undefined, never, R> {
  if (onFailure === undefined || Option.isNone(state)) return undefined
  const isTimeout = Option.exists(Cause.findErrorOption(cause), ({ messageWith }) => messageWith !== undefined)
  const remaining = Math.max(0, deadline - (yield* epochMillis))
  return yield* Effect.suspend(() => onFailure(invocation, state.value, { isTimeout })).pipe(
    Effect.timeout(remaining),
    Effect.withSpan(Telemetry.spans.onFailure),
    Effect.map((remark) => remark ?? undefined),
    Effect.catchCause((cause) =>
      Effect.as(logSafely(Effect.logWarning, "What the failed action has begun is not cleaned up", cause), undefined)
    )
  )
})

/** CodePipeline itself fails an action after 24 hours, without saying what the action was waiting for. */
const maximumTimeout = Duration.minutes(23 * 60 + 30)

/** Fails an action that would continue after its timeout. */
const withinTimeout = Effect.fnUntraced(function*(
  outcome: JobOutcome,
  { startedAt }: ContinuationToken.Execution,
  timeout: Duration.Duration = maximumTimeout
): Effect.fn.Return<JobOutcome, JobFailure> {
  const limit = Duration.min(timeout, maximumTimeout)
  const elapsed = (yield* epochMillis) - startedAt
  if (!JobOutcome.$is("Continued")(outcome) || elapsed < Duration.toMillis(limit)) return outcome
  const { externalExecutionId, message: waitedFor } = outcome
  const reason = new TimedOut({ minutes: Duration.toMinutes(limit), waitedFor, externalExecutionId })
  return yield* new JobFailure({
    failure: { type: "JobFailed", message: reason.message, externalExecutionId },
    reason,
    messageWith: (remark) => reason.messageWith(remark)
  })
})

/** Starts or resumes the action, or lets it recover if the token has no state that it understands. */
const runStep = <Params, State, E extends TaggedError, R>(
  { failures, name, recover, resume, start }: Action<Params, State, E, R>,
  position: ContinuationToken.Position,
  state: Option.Option<State>,
  invocation: Invocation<Params>
): Effect.Effect<Step<State>, JobFailure, R> => {
  const inAction = (step: Effect.Effect<Step<State>, E, R>, span: string) =>
    step.pipe(Effect.withSpan(span), failByTable(failures))
  const unknown = () =>
    recover === undefined
      ? Effect.fail(new ContinuationToken.TokenUnknown({ action: name })).pipe(failAs("JobFailed"))
      : inAction(recover(invocation), Telemetry.spans.recover)
  if (ContinuationToken.Position.$is("Start")(position)) return inAction(start(invocation), Telemetry.spans.start)
  return Option.match(state, {
    onNone: unknown,
    onSome: (state) => inAction(resume(invocation, state), Telemetry.spans.resume)
  })
}

const toOutcome = <Params, State, E extends TaggedError, R>(
  { name: action, state: schema }: Action<Params, State, E, R>,
  { attempt, firstJobId, startedAt }: ContinuationToken.Execution,
  step: Step<State>
): Effect.Effect<JobOutcome, JobFailure> => {
  // AWS answered, so an outage has ended.
  const execution = new ContinuationToken.Execution({ attempt, firstJobId, startedAt })
  const continued = (position: ContinuationToken.Position, progress: Progress) =>
    continueWith({ action, execution, position }, progress)
  return Step.$match(step, {
    Done: (success) => Effect.succeed(JobOutcome.Succeeded({ percentComplete: 100, ...success })),
    Continue: ({ state, ...progress }) =>
      Schema.encodeEffect(Schema.toCodecJson(schema))(state).pipe(
        // A state that does not satisfy its own schema is a bug of the action.
        Effect.orDie,
        Effect.flatMap((state) => continued(ContinuationToken.Position.State({ state }), progress))
      ),
    StartAgain: (progress) => continued(ContinuationToken.Position.Start(), progress)
  })
}

const continueWith = (token: ContinuationToken.Token, progress: Progress): Effect.Effect<JobOutcome, JobFailure> =>
  ContinuationToken.encode(token).pipe(
    failAs("JobFailed"),
    Effect.map((continuationToken) => JobOutcome.Continued({ ...progress, continuationToken }))
  )

/** On a transient outage, continue: the next job retries from this job's starting point. */
const continueAfterOutage = (
  token: ContinuationToken.Token,
  now: number,
  { failure: { externalExecutionId, message }, reason }: JobFailure
) => {
  // The advice is for a failure.
  const why = Predicate.hasProperty(reason, "problem") && Predicate.isString(reason.problem) ? reason.problem : message
  const execution = token.execution.withOutage(now)
  const jobs = (token.execution.unavailable?.jobs ?? 0) + 1
  const progress = { message: `Trying again${jobs === 1 ? "" : ` (${jobs})`}: ${why}`, externalExecutionId }
  return Effect.andThen(
    Effect.logWarning(`The job continues later: ${why}`),
    continueWith({ ...token, execution }, progress)
  )
}

/** With these errors CodePipeline rejects the content of a result; the job stays open. */
const refusals: ReadonlySet<string> = new Set(["ValidationException", "OutputVariablesSizeExceededException"])

/**
 * If CodePipeline rejects the result as invalid, reports a failure instead. On any other error, fails, so that Lambda
 * redelivers the event.
 */
const report = Effect.fnUntraced(function*(
  action: string,
  jobId: JobId,
  unredacted: JobOutcome
): Effect.fn.Return<JobOutcome, RunError, CodePipeline> {
  const pipeline = yield* CodePipeline
  const { redact } = yield* Secrets
  const outcome = mapTexts(unredacted, (text) => wellFormed(redact(text)))
  return yield* pipeline.report(jobId, outcome).pipe(
    Effect.andThen(recordReport(action, outcome)),
    Effect.catchTag(
      "JobNotOpen",
      (error) => Effect.andThen(Effect.logWarning(error.message), Telemetry.countJob(action, "NotOpen"))
    ),
    Effect.as(outcome),
    Effect.tapError((error) => Effect.logError(`CodePipeline did not accept the result: ${error.message}`)),
    Effect.catchTag("AwsRejected", (error) => {
      if (JobOutcome.$is("Failed")(outcome) || !refusals.has(error.code)) return Effect.fail(error)
      const failure = failed({ type: "JobFailed", message: `CodePipeline did not accept the result. ${error.message}` })
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

/** The function ran out of time before the action's step ended. */
class OutOfTime extends Schema.TaggedError<OutOfTime>()("OutOfTime", {}) {
  override get message() {
    return "The Lambda function ran out of time before the action completed this step. Increase the function's timeout"
  }
}

/** The action as a whole reached its timeout, over all its jobs. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  minutes: Schema.Finite,
  /** The message with which the action would have continued. */
  waitedFor: Schema.String,
  externalExecutionId: Schema.UndefinedOr(Schema.String)
}) {
  override get message() {
    return this.messageWith("Operations that it started continue without it")
  }
  /** `ending`: a sentence on what becomes of the operations that the action started. */
  messageWith(ending: string): string {
    const unit = this.minutes === 1 ? "minute" : "minutes"
    return sentences(
      `The action did not complete within ${this.minutes} ${unit}`,
      sentences(ending, `It was waiting for this: ${this.waitedFor}`)
    )
  }
}
