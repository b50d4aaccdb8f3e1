// The options of DeployStack, as they are written in UserParameters: the one place that says what there is. The table in
// README.md is made of it.
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { BucketName } from "../../domain/job/Job.ts"
import * as UserParameters from "../../domain/job/UserParameters.ts"
import { StackCapability } from "../../domain/stack/StackCapability.ts"
import { ParameterValues } from "../../domain/stack/StackParameters.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import { StackTags } from "../../domain/stack/StackTags.ts"

/** What the README tells of an option, in Markdown. */
export interface OptionText {
  /** What may be written, in words. */
  readonly values: string
  /** What holds where the option is left out. */
  readonly otherwise: string
  readonly description: string
}

const option = <S extends Schema.Constraint>(schema: S, text: OptionText) =>
  Schema.optionalKey(schema).pipe(Schema.annotateKey({ ...text }))

const parameter = (what: string, text: OptionText) =>
  Schema.NonEmptyString.pipe(
    Schema.annotateKey({ ...text, messageMissingKey: `Your UserParameters JSON must include the ${what}` })
  )

const matching = (pattern: RegExp, expected: string) => Schema.String.check(Schema.isPattern(pattern, { expected }))

const Topics = Schema.Array(matching(/^arn:[^:\s]+:sns:\S+$/, "the ARN of an SNS topic")).check(
  Schema.isMaxLength(5, { expected: "at most 5 ARNs of SNS topics" })
)

