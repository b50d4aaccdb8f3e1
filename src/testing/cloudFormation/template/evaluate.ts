// Evaluates the functions of a template.
import {
  attributeOf,
  callOf,
  invalidVariable,
  isList,
  isMapping,
  substitution,
  substitutionOf,
  type TemplateMapping,
  type TemplateValue,
  variableName
} from "./TemplateValue.ts"

/** Stands for a value that only AWS knows. A text that is made of it is another one. */
export class StandIn {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** An evaluated value; `undefined` for `AWS::NoValue`. */
export type Evaluated =
  | string
  | number
  | boolean
  | undefined
  | StandIn
  | ReadonlyArray<Evaluated>
  | { readonly [name: string]: Evaluated }

/** What the functions of a template refer to. */
export interface Scope {
  readonly region: string
  readonly mappings: TemplateMapping
  /** The value of a parameter or a resource; none if the stack does not have it. */
  readonly refer: (name: string) => Evaluated | StandIn | undefined
  /** The value of an attribute; none if the stack does not have the resource. */
  readonly attribute: (id: string, attribute: string) => StandIn | string | undefined
  readonly condition: (name: string) => boolean
  readonly importValue: (name: string) => StandIn | string
  /** Whether the template uses AWS::LanguageExtensions. */
  readonly hasExtensions: boolean
  /** Whether the template uses other transforms: unknown functions and names can be theirs. */
  readonly isOpen: boolean
  /** Receives CloudFormation's messages. */
  readonly problem: (message: string) => void
  /** Receives the names of resources that the stack does not have. */
  readonly unresolved: (name: string) => void
}

/** The text of an evaluated value, if it is a scalar. */
export const evaluatedText = (value: Evaluated): string | undefined =>
  value instanceof StandIn ? value.text : typeof value === "object" || value === undefined ? undefined : String(value)

/** Without stand-ins, for comparisons and for parameters of nested stacks. */
export const plain = (value: Evaluated): unknown =>
  value instanceof StandIn
    ? value.text
    : isList(value)
    ? (value as ReadonlyArray<Evaluated>).map(plain)
    : isMapping(value)
    ? Object.fromEntries(
      Object.entries(value as { readonly [name: string]: Evaluated }).map(([name, item]) => [name, plain(item)])
    )
    : value

const supported =
  "[Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, " +
  "Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, " +
  "Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]"

const joinForm =
  "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to " +
  "be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
const splitForm =
  "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split " +
  "or a function that returns a string to be split."
const selectForm = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
const getAttForm =
  "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
const oneArgumentForm =
  "Template error: if specifying one argument to Fn::GetAtt, that argument must be a non-empty string in format " +
  "<LogicalId>.<Attribute>"
const subForm =
  "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first " +
  "argument, and an optional second argument to specify a mapping of values to replace in the string"
const findForm =
  "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for " +
  "return value"

/** Evaluates a value in a scope. */
export const evaluate = (value: TemplateValue, scope: Scope): Evaluated => {
  const call = callOf(value)
  if (call !== undefined) {
    const run = Object.hasOwn(functions, call.name) ? functions[call.name] : undefined
    const isExtension = call.name === "Fn::Length" || call.name === "Fn::ToJsonString"
    if (run !== undefined && (!isExtension || scope.hasExtensions)) return run(call.argument, scope)
    if (scope.isOpen) return new StandIn(call.name)
    scope.problem(
      `Template Error: Encountered unsupported function: ${call.name} Supported functions are: ${supported}`
    )
    return ""
  }
  if (isList(value)) return value.map((item) => evaluate(item, scope)).filter((item) => item !== undefined)
  if (!isMapping(value)) return value ?? undefined
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => {
      const evaluated = evaluate(item, scope)
      return evaluated === undefined ? [] : [[name, evaluated]]
    })
  )
}

type Run = (argument: TemplateValue, scope: Scope) => Evaluated

/** Reports the message, and returns a value to go on with. */
const fail = ({ problem }: Scope, message: string) => {
  problem(message)
  return ""
}

/** The text made of these parts: a stand-in if one of them is. */
const combine = (parts: ReadonlyArray<Evaluated>, make: (texts: ReadonlyArray<string>) => string) => {
  const text = make(parts.map((part) => evaluatedText(part) ?? ""))
  return parts.some((part) => part instanceof StandIn) ? new StandIn(text) : text
}

const refer = (name: string, scope: Scope): Evaluated => {
  if (name === "AWS::NoValue") return undefined
  const value = scope.refer(name)
  if (value === undefined) scope.unresolved(name)
  return value ?? ""
}

