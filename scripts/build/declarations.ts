// The declarations in the npm package.
import { globSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import manifest from "../../package.json" with { type: "json" }

/** The relative imports of a declaration. */
const imports = /(?:from |import\()"(\.[^"]+)"/g

const declarationOf = (module: string) => module.replace(/\.[jt]s$/, ".d.ts")

/**
 * Removes the declarations that no export of the package reaches: nobody can import them, and they make the package 20 KB
 * larger.
 */
export const removeUnreachableDeclarations = async (outDir: string): Promise<void> => {
  const reached = new Set<string>()
  const pending = Object.values(manifest.exports)
    .filter((path) => path.endsWith(".js"))
    .map((path) => declarationOf(join(outDir, path.replace("./dist/", ""))))
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const [, module = ""] of (await readFile(file, "utf8")).matchAll(imports)) {
      pending.push(declarationOf(join(dirname(file), module)))
    }
  }
  const unreachable = globSync("**/*.d.ts", { cwd: outDir }).map((file) => join(outDir, file))
    .filter((file) => !reached.has(file))
  await Promise.all(unreachable.map((file) => rm(file)))
}
