// The code in the npm package, without what only takes room.
import { build, type Plugin } from "esbuild"
import { globSync } from "node:fs"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { minify } from "terser"

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

/** The names that stack traces show are kept: those of modules' functions and classes. */
const keepNames = { module: false, toplevel: false, keep_classnames: true, keep_fnames: true }

/**
 * Makes one module of the command, which nobody imports, and shortens local names in all others. The package is 30 KB
 * smaller.
 */
export const makeModulesSmaller = async (outDir: string): Promise<void> => {
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
  await Promise.all(
    modulesIn(outDir).filter((file) => file !== command).map(async (file) => {
      const { code = "" } = await minify(await readFile(file, "utf8"), {
        module: true,
        ecma: 2020,
        // Copies: terser changes its options.
        compress: { ...keepNames },
        mangle: { ...keepNames }
      })
      await writeFile(file, code)
    })
  )
}
