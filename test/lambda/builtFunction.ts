// A function as `npm run build` makes it, and what tests expect of every one.
import { assert, beforeAll } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { entryPoints, functionFiles, writeFiles } from "../../scripts/build/bundle.ts"
import { codeCacheFile, codeCacheRequest } from "../../src/cli/build/codeCache.ts"
import { DecodedResponse } from "../../src/cli/deploy/code/codeCacheClient.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { secrets } from "../fixtures.ts"
import { compileOnce } from "./compileOnce.ts"
import { type Ended, startContainer } from "./container.ts"

/** Processes start slowly on a busy machine. */
export const timeout = 60_000

const functionSecret = "secret-of-the-function"

const common = { AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "AKIAFUNCTION", AWS_SECRET_ACCESS_KEY: functionSecret }

const decodeResponse = Schema.decodeUnknownEffect(Schema.Struct({ resolved: DecodedResponse }))

/** Puts the V8 code cache beside the function, as `npm run deploy` does. */
const addCodeCache = Effect.fnUntraced(function*(folder: string) {
  const { end, invoke } = yield* startContainer({ folder, env: common })
  const { resolved } = yield* decodeResponse(yield* invoke(codeCacheRequest))
  yield* end
  if (resolved.usesCodeCache) return
  yield* Effect.promise(() => writeFile(join(folder, codeCacheFile), gunzipSync(resolved.codeCache)))
}, Effect.scoped)

/**
 * Bundles a function for all tests of a file: one of `src/lambda`, or a module beside the tests. It starts with its V8 code
 * cache, except in containers whose V8 has flags.
 */
export const buildFunction = (name: string, ownModule?: string) => {
  /** Has the bundled function and nothing else; there are no node_modules above it. */
  let folder = ""

  beforeAll(async () => {
    const outdir = await mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-"))
    const [, module = ""] = (await entryPoints()).find((entry) => entry[0] === name) ?? []
    folder = join(outdir, name)
    await writeFiles(await functionFiles(await compileOnce(ownModule ?? module)), folder)
    await Effect.runPromise(addCodeCache(folder))
    return () => rm(outdir, { recursive: true })
  })

  /** A container of the function: a process with only these variables, and those that Lambda sets. */
  const start = Effect.fnUntraced(function*(
    environment: Readonly<Record<string, string>>,
    nodeOptions: ReadonlyArray<string> = []
  ) {
    const codePipeline = yield* CodePipelineServer
    return yield* startContainer({
      folder,
      nodeOptions,
      env: { ...common, AWS_ENDPOINT_URL_CODEPIPELINE: codePipeline.endpoint, ...environment }
    })
  })

  return { folder: () => folder, start }
}

/** The last report to CodePipeline. */
export const lastReport = Effect.map(CodePipelineServer, ({ calls }) => {
  const { operation = "", parameters = {} } = calls.at(-1) ?? {}
  return { operation, parameters }
})

/** The function exited normally, and logged these jobs, as lines of JSON without secrets. */
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
