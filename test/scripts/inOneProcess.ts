import { assert } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Printed } from "./runScripts.ts"

export const repository = fileURLToPath(new URL("../..", import.meta.url))

/** Runs a program to its end, whatever its exit status is. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}
) =>
  new Promise<Printed>((resolve) =>
    execFile(
      program,
      args,
      { cwd: repository, ...options },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr })
    )
  )

/** Runs scripts one after another in one process, and returns the result of each. */
export const runInOneProcess = async (
  commandLines: ReadonlyArray<ReadonlyArray<string>>,
  flagsOfNode: ReadonlyArray<string> = [],
  variables: Readonly<Record<string, string>> = {}
): Promise<ReadonlyArray<Printed>> => {
  const args = [...flagsOfNode, "test/scripts/runScripts.ts", JSON.stringify(commandLines)]
  const { stderr, stdout } = await run(process.execPath, args, { env: { PATH: process.env["PATH"], ...variables } })
  return stdout === "" ? assert.fail(stderr) : JSON.parse(stdout) as ReadonlyArray<Printed>
}
