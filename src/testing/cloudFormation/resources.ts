// Reads the resources and outputs of a template.
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ResourceChange } from "../../domain/stack/ChangeSet.ts"

const Template = Schema.fromJsonString(Schema.Struct({
  Resources: Schema.Record(
    Schema.String,
    Schema.StructWithRest(Schema.Struct({ Type: Schema.String }), [Schema.Record(Schema.String, Schema.Json)])
  ),
  Outputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ Value: Schema.Unknown })))
}))

const parse = Schema.decodeOption(Template)

const isJson = (text: string) => text.trimStart().startsWith("{")

/** Whether CloudFormation accepts the template's format. Templates in YAML are not parsed and always count as valid. */
export const isValidTemplate = (template: string): boolean => !isJson(template) || Option.isSome(parse(template))

const resourcesOf = (template: string) =>
  Option.match(parse(template), { onNone: () => ({}), onSome: ({ Resources }) => Resources })

export const outputsOf = (template: string) =>
  Option.match(parse(template), { onNone: () => [], onSome: ({ Outputs = {} }) => Object.entries(Outputs) })

/** The template URLs of nested stacks, by logical id. */
export const nestedUrlsOf = (template: string) =>
  Object.entries(resourcesOf(template)).flatMap(([id, { Properties, Type }]) =>
    Type === "AWS::CloudFormation::Stack" && Predicate.hasProperty(Properties, "TemplateURL")
      ? [[id, String(Properties.TemplateURL)] as const]
      : []
  )

/** Resource types by logical id. */
export const typesOf = (template: string) =>
  Object.entries(resourcesOf(template)).map(([id, { Type }]) => [id, Type] as const)

const change = (action: string, logicalResourceId: string, resourceType: string) => ({
  action,
  logicalResourceId,
  resourceType
})

/** The resource changes between two templates. A resource whose type changes is replaced. */
export const changesBetween = (before: string, after: string): ReadonlyArray<ResourceChange> => {
  const old = new Map(Object.entries(resourcesOf(before)))
  const now = new Map(Object.entries(resourcesOf(after)))
  const kept = Array.from(now).flatMap(([id, resource]): ReadonlyArray<ResourceChange> => {
    const previous = old.get(id)
    if (previous === undefined) return [change("Add", id, resource.Type)]
    if (JSON.stringify(previous) === JSON.stringify(resource)) return []
    return [{ ...change("Modify", id, resource.Type), replacement: previous.Type === resource.Type ? "False" : "True" }]
  })
  const removed = Array.from(old).filter(([id]) => !now.has(id)).map(([id, { Type }]) => change("Remove", id, Type))
  return [...kept, ...removed]
}
