// What later actions of the pipeline get from a stack: its outputs, as variables and as a file.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { jobLimits, outputVariableBytes } from "../job/JobOutcome.ts"
import { closestMatches } from "../text/closestMatches.ts"
import { quotedNames } from "../text/lists.ts"

/** The part of a stack that is passed on. */
export interface StackWithOutputs {
  /** The ARN. */
  readonly id: string
  readonly name: string
  /** Values by name. CloudFormation's names are alphanumeric, so each is a valid variable name. */
  readonly outputs: Readonly<Record<string, string>>
}

/** UserParameters name an output that the stack does not have. */
export class OutputMissing extends Schema.TaggedError<OutputMissing>()("OutputMissing", {
  stackId: Schema.String,
  stack: Schema.String,
  output: Schema.String,
  /** The names of the stack's outputs. */
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    const [closest] = closestMatches(this.output, this.known)
    return `Stack "${this.stack}" is deployed, but has no output "${this.output}", which "outputs" in UserParameters ` +
      (closest === undefined
        ? `asks for. Its outputs are: ${quotedNames(this.known) || "none"}`
        : `asks for. Did you mean "${closest}"?`)
  }
}

/** The outputs exceed CodePipeline's limit for output variables. */
export class OutputsTooLarge extends Schema.TaggedError<OutputsTooLarge>()("OutputsTooLarge", {
  stackId: Schema.String,
  stack: Schema.String,
  bytes: Schema.Int
}) {
  override get message() {
    return `Stack "${this.stack}" is deployed, but its outputs take ${this.bytes} bytes as output variables, and ` +
      `CodePipeline allows ${jobLimits.outputVariables}. Name those that later actions need, such as ` +
      "\"outputs\": [\"Url\"] in UserParameters; an output artifact takes all of them"
  }
}

/** An output that the template itself calls `StackId` wins. */
const allOf = ({ id, outputs }: StackWithOutputs) => ({ StackId: id, ...outputs })

/**
 * The output variables: `StackId` and all outputs, or only those in `names`; and the variables in `more`, which an output of
 * the same name overrides. At most 122,880 bytes.
 *
 * Source: shape OutputVariablesMap of CodePipeline's API.
 */
export const variables = (
  stack: StackWithOutputs,
  names?: ReadonlyArray<string>,
  more: Readonly<Record<string, string>> = {}
): Result.Result<Readonly<Record<string, string>>, OutputMissing | OutputsTooLarge> => {
  const { id: stackId, name } = stack
  const all: Readonly<Record<string, string>> = allOf(stack)
  const missing = names?.find((name) => !Object.hasOwn(all, name) && !Object.hasOwn(more, name))
  if (missing !== undefined) {
    const known = Object.keys(stack.outputs)
    return Result.fail(new OutputMissing({ stackId, stack: name, output: missing, known }))
  }
  const wanted = names && new Set(["StackId", ...names])
  const chosen = { ...more, ...Object.fromEntries(Object.entries(all).filter(([name]) => wanted?.has(name) ?? true)) }
  const bytes = outputVariableBytes(chosen)
  return bytes > jobLimits.outputVariables
    ? Result.fail(new OutputsTooLarge({ stackId, stack: name, bytes }))
    : Result.succeed(chosen)
}

/** All outputs and `StackId` as a JSON object, like the output file of CodePipeline's own CloudFormation action. */
export const file = (stack: StackWithOutputs): string => `${JSON.stringify(allOf(stack), undefined, 2)}\n`
