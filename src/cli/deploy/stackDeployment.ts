// Deploys a template from this machine with the program of deploy-stack. The terminal gets what CodePipeline would get,
// and the template replaces the artifact.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import {
  DeployStack,
  OperationFailed,
  type OperationUnproven,
  type ReplacementUnchecked,
  type StackNotFound,
  type StackProtected,
  type StackRefused
} from "../../actions/deployStack/DeployStack.ts"
import type { AwsDenied, AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Failure } from "../../domain/job/JobOutcome.ts"
import { sentences } from "../../domain/text/sentences.ts"
import * as JobRunner from "../../JobRunner.ts"
import { ArtifactStore, type UploadFailed } from "../../services/ArtifactStore.ts"
import { CodePipelineMemory } from "../../testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../testing/LocalPipeline.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"

const again = "then run this again"

/** The same program, with advice for a person at a terminal, who uses their own credentials. */
export const deployment: typeof DeployStack = {
  ...DeployStack,
  failures: {
    ...DeployStack.failures,
    AwsDenied: ({ needed, problem }: AwsDenied): Failure => ({
      type: "PermissionError",
      message: sentences(
        problem,
        needed === undefined
          ? "Check your credentials and the clock of this machine"
          : `Your credentials need ${needed}`
      )
    }),
    // A person is waiting: an outage is reported after two minutes; a pipeline would continue for an hour.
    AwsUnavailable: ({ problem }: AwsUnavailable): Failure => ({
      type: "JobFailed",
      message: sentences(problem, "Run this again when AWS is available: it continues from the stack's status")
    }),
    UploadFailed: ({ denied, needed, problem }: UploadFailed): Failure => ({
      type: denied ? "PermissionError" : "ConfigurationError",
      message: sentences(
        problem,
        needed === undefined
          ? undefined
          : `Your credentials need ${needed} on this object. ` +
            "Or the bucket's policy requires another x-amz-server-side-encryption header"
      )
    }),
    StackRefused: ({ problem, stack }: StackRefused): Failure => ({
      type: "ConfigurationError",
      message: sentences(problem, `Bring stack "${stack}" into a status that can be updated, or delete it, ${again}`)
    }),
    StackProtected: ({ problem }: StackProtected): Failure => ({
      type: "ConfigurationError",
      message: sentences(problem, `It must be deleted first: disable the protection, ${again}`)
    }),
    ReplacementUnchecked: ({ problem }: ReplacementUnchecked): Failure => ({
      type: "PermissionError",
      message: sentences(problem, "Your credentials need cloudformation:GetTemplateSummary")
    }),
    StackNotFound: ({ problem }: StackNotFound): Failure => ({
      type: "JobFailed",
      message: sentences(problem, "Run this again")
    }),
    OperationUnproven: ({ problem }: OperationUnproven): Failure => ({
      type: "JobFailed",
      message: sentences(problem, `Read the stack's events, ${again}`)
    }),
    // The next run does what the stack's status needs.
    OperationFailed: ({ causes, operation, stackId, status }: OperationFailed): Failure => ({
      type: "JobFailed",
      message: new OperationFailed({
        causes,
        operation,
        stackId,
        status,
        remarks: [],
        advice: causes.length > 0
          ? undefined
          : `Its events show more: aws cloudformation describe-stack-events --stack-name ${stackId}`
      }).message
    })
  }
}

/** For how long calls are retried during an outage. */
const outageLimit = Duration.toMillis("2 minutes")

export interface StackDeployment {
  readonly stack: string
  /** The text of the template, and its name in messages. */
  readonly template: { readonly file: string; readonly text: string }
  readonly parameters: Readonly<Record<string, string>>
  readonly templateBucket: string | undefined
  /** The time between two polls of the stack. */
  readonly interval: Duration.Input
}

/** Creates or updates the stack, and reports the progress. Returns the outcome, with the stack's outputs as variables. */
export const deployStack = Effect.fn("deployStack")(function*(
  { interval, parameters, stack, template: { file, text }, templateBucket }: StackDeployment,
  reporter: TerminalReporter
) {
  const event = LocalPipeline.event({
    // The idempotency token of the operation is made from it.
    id: randomUUID(),
    userParameters: {
      stack,
      // After a first deployment that failed, the stack can only be deleted.
      mode: "REPLACE_ON_FAILURE",
      // An operation of an earlier run is still in progress.
      whenBusy: "wait",
      file,
      artifact: "scripts",
      parameters,
      capabilities: ["CAPABILITY_IAM"],
      ...(templateBucket !== undefined && { templateBucket })
    }
  })
  return yield* LocalPipeline.run({
    event,
    interval,
    invoke: (event) => JobRunner.run(deployment, event, { remainingMillis: outageLimit }),
    observe: (happening) =>
      happening._tag === "Reported"
        ? reporter.showOutcome(happening.outcome)
        : Effect.void
  }).pipe(
    Effect.updateService(ArtifactStore, (store) => ({ ...store, read: () => Effect.succeed(Buffer.from(text)) })),
    Effect.provide(CodePipelineMemory.layer)
  )
})
