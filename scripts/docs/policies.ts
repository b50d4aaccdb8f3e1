// What is made from the lists of permissions: policies for readers, and the statements in templates/functions.yaml.
import type { FunctionPermission, Permission } from "../../src/actions/stackContent/permissions.ts"
import { templateStatements } from "../../src/cli/deploy/template/templateStatements.ts"
import { merge, type Statement } from "../../src/domain/job/Statement.ts"
import { type FunctionName, permissionsOf } from "../permissions.ts"

export const isOfFunction = (permission: Permission): permission is FunctionPermission => permission.role === "function"

/** Whether it is in the minimal policy: what all jobs of the function need from its role. */
export const isMinimal = (permission: Permission): permission is FunctionPermission =>
  permission.jobs === "all" && isOfFunction(permission)

/** What stands in a policy for readers where the template has a parameter, or a resource of its own. */
const forReaders: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "REGION",
  "AWS::AccountId": "ACCOUNT",
  "Stacks": "MyTestStack",
  "StackSets": "MyStackSet",
  "StackSetAdministrationRole": "AWSCloudFormationStackSetAdministrationRole",
  "CloudFormationRole.Arn": "arn:aws:iam::ACCOUNT:role/ROLE",
  "AssumableRoles": "arn:aws:iam::TARGET_ACCOUNT:role/TARGET_ROLE",
  "TemplateBucket": "BUCKET",
  "TemplateBucketKeyArn": "arn:aws:kms:REGION:ACCOUNT:key/KEY"
}

const filled = (resource: string): string =>
  resource.replaceAll(/\$\{([^}]+)\}/g, (text, name: string) => forReaders[name] ?? text)

/** One resource as such, several as a list. */
const oneOrAll = <A>(list: ReadonlyArray<A>): A | ReadonlyArray<A> | undefined => list.length === 1 ? list[0] : list

/** A statement of a policy, for readers. */
export const policyStatement = ({ actions, conditions, resources }: Statement) => ({
  Effect: "Allow",
  Action: actions,
  Resource: oneOrAll(resources.map(filled)),
  Condition: conditions
})

/** The minimal policy of the function's role, with one statement for each resource. */
export const minimalPolicy = (name: FunctionName) => ({
  Version: "2012-10-17",
  Statement: merge(permissionsOf[name].filter(isMinimal)).map(policyStatement)
})

/** The calls that the function makes as itself, wherever its stacks are. */
const ofFunctionAlone = /^(?:codepipeline|logs|sts):/

/** The policy of a role of another account (`assumeRole`): what the function's role needs in its own. */
export const targetPolicy = () => ({
  Version: "2012-10-17",
  Statement: merge(
    permissionsOf["deploy-stack"].filter(isOfFunction).filter(({ actions }) =>
      !actions.some((action) => ofFunctionAlone.test(action))
    )
  ).map(policyStatement)
})

/** The statements of the role of a function as YAML in templates/functions.yaml: one for each resource. */
export const statementsInTemplate = (name: FunctionName): string =>
  templateStatements(permissionsOf[name].filter(isOfFunction), logGroups[name])
    .toString({ lineWidth: 0 })
    .replaceAll(/^(?=.)/gm, indentation)

const logGroups: Readonly<Record<FunctionName, string>> = {
  "deploy-stack": "DeployStackLogs",
  "deploy-stack-set": "DeployStackSetLogs",
  "check-webpage": "CheckWebpageLogs"
}

const indentation = " ".repeat(14)
