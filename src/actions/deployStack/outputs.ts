// Ends a deployment that went well: hands the stack's outputs on to the pipeline's later actions.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import * as StackOutputs from "../../domain/stack/StackOutputs.ts"
import { phaseOf } from "../../domain/stack/StackStatus.ts"
import {
  type ArtifactDenied,
  type ArtifactNotFound,
  ArtifactStore,
  type ArtifactUnwritable
} from "../../services/ArtifactStore.ts"
import type { DeployStackParameters } from "./Parameters.ts"

/** A file is asked for, and there is no artifact to write it into. */
export class OutputArtifactMissing
  extends Schema.TaggedError<OutputArtifactMissing>()("OutputArtifactMissing", { outputFile: Schema.String })
{
  override get message() {
    return `"outputFile" in UserParameters asks for the stack's outputs in "${this.outputFile}", and the action has no ` +
      "output artifact to write it into: declare one in the pipeline, or leave \"outputFile\" out"
  }
}

export type SuccessError =
  | StackOutputs.OutputMissing
  | StackOutputs.OutputsTooLarge
  | ArtifactNotFound
  | ArtifactUnwritable
  | ArtifactDenied
  | AwsUnavailable

type Invocation = Action.Invocation<DeployStackParameters>

/** Before anything is begun: what would fail only after the stack is deployed. */
export const check = ({ job, parameters: { outputFile } }: Invocation): Effect.Effect<void, OutputArtifactMissing> =>
  outputFile !== undefined && job.outputArtifacts.length === 0
    ? Effect.fail(new OutputArtifactMissing({ outputFile }))
    : Effect.void

/**
 * The file is in the first output artifact before success is reported: CodePipeline takes it from there. A stack that is
 * gone has nothing to hand on.
 */
export const succeed = Effect.fn("StackSuccess.succeed")(function*(
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
