#!/usr/bin/env node
// The entry point of effect-codepipeline on the command line.
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { chdir, cwd } from "node:process"
import { pathToFileURL } from "node:url"
import { command } from "./command.ts"
import { endWithReader } from "./commandLine/endWithReader.ts"
import { runCommand } from "./commandLine/runCommand.ts"
import { nodeServices } from "./nodeServices.ts"
import { copyOf, packageFile } from "./packageFiles.ts"

type Manifest = { readonly version: string; readonly bin: { readonly "effect-codepipeline": string } }
const readManifest = (path: string): Manifest => createRequire(import.meta.url)(path)

const manifest = packageFile("package.json")
const copy = copyOf(cwd())
if (copy !== undefined && copy !== manifest) {
  // This command is installed globally. The modules of the project work only with the project's own copy.
  await import(pathToFileURL(join(dirname(copy), readManifest(copy).bin["effect-codepipeline"])).href)
} else {
  // The npm scripts of this repository take paths of the folder where npm was called. npm changes to the package's folder.
  const { INIT_CWD } = process.env
  if (INIT_CWD !== undefined && cwd() === dirname(manifest)) chdir(INIT_CWD)

  endWithReader()
  process.exitCode = await runCommand(command, readManifest(manifest).version, process.argv.slice(2)).pipe(
    Effect.provide(nodeServices),
    Effect.runPromise
  )
}
