// A template as the in-memory CloudFormation reads it.
import * as Result from "effect/Result"
import type { TemplateSummary } from "../../../domain/stack/Stack.ts"
import { hasLoops } from "../evaluation/loops.ts"
import { capabilitiesOf, declaredTypes } from "./capabilities.ts"
import { formProblem } from "./form.ts"
import { declarationsOf, type ParameterDeclaration } from "./parameters.ts"
import { parse } from "./parse.ts"
import { circleIn, dependenciesOf, referenceProblem } from "./references.ts"
import { unknownTransformsOf, unrecognizedTypes } from "./sections.ts"
import { membersOf, type TemplateMapping } from "./TemplateValue.ts"

export interface MemoryTemplate {
  readonly text: string
  /** Without loops, unless they depend on parameters. */
  readonly tree: TemplateMapping
  /** Whether the text of the template is known. That of a URL can be unknown. */
  readonly isKnown: boolean
  readonly parameters: ReadonlyArray<ParameterDeclaration>
}

/** The template, or why CloudFormation refuses it whatever the parameters are. */
export const read = (text: string): Result.Result<MemoryTemplate, string> =>
  Result.flatMap(parse(text), (tree) => {
    const problem = formProblem(tree) ?? (hasLoops(tree) ? undefined : namesProblem(tree))
    return problem === undefined
      ? Result.succeed({ text, tree, isKnown: true, parameters: declarationsOf(tree) })
      : Result.fail(problem)
  })

/** What is wrong with the references of a template without loops. Unknown transforms may add names. */
export const namesProblem = (tree: TemplateMapping): string | undefined => {
  if (unknownTransformsOf(tree).length > 0) return undefined
  const parameters = new Set(membersOf(tree["Parameters"]).map(([name]) => name))
  const common = membersOf(tree["Resources"]).map(([id]) => id).filter((id) => parameters.has(id))
  if (common.length > 0) {
    return `Template error: all resources and parameters must have unique names. Common name(s):[${common.join(", ")}]`
  }
  const problem = referenceProblem(tree)
  if (problem !== undefined) return problem
  const circle = circleIn(dependenciesOf(tree))
  return circle.length === 0 ? undefined : `Circular dependency between resources: [${circle.join(", ")}]`
}

/** The template behind a URL that is not known. Another URL is another template. */
export const unknownTemplate = (url: string): MemoryTemplate => ({
  text: url,
  tree: {},
  isKnown: false,
  parameters: []
})

/** The template of a stack that has none yet. */
export const noTemplate: MemoryTemplate = { text: "", tree: {}, isKnown: true, parameters: [] }

export const summaryOf = ({ parameters, tree }: MemoryTemplate): TemplateSummary => {
  const { reason, required } = capabilitiesOf(tree)
  return {
    parameters: parameters.map(({ allowedValues = [], defaultValue, name, noEcho, type }) => ({
      name,
      type,
      hasDefault: defaultValue !== undefined,
      noEcho,
      allowedValues
    })),
    capabilities: required,
    capabilitiesReason: reason,
    unrecognizedResourceTypes: unrecognizedTypes(declaredTypes(tree))
  }
}
