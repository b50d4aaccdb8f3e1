// What this package tells tracers and metrics: all names in one place.
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/**
 * The spans around a job and its action. Each call of AWS has one of the call's name in IAM, retries included; other
 * spans have the names of the functions that they are of.
 */
export const spans = {
  /** One job, from its event to its report. */
  job: "JobRunner.run",
  /** One invocation of the action. */
  start: "Action.start",
  resume: "Action.resume",
  recover: "Action.recover"
} as const

/** What spans say. Those of another action than ours have its `annotations`. */
export const attributes = {
  jobId: "the id of the job",
  action: "the name of the action",
  outcome: "of a job: `Succeeded`, `Continued` or `Failed`",
  failureType: "of a job that has failed: the type that CodePipeline was told",
  externalExecutionId: "of a job: what CodePipeline was told as the id of the operation, such as the stack's ARN",
  retries: "of a call of AWS: how often it was made again",
  stack: "of `deploy-stack`, from its parameters: the name of the stack, or its ARN",
  status: "of `deploy-stack`, where it looks at the stack: its status"
} as const

/**
 * Jobs by `action` and `result`: `Succeeded`, `Continued` and `Failed` as they were reported; `NotOpen` where
 * CodePipeline waited for no result any more, `Unreported` where it did not take one.
 */
export const jobs = Metric.counter("codepipeline_jobs", {
  description: "Jobs of CodePipeline, by action and result",
  incremental: true
})

/** Calls of AWS by `operation` and `result`: `Succeeded`, `AwsUnavailable`, `AwsDenied`, `AwsRejected` or `Interrupted`. */
export const awsCalls = Metric.counter("codepipeline_aws_calls", {
  description: "Calls of AWS, by operation and result",
  incremental: true
})

/** How often a call of AWS was made again, by `operation`. */
export const awsRetries = Metric.counter("codepipeline_aws_retries", {
  description: "Calls of AWS that were made again, by operation",
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
