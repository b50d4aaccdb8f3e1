// The parameters of a template, and CloudFormation's checks of their values.
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { StackParameter } from "../../../domain/stack/StackParameters.ts"
import { parameterLimits } from "../../../domain/stack/StackParameters.ts"
import { type Evaluated, StandIn } from "../evaluation/Scope.ts"
import { isList, isMapping, membersOf, type TemplateMapping, textOf } from "./TemplateValue.ts"

export interface ParameterDeclaration {
  readonly name: string
  readonly type: string
  readonly defaultValue: string | undefined
  readonly noEcho: boolean
  readonly allowedValues: ReadonlyArray<string> | undefined
  /** What is wrong with a value, in CloudFormation's words. */
  readonly problem: (value: string) => string | undefined
}

export const declarationsOf = (template: TemplateMapping): ReadonlyArray<ParameterDeclaration> =>
  membersOf(template["Parameters"]).flatMap(([name, member]) => {
    if (!isMapping(member)) return []
    const type = textOf(member["Type"]) ?? "String"
    const { AllowedValues: allowed, Default } = member
    return [{
      name,
      type,
      defaultValue: isList(Default) ? Default.map((item) => textOf(item)).join(",") : textOf(Default),
      noEcho: textOf(member["NoEcho"]) === "true",
      allowedValues: isList(allowed) ? allowed.flatMap((value) => textOf(value) ?? []) : undefined,
      problem: (value) => valueProblem(name, type, member, value)
    }]
  })

const isListType = (type: string) => /^(?:CommaDelimitedList|List<)/.test(type)

/** The type of the value of a parameter in Systems Manager, which the parameter of the template names. */
const storedType = (type: string) => /^AWS::SSM::Parameter::Value<(.+)>$/.exec(type)?.[1]

const itemsOf = (value: string) => value === "" ? [] : value.split(",").map((item) => item.trim())

/** The value as functions see it. That of a parameter in Systems Manager is known to AWS only. */
export const evaluatedParameter = ({ type }: ParameterDeclaration, value: string): Evaluated | StandIn => {
  if (storedType(type) !== undefined) return new StandIn(value)
  return isListType(type) ? itemsOf(value) : value
}

const valueProblem = (name: string, type: string, member: TemplateMapping, value: string): string | undefined => {
  const bound = (property: string) => {
    const text = textOf(member[property])
    return text === undefined ? undefined : Number(text)
  }
  const items = isListType(type) ? itemsOf(value) : [value]
  const isNumeric = type === "Number" || type === "List<Number>"
  const [least, most, shortest, longest] = ["MinValue", "MaxValue", "MinLength", "MaxLength"].map(bound)
  const allowed = isList(member["AllowedValues"]) ? member["AllowedValues"].map((item) => textOf(item)) : undefined
  const pattern = textOf(member["AllowedPattern"])

  if (isNumeric && items.some((item) => item.trim() === "" || !Number.isFinite(Number(item)))) {
    return `Parameter '${name}' must be a number.`
  }
  const problem = items.flatMap((item) => {
    // 1.0 and 1 are the same number.
    const isAllowed = allowed === undefined || allowed.includes(item) ||
      (isNumeric && allowed.some((other) => Number(other) === Number(item)))
    if (!isAllowed) return "must be one of AllowedValues"
    if (pattern !== undefined && matches(pattern, item) === false) return `must match pattern ${pattern}`
    if (shortest !== undefined && item.length < shortest) return `must contain at least ${shortest} characters`
    if (longest !== undefined && item.length > longest) return `must contain at most ${longest} characters`
    if (least !== undefined && Number(item) < least) return `must be a number not less than ${least}`
    if (most !== undefined && Number(item) > most) return `must be a number not greater than ${most}`
    return []
  })[0]
  if (problem === undefined) return undefined
  const description = textOf(member["ConstraintDescription"])
  return description === undefined
    ? `Parameter '${name}' ${problem}`
    : `Parameter ${name} failed to satisfy constraint: ${description}`
}

const regExp = Option.liftThrowable((source: string) => new RegExp(source, "u"))
const looseRegExp = Option.liftThrowable((source: string) => new RegExp(source))

/** Whether the whole value matches. None if the pattern is only one of Java's. */
const matches = (pattern: string, value: string): boolean | undefined =>
  Option.orElse(regExp(`^(?:${pattern})$`), () => looseRegExp(`^(?:${pattern})$`)).pipe(
    Option.map((expression) => expression.test(value)),
    Option.getOrUndefined
  )

/** Whether the pattern of a parameter can be checked here. */
export const isKnownPattern = (pattern: string): boolean => matches(pattern, "") !== undefined

/** Why a request's parameters are refused. */
export type ParameterProblem =
  | { readonly _tag: "UnknownParameters"; readonly names: ReadonlyArray<string> }
  | { readonly _tag: "InvalidParameters"; readonly detail: string }

const invalid = (detail: string) => Result.fail({ _tag: "InvalidParameters" as const, detail })

/** The values of all parameters after a request: omitted ones get their default. */
export const parameterValues = (
  declarations: ReadonlyArray<ParameterDeclaration>,
  parameters: ReadonlyArray<StackParameter>,
  previous: ReadonlyMap<string, string>
): Result.Result<ReadonlyMap<string, string>, ParameterProblem> => {
  const names = new Set(declarations.map(({ name }) => name))
  const unknown = parameters.filter(({ name }) => !names.has(name)).map(({ name }) => name)
  if (unknown.length > 0) return Result.fail({ _tag: "UnknownParameters", names: unknown })
  const given = new Map(parameters.map((parameter) => [parameter.name, parameter]))
  const values = declarations.map((declaration) => {
    const request = given.get(declaration.name)
    const value = request === undefined
      ? declaration.defaultValue
      : "value" in request
      ? request.value
      : previous.get(declaration.name)
    return { declaration, value }
  })
  const missing = values.filter(({ value }) => value === undefined).map(({ declaration }) => declaration.name)
  if (missing.length > 0) return invalid(`Parameters: [${missing.join(", ")}] must have values`)
  for (const { declaration, value = "" } of values) {
    const problem = Buffer.byteLength(value) > parameterLimits.valueBytes
      ? `Parameter '${declaration.name}' must contain at most ${parameterLimits.valueBytes} characters`
      : declaration.problem(value)
    if (problem !== undefined) return invalid(problem)
  }
  return Result.succeed(new Map(values.map(({ declaration, value = "" }) => [declaration.name, value])))
}
