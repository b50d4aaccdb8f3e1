// The code of the functions in the bucket: as built, and with its V8 code cache.
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { gunzipSync } from "node:zlib"
import { zipFiles } from "../../../internal/zipFiles.ts"
import { codeCacheFile } from "../../build/codeCache.ts"
import type { openBucket } from "./codeBucket.ts"
import type { RequestCodeCache } from "./codeCacheClient.ts"

type Bucket = ReturnType<typeof openBucket>

/** The code of a function. */
export interface FunctionCode {
  readonly name: string
  /** Where its zip comes from, for the terminal. */
  readonly origin: string
  /** Whether it was built by this deployment. */
  readonly isBuilt: boolean
  readonly files: Readonly<Record<"index.mjs" | "function.js", Uint8Array>>
  /** Reproducible: the same files have the same zip on any machine. */
  readonly zip: Uint8Array
}

/** A function, and the key of its code in the bucket. */
export interface StoredFunction {
  readonly built: FunctionCode
  readonly key: string
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** The prefix of the keys of this code, and of no other code. The role of deploy-stack may not write there. */
const prefixOf = ({ name, zip }: FunctionCode) => `effect-codepipeline-functions/${name}-${sha256(zip)}`

/** Reports a step of the deployment on the terminal. */
type ReportStep = (step: string, text: string) => Effect.Effect<void>

/** Uploads the code unless the bucket has it. Code that is already there with a code cache is preferred. */
export const storeFunction = Effect.fn("storeFunction")(function*(
  built: FunctionCode,
  { bucket, dryRun, reportStep }: {
    readonly bucket: Bucket
    readonly dryRun: boolean
    readonly reportStep: ReportStep
  }
) {
  const prefix = prefixOf(built)
  const plain = `${prefix}.zip`
  const existing = yield* bucket.keys(prefix)
  const key = existing.findLast((key) => key !== plain) ?? plain
  if (existing.includes(key)) {
    yield* reportStep("unchanged", bucket.urlOf(key))
  } else {
    yield* reportStep(dryRun ? "to upload" : "upload", bucket.urlOf(key))
    if (!dryRun) yield* bucket.put(key, built.zip)
  }
  return { built, key } satisfies StoredFunction
})

interface CodeCacheOptions {
  readonly requestCodeCache: RequestCodeCache
  readonly reportStep: ReportStep
}

const skip = (reportStep: ReportStep, { built: { name } }: StoredFunction, why: string) =>
  Effect.as(reportStep("skipped", `${name} starts without a V8 code cache: ${why}`), undefined)

/** The function's response; undefined, with a report, if there is none. Fails only if the function does not start. */
const responseOf = (
  stored: StoredFunction,
  functionName: string | undefined,
  { reportStep, requestCodeCache }: CodeCacheOptions
) => {
  if (functionName === undefined) return skip(reportStep, stored, "its stack has no output with the function's name")
  return requestCodeCache(functionName).pipe(
    Effect.catchIf((error) => error._tag !== "FunctionFailed", ({ message }) => skip(reportStep, stored, message)),
    Effect.tap((response) =>
      response?.usesCodeCache === true
        ? reportStep("code cache", `${stored.built.name} starts with its V8 code cache`)
        : Effect.void
    )
  )
}

/**
 * Uploads the code again with its code cache, unless the function already starts with one. Returns the code that is to be
 * deployed.
 */
export const addCodeCache = Effect.fn("addCodeCache")(function*(
  stored: StoredFunction,
  functionName: string | undefined,
  { bucket, ...options }: CodeCacheOptions & { readonly bucket: Bucket }
) {
  const { built } = stored
  const { reportStep } = options
  const response = yield* responseOf(stored, functionName, options)
  if (response === undefined || response.usesCodeCache) return stored
  if (response.sha256 !== sha256(built.files["function.js"])) {
    yield* skip(reportStep, stored, "another deployment has replaced its code in the meantime")
    return stored
  }
  const zip = yield* zipFiles({ ...built.files, [codeCacheFile]: gunzipSync(response.codeCache) })
  const key = `${prefixOf(built)}-code-cache-${sha256(zip)}.zip`
  yield* reportStep("upload", `${bucket.urlOf(key)}, with its V8 code cache`)
  yield* bucket.put(key, zip)
  return { built, key } satisfies StoredFunction
})

/** Reports whether the function starts with its code cache now. */
export const confirmCodeCache = Effect.fn("confirmCodeCache")(function*(
  stored: StoredFunction,
  functionName: string | undefined,
  options: CodeCacheOptions
) {
  const response = yield* responseOf(stored, functionName, options)
  if (response?.usesCodeCache === false) yield* skip(options.reportStep, stored, "V8 has rejected it")
})
