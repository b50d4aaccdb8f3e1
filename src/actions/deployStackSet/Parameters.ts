// The options of DeployStackSet in UserParameters: the one place that defines them. The list in docs/deploy-stack-set.md is
// generated from it.
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { BucketName } from "../../domain/job/Job.ts"
import { ObjectEncryption } from "../../domain/job/ObjectEncryption.ts"
import * as UserParameters from "../../domain/job/UserParameters.ts"
import { StackCapability } from "../../domain/stack/StackCapability.ts"
import { ParameterValues } from "../../domain/stack/StackParameters.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import { StackTags } from "../../domain/stack/StackTags.ts"
import { AccountId, OrganizationalUnit, Region } from "../../domain/stackSet/names.ts"
import { AccountFilter } from "../../domain/stackSet/StackInstances.ts"
import { Mode } from "../../domain/stackSet/StackSetPlan.ts"
import {
  ConcurrencyMode,
  FailureTolerance,
  MaxConcurrent,
  RegionConcurrency
} from "../../domain/stackSet/StackSetPreferences.ts"
import { matching, option, parameter, RoleArn } from "../stackContent/options.ts"

const literals = (names: ReadonlyArray<string>) => names.map((name) => `\`"${name}"\``).join(", ")

const flag = { values: "`true`, `false`" }

const place = (what: string) => matching(/^[^:]+::.+$/, `"Artifact::path/in/it.json"${what}`)

const list = <S extends Schema.Constraint>(item: S) => Schema.Array(item).check(Schema.isMinLength(1))

const Accounts = Schema.Union([list(AccountId), place("")]).annotate({
  expected: "a list of account ids (12 digits), or \"Artifact::path/in/it.json\" with such a list"
})

const AutoDeployment = Schema.Struct({
  enabled: Schema.Boolean,
  retainStacksOnAccountRemoval: Schema.optionalKey(Schema.Boolean)
})

