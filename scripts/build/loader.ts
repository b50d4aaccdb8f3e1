// The index.mjs of a built function. It runs function.js, from what V8 has made of it before where that lies beside it, and
// gives what V8 has made of it to whoever asks.
//
// V8 takes such code from the very same build of itself alone: it compares its version, its flags and the checksum of its
// own snapshot. So it can be made nowhere but in Lambda, and after an update of Lambda's Node it is compiled as ever.
import type { Handler } from "../../src/lambda/handler.ts"
import { codeCacheFile, codeCacheRequest, type CodeCacheResponse } from "./codeCache.ts"

// Without what a bundle needs to import them.
const { getBuiltinModule } = process
const { readFileSync } = getBuiltinModule("node:fs")
const { join } = getBuiltinModule("node:path")
const { Script } = getBuiltinModule("node:vm")

const here = (file: string) => join(import.meta.dirname, file)

const readIfThere = (file: string) => {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

const filename = here("function.js")
const source = readFileSync(filename, "latin1")

const make = (cachedData: Buffer | undefined) => {
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) })
  return { script, isCompiled: cachedData !== undefined && script.cachedDataRejected === false }
}

const { isCompiled, script } = make(readIfThere(here(codeCacheFile)))

const load = async (): Promise<Handler> => script.runInThisContext()()

const run = await load()

/** A function of this memory, in MB, plays a job while it loads. */
const small = "128"

const answer = async (): Promise<CodeCacheResponse> => {
  if (isCompiled) return { isCompiled }
  // What a job needs is to be compiled too.
  process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = small
  await load()
  return {
    isCompiled,
    code: getBuiltinModule("node:zlib").gzipSync(script.createCachedData()).toString("base64"),
    sha256: getBuiltinModule("node:crypto").createHash("sha256").update(source).digest("hex")
  }
}

export const handler = (...[event, context]: Parameters<Handler>): ReturnType<Handler> | Promise<CodeCacheResponse> =>
  event === codeCacheRequest ? answer() : run(event, context)
