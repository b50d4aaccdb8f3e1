// How the server describes change sets.
import { refused } from "../server.ts"
import { type Parameters, result, texts, xml } from "./queryProtocol.ts"
import type { ChangeSet, Stack, Stacks } from "./serverStacks.ts"
import { summaryOf } from "./templateRequest.ts"

/** Finds a change set by its name and stack, or by its ARN. */
export const findChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ChangeSetName: changeSet = "", StackName: name } = texts(parameters)
  const named = stacks.find(name)
  for (const stack of name === undefined ? stacks.all : named === undefined ? [] : [named]) {
    const found = stack.changeSets.find(({ id, name }) => id === changeSet || name === changeSet)
    if (found !== undefined) return { stack, found }
  }
  return undefined
}

export const noChangeSet = (parameters: Parameters) =>
  refused("ChangeSetNotFound", `ChangeSet [${texts(parameters)["ChangeSetName"]}] does not exist`, 404)

const nestedType = "AWS::CloudFormation::Stack"

/** The ARN of the change set of the only nested stack. */
const nestedIdOf = ({ id, name }: ChangeSet) => id.replace(`changeSet/${name}`, `changeSet/${name}-Nested`)

const findRoot = (stacks: Stacks, parameters: Parameters) => {
  const { ChangeSetName: changeSet } = texts(parameters)
  for (const stack of stacks.all) {
    const root = stack.changeSets.find((found) => found.includesNested && nestedIdOf(found) === changeSet)
    if (root !== undefined) return { stack, root }
  }
  return undefined
}

export const isNested = (stacks: Stacks, parameters: Parameters) => findRoot(stacks, parameters) !== undefined

export const statusOf = ({ before, isCreated, isEmpty, isExecuted, isInvalid }: ChangeSet, stack: Stack) => {
  if (!isCreated) return { Status: "CREATE_IN_PROGRESS", ExecutionStatus: "UNAVAILABLE" }
  if (isInvalid) {
    const StatusReason = "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. " +
      "To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information."
    return { Status: "FAILED", ExecutionStatus: "UNAVAILABLE", StatusReason }
  }
  if (isExecuted) return { Status: "CREATE_COMPLETE", ExecutionStatus: "EXECUTE_IN_PROGRESS" }
  if (!isEmpty) {
    return { Status: "CREATE_COMPLETE", ExecutionStatus: before === stack.template ? "AVAILABLE" : "OBSOLETE" }
  }
  const StatusReason = "The submitted information didn't contain changes. " +
    "Submit different information to create a change set."
  return { Status: "FAILED", ExecutionStatus: "UNAVAILABLE", StatusReason }
}

const change = (fields: Readonly<Record<string, string | undefined>>, details = "") =>
  `<member><Type>Resource</Type><ResourceChange>${xml(fields)}${details}</ResourceChange></member>`

/** The properties of the first resource of a template in JSON. */
const propertiesOf = (template: string): Readonly<Record<string, unknown>> => {
  if (!template.includes("\"Properties\"")) return {}
  const { Resources } = JSON.parse(template) as {
    readonly Resources: Readonly<Record<string, { readonly Properties?: Readonly<Record<string, unknown>> }>>
  }
  return Object.values(Resources)[0]?.Properties ?? {}
}

const detailsOf = ({ before, template }: ChangeSet, withValues: boolean) => {
  const [old, next] = [propertiesOf(before), propertiesOf(template)]
  const changed = Object.keys(next).filter((name) => old[name] !== next[name])
  const members = changed.map((Name) => {
    const target = xml({
      Attribute: "Properties",
      Name,
      RequiresRecreation: "Always",
      Path: `/Properties/${Name}`,
      BeforeValue: withValues && Name in old ? String(old[Name]) : undefined,
      AfterValue: withValues ? String(next[Name]) : undefined
    })
    return `<member><Target>${target}</Target>${
      xml({ Evaluation: "Static", ChangeSource: "DirectModification" })
    }</member>`
  })
  return changed.length === 0 ? "" : `<Details>${members.join("")}</Details>`
}

/** Those of the whole set are on its first page only. */
const parametersOf = ({ settings: { values }, template }: ChangeSet) => {
  const hidden = new Set(
    summaryOf(template).parameters.filter(([, { NoEcho }]) => NoEcho === true).map(([name]) => name)
  )
  const members = Array.from(
    values,
    ([ParameterKey, value]) =>
      `<member>${xml({ ParameterKey, ParameterValue: hidden.has(ParameterKey) ? "****" : value })}</member>`
  )
  return `<Parameters>${members.join("")}</Parameters>`
}

const describeNested = ({ root, stack }: { readonly root: ChangeSet; readonly stack: Stack }) =>
  result(
    "DescribeChangeSet",
    xml({
      ChangeSetId: nestedIdOf(root),
      ChangeSetName: `${root.name}-Nested`,
      StackId: stack.id.replace(stack.name, `${stack.name}-Nested`),
      CreationTime: root.createdAt,
      ParentChangeSetId: root.id,
      RootChangeSetId: root.id,
      ...statusOf(root, stack)
    }) + `<Changes>${change({ Action: "Add", LogicalResourceId: "Bucket", ResourceType: "AWS::S3::Bucket" })}</Changes>`
  )

/** Shows the template's resources as changes, in two pages: added if the stack is in review, modified otherwise. */
export const describeChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const inRoot = findRoot(stacks, parameters)
  if (inRoot !== undefined) return describeNested(inRoot)
  const known = findChangeSet(stacks, parameters)
  if (known === undefined) return noChangeSet(parameters)
  const { found, stack } = known
  const form = texts(parameters)
  const types = [...found.template.matchAll(/"Type":\s*"(AWS::[^"]+)"/g)].map(([, type = ""]) => type)
  const isNew = found.before === ""
  const changes = types.map((type, index) =>
    change(
      {
        Action: isNew ? "Add" : "Modify",
        LogicalResourceId: `Resource${index}`,
        PhysicalResourceId: isNew ? undefined : `physical-${index}`,
        ResourceType: type,
        Replacement: isNew ? undefined : type === nestedType ? "False" : "True",
        PolicyAction: isNew || type === nestedType ? undefined : "ReplaceAndDelete",
        ChangeSetId: found.includesNested && type === nestedType ? nestedIdOf(found) : undefined
      },
      index === 0 && !isNew ? detailsOf(found, form["IncludePropertyValues"] === "true") : ""
    )
  )
  const isFirst = form["NextToken"] === undefined
  const page = isFirst ? changes.slice(0, 1) : changes.slice(1)
  return result(
    "DescribeChangeSet",
    xml({
      ChangeSetId: found.id,
      ChangeSetName: found.name,
      StackId: stack.id,
      StackName: stack.name,
      Description: found.description,
      CreationTime: found.createdAt,
      ...statusOf(found, stack),
      NextToken: isFirst && changes.length > 1 ? "2" : undefined
    }) + (isFirst ? parametersOf(found) : "") + `<Changes>${page.join("")}</Changes>`
  )
}
