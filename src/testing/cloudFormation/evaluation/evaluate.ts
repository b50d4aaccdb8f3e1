// Evaluates a value of a template with all functions in it.
import {
  attributeOf,
  callOf,
  invalidVariable,
  isList,
  isMapping,
  substitution,
  substitutionOf,
  type TemplateValue,
  variableName
} from "../template/TemplateValue.ts"
import { functions } from "./functions.ts"
import { combine, type Evaluated, evaluatedText, fail, type Run, type Scope, StandIn } from "./Scope.ts"

const supported =
  "[Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, " +
  "Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, " +
  "Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]"

const getAttForm =
  "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
const oneArgumentForm =
  "Template error: if specifying one argument to Fn::GetAtt, that argument must be a non-empty string in format " +
  "<LogicalId>.<Attribute>"
const subForm =
  "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first " +
  "argument, and an optional second argument to specify a mapping of values to replace in the string"
/** Evaluates a value in a scope. */
export const evaluate = (value: TemplateValue, scope: Scope): Evaluated => {
  const call = callOf(value)
  if (call !== undefined) {
    const run = runs.get(call.name)
    const isExtension = call.name === "Fn::Length" || call.name === "Fn::ToJsonString"
    if (run !== undefined && (!isExtension || scope.hasExtensions)) return run(call.argument, scope, evaluate)
    // With its argument, so that another one is a change.
    if (scope.isOpen) return new StandIn(`${call.name} ${JSON.stringify(call.argument)}`)
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

const references: Readonly<Record<string, Run>> = {
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
  "Fn::If": (argument, scope) => {
    const [name, then, otherwise, ...others] = isList(argument) ? argument : []
    if (typeof name !== "string" || then === undefined || otherwise === undefined || others.length > 0) {
      return fail(scope, "Template error: Fn::If requires a list argument with three elements")
    }
    return evaluate(scope.condition(name) ? then : otherwise, scope)
  }
}

const runs = new Map([...Object.entries(functions), ...Object.entries(references)])
