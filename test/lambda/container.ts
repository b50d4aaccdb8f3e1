// Runs a bundled function as Lambda does: in a process of its own that has only the given environment variables. With
// LAMBDA_RUNTIME_CLIENT, the path of `aws-lambda-ric`, Lambda's own runtime client loads and calls the function.
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"

/**
 * Each line of its input is an event and the remaining time of the function; each line of its fourth stream is a result.
 * An error is printed whole, as Lambda does. Like Lambda's runtime client, it waits for the next event in a thread of
 * libuv's pool, for which `process.exit` would wait.
 */
const driver = `
import { read, writeSync } from "node:fs"
import { inspect } from "node:util"
import { handler } from "./index.mjs"
const chunk = Buffer.alloc(65_536)
const readChunk = () =>
  new Promise((resolve, reject) =>
    read(0, chunk, 0, chunk.length, null, (error, length) => error ? reject(error) : resolve(chunk.toString("latin1", 0, length)))
  )
let received = ""
for (let text = await readChunk(); text !== ""; text = await readChunk()) {
  const lines = (received + text).split("\\n")
  received = lines.pop()
  for (const line of lines) {
    const { event, remainingMillis } = JSON.parse(Buffer.from(line, "latin1").toString())
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
}
process.exit()
`

const { LAMBDA_RUNTIME_CLIENT: runtimeClient } = process.env

/** The arguments of Node, and the variables that Lambda's runtime client requires. */
const start = runtimeClient === undefined
  ? { main: ["driver.mjs"], env: {} }
  : {
    main: ["--import", new URL("../../scripts/runtimeClient/hooks.mjs", import.meta.url).href, resolve(runtimeClient)],
    env: {
      AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9",
      AWS_LAMBDA_FUNCTION_NAME: "test",
      AWS_LAMBDA_FUNCTION_VERSION: "1",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/test",
      AWS_LAMBDA_LOG_STREAM_NAME: "test",
      _HANDLER: "index.handler"
    }
  }

export type Result = { readonly resolved: JobOutcome } | { readonly rejected: string }

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** The fifth stream, for modules of `nodeOptions`. */
  readonly notes: string
}

export interface Options {
  /** Contains the function as `index.mjs`. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** The working directory of the process. Default: `folder`. */
  readonly cwd?: string
  readonly nodeOptions?: ReadonlyArray<string>
}

/** Runs `request`, and waits until the process has ended. */
const ended = (child: ChildProcess, request: () => unknown) =>
  Effect.callback<Pick<Ended, "code" | "signal">>((resume) => {
    child.on("close", (code, signal) => resume(Effect.succeed({ code, signal })))
    request()
  })

export const startContainer = Effect.fnUntraced(function*({ cwd, env, folder, nodeOptions = [] }: Options) {
  yield* Effect.promise(() => writeFile(join(folder, "driver.mjs"), driver))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [
        ...nodeOptions,
        ...start.main.map((file) => file === "driver.mjs" ? join(folder, file) : file)
      ], {
        cwd: cwd ?? folder,
        env: { ...start.env, ...(runtimeClient !== undefined && { LAMBDA_TASK_ROOT: folder }), ...env },
        stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const output = Promise.all([child.stdout, child.stderr, child.stdio[4] as Readable].map((stream) => text(stream)))
  const results = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]()
  const end = Effect.fnUntraced(function*(request: () => unknown) {
    const exit = yield* ended(child, request)
    const [stdout = "", stderr = "", notes = ""] = yield* Effect.promise(() => output)
    return { ...exit, stdout, stderr, notes } satisfies Ended
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
    /** Shuts the container down with SIGTERM, as Lambda does. */
    shutDown: end(() => child.kill("SIGTERM"))
  }
})
