// What CloudFormation accepts in the sections of a template, apart from its references.
import { formatError } from "./parse.ts"
import { isServerless, languageExtensions, transformsOf, unknownTransformsOf } from "./sections.ts"
import { isList, isMapping, type TemplateMapping, type TemplateValue } from "./TemplateValue.ts"

const sections = new Set([
  "AWSTemplateFormatVersion",
  "Description",
  "Metadata",
  "Parameters",
  "Rules",
  "Mappings",
  "Conditions",
  "Transform",
  "Hooks",
  "Resources",
  "Outputs"
])

/** The sections whose members are checked before those of others. */
const namedSections = ["Parameters", "Mappings", "Conditions", "Resources", "Outputs"] as const

const attributes = new Set([
  "Type",
  "Properties",
  "Metadata",
  "Condition",
  "DependsOn",
  "CreationPolicy",
  "UpdatePolicy",
  "DeletionPolicy",
  "UpdateReplacePolicy",
  // Of custom resources.
  "Version"
])

const parameterProperties = new Set([
  "Type",
  "Default",
  "NoEcho",
  "Description",
  "ConstraintDescription",
  "AllowedValues",
  "AllowedPattern",
  "MinLength",
  "MaxLength",
  "MinValue",
  "MaxValue"
])

/** `List<String>` is none, but it is accepted. */
const parameterType =
  /^(?:String|Number|CommaDelimitedList|List<(?:String|Number|AWS::[\w:]+)>|AWS::SSM::Parameter::Name|AWS::SSM::Parameter::Value<(?:String|CommaDelimitedList|List<(?:String|Number|AWS::[\w:]+)>|AWS::[\w:]+)>|AWS::(?:EC2|Route53)::[\w:]+)$/

const deletionPolicies = new Set(["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"])

/** Source: page "CloudFormation quotas". */
const limits = { Resources: 500, Parameters: 200, Outputs: 200, Mappings: 200 } as const

/** What CloudFormation finds wrong with the form of the template, apart from its references. */
export const formProblem = (template: TemplateMapping): string | undefined => {
  const transforms = unknownTransformsOf(template)
  const isFinal = transforms.length === 0
  const unknown = Object.keys(template).filter((name) => !sections.has(name) && (isFinal || name !== "Globals"))
  if (transforms.every(isServerless) && unknown.length > 0) {
    return `Invalid template property or properties [${unknown.join(", ")}]`
  }
  const { AWSTemplateFormatVersion: version = "2010-09-09", Description: description = "", Resources } = template
  if (Resources === undefined) return noResources
  const isNull = nullAt(template, "")
  if (isNull !== undefined) return formatError(`[${isNull}] 'null' values are not allowed in templates`)
  if (version !== "2010-09-09") return formatError("unsupported value for AWSTemplateFormatVersion.")
  if (typeof description === "object") return formatError("Every Description member must be a string.")
  if (Buffer.byteLength(String(description)) > 1_024) {
    return formatError("'Description' length is greater than 1024.")
  }
  const hasExtensions = transformsOf(template).includes(languageExtensions)
  for (const name of namedSections) {
    const section = template[name] ?? {}
    if (!isMapping(section)) return formatError(`${name} must be an object`)
    for (const [id, member] of Object.entries(section)) {
      const problem = id.startsWith("Fn::ForEach::")
        ? loopProblem(template, name)
        : isFinal && !id.startsWith("Fn::")
        ? memberProblem[name](id, member, hasExtensions)
        : undefined
      if (problem !== undefined) return problem
    }
    const limit = name === "Conditions" ? Infinity : limits[name]
    const count = Object.keys(section).length
    if (count > limit) {
      return formatError(`Number of ${name.toLowerCase()}, ${count}, is greater than maximum allowed, ${limit}`)
    }
  }
  return isFinal && Object.keys(Resources as object).length === 0 ? noResources : undefined
}

const noResources = formatError("At least one Resources member must be defined.")

const loopProblem = (template: TemplateMapping, section: string) =>
  transformsOf(template).includes(languageExtensions)
    ? undefined
    : formatError(`${section} name Fn::ForEach is non alphanumeric.`)

