// What is made from the list of permissions: the policy and the table in README.md, and the statements in
// templates/functions.yaml.
import * as Array from "effect/Array"
import { Document, type Node, Scalar } from "yaml"
import { type FunctionName, type Permission, permissions, type Resource, resources, type Role } from "../permissions.ts"
import { code } from "./markdown.ts"

/** Whether it is in the minimal policy: what all jobs of the function need from its role. */
const isMinimal = ({ functions, jobs, role }: Permission, name: FunctionName = "deploy-stack") =>
  jobs === "all" && role === "function" && functions.includes(name)

/** The statements of a policy, in the order of the list: all actions on one resource under the same condition. */
const statementsOf = (permissions: ReadonlyArray<Permission>) =>
  Object.values(Array.groupBy(permissions, ({ condition, resource }) => JSON.stringify([resource, condition])))
    .map((group) => {
      const [{ condition, resource }] = group
      return { resource, actions: group.flatMap(({ actions }) => actions), condition }
    })

/** The minimal policy of the function's role, with one statement for each resource. */
export const minimalPolicy = (name: FunctionName) => ({
  Version: "2012-10-17",
  Statement: statementsOf(permissions.filter((permission) => isMinimal(permission, name))).map((
    { actions, condition, resource }
  ) => ({
    Effect: "Allow",
    Action: actions,
    Resource: resources[resource],
    Condition: condition
  }))
})

const owners: Readonly<Record<Role, string>> = { function: "the function's", action: "the action's" }

/** A row for each permission that is not in the minimal policy, below the head of the table. */
export const furtherPermissions = (): ReadonlyArray<ReadonlyArray<string>> => [
  ["For", "Whose role", "Actions", "Resource", "Without it"],
  ...permissions.filter((permission) => !isMinimal(permission)).map((permission) => [
    jobsOf(permission),
    owners[permission.role],
    permission.actions.map(code).join(", "),
    resourceOf(permission),
    permission.required === true ? "PermissionError" : permission.required.otherwise
  ])
]

const either = new Intl.ListFormat("en", { type: "disjunction" })

const jobsOf = ({ jobs }: Permission) => {
  if (jobs === "all") return "every job"
  const { modes = [], note, options = [] } = jobs
  return [
    ...options.map(code),
    ...(modes.length === 0 ? [] : [`${code("mode")} ${either.format(modes.map(code))}`]),
    ...(note === undefined ? [] : [note])
  ].join(", ")
}

const resourceOf = ({ condition, resource }: Permission) => {
  const pattern = resources[resource]
  const shown = typeof pattern === "string" ? code(pattern) : pattern.words
  return condition === undefined ? shown : `${shown}, if ${code(JSON.stringify(condition))}`
}

/** A node of YAML with one of CloudFormation's tags, the short form of a function. */
const tagged = <A extends Node>(tag: string, node: A): A => {
  node.tag = tag
  return node
}
const scalar = (tag: string, text: string) => tagged(tag, new Scalar(text))

const stacks = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${Stacks}"

/** A resource as templates/functions.yaml writes it, and the condition without which the stack does not have it. */
interface TemplateResource {
  readonly node: unknown
  readonly onlyIf?: string
}

const inTemplate: Readonly<Record<Resource, ((logGroup: string) => TemplateResource) | undefined>> = {
  any: () => ({ node: "*" }),
  stack: () => ({ node: scalar("!Sub", `${stacks}/*`) }),
  nestedStacks: () => ({ node: scalar("!Sub", `${stacks}-*/*`) }),
  logs: (logGroup) => ({ node: scalar("!GetAtt", `${logGroup}.Arn`) }),
  serviceRole: () => ({ node: scalar("!GetAtt", "CloudFormationRole.Arn"), onlyIf: "HasServiceRole" }),
  templates: () => ({
    node: scalar("!Sub", "arn:${AWS::Partition}:s3:::${TemplateBucket}/effect-codepipeline/*"),
    onlyIf: "HasTemplateBucket"
  }),
  templateKey: () => ({ node: scalar("!Ref", "TemplateBucketKeyArn"), onlyIf: "HasTemplateBucketKey" }),
  artifact: undefined,
  artifactBucket: undefined
}

/** The template creates the log group itself. */
const doneByTemplate: ReadonlySet<string> = new Set(["logs:CreateLogGroup"])

const logGroups: Readonly<Record<FunctionName, string>> = {
  "deploy-stack": "DeployStackLogs",
  "check-webpage": "CheckWebpageLogs"
}

const indentation = " ".repeat(14)

/** The statements of the role of a function as YAML in templates/functions.yaml: one for each resource. */
export const templateStatements = (name: FunctionName): string => {
  const document = new Document([])
  const needed = permissions.filter(({ functions, role }) => role === "function" && functions.includes(name))
  for (const { actions, condition, resource } of statementsOf(needed)) {
    const found = inTemplate[resource]?.(logGroups[name])
    if (found === undefined) throw new Error(`templates/functions.yaml has no form for the resource "${resource}"`)
    const statement = {
      Effect: "Allow",
      Action: actions.filter((action) => !doneByTemplate.has(action)),
      Resource: found.node,
      ...(condition !== undefined && { Condition: condition })
    }
    const { onlyIf } = found
    document.add(
      onlyIf === undefined
        ? statement
        : tagged("!If", document.createNode([onlyIf, statement, scalar("!Ref", "AWS::NoValue")]))
    )
  }
  return document.toString({ lineWidth: 0 }).replaceAll(/^(?=.)/gm, indentation)
}