const getAtt = (id: string, attribute: string, scope: Scope): Evaluated =>
  scope.attribute(id, attribute) ??
    fail(scope, `Template error: instance of Fn::GetAtt references undefined resource ${id}`)

const sub: Run = (argument, scope) => {
  const form = substitutionOf(argument)
  if (form === undefined) return fail(scope, subForm)
  const variables = new Map(Object.entries(form.variables).map(([name, value]) => [name, evaluate(value, scope)]))
  const parts: Array<Evaluated> = []
  let end = 0
  for (const { 0: whole, 1: literal, 2: name = "", index } of form.text.matchAll(substitution)) {
    parts.push(form.text.slice(end, index))
    end = index + whole.length
    if (literal === "!") parts.push(`\${${name}}`)
    else if (variables.has(name)) parts.push(textIn(name, variables.get(name), scope))
    else if (!variableName.test(name)) return fail(scope, invalidVariable)
    else {
      const [id = "", ...attribute] = name.split(".")
      const value = attribute.length === 0 ? refer(name, scope) : getAtt(id, attribute.join("."), scope)
      parts.push(textIn(name, value, scope))
    }
  }
  return combine([...parts, form.text.slice(end)], (texts) => texts.join(""))
}

const textIn = (name: string, value: Evaluated, scope: Scope) =>
  evaluatedText(value) === undefined
    ? fail(scope, `Template error: variable ${name} in Fn::Sub expression does not resolve to a string`)
    : value

const join: Run = (argument, scope) => {
  const [delimiter, list, ...others] = isList(argument) ? argument : []
  if (typeof delimiter !== "string" || list === undefined || others.length > 0) return fail(scope, joinForm)
  const items = evaluate(list, scope)
  if (items instanceof StandIn) return items
  if (!Array.isArray(items) || items.some((item) => evaluatedText(item) === undefined)) return fail(scope, joinForm)
  return combine(items, (texts) => texts.join(delimiter))
}

const split: Run = (argument, scope) => {
  const [delimiter, source, ...others] = isList(argument) ? argument : []
  if (typeof delimiter !== "string" || source === undefined || others.length > 0) return fail(scope, splitForm)
  const text = evaluate(source, scope)
  if (text instanceof StandIn) return text
  const plainText = evaluatedText(text)
  return plainText === undefined ? fail(scope, splitForm) : plainText.split(delimiter)
}

const select: Run = (argument, scope) => {
  const [index, list, ...others] = isList(argument) ? argument : []
  if (index === undefined || list === undefined || others.length > 0) return fail(scope, selectForm)
  const wanted = evaluatedText(evaluate(index, scope)) ?? ""
  const items = evaluate(list, scope)
  if (items instanceof StandIn) return new StandIn(`${items.text}[${wanted}]`)
  if (!/^\d+$/.test(wanted) || !Array.isArray(items)) return fail(scope, selectForm)
  return (items as ReadonlyArray<Evaluated>)[Number(wanted)] ??
    fail(scope, `Template error: Fn::Select cannot select nonexistent value at index ${wanted}`)
}

const findInMap: Run = (argument, scope) => {
  const [name, top, second, options, ...others] = isList(argument) ? argument : []
  if (name === undefined || top === undefined || second === undefined || others.length > 0) return fail(scope, findForm)
  const defaultValue = isMapping(options) ? options["DefaultValue"] : undefined
  if (options !== undefined && (defaultValue === undefined || !scope.hasExtensions)) return fail(scope, findForm)
  const keys = [name, top, second].map((key) => evaluatedText(evaluate(key, scope)) ?? "")
  const found = keys.reduce<TemplateValue | undefined>(
    (at, key) => isMapping(at) && Object.hasOwn(at, key) ? at[key] : undefined,
    scope.mappings
  )
  if (found !== undefined) return evaluate(found, scope)
  if (defaultValue !== undefined) return evaluate(defaultValue, scope)
  return fail(
    scope,
    Object.hasOwn(scope.mappings, keys[0] ?? "")
      ? `Template error: Unable to get mapping for ${keys.join("::")}`
      : `Template error: Mapping named '${keys[0]}' is not present in the 'Mappings' section of template.`
  )
}

/** The number of zones that new accounts see, where it is not three. */
const zones: Readonly<Record<string, number>> = { "us-east-1": 6, "us-west-2": 4, "ap-northeast-2": 4 }

