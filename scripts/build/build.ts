// npm run build: builds the npm package into dist/, and each function into dist/lambda/NAME/ and dist/lambda/NAME.zip.
import { execFileSync } from "node:child_process"
import { rm } from "node:fs/promises"
import { runScript, type Script } from "../commandLine.ts"
import { buildFunction, building, type BuiltFunction, entryPoints } from "./bundle.ts"
import { bundleCommand } from "./command.ts"
import { compilations, copyProjectFiles } from "./compilations.ts"
import { removeUnreachableDeclarations } from "./declarations.ts"
import { writePackagedFunctions } from "./packagedFunctions.ts"

const script: Script<never> = {
  command: "npm run build",
  purpose:
    "Writes the npm package into dist/, and each function as dist/lambda/FUNCTION.zip for Lambda's nodejs24.x, " +
    "arm64 and x86_64 alike. dist/functions/ has what the npm package has of them: zips, policies and the template. The " +
    "previous dist/ is deleted.",
  options: {},
  examples: ["npm run build"],
  status: "0 everything is built, 1 something does not compile, 2 the command line is wrong"
}

const build = async () => {
  await rm("dist", { recursive: true, force: true })
  for (const compilation of compilations("dist")) execFileSync(process.execPath, compilation, { stdio: "inherit" })
  await removeUnreachableDeclarations("dist")
  await bundleCommand("dist")
  await copyProjectFiles("dist")

  const built: Array<BuiltFunction> = []
  for (const [name, module] of await entryPoints()) {
    const one = await buildFunction(name, module)
    process.stdout.write(`${one.path}  ${one.zip.length} bytes (function.js ${one.files["function.js"].length})\n`)
    built.push(one)
  }
  await writePackagedFunctions(built, "dist/functions")
}

await runScript(script, () => building(build))
