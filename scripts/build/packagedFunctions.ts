// The functions in the npm package, for other ways of deploying than `npm run deploy`: `effect-codepipeline/functions/…`.
import { copyFile, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { minimalPolicy } from "../docs/policies.ts"
import { functionNames } from "../permissions.ts"
import type { BuiltFunction } from "./bundle.ts"

/** That of the functions, and that of the example pipeline. */
const templates = ["functions.yaml", "pipeline.yaml"]

/** Writes the zip and the minimal policy of each function, and the templates, into the folder. */
export const writePackagedFunctions = async (
  built: ReadonlyArray<Pick<BuiltFunction, "name" | "zip">>,
  folder: string
): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const { name, zip } of built) await writeFile(join(folder, `${name}.zip`), zip)
  for (const name of functionNames) {
    await writeFile(join(folder, `${name}.policy.json`), `${JSON.stringify(minimalPolicy(name), undefined, 2)}\n`)
  }
  for (const template of templates) {
    await copyFile(fileURLToPath(new URL(`../templates/${template}`, import.meta.url)), join(folder, template))
  }
}
