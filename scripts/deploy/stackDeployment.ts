// Deploys a template of this machine with the program of deploy-stack: what CodePipeline would be told goes to the
// terminal, and the template comes from here in place of an artifact.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import {
  DeployStack,
  OperationFailed,
  type OperationUnproven,
  type StackNotFound,
  type StackProtected,
  type StackRefused
} from "../../src/actions/deployStack/DeployStack.ts"
import type { AwsDenied, AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import type { Failure } from "../../src/domain/job/JobOutcome.ts"
import { sentences } from "../../src/domain/text/sentences.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import { ArtifactStore, type UploadFailed } from "../../src/services/ArtifactStore.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../src/testing/LocalPipeline.ts"
import type { TerminalReporter } from "../run/TerminalReporter.ts"

const again = "then run this again"

/** The same program, in words for whoever sits at the terminal: the credentials are theirs, not those of a function. */
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
    // Somebody is waiting: what a pipeline would wait out for an hour is told after two minutes.
    AwsUnavailable: ({ problem }: AwsUnavailable): Failure => ({
      type: "JobFailed",
      message: sentences(problem, "Run this again when AWS answers: it goes on from where the stack is then")
    }),
    UploadFailed: ({ denied, needed, problem }: UploadFailed): Failure => ({
      type: denied ? "PermissionError" : "ConfigurationError",
      message: sentences(problem, needed === undefined ? undefined : `Your credentials need ${needed} on this object`)
    }),
    StackRefused: ({ problem, stack }: StackRefused): Failure => ({
      type: "ConfigurationError",
      message: sentences(problem, `Bring stack "${stack}" into a status that can be updated, or delete it, ${again}`)
    }),
    StackProtected: ({ problem }: StackProtected): Failure => ({
      type: "ConfigurationError",
      message: sentences(problem, `It has to be deleted first: switch the protection off, ${again}`)
    }),
    StackNotFound: ({ problem }: StackNotFound): Failure => ({
      type: "JobFailed",
      message: sentences(problem, "Run this again")
    }),
    OperationUnproven: ({ problem }: OperationUnproven): Failure => ({
      type: "JobFailed",
      message: sentences(problem, `Look at the stack's events, ${again}`)
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

/** How long a call is made again while AWS does not answer well. */
const patience = Duration.toMillis("2 minutes")

export interface StackDeployment {
  readonly stack: string
  /** The text of the template, and what it is called in messages. */
  readonly template: { readonly file: string; readonly text: string }
  readonly parameters: Readonly<Record<string, string>>
  readonly templateBucket: string | undefined
  /** The time between two looks at the stack. */
  readonly interval: Duration.Input
}

/** Creates or updates the stack, and tells how that goes; gives what became of it, with its outputs as variables. */
export const deployStack = Effect.fn("deployStack")(function*(
  { interval, parameters, stack, template: { file, text }, templateBucket }: StackDeployment,
  reporter: TerminalReporter
) {
  const event = LocalPipeline.event({
    // It marks the operation: CloudFormation begins no second one of the same mark.
    id: randomUUID(),
    userParameters: {
      stack,
      // A first deployment that has failed leaves a stack that can only be deleted.
      mode: "REPLACE_ON_FAILURE",
      // What an earlier run has begun is let come to its end.
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
    invoke: (event) => JobRunner.run(deployment, event, { remainingMillis: patience }),
    observe: (happening) =>
      happening._tag === "Reported"
        ? reporter.said(happening.outcome)
        : Effect.void
  }).pipe(
    Effect.updateService(ArtifactStore, (store) => ({ ...store, read: () => Effect.succeed(Buffer.from(text)) })),
    Effect.provide(CodePipelineMemory.layer)
  )
})
