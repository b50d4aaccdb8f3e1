import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { functionName } from "../../../src/cli/build/buildFunction.ts"
import { startContainer } from "../../lambda/container.ts"
import { build, failureOf, project } from "./project.ts"

const timeout = 60_000

const constant = "export const handler = async () => 1\n"

/** What the built function returns, in a process with nothing but the function. */
const invoke = Effect.fnUntraced(function*(folder: string, env: Readonly<Record<string, string>> = {}) {
  const container = yield* startContainer({ folder, env: { AWS_REGION: "us-east-1", ...env } })
  const result = yield* container.invoke({})
  return { result: result as { readonly resolved?: unknown; readonly rejected?: string }, ...yield* container.end }
})

describe("effect-codepipeline build", () => {
  it.live(
    "builds a function that does what its module does, whatever kinds of code it imports",
    () =>
      Effect.gen(function*() {
        const folder = yield* project({
          "src/greetUsers.ts": `
          import { readFileSync } from "node:fs"
          import data from "./data.json" with { type: "json" }
          import { lazy } from "../lib/common.cjs"
          export const other = 1
          export default class {}
          const awaited: string = await Promise.resolve("awaited")
          const os = "node:os"
          const computed = await import(os)
          export const handler = async () => ({
            awaited, data, lazy: lazy(),
            raw: String.raw\`\\né\`,
            own: readFileSync(new URL("function.js", import.meta.url)).length > 0,
            folder: import.meta.dirname,
            computed: typeof computed.tmpdir
          })`,
          "src/data.json": "{\"a\": \"€\"}",
          "lib/common.cjs": `
          const { join } = require("path")
          const buffer = ["node", "buffer"].join(":")
          exports.lazy = () => [join(__dirname, "x"), typeof require(buffer).Buffer, __filename.endsWith("index.mjs")]`
        })
        const { stdout } = yield* build(folder, ["src/greetUsers.ts"])
        assert.match(stdout, /^dist\/greet-users\.zip  \d+ bytes \(function\.js \d+\)\n$/)
        const built = join(folder, "dist/greet-users")
        const { result, stderr } = yield* invoke(built)
        assert.deepStrictEqual(result, {
          resolved: {
            awaited: "awaited",
            data: { a: "€" },
            lazy: [join(built, "x"), "function", true],
            raw: "\\né",
            own: true,
            folder: built,
            computed: "function"
          }
        })
        assert.strictEqual(stderr, "")
      }).pipe(Effect.scoped),
    timeout
  )

  it.live("builds an action that the function runs", () =>
    Effect.gen(function*() {
      const folder = yield* project({
        "greet.ts": `
          import { Effect, Layer, Schema } from "effect"
          import { Action, ArtifactStore, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"
          const Greet = Action.makeStateless({
            name: "greet",
            parameters: UserParameters.json({ name: Schema.NonEmptyString }),
            start: ({ parameters }) => Effect.succeed(Action.Step.Done({ message: parameters.name }))
          })({})
          export const handler = Lambda.handler(Greet, Layer.merge(ArtifactStore.layer, CodePipeline.layer))`
      })
      yield* build(folder, ["greet.ts"])
      const { result, stdout } = yield* invoke(join(folder, "dist/greet"))
      assert.match(result.rejected ?? "", /NotAJobEvent/)
      assert.include(stdout, "\"level\":\"ERROR\"")
      // The npm package alone has three times as many bytes.
      assert.isBelow((yield* Effect.promise(() => readFile(join(folder, "dist/greet.zip")))).length, 240_000)
    }).pipe(Effect.scoped), timeout)

  it.live("builds several functions, and writes the same zips again", () =>
    Effect.gen(function*() {
      const folder = yield* project({ "a.ts": constant, "b.mts": constant })
      yield* build(folder, ["a.ts", "b.mts"], { out: "one" })
      yield* build(folder, ["b.mts", "a.ts"], { out: "deep/other" })
      const read = (path: string) => Effect.promise(() => readFile(join(folder, path)))
      for (const name of ["a.zip", "b.zip"]) {
        assert.deepStrictEqual(yield* read(`one/${name}`), yield* read(`deep/other/${name}`))
      }
      const names = yield* Effect.promise(() => readdir(join(folder, "one"), { recursive: true }))
      assert.sameMembers(names, [
        "a",
        "b",
        "a.zip",
        "b.zip",
        "a/index.mjs",
        "a/function.js",
        "b/index.mjs",
        "b/function.js"
      ])
    }).pipe(Effect.scoped), timeout)

  it.live("names the sources in stack traces with a source map", () =>
    Effect.gen(function*() {
      const folder = yield* project({
        "src/fail.ts": "import { inner } from \"./inner.ts\"\n\nexport const handler = async () => inner()\n",
        "src/inner.ts": "// A comment.\nexport const inner = (): never => {\n  throw new TypeError(\"no\")\n}\n"
      })
      yield* build(folder, ["src/fail.ts"], { sourcemap: true })
      const { result, stderr } = yield* invoke(join(folder, "dist/fail"))
      assert.strictEqual(result.rejected, "TypeError: no")
      assert.match(stderr, /TypeError: no\n\s+at \w+ \(src\/inner\.ts:3:9\)\n\s+at \w+ \(src\/fail\.ts:3:36\)\n/)
      yield* build(folder, ["src/fail.ts"], { out: "plain" })
      assert.match((yield* invoke(join(folder, "plain/fail"))).stderr, /function\.js:1:\d+/)
    }).pipe(Effect.scoped), timeout)

  it.live("prints the bytes of each package, the largest first", () =>
    Effect.gen(function*() {
      const folder = yield* project({
        "a.ts": "import leven from \"leven\"\nimport { Effect } from \"effect\"\n" +
          "export const handler = () => Effect.runPromise(Effect.succeed(leven(\"a\", \"b\")))\n"
      })
      const { stdout } = yield* build(folder, ["a.ts"], { analyze: true })
      const [total, ...rows] = stdout.trimEnd().split("\n")
      const sizes = rows.map((row) => /^ {2}(.+?) +(\d+) +([\d.]+) %$/.exec(row) ?? assert.fail(row))
      assert.strictEqual(sizes[0]?.[1], "effect")
      assert.includeMembers(sizes.map(([, name]) => name), ["leven", "(this project)"])
      const bytes = sizes.map(([, , bytes]) => Number(bytes))
      assert.deepStrictEqual(bytes, bytes.toSorted((a, b) => b - a))
      const code = (yield* Effect.promise(() => readFile(join(folder, "dist/a/function.js")))).length
      // The rest calls the function.
      assert.approximately(bytes.reduce((sum, one) => sum + one), code, 100, total)
    }).pipe(Effect.scoped), timeout)

  it.live("replaces the native module of CRC-32", () =>
    Effect.gen(function*() {
      const folder = yield* project({
        "a.ts": "import { crc32, crc32c } from \"@node-rs/crc32\"\nconst check = \"123456789\"\n" +
          "export const handler = async () => [crc32(check), crc32c(check), crc32c(\"6789\", crc32c(\"12345\")), crc32(Buffer.from(check))]\n"
      })
      yield* build(folder, ["a.ts"])
      const { result } = yield* invoke(join(folder, "dist/a"))
      assert.deepStrictEqual(result, { resolved: [0xcbf43926, 0xe3069283, 0xe3069283, 0xcbf43926] })
    }).pipe(Effect.scoped), timeout)
})

