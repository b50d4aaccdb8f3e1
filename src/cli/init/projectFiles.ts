// The files of a new project. Those beside package.json are in the folder `project`.
import { readdir, readFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { packageFile, packageSource } from "../packageFiles.ts"

/** The package.json of this package, as far as new projects need it. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly engines: { readonly node: string }
  readonly peerDependencies: { readonly effect: string }
  readonly devDependencies: Readonly<Record<"@types/node" | "esbuild" | "typescript", string>>
}

export const readManifest = async (): Promise<Manifest> =>
  JSON.parse(await readFile(packageFile("package.json"), "utf8"))

const entry = "src/readVersion.ts"

/** What the commands do that are called without arguments. */
const projectArguments = {
  run: [
    "--action",
    `./${entry}`,
    "--artifact",
    "Source=artifacts/Source",
    "--option",
    "artifact=Source",
    "--option",
    "file=package.json"
  ],
  build: [entry]
}

/** The package.json of a new project, with versions that fit to this package's. */
export const packageJson = (
  name: string,
  { devDependencies, engines, name: own, peerDependencies, version }: Manifest
) => ({
  name,
  version: "0.0.0",
  private: true,
  type: "module",
  engines,
  scripts: { test: "tsc && node --test \"test/*.test.ts\"" },
  [own]: projectArguments,
  dependencies: { effect: peerDependencies.effect, [own]: `^${version}` },
  devDependencies: {
    "@types/node": `^${devDependencies["@types/node"]}`,
    esbuild: `^${devDependencies.esbuild}`,
    typescript: `^${devDependencies.typescript}`
  },
  // Without it, npm warns about esbuild's script, which makes its start faster.
  allowScripts: { esbuild: true }
})

const folder = packageSource("cli/init/project")

/** npm does not put files of this name into packages. */
const pathInProject = (path: string) => path === "gitignore" ? ".gitignore" : path

/** The files, by their paths with `/`. */
export const projectFiles = async (name: string, manifest: Manifest): Promise<Readonly<Record<string, string>>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/")).toSorted()
  const files: Record<string, string> = {
    "package.json": `${JSON.stringify(packageJson(name, manifest), undefined, 2)}\n`
  }
  for (const path of paths) files[pathInProject(path)] = await readFile(join(folder, path), "utf8")
  return { ...files, "README.md": files["README.md"]?.replace(/^# .*$/m, `# ${name}`) ?? "" }
}
