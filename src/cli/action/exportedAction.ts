// The action in a module of the user: of a handler, beside its layer, or alone.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { AnyAction } from "../../lambda/handler.ts"
import { type BadUsage, badUsage, didYouMean } from "../commandLine/usage.ts"
import type { Exports } from "./loadModule.ts"

/** An action, and the services that its module provides. */
export interface ExportedAction {
  readonly action: AnyAction
  readonly layer: Layer.Layer<never>
}

const isAction = (value: unknown): value is AnyAction =>
  Predicate.hasProperty(value, "name") && Predicate.isString(value.name) &&
  Predicate.hasProperty(value, "parameters") && Schema.isSchema(value.parameters) &&
  Predicate.hasProperty(value, "start") && Predicate.isFunction(value.start) &&
  Predicate.hasProperty(value, "resume") && Predicate.isFunction(value.resume)

/** A handler of `Lambda.handler` has an action and a layer too. */
const isWithLayer = (value: unknown): value is ExportedAction =>
  Predicate.hasProperty(value, "action") && isAction(value.action) &&
  Predicate.hasProperty(value, "layer") && Layer.isLayer(value.layer)

const toExported = (value: unknown): ExportedAction | undefined =>
  isWithLayer(value) ? value : isAction(value) ? { action: value, layer: Layer.empty } : undefined

/** The exports that are taken before others. */
const usual = ["handler", "default"]

const supported =
  "export a handler made by Lambda.handler, an action made by Action.make, or an object { action, layer }"

/**
 * The action of a module: of the export with this name; else of `handler`, of the default export, or of the only export
 * that is a handler or has a layer, or is an action. `title` names the module in messages.
 */
export const exportedAction = Effect.fn("exportedAction")(
  function*(exports: Exports, title: string, name: string | undefined): Effect.fn.Return<ExportedAction, BadUsage> {
    const usable = Object.entries(exports).flatMap(([name, value]) => {
      const exported = toExported(value)
      return exported === undefined ? [] : [{ name, exported, hasLayer: isWithLayer(value) }]
    })
    const names = usable.map(({ name }) => name)
    if (names.length === 0) return yield* badUsage(`${title} exports no action: ${supported}`)
    if (name !== undefined) {
      const named = usable.find((one) => one.name === name)
      if (named !== undefined) return named.exported
      return yield* badUsage(
        Object.hasOwn(exports, name)
          ? `the export ${name} of ${title} is not an action: ${supported}`
          : `${title} has no export ${name}; ${didYouMean(name, names)}`
      )
    }
    const withLayer = usable.filter(({ hasLayer }) => hasLayer)
    const candidates = withLayer.length > 0 ? withLayer : usable
    const [only, ...others] = candidates
    const preferred = usual.map((name) => candidates.find((one) => one.name === name)).find((one) => one !== undefined)
    const chosen = preferred ?? (others.length === 0 ? only : undefined)
    return chosen?.exported ?? (yield* badUsage(
      `${title} exports several actions: name one, as in ${title}#${only?.name} (they are ${names.join(", ")})`
    ))
  }
)
