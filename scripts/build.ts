// npm run build: the npm package in dist/, and each function as dist/lambda/<function>/ and <function>.zip.
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFile, rm, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { zipFiles } from "../src/internal/zipFiles.ts"
import { bundle, entryPoints } from "./bundle.ts"
import { runScript, type Script } from "./options.ts"

const script: Script<never> = {
  command: "npm run build",
  purpose:
    "Writes the npm package into dist/, and each function as dist/lambda/FUNCTION.zip for Lambda's nodejs24.x, " +
    "arm64 and x86_64 alike. What was in dist/ before is deleted.",
  options: {},
  examples: ["npm run build"],
  status: "0 all is built, 1 something does not compile, 2 the command line is wrong"
}

const build = async () => {
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
}

await runScript(script, () => Effect.promise(build))
