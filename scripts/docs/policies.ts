// What is made from the lists of permissions: the policy and the table in README.md, and the statements in
// templates/functions.yaml.
import type { FunctionPermission, Permission } from "../../src/actions/deployStack/permissions.ts"
import { merge } from "../../src/domain/job/Statement.ts"
import { templateStatements } from "../deploy/templateStatements.ts"
import { type FunctionName, permissions, permissionsOf } from "../permissions.ts"
import { code } from "./markdown.ts"

const isOfFunction = (permission: Permission): permission is FunctionPermission => permission.role === "function"

/** Whether it is in the minimal policy: what all jobs of the function need from its role. */
const isMinimal = (permission: Permission): permission is FunctionPermission =>
  permission.jobs === "all" && isOfFunction(permission)

/** What stands in a policy for readers where the template has a parameter, or a resource of its own. */
const forReaders: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "REGION",
  "AWS::AccountId": "ACCOUNT",
  "Stacks": "MyTestStack",
  "CloudFormationRole.Arn": "arn:aws:iam::ACCOUNT:role/ROLE",
  "TemplateBucket": "BUCKET",
  "TemplateBucketKeyArn": "arn:aws:kms:REGION:ACCOUNT:key/KEY"
}

const filled = (resource: string): string =>
  resource.replaceAll(/\$\{([^}]+)\}/g, (text, name: string) => forReaders[name] ?? text)

/** One resource as such, several as a list. */
const oneOrAll = <A>(list: ReadonlyArray<A>): A | ReadonlyArray<A> | undefined => list.length === 1 ? list[0] : list

/** The minimal policy of the function's role, with one statement for each resource. */
export const minimalPolicy = (name: FunctionName) => ({
  Version: "2012-10-17",
  Statement: merge(permissionsOf[name].filter(isMinimal)).map(({ actions, conditions, resources }) => ({
    Effect: "Allow",
    Action: actions,
    Resource: oneOrAll(resources.map(filled)),
    Condition: conditions
  }))
})

/** A row for each permission that is not in the minimal policy, below the head of the table. */
export const furtherPermissions = (): ReadonlyArray<ReadonlyArray<string>> => [
  ["For", "Whose role", "Actions", "Resource", "Without it"],
  ...permissions.filter((permission) => !isMinimal(permission)).map((permission) => [
    jobsOf(permission),
    `the ${permission.role}'s`,
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

const resourceOf = (permission: Permission) => {
  if (!isOfFunction(permission)) return permission.words
  const { conditions, resources } = permission
  const shown = resources.map((resource) => code(filled(resource))).join(", ")
  return conditions === undefined ? shown : `${shown}, if ${code(JSON.stringify(conditions))}`
}

/** The statements of the role of a function as YAML in templates/functions.yaml: one for each resource. */
export const statementsInTemplate = (name: FunctionName): string =>
  templateStatements(permissionsOf[name].filter(isOfFunction), logGroups[name])
    .toString({ lineWidth: 0 })
    .replaceAll(/^(?=.)/gm, indentation)

const logGroups: Readonly<Record<FunctionName, string>> = {
  "deploy-stack": "DeployStackLogs",
  "check-webpage": "CheckWebpageLogs"
}

const indentation = " ".repeat(14)
