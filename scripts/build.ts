// npm run build: the npm package in dist/, and each function as dist/lambda/<function>/ and <function>.zip.
import { execFileSync } from "node:child_process"
import { rm } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { buildFunction, entryPoints } from "./bundle.ts"

await rm("dist", { recursive: true, force: true })
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url))
execFileSync(process.execPath, [tsc, "--project", "tsconfig.build.json"], { stdio: "inherit" })

for (const [name, module] of await entryPoints()) {
  const { code, path, zip } = await buildFunction(name, module)
  process.stdout.write(`${path}  ${zip.length} bytes (index.mjs ${code.length})\n`)
}
