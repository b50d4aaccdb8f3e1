// Ends a successful deployment: brings the settings in force that the operation does not, and passes the stack's outputs on
// to the pipeline's later actions.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { Files } from "../../domain/job/ArtifactFiles.ts"
import type { AwsDenied, AwsError, AwsRejected, AwsUnavailable } from "../../domain/job/AwsError.ts"
import { callerOf } from "../../domain/stack/Destination.ts"
import type { ChangeCounts } from "../../domain/stack/plan/ChangePlan.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import type { StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackOutputs from "../../domain/stack/StackOutputs.ts"
import { phaseOf } from "../../domain/stack/StackStatus.ts"
import { capitalized, sentences } from "../../domain/text/sentences.ts"
import {
  type ArtifactDenied,
  type ArtifactNotFound,
  ArtifactStore,
  type ArtifactUnwritable
} from "../../services/ArtifactStore.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { readConfiguration } from "../stackContent/settings.ts"
import * as Plan from "./changeSet/plan.ts"
import type { DeployStackParameters } from "./Parameters.ts"
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

/** The stack is deployed, but CloudFormation did not take one of its settings. */
export class SettingNotSet extends Schema.TaggedError<SettingNotSet>()("SettingNotSet", {
  stackId: Schema.String,
  setting: Schema.Literals(["termination protection", "stack policy"]),
  /** The call's name in IAM. */
  operation: Schema.String,
  denied: Schema.Boolean,
  reason: Schema.String,
  /** The role of the call, in words. */
  role: Schema.String
}) {
  get problem() {
    return `Stack "${this.stackId}" is deployed, but its ${this.setting} is not set: ${this.reason}`
  }
  get advice() {
    return this.denied ? `${capitalized(this.role)} needs ${this.operation}` : undefined
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

export type SuccessError =
  | Effect.Error<ReturnType<typeof bringInForce>>
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

/** What the action knows of the operation that succeeded. */
export interface Succeeded {
  /** The operation that the stack's events prove, if any. */
  readonly proved?: StackOperation | undefined
  /** What the executed change set changed, if known. */
  readonly changes?: ChangeCounts | undefined
  /** The plan, if no change set was executed. */
  readonly plan?: Plan.KnownPlan
}

/**
 * Brings the settings in force and writes the output files, then succeeds: CodePipeline takes the artifact on success. A
 * deleted stack has neither.
 */
export const succeed = Effect.fn("Outputs.succeed")(function*(
  invocation: Invocation,
  message: string,
  found: Option.Option<Stack>,
  { changes, plan, proved }: Succeeded = {}
): Effect.fn.Return<Action.Step<never>, SuccessError, ArtifactStore | CloudFormation> {
  const { parameters: { mode, outputFile = "outputs.json", outputs } } = invocation
  if (Option.isNone(found)) return Action.Step.Done({ message })
  const { id, status } = found.value
  if (phaseOf(status) === "Deleted") return Action.Step.Done({ message, externalExecutionId: id })
  yield* bringInForce(invocation, found.value, proved)
  const known = mode.startsWith("CHANGE_SET_") ? plan ?? (yield* Plan.executedPlan(invocation, id, changes)) : undefined
  const more = known && Plan.variablesOf(invocation, known)
  const outputVariables = yield* Effect.fromResult(StackOutputs.variables(found.value, outputs, more))
  const planFiles = known === undefined ? Effect.succeed<Files>({}) : Plan.filesOf(invocation, known)
  yield* write(
    invocation,
    Effect.map(planFiles, (files) => ({ ...files, [outputFile]: StackOutputs.file(found.value) }))
  )
  return Action.Step.Done({ message, externalExecutionId: id, outputVariables })
})

/** Writes the files into the first output artifact, if the action has one. */
export const write = Effect.fnUntraced(function*<E, R>({ job }: Invocation, files: Effect.Effect<Files, E, R>) {
  const [artifact] = job.outputArtifacts
  if (artifact === undefined) return
  const store = yield* ArtifactStore
  yield* store.write(job, { artifact: artifact.name, files: yield* files })
})

/**
 * Brings the settings in force that the operation does not set, or perhaps did not: an earlier job can have been interrupted
 * between its calls. CreateStack and UpdateStack set the stack policy themselves. Setting it again changes nothing.
 */
const bringInForce = Effect.fn("Outputs.bringInForce")(function*(
  { job, parameters }: Invocation,
  stack: Stack,
  proved: StackOperation | undefined
) {
  // These modes deploy nothing.
  if (parameters.mode === "DELETE_ONLY" || parameters.mode === "CHANGE_SET_REPLACE") return
  const stackId = stack.id
  const role = callerOf(parameters)
  const ensure = <A>(setting: SettingNotSet["setting"], call: Effect.Effect<A, AwsError, CloudFormation>) => {
    const notSet = ({ _tag, message: reason, operation }: AwsDenied | AwsRejected) =>
      Effect.fail(new SettingNotSet({ stackId, setting, operation, denied: _tag === "AwsDenied", reason, role }))
    return Effect.catchTags(call, { AwsDenied: notSet, AwsRejected: notSet })
  }
  yield* ensure("termination protection", protect(stack, parameters))
  if (proved === "create" || proved === "update") return
  const { StackPolicy } = yield* readConfiguration(job, parameters.templateConfiguration)
  if (StackPolicy === undefined) return
  const { setStackPolicy } = yield* CloudFormation
  yield* ensure("stack policy", setStackPolicy(stackId, JSON.stringify(StackPolicy)))
})

/** Switches the stack's termination protection on or off if it differs. Returns the stack as it is then. */
export const protect = Effect.fn("Outputs.protect")(function*(
  stack: Stack,
  { terminationProtection = stack.terminationProtection }: DeployStackParameters
) {
  if (terminationProtection === stack.terminationProtection) return stack
  const { setTerminationProtection } = yield* CloudFormation
  yield* setTerminationProtection(stack.id, terminationProtection)
  return { ...stack, terminationProtection }
})
