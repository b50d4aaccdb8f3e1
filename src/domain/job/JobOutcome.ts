// What one invocation tells CodePipeline, within the jobLimits of its API (shapes PutJobSuccessResultInput and
// PutJobFailureResultInput): a report that CodePipeline refuses is no report.
import * as Data from "effect/Data"
import * as Record from "effect/Record"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The types that CodePipeline takes for a failure (shape FailureType). */
export const FailureType = Schema.Literals([
  "JobFailed",
  "ConfigurationError",
  "PermissionError",
  "RevisionOutOfSync",
  "RevisionUnavailable",
  "SystemUnavailable"
])
export type FailureType = typeof FailureType.Type

/** Why a job failed, in words for the person who reads them in the console. */
export interface Failure {
  readonly type: FailureType
  /** What happened, to which thing, and what to do about it. Cut at 5,000 characters. */
  readonly message: string
  /** Names the failed operation outside CodePipeline, such as a stack's id. Cut at 1,500 characters. */
  readonly externalExecutionId?: string | undefined
}

export interface Progress {
  /** Shown as the action's summary. Cut at 2,048 characters. */
  readonly message: string
  /** Names the operation outside CodePipeline, such as a stack's id. Cut at 1,500 characters. */
  readonly externalExecutionId?: string | undefined
  /** 0 to 100; what lies outside or between is brought to the closestMatches whole number. */
  readonly percentComplete?: number | undefined
}

export interface Success extends Progress {
  /** Variables for later actions: names of `[A-Za-z0-9@_-]+`, 122,880 bytes in all. */
  readonly outputVariables?: Readonly<Record<string, string>> | undefined
}

export interface Continuation extends Progress {
  /** 1 to 2,048 characters; comes back in the next job of this action. */
  readonly continuationToken: string
}

export type JobOutcome = Data.TaggedEnum<{
  /** The action is over and went well. */
  Succeeded: Success
  /** The action goes on: CodePipeline sends another job with the token. */
  Continued: Continuation
  /** The action is over and did not go well. */
  Failed: Failure
}>
export const JobOutcome = Data.taggedEnum<JobOutcome>()

/** Sizes are in UTF-16 code units, which are never fewer than what AWS counts, but for `outputVariables`: UTF-8 bytes. */
export const jobLimits = {
  continuationToken: 2_048,
  summary: 2_048,
  externalExecutionId: 1_500,
  failureMessage: 5_000,
  outputVariables: 122_880
} as const

/** CodePipeline would refuse these output variables. */
export class OutputVariablesInvalid
  extends Schema.TaggedError<OutputVariablesInvalid>()("OutputVariablesInvalid", { reason: Schema.String })
{
  override get message() {
    return `The action's output variables cannot be given to CodePipeline: ${this.reason}`
  }
}

/** The outcome with every text within its limit; output variables, which cannot be cut, are refused. */
export const withinLimits = (outcome: JobOutcome): Result.Result<JobOutcome, OutputVariablesInvalid> =>
  JobOutcome.$match(outcome, {
    Succeeded: (success) => {
      const reason = whyRefused(success.outputVariables ?? {})
      return reason === undefined
        ? Result.succeed(JobOutcome.Succeeded({ ...success, ...limitProgress(success) }))
        : Result.fail(new OutputVariablesInvalid({ reason }))
    },
    Continued: (continuation) =>
      Result.succeed(JobOutcome.Continued({ ...continuation, ...limitProgress(continuation) })),
    Failed: (failure) => Result.succeed(failed(failure))
  })

/** A failure within the jobLimits. */
export const failed = ({ externalExecutionId, message, type }: Failure): JobOutcome =>
  JobOutcome.Failed({
    type,
    message: truncate(message === "" ? "The action failed and did not say why" : message, jobLimits.failureMessage),
    externalExecutionId: limitIdentifier(externalExecutionId)
  })

/** Applies `change` to every text for people: not to the continuation token. */
export const mapTexts = (outcome: JobOutcome, change: (text: string) => string): JobOutcome => ({
  ...outcome,
  message: change(outcome.message),
  ...(outcome.externalExecutionId !== undefined && { externalExecutionId: change(outcome.externalExecutionId) }),
  ...("outputVariables" in outcome && outcome.outputVariables !== undefined &&
    { outputVariables: Record.map(outcome.outputVariables, change) })
})

const limitProgress = ({ externalExecutionId, message, percentComplete }: Progress): Progress => ({
  message: truncate(message, jobLimits.summary),
  externalExecutionId: limitIdentifier(externalExecutionId),
  percentComplete: percentComplete === undefined || Number.isNaN(percentComplete)
    ? undefined
    : Math.min(100, Math.max(0, Math.round(percentComplete)))
})

/** CodePipeline takes no empty one. */
const limitIdentifier = (id: string | undefined) =>
  id === undefined || id === "" ? undefined : truncate(id, jobLimits.externalExecutionId)

const cutMark = " … (cut)"

/** At most `limit` UTF-16 code units, cut between two code points, with a mark that something is missing. */
export const truncate = (text: string, limit: number): string =>
  text.length <= limit
    ? text
    : text.slice(0, limit - cutMark.length).replace(/[\uD800-\uDBFF]$/, "") + cutMark

/** How much of `jobLimits.outputVariables` these take: names and values in UTF-8. */
export const outputVariableBytes = (variables: Readonly<Record<string, string>>): number =>
  new TextEncoder().encode(Object.entries(variables).flat().join("")).length

const variableName = /^[A-Za-z0-9@\-_]+$/

const whyRefused = (variables: Readonly<Record<string, string>>): string | undefined => {
  const odd = Object.keys(variables).find((name) => !variableName.test(name))
  if (odd !== undefined) return `the name "${odd}" may only have letters, digits, "@", "-" and "_"`
  const bytes = outputVariableBytes(variables)
  return bytes > jobLimits.outputVariables
    ? `they take ${bytes} bytes, CodePipeline allows ${jobLimits.outputVariables}`
    : undefined
}
