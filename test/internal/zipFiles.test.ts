import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Schema } from "effect"
import { buffer } from "node:stream/consumers"
import * as yauzl from "yauzl-promise"
import type { Files } from "../../src/domain/job/ArtifactFiles.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"

/** The files of a zip in the order of its directory, read by another library. */
const unzip = (zip: Uint8Array) =>
  Effect.promise(() =>
    yauzl.fromBuffer(Buffer.from(zip))
      .then((file) => file.readEntries())
      .then((entries) =>
        Promise.all(entries.map((entry) =>
          entry.openReadStream().then(buffer).then((bytes): [string, Uint8Array] => [
            entry.filename,
            Uint8Array.from(bytes)
          ])
        ))
      )
  )

const Path = Schema.TemplateLiteral([
  Schema.Literals(["", "src/", "ä/", "a b/", "1/"]),
  Schema.Literals(["1", "a", "B", "😀.json", "file.txt"])
])

it.effect.prop(
  "zipFiles writes the files in the order of their paths",
  [Schema.Array(Schema.Struct({ path: Path, content: Schema.Union([Schema.String, Schema.Uint8Array]) }))],
  ([list]) =>
    Effect.gen(function*() {
      const files: Files = Object.fromEntries(list.map(({ content, path }) => [path, content]))
      const found = yield* unzip(yield* zipFiles(files))
      const paths = Object.keys(files).toSorted((a, b) => a < b ? -1 : 1)
      assert.deepStrictEqual(found, paths.map((path) => [path, Uint8Array.from(Buffer.from(files[path] ?? ""))]))
    })
)

it.effect("zipFiles writes equal bytes for equal files in any order", () =>
  Effect.gen(function*() {
    const one = yield* zipFiles({ a: "1", b: "2", "c/d": "3" })
    const other = yield* zipFiles({ "c/d": Buffer.from("3"), b: "2", a: "1" })
    assert.deepStrictEqual(one, other)
  }))

it.effect("zipFiles sets a constant date and makes files readable by everybody", () =>
  Effect.gen(function*() {
    const zip = yield* zipFiles({ a: "1" })
    const [entry] = yield* Effect.promise(() => yauzl.fromBuffer(Buffer.from(zip)).then((file) => file.readEntries()))
    assert.strictEqual(entry?.getLastMod().toISOString(), "1980-01-01T00:00:00.000Z")
    assert.strictEqual((entry?.externalFileAttributes ?? 0) >>> 16, 0o100644)
  }))

it.effect("zipFiles writes a zip without files", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* unzip(yield* zipFiles({})), [])
  }))

it.effect("zipFiles writes more files than 16 bits can count", () =>
  Effect.gen(function*() {
    const files = Object.fromEntries(Array.from({ length: 65_536 }, (_, index) => [`${index}`.padStart(5, "0"), ""]))
    const zip = yield* zipFiles(files)
    const file = yield* Effect.promise(() => yauzl.fromBuffer(Buffer.from(zip)))
    assert.strictEqual(file.entryCount, 65_536)
    const [first] = yield* Effect.promise(() => file.readEntries(1))
    assert.strictEqual(first?.filename, "00000")
  }))

it.effect.each<Files>([{ "../a": "" }, { "/a": "" }, { "C:\\a": "" }, { "a/..": "" }, { "": "" }])(
  "zipFiles dies of a path that leads out of the zip: %j",
  (files) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(zipFiles(files))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    })
)
