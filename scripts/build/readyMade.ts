// Builds the ready-made functions that `npm run deploy` deploys.
import type { FunctionCode } from "../../src/cli/deploy/code/functionCode.ts"
import { buildFunction, entryPoints } from "./bundle.ts"

/** Builds these functions into `dist/lambda`. */
export const build = async (names: ReadonlyArray<string>): Promise<ReadonlyArray<FunctionCode>> => {
  const selected = (await entryPoints()).filter(([name]) => names.includes(name))
  return Promise.all(
    selected.map(async ([name, module]) => {
      const { files, path, zip } = await buildFunction(name, module)
      return { name, origin: path, isBuilt: true, files, zip }
    })
  )
}
