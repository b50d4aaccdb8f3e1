// The server's operations on change sets.
import { refused } from "../server.ts"
import { findChangeSet, isNested, noChangeSet, statusOf } from "./changeSetDescription.ts"
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
import { noSettings, now, type Stacks } from "./serverStacks.ts"

/** A change set of a nested stack is executed and deleted with its root. */
const notRoot = (verb: string) => validationError(`It can only be ${verb} from its root change set.`)

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
  const includesNested = texts(parameters)["IncludeNestedStacks"] === "true"
  const shape = { id, name: changeSet, description, template, before, settings, isEmpty, includesNested }
  target.changeSets.push({ ...shape, createdAt: now(), isCreated: false, isInvalid: false, isExecuted: false })
  return result("CreateChangeSet", xml({ Id: id, StackId: target.id }))
}

export const executeChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "" } = texts(parameters)
  if (isNested(stacks, parameters)) return notRoot("executed")
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
  if (isNested(stacks, parameters)) return notRoot("deleted")
  const known = findChangeSet(stacks, parameters)
  if (known?.found.isCreated === false) {
    return refused("InvalidChangeSetStatus", "Cannot delete ChangeSet in status CREATE_IN_PROGRESS")
  }
  if (known !== undefined) known.stack.changeSets = known.stack.changeSets.filter((other) => other !== known.found)
  return result("DeleteChangeSet", "")
}
