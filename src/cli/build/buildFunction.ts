// Builds a function from the module that exports its handler.
import * as Effect from "effect/Effect"
import { stat } from "node:fs/promises"
import { basename, dirname, relative, resolve } from "node:path"
import { zipFiles } from "../../internal/zipFiles.ts"
import { badUsage } from "../commandLine/usage.ts"
import { checkLoads } from "./checkLoads.ts"
import { type BuildFailed, type Bundle, compileFunction } from "./compile.ts"
import { type EsbuildMissing, loadEsbuild } from "./esbuild.ts"
import { type FunctionFiles, functionFiles } from "./functionFiles.ts"

/**
 * The name of the function for a module: `deploy-stack` for `src/deployStack.ts` and for `src/deployStack/index.ts`. It has
 * only lowercase letters, digits and hyphens, which Lambda and CloudFormation accept.
 */
export const functionName = (entry: string): string => {
  const file = basename(entry).replace(/\.[^.]*$/, "")
  return (file === "index" ? basename(dirname(entry)) : file)
    .replaceAll(/([a-z\d])([A-Z])/g, "$1-$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
}

/** The absolute path of each entry, by the name of its function. */
export const entriesByName = Effect.fn("entriesByName")(function*(entries: ReadonlyArray<string>, folder: string) {
  const byName = new Map<string, string>()
  for (const entry of entries) {
    const path = resolve(folder, entry)
    const shown = relative(folder, path)
    const name = functionName(path)
    const other = byName.get(name)
    if (name === "") return yield* badUsage(`${shown} has no name for a function: rename the file`)
    if (other !== undefined) {
      return yield* badUsage(
        other === path
          ? `${shown} is given twice`
          : `${relative(folder, other)} and ${shown} would both be the function ${name}: rename one of the files`
      )
    }
    const isFile = yield* Effect.promise(() => stat(path).then((stats) => stats.isFile(), () => false))
    if (!isFile) return yield* badUsage(`${shown} is not a file`)
    byName.set(name, path)
  }
  return byName
})

export interface BuildOptions {
  /** The absolute path of the module that exports `handler`. */
  readonly entry: string
  /** Default: the entry's {@link functionName}. */
  readonly name?: string | undefined
  /** The folder of the project. Messages name files by their paths in it. */
  readonly folder: string
  /** Adds a source map, with which stack traces name the sources. */
  readonly sourceMap?: boolean | undefined
  /** Bundles the AWS SDK as it is, for functions that read profiles. */
  readonly wholeSdk?: boolean | undefined
  /** Whether the function is loaded once, to see that it does load. Default: true. */
  readonly load?: boolean | undefined
}

export interface BuiltFunction extends Pick<Bundle, "metafile" | "warnings"> {
  readonly name: string
  readonly files: FunctionFiles
  /** Reproducible: the same files have the same zip on any machine. */
  readonly zip: Uint8Array
}

/** Builds a function for Lambda's `nodejs24.x`, on both architectures. Nothing is written. */
export const buildFunction: (
  options: BuildOptions
) => Effect.Effect<BuiltFunction, BuildFailed | EsbuildMissing> = Effect.fn("buildFunction")(function*({
  entry,
  folder,
  load = true,
  name = functionName(entry),
  sourceMap = false,
  wholeSdk
}) {
  const esbuild = yield* loadEsbuild(entry, folder)
  const shown = relative(folder, entry)
  const compile = Effect.fnUntraced(function*(sourceMap: boolean) {
    const bundle = yield* compileFunction(esbuild, { entry, folder, sourceMap, wholeSdk })
    return { ...bundle, files: yield* functionFiles(esbuild, bundle) }
  })
  const { files, metafile, warnings } = yield* compile(sourceMap)
  if (load) {
    yield* checkLoads({ name, files, shown }).pipe(
      // With a source map, the error names the source.
      Effect.tapError(({ message }) =>
        sourceMap || !message.includes("function.js:")
          ? Effect.void
          : Effect.flatMap(compile(true), ({ files }) => checkLoads({ name, files, shown }))
      )
    )
  }
  const zip = yield* zipFiles({ ...files })
  return { name, files, zip, metafile, warnings }
})
