// How src/ is compiled for the npm package.
import { cp } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * The arguments of Node.js for each compilation. Editors show the comments of the declarations: the code has none, which
 * makes the package 30 KB smaller.
 */
export const compilations = (
  outDir: string,
  project = "tsconfig.build.json"
): ReadonlyArray<ReadonlyArray<string>> => {
  const tsc = [fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url)), "--project", project]
  return [["--emitDeclarationOnly"], ["--declaration", "false", "--removeComments"]]
    .map((options) => tsc.concat("--outDir", outDir, options))
}

/** The files of new projects, which `init` copies. */
const projectFiles = "cli/init/project"

/** Copies what is not compiled. */
export const copyProjectFiles = (outDir: string): Promise<void> =>
  cp(fileURLToPath(new URL(`../../src/${projectFiles}`, import.meta.url)), join(outDir, projectFiles), {
    recursive: true
  })
