// Reads the parameters, tags and capabilities of a request's form, and checks them against the template.
import { type Answer, refused } from "../server.ts"

type Form = Readonly<Record<string, string>>

interface Template {
  readonly Parameters?: Readonly<
    Record<string, { readonly Type?: string; readonly Default?: unknown; readonly NoEcho?: boolean }>
  >
  readonly Transform?: unknown
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties?: object }>>
}

/** A template that is not JSON (YAML, or a URL) counts as one without parameters and resources. */
const read = (text: string): Template => {
  try {
    return JSON.parse(text) as Template
  } catch {
    return { Resources: {} }
  }
}

const invalid = (message: string) => refused("ValidationError", message)

/** `Name.member.1`, `Name.member.2`, … */
export const members = (form: Form, name: string): ReadonlyArray<string> => {
  const value = form[`${name}.member.1`]
  const rest = Object.fromEntries(
    Object.entries(form).flatMap(([key, value]) => {
      const [, index, tail] = new RegExp(`^${name}\\.member\\.(\\d+)(.*)$`).exec(key) ?? []
      return index === undefined || index === "1" ? [] : [[`${name}.member.${Number(index) - 1}${tail}`, value]]
    })
  )
  return value === undefined ? [] : [value, ...members(rest, name)]
}

const pairs = (form: Form, name: string, key: string, value: string) => {
  const found = new Map<string, string | undefined>()
  for (let index = 1; form[`${name}.member.${index}.${key}`] !== undefined; index++) {
    found.set(form[`${name}.member.${index}.${key}`] ?? "", form[`${name}.member.${index}.${value}`])
  }
  return found
}

/** Tag values by key; undefined if the request has no tags. */
export const tagsOf = (form: Form) =>
  Object.keys(form).some((key) => key.startsWith("Tags")) ? pairs(form, "Tags", "Key", "Value") : undefined

const iamTypes = ({ Resources }: Template) =>
  Object.values(Resources).filter(({ Type }) => Type.startsWith("AWS::IAM::")).map(({ Type }) => Type)

const required = (template: Template) => {
  const named = /"(Role|User|Group|ManagedPolicy|InstanceProfile)Name":/.test(JSON.stringify(template.Resources))
  const iam = named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"
  return [
    ...(iamTypes(template).length > 0 ? [iam] : []),
    ...("Transform" in template ? ["CAPABILITY_AUTO_EXPAND"] : [])
  ]
}

export const summaryOf = (text: string) => {
  const template = read(text)
  const types = iamTypes(template)
  return {
    parameters: Object.entries(template.Parameters ?? {}),
    capabilities: required(template),
    reason: types.length === 0 ? undefined : `The following resource(s) require capabilities: [${types.join(", ")}]`,
    transforms: "Transform" in template ? [template.Transform].flat().map(String) : []
  }
}

/** The values of the template's parameters, or CloudFormation's refusal. */
export const valuesOf = (
  text: string,
  form: Form,
  previous: ReadonlyMap<string, string>
): ReadonlyMap<string, string> | Answer => {
  const template = read(text)
  const capabilities = members(form, "Capabilities")
  const lacking = required(template).filter((capability) =>
    !capabilities.includes(capability) &&
    !capabilities.includes(capability.replace("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"))
  )
  if (lacking.length > 0) {
    return refused("InsufficientCapabilitiesException", `Requires capabilities : [${lacking.join(", ")}]`)
  }
  const declared = template.Parameters ?? {}
  const given = pairs(form, "Parameters", "ParameterKey", "ParameterValue")
  const unknown = [...given.keys()].filter((name) => !(name in declared))
  if (unknown.length > 0) {
    return Object.keys(declared).length === 0
      ? invalid("Parameter values specified for a template which does not require them.")
      : invalid(`Parameters: [${unknown.join(", ")}] do not exist in the template`)
  }
  const values = new Map<string, string>()
  for (const [name, { Default }] of Object.entries(declared)) {
    const value = given.has(name) ? given.get(name) ?? previous.get(name) : Default
    if (value !== undefined) values.set(name, String(value))
  }
  const missing = Object.keys(declared).filter((name) => !values.has(name))
  return missing.length > 0 ? invalid(`Parameters: [${missing.join(", ")}] must have values`) : values
}
