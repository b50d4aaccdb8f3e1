// The subcommand deploy in a process of its own.
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url))

/** A temporary folder. The build writes into `dist` there. */
const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "effect-codepipeline-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

/** Runs the script as npm does, and returns its output and exit status. */
export const deployScript = Effect.fnUntraced(
  function*(args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) {
    const cwd = yield* folder
    // Without any AWS profile, and without the metadata service of EC2.
    const env = { PATH: process.env["PATH"], HOME: cwd, AWS_EC2_METADATA_DISABLED: "true", ...environment }
    return yield* Effect.callback<{ readonly status: unknown; readonly stdout: string; readonly stderr: string }>(
      (resume) =>
        void execFile(
          process.execPath,
          [script, "deploy", ...args],
          { cwd, env },
          (error, stdout, stderr) => resume(Effect.succeed({ status: error === null ? 0 : error.code, stdout, stderr }))
        )
    )
  },
  Effect.scoped
)
