// A function as `npm run build` makes it, in a process of its own, as Lambda runs it.
import { assert, beforeAll } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { bundle, entryPoints } from "../../scripts/bundle.ts"
import type { JobOutcome } from "../../src/domain/JobOutcome.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { type JobEvent, secrets } from "../fixtures.ts"

/** Processes start slowly on a busy machine. */
export const timeout = 60_000

/** Plays Lambda: each line of its input is an event, each line of its fourth stream what became of it. */
const runner = `
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { handler } from "./index.mjs"
for await (const line of createInterface({ input: process.stdin })) {
  const { event, remainingMillis } = JSON.parse(line)
  const context = { awsRequestId: "8d8a5c0e-1f0b", getRemainingTimeInMillis: () => remainingMillis }
  const result = await handler(event, context).then(
    (resolved) => ({ resolved }),
    (error) => ({ rejected: String(error) })
  )
  writeSync(3, JSON.stringify(result) + "\\n")
}
`

const functionSecret = "secret-of-the-function"

export type Result = { readonly resolved: JobOutcome } | { readonly rejected: string }

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const end = (child: ChildProcess) =>
  Effect.callback<number | null>((resume) => {
    child.on("close", (code) => resume(Effect.succeed(code)))
    child.stdin?.end()
  })

/** Bundles the function, once for all tests of a file. */
export const buildFunction = (name: string) => {
  /** Holds the bundled function and nothing else; there are no node_modules above it. */
  let folder = ""

  beforeAll(async () => {
    const outdir = await mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-"))
    const [, module = ""] = (await entryPoints()).find((entry) => entry[0] === name) ?? []
    await bundle(name, module, outdir)
    folder = join(outdir, name)
    await writeFile(join(folder, "runner.mjs"), runner)
    return () => rm(outdir, { recursive: true })
  }, timeout)

  /** A container of the function: a process with only these variables, and those that Lambda sets. */
  const start = Effect.fnUntraced(function*(environment: Readonly<Record<string, string>>) {
    const codePipeline = yield* CodePipelineServer
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["runner.mjs"], {
          cwd: folder,
          env: {
            AWS_REGION: "eu-central-1",
            AWS_ENDPOINT_URL_CODEPIPELINE: codePipeline.endpoint,
            AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
            AWS_SECRET_ACCESS_KEY: functionSecret,
            ...environment
          },
          stdio: ["pipe", "pipe", "pipe", "pipe"]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const output = Promise.all([text(child.stdout), text(child.stderr)])
    const results = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]()
    return {
      invoke: (event: JobEvent, remainingMillis = 60_000) =>
        Effect.promise(async () => {
          child.stdin.write(`${JSON.stringify({ event, remainingMillis })}\n`)
          const { value } = await results.next()
          if (value === undefined) return assert.fail(`the function has ended: ${(await output).join("\n")}`)
          return JSON.parse(value) as Result
        }),
      end: Effect.gen(function*() {
        const code = yield* end(child)
        const [stdout, stderr] = yield* Effect.promise(() => output)
        return { code, stdout, stderr } satisfies Ended
      })
    }
  })

  return { folder: () => folder, start }
}

/** What CodePipeline was told last. */
export const lastReport = Effect.map(CodePipelineServer, ({ calls }) => {
  const { operation = "", parameters = {} } = calls.at(-1) ?? {}
  return { operation, parameters }
})

/** The function has ended well, and logged of these jobs, in lines of JSON that hold no secret. */
export const assertClean = (
  action: string,
  { code, stderr, stdout }: Ended,
  jobIds: ReadonlyArray<string>,
  moreSecrets: ReadonlyArray<string> = []
) => {
  assert.strictEqual(stderr, "")
  assert.strictEqual(code, 0)
  const lines = stdout.trimEnd().split("\n").map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
  assert.deepStrictEqual([...new Set(lines.map((line) => String(line["jobId"])))], jobIds)
  for (const line of lines) assert.deepInclude(line, { action, requestId: "8d8a5c0e-1f0b" })
  for (const secret of [...secrets, functionSecret, ...moreSecrets]) {
    assert.notInclude(stdout, secret)
    assert.notInclude(stdout, JSON.stringify(secret).slice(1, -1))
  }
}
