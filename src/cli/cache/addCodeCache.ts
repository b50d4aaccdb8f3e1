// Adds V8's code cache to a function that is already in Lambda.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { gunzipSync } from "node:zlib"
import { zipFiles } from "../../internal/zipFiles.ts"
import { codeCacheFile } from "../build/codeCache.ts"
import type { RequestCodeCache } from "../deploy/code/codeCacheClient.ts"
import { filesInZip } from "../deploy/code/functionZip.ts"
import { type LambdaFunctions, UpdateFailed } from "./LambdaFunctions.ts"

/** The function's zip cannot be changed. */
export class WrongZip extends Schema.TaggedError<WrongZip>()("WrongZip", { message: Schema.String }) {}

/** Lambda accepts a larger zip only through S3. */
const maxZipBytes = 50 * 1024 * 1024

/** How the function starts now. */
export type CodeCacheResult = "Unchanged" | "Added" | "Rejected"

const notBuilt = (functionName: string) =>
  `Function ${functionName} is not one of this package, and was not built with effect-codepipeline build, or its zip was ` +
  "changed since"

/**
 * Requests the code cache of the function, and updates the function's code with it, unless it starts with one already. If
 * V8 rejects the code cache, the function starts as before.
 */
export const addCodeCache = Effect.fn("addCodeCache")(function*(
  functionName: string,
  { functions, reportStep, requestCodeCache }: {
    readonly requestCodeCache: RequestCodeCache
    readonly functions: LambdaFunctions
    readonly reportStep: (step: string, text: string) => Effect.Effect<void>
  }
) {
  const code = yield* functions.codeOf(functionName)
  const files = yield* filesInZip(code.zip).pipe(
    Effect.mapError(({ message }) => new WrongZip({ message: `The zip of function ${functionName}: ${message}` }))
  )
  const source = files["function.js"]
  // Another function is not even invoked.
  if (source === undefined || files["index.mjs"] === undefined) {
    return yield* new WrongZip({ message: notBuilt(functionName) })
  }
  const request = requestCodeCache(functionName).pipe(
    Effect.catchTag("UnexpectedResponse", () => new WrongZip({ message: notBuilt(functionName) }))
  )
  const response = yield* request
  if (response.usesCodeCache) return "Unchanged"
  if (createHash("sha256").update(source).digest("hex") !== response.sha256) {
    return yield* new UpdateFailed({
      message: `Function ${functionName} was changed in the meantime, and is left as it is. Run this again`
    })
  }
  const zip = yield* zipFiles({ ...files, [codeCacheFile]: gunzipSync(response.codeCache) })
  if (zip.length > maxZipBytes) {
    return yield* new WrongZip({
      message: `The zip of function ${functionName} would have ${zip.length} bytes, and Lambda accepts ${maxZipBytes}`
    })
  }
  yield* reportStep(
    "update",
    `the code of ${functionName}: ${code.zip.length} bytes, ${zip.length} with the code cache`
  )
  yield* functions.update(functionName, { ...code, zip })
  return (yield* request).usesCodeCache ? "Added" : "Rejected"
})
