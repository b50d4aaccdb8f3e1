// Parses CloudFormation templates in YAML, with the short forms of functions.
import { readFileSync } from "node:fs"
import { type CollectionTag, parseDocument, type ScalarTag, visit } from "yaml"

const read = (name: string) => readFileSync(new URL(`../../scripts/templates/${name}.yaml`, import.meta.url), "utf8")

const functions = ["Sub", "GetAtt", "If", "Not", "Equals", "And", "Join"]

const valueOf = (name: string, value: unknown) => {
  if (name === "Ref" || name === "Condition") return { [name]: value }
  if (name === "GetAtt") return { "Fn::GetAtt": String(value).split(".") }
  return { [`Fn::${name}`]: value }
}

const scalars: ReadonlyArray<ScalarTag> = ["Ref", "Condition", ...functions].map((name) => ({
  tag: `!${name}`,
  resolve: (text: string) => valueOf(name, text)
}))

/** Functions with lists are resolved after their list. */
const lists: ReadonlyArray<CollectionTag> = functions.map((name) => ({
  tag: `!${name}`,
  collection: "seq",
  resolve: (node) => node
}))

const parse = (text: string) => {
  const document = parseDocument(text, { customTags: [...scalars, ...lists] })
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0) throw new Error(problems.join("\n"))
  const aliases: Array<string> = []
  visit(document, { Alias: (_, { source }) => void aliases.push(source) })
  visit(document, {
    Seq: (_, node) => {
      if (node.tag === undefined) return undefined
      const name = node.tag.slice(1)
      delete node.tag
      return document.createNode({ [`Fn::${name}`]: node })
    }
  })
  return { aliases, template: document.toJS() as Template }
}

export interface Resource {
  readonly Type: string
  readonly Condition?: string
  readonly Properties: Readonly<Record<string, unknown>>
}

export interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown; readonly Description: string }>>
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>
}

export const templateNames = ["functions", "pipeline"] as const

export const readTemplate = (name: (typeof templateNames)[number]) => parse(read(name))

/** The template as JSON, for CloudFormation in memory. */
export const toJson = (yaml: string) => JSON.stringify(parse(yaml).template)
