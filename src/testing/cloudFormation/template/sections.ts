// The members of a template's sections, and its transforms.
import { isMapping, membersOf, type TemplateMapping, type TemplateValue, textOf, visitCalls } from "./TemplateValue.ts"

export interface Resource {
  readonly type: string
  readonly properties: TemplateValue
  /** The attributes besides the type, the properties and those that are named here. */
  readonly attributes: TemplateMapping
  readonly condition: string | undefined
  readonly dependsOn: ReadonlyArray<string>
  readonly deletionPolicy: TemplateValue
}

export interface Output {
  readonly value: TemplateValue
  readonly condition: string | undefined
  readonly exportName: TemplateValue | undefined
}

/** The names of the transforms that the whole template, or a part of it, uses. */
export const transformsOf = (template: TemplateMapping): ReadonlyArray<string> => {
  const names = [template["Transform"] ?? []].flat().flatMap((transform) => {
    const name = textOf(isMapping(transform) ? transform["Name"] : transform as TemplateValue)
    return name === undefined ? [] : [name]
  })
  visitCalls(template, ({ argument, name }) => {
    if (name === "Fn::Transform") names.push(textOf(isMapping(argument) ? argument["Name"] : argument) ?? "")
  })
  return [...new Set(names)]
}

export const languageExtensions = "AWS::LanguageExtensions"

/** The modules that the resources use. Only CloudFormation knows what is in them. */
export const modulesOf = (template: TemplateMapping): ReadonlyArray<string> => [
  ...new Set(Array.from(resourcesOf(template).values(), ({ type }) => type).filter((type) => type.endsWith("::MODULE")))
]

/** The transforms and modules that only CloudFormation can expand: what they make of the template is unknown. */
export const unknownTransformsOf = (template: TemplateMapping): ReadonlyArray<string> => [
  ...transformsOf(template).filter((name) => name !== languageExtensions),
  ...modulesOf(template)
]

/** The transform of SAM. */
export const isServerless = (transform: string) => transform.startsWith("AWS::Serverless-")

/** The resources by logical id, in the template's order. */
export const resourcesOf = (template: TemplateMapping): ReadonlyMap<string, Resource> =>
  new Map(
    membersOf(template["Resources"]).flatMap(([id, member]) => {
      if (!isMapping(member) || typeof member["Type"] !== "string") return []
      const { Condition, DeletionPolicy, DependsOn = [], Properties = {}, Type, ...attributes } = member
      const resource: Resource = {
        type: Type,
        properties: Properties,
        attributes,
        condition: textOf(Condition),
        dependsOn: [DependsOn].flat().flatMap((name) => textOf(name as TemplateValue) ?? []),
        deletionPolicy: DeletionPolicy ?? defaultPolicy(Type, Properties)
      }
      return [[id, resource] as const]
    })
  )

/** Databases that do not belong to a cluster are kept as a snapshot. Source: page "DeletionPolicy attribute". */
const defaultPolicy = (type: string, properties: TemplateValue) =>
  type === "AWS::RDS::DBCluster" ||
    (type === "AWS::RDS::DBInstance" && isMapping(properties) && properties["DBClusterIdentifier"] === undefined)
    ? "Snapshot"
    : "Delete"

export const outputsOf = (template: TemplateMapping): ReadonlyMap<string, Output> =>
  new Map(
    membersOf(template["Outputs"]).flatMap(([name, member]) => {
      if (!isMapping(member) || member["Value"] === undefined) return []
      const { Condition, Export, Value } = member
      return [[name, {
        value: Value,
        condition: textOf(Condition),
        exportName: isMapping(Export) ? Export["Name"] : undefined
      }]]
    })
  )

/** The in-memory CloudFormation does not know which types exist, only how their names are formed. */
const resourceType = /^(?:Custom::[\w@-]+|\w+::\w+::\w+(?:::\w+)?)$/

export const unrecognizedTypes = (types: Iterable<string>): ReadonlyArray<string> =>
  [...new Set(types)].filter((type) => !resourceType.test(type))
