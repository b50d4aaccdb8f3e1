// Bundles the functions for Lambda.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { builtinModules } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { minify } from "terser"
import { zipFiles } from "../src/internal/zipFiles.ts"
import { reason } from "./options.ts"

/** Something does not compile, or cannot be written. */
export class BuildFailed extends Schema.TaggedError<BuildFailed>()("BuildFailed", { message: Schema.String }) {}

/** The compilers tell on standard error what is wrong; what is thrown says which of them failed. */
export const building = <A>(build: () => Promise<A>): Effect.Effect<A, BuildFailed> =>
  Effect.tryPromise({
    try: build,
    catch: (cause) => new BuildFailed({ message: `the build failed: ${reason(cause)}` })
  })

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))

/** `deployStack` makes `deploy-stack`. */
const functionName = (module: string) => module.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Each function's name and the module of `src/lambda` that exports its handler. */
export const entryPoints = async (): Promise<ReadonlyArray<readonly [name: string, module: string]>> =>
  (await readdir(path("src/lambda")))
    .filter((file) => !/^handler\.ts$|[pP]riming\.ts$/.test(file))
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
  logLevel: "warning",
  alias: {
    "@aws-sdk/credential-provider-node": path("scripts/standIns/credentials.ts"),
    "@node-rs/crc32": path("src/crc32.ts"),
    "@smithy/core/event-streams": path("scripts/standIns/eventStreams.ts"),
    "buffer-crc32": path("scripts/standIns/bufferCrc32.ts"),
    "globalthis": path("scripts/standIns/globalThis.ts")
  },
  plugins: [lazyBuiltins, smallerSdk, smallerEffect]
} as const satisfies BuildOptions

export interface Bundle {
  readonly code: string
  readonly metafile: Metafile
}

/** The code of a function. esbuild's minifying leaves some 5 % of it, gzipped, that terser takes away. */
export const compile = async (module: string, options: BuildOptions = bundleOptions): Promise<Bundle> => {
  const { metafile, outputFiles: [file] } = await build({
    ...options,
    entryPoints: [module],
    outdir: "dist",
    write: false,
    metafile: true
  })
  const { code = "" } = await minify(file?.text ?? "", { module: true, ecma: 2020, format: { comments: false } })
  return { code, metafile }
}

/** Writes `<outdir>/<function>/index.mjs`, which needs nothing but Node, and gives its bytes. */
export const bundle = async (name: string, module: string, outdir: string): Promise<Uint8Array> => {
  const code = Buffer.from((await compile(module)).code)
  await mkdir(join(outdir, name), { recursive: true })
  await writeFile(join(outdir, name, "index.mjs"), code)
  return code
}

export interface BuiltFunction {
  readonly name: string
  readonly path: string
  readonly code: Uint8Array
  /** The same for the same code, on any machine. */
  readonly zip: Uint8Array
}

/** Writes `dist/lambda/<function>/index.mjs`, and `dist/lambda/<function>.zip` as Lambda takes it. */
export const buildFunction = async (name: string, module: string): Promise<BuiltFunction> => {
  const code = await bundle(name, module, "dist/lambda")
  const zip = await Effect.runPromise(zipFiles({ "index.mjs": code }))
  const path = `dist/lambda/${name}.zip`
  await writeFile(path, zip)
  return { name, path, code, zip }
}