/** Where the value has a null. CloudFormation calls the properties of a resource `Type` in a path. */
const nullAt = (value: TemplateValue, path: string): string | undefined => {
  if (value === null) return path.replace(/^(\/Resources\/[^/]+\/)Properties\//, "$1Type/")
  if (typeof value !== "object") return undefined
  for (const [name, item] of Object.entries(value)) {
    const found = (path === "" && name === "Metadata") || (name === "Fn::GetAZs" && item === null)
      ? undefined
      : nullAt(item as TemplateValue, `${path}/${name}`)
    if (found !== undefined) return found
  }
  return undefined
}

const nonAlphanumeric = (kind: string, name: string) =>
  /^[A-Za-z0-9]+$/.test(name) ? undefined : formatError(`${kind} name ${name} is non alphanumeric.`)

const unknownProperty = (kind: string, member: TemplateMapping, known: ReadonlySet<string>) => {
  const unknown = Object.keys(member).find((name) => !known.has(name))
  return unknown === undefined ? undefined : `Invalid template ${kind} property '${unknown}'`
}

const notAString = (path: string, member: TemplateMapping, names: ReadonlyArray<string>) => {
  const found = names.find((name) => typeof member[name] === "object")
  return found === undefined ? undefined : formatError(`${path}Every ${found} member must be a string.`)
}

const resourceProblem = (id: string, member: TemplateValue, hasExtensions: boolean): string | undefined => {
  const path = `[/Resources/${id}] `
  if (!isMapping(member)) return formatError(`${path}resource definition is malformed`)
  const { DeletionPolicy: policy = "Delete", DependsOn = [], Properties = {}, Type } = member
  if (Type === undefined) return formatError(`${path}Every Resources object must contain a Type member.`)
  if (!isMapping(Properties)) return formatError(`${path}Every Properties member must be an object.`)
  if ([DependsOn].flat().some((name) => typeof name === "object")) {
    return formatError("DependsOn must be a string or list of strings.")
  }
  const texts = ["Type", "Condition", ...(hasExtensions ? [] : ["DeletionPolicy", "UpdateReplacePolicy"])]
  return nonAlphanumeric("Resource", id) ?? notAString(path, member, texts) ??
    unknownProperty("resource", member, attributes) ??
    (typeof policy === "string" && !deletionPolicies.has(policy)
      ? formatError(`Unrecognized DeletionPolicy ${policy} for resource ${id}`)
      : undefined)
}

const parameterProblem = (id: string, member: TemplateValue): string | undefined => {
  if (!isMapping(member) || member["Type"] === undefined) {
    return formatError("Every Parameters object must contain a Type member.")
  }
  const { AllowedValues = [], Type } = member
  return nonAlphanumeric("Parameter", id) ?? unknownProperty("parameter", member, parameterProperties) ??
    notAString("", member, [...parameterProperties].filter((name) => name !== "AllowedValues")) ??
    (isList(AllowedValues) ? undefined : formatError("Every AllowedValues member must be a list.")) ??
    (parameterType.test(String(Type)) ? undefined : formatError(`Unrecognized parameter type: ${String(Type)}`))
}

const mappingProblem = (id: string, member: TemplateValue): string | undefined => {
  if (!isMapping(member)) return formatError("Every Mappings member must be a map.")
  for (const [, attributes] of Object.entries(member)) {
    if (!isMapping(attributes)) return formatError("Every Mappings attribute must be a String or a List.")
    const odd = Object.keys(attributes).find((name) => !/^[A-Za-z0-9]+$/.test(name))
    if (odd !== undefined) {
      return formatError(`Mappings attribute name '${odd}' must contain only alphanumeric characters.`)
    }
  }
  return nonAlphanumeric("Mapping", id)
}

export const malformedExport = (output: string) =>
  `Output ${output} is malformed. The Name field of every Export member must be specified and consist only of ` +
  "alphanumeric characters, colons, or hyphens."

const outputProblem = (id: string, member: TemplateValue): string | undefined => {
  if (!isMapping(member) || member["Value"] === undefined) {
    return formatError("Every Outputs member must contain a Value object")
  }
  const { Export } = member
  if (Export !== undefined && (!isMapping(Export) || Export["Name"] === undefined)) {
    return formatError(malformedExport(id))
  }
  return nonAlphanumeric("Output", id) ?? notAString("", member, ["Description", "Condition"]) ??
    unknownProperty("output", member, new Set(["Value", "Description", "Export", "Condition"]))
}

const memberProblem: Record<
  typeof namedSections[number],
  (id: string, member: TemplateValue, hasExtensions: boolean) => string | undefined
> = {
  Parameters: parameterProblem,
  Mappings: mappingProblem,
  Conditions: () => undefined,
  Resources: resourceProblem,
  Outputs: outputProblem
}
