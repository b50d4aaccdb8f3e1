// Evaluates a template for a stack: the resources that the stack gets, in the order of their creation, and its outputs.
import * as Result from "effect/Result"
import { conditionsIn } from "../evaluation/conditions.ts"
import { evaluate } from "../evaluation/evaluate.ts"
import { hasLoops, unroll } from "../evaluation/loops.ts"
import { type Evaluated, evaluatedText, plain, type Scope, StandIn } from "../evaluation/Scope.ts"
import { formProblem, malformedExport } from "./form.ts"
import { type MemoryTemplate, namesProblem } from "./MemoryTemplate.ts"
import { notCheckedOf } from "./notChecked.ts"
import { evaluatedParameter } from "./parameters.ts"
import { formatError } from "./parse.ts"
import { inOrder, resourcesIn, unresolvedIn } from "./references.ts"
import {
  languageExtensions,
  outputsOf,
  resourcesOf,
  transformsOf,
  unknownTransformsOf,
  unrecognizedTypes
} from "./sections.ts"
import { isMapping, type TemplateMapping, type TemplateValue } from "./TemplateValue.ts"

/** What a template is evaluated with. */
export interface Environment {
  readonly region: string
  readonly accountId: string
  readonly stackId: string
  readonly stackName: string
  readonly notificationArns: ReadonlyArray<string>
  readonly parameters: ReadonlyMap<string, string>
  /** The physical id of a resource, by its logical id. */
  readonly physicalId: (id: string) => string
  /** An output of a nested stack, if it is known. */
  readonly nestedOutput: (id: string, output: string) => string | undefined
  /** The value of an export of another stack; none if no stack exports the name. */
  readonly exportedValue: (name: string) => string | StandIn | undefined
  /** Whether the export is of a stack that is not in memory. */
  readonly isForeignExport: (name: string) => boolean
}

export interface ResolvedResource {
  readonly id: string
  readonly type: string
  readonly properties: Readonly<Record<string, Evaluated>>
  /** Its properties, and its other attributes, as text to compare. */
  readonly definition: { readonly properties: Readonly<Record<string, string>>; readonly attributes: string }
  /** The resources whose values it uses. */
  readonly refersTo: ReadonlySet<string>
  /** The resources that exist before it. */
  readonly dependsOn: ReadonlySet<string>
  readonly deletionPolicy: string
  readonly updateReplacePolicy: string
}

export interface Resolved {
  /** In the order of their creation. */
  readonly resources: ReadonlyArray<ResolvedResource>
  readonly outputs: ReadonlyMap<string, string>
  /** The names and values of the exports. */
  readonly exports: ReadonlyMap<string, string>
  /** The names of the exports of other stacks that the template uses. */
  readonly imports: ReadonlySet<string>
  /** Equal if CloudFormation sees no difference between two templates. */
  readonly fingerprint: string
  /** What has not been checked, for a list that starts with "not checked here:". */
  readonly notChecked: ReadonlyArray<string>
}

export const nothingResolved: Resolved = {
  resources: [],
  outputs: new Map(),
  exports: new Map(),
  imports: new Set(),
  fingerprint: "",
  notChecked: []
}

