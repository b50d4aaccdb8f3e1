// The command in the npm package: one module, which starts faster and is smaller than its sources.
import { build, type Plugin } from "esbuild"
import { globSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join, relative } from "node:path"

const modulesIn = (folder: string) => globSync("**/*.js", { cwd: folder }).map((file) => join(folder, file))

/** The modules of the command that are files of their own: the entry points of built functions, and of a process. */
const separate = ["build/loader.js", "build/loaderWithSourceMap.js", "build/loadingProcess.js"]

/** Leaves the modules outside this folder out of a bundle in it. */
const onlyWithin = (folder: string): Plugin => ({
  name: "only-within",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const target = relative(folder, join(resolveDir, path))
      return target.startsWith("..") ? { path: target, external: true } : undefined
    })
})

/** Makes one module of the command, which nobody imports, and removes its sources. */
export const bundleCommand = async (outDir: string): Promise<void> => {
  const folder = join(outDir, "cli")
  const bundling = {
    bundle: true,
    platform: "node",
    packages: "external",
    format: "esm",
    target: "es2023",
    allowOverwrite: true,
    logLevel: "warning",
    metafile: true
  } as const
  const command = join(folder, "main.js")
  await build({ ...bundling, entryPoints: [command], outfile: command, minify: true, plugins: [onlyWithin(folder)] })
  const { metafile } = await build({
    ...bundling,
    entryPoints: separate.map((file) => join(folder, file)),
    outdir: folder,
    write: false
  })
  const kept = new Set(Object.keys(metafile.inputs).concat(command))
  const bundled = modulesIn(folder).filter((file) => !kept.has(relative(process.cwd(), file)) && file !== command)
  await Promise.all(bundled.map((file) => rm(file)))
}
