// Plays Lambda for a bundled function: a process of its own, with nothing but the variables that it is given.
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"

/**
 * Each line of its input is an event and how long the function may run; each line of its fourth stream what became of
 * it. Why it was rejected is printed whole, as Lambda does.
 */
const runner = `
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { inspect } from "node:util"
import { handler } from "./index.mjs"
for await (const line of createInterface({ input: process.stdin })) {
  const { event, remainingMillis } = JSON.parse(line)
  const end = Date.now() + remainingMillis
  const context = { awsRequestId: "8d8a5c0e-1f0b", getRemainingTimeInMillis: () => end - Date.now() }
  const result = await handler(event, context).then(
    (resolved) => ({ resolved }),
    (error) => {
      process.stderr.write(inspect(error, { depth: Infinity, showHidden: true }) + "\\n")
      return { rejected: String(error) }
    }
  )
  writeSync(3, JSON.stringify(result) + "\\n")
}
process.exit()
`

export type Result = { readonly resolved: JobOutcome } | { readonly rejected: string }

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What a module of `nodeOptions` has written into the fifth stream. */
  readonly notes: string
}

export interface Options {
  /** Has the function as `index.mjs`. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Where the process runs; in `folder` when left out. */
  readonly cwd?: string
  readonly nodeOptions?: ReadonlyArray<string>
}

/** Waits until the process has ended, after it was asked to. */
const ended = (child: ChildProcess, ask: () => unknown) =>
  Effect.callback<number | null>((resume) => {
    child.on("close", (code) => resume(Effect.succeed(code)))
    ask()
  })

export const startContainer = Effect.fnUntraced(function*({ cwd, env, folder, nodeOptions = [] }: Options) {
  const main = join(folder, "runner.mjs")
  yield* Effect.promise(() => writeFile(main, runner))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [...nodeOptions, main], {
        cwd: cwd ?? folder,
        env,
        stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const output = Promise.all([child.stdout, child.stderr, child.stdio[4] as Readable].map((stream) => text(stream)))
  const results = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]()
  const end = Effect.fnUntraced(function*(ask: () => unknown) {
    const code = yield* ended(child, ask)
    const [stdout = "", stderr = "", notes = ""] = yield* Effect.promise(() => output)
    return { code, stdout, stderr, notes } satisfies Ended
  })
  return {
    invoke: (event: unknown, remainingMillis = 60_000) =>
      Effect.promise(async () => {
        child.stdin.write(`${JSON.stringify({ event, remainingMillis })}\n`)
        const { value } = await results.next()
        if (value === undefined) return assert.fail(`the function has ended: ${(await output).join("\n")}`)
        return JSON.parse(value) as Result
      }),
    end: end(() => child.stdin.end()),
    /** Shuts the container down as Lambda does. */
    shutDown: end(() => child.kill("SIGTERM"))
  }
})
