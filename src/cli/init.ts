// init: writes the project of a new action.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdir, writeFile } from "node:fs/promises"
import { basename, dirname, join, relative, resolve } from "node:path"
import { ExitStatus } from "./commandLine/options.ts"
import { BadUsage, badUsage, reason } from "./commandLine/usage.ts"
import { nameProblem } from "./init/packageName.ts"
import { packageJson, projectFiles, readManifest } from "./init/projectFiles.ts"
import { makeFolder } from "./makeFolder.ts"

/** The project could not be written. */
export class InitFailed extends Schema.TaggedError<InitFailed>()("InitFailed", { message: Schema.String }) {}

/** What a folder may have that is otherwise empty: `git init` and Finder write it. */
const ignored = new Set([".git", ".DS_Store"])

/** More names than these are not listed. */
const listed = 5

const isCode = (cause: unknown, code: string) => cause instanceof Error && "code" in cause && cause.code === code

/** Fails unless the folder does not exist or is empty. `shown` names it. */
const checkEmpty = Effect.fn("checkEmpty")(function*(path: string, shown: string) {
  const names = yield* Effect.tryPromise({
    try: () => readdir(path).catch((cause: unknown) => isCode(cause, "ENOENT") ? [] : Promise.reject(cause)),
    catch: (cause) =>
      new BadUsage({
        message: isCode(cause, "ENOTDIR") ? `${shown} is not a folder` : `${shown} could not be read: ${reason(cause)}`
      })
  })
  const own = names.filter((name) => !ignored.has(name)).toSorted()
  if (own.length === 0) return
  const more = own.length > listed ? ` and ${own.length - listed} more` : ""
  return yield* badUsage(`${shown} is not empty: it has ${own.slice(0, listed).join(", ")}${more}. Name a new folder`)
})

/** Writes the project into the folder, and returns the paths of its files. */
export const writeProject = Effect.fn("writeProject")(function*(folder: string) {
  const path = resolve(folder)
  const shown = relative(process.cwd(), path) || path
  const manifest = yield* Effect.promise(readManifest)
  const name = basename(path)
  const { dependencies, devDependencies } = packageJson(name, manifest)
  const problem = nameProblem(name, [...Object.keys(dependencies), ...Object.keys(devDependencies)])
  if (problem !== undefined) {
    return yield* badUsage(`"${name}" ${problem}. The folder's name becomes that of the package: name another one`)
  }
  yield* checkEmpty(path, shown)
  const files = yield* Effect.promise(() => projectFiles(name, manifest))
  yield* Effect.tryPromise({
    try: async () => {
      for (const [file, text] of Object.entries(files)) {
        await makeFolder(dirname(join(path, file)))
        // Another process may have written it since.
        await writeFile(join(path, file), text, { flag: "wx" })
      }
    },
    catch: (cause) => new InitFailed({ message: `${shown} could not be written: ${reason(cause)}` })
  })
  return { shown, files: Object.keys(files).toSorted() }
})

/** The arguments of `init`. */
const initConfig = {
  folder: Argument.Path("FOLDER").pipe(
    Argument.withDescription("A new or empty folder. Its name becomes the name of the package.")
  )
}

export const init = Command.make(
  "init",
  initConfig,
  ({ folder }) =>
    Effect.map(writeProject(folder), ({ files, shown }) => {
      const isHere = resolve(folder) === process.cwd()
      const next = [...(isHere ? [] : [`cd ${shown}`]), "npm install", "npm test", "npx effect-codepipeline run"]
      process.stdout.write([
        `${shown} has a project with an action and its test:`,
        ...files.map((file) => `  ${file}`),
        "Next:",
        ...next.map((command) => `  ${command}`),
        "  npx effect-codepipeline build",
        ""
      ].join("\n"))
    })
).pipe(
  Command.withShortDescription("Writes the project of a new action."),
  Command.withDescription(`
Writes a project into FOLDER: an action in TypeScript, its test, package.json and tsconfig.json. After npm install, npm test
passes, npx effect-codepipeline run runs the action in memory, and npx effect-codepipeline build builds its function.

Nothing is overwritten.`),
  Command.withExamples([{ command: "npx effect-codepipeline init my-action" }]),
  Command.annotate(
    ExitStatus,
    "0 the project was written, 1 it could not be written, 2 the command line is wrong, or the folder is not empty"
  )
)
