// Loads a module of the user: TypeScript as it is, where Node.js removes types.
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { stat } from "node:fs/promises"
import { dirname, relative, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type BadUsage, badUsage, reason } from "../commandLine/usage.ts"
import { copyOf, packageFile } from "../packageFiles.ts"

export type Exports = Readonly<Record<string, unknown>>

const isTypeScript = (path: string) => /\.[cm]?ts$/.test(path)

const codeOf = (cause: unknown) => Predicate.hasProperty(cause, "code") ? String(cause.code) : ""

/** The first place in a stack trace that is in a file of the user. */
const placeOf = (cause: unknown): string => {
  const stack = cause instanceof Error ? cause.stack ?? "" : ""
  const places = Array.from(stack.matchAll(/(file:\/\/[^\s)]+?)((?::\d+){1,2})(?=[\s)]|$)/g))
  const [, url, position = ""] = places.find(([place]) => !place.includes("/node_modules/")) ?? []
  return url === undefined ? "" : ` (${relative(process.cwd(), fileURLToPath(url))}${position})`
}

/** Why the module was not loaded, in one line. */
const problemOf = (cause: unknown): string => {
  const message = reason(cause).replaceAll(/\s*\n\s*/g, " ")
  const code = codeOf(cause)
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    return `has TypeScript that Node.js cannot run by removing types, such as an enum: ${message}${placeOf(cause)}`
  }
  // `npm init` writes "type": "commonjs" into package.json.
  if (cause instanceof SyntaxError && /outside a module|Unexpected token 'export'/.test(message)) {
    return "is not loaded as an ES module: set \"type\": \"module\" in package.json (npm pkg set type=module)"
  }
  if (code === "ERR_INVALID_TYPESCRIPT_SYNTAX" || cause instanceof SyntaxError) {
    return `does not compile: ${message}${placeOf(cause)}`
  }
  if (code === "ERR_MODULE_NOT_FOUND") return `cannot be loaded: ${message}`
  return `fails while it is loaded: ${message}${placeOf(cause)}`
}

/** Loads the module with this path. `title` names it in messages. */
export const loadModule = Effect.fn("loadModule")(
  function*(path: string, title: string): Effect.fn.Return<Exports, BadUsage> {
    const found = yield* Effect.option(Effect.tryPromise(() => stat(path)))
    if (found._tag === "None") return yield* badUsage(`${title} does not exist`)
    if (!found.value.isFile()) return yield* badUsage(`${title} is not a file`)
    if (isTypeScript(path) && !process.features.typescript) {
      return yield* badUsage(
        `${title} is TypeScript, which Node.js ${process.version} does not run: use Node.js 22.18 or later without ` +
          "--no-experimental-strip-types, or name the compiled JavaScript"
      )
    }
    const copy = copyOf(dirname(resolve(path)))
    if (copy !== undefined && copy !== packageFile("package.json")) {
      return yield* badUsage(
        `${title} imports effect-codepipeline from ${dirname(copy)}, which is not the copy of this command, ` +
          `${packageFile("")}: run npx effect-codepipeline in the module's project`
      )
    }
    return yield* Effect.tryPromise({
      try: (): Promise<Exports> => import(pathToFileURL(resolve(path)).href),
      catch: problemOf
    }).pipe(Effect.catch((problem) => badUsage(`${title} ${problem}`)))
  }
)
