// Bundles the module of a function.
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Message, Metafile } from "esbuild"
import { basename, dirname, relative } from "node:path"
import { importMeta } from "./asScript.ts"
import { bundleOptions, type Esbuild, textOf } from "./esbuild.ts"
import { lambdaSdk, type SdkUse, usesEventStreams } from "./lambdaSdk.ts"
import { nativeModule } from "./packages.ts"
import { withoutNativeModules } from "./plugins.ts"

/** A function cannot be built. The message says which module is wrong, and where. */
export class BuildFailed extends Schema.TaggedError<BuildFailed>()("BuildFailed", { message: Schema.String }) {}

export interface Bundle {
  readonly code: string
  readonly metafile: Metafile
  /** Names sources by their paths in the project. It does not contain them. */
  readonly sourceMap?: string | undefined
  /** What esbuild warned of. */
  readonly warnings: ReadonlyArray<string>
}

export interface CompileOptions {
  /** The absolute path of the module that exports `handler`. */
  readonly entry: string
  /** The folder of the project. Messages name files by their paths in it. */
  readonly folder: string
  readonly sourceMap?: boolean | undefined
  /** Bundles the AWS SDK as it is, for functions that read profiles. */
  readonly wholeSdk?: boolean | undefined
}

const isMessage = (message: unknown): message is Message =>
  Predicate.hasProperty(message, "text") && Predicate.hasProperty(message, "location")

/** More errors than these are not shown. */
const shownErrors = 10

const failureOf = (shown: string) => (cause: unknown): BuildFailed => {
  const errors = Predicate.hasProperty(cause, "errors") && Array.isArray(cause.errors)
    ? cause.errors.filter(isMessage)
    : []
  if (errors.length === 0) {
    return new BuildFailed({
      message: `${shown} could not be built: ${cause instanceof Error ? cause.message : cause}`
    })
  }
  // The only import of the module that re-exports it.
  if (
    errors.some(({ location, text }) => location?.file.endsWith(virtual) === true && /No matching export/.test(text))
  ) {
    return new BuildFailed({ message: noHandler(shown) })
  }
  const lines = errors.slice(0, shownErrors).map(textOf)
  const more = errors.length - lines.length
  return new BuildFailed({ message: [...lines, ...(more > 0 ? [`and ${more} more errors`] : [])].join("\n") })
}

export const noHandler = (shown: string) =>
  `${shown} does not export a function as handler. Write: export const handler = Lambda.handler(…)`

/** The module that exports the entry's handler and nothing else. */
const virtual = "<function>"

const bundleOnce = async (esbuild: Esbuild, options: CompileOptions, eventStreams: boolean) => {
  const { entry, folder, sourceMap = false, wholeSdk = false } = options
  const use: SdkUse = { importsEventStreams: false }
  const { metafile, outputFiles, warnings } = await esbuild.build({
    ...bundleOptions,
    define: {
      ...bundleOptions.define,
      "import.meta": importMeta,
      __dirname: `${importMeta}.dirname`,
      __filename: `${importMeta}.filename`
    },
    // A script cannot import. `require` loads ES modules, too.
    supported: { "dynamic-import": false },
    plugins: [
      ...bundleOptions.plugins,
      withoutNativeModules,
      ...(wholeSdk ? [] : [lambdaSdk({ eventStreams, use })])
    ],
    stdin: {
      contents: `export { handler } from ${JSON.stringify(`./${basename(entry)}`)}`,
      resolveDir: dirname(entry),
      sourcefile: virtual
    },
    absWorkingDir: folder,
    outdir: folder,
    write: false,
    metafile: true,
    sourcemap: sourceMap ? "external" : false,
    sourcesContent: false,
    logLevel: "silent"
  })
  const textOfOutput = (extension: string) => outputFiles.find(({ path }) => path.endsWith(extension))?.text
  const code = textOfOutput(".mjs") ?? ""
  const bundle: Bundle = {
    code,
    metafile,
    sourceMap: textOfOutput(".map"),
    warnings: warnings.map(textOf)
  }
  return { bundle, needsEventStreams: !wholeSdk && !eventStreams && usesEventStreams(use, code) }
}

/** Bundles and minifies the module. The bundle exports its `handler`, and nothing else. */
export const compileFunction = Effect.fn("compileFunction")(function*(esbuild: Esbuild, options: CompileOptions) {
  const shown = relative(options.folder, options.entry)
  const bundled = (eventStreams: boolean) =>
    Effect.tryPromise({ try: () => bundleOnce(esbuild, options, eventStreams), catch: failureOf(shown) })
  const first = yield* bundled(false)
  const { bundle } = first.needsEventStreams ? yield* bundled(true) : first
  const native = nativeModule(bundle.metafile)
  if (native === undefined) return bundle
  const [importer = shown, ...others] = native.chain
  return yield* new BuildFailed({
    message: `${importer} needs the native module ${native.file}, which a function for both architectures of Lambda ` +
      `cannot have${others.length === 0 ? "" : `; it is imported by ${others.join(", then ")}`}. Use a package ` +
      "without native code"
  })
})
