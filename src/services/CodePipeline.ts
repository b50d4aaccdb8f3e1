// Reports what became of a job.
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

/** The job has timed out, was superseded or has its result already: nobody waits for this one. */
export class JobNotOpen extends Schema.TaggedError<JobNotOpen>()("JobNotOpen", {
  jobId: JobId,
  /** `JobNotFoundException` or `InvalidJobStateException`. */
  code: Schema.String
}) {
  override get message() {
    return `CodePipeline takes no result for job ${this.jobId} any more: ${this.code}`
  }
}

export class CodePipeline extends Context.Service<CodePipeline, {
  /**
   * Tells CodePipeline the outcome of a job. The outcome has to be within the limits of CodePipeline
   * (`withinLimits`); one that CodePipeline does not take fails as `AwsRejected`, and the job stays open.
   *
   * Source: `PutJobSuccessResult` and `PutJobFailureResult` of CodePipeline's API.
   */
  report(
    jobId: JobId,
    outcome: JobOutcome
  ): Effect.Effect<void, JobNotOpen | AwsUnavailable | AwsDenied | AwsRejected>
}>()("effect-codepipeline/services/CodePipeline") {
  /** Everything but the network; for a client of your own. */
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

  /** Region, endpoint and credentials come from the environment, as the AWS SDK reads them. */
  static readonly layer: Layer.Layer<CodePipeline> = Layer.unwrap(
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

/** CodePipeline takes no empty summary. */
const executionDetails = (progress: {
  readonly message: string
  readonly externalExecutionId?: string | undefined
  readonly percentComplete?: number | undefined
}) => ({
  summary: progress.message === "" ? undefined : progress.message,
  externalExecutionId: progress.externalExecutionId,
  percentComplete: progress.percentComplete
})
