// The files of this package. The command is one module in the package, and many in the repository: no path depends on where
// the module is that asks for it.
import { createRequire } from "node:module"
import { dirname, extname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(import.meta.url)

/** The folder of package.json. A package may import itself by its name. */
const root = dirname(createRequire(here).resolve("effect-codepipeline/package.json"))

/** The package.json of the copy of this package that a module in the folder imports, if it finds one. */
export const copyOf = (folder: string): string | undefined => {
  try {
    return createRequire(join(folder, "module.js")).resolve("effect-codepipeline/package.json")
  } catch {
    return undefined
  }
}

/** The path of a file of the package. */
export const packageFile = (path: string): string => join(root, path)

/** The path of what is in `src/` in the repository, and in `dist/` in the package. */
export const packageSource = (path: string): string =>
  packageFile(`${extname(here) === ".ts" ? "src" : "dist"}/${path}`)

/** The path of a module in `src/`: TypeScript in the repository, JavaScript in the package. */
export const packageModule = (module: string): string => packageSource(`${module}${extname(here)}`)
