// The names that a template refers to, and those of them that do not exist.
import { formatError } from "./parse.ts"
import { outputsOf, resourcesOf } from "./sections.ts"
import {
  attributeOf,
  invalidVariable,
  isMapping,
  membersOf,
  substituted,
  substitutionOf,
  type TemplateMapping,
  type TemplateValue,
  textOf,
  variableName,
  visitCalls
} from "./TemplateValue.ts"

export const pseudoParameters = new Set([
  "AccountId",
  "NoValue",
  "NotificationARNs",
  "Partition",
  "Region",
  "StackId",
  "StackName",
  "URLSuffix"
].map((name) => `AWS::${name}`))

/** What a value refers to. */
export interface References {
  /** By `Ref`, or by a variable of `Fn::Sub`. */
  readonly names: Set<string>
  /** Resources, by `Fn::GetAtt`. */
  readonly attributes: Set<string>
  /** Resources with their attribute, by a variable of `Fn::Sub`. */
  readonly substitutedAttributes: Set<string>
  /** Variables of `Fn::Sub` that cannot be names. */
  readonly invalidVariables: Set<string>
  /** Conditions, by `Fn::If`. */
  readonly conditions: Set<string>
}

export const referencesIn = (...values: ReadonlyArray<TemplateValue>): References => {
  const found: References = {
    names: new Set(),
    attributes: new Set(),
    substitutedAttributes: new Set(),
    invalidVariables: new Set(),
    conditions: new Set()
  }
  for (const value of values) {
    visitCalls(value, ({ argument, name }) => {
      if (name === "Ref" && typeof argument === "string") found.names.add(argument)
      if (name === "Fn::If" && Array.isArray(argument) && typeof argument[0] === "string") {
        found.conditions.add(argument[0])
      }
      const attribute = name === "Fn::GetAtt" ? attributeOf(argument) : undefined
      if (typeof attribute?.id === "string") found.attributes.add(attribute.id)
      const substitution = name === "Fn::Sub" ? substitutionOf(argument) : undefined
      if (substitution === undefined) return
      for (const variable of substituted(substitution.text)) {
        if (Object.hasOwn(substitution.variables, variable)) continue
        if (!variableName.test(variable)) found.invalidVariables.add(variable)
        else if (variable.includes(".")) found.substitutedAttributes.add(variable)
        else found.names.add(variable)
      }
    })
  }
  return found
}

/** The resources that the value refers to, in any branch of its conditions. */
export const resourcesIn = (...values: ReadonlyArray<TemplateValue>): ReadonlySet<string> => {
  const { attributes, names, substitutedAttributes } = referencesIn(...values)
  return new Set([...names, ...attributes, ...Array.from(substitutedAttributes, (name) => name.split(".")[0] ?? "")])
}

export const unresolvedIn = (block: string, names: Iterable<string>) =>
  formatError(`Unresolved resource dependencies [${[...names].join(", ")}] in the ${block} block of the template`)

/** What CloudFormation says of references to names that the template does not have. */
export const referenceProblem = (template: TemplateMapping): string | undefined => {
  const resources = resourcesOf(template)
  const parameters = new Set(membersOf(template["Parameters"]).map(([name]) => name))
  const conditions = new Set(membersOf(template["Conditions"]).map(([name]) => name))
  const isParameter = (name: string) => parameters.has(name) || pseudoParameters.has(name)

  const inConditions = referencesIn(template["Conditions"] ?? {})
  const outside = [...inConditions.names, ...inConditions.attributes].filter((name) => !isParameter(name))
  if (outside.length > 0) {
    return formatError(
      `Unresolved dependencies [${
        outside.join(", ")
      }]. Cannot reference resources in the Conditions block of the template`
    )
  }
  const blocks = [
    ["Resources", Array.from(resources.values(), (resource) => ({ ...resource, more: resource.dependsOn }))],
    [
      "Outputs",
      Array.from(outputsOf(template).values(), (output) => ({
        properties: [output.value, output.exportName ?? ""],
        attributes: {},
        condition: output.condition,
        more: []
      }))
    ]
  ] as const
  for (const [block, members] of blocks) {
    const found = referencesIn(...members.flatMap(({ attributes, properties }) => [properties, attributes]))
    if (found.invalidVariables.size > 0) return invalidVariable
    const unresolved = new Set([
      ...Array.from(found.names).filter((name) => !isParameter(name) && !resources.has(name)),
      ...members.flatMap(({ more }) => more).filter((name) => !resources.has(name))
    ])
    if (unresolved.size > 0) return unresolvedIn(block, unresolved)
    const attribute = Array.from(found.attributes).find((name) => !resources.has(name))
    if (attribute !== undefined) {
      return `Template error: instance of Fn::GetAtt references undefined resource ${attribute}`
    }
    const invalid = Array.from(found.substitutedAttributes).find((name) => !resources.has(name.split(".")[0] ?? ""))
    if (invalid !== undefined) {
      return `Template error: instance of Fn::Sub references invalid resource attribute ${invalid}`
    }
    const wanted = [...found.conditions, ...members.flatMap(({ condition }) => condition ?? [])]
    const condition = wanted.find((name) => !conditions.has(name))
    if (condition !== undefined) {
      return formatError(`Unresolved condition dependency ${condition} in the ${block} block of the template`)
    }
  }
  return conditionProblem(template, conditions)
}

const conditionProblem = (template: TemplateMapping, conditions: ReadonlySet<string>) => {
  const missing = membersOf(template["Conditions"]).flatMap(([, value]) => conditionsIn(value))
    .find((name) => !conditions.has(name))
  return missing === undefined
    ? undefined
    : formatError(`Unresolved condition dependency ${missing} in the Conditions block of the template`)
}

/** The conditions that a condition refers to. */
export const conditionsIn = (value: TemplateValue): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap(conditionsIn)
  if (!isMapping(value)) return []
  return Object.entries(value).flatMap(([name, argument]) =>
    name === "Condition" ? textOf(argument) ?? [] : conditionsIn(argument)
  )
}

/** Resources that wait for each other, in the template's order; none if there is an order for all. */
export const circleIn = (dependencies: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyArray<string> => {
  const left = new Map(dependencies)
  const waits = (id: string) => Array.from(left.get(id) ?? []).some((other) => left.has(other))
  const isAwaited = (id: string) => Array.from(left.values()).some((on) => on.has(id))
  let before: number
  do {
    before = left.size
    for (const id of left.keys()) if (!waits(id) || !isAwaited(id)) left.delete(id)
  } while (left.size < before)
  return [...left.keys()]
}

/** The resources on which each resource of the template depends. */
export const dependenciesOf = (template: TemplateMapping): ReadonlyMap<string, ReadonlySet<string>> => {
  const resources = resourcesOf(template)
  return new Map(
    Array.from(resources, ([id, { attributes, dependsOn, properties }]) => [
      id,
      new Set([...dependsOn, ...resourcesIn(properties, attributes)].filter((other) => resources.has(other)))
    ])
  )
}

/** The order in which CloudFormation can create the resources: each one after those on which it depends. */
export const inOrder = (dependencies: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyArray<string> => {
  const done = new Set<string>()
  const visit = (id: string) => {
    if (done.has(id)) return
    // In a circle, which CloudFormation refuses, each resource is visited once.
    done.add(id)
    for (const other of dependencies.get(id) ?? []) visit(other)
    order.push(id)
  }
  const order: Array<string> = []
  for (const id of dependencies.keys()) visit(id)
  return order
}