/** All options; which of them have to be given depends on the mode. */
export const options = {
  stack: parameter("stack name", {
    values: "name or ARN",
    otherwise: "required",
    description:
      "The stack. Where the one of the ARN is deleted, the stack that has its name is meant, but for `DELETE_ONLY`."
  }).check(Schema.isPattern(/^(?:[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:\S+)$/, {
    expected: "a stack's ARN or name (a letter, then letters, digits and hyphens, 128 characters at most)"
  })),
  mode: option(StackPlan.Mode, {
    values: StackPlan.Mode.literals.map((literal) => `\`"${literal}"\``).join(", "),
    otherwise: "`\"CREATE_UPDATE\"`",
    description: "What becomes of the stack, see [Modes](#modes)."
  }),
  file: parameter("template file name", {
    values: "path",
    otherwise: "required, but for `DELETE_ONLY` and `CHANGE_SET_EXECUTE`",
    description: "The template in the artifact's zip; JSON or YAML in UTF-8."
  }),
  artifact: parameter("artifact name", {
    values: "name",
    otherwise: "as `file`",
    description: "The input artifact with the template."
  }),
  changeSet: parameter("name of the change set (\"changeSet\")", {
    values: "name",
    otherwise: "required in these modes",
    description: "The change set, in the modes `CHANGE_SET_REPLACE` and `CHANGE_SET_EXECUTE`."
  }).check(Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/, {
    expected: "the name of a change set (a letter, then letters, digits and hyphens, 128 characters at most)"
  })),
  templateBucket: option(BucketName, {
    values: "name of a bucket",
    otherwise: "the function's environment variable `TEMPLATE_BUCKET`",
    description: "A template of more than 51,200 bytes, up to 1 MiB, is passed to CloudFormation through this bucket."
  }),
  whenBusy: option(StackPlan.WhenBusy, {
    values: "`\"fail\"`, `\"wait\"`",
    otherwise: "`\"fail\"`",
    description: "What to do while another operation is under way on the stack: fail, or wait until it is over."
  }),
  waitForCleanup: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`true`",
    description:
      "`false`: an update has succeeded as soon as it is done; the resources that it replaced may still be there."
  }),
  outputs: option(Schema.Array(Schema.NonEmptyString), {
    values: "list of names",
    otherwise: "all",
    description: "Which of the stack's outputs become output variables, beside `StackId`."
  }),
  outputFile: option(
    matching(
      /^(?![a-zA-Z]:)(?:(?!\.\.?\/)[^/\\]+\/)*(?!\.\.?$)[^/\\]+$/,
      "the path of a file in a zip, such as \"outputs.json\" or \"out/stack.json\""
    ),
    {
      values: "path",
      otherwise: "`outputs.json`",
      description: "The file with all of the stack's outputs in the first output artifact, where the action has one."
    }
  ),
  progress: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`true`",
    description: "Whether the summary tells how far the resources have come."
  }),
  timeoutMinutes: option(
    Schema.Finite.check(
      Schema.isBetween({ minimum: 1, maximum: 1_410 }, { expected: "a number of minutes from 1 to 1410" })
    ),
    {
      values: "1 to 1,410",
      otherwise: "1,410",
      description: "How long the action may take in all. CodePipeline ends an action after 24 hours."
    }
  ),
  parameters: option(ParameterValues, {
    values: "object of values by name",
    otherwise: "those of the configuration",
    description: "Parameters of the template, over those of `templateConfiguration`; see below."
  }),
  templateConfiguration: option(matching(/^[^:]+::.+$/, "\"Artifact::path/in/it.json\""), {
    values: "`\"Artifact::path.json\"`",
    otherwise: "none",
    description: "A file in an input artifact with `Parameters`, `Tags` and `StackPolicy`; see below."
  }),
  capabilities: option(Schema.Array(StackCapability), {
    values: `list of ${StackCapability.literals.map((literal) => `\`"${literal}"\``).join(", ")}`,
    otherwise: "none",
    description: "What the template may do: make IAM resources, name them, use macros."
  }),
  tags: option(StackTags, {
    values: "object of values by key",
    otherwise: "those of the configuration, else as they are",
    description:
      "Tags of the stack and its resources, over those of `templateConfiguration`. Others that it has are removed."
  }),
  roleArn: option(
    matching(/^arn:[^:\s]+:iam::\d{12}:role\/\S{1,512}$/, "the ARN of an IAM role"),
    {
      values: "ARN of an IAM role",
      otherwise: "the stack's role, else the function's",
      description: "The role by which CloudFormation works on the stack, from then on."
    }
  ),
  notificationArns: option(Topics, {
    values: "list of up to 5 ARNs of SNS topics",
    otherwise: "as they are",
    description: "The topics that are told of the stack's events. `[]`: none any more."
  }),
  disableRollback: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`false`",
    description: "`true`: a failed operation is left as it is, and the next one goes on from there."
  }),
  retainExceptOnCreate: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`false`",
    description: "`true`: a rollback also deletes new resources whose `DeletionPolicy` is to retain them."
  }),
  terminationProtection: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "as it is",
    description: "Whether the stack is kept from being deleted."
  })
}

/** What not every mode needs. */
const needs: Record<StackPlan.Mode, ReadonlyArray<"file" | "artifact" | "changeSet">> = {
  CREATE_UPDATE: ["file", "artifact"],
  REPLACE_ON_FAILURE: ["file", "artifact"],
  DELETE_ONLY: [],
  CHANGE_SET_REPLACE: ["file", "artifact", "changeSet"],
  CHANGE_SET_EXECUTE: ["changeSet"],
  CHANGE_SET_DEPLOY: ["file", "artifact"]
}

const lenient = {
  ...options,
  file: Schema.optionalKey(Schema.NonEmptyString),
  artifact: Schema.optionalKey(Schema.NonEmptyString),
  changeSet: Schema.optionalKey(options.changeSet)
}

const schemas = Record.map(needs, (needed) => {
  const strict = Object.fromEntries(needed.map((name) => [name, options[name]]))
  return Schema.Struct({ ...lenient, ...strict } as typeof lenient)
})

const isMode = Schema.is(StackPlan.Mode)

/** What DeployStack takes as UserParameters. Which fields it needs depends on the mode. */
export const DeployStackParameters = UserParameters.jsonBy(({ mode }) => schemas[isMode(mode) ? mode : "CREATE_UPDATE"])
export type DeployStackParameters = typeof DeployStackParameters.Type
