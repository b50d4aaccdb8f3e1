// The generated parts of the reference of deploy-stack: its options, the statuses of a stack, and the permissions.
import * as Array from "effect/Array"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { modesOf, options } from "../../src/actions/deployStack/Parameters.ts"
import { statefulTypes } from "../../src/domain/stack/plan/StatefulResources.ts"
import { Evidence } from "../../src/domain/stack/StackEvents.ts"
import * as StackPlan from "../../src/domain/stack/StackPlan.ts"
import { StackStatus, type Startability, startability } from "../../src/domain/stack/StackStatus.ts"
import { permissionsOf } from "../permissions.ts"
import { code, table } from "./markdown.ts"
import * as Reference from "./reference.ts"

const modes = StackPlan.Mode.literals

const reference: Reference.Reference = {
  options,
  modes,
  modesOf,
  permissions: permissionsOf["deploy-stack"],
  headings: "##"
}

export const optionSections = (): string => Reference.optionSections(reference)

export const permissionSections = (): string => Reference.permissionSections(reference)

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
      const { description, otherwise, values } = Reference.textsOf(name, option)
      const text = withoutLinks(
        `${description} Values: ${values}. Default: ${otherwise}. Modes: ${Reference.modesWith(reference, name)}.`
      )
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
      return [code(status)].concat(steps, whileWatched(observation))
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
      `${Reference.both.format(statuses.map(code))}. A new job does this:`,
      "",
      ...Object.entries(steps).map(([step, modes]) => `- ${step}: ${modes.map(code).join(", ")}`),
      ...Object.entries(recovering).map(([step, modes]) =>
        `- ${step}, then continue, with ${code("recover")}: ${modes.map(code).join(", ")}`
      )
    ].join("\n")
  }).join("\n\n")
