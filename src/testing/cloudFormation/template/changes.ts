// The changes that an update makes to resources.
import type { ResourceChange } from "../../../domain/stack/ChangeSet.ts"
import type { Resolved, ResolvedResource } from "./resolve.ts"

/** Properties whose change always replaces the resource. Source: "Update requires: Replacement" of each type. */
const replacing: Readonly<Record<string, string>> = {
  "AWS::DynamoDB::Table": "TableName",
  "AWS::EC2::VPC": "CidrBlock",
  "AWS::ECR::Repository": "RepositoryName",
  "AWS::ECS::Cluster": "ClusterName",
  "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
  "AWS::IAM::Role": "RoleName",
  "AWS::Kinesis::Stream": "Name",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::SNS::Topic": "TopicName",
  "AWS::SQS::Queue": "QueueName",
  "AWS::SSM::Parameter": "Name"
}

const changedProperties = ({ definition: before }: ResolvedResource, { definition: after }: ResolvedResource) =>
  [...new Set([...Object.keys(before.properties), ...Object.keys(after.properties)])]
    .filter((name) => before.properties[name] !== after.properties[name])

/** The template behind the URL of a nested stack may have changed: every update of its parent updates it. */
export const isNestedStack = ({ type }: { readonly type: string }) => type === "AWS::CloudFormation::Stack"

/** Whether the resource is replaced; `Conditional` if only its provider knows. */
const replacementOf = (before: ResolvedResource, after: ResolvedResource): string | undefined => {
  if (before.type !== after.type) return "True"
  const properties = changedProperties(before, after)
  if (properties.length === 0) {
    return before.definition.attributes === after.definition.attributes && !isNestedStack(after) ? undefined : "False"
  }
  if (isNestedStack(after)) return "False"
  if (properties.some((name) => replacing[after.type] === name)) return "True"
  return properties.every((name) => name === "Tags") ? "False" : "Conditional"
}

/** Whether CloudFormation sees nothing to update in the templates of these two versions of a stack. */
export const isSame = (before: Resolved, after: Resolved): boolean =>
  before.fingerprint === after.fingerprint && !after.resources.some(isNestedStack)

/**
 * The changes between two versions of a stack: modified and added resources in the order of their creation, then removed
 * ones. A resource that refers to a replaced one changes too.
 */
export const changesBetween = (before: Resolved, after: Resolved): ReadonlyArray<ResourceChange> => {
  const old = new Map(before.resources.map((resource) => [resource.id, resource]))
  const kept = new Set(after.resources.map(({ id }) => id))
  const replaced = new Set<string>()
  const changes = after.resources.flatMap((resource): ReadonlyArray<ResourceChange> => {
    const { id: logicalResourceId, type: resourceType } = resource
    const previous = old.get(logicalResourceId)
    if (previous === undefined) return [{ action: "Add", logicalResourceId, resourceType }]
    const own = replacementOf(previous, resource)
    const followed = Array.from(resource.refersTo).some((id) => replaced.has(id)) ? "Conditional" : undefined
    const replacement = own === "True" ? own : followed ?? own
    if (replacement === "True") replaced.add(logicalResourceId)
    return replacement === undefined ? [] : [{ action: "Modify", logicalResourceId, resourceType, replacement }]
  })
  const removed = before.resources.filter(({ id }) => !kept.has(id)).toReversed().map(({ id, type }) => ({
    action: "Remove",
    logicalResourceId: id,
    resourceType: type
  }))
  return [...changes, ...removed]
}
