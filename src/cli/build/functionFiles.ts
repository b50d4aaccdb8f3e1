// The files of a built function.
import * as Effect from "effect/Effect"
import { dirname } from "node:path"
import { packageModule } from "../packageFiles.ts"
import { asScript, mapOfScript } from "./asScript.ts"
import { BuildFailed, type Bundle } from "./compile.ts"
import { bundleOptions, type Esbuild } from "./esbuild.ts"

/**
 * The files of a function, which need only Node. `index.mjs` is `loader.ts`, which runs `function.js`; `function.js.map` is
 * there if the function is built with a source map.
 */
export type FunctionFiles =
  & Readonly<Record<"index.mjs" | "function.js", Uint8Array>>
  & { readonly "function.js.map"?: Uint8Array }

/** The path of a module beside this one. */
export const beside = (module: string): string => packageModule(`cli/build/${module}`)

/** Bundles the `index.mjs`. */
export const compileLoader = async (esbuild: Esbuild, { sourceMap = false } = {}): Promise<string> => {
  const loader = beside(sourceMap ? "loaderWithSourceMap" : "loader")
  const { outputFiles: [file] } = await esbuild.build({
    ...bundleOptions,
    entryPoints: [loader],
    absWorkingDir: dirname(loader),
    outdir: dirname(loader),
    write: false
  })
  return file?.text ?? ""
}

/** The files for the bundle of a function's module. */
export const functionFiles = (
  esbuild: Esbuild,
  { code, sourceMap }: Pick<Bundle, "code" | "sourceMap">
): Effect.Effect<FunctionFiles, BuildFailed> =>
  Effect.tryPromise({
    try: async () => {
      const hasMap = sourceMap !== undefined
      const loader = await compileLoader(esbuild, { sourceMap: hasMap })
      return {
        "index.mjs": Buffer.from(loader),
        "function.js": Buffer.from(asScript(code, { lineBreak: hasMap })),
        ...(hasMap && { "function.js.map": Buffer.from(mapOfScript(sourceMap)) })
      }
    },
    catch: (cause) => new BuildFailed({ message: `the function's loader could not be built: ${cause}` })
  })
