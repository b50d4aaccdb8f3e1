import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { codeCacheFile, codeCacheRequest } from "../../../scripts/build/codeCache.ts"
import { Compiled } from "../../../scripts/deploy/functionsInLambda.ts"
import { CodePipelineServer } from "../../contract/CodePipelineServer.ts"
import { assertClean, buildFunction, timeout } from "../../lambda/builtFunction.ts"

const built = buildFunction("check-webpage")

const lay = (bytes: Uint8Array) => Effect.promise(() => writeFile(join(built.folder(), codeCacheFile), bytes))

beforeEach(() => rm(join(built.folder(), codeCacheFile), { force: true }))

const job = {
  "CodePipeline.job": {
    id: "job-1",
    data: {
      actionConfiguration: { configuration: { UserParameters: "{\"url\":\"no URL\"}" } },
      inputArtifacts: [],
      outputArtifacts: [],
      artifactCredentials: { accessKeyId: "A", secretAccessKey: "S", sessionToken: "T" }
    }
  }
}

const decodeAnswer = Schema.decodeUnknownEffect(Schema.Struct({ resolved: Compiled }))

/** What a new container answers. It logs nothing of that, and does a job as ever. */
const ask = Effect.fnUntraced(
  function*(nodeOptions: ReadonlyArray<string>) {
    const { end, invoke } = yield* built.start({}, nodeOptions)
    const { resolved } = yield* decodeAnswer(yield* invoke(codeCacheRequest))
    assert.deepNestedInclude(yield* invoke(job), { "resolved._tag": "Failed", "resolved.type": "ConfigurationError" })
    assertClean("check-webpage", yield* end, ["job-1"])
    return resolved
  },
  Effect.scoped,
  Effect.provide(CodePipelineServer.layer)
)

const isCompiled = (nodeOptions: ReadonlyArray<string> = []) =>
  Effect.map(ask(nodeOptions), ({ isCompiled }) => isCompiled)

const compile = Effect.gen(function*() {
  const answer = yield* ask([])
  if (answer.isCompiled) return assert.fail("it is compiled already")
  const code = yield* Effect.promise(() => readFile(join(built.folder(), "function.js")))
  assert.strictEqual(answer.sha256, createHash("sha256").update(code).digest("hex"))
  return gunzipSync(answer.code)
})

describe("the loader of a built function", () => {
  it.live(
    "gives what V8 has compiled, and starts from it where it lies beside the function",
    () =>
      Effect.gen(function*() {
        yield* lay(yield* compile)
        assert.isTrue(yield* isCompiled())
      }),
    timeout
  )

  it.live("compiles as ever where V8 does not take it", () =>
    Effect.gen(function*() {
      const compiled = yield* compile
      yield* lay(compiled)
      // V8 with another flag is another V8.
      assert.isFalse(yield* isCompiled(["--stack-trace-limit=20"]))
      for (const bytes of [compiled.subarray(0, compiled.length / 2), Buffer.from("no code"), Buffer.alloc(0)]) {
        yield* lay(bytes)
        assert.isFalse(yield* isCompiled())
      }
    }), timeout)
})
