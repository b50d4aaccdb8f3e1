// The generated parts of the reference of deploy-stack: its options, the statuses of a stack, and the permissions.
import * as Array from "effect/Array"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { modesOf, options, type OptionText } from "../../src/actions/deployStack/Parameters.ts"
import type { FunctionPermission, Permission } from "../../src/actions/deployStack/permissions.ts"
import { statefulTypes } from "../../src/domain/stack/plan/StatefulResources.ts"
import { Evidence } from "../../src/domain/stack/StackEvents.ts"
import * as StackPlan from "../../src/domain/stack/StackPlan.ts"
import { StackStatus, type Startability, startability } from "../../src/domain/stack/StackStatus.ts"
import { permissionsOf } from "../permissions.ts"
import { code, codeBlock, table } from "./markdown.ts"
import { isMinimal, isOfFunction, policyStatement } from "./policies.ts"

const modes = StackPlan.Mode.literals

const both = new Intl.ListFormat("en", { type: "conjunction" })

/** The modes to which the option applies, or the others if these are fewer. */
const modesWith = (option: string): string => {
  const applies = Object.entries(modesOf).find(([name]) => name === option)?.[1] ?? modes
  const others = modes.filter((mode) => !applies.includes(mode))
  if (others.length === 0) return "all"
  return others.length < applies.length
    ? `all but ${both.format(others.map(code))}`
    : both.format(applies.map(code))
}

const textsOf = (name: string, { ast: { context } }: Schema.Constraint): OptionText => {
  const { description, otherwise, values } = (context?.annotations ?? {}) as Partial<OptionText>
  if (description === undefined || values === undefined || otherwise === undefined) {
    throw new Error(`The option "${name}" has no description, no values, or no default`)
  }
  return { description, otherwise, values }
}

/** A heading for each option. */
export const optionSections = (): string =>
  Object.entries(options).map(([name, option]) => {
    const { description, otherwise, values } = textsOf(name, option)
    return [
      `## ${code(name)}`,
      "",
      description,
      "",
      `- Values: ${values}`,
      `- Default: ${otherwise}`,
      `- Modes: ${modesWith(name)}`
    ].join("\n")
  }).join("\n\n")

/** Links in the documents, without which a docstring can do. */
const withoutLinks = (text: string) =>
  text.replaceAll(/,? see \[[^\]]+\]\([^)]+\)/g, "").replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1")

const maxWidth = 118

