// The functions in the npm package, for other ways of deploying than `npm run deploy`: `effect-codepipeline/functions/…`.
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { copyFile, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { minimalPolicy } from "../docs/policies.ts"
import { functionNames } from "../permissions.ts"
import type { BuiltFunction } from "./bundle.ts"

/** That of the functions, and that of the example pipeline. */
const templates = ["functions.yaml", "pipeline.yaml"]

/** Compresses as zopfli does. It takes seconds, and makes the package 9 KB smaller. */
const compressDensely = (bytes: Buffer): Buffer =>
  execFileSync(process.execPath, [fileURLToPath(new URL("zopfli.ts", import.meta.url))], {
    input: bytes,
    maxBuffer: 10 * bytes.length
  })

/** Writes the zip and the minimal policy of each function, and the templates, into the folder. */
export const writePackagedFunctions = async (
  built: ReadonlyArray<Pick<BuiltFunction, "name" | "files">>,
  folder: string
): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const { files, name } of built) {
    const zip = await Effect.runPromise(zipFiles({ ...files }, compressDensely))
    await writeFile(join(folder, `${name}.zip`), zip)
  }
  for (const name of functionNames) {
    await writeFile(join(folder, `${name}.policy.json`), `${JSON.stringify(minimalPolicy(name), undefined, 2)}\n`)
  }
  for (const template of templates) {
    await copyFile(fileURLToPath(new URL(`../templates/${template}`, import.meta.url)), join(folder, template))
  }
}
