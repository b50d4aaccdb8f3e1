#!/usr/bin/env node
// The entry point of effect-codepipeline on the command line.
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { dirname } from "node:path"
import { chdir, cwd } from "node:process"
import { command } from "./command.ts"
import { endWithReader } from "./commandLine/endWithReader.ts"
import { runCommand } from "./commandLine/runCommand.ts"
import { nodeServices } from "./nodeServices.ts"
import { packageFile } from "./packageFiles.ts"

const manifest = packageFile("package.json")
const { version } = createRequire(import.meta.url)(manifest) as { readonly version: string }

// The npm scripts of this repository take paths of the folder where npm was called. npm changes to the package's folder.
const { INIT_CWD } = process.env
if (INIT_CWD !== undefined && cwd() === dirname(manifest)) chdir(INIT_CWD)

endWithReader()
process.exitCode = await runCommand(command, version, process.argv.slice(2)).pipe(
  Effect.provide(nodeServices),
  Effect.runPromise
)