/** A docstring of lines that are not too long. */
const docstring = (text: string): string => {
  const lines = [""]
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? ""
    if (line.length + word.length > maxWidth) lines.push(word)
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`
  }
  const [only, ...others] = lines
  return others.length === 0
    ? `  /** ${only} */`
    : ["  /**", ...lines.map((line) => `   * ${line}`), "   */"].join("\n")
}

/** The type of an option in JSON, as TypeScript writes it. */
const typeOf = (ast: SchemaAST.AST): string => {
  if (SchemaAST.isString(ast)) return "string"
  if (SchemaAST.isNumber(ast)) return "number"
  if (SchemaAST.isBoolean(ast)) return "boolean"
  if (SchemaAST.isLiteral(ast)) return JSON.stringify(ast.literal)
  if (SchemaAST.isUnion(ast)) return ast.types.map(typeOf).join(" | ")
  if (SchemaAST.isArrays(ast)) return `ReadonlyArray<${ast.rest.map(typeOf).join(" | ")}>`
  if (SchemaAST.isObjects(ast)) {
    return `Readonly<Record<string, ${ast.indexSignatures.map(({ type }) => typeOf(type)).join(" | ")}>>`
  }
  // A schema that describes its values in its own words.
  if (SchemaAST.isDeclaration(ast)) return "unknown"
  throw new Error(`An option has a type that has no words here: ${ast._tag}`)
}

/** The module of the interface of UserParameters, with a docstring for each option. */
export const userParametersModule = (): string =>
  `// Generated from Parameters.ts by \`npm run readme\`.

/**
 * The UserParameters of \`DeployStack\` as they are in the pipeline. The mode decides which are required, and which are
 * rejected because they do not apply to it.
 */
export interface DeployStackUserParameters {
${
    Object.entries(options).map(([name, option]) => {
      const { description, otherwise, values } = textsOf(name, option)
      const text = withoutLinks(`${description} Values: ${values}. Default: ${otherwise}. Modes: ${modesWith(name)}.`)
      return `${docstring(text)}\n  readonly ${name}${name === "stack" ? "" : "?"}: ${
        typeOf(Schema.toEncoded(option).ast)
      }`
    }).join("\n")
  }
}
`

/** The types of resources with state, by service. */
export const statefulTypeList = (): string =>
  Object.entries(Array.groupBy(statefulTypes, (type) => type.replace(/::[^:]*$/, ""))).map(([service, types]) =>
    `- ${code(service)}: ${types.map((type) => code(type.slice(service.length + 2))).join(", ")}`
  ).join("\n")

const present = (status: string) => ({
  _tag: "Present" as const,
  status,
  changedAt: 0,
  changedSince: true,
  changedInWindow: true,
  createdInWindow: false,
  justCreated: false
})

const atStart = (mode: StackPlan.Mode, observation: StackPlan.Observation, recover = false): string => {
  const options = { whenBusy: "fail", disableRollback: false, recover, isFound: false } as const
  const decision = StackPlan.start(mode, options, observation)
  const step = decision._tag === "ReadEvents" ? decision.decide(Evidence.Foreign()) : decision
  return StackPlan.Start.$match(step, {
    Begin: ({ operation }) => beginnings[operation],
    Prepare: () => "create a change set",
    Execute: () => "execute the change set",
    NothingToDelete: () => "succeed",
    NothingToRollBack: () => "succeed",
    StackNotFound: () => "fail",
    Adopt: () => "watch it",
    Postpone: () => "wait, then retry",
    Refuse: () => "refuse"
  })
}

const beginnings = {
  create: "create it",
  update: "update it",
  delete: "delete it",
  rollback: "roll it back",
  "continue-rollback": "continue its rollback"
}

const whileWatched = (observation: StackPlan.Observation & { readonly _tag: "Present" }): string => {
  const decision = StackPlan.watch({ operation: "update", waitForCleanup: true, idleTooLong: false }, observation)
  const step = decision._tag === "ReadEvents"
    ? decision.decide(Evidence.Ended({ operation: "update", status: observation.status, idleUntil: 0 }))
    : decision
  return StackPlan.WatchDecision.$match(step, {
    Wait: () => "wait",
    Succeed: () => "succeed",
    Fail: () => "fail",
    Unproven: () => "fail",
    StackNotFound: () => "fail"
  })
}

const shownModes = ["CREATE_UPDATE", "REPLACE_ON_FAILURE", "DELETE_ONLY"] as const

export const statusTable = (): string =>
  table([
    ["Status of the stack", "A new job", "… replaces", "… deletes", "A watching job"],
    ["(does not exist)", ...shownModes.map((mode) => atStart(mode, { _tag: "Absent" })), "fail"],
    ...StackStatus.literals.map((status) => {
      const observation = present(status)
      const steps = shownModes.map((mode) => atStart(mode, observation))
      return [String(status)].concat(steps, whileWatched(observation))
    })
  ])

/** What each class of statuses means to somebody who looks at a stack. */
const classes: Readonly<Record<Startability, string>> = {
  Updatable: "The stack is healthy",
  Busy: "An operation is in progress",
  CleaningUp: "A cleanup is in progress",
  Deleting: "The stack is being deleted",
  Creatable: "The stack is deleted",
  Broken: "The stack can only be deleted",
  CreateFailed: "A creation failed and was not rolled back",
  UpdatableWithoutRollback: "An update failed and was not rolled back",
  RollbackStuck: "The rollback of an update failed",
  Shell: "The stack has only a change set",
  Unknown: "The rollback of an import failed"
}

/** A heading for each class of statuses, with what every mode does. */
export const statusClasses = (): string =>
  Object.entries(classes).map(([name, title]) => {
    const statuses = StackStatus.literals.filter((status) => startability(status) === name)
    const [first] = statuses
    if (first === undefined) throw new Error(`No status has the class ${name}`)
    const steps = Array.groupBy(modes, (mode) => atStart(mode, present(first)))
    const recovering = Array.groupBy(
      modesOf.recover.filter((mode) => atStart(mode, present(first), true) !== atStart(mode, present(first))),
      (mode) => atStart(mode, present(first), true)
    )
    return [
      `## ${title}`,
      "",
      `${both.format(statuses.map(code))}. A new job does this:`,
      "",
      ...Object.entries(steps).map(([step, modes]) => `- ${step}: ${modes.map(code).join(", ")}`),
      ...Object.entries(recovering).map(([step, modes]) =>
        `- ${step}, then go on, with ${code("recover")}: ${modes.map(code).join(", ")}`
      )
    ].join("\n")
  }).join("\n\n")

const further = permissionsOf["deploy-stack"].filter((permission) => !isMinimal(permission))

type Subject = { readonly modes: StackPlan.Mode } | { readonly options: keyof typeof options }

const isFor = (permission: Permission, subject: Subject): boolean => {
  if (permission.jobs === "all") return false
  return "modes" in subject
    ? permission.jobs.modes?.includes(subject.modes) === true
    : permission.jobs.options?.includes(subject.options) === true
}

const noteOf = ({ jobs }: Permission) => jobs === "all" ? undefined : jobs.note

const actionsOf = ({ actions }: Permission) => actions.map(code).join(", ")

/** A permission as an item of a list: the role, the actions, the resource, and what happens without it. */
const item = (permission: Permission): string => {
  const resource = isOfFunction(permission) ? undefined : permission.words
  const note = noteOf(permission)
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
export const permissionSections = (): string => {
  const others = further.filter(({ jobs }) => jobs === "all" || (jobs.modes ?? jobs.options) === undefined)
  return [
    ...modes.flatMap((mode) => section(`Mode ${code(mode)}`, further.filter((one) => isFor(one, { modes: mode })))),
    ...Object.keys(options).flatMap((name) =>
      section(
        `Option ${code(name)}`,
        further.filter((one) => isFor(one, { options: name as keyof typeof options }))
      )
    ),
    ...others.flatMap((permission) => section(titleOf(permission), [permission]))
  ].join("\n\n")
}

const titleOf = (permission: Permission) => {
  const note = noteOf(permission) ?? actionsOf(permission)
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}`
}
