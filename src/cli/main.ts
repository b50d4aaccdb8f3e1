#!/usr/bin/env node
// The entry point of effect-codepipeline on the command line.
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { dirname } from "node:path"
import { chdir, cwd } from "node:process"
import { fileURLToPath } from "node:url"
import { command } from "./command.ts"
import { endWithReader } from "./commandLine/endWithReader.ts"
import { runCommand } from "./commandLine/runCommand.ts"
import { nodeServices } from "./nodeServices.ts"

const manifestPath = fileURLToPath(new URL("../../package.json", import.meta.url))
const { version } = createRequire(import.meta.url)(manifestPath) as { readonly version: string }

// The npm scripts of this repository take paths of the folder where npm was called. npm changes to the package's folder.
const { INIT_CWD } = process.env
if (INIT_CWD !== undefined && cwd() === dirname(manifestPath)) chdir(INIT_CWD)

endWithReader()
process.exitCode = await runCommand(command, version, process.argv.slice(2)).pipe(
  Effect.provide(nodeServices),
  Effect.runPromise
)
