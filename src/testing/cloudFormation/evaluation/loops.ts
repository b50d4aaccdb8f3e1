// Unrolls the loops (Fn::ForEach) of the transform AWS::LanguageExtensions.
import { languageExtensions } from "../template/sections.ts"
import {
  callOf,
  isList,
  isMapping,
  type TemplateMapping,
  type TemplateValue,
  textOf
} from "../template/TemplateValue.ts"
import { evaluate } from "./evaluate.ts"
import type { Scope } from "./Scope.ts"

const isLoop = (name: string) => name.startsWith("Fn::ForEach::")

/** Whether a value has loops. */
export const hasLoops = (value: TemplateValue): boolean =>
  isList(value)
    ? value.some(hasLoops)
    : isMapping(value) && Object.entries(value).some(([name, item]) => isLoop(name) || hasLoops(item))

/** The value with its loops unrolled. Identifiers in keys are `${Name}`, or `&{Name}` without the other characters. */
export const unroll = (template: TemplateMapping, scope: Scope): TemplateMapping => {
  const failed = (detail: string) => scope.problem(`Transform ${languageExtensions} failed with: ${detail}`)

  const unrollValue = (value: TemplateValue, identifiers: ReadonlyMap<string, string>): TemplateValue => {
    const call = callOf(value)
    if (call?.name === "Ref" && typeof call.argument === "string" && identifiers.has(call.argument)) {
      return identifiers.get(call.argument) ?? ""
    }
    if (call?.name === "Fn::Sub") return { [call.name]: replacedIn(call.argument, identifiers) }
    if (call?.name === "Ref" || call?.name === "Fn::GetAtt") {
      return { [call.name]: namesIn(call.argument, identifiers) }
    }
    if (call?.name === "Fn::If" && isList(call.argument)) {
      const [condition = "", ...branches] = call.argument
      return {
        [call.name]: [namesIn(condition, identifiers), ...branches.map((item) => unrollValue(item, identifiers))]
      }
    }
    if (isList(value)) return value.map((item) => unrollValue(item, identifiers))
    return isMapping(value) ? unrollMapping(value, identifiers) : value
  }

  /** Names of resources and conditions may have identifiers too. */
  const namesIn = (value: TemplateValue, identifiers: ReadonlyMap<string, string>): TemplateValue => {
    if (typeof value === "string") return replace(value, identifiers)
    if (!isList(value)) return unrollValue(value, identifiers)
    return value.map((item) => typeof item === "string" ? replace(item, identifiers) : unrollValue(item, identifiers))
  }

  const replacedIn = (argument: TemplateValue, identifiers: ReadonlyMap<string, string>): TemplateValue => {
    if (typeof argument === "string") return replace(argument, identifiers)
    if (!isList(argument)) return unrollValue(argument, identifiers)
    const [text = "", ...variables] = argument
    return [
      typeof text === "string" ? replace(text, identifiers) : text,
      ...variables.map((item) => unrollValue(item, identifiers))
    ]
  }

  const unrollMapping = (mapping: TemplateMapping, identifiers: ReadonlyMap<string, string>): TemplateMapping => {
    const members: Array<readonly [string, TemplateValue]> = Object.entries(mapping).flatMap(([name, value]) => {
      if (isLoop(name)) return unrollLoop(name, value, identifiers)
      const key = replace(name, identifiers)
      return [[
        key,
        name === "DependsOn" || name === "Condition" ? namesIn(value, identifiers) : unrollValue(value, identifiers)
      ]]
    })
    const names = members.map(([name]) => name)
    const twice = names.find((name, index) => names.indexOf(name) < index)
    if (twice !== undefined) failed(`Duplicate key ${twice}`)
    return Object.fromEntries(members)
  }

  const unrollLoop = (
    name: string,
    value: TemplateValue,
    identifiers: ReadonlyMap<string, string>
  ): Array<readonly [string, TemplateValue]> => {
    const [identifier, collection, body, ...others] = isList(value) ? value : []
    if (typeof identifier !== "string" || collection === undefined || !isMapping(body) || others.length > 0) {
      failed(`${name} layout is incorrect`)
      return []
    }
    const items = evaluate(unrollValue(collection, identifiers), scope)
    if (!Array.isArray(items)) {
      failed(`${name} collection must resolve to a list of values that are known before the stack is created`)
      return []
    }
    return (items as ReadonlyArray<TemplateValue>).flatMap((item) =>
      Object.entries(unrollMapping(body, new Map(identifiers).set(identifier, textOf(item) ?? "")))
    )
  }

  return unrollMapping(template, new Map())
}

const replace = (text: string, identifiers: ReadonlyMap<string, string>) =>
  text.replace(/([$&])\{([A-Za-z0-9]+)\}/g, (whole, sign: string, name: string) => {
    const value = identifiers.get(name)
    return value === undefined ? whole : sign === "&" ? value.replaceAll(/[^A-Za-z0-9]/g, "") : value
  })
