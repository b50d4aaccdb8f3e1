#!/usr/bin/env node
// The entry point of effect-codepipeline on the command line.
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { chdir } from "node:process"
import { command } from "./command.ts"
import { endWithReader } from "./commandLine/endWithReader.ts"
import { runCommand } from "./commandLine/runCommand.ts"
import { nodeServices } from "./nodeServices.ts"

const manifest = createRequire(import.meta.url)("../../package.json") as {
  readonly name: string
  readonly version: string
}

// The npm scripts of this repository take paths of the folder where npm was called. npm changes to the package's folder.
const { INIT_CWD, npm_package_name } = process.env
if (INIT_CWD !== undefined && npm_package_name === manifest.name) chdir(INIT_CWD)

endWithReader()
process.exitCode = await runCommand(command, manifest.version, process.argv.slice(2)).pipe(
  Effect.provide(nodeServices),
  Effect.runPromise
)
