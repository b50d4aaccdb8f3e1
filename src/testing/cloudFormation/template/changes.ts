// The changes that an update makes to resources.
import { constFalse } from "effect/Function"
import type { ChangeDetail, ResourceChange } from "../../../domain/stack/ChangeSet.ts"
import { nestedStackType } from "../../../domain/stack/plan/ChangePlan.ts"
import { type Evaluated, evaluatedText, plain } from "../evaluation/Scope.ts"
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

/** Identifies a resource that exists outside of a stack, by its type and the name that the template gives it. */
export const existingKey = (type: string, name: string): string => `${type} ${name}`

/** The key under which the resource may exist already; none if the template does not name it. */
export const existingKeyOf = ({ properties, type }: ResolvedResource): string | undefined => {
  const naming = replacing[type]
  const name = naming?.endsWith("Name") ? evaluatedText(properties[naming]) : undefined
  return name === undefined ? undefined : existingKey(type, name)
}

/**
 * Whether CloudFormation imports the resource if it exists. Source: "Import AWS resources into a CloudFormation stack
 * automatically" in the CloudFormation User Guide.
 */
export const isImportable = (existing: ReadonlySet<string>, resource: ResolvedResource): boolean =>
  /^Retain(?:ExceptOnCreate)?$/.test(resource.deletionPolicy) && existing.has(existingKeyOf(resource) ?? "")

const changedProperties = ({ definition: before }: ResolvedResource, { definition: after }: ResolvedResource) =>
  [...new Set([...Object.keys(before.properties), ...Object.keys(after.properties)])]
    .filter((name) => before.properties[name] !== after.properties[name])

/** The template behind the URL of a nested stack may have changed: every update of its parent updates it. */
export const isNestedStack = ({ type }: { readonly type: string }) => type === nestedStackType

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

const recreationOf = (type: string, property: string) => {
  if (property === "Tags" || type === nestedStackType) return "Never"
  return replacing[type] === property ? "Always" : "Conditionally"
}

/** A value as CloudFormation shows it. */
const valueOf = (value: Evaluated) => evaluatedText(value) ?? JSON.stringify(plain(value))

const propertyDetail = (before: ResolvedResource, after: ResolvedResource, property: string): ChangeDetail => {
  const [old, next] = [before.properties[property], after.properties[property]]
  return {
    attribute: property === "Tags" ? "Tags" : "Properties",
    ...(property !== "Tags" && { name: property }),
    path: `/Properties/${property}`,
    ...(old !== undefined && { before: valueOf(old) }),
    ...(next !== undefined && { after: valueOf(next) }),
    requiresRecreation: recreationOf(after.type, property),
    evaluation: "Static",
    source: "DirectModification"
  }
}

const attributeDetails = (before: ResolvedResource, after: ResolvedResource): ReadonlyArray<ChangeDetail> => {
  if (before.definition.attributes === after.definition.attributes) return []
  const changed = [
    ...(before.deletionPolicy === after.deletionPolicy ? [] : ["DeletionPolicy"]),
    ...(before.updateReplacePolicy === after.updateReplacePolicy ? [] : ["UpdateReplacePolicy"])
  ]
  return (changed.length === 0 ? ["Metadata"] : changed).map((attribute) => ({
    attribute,
    requiresRecreation: "Never",
    evaluation: "Static",
    source: "DirectModification"
  }))
}

/** What changes of a modified resource, and why. `causes` are the replaced resources to which it refers. */
const detailsOf = (
  before: ResolvedResource,
  after: ResolvedResource,
  causes: ReadonlyArray<string>
): ReadonlyArray<ChangeDetail> => {
  const details = [
    ...changedProperties(before, after).map((property) => propertyDetail(before, after, property)),
    ...attributeDetails(before, after),
    ...causes.map((cause): ChangeDetail => ({
      attribute: "Properties",
      requiresRecreation: "Conditionally",
      evaluation: "Dynamic",
      source: "ResourceReference",
      cause
    }))
  ]
  return details.length === 0 && isNestedStack(after)
    ? [{ attribute: "Properties", requiresRecreation: "Never", evaluation: "Dynamic", source: "Automatic" }]
    : details
}

/**
 * The changes between two versions of a stack: modified and added resources in the order of their creation, then removed
 * ones. A resource that refers to a replaced one changes too. `isImported`: whether a new resource exists already.
 */
export const changesBetween = (
  before: Resolved,
  after: Resolved,
  isImported: (resource: ResolvedResource) => boolean = constFalse
): ReadonlyArray<ResourceChange> => {
  const old = new Map(before.resources.map((resource) => [resource.id, resource]))
  const kept = new Set(after.resources.map(({ id }) => id))
  const replaced = new Set<string>()
  const changes = after.resources.flatMap((resource): ReadonlyArray<ResourceChange> => {
    const { id: logicalResourceId, type: resourceType } = resource
    const previous = old.get(logicalResourceId)
    if (previous === undefined) {
      return [{ action: isImported(resource) ? "Import" : "Add", logicalResourceId, resourceType }]
    }
    const own = replacementOf(previous, resource)
    const causes = Array.from(resource.refersTo).filter((id) => replaced.has(id))
    const followed = causes.length > 0 ? "Conditional" : undefined
    const replacement = own === "True" ? own : followed ?? own
    if (replacement === "True") replaced.add(logicalResourceId)
    if (replacement === undefined) return []
    const details = detailsOf(previous, resource, causes)
    return [{
      action: "Modify",
      logicalResourceId,
      resourceType,
      replacement,
      ...(replacement === "True" && { policyAction: `ReplaceAnd${resource.updateReplacePolicy}` }),
      ...(details.length > 0 && { details })
    }]
  })
  const removed = before.resources.filter(({ id }) => !kept.has(id)).toReversed().map((
    { deletionPolicy, id, type }
  ) => ({
    action: "Remove",
    logicalResourceId: id,
    resourceType: type,
    policyAction: deletionPolicy
  }))
  return [...changes, ...removed]
}
