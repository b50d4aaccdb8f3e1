// Reports the results of jobs.
import {
  CodePipelineClient,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand
} from "@aws-sdk/client-codepipeline"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "../domain/job/AwsError.ts"
import { JobId } from "../domain/job/Job.ts"
import { JobOutcome } from "../domain/job/JobOutcome.ts"
import { callAws, scopedClient } from "../runtime/AwsClient.ts"
import { liveLayer } from "../runtime/liveLayer.ts"

/** The job timed out, was superseded, or already has a result. */
export class JobNotOpen extends Schema.TaggedError<JobNotOpen>()("JobNotOpen", {
  jobId: JobId,
  /** `JobNotFoundException` or `InvalidJobStateException`. */
  code: Schema.String
}) {
  override get message() {
    return `CodePipeline does not wait for a result of job ${this.jobId} any more: ${this.code}`
  }
}

/** Reports the results of jobs to CodePipeline. */
export class CodePipeline extends Context.Service<CodePipeline, {
  /**
   * Reports the outcome of a job, which must be within the limits of CodePipeline (`withinLimits`). If CodePipeline
   * rejects its content, it fails with `AwsRejected`, and the job stays open.
   *
   * Source: `PutJobSuccessResult` and `PutJobFailureResult` of CodePipeline's API.
   */
  report(
    jobId: JobId,
    outcome: JobOutcome
  ): Effect.Effect<void, JobNotOpen | AwsUnavailable | AwsDenied | AwsRejected>
}>()("effect-codepipeline/services/CodePipeline") {
  /** The live layer with another client. */
  static readonly layerClient = (client: Pick<CodePipelineClient, "send">): Layer.Layer<CodePipeline> =>
    Layer.succeed(CodePipeline, {
      report: Effect.fn("CodePipeline.report")((jobId, outcome) =>
        put(client, jobId, outcome).pipe(
          Effect.catchIf(
            (error) => error._tag === "AwsRejected" && notOpen.has(error.code),
            ({ code }) => Effect.fail(new JobNotOpen({ jobId, code }))
          ),
          Effect.asVoid
        )
      )
    })

  /** The AWS SDK reads region, endpoint and credentials from the environment. */
  static readonly layer: Layer.Layer<CodePipeline> = liveLayer(
    scopedClient((options) => new CodePipelineClient(options)).pipe(Effect.map((client) => this.layerClient(client)))
  )
}

const notOpen: ReadonlySet<string> = new Set(["JobNotFoundException", "InvalidJobStateException"])

const put = (client: Pick<CodePipelineClient, "send">, jobId: JobId, outcome: JobOutcome) =>
  JobOutcome.$match(outcome, {
    Succeeded: ({ outputVariables, ...progress }) => {
      const command = new PutJobSuccessResultCommand({
        jobId,
        executionDetails: executionDetails(progress),
        outputVariables
      })
      return callAws(success, (options) => client.send(command, options))
    },
    Continued: ({ continuationToken, ...progress }) => {
      const command = new PutJobSuccessResultCommand({
        jobId,
        continuationToken,
        executionDetails: executionDetails(progress)
      })
      return callAws(success, (options) => client.send(command, options))
    },
    Failed: ({ externalExecutionId, message, type }) => {
      const command = new PutJobFailureResultCommand({ jobId, failureDetails: { type, message, externalExecutionId } })
      return callAws(failure, (options) => client.send(command, options))
    }
  })

const success = "codepipeline:PutJobSuccessResult"
const failure = "codepipeline:PutJobFailureResult"

/** CodePipeline rejects an empty summary. */
const executionDetails = (progress: {
  readonly message: string
  readonly externalExecutionId?: string | undefined
  readonly percentComplete?: number | undefined
}) => ({
  summary: progress.message === "" ? undefined : progress.message,
  externalExecutionId: progress.externalExecutionId,
  percentComplete: progress.percentComplete
})