const getAzs: Run = (argument, scope) => {
  const given = evaluatedText(evaluate(argument, scope))
  const region = given === undefined || given === "" ? scope.region : given
  return Array.from("abcdef".slice(0, zones[region] ?? 3), (letter) => `${region}${letter}`)
}

/** Networks of IPv4. What depends on a stand-in, or is IPv6, is a list that only AWS knows. */
const cidr: Run = (argument, scope) => {
  const [block, count, bits] = (isList(argument) ? argument : []).map((item) => evaluate(item, scope))
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(typeof block === "string" ? block : "")?.slice(1).map(Number)
  const [number, size] = [Number(evaluatedText(count)), Number(evaluatedText(bits) ?? 8)]
  if (!isList(argument) || block === undefined || !(number >= 1 && number <= 256)) {
    return fail(
      scope,
      "Template error: Fn::Cidr requires an IP block, a count between 1 and 256, and optional CIDR bits"
    )
  }
  if (parts === undefined) return new StandIn(`${evaluatedText(block) ?? ""}[${number}]`)
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = parts
  const first = ((a * 256 + b) * 256 + c) * 256 + d
  const base = first - first % 2 ** (32 - prefix)
  if (number * 2 ** size > 2 ** (32 - prefix)) {
    return fail(scope, `Template error: Fn::Cidr cannot make ${number} blocks of ${size} bits from ${String(block)}`)
  }
  return Array.from({ length: number }, (_, index) => {
    const address = base + index * 2 ** size
    return `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".")}/${32 - size}`
  })
}

const length: Run = (argument, scope) => {
  const items = evaluate(argument, scope)
  if (items instanceof StandIn) return new StandIn(`length of ${items.text}`)
  return Array.isArray(items) ? items.length : fail(scope, "Fn::Length layout is incorrect")
}

const toJsonString: Run = (argument, scope) => {
  const value = evaluate(argument, scope)
  if (typeof value !== "object" || value instanceof StandIn) return fail(scope, "Fn::ToJsonString layout is incorrect")
  const text = JSON.stringify(plain(value))
  return hasStandIn(value) ? new StandIn(text) : text
}

const hasStandIn = (value: Evaluated): boolean =>
  value instanceof StandIn || (typeof value === "object" && Object.values(value).some(hasStandIn))

const base64: Run = (argument, scope) => {
  const value = evaluate(argument, scope)
  const text = evaluatedText(value)
  if (text === undefined) return fail(scope, "Template error: every Fn::Base64 object must have a String-typed value.")
  // The text itself says more than the code of a stand-in.
  return value instanceof StandIn ? new StandIn(`Base64 of ${text}`) : Buffer.from(text).toString("base64")
}

const functions: Readonly<Record<string, Run>> = {
  Ref: (argument, scope) => {
    const name = typeof argument === "string" ? argument : evaluatedText(evaluate(argument, scope))
    return typeof argument === "string" || scope.hasExtensions
      ? refer(name ?? "", scope)
      : fail(scope, "Template format error: every Ref object must have a single String value.")
  },
  "Fn::GetAtt": (argument, scope) => {
    const form = attributeOf(argument)
    if (form === undefined) return fail(scope, typeof argument === "string" ? oneArgumentForm : getAttForm)
    const [id = "", attribute = ""] = [form.id, form.attribute].map((part) => evaluatedText(evaluate(part, scope)))
    return id === "" || attribute === "" ? fail(scope, getAttForm) : getAtt(id, attribute, scope)
  },
  "Fn::Sub": sub,
  "Fn::Join": join,
  "Fn::Split": split,
  "Fn::Select": select,
  "Fn::FindInMap": findInMap,
  "Fn::If": (argument, scope) => {
    const [name, then, otherwise, ...others] = isList(argument) ? argument : []
    if (typeof name !== "string" || then === undefined || otherwise === undefined || others.length > 0) {
      return fail(scope, "Template error: Fn::If requires a list argument with three elements")
    }
    return evaluate(scope.condition(name) ? then : otherwise, scope)
  },
  "Fn::Base64": base64,
  "Fn::Cidr": cidr,
  "Fn::GetAZs": getAzs,
  "Fn::ImportValue": (argument, scope) => {
    const name = evaluate(argument, scope)
    const text = evaluatedText(name)
    if (text === undefined) {
      return fail(
        scope,
        "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string"
      )
    }
    return name instanceof StandIn ? new StandIn(`export ${text}`) : scope.importValue(text)
  },
  "Fn::Length": length,
  "Fn::ToJsonString": toJsonString
}
