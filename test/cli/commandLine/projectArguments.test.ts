import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { withProjectArguments } from "../../../src/cli/commandLine/projectArguments.ts"

/** The arguments in a project with this package.json. */
const argumentsIn = Effect.fnUntraced(function*(manifest: string | undefined, ...args: ReadonlyArray<string>) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effect-codepipeline-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )
  if (manifest !== undefined) yield* Effect.promise(() => writeFile(join(folder, "package.json"), manifest))
  return yield* withProjectArguments(args, folder)
}, Effect.scoped)

const manifest = JSON.stringify({ "effect-codepipeline": { run: ["--action", "./greet.ts"], build: [] } })

describe("a subcommand without arguments", () => {
  it.effect("takes those of the project", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* argumentsIn(manifest, "run"), ["run", "--action", "./greet.ts"])
      assert.deepStrictEqual(yield* argumentsIn(manifest, "build"), ["build"])
    }))

  it.effect("stays as it is without a project, and if the project has none for it", () =>
    Effect.gen(function*() {
      for (const other of [undefined, "no JSON", "[]", "{}", "{\"effect-codepipeline\": {}}"]) {
        assert.deepStrictEqual(yield* argumentsIn(other, "run"), ["run"])
      }
      assert.deepStrictEqual(yield* argumentsIn(manifest, "toString"), ["toString"])
    }))

  it.effect("is refused if the project's arguments are not lists", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(argumentsIn("{\"effect-codepipeline\": {\"run\": \"greet.ts\"}}", "run"))
      assert.strictEqual(
        error.message,
        "\"effect-codepipeline\" in package.json must have a list of arguments for each subcommand, as in {\"build\": [\"src/greet.ts\"]}"
      )
    }))
})

it.effect("other command lines do not depend on the project", () =>
  Effect.gen(function*() {
    const broken = "{\"effect-codepipeline\": 1}"
    for (const args of [[], ["--version"], ["run", "event.json"], ["run", "--help"]]) {
      assert.deepStrictEqual(yield* argumentsIn(broken, ...args), args)
    }
  }))
