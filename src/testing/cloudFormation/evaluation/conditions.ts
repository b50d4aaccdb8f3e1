// Evaluates the conditions of a template.
import { formatError } from "../template/parse.ts"
import { isList, isMapping, type TemplateMapping, type TemplateValue } from "../template/TemplateValue.ts"
import { evaluate } from "./evaluate.ts"
import { evaluatedText, type Scope } from "./Scope.ts"

/** Whether a condition of the template holds. Each one is evaluated once. */
export const conditionsIn = (
  conditions: TemplateMapping,
  scope: Omit<Scope, "condition">
): (name: string) => boolean => {
  const known = new Map<string, boolean>()
  const underWay = new Set<string>()

  const named = (name: string): boolean => {
    const value = known.get(name)
    if (value !== undefined) return value
    if (underWay.has(name)) {
      scope.problem(formatError(`Circular dependency between conditions: [${[...underWay].join(", ")}]`))
      return false
    }
    underWay.add(name)
    const holds_ = Object.hasOwn(conditions, name) && holds(conditions[name] ?? false)
    underWay.delete(name)
    known.set(name, holds_)
    return holds_
  }

  const textOf = (value: TemplateValue) => evaluatedText(evaluate(value, { ...scope, condition: named }))

  const holds = (value: TemplateValue): boolean => {
    const [entry, ...others] = isMapping(value) ? Object.entries(value) : []
    if (entry === undefined || others.length > 0) {
      scope.problem(formatError("Conditions can only be boolean operations on parameters and other conditions"))
      return false
    }
    const [name, argument] = entry
    const items = isList(argument) ? argument : []
    const between = (least: number, most: number, what: string) => {
      const isRight = isList(argument) && items.length >= least && items.length <= most
      if (!isRight) scope.problem(`Template error: every ${name} object requires ${what}`)
      return isRight
    }
    switch (name) {
      case "Condition":
        return named(String(argument))
      case "Fn::Equals":
        return between(2, 2, "a list of 2 string parameters.") && textOf(items[0] ?? "") === textOf(items[1] ?? "")
      case "Fn::Not":
        return between(1, 1, "a list of 1 boolean parameter.") && !holds(items[0] ?? false)
      case "Fn::And":
        return between(2, 10, "a list of at least 2 and at most 10 boolean parameters.") &&
          items.map(holds).every(Boolean)
      case "Fn::Or":
        return between(2, 10, "a list of at least 2 and at most 10 boolean parameters.") &&
          items.map(holds).some(Boolean)
      default: {
        scope.problem(formatError("Conditions can only be boolean operations on parameters and other conditions"))
        return false
      }
    }
  }

  return named
}
