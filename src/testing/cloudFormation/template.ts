// Reads the parameters and required capabilities of a template, and checks a request against them.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StackOptions, TemplateSummary } from "../../domain/stack/Stack.ts"
import type { StackParameter } from "../../domain/stack/StackParameters.ts"
import { InsufficientCapabilities, UnknownParameters } from "../../services/CloudFormation.ts"

const Template = Schema.fromJsonString(Schema.Struct({
  Parameters: Schema.optionalKey(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        Type: Schema.optionalKey(Schema.String),
        Default: Schema.optionalKey(Schema.Unknown),
        NoEcho: Schema.optionalKey(Schema.Unknown),
        AllowedValues: Schema.optionalKey(Schema.Array(Schema.Unknown))
      })
    )
  ),
  Transform: Schema.optionalKey(Schema.Unknown),
  Resources: Schema.Record(
    Schema.String,
    Schema.Struct({
      Type: Schema.String,
      Properties: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
    })
  )
}))

const parse = Schema.decodeOption(Template)

/** A template that is not JSON counts as one without parameters and resources. */
const read = (text: string): typeof Template.Type => Option.getOrElse(parse(text), () => ({ Resources: {} }))

/** The properties that give an IAM resource a custom name, which requires CAPABILITY_NAMED_IAM. */
const nameProperty = /^(?:Role|User|Group|ManagedPolicy|InstanceProfile)Name$/

/** The in-memory CloudFormation does not know which types exist, only how their names are formed. */
const resourceType = /^(?:Custom::[\w@-]+|\w+::\w+::\w+(?:::\w+)?)$/

export const summaryOf = (text: string): TemplateSummary => {
  const { Parameters = {}, Resources, Transform } = read(text)
  const iam = Object.values(Resources).filter(({ Type }) => Type.startsWith("AWS::IAM::"))
  const named = iam.some(({ Properties = {} }) => Object.keys(Properties).some((name) => nameProperty.test(name)))
  const capabilities = [
    ...(iam.length > 0 ? [named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"] : []),
    ...(Transform === undefined ? [] : ["CAPABILITY_AUTO_EXPAND"])
  ]
  const types = [...new Set(iam.map(({ Type }) => Type))].join(", ")
  return {
    parameters: Object.entries(Parameters).map(([name, parameter]) => ({
      name,
      type: parameter.Type ?? "String",
      hasDefault: parameter.Default !== undefined,
      noEcho: String(parameter.NoEcho) === "true",
      allowedValues: (parameter.AllowedValues ?? []).map(String)
    })),
    capabilities,
    capabilitiesReason: iam.length === 0
      ? undefined
      : `The following resource(s) require capabilities: [${types}]`,
    unrecognizedResourceTypes: [
      ...new Set(Object.values(Resources).map(({ Type }) => Type).filter((type) => !resourceType.test(type)))
    ]
  }
}

/** Fails if the request does not acknowledge all capabilities that the template requires. */
export const checkCapabilities = (
  text: string,
  { capabilities = [], stack }: StackOptions & { readonly stack: string }
): Effect.Effect<void, InsufficientCapabilities> => {
  const given = new Set<string>(capabilities)
  if (given.has("CAPABILITY_NAMED_IAM")) given.add("CAPABILITY_IAM")
  const required = summaryOf(text).capabilities.filter((capability) => !given.has(capability))
  return required.length === 0
    ? Effect.void
    : Effect.fail(
      new InsufficientCapabilities({ stack, required, reason: `Requires capabilities : [${required.join(", ")}]` })
    )
}

/** The values of all parameters of the template after a request. */
export const parameterValues = (
  text: string,
  { parameters = [], stack }: StackOptions & { readonly stack: string },
  previous: ReadonlyMap<string, string>
): Effect.Effect<ReadonlyMap<string, string>, UnknownParameters | MissingValues> => {
  const { Parameters = {} } = read(text)
  const unknown = parameters.filter(({ name }) => !Object.hasOwn(Parameters, name)).map(({ name }) => name)
  if (unknown.length > 0) return Effect.fail(new UnknownParameters({ stack, names: unknown }))
  const given = new Map(parameters.map((parameter) => [parameter.name, parameter]))
  const values = Object.entries(Parameters).map(([name, { Default }]) =>
    [name, valueOf(given.get(name), previous.get(name), Default)] as const
  )
  const missing = values.filter(([, value]) => value === undefined).map(([name]) => name)
  return missing.length > 0
    ? Effect.fail({ _tag: "MissingValues", detail: `Parameters: [${missing.join(", ")}] must have values` })
    : Effect.succeed(new Map(values.map(([name, value]) => [name, value ?? ""])))
}

/** Parameters without a value; the caller reports it as a ValidationError of its call. */
export interface MissingValues {
  readonly _tag: "MissingValues"
  readonly detail: string
}

const valueOf = (given: StackParameter | undefined, previous: string | undefined, defaultValue: unknown) => {
  if (given === undefined) return defaultValue === undefined ? undefined : String(defaultValue)
  return "value" in given ? given.value : previous
}