describe("a module that effect-codepipeline build refuses", () => {
  it.live("is one that does not compile, with its place", () =>
    Effect.gen(function*() {
      assert.match(yield* failureOf("export const handler =\n  async () => ]"), /^src\/own\.ts:2:15: Unexpected "\]"$/)
      assert.match(
        yield* failureOf("import \"./missing.ts\"\n" + constant),
        /^src\/own\.ts:1:8: Could not resolve "\.\/missing\.ts"$/
      )
    }), timeout)

  it.live("is one without a handler that is a function", () =>
    Effect.gen(function*() {
      const message =
        "src/own.ts does not export a function as handler. Write: export const handler = Lambda.handler(…)"
      assert.strictEqual(yield* failureOf("export const handle = 1"), message)
      assert.strictEqual(yield* failureOf("export const handler = 1"), message)
      assert.strictEqual(yield* failureOf("exports.handle = 1"), message)
    }), timeout)

  it.live("is one that does not load, with the error", () =>
    Effect.gen(function*() {
      const thrown = yield* failureOf(`throw new Error("BUCKET is not set")\n${constant}`)
      assert.match(
        thrown,
        /^src\/own\.ts does not load in Lambda's environment: Error: BUCKET is not set\n\s+at src\/own\.ts:1:7\nIt/
      )
      assert.include(thrown, "To build without loading it, use --no-load")
      const missing = yield* failureOf(`const name = "left-" + "pad"\nawait import(name)\n${constant}`)
      assert.include(missing, "Cannot find module 'left-pad'")
      assert.include(yield* failureOf(`process.exit(3)\n${constant}`), "it ends the process (exit status 3)")
      assert.include(
        yield* failureOf(`await new Promise(() => {})\n${constant}`),
        "an await at the top level of a module never ends"
      )
    }), timeout)

  it.live("is one that calls AWS while it loads, unless it is not loaded", () =>
    Effect.gen(function*() {
      const code = "import { S3 } from \"@aws-sdk/client-s3\"\nawait new S3({ maxAttempts: 1 }).listBuckets()\n" +
        constant
      assert.include(yield* failureOf(code), "ECONNREFUSED")
      const folder = yield* project({ "own.ts": code })
      assert.include((yield* build(folder, ["own.ts"], { noLoad: true })).stdout, "dist/own.zip")
    }).pipe(Effect.scoped), timeout)

  it.live("is one that needs a native module, with those who import it", () =>
    Effect.gen(function*() {
      const folder = yield* project({
        "src/own.ts": "import { used } from \"./store.ts\"\nexport const handler = async () => used\n",
        "src/store.ts": "import database from \"database\"\nexport const used = database\n",
        "node_modules/database/index.js": "module.exports = require(\"database-linux-x64\")",
        "node_modules/database-linux-x64/package.json": "{\"main\": \"database.node\"}",
        "node_modules/database-linux-x64/database.node": "\u0000"
      }, { isInstalled: false })
      yield* Effect.promise(async () => {
        await mkdir(join(folder, "node_modules/esbuild"))
        await writeFile(
          join(folder, "node_modules/esbuild/index.js"),
          `module.exports = require(${JSON.stringify(join(import.meta.dirname, "../../../node_modules/esbuild"))})`
        )
      })
      const { message } = yield* Effect.flip(build(folder, ["src/own.ts"]))
      assert.strictEqual(
        message,
        "src/own.ts needs the native module node_modules/database-linux-x64/database.node, which a function for both " +
          "architectures of Lambda cannot have; it is imported by src/store.ts, then database. Use a package without " +
          "native code"
      )
    }).pipe(Effect.scoped), timeout)
})

