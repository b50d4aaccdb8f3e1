// Ends a successful deployment: sets the stack policy and passes the stack's outputs on to the pipeline's later actions.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import * as StackOutputs from "../../domain/stack/StackOutputs.ts"
import { phaseOf } from "../../domain/stack/StackStatus.ts"
import { sentences } from "../../domain/text/sentences.ts"
import {
  type ArtifactDenied,
  type ArtifactNotFound,
  ArtifactStore,
  type ArtifactUnwritable
} from "../../services/ArtifactStore.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { readConfiguration } from "./settings.ts"
import type { Invocation } from "./State.ts"

/** UserParameters have an output file, but the action has no output artifact. */
export class OutputArtifactMissing
  extends Schema.TaggedError<OutputArtifactMissing>()("OutputArtifactMissing", { outputFile: Schema.String })
{
  get problem() {
    return `The action has no output artifact for the file "${this.outputFile}" ("outputFile" in UserParameters)`
  }
  get advice() {
    return "Declare an output artifact in the pipeline, or remove \"outputFile\""
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The stack is deployed, but CloudFormation did not take its policy. */
export class PolicyNotSet extends Schema.TaggedError<PolicyNotSet>()("PolicyNotSet", {
  stackId: Schema.String,
  denied: Schema.Boolean,
  reason: Schema.String
}) {
  override get message() {
    return `Stack "${this.stackId}" is deployed, but its stack policy is not set: ${this.reason}` +
      (this.denied ? ". The role of the Lambda function needs cloudformation:SetStackPolicy" : "")
  }
}

export type SuccessError =
  | StackOutputs.OutputMissing
  | StackOutputs.OutputsTooLarge
  | ArtifactNotFound
  | ArtifactUnwritable
  | ArtifactDenied
  | AwsUnavailable

/** Checks before the start what would fail only after the stack is deployed. */
export const check = ({ job, parameters: { outputFile } }: Invocation): Effect.Effect<void, OutputArtifactMissing> =>
  outputFile !== undefined && job.outputArtifacts.length === 0
    ? Effect.fail(new OutputArtifactMissing({ outputFile }))
    : Effect.void

/** Writes the output file, then succeeds: CodePipeline takes the artifact on success. A deleted stack has no outputs. */
export const succeed = Effect.fn("Outputs.succeed")(function*(
  { job, parameters: { outputFile = "outputs.json", outputs } }: Invocation,
  message: string,
  found: Option.Option<Stack>
): Effect.fn.Return<Action.Step<never>, SuccessError, ArtifactStore> {
  if (Option.isNone(found)) return Action.Step.Done({ message })
  const { id, status } = found.value
  if (phaseOf(status) === "Deleted") return Action.Step.Done({ message, externalExecutionId: id })
  const outputVariables = yield* Effect.fromResult(StackOutputs.variables(found.value, outputs))
  const [artifact] = job.outputArtifacts
  if (artifact !== undefined) {
    const store = yield* ArtifactStore
    yield* store.write(job, { artifact: artifact.name, files: { [outputFile]: StackOutputs.file(found.value) } })
  }
  return Action.Step.Done({ message, externalExecutionId: id, outputVariables })
})

/**
 * Sets the policy of the template configuration, if it has one. CreateStack and UpdateStack set it themselves; change sets
 * and empty updates do not. Setting it again changes nothing.
 */
export const setPolicy = Effect.fn("StackPolicy.set")(function*({ job, parameters }: Invocation, stackId: string) {
  const { StackPolicy } = yield* readConfiguration(job, parameters.templateConfiguration)
  if (StackPolicy === undefined) return
  const { setStackPolicy } = yield* CloudFormation
  const notSet = ({ _tag, message: reason }: AwsDenied | AwsRejected) =>
    Effect.fail(new PolicyNotSet({ stackId, denied: _tag === "AwsDenied", reason }))
  yield* setStackPolicy(stackId, JSON.stringify(StackPolicy)).pipe(
    Effect.catchTags({ AwsDenied: notSet, AwsRejected: notSet })
  )
})
