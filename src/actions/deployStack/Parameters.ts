// The options of DeployStack in UserParameters: the one place that defines them. docs/deploy-stack/options.md is generated from
// it.
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { BucketName } from "../../domain/job/Job.ts"
import { ObjectEncryption } from "../../domain/job/ObjectEncryption.ts"
import * as UserParameters from "../../domain/job/UserParameters.ts"
import * as Destination from "../../domain/stack/Destination.ts"
import { StackCapability } from "../../domain/stack/StackCapability.ts"
import { ParameterValues } from "../../domain/stack/StackParameters.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import { StackTags } from "../../domain/stack/StackTags.ts"
import { matching, option, parameter, RoleArn } from "../stackContent/options.ts"

const Topics = Schema.Array(matching(/^arn:[^:\s]+:sns:\S+$/, "the ARN of an SNS topic")).check(
  Schema.isMaxLength(5, { expected: "at most 5 ARNs of SNS topics" })
)

/** All options. The mode decides which are required. */
export const options = {
  stack: parameter("stack name", {
    values: "name or ARN",
    otherwise: "required",
    description:
      "The stack. If the stack with this ARN was deleted, the current stack of the same name is used (except with " +
      "`DELETE_ONLY` and `ROLLBACK`)."
  }).check(Schema.isPattern(/^(?:[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:\S+)$/, {
    expected: "a stack's ARN or name (a letter, then letters, digits and hyphens, 128 characters at most)"
  })),
  mode: option(StackPlan.Mode, {
    values: StackPlan.Mode.literals.map((literal) => `\`"${literal}"\``).join(", "),
    otherwise: "`\"CREATE_UPDATE\"`",
    description: "What happens to the stack, see [Modes](modes.md)."
  }),
  file: parameter("template file name", {
    values: "path",
    otherwise: "required, except with `DELETE_ONLY`, `CHANGE_SET_EXECUTE` and `ROLLBACK`",
    description: "The template in the artifact's zip; JSON or YAML in UTF-8."
  }),
  artifact: parameter("artifact name", {
    values: "name",
    otherwise: "required with `file`",
    description: "The input artifact with the template."
  }),
  changeSet: parameter("name of the change set (\"changeSet\")", {
    values: "name; with `CHANGE_SET_EXECUTE` also the ARN",
    otherwise: "required with `CHANGE_SET_REPLACE` and `CHANGE_SET_EXECUTE`",
    description: "The change set, see [Modes](modes.md)."
  }).check(Schema.isPattern(/^(?:[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:[^:\s]+:cloudformation:\S+:changeSet\/\S+)$/, {
    expected: "the name of a change set (a letter, then letters, digits and hyphens, 128 characters at most)"
  })),
  templateBucket: option(BucketName, {
    values: "name of a bucket",
    otherwise: "the function's environment variable `TEMPLATE_BUCKET`",
    description:
      "A template of more than 51,200 bytes, up to 1,000,000, is passed to CloudFormation through this bucket."
  }),
  templateBucketEncryption: option(ObjectEncryption, {
    values: "`\"AES256\"`, `\"aws:kms\"`, ARN of a KMS key",
    otherwise: "the bucket's default encryption; if its policy denies that, `aws:kms`, then `AES256`",
    description: "How the template is encrypted in `templateBucket` (`x-amz-server-side-encryption`)."
  }),
  whenBusy: option(StackPlan.WhenBusy, {
    values: "`\"fail\"`, `\"wait\"`",
    otherwise: "`\"fail\"`",
    description: "What to do while another operation is in progress on the stack: fail, or wait until it ends."
  }),
  waitForCleanup: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`true`",
    description: "`false`: an update succeeds as soon as it is complete; replaced resources may not be deleted yet."
  }),
  outputs: option(Schema.Array(Schema.NonEmptyString), {
    values: "list of names",
    otherwise: "all",
    description: "The stack's outputs that become output variables, in addition to `StackId` and those of a " +
      "[plan](plans.md#variables)."
  }),
  outputFile: option(
    matching(
      /^(?![a-zA-Z]:)(?:(?!\.\.?\/)[^/\\]+\/)*(?!\.\.?$)[^/\\]+$/,
      "the path of a file in a zip, such as \"outputs.json\" or \"out/stack.json\""
    ).check(
      Schema.isPattern(/^(?!plan\.(?:json|md)$)/, { expected: "another name than those of the plan's files" })
    ),
    {
      values: "path",
      otherwise: "`outputs.json`",
      description:
        "The file with all of the stack's outputs in the first output artifact, if the action has one. Not " +
        "`plan.json` or `plan.md`, which hold the [plan](plans.md#files) of a change set."
    }
  ),
  progress: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`true`",
    description: "Whether the summary shows the progress of the resources."
  }),
  timeoutMinutes: option(
    Schema.Finite.check(
      Schema.isBetween({ minimum: 1, maximum: 1_410 }, { expected: "a number of minutes from 1 to 1410" })
    ),
    {
      values: "1 to 1,410",
      otherwise: "1,410",
      description: "Time limit of the whole action. CodePipeline ends an action after 24 hours."
    }
  ),
  onTimeout: option(Schema.Literals(["continue", "cancel"]), {
    values: "`\"continue\"`, `\"cancel\"`",
    otherwise: "`\"continue\"`",
    description:
      "What happens to an update that is in progress at the time limit: it continues without the action, or it is " +
      "cancelled, and CloudFormation rolls it back. Other operations cannot be cancelled."
  }),
  parameters: option(ParameterValues, {
    values: "object of values by name",
    otherwise: "those of `templateConfiguration`",
    description:
      "Parameters of the template; they override those of `templateConfiguration`, see [Parameters and tags](parameters-and-tags.md)."
  }),
  templateConfiguration: option(matching(/^[^:]+::.+$/, "\"Artifact::path/in/it.json\""), {
    values: "`\"Artifact::path.json\"`",
    otherwise: "none",
    description:
      "A file in an input artifact with `Parameters`, `Tags` and `StackPolicy`, see [the configuration file](parameters-and-tags.md#the-configuration-file)."
  }),
  capabilities: option(Schema.Array(StackCapability), {
    values: `list of ${StackCapability.literals.map((literal) => `\`"${literal}"\``).join(", ")}`,
    otherwise: "none",
    description: "What the template may do: create IAM resources, set their names, use macros."
  }),
  tags: option(StackTags, {
    values: "object of values by key",
    otherwise: "those of `templateConfiguration`, else unchanged",
    description:
      "Tags of the stack and its resources; they override those of `templateConfiguration`. All other tags are removed."
  }),
  roleArn: option(RoleArn, {
    values: "ARN of an IAM role",
    otherwise: "the stack's role, else the role that calls CloudFormation",
    description:
      "The role that CloudFormation assumes for this and later operations on the stack. It must be in the account of " +
      "the stack."
  }),
  notificationArns: option(Topics, {
    values: "list of up to 5 ARNs of SNS topics",
    otherwise: "unchanged",
    description: "The SNS topics that receive the stack's events. `[]`: none."
  }),
  disableRollback: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`false`",
    description: "`true`: a failed operation is not rolled back, and the next operation continues from there."
  }),
  onStackFailure: option(StackPlan.OnStackFailure, {
    values: StackPlan.OnStackFailure.literals.map((literal) => `\`"${literal}"\``).join(", "),
    otherwise: "`\"ROLLBACK\"`",
    description:
      "What happens to a new stack that cannot be created: it is rolled back, deleted, or left as it is. Cannot be " +
      "combined with `disableRollback`, which also applies to updates."
  }),
  retainExceptOnCreate: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`false`",
    description: "`true`: a rollback also deletes new resources whose `DeletionPolicy` is `Retain`."
  }),
  includeNestedStacks: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`true` if the template has nested stacks",
    description: "Whether the change set shows the changes of nested stacks too, see [Plans](plans.md#nested-stacks)."
  }),
  importExistingResources: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`false`",
    description: "`true`: existing resources that have the names in the template are imported into the stack."
  }),
  deploymentMode: option(Schema.Literal("REVERT_DRIFT"), {
    values: "`\"REVERT_DRIFT\"`",
    otherwise: "CloudFormation compares only the templates",
    description: "The change set compares the template with the resources as they are, and reverts their drift."
  }),
  detectDrift: option(Schema.Literals(["warn", "fail"]), {
    values: "`\"warn\"`, `\"fail\"`",
    otherwise: "the drift is not detected",
    description:
      "Before an update, CloudFormation detects which resources differ from the template, see [Drift](drift.md). " +
      "`\"fail\"`: if a resource differs, the action fails before anything changes. `\"warn\"`: such resources are logged " +
      "and counted."
  }),
  expectNoReplacement: option(Schema.Union([Schema.Boolean, Schema.Array(Schema.NonEmptyString)]), {
    values: "`true`, `false`, list of logical ids as exceptions",
    otherwise: "`false`",
    description:
      "`true`, or a list of exceptions: the action fails before anything changes if another stateful resource would be " +
      "replaced or removed, see [Plans](plans.md#protecting-resources-with-state)."
  }),
  terminationProtection: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "unchanged",
    description: "Whether the stack is protected from deletion. A protected stack is deleted only with `false`."
  }),
  recover: option(Schema.Boolean, {
    values: "`true`, `false`",
    otherwise: "`false`",
    description: "`true`: a stack in `UPDATE_FAILED` or `UPDATE_ROLLBACK_FAILED` is rolled back first, then deployed."
  }),
  resourcesToSkip: option(
    Schema.Array(
      matching(
        /^(?:[a-zA-Z0-9]+|[a-zA-Z][-a-zA-Z0-9]*\.[a-zA-Z0-9]+)$/,
        "the logical id of a resource, or \"NestedStackName.LogicalId\""
      )
    ),
    {
      values: "list of logical ids, `\"NestedStackName.LogicalId\"` in nested stacks",
      otherwise: "none",
      description:
        "Resources that a continued update rollback leaves as they are; then they differ from the template. Only with " +
        "mode `ROLLBACK` or `recover`."
    }
  ),
  assumeRole: option(RoleArn, {
    values: "ARN of an IAM role",
    otherwise: "the function's role",
    description:
      "The role that calls CloudFormation: the stack is in its account, see [Other accounts and regions](other-accounts.md)."
  }),
  externalId: option(matching(/^[\w+=,.@:/-]{2,1224}$/, "an external id of 2 to 1,224 characters"), {
    values: "text of 2 to 1,224 characters",
    otherwise: "none",
    description: "The external id that the trust policy of `assumeRole` requires."
  }),
  region: option(matching(/^[a-z]{2,8}(?:-[a-z]+)+-\d{1,2}$/, "the name of a region, such as \"eu-west-1\""), {
    values: "name of a region",
    otherwise: "the function's region",
    description: "The region of the stack. Artifacts stay in the region of the function."
  })
}

