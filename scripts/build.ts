// npm run build: the npm package in dist/, and each function as dist/lambda/<function>/ and <function>.zip.
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFile, rm, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { zipFiles } from "../src/internal/zipFiles.ts"
import { bundle, entryPoints } from "./bundle.ts"

await rm("dist", { recursive: true, force: true })
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url))
execFileSync(process.execPath, [tsc, "--project", "tsconfig.build.json"], { stdio: "inherit" })

for (const [name, module] of await entryPoints()) {
  await bundle(name, module, "dist/lambda")
  const code = await readFile(`dist/lambda/${name}/index.mjs`)
  const zip = await Effect.runPromise(zipFiles({ "index.mjs": code }))
  await writeFile(`dist/lambda/${name}.zip`, zip)
  process.stdout.write(`dist/lambda/${name}.zip  ${zip.length} bytes (index.mjs ${code.length})\n`)
}