describe("a command line that effect-codepipeline build refuses", () => {
  const files = { "a.ts": constant, "other/a.ts": constant }

  it.effect("is one in a project without esbuild, with the command that installs it", () =>
    Effect.gen(function*() {
      const folder = yield* project(files, { isInstalled: false })
      const error = yield* Effect.flip(build(folder, ["a.ts"]))
      assert.deepStrictEqual([error._tag, error.message], [
        "EsbuildMissing",
        "build needs esbuild: npm install --save-dev esbuild"
      ])
    }))

  it.effect.each<readonly [ReadonlyArray<string>, string]>([
    [["a.ts", "other/a.ts"], "a.ts and other/a.ts would both be the function a: rename one of the files"],
    [["a.ts", "./a.ts"], "a.ts is given twice"],
    [["b.ts"], "b.ts is not a file"],
    [["other"], "other is not a file"]
  ])("is one with the entries %j", ([entries, message]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(build(yield* project(files), entries))
      assert.deepStrictEqual([error._tag, error.message], ["BadUsage", message])
    }))

  it.live("is one with a folder that cannot be written", () =>
    Effect.gen(function*() {
      const folder = yield* project({ ...files, out: "a file" })
      const { message } = yield* Effect.flip(build(folder, ["a.ts"], { out: "out/dist" }))
      assert.match(message, /^the function a could not be written: ENOTDIR: not a directory/)
    }).pipe(Effect.scoped), timeout)
})

describe("functionName", () => {
  it.each([
    ["src/deployStack.ts", "deploy-stack"],
    ["src/deployStack/index.ts", "deploy-stack"],
    ["HTTPCheck.mts", "http-check"],
    ["check_page.v2.js", "check-page-v2"],
    ["s3.ts", "s3"]
  ])("makes of %s the name %s", (entry, name) => assert.strictEqual(functionName(entry), name))
})

describe("the command", () => {
  it.live(
    "exits with 1 and one line when a function cannot be built, and with 2 without entries",
    () =>
      Effect.gen(function*() {
        const folder = yield* project({ "a.ts": "export {}" })
        const main = join(import.meta.dirname, "../../../src/cli/main.ts")
        const run = (...args: ReadonlyArray<string>) =>
          Effect.promise(() =>
            promisify(execFile)(process.execPath, [main, "build", ...args], { cwd: folder, env: {} }).then(
              () => assert.fail("it succeeded"),
              ({ code, stderr }: { readonly code: number; readonly stderr: string }) => [code, stderr]
            )
          )
        assert.deepStrictEqual(yield* run("a.ts"), [
          1,
          "a.ts does not export a function as handler. Write: export const handler = Lambda.handler(…)\n"
        ])
        assert.deepStrictEqual(yield* run(), [
          2,
          "ENTRY.ts is missing: A module that exports handler. Its function has the name of the file\n"
        ])
      }).pipe(Effect.scoped),
    timeout
  )
})
