// The npm packages in a bundle.
import type { Metafile } from "esbuild"

/** The name of the package that has the module, or undefined if it belongs to the project itself. */
export const packageOf = (module: string): string | undefined =>
  /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1]

/** A module that is not a file, such as `<runtime>`. */
const isVirtual = (module: string) => /<\w+>$/.test(module)

export interface PackageSize {
  readonly name: string
  /** In the bundle, minified. */
  readonly bytes: number
}

const nameOf = (module: string) => {
  const name = packageOf(module)
  if (name !== undefined) return name
  if (module.startsWith("builtin:")) return "(modules of Node.js)"
  return isVirtual(module) ? "(esbuild)" : "(this project)"
}

/** The bytes of each package in the bundle, the largest first. */
export const packageSizes = (
  { outputs }: Metafile
): ReadonlyArray<PackageSize> => {
  const sizes = new Map<string, number>()
  const add = (name: string, bytes: number) => sizes.set(name, (sizes.get(name) ?? 0) + bytes)
  for (const [path, { bytes, inputs }] of Object.entries(outputs)) {
    if (path.endsWith(".map")) continue
    let attributed = 0
    for (const [module, { bytesInOutput }] of Object.entries(inputs)) {
      attributed += bytesInOutput
      add(nameOf(module), bytesInOutput)
    }
    // What joins the modules.
    add("(esbuild)", bytes - attributed)
  }
  return Array.from(sizes, ([name, bytes]) => ({ name, bytes }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}

/** `effect  123456  45.1 %`, a line for each package. */
export const sizesAsText = (sizes: ReadonlyArray<PackageSize>): string => {
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  const width = Math.max(...sizes.map(({ name }) => name.length))
  const digits = String(total).length
  return sizes.map(({ bytes, name }) =>
    `  ${name.padEnd(width)}  ${String(bytes).padStart(digits)}  ${(100 * bytes / total).toFixed(1).padStart(5)} %\n`
  ).join("")
}

/** A native module in a bundle. */
export interface NativeModule {
  /** The file, in the project. */
  readonly file: string
  /** How the bundle gets to it: modules of the project, and packages. */
  readonly chain: ReadonlyArray<string>
}

/** The first native module in the bundle. Those that are only mentioned by unused code are not in it. */
export const nativeModule = ({ inputs, outputs }: Metafile): NativeModule | undefined => {
  const file = Object.values(outputs)
    .flatMap((output) => Object.entries(output.inputs))
    .find(([module, { bytesInOutput }]) => module.endsWith(".node") && bytesInOutput > 0)?.[0]
  if (file === undefined) return undefined
  const importerOf = new Map<string, string>()
  const queue = [file]
  for (const module of queue) {
    for (const [importer, { imports }] of Object.entries(inputs)) {
      if (importerOf.has(importer) || importer === file || !imports.some(({ path }) => path === module)) continue
      importerOf.set(importer, module)
      queue.push(importer)
    }
  }
  // The module that no other one imports is the entry.
  const chain: Array<string> = []
  for (let module = queue.at(-1); module !== undefined && module !== file; module = importerOf.get(module)) {
    const name = packageOf(module) ?? module
    if (!isVirtual(module) && chain.at(-1) !== name) chain.push(name)
  }
  return { file, chain }
}
