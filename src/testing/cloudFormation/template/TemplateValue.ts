// The values that a template consists of.

export type TemplateValue = string | number | boolean | null | ReadonlyArray<TemplateValue> | TemplateMapping

export interface TemplateMapping {
  readonly [name: string]: TemplateValue
}

export const isMapping = (value: unknown): value is TemplateMapping =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isList = (value: unknown): value is ReadonlyArray<TemplateValue> => Array.isArray(value)

/** The members of a section; none if it is absent. */
export const membersOf = (section: TemplateValue | undefined): ReadonlyArray<readonly [string, TemplateValue]> =>
  isMapping(section) ? Object.entries(section) : []

/** A scalar's text, as CloudFormation passes it on. */
export const textOf = (value: TemplateValue | undefined): string | undefined =>
  value === undefined || value === null || typeof value === "object" ? undefined : String(value)

/** The call of a function, such as `{"Ref": "Bucket"}`. */
export interface FunctionCall {
  readonly name: string
  readonly argument: TemplateValue
}

/** `Condition` is a function among conditions only: elsewhere it is the name of a property. */
export const callOf = (value: TemplateValue): FunctionCall | undefined => {
  if (!isMapping(value)) return undefined
  const [entry, ...others] = Object.entries(value)
  if (entry === undefined || others.length > 0) return undefined
  const [name, argument] = entry
  return name === "Ref" || name.startsWith("Fn::") ? { name, argument } : undefined
}

/** The logical id and the attribute of `Fn::GetAtt`. The attribute can be a function. */
export const attributeOf = (
  argument: TemplateValue
): { readonly id: TemplateValue; readonly attribute: TemplateValue } | undefined => {
  if (typeof argument === "string") {
    const dot = argument.indexOf(".")
    return dot > 0 && dot < argument.length - 1
      ? { id: argument.slice(0, dot), attribute: argument.slice(dot + 1) }
      : undefined
  }
  if (!isList(argument) || argument.length < 2) return undefined
  const [id = "", ...attributes] = argument
  const texts = attributes.map(textOf)
  return { id, attribute: texts.includes(undefined) ? attributes[0] ?? "" : texts.join(".") }
}

/** The text and the variables of `Fn::Sub`. */
export const substitutionOf = (
  argument: TemplateValue
): { readonly text: string; readonly variables: TemplateMapping } | undefined => {
  const [text, variables = {}, ...others] = isList(argument) ? argument : [argument]
  return typeof text === "string" && isMapping(variables) && others.length === 0 ? { text, variables } : undefined
}

/** `${Name}` in the text of `Fn::Sub`; `${!Name}` stands for `${Name}` itself. */
export const substitution = /\$\{(!?)([^}]*)\}/g

/** What the names of variables are made of. */
export const variableName = /^[\w.:]+$/

export const invalidVariable =
  "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, " +
  "and colons"

/** The names between `${` and `}`, of which `variables` define some. */
export const substituted = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(substitution)).flatMap(([, literal, name = ""]) => literal === "!" ? [] : [name])

/** Calls `visit` for all functions in the value, from the outside to the inside. */
export const visitCalls = (value: TemplateValue, visit: (call: FunctionCall) => void): void => {
  const call = callOf(value)
  if (call !== undefined) visit(call)
  if (isList(value)) value.forEach((item) => visitCalls(item, visit))
  else if (isMapping(value)) Object.values(value).forEach((item) => visitCalls(item, visit))
}
