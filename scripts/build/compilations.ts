// How src/ is compiled for the npm package.
import { fileURLToPath } from "node:url"

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/**
 * The arguments of Node.js for each compilation. Editors show the comments of the declarations: the code has none, which
 * makes the package 30 KB smaller.
 */
export const compilations = (outDir: string): ReadonlyArray<ReadonlyArray<string>> => {
  const tsc = [inRepository("node_modules/typescript/bin/tsc"), "--project", inRepository("tsconfig.build.json")]
  return [["--emitDeclarationOnly"], ["--declaration", "false", "--removeComments"]]
    .map((options) => tsc.concat("--outDir", outDir, options))
}
