// The rules that CloudFormation applies to requests on stacks and change sets alike.
import { type Answer, refused } from "../server.ts"
import { type Parameters, texts, validationError } from "./queryProtocol.ts"
import type { Settings, Stack } from "./serverStacks.ts"
import { members, tagsOf, valuesOf } from "./templateRequest.ts"

/** A stack's settings after a request, or CloudFormation's refusal. */
export const settingsAfter = (template: string, parameters: Parameters, before: Settings): Settings | Answer => {
  const form = texts(parameters)
  const values = valuesOf(template, form, before.values)
  if ("_tag" in values) return values
  return {
    values,
    tags: tagsOf(form) ?? before.tags,
    topics: "NotificationARNs" in form
      ? []
      : [members(form, "NotificationARNs"), before.topics].find((l) => l.length > 0) ?? [],
    roleArn: form["RoleARN"] ?? before.roleArn,
    stackPolicy: form["StackPolicyBody"] ?? before.stackPolicy,
    terminationProtection: form["EnableTerminationProtection"] ?? before.terminationProtection
  }
}

/** The settings that make an update if they change. */
export const changeable = ({ tags, topics, values }: Settings) => JSON.stringify([[...values], [...tags], topics])

/** The template of a request; a URL stands for itself. Undefined if the template has no resources. */
export const templateOf = (parameters: Parameters) => {
  const { TemplateBody: body = "", TemplateURL: url } = texts(parameters)
  return url ?? (body.includes("Resources") ? body : undefined)
}

export const noResources = "Template format error: At least one Resources member must be defined."

export const tokenUsed = (token: string) =>
  refused(
    "TokenAlreadyExistsException",
    `The client request token ${token} has already been used for this stack. ` +
      `Retry the request with a different client request token`
  )

export const isUpdatable = ({ status }: Stack) => /^(?!ROLLBACK|DELETE).*_COMPLETE$/.test(status)

export const cannotBeUpdated = ({ id, status }: Stack) =>
  validationError(`Stack:${id} is in ${status} state and can not be updated.`)
