// Projects that build functions.
import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildFunctions, type BuildInput } from "../../../src/cli/build.ts"

const repository = fileURLToPath(new URL("../../..", import.meta.url))

/** The projects import the package from the repository's sources. */
const tsconfig = JSON.stringify({
  compilerOptions: { paths: { "effect-codepipeline": [join(repository, "src/index.ts")] } }
})

/** A folder with these files. It has the packages of this repository, unless `isInstalled` is false. */
export const project = (files: Readonly<Record<string, string>>, { isInstalled = true } = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await realpath(await mkdtemp(join(tmpdir(), "effect-codepipeline-project-")))
      for (const [file, text] of Object.entries({ "tsconfig.json": tsconfig, ...files })) {
        await mkdir(dirname(join(folder, file)), { recursive: true })
        await writeFile(join(folder, file), text)
      }
      if (isInstalled) {
        const packages = join(folder, "node_modules")
        if (files["node_modules"] === undefined) await symlink(join(repository, "node_modules"), packages, "junction")
      }
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )

/** What the command prints for these entries and options. */
export const build = Effect.fnUntraced(function*(
  folder: string,
  entries: ReadonlyArray<string>,
  { out, ...options }: Partial<Omit<BuildInput, "out">> & { readonly out?: string } = {}
) {
  let stdout = ""
  let stderr = ""
  const input = { analyze: false, noLoad: false, sourcemap: false, wholeSdk: false, ...options }
  yield* buildFunctions({ ...input, entries, out: Option.fromNullishOr(out) }, {
    folder,
    print: (text) => stdout += text,
    warn: (text) => stderr += text
  })
  return { stdout, stderr }
})

/** The message with which a build of this module fails. */
export const failureOf = Effect.fnUntraced(
  function*(code: string, options?: Parameters<typeof build>[2]) {
    const folder = yield* project({ "src/own.ts": code })
    const error = yield* Effect.flip(build(folder, ["src/own.ts"], options))
    assert.notInclude(error.message, folder)
    return error.message
  },
  Effect.scoped
)
