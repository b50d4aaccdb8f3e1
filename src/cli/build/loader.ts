// The index.mjs of a built function. It runs function.js, with the V8 code cache beside it if there is one. On request it
// returns a code cache.
//
// V8 accepts a code cache only from the same build of V8: it compares its version, its flags and the checksum of its
// snapshot. So the cache must come from Lambda itself, and after an update of Lambda's Node, V8 rejects it and compiles
// function.js at each start. So it does if the cache is damaged.
import type { Handler } from "../../lambda/handler.ts"
import { codeCacheFile, codeCacheRequest, type CodeCacheResponse, sealed, unsealed } from "./codeCache.ts"

// Not imported: a bundle adds code for each import.
const { getBuiltinModule } = process
const { readFileSync } = getBuiltinModule("node:fs")
const { join } = getBuiltinModule("node:path")
const { Script } = getBuiltinModule("node:vm")

const here = (file: string) => join(import.meta.dirname, file)

const readIfPresent = (file: string) => {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

const filename = here("function.js")
const source = readFileSync(filename)
const file = readIfPresent(here(codeCacheFile))
const cachedData = file && unsealed(file, source)
const script = new Script(source.toString(), { filename, ...(cachedData && { cachedData }) })
const usesCodeCache = cachedData !== undefined && script.cachedDataRejected === false

const load = async (): Promise<Handler> => script.runInThisContext()(import.meta)

/** The handler of the function's module. `build` checks that it is a function. */
export const run = await load()

/** MB of memory. With as little, a function replays a job while it loads. */
const primedMemory = "128"

const codeCacheResponse = async (): Promise<CodeCacheResponse> => {
  if (usesCodeCache) return { usesCodeCache }
  // The replayed job compiles the functions that a job needs, so that they get into the code cache.
  process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = primedMemory
  await load()
  return {
    usesCodeCache,
    codeCache: getBuiltinModule("node:zlib").gzipSync(sealed(script.createCachedData(), source)).toString("base64"),
    sha256: getBuiltinModule("node:crypto").createHash("sha256").update(source).digest("hex")
  }
}

export const handler = (...[event, context]: Parameters<Handler>): ReturnType<Handler> | Promise<CodeCacheResponse> =>
  event === codeCacheRequest ? codeCacheResponse() : run(event, context)
