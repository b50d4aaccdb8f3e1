// What the references of the functions with options have in common: a heading for each option, and for each mode and option
// that needs more than the minimal policy.
import type * as Schema from "effect/Schema"
import type { OptionText } from "../../src/actions/stackContent/options.ts"
import type { FunctionPermission, Permission } from "../../src/actions/stackContent/permissions.ts"
import { code, codeBlock } from "./markdown.ts"
import { isMinimal, isOfFunction, policyStatement } from "./policies.ts"

/** A function: its options, its modes, the modes of each option, and its permissions. */
export interface Reference {
  readonly options: Readonly<Record<string, Schema.Constraint>>
  readonly modes: ReadonlyArray<string>
  readonly modesOf: Readonly<Record<string, ReadonlyArray<string>>>
  readonly permissions: ReadonlyArray<Permission>
  /** The headings that the options and the permissions have. */
  readonly headings: string
}

export const both = new Intl.ListFormat("en", { type: "conjunction" })

/** The modes to which the option applies, or the others if these are fewer. */
export const modesWith = ({ modes, modesOf }: Reference, option: string): string => {
  const applies = modesOf[option] ?? modes
  const others = modes.filter((mode) => !applies.includes(mode))
  if (others.length === 0) return "all"
  return others.length < applies.length
    ? `all but ${both.format(others.map(code))}`
    : both.format(applies.map(code))
}

/** The texts of an option. */
export const textsOf = (name: string, { ast: { context } }: Schema.Constraint): OptionText => {
  const { description, otherwise, values } = (context?.annotations ?? {}) as Partial<OptionText>
  if (description === undefined || values === undefined || otherwise === undefined) {
    throw new Error(`The option "${name}" has no description, no values, or no default`)
  }
  return { description, otherwise, values }
}

/** A heading for each option. */
export const optionSections = (reference: Reference): string =>
  Object.entries(reference.options).map(([name, option]) => {
    const { description, otherwise, values } = textsOf(name, option)
    return [
      `${reference.headings} ${code(name)}`,
      "",
      description,
      "",
      `- Values: ${values}`,
      `- Default: ${otherwise}`,
      `- Modes: ${modesWith(reference, name)}`
    ].join("\n")
  }).join("\n\n")

const isFor = ({ jobs }: Permission, kind: "modes" | "options", name: string): boolean =>
  jobs !== "all" && jobs[kind]?.includes(name) === true

/** Whether neither a mode nor an option decides that it is needed. */
const isOther = ({ jobs }: Permission): boolean => jobs === "all" || (jobs.modes ?? jobs.options) === undefined

const noteOf = ({ jobs }: Permission) => jobs === "all" ? undefined : jobs.note

const actionsOf = ({ actions }: Permission) => actions.map(code).join(", ")

/** A permission as an item of a list: the role, the actions, the resource, and what happens without it. */
const item = (permission: Permission): string => {
  const resource = isOfFunction(permission) ? undefined : permission.words
  // Without modes and options, the note is the heading.
  const note = isOther(permission) ? undefined : noteOf(permission)
  const without = permission.required === true ? "Required" : `Optional. Without it, ${permission.required.otherwise}`
  return `- ${permission.role === "action" ? "The action's role: " : ""}${actionsOf(permission)}${
    resource === undefined ? "" : ` on ${resource}`
  }${note === undefined ? "" : `, ${note}`}. ${without}.`
}

const section = (title: string, permissions: ReadonlyArray<Permission>): ReadonlyArray<string> => {
  if (permissions.length === 0) return []
  const statements = permissions.filter((permission): permission is FunctionPermission => isOfFunction(permission))
  return [[
    `### ${title}`,
    "",
    ...permissions.map(item),
    ...(statements.length === 0
      ? []
      : [
        "",
        "The statements for the function's role:",
        "",
        codeBlock("json", JSON.stringify(statements.map(policyStatement)))
      ])
  ].join("\n")]
}

/** A heading for each mode and option that needs more than the minimal policy. */
export const permissionSections = ({ modes, options, permissions }: Reference): string => {
  const further = permissions.filter((permission) => !isMinimal(permission))
  const others = further.filter(isOther)
  return [
    ...modes.flatMap((mode) => section(`Mode ${code(mode)}`, further.filter((one) => isFor(one, "modes", mode)))),
    ...Object.keys(options).flatMap((name) =>
      section(`Option ${code(name)}`, further.filter((one) => isFor(one, "options", name)))
    ),
    ...Array.from(
      new Set(others.map(titleOf)),
      (title) => section(title, others.filter((permission) => titleOf(permission) === title))
    ).flat()
  ].join("\n\n")
}

const titleOf = (permission: Permission) => {
  const note = noteOf(permission) ?? actionsOf(permission)
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}`
}
