// CodePipeline in memory: accepts one result for each job, and shows the reports.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AwsUnavailable } from "../domain/job/AwsError.ts"
import type { JobId } from "../domain/job/Job.ts"
import type { JobOutcome } from "../domain/job/JobOutcome.ts"
import { retryUnavailable } from "../runtime/AwsClient.ts"
import { CodePipeline, JobNotOpen } from "../services/CodePipeline.ts"

/** Why CodePipeline does not accept a result. */
export type Closed = "JobNotFoundException" | "InvalidJobStateException"

/** Receives the results of jobs in memory. */
export class CodePipelineMemory extends Context.Service<CodePipelineMemory, {
  /** The reported outcomes by job. */
  readonly outcomes: ReadonlyMap<JobId, JobOutcome>
  /** Closes the job, as if it had timed out or was superseded: it accepts no result from now on. */
  close(jobId: JobId, reason: Closed): Effect.Effect<void>
  /** Throttles the next `calls` calls. */
  throttle(calls: number): Effect.Effect<void>
}>()("effect-codepipeline/testing/CodePipelineMemory") {
  /** Every job is open until it has a result or is closed. */
  static readonly layer: Layer.Layer<CodePipeline | CodePipelineMemory> = Layer.effectContext(
    Effect.sync(() => {
      const outcomes = new Map<JobId, JobOutcome>()
      const closed = new Map<JobId, Closed>()
      let throttled = 0
      const report = Effect.fn("CodePipelineMemory.report")((jobId: JobId, outcome: JobOutcome) =>
        Effect.suspend((): Effect.Effect<void, JobNotOpen | AwsUnavailable> => {
          if (throttled-- > 0) {
            const operation = `codepipeline:Put${outcome._tag === "Failed" ? "JobFailure" : "JobSuccess"}Result`
            return Effect.fail(new AwsUnavailable({ operation, code: "ThrottlingException", detail: "Rate exceeded" }))
          }
          const code = closed.get(jobId)
          if (code !== undefined) return Effect.fail(new JobNotOpen({ jobId, code }))
          outcomes.set(jobId, outcome)
          closed.set(jobId, "InvalidJobStateException")
          return Effect.void
        }).pipe(retryUnavailable)
      )
      return Context.make(CodePipeline, { report }).pipe(Context.add(CodePipelineMemory, {
        outcomes,
        close: (jobId, reason) => Effect.sync(() => void closed.set(jobId, reason)),
        throttle: (calls) => Effect.sync(() => void (throttled = calls))
      }))
    })
  )
}
