// Bundles the functions for Lambda.
import { build, type BuildOptions } from "esbuild"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))

/** `deployStack` makes `deploy-stack`. */
const functionName = (module: string) => module.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Each function's name and the module of `src/lambda` that exports its handler. */
export const entryPoints = async (): Promise<ReadonlyArray<readonly [name: string, module: string]>> =>
  (await readdir(path("src/lambda")))
    .filter((file) => file !== "handler.ts")
    .map((file) => [functionName(file.replace(/\.ts$/, "")), path(join("src/lambda", file))])

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
  alias: { "@node-rs/crc32": path("src/crc32.ts") },
  // What is left of CommonJS in the AWS SDK and yauzl requires Node's own modules.
  banner: { js: "import{createRequire}from\"node:module\";const require=createRequire(import.meta.url);" }
} as const satisfies BuildOptions

/** Writes `<outdir>/<function>/index.mjs`, which needs nothing but Node. */
export const bundle = async (name: string, module: string, outdir: string): Promise<void> => {
  await build({ entryPoints: { [join(name, "index")]: module }, outdir, ...bundleOptions })
}
