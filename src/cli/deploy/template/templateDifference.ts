// What a new template changes in a deployed one, by sections.
import * as Result from "effect/Result"
import { parse } from "../../../testing/cloudFormation/template/parse.ts"
import {
  isMapping,
  membersOf,
  type TemplateMapping,
  type TemplateValue
} from "../../../testing/cloudFormation/template/TemplateValue.ts"

/** Keys in order, because CloudFormation may have kept another one. */
const canonical = (value: TemplateValue | undefined): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  return isMapping(value)
    ? Object.fromEntries(
      Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, canonical(v)])
    )
    : value
}

const isSame = (one: TemplateValue | undefined, other: TemplateValue | undefined) =>
  JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))

const kinds = { Parameters: "parameter", Conditions: "condition", Resources: "resource", Outputs: "output" } as const

const typeOf = (section: string, member: TemplateValue | undefined) =>
  section === "Resources" && isMapping(member) ? ` (${String(member["Type"])})` : ""

/** Lines such as `+ resource Greet (AWS::Lambda::Function)`, `- …` and `~ …`; none if nothing differs. */
const between = (before: TemplateMapping, after: TemplateMapping): ReadonlyArray<string> => {
  const members = Object.entries(kinds).flatMap(([section, kind]) => {
    const old = new Map(membersOf(before[section]))
    const present = new Map(membersOf(after[section]))
    return [...new Set([...old.keys(), ...present.keys()])].flatMap((name) => {
      const [one, other] = [old.get(name), present.get(name)]
      if (isSame(one, other)) return []
      const sign = one === undefined ? "+" : other === undefined ? "-" : "~"
      return [`${sign} ${kind} ${name}${typeOf(section, other ?? one)}`]
    })
  })
  const others = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((section) => !Object.hasOwn(kinds, section) && !isSame(before[section], after[section]))
  return [...members, ...others.map((section) => `~ ${section}`)]
}

/** The difference between two templates in JSON or YAML; `undefined` if the deployed one cannot be read. */
export const templateDifference = (deployed: string, current: string): ReadonlyArray<string> | undefined => {
  const [before, after] = [parse(deployed), parse(current)]
  return Result.isSuccess(before) && Result.isSuccess(after) ? between(before.success, after.success) : undefined
}
