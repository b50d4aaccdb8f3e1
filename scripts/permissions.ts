// What the roles need: the one table of which README.md's policy and list, and the roles in templates/functions.yaml, are
// made. An action that the code calls and this table does not have, or the other way round, fails a test.

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
  /** The functions of all actions need it, not only that of deploy-stack. */
  readonly everyFunction?: true
  /** What happens without it, where that is not that the job fails with a PermissionError. */
  readonly without?: string
}

const stack = "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack/*"
const nestedStacks = "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack-*/*"
const logs = "arn:aws:logs:REGION:ACCOUNT:*"
const role = "arn:aws:iam::ACCOUNT:role/ROLE"
const templates = "arn:aws:s3:::BUCKET/effect-codepipeline/*"
const artifact = "the artifact's object"

export const permissions: ReadonlyArray<Permission> = [
  {
    options: [],
    when: "every job",
    role: "function",
    actions: ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
    // They have no resources.
    resource: "*",
    everyFunction: true
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
    resource: logs,
    everyFunction: true,
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
    resource: role,
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
    resource: templates
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

const stacksInTemplate = "!Sub arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${Stacks}"

/** The table's resources as templates/functions.yaml has them, and the condition of those that it may not have. */
const inTemplate: Readonly<Record<string, (logGroup: string) => readonly [resource: string, condition?: string]>> = {
  "*": () => ["\"*\""],
  [stack]: () => [`${stacksInTemplate}/*`],
  [nestedStacks]: () => [`${stacksInTemplate}-*/*`],
  [logs]: (logGroup) => [`!GetAtt ${logGroup}.Arn`],
  [role]: () => ["!GetAtt CloudFormationRole.Arn", "HasServiceRole"],
  [templates]: () => ["!Sub arn:${AWS::Partition}:s3:::${TemplateBucket}/effect-codepipeline/*", "HasTemplateBucket"]
}

/** What the template does itself. */
const doneByTemplate: ReadonlySet<string> = new Set(["logs:CreateLogGroup"])

interface FunctionRole {
  readonly logGroup: string
  readonly needs: (permission: Permission) => boolean
}

const functions = {
  "deploy-stack": { logGroup: "DeployStackLogs", needs: () => true },
  "check-webpage": {
    logGroup: "CheckWebpageLogs",
    needs: ({ everyFunction }: Permission) => everyFunction === true
  }
} satisfies Record<string, FunctionRole>

export type FunctionName = keyof typeof functions
export const functionNames = Object.keys(functions) as ReadonlyArray<FunctionName>

/** The statements of the role of a function, as YAML in templates/functions.yaml: one for each resource. */
export const templateStatements = (name: FunctionName): string => {
  const { logGroup, needs }: FunctionRole = functions[name]
  const needed = permissions.filter((permission) => permission.role === "function" && needs(permission))
  const resources = [...new Set(needed.map(({ resource }) => resource))]
  return resources.flatMap((resource) => {
    const scoped = needed.filter((permission) => permission.resource === resource)
    const actions = scoped.flatMap(({ actions }) => actions).filter((action) => !doneByTemplate.has(action))
    const condition = scoped.find(({ condition }) => condition !== undefined)?.condition
    const [inYaml, onlyIf] = inTemplate[resource]?.(logGroup) ?? []
    if (inYaml === undefined) throw new Error(`templates/functions.yaml has nothing for the resource ${resource}`)
    const statement = [
      "Effect: Allow",
      "Action:",
      ...actions.map((action) => `  - ${action}`),
      `Resource: ${inYaml}`,
      ...(condition === undefined ? [] : [`Condition: ${JSON.stringify(condition)}`])
    ]
    return onlyIf === undefined
      ? item(statement)
      : item(["!If", ...item([onlyIf]), ...item(statement), ...item(["!Ref AWS::NoValue"])])
  }).map((line) => `${" ".repeat(14)}${line}\n`).join("")
}

/** Lines of YAML as one item of a list. */
const item = (lines: ReadonlyArray<string>) => lines.map((line, index) => `${index === 0 ? "- " : "  "}${line}`)
