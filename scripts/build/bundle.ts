// Bundles this repository's own functions. They are smaller than those of users: they do not need more of the AWS SDK,
// and terser saves another 5 % of the gzipped size.
import * as Effect from "effect/Effect"
import * as esbuild from "esbuild"
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { minify, type MinifyOptions } from "terser"
import { asScript } from "../../src/cli/build/asScript.ts"
import { functionName } from "../../src/cli/build/buildFunction.ts"
import { BuildFailed } from "../../src/cli/build/compile.ts"
import { bundleOptions as commonOptions } from "../../src/cli/build/esbuild.ts"
import { beside, type FunctionFiles } from "../../src/cli/build/functionFiles.ts"
import { lambdaSdk, replace, replaceImport, type Replacements } from "../../src/cli/build/lambdaSdk.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { reason } from "../commandLine.ts"
import { smallerS3 } from "./smallerS3.ts"
import { smallerSts } from "./smallerSts.ts"

/** Runs a build. The compilers write the errors to standard error; the message says which compiler failed. */
export const building = <A>(build: () => Promise<A>): Effect.Effect<A, BuildFailed> =>
  Effect.tryPromise({
    try: build,
    catch: (cause) => new BuildFailed({ message: `the build failed: ${reason(cause)}` })
  })

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

/** The name of each function, and the module in `src/lambda` that exports its handler. */
export const entryPoints = async (): Promise<ReadonlyArray<readonly [name: string, module: string]>> =>
  (await readdir(path("src/lambda")))
    .filter((file) => /^[a-z]\w*\.ts$/.test(file) && file !== "handler.ts")
    .map((file) => [functionName(file), path(join("src/lambda", file))])

/** What our functions, unlike others, never use. */
const replacements: Replacements = [
  // The trace ID of each of several concurrent invocations. Our functions run one at a time; its trace ID is in the environment.
  ["lambda-invoke-store/.*\\.js$", "export const InvokeStore = { getInstanceAsync: async () => undefined }"],
  // Fallbacks for platforms without these hashes.
  ["(Sha256|Sha1|Md5|Crc32)Js\\.js$", "export const Sha256Js = 0, Sha1Js = 0, Md5Js = 0, Crc32Js = 0"],
  // Another retry strategy. `clientOptions` disables the SDK's retries.
  ["AdaptiveRetryStrategy\\.js$", "export class AdaptiveRetryStrategy {}"]
]

/** Our functions ignore profiles. */
const ownSdk: esbuild.Plugin = {
  name: "own-sdk",
  setup: (build) => {
    replace(build, replacements)
    replaceImport(build, {
      namespace: "own-credentials",
      filter: /^@aws-sdk\/credential-provider-node$/,
      accepts: () => true,
      load: () => "export { fromEnv as defaultProvider } from \"@aws-sdk/credential-provider-env\""
    })
  }
}

/** Bundles into one module that needs only Node, on any architecture. */
export const bundleOptions = {
  ...commonOptions,
  plugins: [
    ...commonOptions.plugins,
    smallerS3,
    smallerSts,
    ownSdk,
    lambdaSdk({ eventStreams: false, use: { importsEventStreams: false } })
  ]
} as const satisfies esbuild.BuildOptions

export interface Bundle {
  readonly code: string
  readonly metafile: esbuild.Metafile
}

/** How terser minifies what esbuild has bundled. */
export const minifyOptions = {
  module: true,
  ecma: 2020,
  format: { comments: false, ascii_only: true }
} as const satisfies MinifyOptions

/** Bundles and minifies a module. The code is ASCII, which V8 stores with one byte per character. */
export const compile = async (module: string, options: esbuild.BuildOptions = bundleOptions): Promise<Bundle> => {
  const { metafile, outputFiles: [file] } = await esbuild.build({
    ...options,
    entryPoints: [module],
    outdir: "dist",
    write: false,
    metafile: true
  })
  const { code = "" } = await minify(file?.text ?? "", minifyOptions)
  return { code, metafile }
}

/** The files for the bundle of a function's module. */
export const functionFiles = async ({ code }: Bundle): Promise<FunctionFiles> => ({
  "index.mjs": Buffer.from((await compile(beside("loader"))).code),
  "function.js": Buffer.from(asScript(code))
})

export const writeFiles = async (files: Readonly<Record<string, Uint8Array>>, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes)
}

/** Writes the files of the function into `<outdir>/<function>/`. */
export const bundle = async (name: string, module: string, outdir: string): Promise<FunctionFiles> => {
  const files = await functionFiles(await compile(module))
  await writeFiles({ ...files }, join(outdir, name))
  return files
}

export interface BuiltFunction {
  readonly name: string
  readonly path: string
  readonly files: FunctionFiles
  /** Reproducible: the same files have the same zip on any machine. */
  readonly zip: Uint8Array
}

/** Writes `dist/lambda/<function>/`, and `dist/lambda/<function>.zip` for Lambda. */
export const buildFunction = async (name: string, module: string): Promise<BuiltFunction> => {
  const files = await bundle(name, module, "dist/lambda")
  const zip = await Effect.runPromise(zipFiles({ ...files }))
  const path = `dist/lambda/${name}.zip`
  await writeFile(path, zip)
  return { name, path, files, zip }
}
