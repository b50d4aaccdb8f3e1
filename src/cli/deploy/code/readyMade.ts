// The ready-made functions.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { pathToFileURL } from "node:url"
import { reason } from "../../commandLine/usage.ts"
import { packageFile } from "../../packageFiles.ts"
import type { FunctionCode } from "./functionCode.ts"
import { filesInZip } from "./functionZip.ts"

export const functionNames = ["deploy-stack", "deploy-stack-set", "check-webpage"] as const
export type FunctionName = (typeof functionNames)[number]

/** The code of a function cannot be built, or cannot be read. */
export class CodeMissing extends Schema.TaggedError<CodeMissing>()("CodeMissing", { message: Schema.String }) {}

/** Builds the functions from their sources. Only the repository has it. */
const builder = packageFile("scripts/build/readyMade.ts")

/** The function in this package. */
const packaged = Effect.fn("packagedFunction")(function*(name: FunctionName) {
  const path = `functions/${name}.zip`
  const missing = (why: string) =>
    new CodeMissing({ message: `effect-codepipeline/${path} cannot be read: ${why}. Install the package again` })
  const zip = yield* Effect.tryPromise({
    try: () => readFile(packageFile(`dist/${path}`)),
    catch: (cause) => missing(reason(cause))
  })
  const { "function.js": code, "index.mjs": loader } = yield* filesInZip(zip).pipe(
    Effect.mapError(({ message }) => missing(message))
  )
  if (code === undefined || loader === undefined) return yield* missing("it is not the zip of a function")
  const files = { "index.mjs": loader, "function.js": code }
  return { name, origin: `effect-codepipeline/${path}`, isBuilt: false, files, zip } satisfies FunctionCode
})

/** The code of the functions: from this package, or built in the repository. */
export const readyMadeFunctions = (
  names: ReadonlyArray<FunctionName>
): Effect.Effect<ReadonlyArray<FunctionCode>, CodeMissing> =>
  existsSync(builder)
    ? Effect.tryPromise({
      try: async () => {
        const { build } = await import(pathToFileURL(builder).href) as {
          readonly build: (names: ReadonlyArray<string>) => Promise<ReadonlyArray<FunctionCode>>
        }
        return build(names)
      },
      catch: (cause) => new CodeMissing({ message: `the build failed: ${reason(cause)}` })
    })
    : Effect.forEach(names, packaged)
