import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { writeProject } from "../../src/cli/init.ts"
import { nameProblem } from "../../src/cli/init/packageName.ts"

/** An empty folder. */
const empty = Effect.acquireRelease(
  Effect.promise(async () => realpath(await mkdtemp(join(tmpdir(), "effect-codepipeline-init-")))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

const refusal = (folder: string) => Effect.flip(writeProject(folder))

describe("effect-codepipeline init", () => {
  it.effect("writes a project whose versions are those that this package needs", () =>
    Effect.gen(function*() {
      const parent = yield* empty
      const { files } = yield* writeProject(join(parent, "my-action"))
      assert.deepStrictEqual(files, [
        ".gitignore",
        "README.md",
        "artifacts/Source/package.json",
        "package.json",
        "src/readVersion.ts",
        "test/readVersion.test.ts",
        "tsconfig.json"
      ])
      const read = (file: string) => Effect.promise(() => readFile(join(parent, "my-action", file), "utf8"))
      const { dependencies, devDependencies, engines, name } = JSON.parse(yield* read("package.json"))
      assert.strictEqual(name, "my-action")
      assert.deepStrictEqual(dependencies, {
        effect: manifest.peerDependencies.effect,
        "effect-codepipeline": `^${manifest.version}`
      })
      assert.deepStrictEqual(engines, manifest.engines)
      for (const [name, version] of Object.entries(devDependencies)) {
        assert.strictEqual(version, `^${Object.entries(manifest.devDependencies).find(([own]) => own === name)?.[1]}`)
      }
      assert.match(yield* read("README.md"), /^# my-action\n/)
      assert.match(yield* read(".gitignore"), /^node_modules\/$/m)
    }).pipe(Effect.scoped))

  it.effect("writes into an empty folder that exists, also one of git", () =>
    Effect.gen(function*() {
      const folder = yield* empty
      const own = join(folder, "own")
      yield* Effect.promise(() => mkdir(join(own, ".git"), { recursive: true }))
      yield* writeProject(own)
      const { message } = yield* refusal(own)
      assert.match(
        message,
        /own is not empty: it has \.gitignore, README\.md, artifacts, package\.json, src and 2 more\. Name a new folder$/
      )
    }).pipe(Effect.scoped))

  it.effect("refuses a folder with files, and overwrites none", () =>
    Effect.gen(function*() {
      const folder = join(yield* empty, "own")
      yield* Effect.promise(() => mkdir(folder))
      yield* Effect.promise(() => writeFile(join(folder, "package.json"), "{}"))
      const { _tag, message } = yield* refusal(folder)
      assert.strictEqual(_tag, "BadUsage")
      assert.match(message, /own is not empty: it has package\.json\. Name a new folder$/)
      assert.strictEqual(yield* Effect.promise(() => readFile(join(folder, "package.json"), "utf8")), "{}")
    }).pipe(Effect.scoped))

  it.effect("refuses what is not a folder", () =>
    Effect.gen(function*() {
      const file = join(yield* empty, "file")
      yield* Effect.promise(() => writeFile(file, ""))
      const { _tag, message } = yield* refusal(file)
      assert.strictEqual(_tag, "BadUsage")
      assert.match(message, /file is not a folder$/)
    }).pipe(Effect.scoped))

  it.effect("fails if it cannot write", () =>
    Effect.gen(function*() {
      const link = join(yield* empty, "own")
      yield* Effect.promise(() => symlink("/nowhere/at/all/\0".slice(0, -1), link))
      const { _tag, message } = yield* refusal(link)
      assert.strictEqual(_tag, "InitFailed")
      assert.match(message, /own could not be written: E\w+: /)
    }).pipe(Effect.scoped))

  it.effect("refuses a folder whose name npm would refuse, and names one that npm accepts", () =>
    Effect.gen(function*() {
      const { _tag, message } = yield* refusal(join(yield* empty, "MyAction"))
      assert.deepStrictEqual([_tag, message], [
        "BadUsage",
        "\"MyAction\" is not a name that npm accepts: lowercase letters, digits, \".\", \"_\" and \"-\"; my-action would be " +
        "one. The folder's name becomes that of the package: name another one"
      ])
    }).pipe(Effect.scoped))
})

describe("nameProblem", () => {
  it.each(["greet", "my-action", "a.b_c-1", "0"])("has none for %s", (name) => {
    assert.isUndefined(nameProblem(name, ["effect"]))
  })

  it.each([
    ["My Action", /; my-action would be one$/],
    ["_private", /; private would be one$/],
    ["ü", /and "-"$/],
    ["http", /^is a name that npm reserves$/],
    ["node_modules", /^is a name that npm reserves$/],
    ["effect", /^is the name of a package that the project needs$/],
    ["x".repeat(215), /^has 215 characters, and npm allows 214$/]
  ])("has one for %s", (name, problem) => {
    assert.match(nameProblem(name, ["effect"]) ?? "", problem)
  })
})