/** A text that is equal for values that CloudFormation does not distinguish. */
const canonical = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(canonical).join()}]`
    : isMapping(value)
    ? `{${
      Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, item]) =>
        `${JSON.stringify(name)}:${canonical(item)}`
      ).join()
    }}`
    : JSON.stringify(String(value))

export const partitionOf = (region: string) =>
  region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws"

const pseudoValues = ({ accountId, notificationArns, region, stackId, stackName }: Environment) =>
  new Map<string, Evaluated>([
    ["AWS::AccountId", accountId],
    ["AWS::NotificationARNs", notificationArns],
    ["AWS::Partition", partitionOf(region)],
    ["AWS::Region", region],
    ["AWS::StackId", stackId],
    ["AWS::StackName", stackName],
    ["AWS::URLSuffix", region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"]
  ])

/** The stack that the template makes, or why CloudFormation refuses it. */
export const resolve = (template: MemoryTemplate, environment: Environment): Result.Result<Resolved, string> => {
  if (!template.isKnown) {
    return Result.succeed({
      ...nothingResolved,
      fingerprint: template.text,
      notChecked: [`the template ${template.text}, which cannot be read`]
    })
  }
  const problems: Array<string> = []
  const imports = new Set<string>()
  const unresolved = new Set<string>()
  const declarations = new Map(template.parameters.map((declaration) => [declaration.name, declaration]))
  const pseudo = pseudoValues(environment)
  const parameterValue = (name: string): Evaluated => {
    const declaration = declarations.get(name)
    const value = environment.parameters.get(name)
    return declaration === undefined || value === undefined ? pseudo.get(name) : evaluatedParameter(declaration, value)
  }
  const isOpen = unknownTransformsOf(template.tree).length > 0
  const mappings = isMapping(template.tree["Mappings"]) ? template.tree["Mappings"] : {}
  const outside: Omit<Scope, "condition"> = {
    region: environment.region,
    mappings,
    hasExtensions: transformsOf(template.tree).includes(languageExtensions),
    isOpen,
    refer: parameterValue,
    attribute: () => undefined,
    importValue: (name) => {
      imports.add(name)
      const value = environment.exportedValue(name)
      if (value === undefined) problems.push(`No export named ${name} found.`)
      return value ?? ""
    },
    // What an unknown transform makes of a function is unknown too.
    problem: (message) => isOpen ? undefined : void problems.push(message),
    unresolved: (name) => void unresolved.add(name)
  }

  const tree = hasLoops(template.tree)
    ? unroll(template.tree, {
      ...outside,
      condition: () => false,
      refer: (name) => parameterValue(name) ?? new StandIn(name),
      attribute: (id, attribute) => new StandIn(`${id}.${attribute}`)
    })
    : template.tree
  const formed = problems[0] ?? (tree === template.tree ? undefined : formProblem(tree) ?? namesProblem(tree))
  if (formed !== undefined) return Result.fail(formed)

  const conditions = isMapping(tree["Conditions"]) ? tree["Conditions"] : {}
  const condition = conditionsIn(conditions, outside)
  // A wrong condition is refused even if nothing uses it.
  for (const name of Object.keys(conditions)) condition(name)
  const all = resourcesOf(tree)
  const made = new Map(
    Array.from(all).filter(([, resource]) => resource.condition === undefined || condition(resource.condition))
  )
  const exists = (id: string) => made.has(id) || (isOpen && !all.has(id))
  const scope: Scope = {
    ...outside,
    condition,
    refer: (name) => parameterValue(name) ?? (exists(name) ? new StandIn(environment.physicalId(name)) : undefined),
    attribute: (id, attribute) => {
      if (!exists(id)) return undefined
      const output = attribute.startsWith("Outputs.") ? environment.nestedOutput(id, attribute.slice(8)) : undefined
      return output ?? new StandIn(`${environment.physicalId(id)}.${attribute}`)
    }
  }

  const dependencies = new Map(
    Array.from(made, ([id, { attributes, dependsOn, properties }]) => [
      id,
      new Set([...dependsOn, ...resourcesIn(properties, attributes)].filter((other) => made.has(other)))
    ])
  )
  const resources = inOrder(dependencies).flatMap((id): ReadonlyArray<ResolvedResource> => {
    const resource = made.get(id)
    if (resource === undefined) return []
    const evaluated = evaluate(resource.properties, scope)
    const properties = isMapping(evaluated) ? evaluated as Readonly<Record<string, Evaluated>> : {}
    const policyOf = (value: TemplateValue = "Delete") => evaluatedText(evaluate(value, scope)) ?? ""
    const deletionPolicy = policyOf(resource.deletionPolicy)
    return [{
      id,
      type: resource.type,
      properties,
      definition: {
        properties: Object.fromEntries(
          Object.entries(properties).map(([name, value]) => [name, canonical(plain(value))])
        ),
        attributes: canonical([plain(evaluate(resource.attributes, scope)), deletionPolicy])
      },
      refersTo: resourcesIn(resource.properties),
      dependsOn: dependencies.get(id) ?? new Set(),
      deletionPolicy,
      updateReplacePolicy: policyOf(resource.attributes["UpdateReplacePolicy"])
    }]
  })
  if (unresolved.size > 0) return Result.fail(unresolvedIn("Resources", unresolved))
  const types = unrecognizedTypes(resources.map(({ type }) => type))
  if (types.length > 0) return Result.fail(formatError(`Unrecognized resource types: [${types.join(", ")}]`))

  const { exports, outputs, problem } = evaluateOutputs(tree, scope)
  if (unresolved.size > 0) return Result.fail(unresolvedIn("Outputs", unresolved))
  const [first = problem] = problems
  if (first !== undefined) return Result.fail(first)

  const { Description: _, Metadata: __, ...content } = tree
  return Result.succeed({
    resources,
    outputs,
    exports,
    imports,
    fingerprint: canonical([
      resources.map(({ definition, id, type }) => [id, type, definition]).toSorted(([a], [b]) =>
        String(a) < String(b) ? -1 : 1
      ),
      [...outputs].toSorted(),
      [...exports].toSorted(),
      isOpen ? content : ""
    ]),
    notChecked: notCheckedOf(tree, template.parameters, imports, environment.isForeignExport)
  })
}

const evaluateOutputs = (tree: TemplateMapping, scope: Scope) => {
  const outputs = new Map<string, string>()
  const exports = new Map<string, string>()
  const duplicates = new Set<string>()
  const resources = resourcesOf(tree)
  const dependsOnResources = (value: TemplateValue) => [...resourcesIn(value)].some((name) => resources.has(name))
  let problem: string | undefined
  for (const [name, output] of outputsOf(tree)) {
    if (output.condition !== undefined && !scope.condition(output.condition)) continue
    const value = evaluate(output.value, scope)
    const text = evaluatedText(value)
    if (text === undefined && !scope.isOpen) {
      problem ??= formatError("The Value field of every Outputs member must evaluate to a String.")
    }
    outputs.set(name, text ?? JSON.stringify(plain(value) ?? ""))
    if (output.exportName === undefined) continue
    const exportName = evaluatedText(evaluate(output.exportName, scope)) ?? ""
    if (!scope.isOpen) problem ??= exportNameProblem(name, exportName, dependsOnResources(output.exportName))
    if (exports.has(exportName)) duplicates.add(exportName)
    exports.set(exportName, text ?? "")
  }
  if (duplicates.size > 0) {
    const names = `[${[...duplicates].join(", ")}]`
    problem ??= formatError(
      `The Outputs section contains duplicate Export names: ${names}. Specify a unique name for each export.`
    )
  }
  return { outputs, exports, problem }
}

const exportNameProblem = (output: string, exportName: string, dependsOnResources: boolean) => {
  if (dependsOnResources) {
    return formatError(
      `Output ${output} is malformed.  The Name field of Export must not depend on any resources, imported values, or ` +
        "Fn::GetAZs."
    )
  }
  return /^[A-Za-z0-9:-]+$/.test(exportName) ? undefined : formatError(malformedExport(output))
}
