// The names of all spans and metrics.
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/**
 * The spans of a job and its action. Each AWS call has a span, named after the call in IAM, that includes its retries. Any
 * other span has the name of its function.
 */
export const spans = {
  /** One job, from its event to its report. */
  job: "JobRunner.run",
  /** One invocation of the action. */
  start: "Action.start",
  resume: "Action.resume",
  recover: "Action.recover",
  /** After a failure, inside the span of the job. */
  onFailure: "Action.onFailure"
} as const

/** The attributes of spans. Spans of a custom action have its `annotations`. */
export const attributes = {
  jobId: "the id of the job",
  action: "the name of the action",
  outcome: "of a job: `Succeeded`, `Continued` or `Failed`",
  failureType: "of a failed job: the reported failure type",
  externalExecutionId: "of a job: the reported id of the operation, such as the stack's ARN",
  retries: "of an AWS call: the number of retries",
  stack: "of `deploy-stack`, from its parameters: the name of the stack, or its ARN",
  account: "of `deploy-stack` with `assumeRole`: the account of the role",
  region: "of `deploy-stack` with `region`: the region",
  status: "of `deploy-stack`, when it describes the stack: its status"
} as const

/**
 * Jobs by `action` and `result`: the reported `Succeeded`, `Continued` and `Failed`; `NotOpen` if CodePipeline did not
 * wait for a result any more, `Unreported` if it did not accept one.
 */
export const jobs = Metric.counter("codepipeline_jobs", {
  description: "Jobs of CodePipeline, by action and result",
  incremental: true
})

/** AWS calls by `operation` and `result`: `Succeeded`, `AwsUnavailable`, `AwsDenied`, `AwsRejected` or `Interrupted`. */
export const awsCalls = Metric.counter("codepipeline_aws_calls", {
  description: "AWS calls, by operation and result",
  incremental: true
})

/** Retries of AWS calls, by `operation`. */
export const awsRetries = Metric.counter("codepipeline_aws_retries", {
  description: "Retries of AWS calls, by operation",
  incremental: true
})

/** @internal */
export const countJob = (action: string, result: string) => incrementBy(jobs, { action, result })

/** @internal */
export const countCall = (operation: string, result: string, retries: number) =>
  Effect.andThen(
    incrementBy(awsCalls, { operation, result }),
    retries === 0 ? Effect.void : incrementBy(awsRetries, { operation }, retries)
  )

const incrementBy = (metric: Metric.Counter<number>, attributes: Metric.Metric.AttributeSet, amount = 1) =>
  Metric.update(Metric.withAttributes(metric, attributes), amount)
