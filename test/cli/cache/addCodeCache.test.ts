import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { entryPoints, functionFiles } from "../../../scripts/build/bundle.ts"
import { codeCacheFile } from "../../../src/cli/build/codeCache.ts"
import { addCodeCache as add } from "../../../src/cli/cache/addCodeCache.ts"
import { makeLambdaFunctions } from "../../../src/cli/cache/LambdaFunctions.ts"
import { makeCodeCacheClient } from "../../../src/cli/deploy/code/codeCacheClient.ts"
import { filesInZip } from "../../../src/cli/deploy/code/functionZip.ts"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import { timeout } from "../../lambda/builtFunction.ts"
import { compileOnce } from "../../lambda/compileOnce.ts"
import { fakeLambda, type FakeLambdaOptions } from "./FakeLambda.ts"

/** The zip of check-webpage, as built; and one with a file of a user. */
let zip: Uint8Array

beforeAll(async () => {
  const [, module = ""] = (await entryPoints()).find(([name]) => name === "check-webpage") ?? []
  const files = await functionFiles(await compileOnce(module))
  zip = await Effect.runPromise(zipFiles({ ...files, "extension/settings.json": "{}" }))
}, timeout)

type Lambda = Effect.Success<ReturnType<typeof fakeLambda>>

const addCodeCache = ({ client }: Pick<Lambda, "client">) =>
  add("check-webpage", {
    requestCodeCache: makeCodeCacheClient(client),
    functions: makeLambdaFunctions(client),
    reportStep: () => Effect.void
  })

/** Adds a code cache to the function, which is in Lambda with this zip. */
const failureOf = (options: FakeLambdaOptions, code?: Uint8Array) =>
  Effect.gen(function*() {
    const lambda = yield* fakeLambda(code ?? zip, options)
    const { message } = yield* Effect.flip(addCodeCache(lambda))
    return { message, ...lambda }
  })

describe("the code cache of a function that another tool has deployed", () => {
  it.live(
    "is added beside the function's own files, and the function starts with it",
    () =>
      Effect.gen(function*() {
        const lambda = yield* fakeLambda(zip)
        assert.strictEqual(yield* addCodeCache(lambda), "Added")
        const files = yield* filesInZip(lambda.code())
        const { [codeCacheFile]: codeCache, ...others } = files
        assert.isDefined(codeCache)
        assert.deepStrictEqual(others, yield* filesInZip(zip))

        const added = lambda.code()
        assert.strictEqual(yield* addCodeCache(lambda), "Unchanged")
        assert.strictEqual(lambda.code(), added)
      }),
    timeout
  )

  it.live("is left to V8: a function whose code cache V8 rejects starts as before", () =>
    Effect.gen(function*() {
      // V8 rejects a code cache that was created with other flags.
      const lambda = yield* fakeLambda(zip, { nodeOptions: [[], ["--stack-trace-limit=20"]] })
      assert.strictEqual(yield* addCodeCache(lambda), "Rejected")
    }), timeout)

  it.live(
    "is added when the response of the update is lost, and Lambda refuses to do it again",
    () =>
      Effect.gen(function*() {
        const lambda = yield* fakeLambda(zip, { onUpdate: "response lost" })
        assert.strictEqual(yield* addCodeCache(lambda), "Added")
        assert.lengthOf(lambda.calls.filter((call) => call === "UpdateFunctionCode"), 2)
      }),
    timeout
  )

  it.live("is not added to a function that was changed in the meantime", () =>
    Effect.gen(function*() {
      const { code, message } = yield* failureOf({ onUpdate: "another update" })
      assert.strictEqual(
        message,
        "Function check-webpage was changed in the meantime, and is left as it is. Run this again"
      )
      assert.strictEqual(String(code()), "another zip")
    }), timeout)

  it.live("is not requested from a function that this package has not built", () =>
    Effect.gen(function*() {
      const { calls, message } = yield* failureOf({}, yield* zipFiles({ "index.mjs": "export const handler = 1" }))
      assert.match(message, /is not one of this package, and was not built with effect-codepipeline build/)
      assert.deepStrictEqual(calls, ["GetFunction"])
    }))

  it.live("cannot be added to a container image", () =>
    Effect.gen(function*() {
      const { message } = yield* failureOf({ packageType: "Image" })
      assert.strictEqual(message, "Function check-webpage has no zip, but a container image")
    }))

  it.live("cannot be added when the function's code cannot be downloaded, and its URL stays secret", () =>
    Effect.gen(function*() {
      const { message } = yield* failureOf({ downloadStatus: 403 })
      assert.include(message, "CodeNotDownloaded: status 403")
      assert.notInclude(message, "secret")
    }))

  it.live("cannot be added when the function's zip is damaged", () =>
    Effect.gen(function*() {
      const damaged = Buffer.from(zip)
      damaged.writeUInt8(damaged.readUInt8(5_000) ^ 1, 5_000)
      const { calls, message } = yield* failureOf({}, damaged)
      assert.match(message, /^The zip of function check-webpage: its file "function\.js": /)
      assert.deepStrictEqual(calls, ["GetFunction"])
    }))
})
