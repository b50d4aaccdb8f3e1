// The action that a command line names: a ready-made one, or the module of one's own.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CheckWebpage } from "../../actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../../actions/deployStack/DeployStack.ts"
import { DeployStackSet } from "../../actions/deployStackSet/DeployStackSet.ts"
import { type BadUsage, badUsage, didYouMean } from "../commandLine/usage.ts"
import { type ExportedAction, exportedAction } from "./exportedAction.ts"
import { loadModule } from "./loadModule.ts"

/** The ready-made actions. They use no services but those of this package. */
export const readyMade = {
  "deploy-stack": { action: DeployStack, layer: Layer.empty },
  "deploy-stack-set": { action: DeployStackSet, layer: Layer.empty },
  "check-webpage": { action: CheckWebpage, layer: Layer.empty }
} as const satisfies Record<string, ExportedAction>

export type ReadyMadeName = keyof typeof readyMade

export const readyMadeNames = Object.keys(readyMade) as ReadonlyArray<ReadyMadeName>

export interface ChosenAction extends ExportedAction {
  /** The ready-made action, if it is one. */
  readonly readyMade: ReadyMadeName | undefined
  /** As on the command line. */
  readonly title: string
}

/** A module has a path or an extension; other names are those of ready-made actions. */
const isModule = (name: string) => /[./\\]/.test(name)

/** The action of `NAME`, `PATH` or `PATH#EXPORT`. `option` is what it is given by, for messages. */
export const chosenAction = Effect.fn("chosenAction")(
  function*(given: string, option = ""): Effect.fn.Return<ChosenAction, BadUsage> {
    const name = readyMadeNames.find((name) => name === given)
    if (name !== undefined) return { ...readyMade[name], readyMade: name, title: name }
    if (!isModule(given)) {
      const advice = didYouMean(given, readyMadeNames)
      const orModule = advice.endsWith("?") ? "" : `, or a module such as ./${given}.ts`
      return yield* badUsage(`${option}${given} is not an action; ${advice}${orModule}`)
    }
    const [path = "", exportName] = given.split(/#(?=[^#]*$)/)
    const exported = yield* exportedAction(yield* loadModule(path, path), path, exportName)
    return { ...exported, readyMade: undefined, title: given }
  }
)
