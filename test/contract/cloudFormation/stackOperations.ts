// The server's operations on stacks and templates.
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
import { noSettings, type Stacks } from "./serverStacks.ts"
import { summaryOf } from "./templateRequest.ts"

export const describeStacks = (stacks: Stacks, parameters: Parameters) => {
  const stack = stacks.find(parameters["StackName"])
  return stack === undefined
    ? validationError(`Stack with id ${parameters["StackName"]} does not exist`)
    : result("DescribeStacks", `<Stacks><member>${stack.describe()}</member></Stacks>`)
}

export const createStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", StackName: name = "" } = texts(parameters)
  const template = templateOf(parameters)
  if (stacks.hasUsed(name, token)) return tokenUsed(token)
  if (stacks.find(name)) return refused("AlreadyExistsException", `Stack [${name}] already exists`)
  if (template === undefined) return validationError(noResources)
  if (parameters["OnFailure"] !== undefined && parameters["DisableRollback"] !== undefined) {
    return validationError("You can specify either OnFailure or DisableRollback, but not both.")
  }
  const settings = settingsAfter(template, parameters, noSettings)
  if ("_tag" in settings) return settings
  const stack = stacks.add(name)
  stack.settings = settings
  stack.startOperation("CREATE_IN_PROGRESS", token, template)
  return result("CreateStack", xml({ StackId: stack.id }))
}

export const updateStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", StackName: name = "" } = texts(parameters)
  const template = templateOf(parameters)
  const stack = stacks.find(name)
  if (stack === undefined || stack.status === "REVIEW_IN_PROGRESS") {
    return validationError(`Stack [${name}] does not exist`)
  }
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  const withoutRollback = texts(parameters)["DisableRollback"] === "true" &&
    /^(CREATE|UPDATE)_FAILED$/.test(stack.status)
  if (!withoutRollback && !isUpdatable(stack)) return cannotBeUpdated(stack)
  if (template === undefined) return validationError(noResources)
  const settings = settingsAfter(template, parameters, stack.settings)
  if ("_tag" in settings) return settings
  if (template === stack.template && changeable(settings) === changeable(stack.settings)) {
    return validationError("No updates are to be performed.")
  }
  stack.settings = settings
  stack.startOperation("UPDATE_IN_PROGRESS", token, template)
  return result("UpdateStack", xml({ StackId: stack.id }))
}

export const deleteStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined || stack.status === "DELETE_COMPLETE") return result("DeleteStack", "")
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  if (stack.status === "DELETE_IN_PROGRESS") return result("DeleteStack", "")
  if (stack.status.endsWith("_IN_PROGRESS") && stack.status !== "REVIEW_IN_PROGRESS") {
    return validationError(`Stack [${stack.id}] cannot be deleted while in status ${stack.status}`)
  }
  if (stack.settings.terminationProtection === "true") {
    return validationError(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`)
  }
  stack.startOperation("DELETE_IN_PROGRESS", token, stack.template)
  return result("DeleteStack", "")
}

export const describeStackEvents = (stacks: Stacks, parameters: Parameters, perPage: number) => {
  const { NextToken: page = "0", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return validationError(`Stack [${name}] does not exist`)
  const start = Number(page)
  const members = stack.events.slice(start, start + perPage).map((event) => `<member>${xml(event)}</member>`)
  const more = start + perPage < stack.events.length
  return result(
    "DescribeStackEvents",
    `<StackEvents>${members.join("")}</StackEvents>${xml({ NextToken: more ? `${start + perPage}` : undefined })}`
  )
}

export const describeEvents = (stacks: Stacks, parameters: Parameters, perPage: number) => {
  const { "Filters.FailedEvents": failedOnly, NextToken: page = "0", ...key } = texts(parameters)
  const { ChangeSetName: changeSet = "", OperationId: operation = changeSet } = key
  if (failedOnly !== "true") return validationError("this server knows failed events only")
  const events = stacks.failedEvents(operation)
  const start = Number(page)
  const more = start + perPage < events.length
  const members = events.slice(start, start + perPage).map((event) => `<member>${xml(event)}</member>`)
  return result(
    "DescribeEvents",
    `<OperationEvents>${members.join("")}</OperationEvents>${
      xml({ NextToken: more ? `${start + perPage}` : undefined })
    }`
  )
}

const list = (name: string, items: ReadonlyArray<string>) =>
  items.length === 0 ? "" : `<${name}>${items.map((item) => `<member>${item}</member>`).join("")}</${name}>`

export const getTemplateSummary = (parameters: Parameters) => {
  const template = templateOf(parameters)
  if (template === undefined) return validationError(noResources)
  const { capabilities, parameters: declared, reason, transforms } = summaryOf(template)
  return result(
    "GetTemplateSummary",
    list(
      "Parameters",
      declared.map(([ParameterKey, { Default, NoEcho = false, Type = "String" }]) =>
        xml({
          ParameterKey,
          DefaultValue: Default === undefined ? undefined : String(Default),
          ParameterType: Type,
          NoEcho: `${NoEcho}`
        })
      )
    ) + list("Capabilities", capabilities) + xml({ CapabilitiesReason: reason }) +
      list("DeclaredTransforms", transforms)
  )
}

export const updateTerminationProtection = (stacks: Stacks, parameters: Parameters) => {
  const { EnableTerminationProtection: terminationProtection = "", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return validationError(`Stack [${name}] does not exist`)
  stack.settings = { ...stack.settings, terminationProtection }
  return result("UpdateTerminationProtection", xml({ StackId: stack.id }))
}

export const setStackPolicy = (stacks: Stacks, parameters: Parameters) => {
  const { StackName: name = "", StackPolicyBody: stackPolicy = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return validationError(`Stack [${name}] does not exist`)
  stack.settings = { ...stack.settings, stackPolicy }
  return result("SetStackPolicy", "")
}
