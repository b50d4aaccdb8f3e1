// Bundles the functions for Lambda.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { builtinModules } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { minify } from "terser"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { reason } from "../commandLine.ts"

/** A module does not compile, or a file cannot be written. */
export class BuildFailed extends Schema.TaggedError<BuildFailed>()("BuildFailed", { message: Schema.String }) {}

/** Runs a build. The compilers write the errors to standard error; the message says which compiler failed. */
export const building = <A>(build: () => Promise<A>): Effect.Effect<A, BuildFailed> =>
  Effect.tryPromise({
    try: build,
    catch: (cause) => new BuildFailed({ message: `the build failed: ${reason(cause)}` })
  })

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

/** `deploy-stack` for `deployStack`. */
const functionName = (module: string) => module.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The name of each function, and the module in `src/lambda` that exports its handler. */
export const entryPoints = async (): Promise<ReadonlyArray<readonly [name: string, module: string]>> =>
  (await readdir(path("src/lambda")))
    .filter((file) => /^[a-z]\w*\.ts$/.test(file) && file !== "handler.ts")
    .map((file) => [functionName(file.replace(/\.ts$/, "")), path(join("src/lambda", file))])

/**
 * Rewrites the AWS SDK's schemas of a service so that esbuild can omit unused ones. The SDK writes `[_h]: 1` for `h: 1`,
 * with `const _h = "h"` above, and esbuild keeps a computed key, because computing it might have side effects. The SDK also
 * registers the errors of all operations; `withErrors` registers only those that are used.
 */
export const treeShakeable = (schemas: string): string => {
  const names = new Map(
    Array.from(schemas.matchAll(/^const (_\w+) = ("(?:[^"\\]|\\.)*");$/gm), ([, name, text]) => [name, text])
  )
  return schemas
    .replaceAll(/\[(_\w+)\]: /g, (key, name) => names.has(name) ? `${names.get(name)}: ` : key)
    .replaceAll(/^n0_registry\.registerError\(.*\);$/gm, "")
    .replace(/^const n0_registry/m, "export const n0_registry")
}

/** Makes the module of a command register the errors that its declaration lists. */
export const withErrors = (command: string, declaration: string): string => {
  const thrown = Array.from(
    declaration.matchAll(/@throws \{@link (\w+)\} \((?:client|server) fault\)/g),
    ([, name]) => name
  )
  if (thrown.length === 0) return command
  return [
    command,
    `import { n0_registry as registry, ${thrown.map((name) => `${name}$`).join(", ")} } from "../schemas/schemas_0";`,
    `import { ${thrown.join(", ")} } from "../models/errors";`,
    ...thrown.map((name) => `registry.registerError(${name}$, ${name});`)
  ].join("\n")
}

/** Modules of the SDK that Lambda does not need, and their replacements. */
const replacements: ReadonlyArray<readonly [path: RegExp, contents: string]> = [
  // The trace ID of each of several concurrent invocations. Lambda runs one at a time, and its trace ID is in the environment.
  [/lambda-invoke-store\/.*\.js$/, "export const InvokeStore = { getInstanceAsync: async () => undefined }"],
  // Fallbacks for platforms without these hashes.
  [/(Sha256|Sha1|Md5|Crc32)Js\.js$/, "export const Sha256Js = 0, Sha1Js = 0, Md5Js = 0, Crc32Js = 0"],
  // Does not read `~/.aws/config`: the SDK would look for it once for each option of each client.
  [
    /node-config-provider\/configLoader\.js$/,
    `import { memoize } from "../property-provider/memoize"
    export const loadConfig = ({ environmentVariableSelector, default: otherwise }, options) =>
      memoize(async () => {
        let value
        try {
          value = environmentVariableSelector(process.env, options)
        } catch {
          // An invalid value counts as missing, as in the SDK.
        }
        return value ?? (typeof otherwise === "function" ? otherwise() : otherwise)
      })`
  ],
  // Another retry strategy. `clientOptions` disables the SDK's retries.
  [/AdaptiveRetryStrategy\.js$/, "export class AdaptiveRetryStrategy {}"],
  // The region of an EC2 instance. In Lambda, it is in the environment.
  [/getInstanceMetadataRegion\.js$/, "export const getInstanceMetadataRegion = () => undefined"]
]

/** Replaces modules of the AWS SDK by smaller equivalents. */
const smallerSdk: Plugin = {
  name: "smaller-sdk",
  setup: ({ onLoad }) => {
    for (const [path, contents] of replacements) {
      onLoad(
        { filter: new RegExp(`@(?:aws|aws-sdk|smithy)/(?:.*/)?${path.source}`) },
        ({ path }) => ({ contents, resolveDir: dirname(path) })
      )
    }
    onLoad({ filter: /@aws-sdk\/client-[^/]+\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => ({
      contents: treeShakeable(await readFile(path, "utf8"))
    }))
    onLoad({ filter: /@aws-sdk\/client-[^/]+\/dist-es\/commands\/\w+Command\.js$/ }, async ({ path }) => {
      const declaration = path.replace("dist-es", "dist-types").replace(/js$/, "d.ts")
      return { contents: withErrors(await readFile(path, "utf8"), await readFile(declaration, "utf8")) }
    })
    // A client reads only the version from its package.json.
    onLoad({ filter: /@aws-sdk\/[^/]+\/package\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, "utf8"))
      return { contents: JSON.stringify({ version }), loader: "json" }
    })
  }
}

