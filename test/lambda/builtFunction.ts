// A function as `npm run build` makes it, and what tests expect of every one.
import { assert, beforeAll } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundle, entryPoints } from "../../scripts/bundle.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { secrets } from "../fixtures.ts"
import { type Ended, startContainer } from "./container.ts"

/** Processes start slowly on a busy machine. */
export const timeout = 60_000

const functionSecret = "secret-of-the-function"

/** Bundles the function, once for all tests of a file: one of `src/lambda`, or a module beside the tests. */
export const buildFunction = (name: string, ownModule?: string) => {
  /** Holds the bundled function and nothing else; there are no node_modules above it. */
  let folder = ""

  beforeAll(async () => {
    const outdir = await mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-"))
    const [, module = ""] = (await entryPoints()).find((entry) => entry[0] === name) ?? []
    await bundle(name, ownModule ?? module, outdir)
    folder = join(outdir, name)
    return () => rm(outdir, { recursive: true })
  }, timeout)

  /** A container of the function: a process with only these variables, and those that Lambda sets. */
  const start = Effect.fnUntraced(function*(environment: Readonly<Record<string, string>>) {
    const codePipeline = yield* CodePipelineServer
    return yield* startContainer({
      folder,
      env: {
        AWS_REGION: "eu-central-1",
        AWS_ENDPOINT_URL_CODEPIPELINE: codePipeline.endpoint,
        AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
        AWS_SECRET_ACCESS_KEY: functionSecret,
        ...environment
      }
    })
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
