// The parameters of a stack: how they are written in JSON, the text that CloudFormation expects for them, and which of them a
// call has to name.
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { closestMatches } from "../text/closestMatches.ts"
import { notJson, parse } from "../text/json.ts"
import { firstOf, quotedNames } from "../text/lists.ts"
import { confidential } from "../text/problems.ts"
import * as Template from "./Template.ts"

/** Source: API actions CreateStack and UpdateStack, and page "CloudFormation quotas". */
export const parameterLimits = { parameters: 200, valueBytes: 4_096 } as const

/** A literal value. Numbers of parsed JSON that would be written in another way are text already (`numbersAsText`). */
export const Scalar = Schema.Union([
  Schema.String,
  Schema.Finite.check(
    Schema.isBetween({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
  ),
  Schema.Boolean
])
export type Scalar = typeof Scalar.Type

/** CloudFormation separates the items of a list by commas, without an escape. */
const Item = Schema.Union([Schema.String.check(Schema.isPattern(/^[^,]*$/)), ...Scalar.members.slice(1)])

/** The value of a key at the top of a JSON file of an input artifact. */
const GetParam = Schema.Struct({
  "Fn::GetParam": Schema.Tuple([Schema.NonEmptyString, Schema.NonEmptyString, Schema.String])
})

/** The parts of an input artifact's S3 location that can be a value. */
export const ArtifactAttribute = Schema.Literals(["BucketName", "ObjectKey", "URL"])
export type ArtifactAttribute = typeof ArtifactAttribute.Type

const GetArtifactAtt = Schema.Struct({
  "Fn::GetArtifactAtt": Schema.Tuple([Schema.NonEmptyString, ArtifactAttribute])
})

const AnyValue = Schema.Union([Scalar, Schema.Null, Schema.Array(Item), GetParam, GetArtifactAtt])

/**
 * A value, a reference to a value, or `null` for the template's default. The functions are those of CodePipeline's own
 * CloudFormation action.
 */
export type ParameterValue = typeof AnyValue.Type

const isAnyValue = Schema.is(AnyValue)

const isValue = (value: unknown): value is ParameterValue =>
  isAnyValue(value) && (!isFunction(value) || Object.keys(value).length === 1)

const isFunction = Predicate.or(Schema.is(GetParam), Schema.is(GetArtifactAtt))

/** Accepts only exact values: a number that JavaScript would round is rejected. */
// Not the union itself, which would report a problem for each of its members.
export const ParameterValue = Schema.declare(isValue, {
  expected: "a string, an exact number, true, false, null, a list of these without commas, " +
    "{\"Fn::GetParam\": [artifact, JSON file, key]} or " +
    "{\"Fn::GetArtifactAtt\": [artifact, \"BucketName\" | \"ObjectKey\" | \"URL\"]}"
})

/** Values by the names of their parameters. */
export const ParameterValues = Schema.Record(Schema.String, ParameterValue).annotate(confidential)
export type ParameterValues = typeof ParameterValues.Type

/** One function for each source of a value. */
export interface Sources<A> {
  /** A text, a number, a Boolean or a list. */
  readonly text: (text: string) => A
  /** The template's default. */
  readonly templateDefault: () => A
  /** `Fn::GetParam`: a key of a JSON file in an artifact. */
  readonly param: (artifact: string, file: string, key: string) => A
  /** `Fn::GetArtifactAtt`: the location of an artifact. */
  readonly attribute: (artifact: string, attribute: ArtifactAttribute) => A
}

/** Matches the source of a value. Lists become text with commas, as CloudFormation expects them. */
export const match = <A>(value: ParameterValue, sources: Sources<A>): A => {
  if (value === null) return sources.templateDefault()
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

/** For a name that does not exist: the closest match, or the names that exist. No value is ever quoted. */
const didYouMean = (name: string, known: ReadonlyArray<string>) => {
  const [closest] = closestMatches(name, known)
  if (closest !== undefined) return `did you mean "${closest}"?`
  return known.length === 0 ? "it has none" : `it has ${quotedNames(known)}`
}

/** A sentence, to be made only if the message has room for it. */
export type Sentence = () => string

const made = (sentence: Sentence) => sentence()

/** The first of the sentences. */
export const firstSentences = (sentences: ReadonlyArray<Sentence>): ReadonlyArray<string> => firstOf(sentences, made)

const decodeScalar = Schema.decodeUnknownOption(Scalar)

/** Reads the texts of keys at the top of a JSON file, or the problem with the file. */
export const valueAt = (file: Uint8Array): (key: string) => Result.Result<string, Sentence> => {
  const object = Result.flatMap(Template.decode(file), ({ text }) =>
    Result.filterOrFail(
      // The size of the file limits the number of values.
      Result.mapError(parse(text, { values: Infinity, numbersAsText: () => true }), notJson),
      Predicate.isObject,
      () => "it is not JSON with an object at its top"
    ))
  return (key) =>
    Result.flatMap(Result.mapError(object, (problem) => () => problem), (object) => {
      if (!Object.hasOwn(object, key)) {
        return Result.fail(() => `it has no key "${key}" at its top (${didYouMean(key, Object.keys(object))})`)
      }
      return Result.fromOption(
        Option.map(decodeScalar(Reflect.get(object, key)), String),
        () => () => `its "${key}" is not a string, a number, true or false`
      )
    })
}

/** One parameter of a call: with a value, or with the stack's current one. */
export type StackParameter =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly usePreviousValue: true }

/** A parameter that a template declares. Source: shape ParameterDeclaration of CloudFormation's API. */
export interface DeclaredParameter {
  readonly name: string
  /** `String`, `Number`, `CommaDelimitedList`, or another type of CloudFormation. */
  readonly type: string
  /** Whether the template has a default for it. */
  readonly hasDefault: boolean
  /** Whether CloudFormation hides its value. */
  readonly noEcho: boolean
  /** Empty if every value is allowed. */
  readonly allowedValues: ReadonlyArray<string>
}

/** Resolved values by parameter name; `null` stands for the template's default. */
export type ResolvedValues = ReadonlyMap<string, string | null>

/** What decides the parameters of a call. */
export interface Assignment {
  /** The values that UserParameters and the configuration file name. */
  readonly values: ResolvedValues
  /** The parameters of the template; none if they are unknown. */
  readonly declared: Option.Option<ReadonlyArray<DeclaredParameter>>
  /** The names of the parameters that have a value in the stack. */
  readonly previous: ReadonlyArray<string>
}

/** The values, unless there are more than CloudFormation accepts. */
export const withinCount = <A>(
  values: ReadonlyMap<string, A>
): Result.Result<ReadonlyMap<string, A>, ReadonlyArray<string>> =>
  values.size > parameterLimits.parameters
    ? Result.fail([`There are ${values.size} parameters; CloudFormation accepts at most ${parameterLimits.parameters}`])
    : Result.succeed(values)

/**
 * The parameters of a call, or the problems with them. Parameters without a value here keep the stack's value:
 * CloudFormation itself would reset omitted ones to the template's default.
 */
export const assign = (
  { declared, previous, values }: Assignment
): Result.Result<ReadonlyArray<StackParameter>, ReadonlyArray<string>> =>
  Result.flatMap(withinCount(values), () => {
    const problems = [
      ...Option.match(declared, { onNone: () => [], onSome: (declared) => nameProblems(values, declared) }),
      ...sizeProblems(values)
    ]
    if (problems.length > 0) return Result.fail(firstSentences(problems))
    const names = Option.match(declared, {
      onNone: () => previous,
      onSome: (declared) => declared.map(({ name }) => name)
    })
    const kept = previous.filter((name) => !values.has(name) && names.includes(name))
    return Result.succeed([
      ...Array.from(values).flatMap(([name, value]) => value === null ? [] : [{ name, value }]),
      ...kept.map((name) => ({ name, usePreviousValue: true as const }))
    ])
  })

/** CloudFormation's value of a parameter that it hides. */
const hiddenValue = "****"

/**
 * The values of a stack that replaces another: those given, then those of the replaced stack. The problems if a value is
 * missing or hidden, because the replaced stack is deleted before CloudFormation would report them.
 */
export const carryOver = (
  values: ResolvedValues,
  declared: ReadonlyArray<DeclaredParameter>,
  replaced: ReadonlyMap<string, string>
): Result.Result<ResolvedValues, ReadonlyArray<string>> =>
  Result.flatMap(withinCount(values), () => {
    const problems = [...nameProblems(values, declared), ...sizeProblems(values)]
    const carried = new Map(values)
    for (const { hasDefault, name, noEcho } of declared) {
      if (values.has(name)) continue
      const value = replaced.get(name)
      if (value === undefined) {
        if (!hasDefault) {
          problems.push(() => `Parameter "${name}" must have a value: the template has no default for it`)
        }
      } else if (noEcho || value === hiddenValue) {
        problems.push(() =>
          `The value of parameter "${name}" cannot be taken from the stack, because CloudFormation hides it (NoEcho): ` +
          `give its value${hasDefault ? ", or null for the template's default" : ""}`
        )
      } else {
        carried.set(name, value)
      }
    }
    problems.push(...declared.flatMap((parameter) => valueProblems(parameter, carried.get(parameter.name))))
    return problems.length > 0 ? Result.fail(firstSentences(problems)) : Result.succeed(carried)
  })

/** In CloudFormation's words, without the value. */
const valueProblems = (
  { allowedValues, name, type }: DeclaredParameter,
  value: string | null | undefined
): ReadonlyArray<Sentence> => {
  if (value === null || value === undefined) return []
  const items = type === "CommaDelimitedList" || type.startsWith("List<") ? value.split(",") : [value]
  const isNumber = type === "Number" || type === "List<Number>"
  if (isNumber && items.some((item) => item.trim() === "" || !Number.isFinite(Number(item)))) {
    return [() => `Parameter "${name}" must be a number`]
  }
  const allowed = new Set(allowedValues)
  return allowed.size > 0 && items.some((item) => !allowed.has(item.trim()))
    ? [() => `Parameter "${name}" must be one of AllowedValues: ${firstOf(allowedValues, String).join(", ")}`]
    : []
}

/** The same if the template's parameters are unknown: with all values that CloudFormation shows. */
export const withShown = (values: ResolvedValues, replaced: ReadonlyMap<string, string>): ResolvedValues =>
  new Map([...Array.from(replaced).filter(([, value]) => value !== hiddenValue), ...values])

const sizeProblems = (values: ResolvedValues): ReadonlyArray<Sentence> =>
  Array.from(values).flatMap(([name, value]) => {
    const bytes = new TextEncoder().encode(value ?? "").length
    const { valueBytes } = parameterLimits
    return bytes > valueBytes
      ? [() => `The value of parameter "${name}" has ${bytes} bytes; CloudFormation accepts at most ${valueBytes}`]
      : []
  })

const nameProblems = (values: ResolvedValues, declared: ReadonlyArray<DeclaredParameter>): ReadonlyArray<Sentence> => {
  const known = new Map(declared.map(({ hasDefault, name }) => [name, hasDefault]))
  const unknown = Array.from(values.keys()).filter((name) => !known.has(name))
  const withoutDefault = Array.from(values).filter(([name, value]) => value === null && known.get(name) === false)
  return [
    ...unknown.map((name) => () => `The template has no parameter "${name}" (${didYouMean(name, [...known.keys()])})`),
    ...withoutDefault.map(([name]) => () =>
      `Parameter "${name}" is null, but the template has no default for it: give its value`
    )
  ]
}
