// The code of the functions in the bucket: as it was built, and with what V8 has compiled of it in Lambda.
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { gunzipSync } from "node:zlib"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import type { BuiltFunction } from "../build/bundle.ts"
import { codeCacheFile } from "../build/codeCache.ts"
import type { openBucket } from "./codeBucket.ts"
import type { Ask } from "./functionsInLambda.ts"

type Bucket = ReturnType<typeof openBucket>

/** A function, and the key of its code in the bucket. */
export interface StoredFunction {
  readonly built: BuiltFunction
  readonly key: string
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** How the keys of this code begin, and of no other. It is not where deploy-stack's role may write templates. */
const prefixOf = ({ name, zip }: BuiltFunction) => `effect-codepipeline-functions/${name}-${sha256(zip)}`

/** What is to be told of a function while it is deployed. */
type Note = (word: string, text: string) => Effect.Effect<void>

/** Uploads the code where the bucket does not have it, or would. What was compiled of it before is taken, too. */
export const storeFunction = Effect.fn("storeFunction")(function*(
  built: BuiltFunction,
  { bucket, dryRun, note }: { readonly bucket: Bucket; readonly dryRun: boolean; readonly note: Note }
) {
  const prefix = prefixOf(built)
  const plain = `${prefix}.zip`
  const there = yield* bucket.keys(prefix)
  const key = there.findLast((key) => key !== plain) ?? plain
  if (there.includes(key)) {
    yield* note("unchanged", bucket.urlOf(key))
  } else {
    yield* note(dryRun ? "to upload" : "upload", bucket.urlOf(key))
    if (!dryRun) yield* bucket.put(key, built.zip)
  }
  return { built, key } satisfies StoredFunction
})

interface Asking {
  readonly ask: Ask
  readonly note: Note
}

const leave = (note: Note, { built: { name } }: StoredFunction, why: string) =>
  Effect.as(note("left", `${name} is compiled at each start: ${why}`), undefined)

/** What the function answers; what keeps it from that is told. */
const answerOf = (stored: StoredFunction, functionName: string | undefined, { ask, note }: Asking) => {
  if (functionName === undefined) return leave(note, stored, "its stack does not tell what it is called")
  return ask(functionName).pipe(
    Effect.catchIf((error) => error._tag !== "FunctionFails", ({ message }) => leave(note, stored, message)),
    Effect.tap((answer) =>
      answer?.isCompiled === true ? note("compiled", `${stored.built.name} starts from compiled code`) : Effect.void
    )
  )
}

/**
 * Where the function does not start from compiled code, what V8 has compiled of it is uploaded beside it, and what there
 * is then to be deployed is given.
 */
export const compileFunction = Effect.fn("compileFunction")(function*(
  stored: StoredFunction,
  functionName: string | undefined,
  { bucket, ...asking }: Asking & { readonly bucket: Bucket }
) {
  const { built } = stored
  const { note } = asking
  const answer = yield* answerOf(stored, functionName, asking)
  if (answer === undefined || answer.isCompiled) return stored
  if (answer.sha256 !== sha256(built.files["function.js"])) {
    yield* leave(note, stored, "somebody else has deployed other code meanwhile")
    return stored
  }
  const zip = yield* zipFiles({ ...built.files, [codeCacheFile]: gunzipSync(answer.code) })
  const key = `${prefixOf(built)}-compiled-${sha256(zip)}.zip`
  yield* note("upload", `${bucket.urlOf(key)}, with what V8 has compiled`)
  yield* bucket.put(key, zip)
  return { built, key } satisfies StoredFunction
})

/** Tells whether the function starts from compiled code now. */
export const confirmCompiled = Effect.fn("confirmCompiled")(function*(
  stored: StoredFunction,
  functionName: string | undefined,
  asking: Asking
) {
  const answer = yield* answerOf(stored, functionName, asking)
  if (answer?.isCompiled === false) yield* leave(asking.note, stored, "V8 does not take what it has compiled before")
})
