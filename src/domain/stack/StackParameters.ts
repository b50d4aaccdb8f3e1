// The parameters of a stack: how they may be written in JSON, the text that CloudFormation wants for them, and which of
// them a call has to name.
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { closestMatches } from "../text/closestMatches.ts"
import { confidential } from "../text/problems.ts"
import * as Template from "./Template.ts"

/** What CloudFormation takes (API actions CreateStack and UpdateStack, page "CloudFormation quotas"). */
export const parameterLimits = { parameters: 200, valueBytes: 4_096 } as const

/** What a value can be of itself. A number that JSON cannot hold exactly has to be a string. */
export const Scalar = Schema.Union([
  Schema.String,
  Schema.Finite.check(
    Schema.isBetween({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
  ),
  Schema.Boolean
])
export type Scalar = typeof Scalar.Type

/** The items of a list are separated by commas, and nothing can be put before a comma to make it another letter. */
const Item = Schema.Union([Schema.String.check(Schema.isPattern(/^[^,]*$/)), ...Scalar.members.slice(1)])

/** The value of a key at the top of a JSON file of an input artifact. */
const GetParam = Schema.Struct({
  "Fn::GetParam": Schema.Tuple([Schema.NonEmptyString, Schema.NonEmptyString, Schema.String])
})

/** What of an input artifact's place in S3 can be a value. */
export const ArtifactAttribute = Schema.Literals(["BucketName", "ObjectKey", "URL"])
export type ArtifactAttribute = typeof ArtifactAttribute.Type

const GetArtifactAtt = Schema.Struct({
  "Fn::GetArtifactAtt": Schema.Tuple([Schema.NonEmptyString, ArtifactAttribute])
})

const AnyValue = Schema.Union([Scalar, Schema.Array(Item), GetParam, GetArtifactAtt])

/** A value, or where it is. The functions are those of CodePipeline's own CloudFormation action. */
export type ParameterValue = typeof AnyValue.Type

const isAnyValue = Schema.is(AnyValue)

const isValue = (value: unknown): value is ParameterValue =>
  isAnyValue(value) && (!isFunction(value) || Object.keys(value).length === 1)

const isFunction = Predicate.or(Schema.is(GetParam), Schema.is(GetArtifactAtt))

// Not the union itself: that would tell what is wrong with each of its members.
export const ParameterValue = Schema.declare(isValue, {
  expected: "a string, a number that is exact, true, false, a list of these without commas, " +
    "{\"Fn::GetParam\": [artifact, JSON file, key]} or " +
    "{\"Fn::GetArtifactAtt\": [artifact, \"BucketName\" | \"ObjectKey\" | \"URL\"]}"
})

/** Values by the names of their parameters. */
export const ParameterValues = Schema.Record(Schema.String, ParameterValue).annotate(confidential)
export type ParameterValues = typeof ParameterValues.Type

/** Where a value comes from. */
export interface Sources<A> {
  readonly text: (text: string) => A
  readonly param: (artifact: string, file: string, key: string) => A
  readonly attribute: (artifact: string, attribute: ArtifactAttribute) => A
}

/** Goes by where a value comes from. Lists become text with commas, as CloudFormation wants them. */
export const match = <A>(value: ParameterValue, sources: Sources<A>): A => {
  if (typeof value !== "object") return sources.text(String(value))
  if ("Fn::GetParam" in value) return sources.param(...value["Fn::GetParam"])
  if ("Fn::GetArtifactAtt" in value) return sources.attribute(...value["Fn::GetArtifactAtt"])
  return sources.text(value.map(String).join(","))
}

/** The values of both; those of `overrides` win. */
export const merge = <A>(
  values: Readonly<Record<string, A>> = {},
  overrides: Readonly<Record<string, A>> = {}
): ReadonlyMap<string, A> => new Map([...Object.entries(values), ...Object.entries(overrides)])

const quoted = (names: Iterable<string>) => Array.from(names, (name) => `"${name}"`).join(", ")

/** Fits both to a name that is missing: what there is didYouMean. No value is ever quoted. */
const didYouMean = (name: string, known: ReadonlyArray<string>) => {
  const [closest] = closestMatches(name, known)
  if (closest !== undefined) return `did you mean "${closest}"?`
  return known.length === 0 ? "it has none" : `it has ${quoted(known)}`
}

const parseObject = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
)
const decodeScalar = Schema.decodeUnknownOption(Scalar)

/** The text of a key at the top of a JSON file; or what is wrong with the file. */
export const valueAt = (file: Uint8Array, key: string): Result.Result<string, string> =>
  Result.flatMap(Template.decode(file), ({ text }) => {
    const object = parseObject(text)
    if (Option.isNone(object)) return Result.fail("it is not JSON with an object at its top")
    if (!Object.hasOwn(object.value, key)) {
      return Result.fail(`it has no key "${key}" at its top (${didYouMean(key, Object.keys(object.value))})`)
    }
    return Option.match(decodeScalar(object.value[key]), {
      onNone: () => Result.fail(`its "${key}" is no string, no number that is exact, and neither true nor false`),
      onSome: (value) => Result.succeed(String(value))
    })
  })

/** One parameter of a call: with a value, or with the one that the stack has. */
export type StackParameter =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly usePreviousValue: true }

export interface Assignment {
  /** The values of those that are named. */
  readonly values: ReadonlyMap<string, string>
  /** The names of the template's parameters; none where nobody knows them. */
  readonly declared: Option.Option<ReadonlyArray<string>>
  /** The names for which the stack has a value. */
  readonly previous: ReadonlyArray<string>
}

/**
 * The parameters of a call, or all that is wrong with them. What is not named keeps the value that the stack has: left
 * out, CloudFormation would bring it back to the template's default.
 */
export const assign = (
  { declared, previous, values }: Assignment
): Result.Result<ReadonlyArray<StackParameter>, ReadonlyArray<string>> => {
  const problems = [
    ...Option.match(declared, { onNone: () => [], onSome: (known) => unknownNames(values.keys(), known) }),
    ...Array.from(values).flatMap(([name, value]) => {
      const bytes = new TextEncoder().encode(value).length
      return bytes > parameterLimits.valueBytes
        ? [`The value of parameter "${name}" has ${bytes} bytes; CloudFormation takes ${parameterLimits.valueBytes}`]
        : []
    }),
    ...(values.size > parameterLimits.parameters
      ? [`There are ${values.size} parameters; CloudFormation takes ${parameterLimits.parameters}`]
      : [])
  ]
  if (problems.length > 0) return Result.fail(problems)
  const kept = previous.filter((name) => !values.has(name) && Option.getOrElse(declared, () => previous).includes(name))
  return Result.succeed([
    ...Array.from(values, ([name, value]) => ({ name, value })),
    ...kept.map((name) => ({ name, usePreviousValue: true as const }))
  ])
}

/** A sentence for each name that the template does not have. */
export const unknownNames = (names: Iterable<string>, known: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from(names).filter((name) => !known.includes(name)).map((name) =>
    `The template has no parameter "${name}" (${didYouMean(name, known)})`
  )