/** All options. The mode decides which are required. */
export const options = {
  stackSet: parameter("stack set name (\"stackSet\")", {
    values: "name or id",
    otherwise: "required",
    description: "The stack set."
  }).check(Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9]{0,127}(?::[-a-f0-9]{36})?$/, {
    expected: "a stack set's name (a letter, then letters, digits and hyphens, 128 characters at most) or id"
  })),
  mode: option(Mode, {
    values: literals(Mode.literals),
    otherwise: "`\"CREATE_UPDATE\"`",
    description: "What happens to the stack set, see [Modes](#modes)."
  }),
  file: parameter("template file name", {
    values: "path",
    otherwise: "required with `CREATE_UPDATE`",
    description: "The template in the artifact's zip; JSON or YAML in UTF-8."
  }),
  artifact: parameter("artifact name", {
    values: "name",
    otherwise: "required with `file`",
    description: "The input artifact with the template."
  }),
  accounts: option(Accounts, {
    values: "list of ids, or `\"Artifact::path\"` of a file with the ids",
    otherwise: "none with `CREATE_UPDATE`, otherwise all",
    description: "The target accounts. With `organizationalUnits`: the accounts to which `accountFilter` applies."
  }),
  organizationalUnits: option(list(OrganizationalUnit), {
    values: "list of ids (`ou-…`, or `r-…` for the root)",
    otherwise: "none with `CREATE_UPDATE`, otherwise all",
    description: "The targets: all accounts of these organizational units. Requires `SERVICE_MANAGED`."
  }),
  accountFilter: option(AccountFilter, {
    values: literals(AccountFilter.literals),
    otherwise: "all accounts of the organizational units",
    description:
      "How `accounts` refine `organizationalUnits`: only these accounts, all but these, or these too. CloudFormation " +
      "creates no instances with `UNION`."
  }),
  regions: option(list(Region), {
    values: "list of regions",
    otherwise: "required with targets for `CREATE_UPDATE`, otherwise all",
    description: "The target regions: an instance in each of them for each target account."
  }),
  prune: option(Schema.Boolean, {
    ...flag,
    otherwise: "`false`",
    description: "`true`: instances that the targets do not name are deleted, after everything else succeeded."
  }),
  retainStacks: option(Schema.Boolean, {
    ...flag,
    otherwise: "`false`",
    description: "`true`: when instances are deleted, their stacks stay, without the stack set."
  }),
  regionOrder: option(list(Region), {
    values: "list of regions",
    otherwise: "CloudFormation's",
    description: "The order of the regions."
  }),
  regionConcurrency: option(RegionConcurrency, {
    values: literals(RegionConcurrency.literals),
    otherwise: "`\"SEQUENTIAL\"`",
    description: "Whether regions are changed one after another or at the same time."
  }),
  maxConcurrent: option(MaxConcurrent, {
    values: "number, or percentage such as `\"25%\"`",
    otherwise: "1",
    description: "Maximum number of accounts in a region that are changed at the same time."
  }),
  failureTolerance: option(FailureTolerance, {
    values: "number, or percentage such as `\"25%\"`",
    otherwise: "0",
    description: "Maximum number of accounts in a region that may fail. With more, the operation stops and fails."
  }),
  concurrencyMode: option(ConcurrencyMode, {
    values: literals(ConcurrencyMode.literals),
    otherwise: "`\"STRICT_FAILURE_TOLERANCE\"`",
    description:
      "`STRICT_FAILURE_TOLERANCE`: no more than `failureTolerance` + 1 accounts are changed at the same time. " +
      "`SOFT_FAILURE_TOLERANCE`: only `maxConcurrent` limits their number."
  }),
  permissionModel: option(Schema.Literals(["SELF_MANAGED", "SERVICE_MANAGED"]), {
    values: literals(["SELF_MANAGED", "SERVICE_MANAGED"]),
    otherwise: "`\"SELF_MANAGED\"` for a new stack set, or `\"SERVICE_MANAGED\"` with `organizationalUnits`",
    description: "Who manages the roles in the target accounts: you, or StackSets with AWS Organizations."
  }),
  administrationRoleArn: option(RoleArn, {
    values: "ARN of an IAM role",
    otherwise: "`AWSCloudFormationStackSetAdministrationRole` of this account",
    description: "The role that StackSets assumes first. Only with `SELF_MANAGED`."
  }),
  executionRoleName: option(matching(/^[\w+=,.@-]{1,64}$/, "the name of an IAM role"), {
    values: "name of an IAM role",
    otherwise: "`AWSCloudFormationStackSetExecutionRole`",
    description: "The role in each target account. Only with `SELF_MANAGED`."
  }),
  autoDeployment: option(AutoDeployment, {
    values: "`{\"enabled\": …, \"retainStacksOnAccountRemoval\": …}`",
    otherwise: "unchanged; disabled for a new stack set",
    description: "Whether accounts that join an organizational unit get the stack. Only with `SERVICE_MANAGED`."
  }),
  callAs: option(Schema.Literals(["SELF", "DELEGATED_ADMIN"]), {
    values: literals(["SELF", "DELEGATED_ADMIN"]),
    otherwise: "`\"SELF\"`",
    description: "`\"DELEGATED_ADMIN\"` in an account that is a delegated administrator of the organization."
  }),
  managedExecution: option(Schema.Boolean, {
    ...flag,
    otherwise: "unchanged",
    description: "`true`: CloudFormation queues conflicting operations on the stack set instead of refusing them."
  }),
  description: option(Schema.NonEmptyString.check(Schema.isMaxLength(1_024)), {
    values: "text of up to 1,024 characters",
    otherwise: "unchanged",
    description: "The description of the stack set."
  }),
  parameters: option(ParameterValues, {
    values: "object of values by name",
    otherwise: "those of `templateConfiguration`, otherwise unchanged",
    description: "Parameters of the template, see [Parameters and tags](deploy-stack/parameters-and-tags.md)."
  }),
  templateConfiguration: option(place(""), {
    values: "`\"Artifact::path.json\"`",
    otherwise: "none",
    description: "A file in an input artifact with `Parameters` and `Tags`."
  }),
  overrides: option(place(""), {
    values: "`\"Artifact::path.json\"`",
    otherwise: "none",
    description: "A file with other parameters for some accounts and regions, see [Overrides](#overrides)."
  }),
  capabilities: option(Schema.Array(StackCapability), {
    values: `list of ${literals(StackCapability.literals)}`,
    otherwise: "none",
    description: "What the template may do: create IAM resources, set their names, use macros."
  }),
  tags: option(StackTags, {
    values: "object of values by key",
    otherwise: "those of `templateConfiguration`, otherwise unchanged",
    description: "Tags of the stack set, its stacks and their resources. All other tags are removed."
  }),
  templateBucket: option(BucketName, {
    values: "name of a bucket",
    otherwise: "the function's environment variable `TEMPLATE_BUCKET`",
    description: "A template of more than 51,200 bytes, up to 1,000,000, is passed through this bucket."
  }),
  templateBucketEncryption: option(ObjectEncryption, {
    values: "`\"AES256\"`, `\"aws:kms\"`, ARN of a KMS key",
    otherwise: "the bucket's default encryption",
    description: "How the template is encrypted in `templateBucket`."
  }),
  whenBusy: option(StackPlan.WhenBusy, {
    values: "`\"fail\"`, `\"wait\"`",
    otherwise: "`\"fail\"`",
    description: "What to do while another operation is in progress on the stack set: fail, or wait until it ends."
  }),
  resultFile: option(
    matching(
      /^(?![a-zA-Z]:)(?:(?!\.\.?\/)[^/\\]+\/)*(?!\.\.?$)[^/\\]+$/,
      "the path of a file in a zip, such as \"result.json\""
    ),
    {
      values: "path",
      otherwise: "`result.json`",
      description: "The file with the result of each instance in the first output artifact, if the action has one."
    }
  ),
  timeoutMinutes: option(
    Schema.Finite.check(
      Schema.isBetween({ minimum: 1, maximum: 1_410 }, { expected: "a number of minutes from 1 to 1410" })
    ),
    {
      values: "1 to 1,410",
      otherwise: "1,410",
      description: "Time limit of the whole action. CodePipeline ends an action after 24 hours."
    }
  )
}

