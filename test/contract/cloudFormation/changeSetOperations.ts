// The server's operations on change sets.
import { refused } from "../server.ts"
import { type Parameters, result, texts, validationError, xml } from "./queryProtocol.ts"
import {
  cannotBeUpdated,
  changeable,
  isUpdatable,
  noResources,
  settingsAfter,
  templateOf,
  tokenUsed
} from "./requestRules.ts"
import { type ChangeSet, noSettings, now, type Stack, type Stacks } from "./serverStacks.ts"

const findChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ChangeSetName: changeSet = "", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  const found = stack?.changeSets.find(({ id, name }) => id === changeSet || name === changeSet)
  return stack === undefined || found === undefined ? undefined : { stack, found }
}

const noChangeSet = (parameters: Parameters) =>
  refused("ChangeSetNotFound", `ChangeSet [${texts(parameters)["ChangeSetName"]}] does not exist`, 404)

export const createChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ChangeSetName: changeSet = "", ChangeSetType: type, Description: description, StackName: name = "" } = texts(
    parameters
  )
  const template = templateOf(parameters)
  const stack = stacks.find(name)
  const isInReview = stack?.status === "REVIEW_IN_PROGRESS"
  if (findChangeSet(stacks, parameters)) {
    return refused(
      "AlreadyExistsException",
      `ChangeSet ${changeSet} cannot be created due to a mismatch with existing attribute Template`
    )
  }
  if (type === "CREATE" && stack !== undefined && !isInReview) {
    return validationError(
      `Stack [${name}] already exists and cannot be created again with the changeSet [${changeSet}].`
    )
  }
  if (type !== "CREATE" && (stack === undefined || isInReview)) return validationError(`Stack [${name}] does not exist`)
  if (type !== "CREATE" && stack !== undefined && !isUpdatable(stack)) return cannotBeUpdated(stack)
  if (template === undefined) return validationError(noResources)
  const present = stack?.settings ?? noSettings
  const settings = settingsAfter(template, parameters, present)
  if ("_tag" in settings) return settings
  const target = stack ?? stacks.add(name)
  const id = target.id.replace(/stack\/.*/, `changeSet/${changeSet}/${now().replaceAll(/\W/g, "-")}`)
  const before = target.template
  const isEmpty = template === before && changeable(settings) === changeable(present)
  const shape = { id, name: changeSet, description, template, before, settings, isEmpty }
  target.changeSets.push({ ...shape, createdAt: now(), isCreated: false, isInvalid: false, isExecuted: false })
  return result("CreateChangeSet", xml({ Id: id, StackId: target.id }))
}

const statusOf = ({ before, isCreated, isEmpty, isExecuted, isInvalid }: ChangeSet, stack: Stack) => {
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

/** Shows the template's resources as changes, in two pages: added if the stack is in review, modified otherwise. */
export const describeChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const known = findChangeSet(stacks, parameters)
  if (known === undefined) return noChangeSet(parameters)
  const { found, stack } = known
  const types = [...found.template.matchAll(/"Type":\s*"(AWS::[^"]+)"/g)].map(([, type = ""]) => type)
  const change = (type: string, index: number) =>
    `<member><Type>Resource</Type><ResourceChange>${
      xml({
        Action: found.before === "" ? "Add" : "Modify",
        LogicalResourceId: `Resource${index}`,
        ResourceType: type,
        Replacement: found.before === "" ? undefined : "True"
      })
    }</ResourceChange></member>`
  const changes = types.map(change)
  const [page, NextToken] = parameters["NextToken"] === undefined
    ? [changes.slice(0, 1), changes.length > 1 ? "2" : undefined]
    : [changes.slice(1), undefined]
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
      NextToken
    }) + `<Changes>${page.join("")}</Changes>`
  )
}

export const executeChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "" } = texts(parameters)
  const known = findChangeSet(stacks, parameters)
  if (known === undefined) return noChangeSet(parameters)
  const { found, stack } = known
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  if (stack.status.endsWith("_IN_PROGRESS") && stack.status !== "REVIEW_IN_PROGRESS") return cannotBeUpdated(stack)
  const { ExecutionStatus } = statusOf(found, stack)
  if (ExecutionStatus !== "AVAILABLE") {
    return refused(
      "InvalidChangeSetStatus",
      `ChangeSet [${found.id}] cannot be executed in its current execution status of [${ExecutionStatus}]`
    )
  }
  found.isExecuted = true
  stack.changeSets = [found]
  // A change set does not hold termination protection; it may have been switched on since.
  stack.settings = { ...found.settings, terminationProtection: stack.settings.terminationProtection }
  stack.startOperation(
    stack.status === "REVIEW_IN_PROGRESS" ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
    token,
    found.template
  )
  return result("ExecuteChangeSet", "")
}

export const deleteChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const known = findChangeSet(stacks, parameters)
  if (known?.found.isCreated === false) {
    return refused("InvalidChangeSetStatus", "Cannot delete ChangeSet in status CREATE_IN_PROGRESS")
  }
  if (known !== undefined) known.stack.changeSets = known.stack.changeSets.filter((other) => other !== known.found)
  return result("DeleteChangeSet", "")
}
