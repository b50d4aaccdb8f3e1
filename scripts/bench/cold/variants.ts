// The functions that the benchmark compares: how each is made, and the sizes of the bundles.
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { type Bundle, bundleOptions, compile, entryPoints, functionFiles, writeFiles } from "../../build/bundle.ts"
import { withYauzl } from "../withYauzl.ts"
import { type Command, nodeCommand } from "./cloud.ts"
import { pythonCommand } from "./pythonSample.ts"

/**
 * The first variant is the baseline. The second one is the same, bundled by esbuild without our plugins. The third one and
 * the last one have a V8 code cache. `npm run build` creates "as built", `npm run deploy` the last one. AWS's sample is
 * there if the user has it.
 */
export const variants = [
  "SDK alone",
  "SDK alone, not shrunk",
  "SDK alone, with code cache",
  "AWS's Python sample",
  "not primed",
  "as built",
  "deploy-stack"
] as const
export type Variant = (typeof variants)[number]

export const hasCodeCache = (variant: Variant): boolean =>
  variant === "SDK alone, with code cache" || variant === "deploy-stack"

/** `require` for CommonJS in a module, which our plugins make superfluous. */
const withRequire = "import{createRequire}from\"node:module\";const require=createRequire(import.meta.url);"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The size of a function, in all and by packages. */
export interface Size {
  readonly bytes: number
  readonly gzipped: number
  readonly parts: Readonly<Record<string, number>>
}

const partOf = (module: string) => {
  if (/node_modules\/(@aws-sdk|@smithy|@aws)\//.test(module)) return "AWS SDK"
  if (module.includes("node_modules/effect/")) return "Effect"
  return module.includes("node_modules/") ? "others" : "ours"
}

const sizeOf = ({ code, metafile }: Bundle): Size => {
  const [output] = Object.values(metafile.outputs)
  const parts: Record<string, number> = {}
  for (const [module, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    parts[partOf(module)] = (parts[partOf(module)] ?? 0) + bytesInOutput
  }
  return { bytes: Buffer.byteLength(code), gzipped: gzipSync(code, { level: 9 }).length, parts }
}

const asModule = ({ code }: Bundle) => ({ "index.mjs": Buffer.from(code) })

export interface Written {
  /** Those that can be measured here, and what starts them. */
  readonly commands: ReadonlyMap<Variant, Command>
  /** Of all bundles. */
  readonly sizes: Readonly<Record<string, Size>>
}

/**
 * Writes the variants as they are deployed, without code caches, to folders of their names. `sample` is the Python code of
 * AWS's sample.
 */
export const writeVariants = async (folder: string, runner: string, sample?: string): Promise<Written> => {
  const notShrunk = {
    ...bundleOptions,
    alias: { "@node-rs/crc32": "node:zlib" },
    plugins: [],
    banner: { js: withRequire }
  }
  const functions = new Map<string, Bundle>()
  for (const [name, module] of await entryPoints()) functions.set(name, await compile(module))
  const deployStack = functions.get("deploy-stack")
  if (deployStack === undefined) throw new Error("deploy-stack is not a function")
  const baseline = await compile(path("baseline.ts"), withYauzl)
  const usual = await compile(path("baseline.ts"), notShrunk)
  const notPrimed = await compile(path("notPrimed.ts"))

  const ours = await functionFiles(deployStack)
  const files = {
    "SDK alone": asModule(baseline),
    "SDK alone, not shrunk": asModule(usual),
    "SDK alone, with code cache": await functionFiles(baseline),
    "not primed": await functionFiles(notPrimed),
    "as built": ours,
    "deploy-stack": ours
  } satisfies Partial<Record<Variant, Readonly<Record<string, Uint8Array>>>>
  const commands = new Map<Variant, Command>()
  for (const [variant, of] of Object.entries(files)) {
    await writeFiles(of, join(folder, variant))
    commands.set(variant as Variant, nodeCommand(runner, join(folder, variant, "index.mjs")))
  }
  if (sample !== undefined) {
    const variant = "AWS's Python sample"
    await mkdir(join(folder, variant))
    await writeFile(join(folder, variant, "lambda_function.py"), sample)
    commands.set(variant, pythonCommand(join(folder, variant)))
  }
  const measured = [...functions, ["SDK alone", baseline] as const, ["SDK alone, not shrunk", usual] as const]
  return { commands, sizes: Object.fromEntries(measured.map(([name, bundle]) => [name, sizeOf(bundle)])) }
}
