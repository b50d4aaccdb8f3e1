/**
 * What the role of a Lambda function needs, as typed statements of IAM. A module with an action exports those of its
 * function beside its handler, and the command `effect-codepipeline deploy` creates the role from them:
 *
 * ```ts
 * export const permissions: ReadonlyArray<Permissions.Statement> = [
 *   { actions: ["ecs:RunTask"], resources: ["*"] },
 *   ...Permissions.cloudFormation({ stacks: "shop-*" })
 * ]
 * ```
 *
 * The functions for Lambda export only their handler, so that the statements add nothing to their size. `ArtifactStore`
 * needs no permission: a job brings credentials for its artifacts. `WebPage` needs none either.
 */
import { permissions as deployStack } from "./actions/deployStack/permissions.ts"
import { permissions as deployStackSet } from "./actions/deployStackSet/permissions.ts"
import type { Permission } from "./actions/stackContent/permissions.ts"
import { merge, type Statement } from "./domain/job/Statement.ts"

export type { Statement } from "./domain/job/Statement.ts"

/** What `CodePipeline` needs: the calls that report a job. They have no resources in IAM. */
export const codePipeline: Statement = {
  actions: ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
  resources: ["*"]
}

/** What Lambda needs to write the function's logs. */
export const logs: Statement = {
  actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
  resources: ["arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"]
}

/** What every function needs. `deploy` adds it to the role of each function. */
export const everyFunction: ReadonlyArray<Statement> = [codePipeline, logs]

/** What a function may do with `CloudFormation`. */
export interface CloudFormationAccess {
  /** The name of the stack, or of several with `*`, such as `shop-*`. */
  readonly stacks: string
  /** The ARN of the role that CloudFormation assumes, `roleArn` in a request. Default: none may be passed. */
  readonly roleArn?: string
  /** The ARNs of the roles that may be assumed, `assumeRole` of a destination. Default: none. */
  readonly assumableRoles?: ReadonlyArray<string>
  /** The bucket of `ArtifactStore.upload` for templates over 51,200 bytes. Default: they are rejected. */
  readonly templateBucket?: string
  /** The ARN of the KMS key that encrypts this bucket. Default: no key of yours. */
  readonly templateBucketKeyArn?: string
}

/** What `CloudFormation` needs, and so what a function needs that runs `DeployStack`, with all its options and modes. */
export const cloudFormation = (
  { assumableRoles = [], roleArn, stacks, templateBucket, templateBucketKeyArn }: CloudFormationAccess
): ReadonlyArray<Statement> =>
  statementsOf(deployStack, {
    "${Stacks}": stacks,
    "${CloudFormationRole.Arn}": roleArn,
    "${AssumableRoles}": assumableRoles.length === 0 ? undefined : assumableRoles,
    "${TemplateBucket}": templateBucket,
    "${TemplateBucketKeyArn}": templateBucketKeyArn
  })

/** What a function may do with `StackSets`. */
export interface StackSetsAccess {
  /** The name of the stack set, or of several with `*`, such as `shop-*`. */
  readonly stackSets: string
  /**
   * The name of the role that CloudFormation assumes for stack sets with self-managed permissions, usually
   * `AWSCloudFormationStackSetAdministrationRole`. Default: none may be passed.
   */
  readonly administrationRole?: string
  /** As of {@link CloudFormationAccess}. */
  readonly templateBucket?: string
  /** As of {@link CloudFormationAccess}. */
  readonly templateBucketKeyArn?: string
}

/** What `StackSets` needs, and so what a function needs that runs `DeployStackSet`, with all its options and modes. */
export const stackSets = (
  { administrationRole, stackSets, templateBucket, templateBucketKeyArn }: StackSetsAccess
): ReadonlyArray<Statement> =>
  statementsOf(deployStackSet, {
    "${StackSets}": stackSets,
    "${StackSetAdministrationRole}": administrationRole,
    "${TemplateBucket}": templateBucket,
    "${TemplateBucketKeyArn}": templateBucketKeyArn
  })

/** The statements with these values, but none about a value that is not given. */
const statementsOf = (
  permissions: ReadonlyArray<Permission>,
  values: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): ReadonlyArray<Statement> =>
  merge(
    permissions.flatMap((permission): ReadonlyArray<Statement> => {
      if (permission.role === "action") return []
      const { actions, conditions, resources } = permission
      const isUnknown = Object.entries(values).some(([name, value]) =>
        value === undefined && resources.some((resource) => resource.includes(name))
      )
      if (isUnknown) return []
      const filled = Object.entries(values).reduce<ReadonlyArray<string>>(
        (texts, [name, value = ""]) => texts.flatMap((text) => withValue(text, name, value)),
        resources
      )
      return [{ actions, resources: filled, conditions }]
    })
  )

/** The text with the value, or one text for each of several values. */
const withValue = (text: string, name: string, value: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  text.includes(name) ? [value].flat().map((value) => text.replaceAll(name, () => value)) : [text]