const { artifact, changeSet, file, mode: _, stack, ...rest } = options

/** A change set that does not exist yet has no ARN. */
const newChangeSet = changeSet.check(
  Schema.isPattern(/^[^:]*$/, { expected: "the name of the change set to create, not an ARN" })
)
const others = { changeSet: Schema.optionalKey(newChangeSet), ...rest }
const templated = { file, artifact }
const untemplated = {
  file: Schema.optionalKey(Schema.NonEmptyString),
  artifact: Schema.optionalKey(Schema.NonEmptyString)
}

type Modes = ReadonlyArray<StackPlan.Mode>

const every: Modes = StackPlan.Mode.literals
const preparing: Modes = ["CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"]
const creatingChangeSets: Modes = ["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"]
const deploying: Modes = ["CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"]
const notRollback = every.filter((mode) => mode !== "ROLLBACK")

/**
 * The modes to which an option applies. In another mode it is refused by name. `stack`, `file` and `artifact`, the
 * UserParameters of AWS's sample, are accepted in every mode, so that only `mode` need be changed.
 */
export const modesOf: Readonly<Record<keyof typeof others, Modes>> = {
  changeSet: ["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"],
  templateBucket: preparing,
  templateBucketEncryption: preparing,
  whenBusy: every,
  waitForCleanup: deploying,
  outputs: deploying,
  outputFile: deploying,
  progress: [...deploying, "DELETE_ONLY", "ROLLBACK"],
  timeoutMinutes: every,
  onTimeout: deploying,
  parameters: preparing,
  templateConfiguration: [...preparing, "CHANGE_SET_EXECUTE"],
  capabilities: preparing,
  tags: preparing,
  roleArn: [...preparing, "DELETE_ONLY", "ROLLBACK"],
  notificationArns: preparing,
  disableRollback: deploying,
  onStackFailure: preparing,
  retainExceptOnCreate: [...deploying, "ROLLBACK"],
  includeNestedStacks: creatingChangeSets,
  importExistingResources: creatingChangeSets,
  deploymentMode: creatingChangeSets,
  detectDrift: preparing,
  expectNoReplacement: ["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"],
  terminationProtection: notRollback,
  // A change set from before the failed update cannot be executed after it.
  recover: preparing,
  resourcesToSkip: [...preparing, "ROLLBACK"],
  assumeRole: every,
  externalId: every,
  region: every
}