/** Marks schemas of global classes as pure. Otherwise esbuild keeps them all: reading `globalThis.File` might have side effects. */
const smallerEffect: Plugin = {
  name: "smaller-effect",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/effect\/dist\/Schema\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8"))
        .replaceAll(/instanceOf\((globalThis\.\w+)/g, "instanceOf(/* @__PURE__ */ (() => $1)()")
    }))
}

const builtins = builtinModules.map((name) => name.replace(/^node:/, "")).join("|")

/**
 * Loads Node's modules with `process.getBuiltinModule`. An import would read all exports of the module, and for `node:http`
 * that loads Node's implementation of `fetch`.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: new RegExp(`^(node:)?(${builtins})$`) }, ({ path }) => ({
      path: path.replace(/^(node:)?/, "node:"),
      namespace: "builtin",
      sideEffects: false
    }))
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("${path}")`
    }))
  }
}

/** Bundles into one module that needs only Node, on any architecture. */
export const bundleOptions = {
  outExtension: { ".js": ".mjs" },
  bundle: true,
  minify: true,
  platform: "node",
  target: "node24",
  format: "esm",
  mainFields: ["module", "main"],
  legalComments: "none",
  // Effect reads Vite's environment, which does not exist here.
  define: { "import.meta.env": "undefined" },
  logLevel: "warning",
  alias: {
    "@aws-sdk/credential-provider-node": path("src/lambda/shims/credentials.ts"),
    "@smithy/core/event-streams": path("src/lambda/shims/eventStreams.ts")
  },
  plugins: [lazyBuiltins, smallerSdk, smallerEffect]
} as const satisfies BuildOptions

export interface Bundle {
  readonly code: string
  readonly metafile: Metafile
}

/**
 * Bundles and minifies a module. The code is ASCII, which V8 stores with one byte per character. After esbuild, terser
 * saves another 5 % of the gzipped size.
 */
export const compile = async (module: string, options: BuildOptions = bundleOptions): Promise<Bundle> => {
  const { metafile, outputFiles: [file] } = await build({
    ...options,
    entryPoints: [module],
    outdir: "dist",
    write: false,
    metafile: true
  })
  const { code = "" } = await minify(file?.text ?? "", {
    module: true,
    ecma: 2020,
    format: { comments: false, ascii_only: true }
  })
  return { code, metafile }
}

/**
 * Converts a module that exports only `handler` into a script that returns it. Only a script has a V8 code cache that
 * includes the functions compiled while it ran. It is not an arrow function: V8 would parse that twice, but compiles a
 * function in parentheses at once.
 */
export const asScript = (module: string): string => {
  const exported = /export\s*\{\s*([\w$]+) as handler\s*\};?\s*$/.exec(module)
  if (exported === null) throw new Error("a function's module must export handler and nothing else")
  return `(async function(){"use strict";${module.slice(0, exported.index)};return ${exported[1]}})`
}

/** The files of a function, which need only Node. `index.mjs` is `loader.ts`, which runs `function.js`. */
export type FunctionFiles = Readonly<Record<"index.mjs" | "function.js", Uint8Array>>

/** The files for the bundle of a function's module. */
export const functionFiles = async ({ code }: Bundle): Promise<FunctionFiles> => ({
  "index.mjs": Buffer.from((await compile(path("scripts/build/loader.ts"))).code),
  "function.js": Buffer.from(asScript(code))
})

export const writeFiles = async (files: Readonly<Record<string, Uint8Array>>, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes)
}

/** Writes the files of the function into `<outdir>/<function>/`. */
export const bundle = async (name: string, module: string, outdir: string): Promise<FunctionFiles> => {
  const files = await functionFiles(await compile(module))
  await writeFiles(files, join(outdir, name))
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
  const zip = await Effect.runPromise(zipFiles(files))
  const path = `dist/lambda/${name}.zip`
  await writeFile(path, zip)
  return { name, path, files, zip }
}
