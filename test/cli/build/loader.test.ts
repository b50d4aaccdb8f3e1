import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Random, Schema } from "effect"
import { createHash } from "node:crypto"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { codeCacheFile, codeCacheRequest, sealed, unsealed } from "../../../src/cli/build/codeCache.ts"
import { DecodedResponse } from "../../../src/cli/deploy/code/codeCacheClient.ts"
import { CodePipelineServer } from "../../contract/CodePipelineServer.ts"
import { assertClean, buildFunction, timeout } from "../../lambda/builtFunction.ts"

const built = buildFunction("check-webpage")

const writeCodeCache = (bytes: Uint8Array) =>
  Effect.promise(() => writeFile(join(built.folder(), codeCacheFile), bytes))

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

const decodeResponse = Schema.decodeUnknownEffect(Schema.Struct({ resolved: DecodedResponse }))

/** The response of a new container. It logs nothing, and the container still does a job. */
const requestCodeCache = Effect.fnUntraced(
  function*(nodeOptions: ReadonlyArray<string>) {
    const { end, invoke } = yield* built.start({}, nodeOptions)
    const { resolved } = yield* decodeResponse(yield* invoke(codeCacheRequest))
    assert.deepNestedInclude(yield* invoke(job), { "resolved._tag": "Failed", "resolved.type": "ConfigurationError" })
    assertClean("check-webpage", yield* end, ["job-1"])
    return resolved
  },
  Effect.scoped,
  Effect.provide(CodePipelineServer.layer)
)

const usesCodeCache = (nodeOptions: ReadonlyArray<string> = []) =>
  Effect.map(requestCodeCache(nodeOptions), ({ usesCodeCache }) => usesCodeCache)

const createCodeCache = Effect.gen(function*() {
  const response = yield* requestCodeCache([])
  if (response.usesCodeCache) return assert.fail("it already uses a code cache")
  const code = yield* Effect.promise(() => readFile(join(built.folder(), "function.js")))
  assert.strictEqual(response.sha256, createHash("sha256").update(code).digest("hex"))
  return gunzipSync(response.codeCache)
})

describe("the loader of a built function", () => {
  it.live(
    "returns a V8 code cache, and starts with it once it is beside the function",
    () =>
      Effect.gen(function*() {
        yield* writeCodeCache(yield* createCodeCache)
        assert.isTrue(yield* usesCodeCache())
      }),
    timeout
  )

  it.live("starts without a code cache that V8 rejects", () =>
    Effect.gen(function*() {
      yield* writeCodeCache(yield* createCodeCache)
      // V8 rejects a code cache that was created with other flags.
      assert.isFalse(yield* usesCodeCache(["--stack-trace-limit=20"]))
    }), timeout)

  it.live("starts without a code cache that is damaged anywhere, or for another source", () =>
    Effect.gen(function*() {
      const file = yield* createCodeCache
      const source = yield* Effect.promise(() => readFile(join(built.folder(), "function.js")))
      const codeCache = unsealed(file, source) ?? assert.fail("it has a wrong checksum")
      const positions = yield* Effect.replicateEffect(Random.nextIntBetween(0, file.length - 1), 6)
      const damaged = [...positions, file.length - 1].map((position) => {
        const bytes = Buffer.from(file)
        bytes.writeUInt8(bytes.readUInt8(position) ^ 0x55, position)
        return bytes
      })
      const others = [
        sealed(codeCache, source.subarray(1)),
        file.subarray(0, file.length / 2),
        file.subarray(0, -1),
        Buffer.from("not a code cache"),
        Buffer.alloc(0)
      ]
      for (const bytes of [...damaged, ...others]) {
        yield* writeCodeCache(bytes)
        assert.isFalse(yield* usesCodeCache())
      }
    }), timeout)
})