const fieldsOf = (mode: StackPlan.Mode) =>
  Record.map(others, (schema: Schema.Constraint, name) => {
    const modes = modesOf[name]
    if (modes.includes(mode)) return schema
    const message = `"${name}" does not apply to mode ${mode}, only to ${modes.join(", ")}`
    return Schema.optionalKey(Schema.Never.annotate({ message }))
  }) as typeof others

/** What is wrong with options that depend on each other. */
const conflict = (parameters: Readonly<Record<string, unknown>>) => {
  const { deploymentMode, detectDrift, disableRollback, onStackFailure, recover, resourcesToSkip } = parameters
  if (onStackFailure !== undefined && disableRollback !== undefined) {
    return "\"onStackFailure\" and \"disableRollback\" exclude each other: remove one of them"
  }
  if (detectDrift === "fail" && deploymentMode !== undefined) {
    return "\"detectDrift\": \"fail\" stops before \"deploymentMode\" reverts the drift: use \"detectDrift\": \"warn\""
  }
  return resourcesToSkip !== undefined && recover !== true
    ? "\"resourcesToSkip\" requires \"recover\": true, or mode ROLLBACK"
    : undefined
}

/** The destination agrees with what the other options name. */
const atDestination = Schema.makeFilter(Destination.conflict)

