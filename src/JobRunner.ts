// Runs one job of an action and reports its outcome, once, however the action ends.
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Action, type Failures, type Invocation, Step, type TaggedError } from "./actions/Action.ts"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "./domain/AwsError.ts"
import * as ContinuationToken from "./domain/ContinuationToken.ts"
import { decodeJob, decodeJobId, type Job, type JobId, type JobInvalid, type NotAJobEvent } from "./domain/Job.ts"
import { failed, type Failure, JobOutcome, type OutputVariablesInvalid, withinLimits } from "./domain/JobOutcome.ts"
import * as UserParameters from "./domain/UserParameters.ts"
import { CodePipeline } from "./services/CodePipeline.ts"

/** The event gave no job to report on, or CodePipeline did not take the report. Another delivery can still succeed. */
export type RunError = NotAJobEvent | AwsUnavailable | AwsDenied | AwsRejected

/**
 * Does what the event asks for and tells CodePipeline the outcome, which is also the result. It fails only where nothing
 * was reported: then the function has to fail too, so that Lambda delivers the event again.
 */
export const run = Effect.fn("JobRunner.run")(function*<Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  event: unknown
): Effect.fn.Return<JobOutcome, RunError, R | CodePipeline> {
  const jobId = yield* decodeJobId(event)
  const end = perform(action, event).pipe(
    Effect.flatMap((outcome) => Effect.fromResult(withinLimits(outcome))),
    Effect.catchCause((cause) => Effect.as(logFailure(cause), failed(explain(action, cause)))),
    Effect.flatMap((outcome) => report(jobId, outcome))
  )
  return yield* Effect.annotateLogs(end, { jobId, action: action.name })
})

const perform = Effect.fnUntraced(function*<Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  event: unknown
): Effect.fn.Return<JobOutcome, E | RunnerError, R> {
  const job = yield* decodeJob(event)
  const now = yield* Clock.currentTimeMillis
  const { execution, go } = take(action, job, now)
  yield* Effect.logInfo("Job started").pipe(Effect.annotateLogs({ ...execution }))
  const parameters = yield* UserParameters.decode(action.parameters, job.userParameters)
  const step = yield* go({ job, parameters, execution })
  return yield* toOutcome(action, execution, step)
})

/** Where the action stands: at its start, at a state that it left, or somewhere unknown. */
const take = <Parameters, State, E extends TaggedError, R>(
  { name, resume, start, state }: Action<Parameters, State, E, R>,
  job: Job,
  now: number
) => {
  type Go = (invocation: Invocation<Parameters>) => Effect.Effect<Step<State>, E, R>
  const from = (execution: ContinuationToken.Execution, go: Go) => ({ execution, go })
  const first = new ContinuationToken.Execution({ firstJobId: job.id, startedAt: now, attempt: 1 })

  if (Option.isNone(job.continuationToken)) return from(first, start)
  const token = ContinuationToken.decode(name, job.continuationToken.value)
  if (Option.isNone(token)) return from(first, (invocation) => resume(invocation, Option.none()))
  const execution = token.value.execution.next
  if (Option.isNone(token.value.state)) return from(execution, start)
  const left = Schema.decodeOption(Schema.toCodecJson(state))(token.value.state.value)
  return from(execution, (invocation) => resume(invocation, left))
}

const toOutcome = <Parameters, State, E extends TaggedError, R>(
  { name: action, state: schema }: Action<Parameters, State, E, R>,
  execution: ContinuationToken.Execution,
  step: Step<State>
): Effect.Effect<JobOutcome, ContinuationToken.StateTooLarge> =>
  Step.$match(step, {
    Done: (success) => Effect.succeed(JobOutcome.Succeeded({ percentComplete: 100, ...success })),
    Continue: ({ state, ...progress }) =>
      Schema.encodeEffect(Schema.toCodecJson(schema))(state).pipe(
        Effect.orDie,
        Effect.flatMap((state) => ContinuationToken.encode({ action, execution, state: Option.some(state) })),
        Effect.map((continuationToken) => JobOutcome.Continued({ ...progress, continuationToken }))
      ),
    StartAgain: (progress) =>
      ContinuationToken.encode({ action, execution, state: Option.none() }).pipe(
        Effect.map((continuationToken) => JobOutcome.Continued({ ...progress, continuationToken }))
      )
  })

/** What can go wrong with any action. */
type RunnerError =
  | JobInvalid
  | UserParameters.UserParametersInvalid
  | ContinuationToken.StateTooLarge
  | OutputVariablesInvalid

const runnerFailures: Failures<RunnerError> = {
  JobInvalid: ({ message }) => ({ type: "JobFailed", message }),
  UserParametersInvalid: ({ message }) => ({ type: "ConfigurationError", message }),
  StateTooLarge: ({ message }) => ({ type: "JobFailed", message }),
  OutputVariablesInvalid: ({ message }) => ({ type: "JobFailed", message })
}

/** A bug is an error of this program; a typed error may be anybody's. */
const logFailure = (cause: Cause.Cause<TaggedError>) =>
  Cause.hasDies(cause) ? Effect.logError("The action has a bug", cause) : Effect.logWarning("The action failed", cause)

/** A typed error keeps its words. Anything else is a bug: its details are for the log. */
const explain = <Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  cause: Cause.Cause<E | RunnerError>
): Failure => {
  const table = { ...action.failure, ...runnerFailures } as Record<string, (error: E | RunnerError) => Failure>
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return (error && table[error._tag]?.(error)) ?? {
    type: "JobFailed",
    message: "The action failed unexpectedly; the log of the Lambda function tells why"
  }
}

/** What CodePipeline cannot take as a result it is told as a failure; any other refusal is for the next delivery. */
const report = Effect.fnUntraced(function*(
  jobId: JobId,
  outcome: JobOutcome
): Effect.fn.Return<JobOutcome, RunError, CodePipeline> {
  const pipeline = yield* CodePipeline
  return yield* pipeline.report(jobId, outcome).pipe(
    Effect.andThen(logged(outcome)),
    Effect.catchTag("JobNotOpen", (error) => Effect.logWarning(error.message)),
    Effect.as(outcome),
    Effect.catchTag("AwsRejected", (error) => {
      if (JobOutcome.$is("Failed")(outcome)) return Effect.fail(error)
      const failure = failed({ type: "JobFailed", message: `CodePipeline did not take the result. ${error.message}` })
      return Effect.andThen(Effect.logError("CodePipeline did not take the result", error), report(jobId, failure))
    })
  )
})

const logged = ({ _tag: outcome, message: summary }: JobOutcome) =>
  Effect.logInfo("Job reported").pipe(Effect.annotateLogs({ outcome, summary }))
