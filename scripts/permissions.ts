// What the roles need: the one table of which README.md's policy and list are made. An action that the code calls and this
// table does not have, or the other way round, fails a test.

/** Whose permission it is: the Lambda function's role, or that of the pipeline's action, whose credentials the job brings. */
export type Role = "function" | "action"

export interface Permission {
  /** The options that need it; none: every job does. */
  readonly options: ReadonlyArray<string>
  /** When it is needed, in Markdown. */
  readonly when: string
  readonly role: Role
  readonly actions: ReadonlyArray<string>
  /** An ARN pattern. */
  readonly resource: string
  /** Of the policy's statement. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What happens without it, where that is not that the job fails with a PermissionError. */
  readonly without?: string
}

const stack = "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack/*"
const nestedStacks = "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack-*/*"
const artifact = "the artifact's object"

export const permissions: ReadonlyArray<Permission> = [
  {
    options: [],
    when: "every job",
    role: "function",
    actions: ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
    // They have no resources.
    resource: "*"
  },
  {
    options: [],
    when: "every job",
    role: "function",
    actions: ["cloudformation:DescribeStacks", "cloudformation:CreateStack", "cloudformation:UpdateStack"],
    resource: stack
  },
  {
    options: [],
    when: "every job",
    role: "function",
    actions: ["cloudformation:DescribeStackEvents"],
    resource: stack,
    without: "a stack is judged by its status and its times, and a failure tells no causes"
  },
  {
    options: [],
    when: "every job",
    role: "function",
    actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    resource: "arn:aws:logs:REGION:ACCOUNT:*",
    without: "nothing is logged"
  },
  {
    options: ["artifact", "templateConfiguration", "parameters"],
    when: "reading from an artifact",
    role: "action",
    actions: ["s3:GetObject", "kms:Decrypt"],
    resource: `${artifact}, and its key`
  },
  {
    options: ["parameters", "templateConfiguration"],
    when: "and any update of a stack that has parameters",
    role: "function",
    actions: ["cloudformation:GetTemplateSummary"],
    // A template in a call is no resource.
    resource: "*",
    without: "names are not checked before the call, and missing capabilities are told without the resources"
  },
  {
    options: ["templateConfiguration"],
    when: "with a `StackPolicy` in it",
    role: "function",
    actions: ["cloudformation:SetStackPolicy"],
    resource: stack
  },
  {
    options: ["roleArn"],
    when: "",
    role: "function",
    actions: ["iam:PassRole"],
    resource: "arn:aws:iam::ACCOUNT:role/ROLE",
    condition: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
  },
  {
    options: ["terminationProtection"],
    when: "",
    role: "function",
    actions: ["cloudformation:UpdateTerminationProtection"],
    resource: stack
  },
  {
    options: ["templateBucket"],
    when: "",
    role: "function",
    actions: ["s3:PutObject", "s3:GetObject"],
    resource: "arn:aws:s3:::BUCKET/effect-codepipeline/*"
  },
  {
    options: ["mode"],
    when: "`REPLACE_ON_FAILURE` and `DELETE_ONLY`",
    role: "function",
    actions: ["cloudformation:DeleteStack"],
    resource: stack
  },
  {
    options: ["mode"],
    when: "`CHANGE_SET_REPLACE`, `CHANGE_SET_EXECUTE` and `CHANGE_SET_DEPLOY`",
    role: "function",
    actions: [
      "cloudformation:CreateChangeSet",
      "cloudformation:DescribeChangeSet",
      "cloudformation:ExecuteChangeSet",
      "cloudformation:DeleteChangeSet"
    ],
    resource: stack
  },
  {
    options: ["outputFile"],
    when: "",
    role: "action",
    actions: ["s3:PutObject", "kms:GenerateDataKey"],
    resource: `${artifact}, and its key`
  },
  {
    options: [],
    when: "causes of a failure found before anything was done",
    role: "function",
    actions: ["cloudformation:DescribeEvents"],
    resource: stack,
    without: "errors of validation are told by their status alone"
  },
  {
    options: [],
    when: "causes of a failure in nested stacks",
    role: "function",
    actions: ["cloudformation:DescribeStackEvents"],
    resource: nestedStacks,
    without: "the nested stack is named, not its resource"
  }
]

/** Needed by every job in one policy: what the README begins with. */
const isMinimal = ({ options, role, when }: Permission) =>
  options.length === 0 && when === "every job" && role === "function"

/** The policy of the function's role, as JSON: one statement for each resource. */
export const minimalPolicy = (): string => {
  const minimal = permissions.filter(isMinimal)
  const resources = [...new Set(minimal.map(({ resource }) => resource))]
  const Statement = resources.map((Resource) => ({
    Effect: "Allow",
    Action: minimal.filter(({ resource }) => resource === Resource).flatMap(({ actions }) => actions),
    Resource
  }))
  return JSON.stringify({ Version: "2012-10-17", Statement }, null, 2)
    // As the formatter has it: a list in a line where it fits.
    .replaceAll(/\[\n\s+("[^\]]+")\n\s+\]/g, (list, items: string) => {
      const line = `[${items.replaceAll(/\n\s+/g, " ")}]`
      return line.length <= 100 ? line : list
    })
}

/** A row for each permission that not every job needs. */
export const furtherPermissions = (): ReadonlyArray<ReadonlyArray<string>> => [
  ["For", "Whose role", "Actions", "Resource", "Without"],
  ...permissions.filter((permission) => !isMinimal(permission)).map((permission) => [
    [permission.options.map((option) => `\`${option}\``).join(", "), permission.when].filter(Boolean).join(", "),
    permission.role === "function" ? "the function's" : "the action's",
    permission.actions.map((action) => `\`${action}\``).join(", "),
    resourceOf(permission),
    permission.without ?? "PermissionError"
  ])
]

const resourceOf = ({ condition, resource }: Permission) => {
  const shown = resource === "*" || resource.startsWith("arn:") ? `\`${resource}\`` : resource
  return condition === undefined ? shown : `${shown}, where \`${JSON.stringify(condition)}\``
}
