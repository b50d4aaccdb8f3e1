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

/** Something does not compile, or cannot be written. */
export class BuildFailed extends Schema.TaggedError<BuildFailed>()("BuildFailed", { message: Schema.String }) {}

/** The compilers tell on standard error what is wrong; what is thrown says which of them failed. */
export const building = <A>(build: () => Promise<A>): Effect.Effect<A, BuildFailed> =>
  Effect.tryPromise({
    try: build,
    catch: (cause) => new BuildFailed({ message: `the build failed: ${reason(cause)}` })
  })

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

/** `deployStack` makes `deploy-stack`. */
const functionName = (module: string) => module.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Each function's name and the module of `src/lambda` that exports its handler. */
export const entryPoints = async (): Promise<ReadonlyArray<readonly [name: string, module: string]>> =>
  (await readdir(path("src/lambda")))
    .filter((file) => /^[a-z]\w*\.ts$/.test(file) && file !== "handler.ts")
    .map((file) => [functionName(file.replace(/\.ts$/, "")), path(join("src/lambda", file))])

/**
 * The AWS SDK's schemas of all operations of a service, as a module of which esbuild leaves out those that nobody uses.
 * They have `[_h]: 1` for `h: 1`, with `const _h = "h"` above, and to compute a key could do something. And they register
 * all errors that any operation fails with: see `withErrors`.
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

/** The command of an operation, registering the errors that the operation fails with, as its declaration says. */
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

/** Modules inside the SDK that nothing needs in Lambda, and what stands for them. */
const unneeded: ReadonlyArray<readonly [path: RegExp, contents: string]> = [
  // Where Node has no such hash.
  [/(Sha256|Sha1|Md5|Crc32)Js\.js$/, "export const Sha256Js = 0, Sha1Js = 0, Md5Js = 0, Crc32Js = 0"],
  // `~/.aws/config`: it would be looked for at each option of each client, and that it is not there be told by errors.
  [
    /node-config-provider\/configLoader\.js$/,
    `import { memoize } from "../property-provider/memoize"
    export const loadConfig = ({ environmentVariableSelector, default: otherwise }, options) =>
      memoize(async () => {
        let value
        try {
          value = environmentVariableSelector(process.env, options)
        } catch {
          // What cannot be read counts as missing, as it does in the SDK.
        }
        return value ?? (typeof otherwise === "function" ? otherwise() : otherwise)
      })`
  ],
  // Other ways of retrying: of the SDK's own `clientOptions` has none.
  [/AdaptiveRetryStrategy\.js$/, "export class AdaptiveRetryStrategy {}"],
  // EC2 tells a machine its region; Lambda has it in the environment.
  [/getInstanceMetadataRegion\.js$/, "export const getInstanceMetadataRegion = () => undefined"]
]

/** Makes modules of the AWS SDK into smaller ones that do the same. */
const smallerSdk: Plugin = {
  name: "smaller-sdk",
  setup: ({ onLoad }) => {
    for (const [path, contents] of unneeded) {
      onLoad(
        { filter: new RegExp(`@(?:aws-sdk|smithy)/.*/${path.source}`) },
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
    // Of its own package.json a client reads the version.
    onLoad({ filter: /@aws-sdk\/[^/]+\/package\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, "utf8"))
      return { contents: JSON.stringify({ version }), loader: "json" }
    })
  }
}

/** Schemas of classes that Node has: to read `globalThis.File` could do something, so that esbuild keeps them all. */
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
 * Gets Node's own modules as they are. To import one reads all that it exports, and for `node:http` that loads Node's
 * whole client of `fetch`.
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

/** One module that needs nothing but Node, whatever the machine. */
export const bundleOptions = {
  outExtension: { ".js": ".mjs" },
  bundle: true,
  minify: true,
  platform: "node",
  target: "node24",
  format: "esm",
  mainFields: ["module", "main"],
  legalComments: "none",
  // Vite's environment, which Effect looks into; no module at all is left that could have it.
  define: { "import.meta.env": "undefined" },
  logLevel: "warning",
  alias: {
    "@aws-sdk/credential-provider-node": path("src/lambda/shims/credentials.ts"),
    "@smithy/core/event-streams": path("src/lambda/shims/eventStreams.ts"),
    "buffer-crc32": path("src/lambda/shims/bufferCrc32.ts")
  },
  plugins: [lazyBuiltins, smallerSdk, smallerEffect]
} as const satisfies BuildOptions

export interface Bundle {
  readonly code: string
  readonly metafile: Metafile
}

/**
 * The code of a function, in ASCII, of which V8 holds one byte a character. esbuild's minifying leaves some 5 % of it,
 * gzipped, that terser takes away.
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
 * A module that exports `handler`, and nothing else, as a script that gives it: what V8 has made of a script can be kept
 * and handed to V8 again, with all functions that were compiled while it ran. No arrow function: V8 would read it twice,
 * where a function in parentheses is compiled at once.
 */
export const asScript = (module: string): string => {
  const exported = /export\s*\{\s*([\w$]+) as handler\s*\};?\s*$/.exec(module)
  if (exported === null) throw new Error("a function's module has to export handler, and nothing else")
  return `(async function(){"use strict";${module.slice(0, exported.index)};return ${exported[1]}})`
}

/** The files of a function, which need nothing but Node: `index.mjs` is `loader.ts` and runs `function.js`. */
export type FunctionFiles = Readonly<Record<"index.mjs" | "function.js", Uint8Array>>

/** Of a function's module, as it was compiled. */
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
  /** The same for the same files, on any machine. */
  readonly zip: Uint8Array
}

/** Writes `dist/lambda/<function>/`, and `dist/lambda/<function>.zip` as Lambda takes it. */
export const buildFunction = async (name: string, module: string): Promise<BuiltFunction> => {
  const files = await bundle(name, module, "dist/lambda")
  const zip = await Effect.runPromise(zipFiles(files))
  const path = `dist/lambda/${name}.zip`
  await writeFile(path, zip)
  return { name, path, files, zip }
}