const withoutConflict = Schema.makeFilter((parameters: Parameters<typeof Destination.conflict>[0]) =>
  conflict({ ...parameters }) ?? Destination.conflict(parameters)
)

/** The mode itself, so that the parameters are a union that `mode` discriminates. */
const only = <const M extends StackPlan.Mode>(mode: M) =>
  StackPlan.Mode.pipe(Schema.refine((given): given is M => given === mode))

const defaultMode = "CREATE_UPDATE"

/** One schema for each mode. The order of the fields is the order of the problems in an error. */
const schemas = {
  CREATE_UPDATE: Schema.Struct({
    stack,
    mode: only(defaultMode).pipe(Schema.withDecodingDefaultKey(Effect.succeed(defaultMode))),
    ...templated,
    ...fieldsOf(defaultMode)
  }).check(withoutConflict),
  REPLACE_ON_FAILURE: Schema.Struct({
    stack,
    mode: only("REPLACE_ON_FAILURE"),
    ...templated,
    ...fieldsOf("REPLACE_ON_FAILURE")
  }).check(withoutConflict),
  DELETE_ONLY: Schema.Struct({ stack, mode: only("DELETE_ONLY"), ...untemplated, ...fieldsOf("DELETE_ONLY") }).check(
    atDestination
  ),
  CHANGE_SET_REPLACE: Schema.Struct({
    stack,
    mode: only("CHANGE_SET_REPLACE"),
    ...templated,
    ...fieldsOf("CHANGE_SET_REPLACE"),
    changeSet: newChangeSet
  }).check(withoutConflict),
  CHANGE_SET_EXECUTE: Schema.Struct({
    stack,
    mode: only("CHANGE_SET_EXECUTE"),
    ...untemplated,
    ...fieldsOf("CHANGE_SET_EXECUTE"),
    changeSet
  }).check(atDestination),
  CHANGE_SET_DEPLOY: Schema.Struct({
    stack,
    mode: only("CHANGE_SET_DEPLOY"),
    ...templated,
    ...fieldsOf("CHANGE_SET_DEPLOY")
  }).check(withoutConflict),
  ROLLBACK: Schema.Struct({ stack, mode: only("ROLLBACK"), ...untemplated, ...fieldsOf("ROLLBACK") }).check(
    atDestination
  )
} satisfies Record<StackPlan.Mode, Schema.Constraint>

const isMode = Schema.is(StackPlan.Mode)

/**
 * The UserParameters of deploy-stack: a union that `mode` discriminates, because each mode has other fields. It is decoded
 * by the mode first, so that an error names only the problems of that mode. Every option applies to CHANGE_SET_DEPLOY,
 * which stands for an unknown mode.
 */
export const DeployStackParameters = UserParameters.jsonBy(
  ({ mode = defaultMode }) => schemas[isMode(mode) ? mode : "CHANGE_SET_DEPLOY"],
  ["parameters", "tags"]
)
export type DeployStackParameters = typeof DeployStackParameters.Type

/** The parameters of a mode that deploys a template. */
export type TemplateParameters = Extract<DeployStackParameters, { readonly artifact: string; readonly file: string }>

export const hasTemplate = (parameters: DeployStackParameters): parameters is TemplateParameters =>
  parameters.mode !== "DELETE_ONLY" && parameters.mode !== "CHANGE_SET_EXECUTE" && parameters.mode !== "ROLLBACK"
