// The server's operations that bring a stack back to rest.
import { type Parameters, result, texts, validationError, xml } from "./queryProtocol.ts"
import { tokenUsed } from "./requestRules.ts"
import type { Stacks } from "./serverStacks.ts"
import { members } from "./templateRequest.ts"

/** CloudFormation calls ContinueUpdateRollback by another name in this message. */
const wrongStatus = (operation: string) => validationError(`${operation} cannot be called from current stack status`)

const findStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", RoleARN: roleArn, StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return validationError(`Stack [${name}] does not exist`)
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  return { stack, token, settings: { ...stack.settings, roleArn: roleArn ?? stack.settings.roleArn } }
}

export const rollbackStack = (stacks: Stacks, parameters: Parameters) => {
  const found = findStack(stacks, parameters)
  if ("_tag" in found) return found
  const { settings, stack, token } = found
  if (!/^(CREATE|UPDATE)_FAILED$/.test(stack.status)) return wrongStatus("RollbackStack")
  stack.settings = settings
  const status = stack.status === "CREATE_FAILED" ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS"
  stack.startOperation(status, token, stack.template)
  return result("RollbackStack", xml({ StackId: stack.id }))
}

export const cancelUpdateStack = (stacks: Stacks, parameters: Parameters) => {
  const found = findStack(stacks, parameters)
  if ("_tag" in found) return found
  const { stack, token } = found
  if (stack.status !== "UPDATE_IN_PROGRESS") return wrongStatus("CancelUpdateStack")
  stack.startOperation("UPDATE_ROLLBACK_IN_PROGRESS", token, stack.previousTemplate)
  return result("CancelUpdateStack", "")
}

export const continueUpdateRollback = (stacks: Stacks, parameters: Parameters) => {
  const found = findStack(stacks, parameters)
  if ("_tag" in found) return found
  const { settings, stack, token } = found
  if (stack.status !== "UPDATE_ROLLBACK_FAILED") return wrongStatus("RollbackUpdatedStack")
  const wrong = members(texts(parameters), "ResourcesToSkip").filter((id) => !stack.notRolledBack.has(id))
  if (wrong.length > 0) {
    return validationError(
      `The following resources cannot be skipped: [${
        wrong.join(", ")
      }]. You can specify only resources that are in the ` +
        "UPDATE_FAILED state because a rollback failed."
    )
  }
  stack.settings = settings
  stack.startOperation("UPDATE_ROLLBACK_IN_PROGRESS", token, stack.template)
  return result("ContinueUpdateRollback", "")
}
