// The result of one invocation, within the limits of CodePipeline's API (shapes PutJobSuccessResultInput and
// PutJobFailureResultInput): CodePipeline rejects a report that exceeds them.
import * as Data from "effect/Data"
import * as Record from "effect/Record"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The failure types of CodePipeline. Source: shape FailureType. */
export const FailureType = Schema.Literals([
  "JobFailed",
  "ConfigurationError",
  "PermissionError",
  "RevisionOutOfSync",
  "RevisionUnavailable",
  "SystemUnavailable"
])
export type FailureType = typeof FailureType.Type

/** Why a job failed, for readers of the console. */
export interface Failure {
  readonly type: FailureType
  /** What happened, to which thing, and what to do. Cut at 5,000 characters. */
  readonly message: string
  /** Identifies the failed operation outside CodePipeline, such as a stack's id. Cut at 1,500 characters. */
  readonly externalExecutionId?: string | undefined
}

/** How far the action is, for readers of the console. */
export interface Progress {
  /** Shown as the action's summary. Cut at 2,048 characters. */
  readonly message: string
  /** Identifies the operation outside CodePipeline, such as a stack's id. Cut at 1,500 characters. */
  readonly externalExecutionId?: string | undefined
  /** 0 to 100. Rounded, and limited to this range. */
  readonly percentComplete?: number | undefined
}

/** The result of an action that succeeded. */
export interface Success extends Progress {
  /** Variables for later actions: names of `[A-Za-z0-9@_-]+`, 122,880 bytes in all. */
  readonly outputVariables?: Readonly<Record<string, string>> | undefined
}

/** The result of a job whose action continues in another job. */
export interface Continuation extends Progress {
  /** 1 to 2,048 characters. The next job of this action receives it. */
  readonly continuationToken: string
}

/** The action succeeded. */
export interface Succeeded extends Success {
  readonly _tag: "Succeeded"
}

/** The action continues: CodePipeline sends another job with the token. */
export interface Continued extends Continuation {
  readonly _tag: "Continued"
}

/** The action failed. */
export interface Failed extends Failure {
  readonly _tag: "Failed"
}

/** The result of a job. */
export type JobOutcome = Succeeded | Continued | Failed
/** Its constructors, `$is` and `$match`. */
export const JobOutcome = Data.taggedEnum<JobOutcome>()

/** In UTF-16 code units, which are never fewer than the characters that AWS counts; `outputVariables` in UTF-8 bytes. */
export const jobLimits = {
  continuationToken: 2_048,
  summary: 2_048,
  externalExecutionId: 1_500,
  failureMessage: 5_000,
  outputVariables: 122_880
} as const

/** CodePipeline would reject these output variables. */
export class OutputVariablesInvalid
  extends Schema.TaggedError<OutputVariablesInvalid>()("OutputVariablesInvalid", { reason: Schema.String })
{
  override get message() {
    return `CodePipeline does not accept the output variables of the action: ${this.reason}`
  }
}

/** Cuts every text to its limit. Fails on invalid output variables, which cannot be cut. */
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

/** A failure with its texts cut to their limits. */
export const failed = ({ externalExecutionId, message, type }: Failure): JobOutcome =>
  JobOutcome.Failed({
    type,
    message: truncate(message === "" ? "The action failed without a message" : message, jobLimits.failureMessage),
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

/** CodePipeline rejects an empty one. */
const limitIdentifier = (id: string | undefined) =>
  id === undefined || id === "" ? undefined : truncate(id, jobLimits.externalExecutionId)

const cutMark = " … (cut)"

/** The text, or its beginning with a mark that it was cut: at most `limit` UTF-16 code units, without half a character. */
export const truncate = (text: string, limit: number): string =>
  text.length <= limit
    ? text
    : text.slice(0, limit - cutMark.length).replace(/[\uD800-\uDBFF]$/, "") + cutMark

/** The size of output variables for `jobLimits.outputVariables`: names and values in UTF-8. */
export const outputVariableBytes = (variables: Readonly<Record<string, string>>): number =>
  new TextEncoder().encode(Object.entries(variables).flat().join("")).length

const variableName = /^[A-Za-z0-9@\-_]+$/

const whyRefused = (variables: Readonly<Record<string, string>>): string | undefined => {
  const odd = Object.keys(variables).find((name) => !variableName.test(name))
  if (odd !== undefined) return `the name "${odd}" may only have letters, digits, "@", "-" and "_"`
  const bytes = outputVariableBytes(variables)
  return bytes > jobLimits.outputVariables
    ? `they have ${bytes} bytes, CodePipeline allows ${jobLimits.outputVariables}`
    : undefined
}