const { artifact, file, mode: _, stackSet, ...rest } = options

const templated = { file, artifact }
const untemplated = {
  file: Schema.optionalKey(Schema.NonEmptyString),
  artifact: Schema.optionalKey(Schema.NonEmptyString)
}

type Modes = ReadonlyArray<Mode>

const every: Modes = Mode.literals
const deploying: Modes = ["CREATE_UPDATE"]
const targeting: Modes = ["CREATE_UPDATE", "DELETE_INSTANCES"]

/** The modes to which an option applies. In another mode it is refused by name, except `file` and `artifact`. */
export const modesOf: Readonly<Record<keyof typeof rest, Modes>> = {
  accounts: targeting,
  organizationalUnits: targeting,
  accountFilter: targeting,
  regions: targeting,
  prune: deploying,
  retainStacks: ["CREATE_UPDATE", "DELETE_INSTANCES", "DELETE"],
  regionOrder: every,
  regionConcurrency: every,
  maxConcurrent: every,
  failureTolerance: every,
  concurrencyMode: every,
  permissionModel: deploying,
  administrationRoleArn: deploying,
  executionRoleName: deploying,
  autoDeployment: deploying,
  callAs: every,
  managedExecution: deploying,
  description: deploying,
  parameters: deploying,
  templateConfiguration: deploying,
  overrides: deploying,
  capabilities: deploying,
  tags: deploying,
  templateBucket: deploying,
  templateBucketEncryption: deploying,
  whenBusy: every,
  resultFile: every,
  timeoutMinutes: every
}

const fieldsOf = (mode: Mode) =>
  Record.map(rest, (schema: Schema.Constraint, name) => {
    const modes = modesOf[name]
    if (modes.includes(mode)) return schema
    const message = `"${name}" does not apply to mode ${mode}, only to ${modes.join(", ")}`
    return Schema.optionalKey(Schema.Never.annotate({ message }))
  }) as typeof rest

/** The mode itself, so that the parameters are a union that `mode` discriminates. */
const only = <const M extends Mode>(mode: M) => Mode.pipe(Schema.refine((given): given is M => given === mode))

const defaultMode = "CREATE_UPDATE"

const schemas = {
  CREATE_UPDATE: Schema.Struct({
    stackSet,
    mode: only(defaultMode).pipe(Schema.withDecodingDefaultKey(Effect.succeed(defaultMode))),
    ...templated,
    ...fieldsOf(defaultMode)
  }),
  DELETE_INSTANCES: Schema.Struct({
    stackSet,
    mode: only("DELETE_INSTANCES"),
    ...untemplated,
    ...fieldsOf("DELETE_INSTANCES")
  }),
  DELETE: Schema.Struct({ stackSet, mode: only("DELETE"), ...untemplated, ...fieldsOf("DELETE") }),
  DETECT_DRIFT: Schema.Struct({ stackSet, mode: only("DETECT_DRIFT"), ...untemplated, ...fieldsOf("DETECT_DRIFT") })
} satisfies Record<Mode, Schema.Constraint>

const isMode = Schema.is(Mode)

/** The UserParameters of deploy-stack-set: a union that `mode` discriminates, decoded by the mode first. */
export const DeployStackSetParameters = UserParameters.jsonBy(
  ({ mode = defaultMode }) => schemas[isMode(mode) ? mode : defaultMode],
  ["parameters", "tags"]
)
export type DeployStackSetParameters = typeof DeployStackSetParameters.Type

/** The parameters of the mode that deploys a template. */
export type TemplateParameters = Extract<DeployStackSetParameters, { readonly artifact: string; readonly file: string }>

export const hasTemplate = (parameters: DeployStackSetParameters): parameters is TemplateParameters =>
  parameters.mode === "CREATE_UPDATE"
