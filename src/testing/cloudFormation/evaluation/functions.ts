// The functions of a template that make texts and lists of their arguments.
import { isList, isMapping, type TemplateValue } from "../template/TemplateValue.ts"
import { combine, type Evaluated, evaluatedText, fail, plain, type Run, StandIn } from "./Scope.ts"

const joinForm =
  "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to " +
  "be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
const splitForm =
  "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split " +
  "or a function that returns a string to be split."
const selectForm = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
const findForm =
  "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for " +
  "return value"

const join: Run = (argument, scope, evaluate) => {
  const [delimiter, list, ...others] = isList(argument) ? argument : []
  if (typeof delimiter !== "string" || list === undefined || others.length > 0) return fail(scope, joinForm)
  const items = evaluate(list, scope)
  if (items instanceof StandIn) return items
  if (!Array.isArray(items) || items.some((item) => evaluatedText(item) === undefined)) return fail(scope, joinForm)
  return combine(items, (texts) => texts.join(delimiter))
}

const split: Run = (argument, scope, evaluate) => {
  const [delimiter, source, ...others] = isList(argument) ? argument : []
  if (typeof delimiter !== "string" || source === undefined || others.length > 0) return fail(scope, splitForm)
  const text = evaluate(source, scope)
  if (text instanceof StandIn) return text
  const plainText = evaluatedText(text)
  return plainText === undefined ? fail(scope, splitForm) : plainText.split(delimiter)
}

const select: Run = (argument, scope, evaluate) => {
  const [index, list, ...others] = isList(argument) ? argument : []
  if (index === undefined || list === undefined || others.length > 0) return fail(scope, selectForm)
  const wanted = evaluatedText(evaluate(index, scope)) ?? ""
  const items = evaluate(list, scope)
  if (items instanceof StandIn) return new StandIn(`${items.text}[${wanted}]`)
  if (!/^\d+$/.test(wanted) || !Array.isArray(items)) return fail(scope, selectForm)
  return (items as ReadonlyArray<Evaluated>)[Number(wanted)] ??
    fail(scope, `Template error: Fn::Select cannot select nonexistent value at index ${wanted}`)
}

const findInMap: Run = (argument, scope, evaluate) => {
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

const getAzs: Run = (argument, scope, evaluate) => {
  const given = evaluatedText(evaluate(argument, scope))
  const region = given === undefined || given === "" ? scope.region : given
  return Array.from("abcdef".slice(0, zones[region] ?? 3), (letter) => `${region}${letter}`)
}

/** Networks of IPv4. What depends on a stand-in, or is IPv6, is a list that only AWS knows. */
const cidr: Run = (argument, scope, evaluate) => {
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

const length: Run = (argument, scope, evaluate) => {
  const items = evaluate(argument, scope)
  if (items instanceof StandIn) return new StandIn(`length of ${items.text}`)
  return Array.isArray(items) ? items.length : fail(scope, "Fn::Length layout is incorrect")
}

const toJsonString: Run = (argument, scope, evaluate) => {
  const value = evaluate(argument, scope)
  if (typeof value !== "object" || value instanceof StandIn) return fail(scope, "Fn::ToJsonString layout is incorrect")
  const text = JSON.stringify(plain(value))
  return hasStandIn(value) ? new StandIn(text) : text
}

const hasStandIn = (value: Evaluated): boolean =>
  value instanceof StandIn || (typeof value === "object" && Object.values(value).some(hasStandIn))

const base64: Run = (argument, scope, evaluate) => {
  const value = evaluate(argument, scope)
  const text = evaluatedText(value)
  if (text === undefined) return fail(scope, "Template error: every Fn::Base64 object must have a String-typed value.")
  // The text itself says more than the code of a stand-in.
  return value instanceof StandIn ? new StandIn(`Base64 of ${text}`) : Buffer.from(text).toString("base64")
}

const importValue: Run = (argument, scope, evaluate) => {
  const name = evaluate(argument, scope)
  const text = evaluatedText(name)
  if (text === undefined) {
    return fail(
      scope,
      "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string"
    )
  }
  return name instanceof StandIn ? new StandIn(`export ${text}`) : scope.importValue(text)
}

export const functions: Readonly<Record<string, Run>> = {
  "Fn::Base64": base64,
  "Fn::Cidr": cidr,
  "Fn::FindInMap": findInMap,
  "Fn::GetAZs": getAzs,
  "Fn::ImportValue": importValue,
  "Fn::Join": join,
  "Fn::Length": length,
  "Fn::Select": select,
  "Fn::Split": split,
  "Fn::ToJsonString": toJsonString
}
