// The UserParameters that an action of one's own requires.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { exportedAction } from "../../action/exportedAction.ts"
import type { Exports } from "../../action/loadModule.ts"

/** The fields of `UserParameters.json` that are required. Another schema has no known fields. */
const requiredFields = ({ ast }: Pick<Schema.Codec<unknown, string>, "ast">): ReadonlyArray<string> =>
  ast instanceof SchemaAST.Objects
    ? ast.propertySignatures.flatMap(({ name, type }) => SchemaAST.isOptional(type) ? [] : [String(name)])
    : []

/** The names of the required parameters, as far as the module's handler shows its action. */
export const requiredParameters = (exports: Exports, title: string): Effect.Effect<ReadonlyArray<string>> =>
  exportedAction(exports, title, "handler").pipe(
    Effect.option,
    Effect.map(Option.match({ onNone: () => [], onSome: ({ action }) => requiredFields(action.parameters) }))
  )
