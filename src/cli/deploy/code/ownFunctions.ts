// Functions from modules of one's own: their names, and what their modules export.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { relative } from "node:path"
import type { Statement } from "../../../domain/job/Statement.ts"
import { loadModule } from "../../action/loadModule.ts"
import { buildFunction, entriesByName } from "../../build/buildFunction.ts"
import { noHandler } from "../../build/compile.ts"
import { writeFunction } from "../../build/writeFunction.ts"
import { badUsage } from "../../commandLine/usage.ts"
import type { FunctionCode } from "./functionCode.ts"
import { functionNames } from "./readyMade.ts"
import { requiredParameters } from "./requiredParameters.ts"

/** A function from a module of one's own. */
export interface OwnFunction {
  readonly name: string
  /** The path of the module, from the current folder. */
  readonly entry: string
  readonly path: string
  /** What its role needs besides what every function needs. */
  readonly permissions: ReadonlyArray<Statement>
  /** The names of the UserParameters that its action requires, as far as they are known. */
  readonly parameters: ReadonlyArray<string>
}

const Strings = Schema.Array(Schema.NonEmptyString)

/** What a module may export as `permissions`. */
const Statements = Schema.Array(Schema.Struct({
  actions: Schema.NonEmptyArray(
    Schema.TemplateLiteral([Schema.String, ":", Schema.String]).check(
      Schema.isPattern(/^[a-z0-9-]+:[\w*?]+$/i, { expected: "a call's name in IAM, such as \"ecs:RunTask\"" })
    )
  ),
  resources: Schema.NonEmptyArray(
    Schema.String.check(Schema.isPattern(/^(?:\*|arn:\S+|\$\{\S+)$/, { expected: "an ARN or \"*\"" }))
  ),
  conditions: Schema.optional(
    Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Union([Schema.NonEmptyString, Strings])))
  )
}))

const decodeStatements = Schema.decodeUnknownEffect(Statements)

const format = SchemaIssue.makeFormatterDefault()

/** A letter comes first, as in the names of CloudFormation. */
const isName = (name: string) => /^[a-z]/.test(name)

/** Lambda allows 64 characters for `STACK-NAME`. */
const longestName = 64

const read = Effect.fn("readOwnFunction")(function*(name: string, path: string, stack: string) {
  const entry = relative(process.cwd(), path)
  const advice = `rename the file, as its name becomes the function's`
  if (!isName(name)) return yield* badUsage(`${entry}: "${name}" cannot be the name of a function; ${advice}`)
  if (functionNames.some((readyMade) => readyMade === name)) {
    return yield* badUsage(`${entry}: this package has a function ${name}; ${advice}`)
  }
  const { length } = `${stack}-${name}`
  if (length > longestName) {
    return yield* badUsage(
      `${entry}: the name ${stack}-${name} has ${length} characters, and Lambda allows ${longestName}; ${advice}`
    )
  }
  const module = yield* loadModule(path, entry)
  if (typeof module["handler"] !== "function") return yield* badUsage(noHandler(entry))
  const permissions = yield* decodeStatements(module["permissions"] ?? []).pipe(
    Effect.catch(({ issue }) => badUsage(`${entry}: its permissions are wrong: ${format(issue)}`))
  )
  return { name, entry, path, permissions, parameters: yield* requiredParameters(module, entry) } satisfies OwnFunction
})

/** Reads what the modules export. A module is loaded as Lambda would load it, and no job is run. */
export const readOwnFunctions = Effect.fn("readOwnFunctions")(
  function*(entries: ReadonlyArray<string>, stack: string) {
    const byName = yield* entriesByName(entries, process.cwd())
    return yield* Effect.forEach(byName, ([name, path]) => read(name, path, stack))
  }
)

/** The folder for what is built. */
export const outputFolder = "dist"

/** Builds the functions into this folder. */
export const buildOwnFunctions = (functions: ReadonlyArray<OwnFunction>) =>
  Effect.forEach(functions, ({ name, path }) =>
    Effect.gen(function*() {
      const built = yield* buildFunction({ entry: path, name, folder: process.cwd() })
      const origin = yield* writeFunction(built, outputFolder)
      return { name, origin, isBuilt: true, files: built.files, zip: built.zip } satisfies FunctionCode
    }))
