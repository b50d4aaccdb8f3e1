import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Data, Effect, Exit, Fiber, Result, Schema } from "effect"
import { Readable } from "node:stream"
import { buffer } from "node:stream/consumers"
import { ZipFile } from "yazl"
import { type EntryTooLarge, type EntryUnreadable } from "../../src/domain/job/ArtifactFiles.ts"
import { sentences } from "../../src/domain/text/sentences.ts"
import { readEntry, type ZipSource } from "../../src/internal/zipEntry.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"

const zipOf = (fill: (zip: ZipFile) => void, end?: Parameters<ZipFile["end"]>[0]) =>
  Effect.promise(() => {
    const zip = new ZipFile()
    fill(zip)
    zip.end(end)
    return buffer(Readable.from(zip.outputStream))
  })

/** A remote zip whose last bytes are fetched already, and the ranges that were fetched besides. */
const remote = (zip: Uint8Array, tailLength = zip.length) => {
  const fetched: Array<readonly [start: number, end: number]> = []
  const source: ZipSource<never> = {
    size: zip.length,
    tail: zip.subarray(zip.length - tailLength),
    fetch: (start, end) =>
      Effect.sync(() => {
        assert.isTrue(0 <= start && start < end && end <= zip.length)
        fetched.push([start, end])
        return zip.subarray(start, end)
      })
  }
  return { source, fetched }
}

const read = (zip: Uint8Array, file: string, maxBytes = 1_000_000) => readEntry(remote(zip).source, file, maxBytes)
const readText = (zip: Uint8Array, file: string) =>
  Effect.map(read(zip, file), (bytes) => Buffer.from(bytes).toString())

/** Why a file cannot be read, and what to do. */
const refusal = (reading: Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge>) =>
  Effect.map(
    Effect.flip(reading),
    (error) =>
      error._tag === "EntryUnreadable" ? sentences(error.reason, error.advice) : `${error.bytes} bytes are too many`
  )

/** Offsets of fields in a directory entry; all little-endian. */
const central = { flags: 8, method: 10, crc: 16, compressed: 20, uncompressed: 24, attributes: 38 } as const

/** The zip with some fields of the last directory entry of `file` overwritten. */
const patched = (zip: Uint8Array, file: string, fields: { readonly [Field in keyof typeof central]?: number }) => {
  const copy = Buffer.from(zip)
  const header = copy.lastIndexOf(file) - 46
  if (fields.flags !== undefined) copy.writeUInt16LE(fields.flags, header + central.flags)
  if (fields.method !== undefined) copy.writeUInt16LE(fields.method, header + central.method)
  for (const field of ["crc", "compressed", "uncompressed", "attributes"] as const) {
    const value = fields[field]
    if (value !== undefined) copy.writeUInt32LE(value, header + central[field])
  }
  return copy
}

/** The zip with each `name` replaced by another of the same length, which no zip writer would accept. */
const renamed = (zip: Uint8Array, name: string, other: string) =>
  Buffer.from(Buffer.from(zip).toString("latin1").replaceAll(name, other), "latin1")

const zipWith = {
  zipFiles: (files) => zipFiles(Object.fromEntries(files)),
  deflated: (files) => zipOf((zip) => files.forEach(([path, content]) => zip.addBuffer(Buffer.from(content), path))),
  stored: (files) =>
    zipOf((zip) => files.forEach(([path, content]) => zip.addBuffer(Buffer.from(content), path, { compress: false }))),
  streamed: (files) =>
    zipOf((zip) => files.forEach(([path, content]) => zip.addReadStream(Readable.from([Buffer.from(content)]), path))),
  zip64: (files) =>
    zipOf(
      (zip) =>
        files.forEach(([path, content]) => zip.addBuffer(Buffer.from(content), path, { forceZip64Format: true })),
      { forceZip64Format: true, comment: "" }
    ),
  commented: (files) =>
    zipOf((zip) => files.forEach(([path, content]) => zip.addBuffer(Buffer.from(content), path)), {
      forceZip64Format: false,
      comment: "x".repeat(5_000)
    })
} satisfies Record<
  string,
  (files: ReadonlyArray<readonly [path: string, content: Uint8Array]>) => Effect.Effect<Uint8Array>
>

const Maker = Schema.Literals(Object.keys(zipWith) as Array<keyof typeof zipWith>)

const Files = Arbitrary.map(
  Arbitrary.schema(Schema.NonEmptyArray(Schema.Struct({
    path: Schema.TemplateLiteral([Schema.Literals(["", "src/", "ä/b/"]), Schema.Literals(["a.json", "b", "😀", " c"])]),
    content: Schema.Uint8Array,
    times: Schema.Literals([1, 1, 50, 3_000])
  }))),
  (files) => {
    const contents = files.map(({ content, path, times }): [string, Uint8Array] => [
      path,
      Buffer.alloc(content.length * times, content)
    ])
    return [...new Map(contents)]
  }
)

const Natural = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

it.effect.prop(
  "any file of any zip is read with at most three requests (zip64: four), however much of the zip is fetched already",
  [Maker, Files, Natural],
  ([maker, files, number]) =>
    Effect.gen(function*() {
      const zip = yield* zipWith[maker](files)
      const { fetched, source } = remote(zip, 1 + number % zip.length)
      const [path, content] = files[number % files.length] ?? assert.fail()
      assert.deepStrictEqual(Uint8Array.from(yield* readEntry(source, path, content.length)), Uint8Array.from(content))
      assert.isAtMost(fetched.length, maker === "zip64" ? 4 : 3)
      if (source.tail.length === zip.length) assert.isEmpty(fetched)
    })
)

const many = zipWith.stored(
  Array.from({ length: 1_200 }, (_, n) => [`${"folder/".repeat(10)}file-${n}`, Buffer.from(`${n}`)])
)
const oneOfMany = `${"folder/".repeat(10)}file-7`

describe("readEntry of a zip with many files", () => {
  it.effect.each<readonly [tail: number, requests: number]>([
    [22, 3],
    [70_000, 2],
    [170_000, 1]
  ])("with its last %i bytes fetched, makes %i requests", ([tail, requests]) =>
    Effect.gen(function*() {
      const { fetched, source } = remote(yield* many, tail)
      assert.strictEqual(Buffer.from(yield* readEntry(source, oneOfMany, 100)).toString(), "7")
      assert.lengthOf(fetched, requests)
    }))

  it.effect("suggests files of the same name in other folders, or states the number of other files, if the file is missing", () =>
    Effect.gen(function*() {
      const zip = yield* many
      assert.include(yield* refusal(read(zip, "File-1199")), `Similar names: "${"folder/".repeat(10)}file-1199"`)
      assert.include(yield* refusal(read(zip, "other")), "and 1195 more")
    }))

  it.effect("fetches a file without the others", () =>
    Effect.gen(function*() {
      const { fetched, source } = remote(yield* many, 170_000)
      yield* readEntry(source, oneOfMany, 100)
      for (const [start, end] of fetched) assert.isAtMost(end - start, 2_000)
    }))
})

describe("the file that readEntry finds by its name", () => {
  it.effect("is the last of two entries of one name", () =>
    Effect.gen(function*() {
      const zip = yield* zipOf((zip) => {
        zip.addBuffer(Buffer.from("old"), "a.txt")
        zip.addBuffer(Buffer.from("new"), "a.txt")
        zip.addBuffer(Buffer.from("other"), "b.txt")
      })
      assert.strictEqual(yield* readText(zip, "a.txt"), "new")
    }))

  it.effect.each<readonly [inZip: string, wanted: string]>([
    ["src/a.json", "src/a.json"],
    ["src\\a.json", "src/a.json"],
    ["src/a.json", "src\\a.json"],
    ["./rc/a.json", "rc/a.json"],
    ["rc/./a.json", "rc/a.json"],
    ["/rc//a.json", "rc/a.json"],
    ["src/a.json", "./src/a.json"],
    ["src/a.json", "/src//./a.json"],
    ["../oddname", "../oddname"]
  ])("may be %s in the zip for the name %s", ([inZip, wanted]) =>
    Effect.gen(function*() {
      const placeholder = "x".repeat(inZip.length)
      const zip = renamed(yield* zipFiles({ [placeholder]: "text", other: "" }), placeholder, inZip)
      assert.strictEqual(yield* readText(zip, wanted), "text")
    }))

  it.effect("may be beside entries of any name", () =>
    Effect.gen(function*() {
      const zip = renamed(yield* zipFiles({ a: "text", "xxxxxxx": "", "yyyyyyyyy": "" }), "xxxxxxx", "/../../")
      assert.strictEqual(yield* readText(renamed(zip, "yyyyyyyyy", "C:\\..\\con"), "a"), "text")
    }))

  it.effect("is not a directory", () =>
    Effect.gen(function*() {
      const zip = yield* zipOf((zip) => {
        zip.addEmptyDirectory("src")
        zip.addBuffer(Buffer.from("text"), "src/a")
      })
      assert.strictEqual(yield* refusal(read(zip, "src/")), "it is a directory. Name a file in it")
      assert.strictEqual(
        yield* refusal(read(zip, "src")),
        "the zip does not contain this file. Similar names: \"src/\", \"src/a\""
      )
      assert.strictEqual(yield* readText(zip, "src/a"), "text")
    }))

  it.effect.each(
    [
      [
        "template.jsn",
        ["src/template.json", "template.json", "readme.md"],
        "Similar names: \"template.json\", \"src/template.json\""
      ],
      ["x.json", ["deep/in/the/folders/of/X.json", "y"], "Similar names: \"deep/in/the/folders/of/X.json\""],
      ["TEMPLATE.JSON", ["template.json"], "Similar names: \"template.json\""],
      ["./src\\c", ["src/b", "src/a"], "Similar names: \"src/a\", \"src/b\""],
      ["x", ["a", "b", "c", "d", "e", "f"], "Similar names: \"a\", \"b\", \"c\", \"d\", \"e\""],
      ["template.json", ["readme.md", "package.lock"], "It contains \"package.lock\", \"readme.md\""]
    ] as const
  )("is %s, missing from %j: the error advises: %s", ([file, files, advice]) =>
    Effect.gen(function*() {
      const zip = yield* zipFiles(Object.fromEntries(files.map((path) => [path, ""])))
      assert.strictEqual(yield* refusal(read(zip, file)), `the zip does not contain this file. ${advice}`)
    }))

  it.effect("is missing from an empty zip: the error says that the zip is empty", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* refusal(read(yield* zipFiles({}), "a")),
        "the zip does not contain this file. The zip does not contain any files"
      )
    }))
})

const single = zipFiles({ "a.txt": "text that is long enough to be deflated, deflated, deflated" })

describe("readEntry refuses", () => {
  it.effect.each<readonly [what: string, fields: Parameters<typeof patched>[2], reason: RegExp]>([
    ["an encrypted file", { flags: 0x0801 }, /^it is encrypted\. Put it into the zip without a password$/],
    ["a symbolic link", { attributes: 0o120777 * 0x10000 }, /^it is a symbolic link\. Put the file itself/],
    ["an unknown compression", { method: 12 }, /^it is compressed by method 12\. Compress it with deflate/],
    ["a file with a wrong checksum", { crc: 0 }, /^the zip is damaged or not a zip: the checksum of the file is wrong/],
    [
      "a file that extends past the end of the zip",
      { compressed: 500 },
      /damaged or not a zip: it has no bytes \d+ to \d+/
    ],
    ["a truncated file", { compressed: 10 }, /unexpected end of file/]
  ])("%s", ([, fields, reason]) =>
    Effect.gen(function*() {
      assert.match(yield* refusal(read(patched(yield* single, "a.txt", fields), "a.txt")), reason)
    }))

  it.effect("an empty object", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refusal(read(new Uint8Array(), "a.txt")), "it is empty, not a zip")
    }))

  it.effect.each(["x", "AWSTemplateFormatVersion: '2010-09-09'", "x".repeat(100_000)])(
    "an object that is not a zip (case %#)",
    (text) =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* refusal(read(Buffer.from(text), "a.txt")),
          "the zip is damaged or not a zip: it has no end record. Create the zip again"
        )
      })
  )

  it.effect("a directory of more than 32 MiB, before fetching it", () =>
    Effect.gen(function*() {
      const zip = yield* zipFiles({ "a.txt": "" })
      const tail = Buffer.concat([Buffer.alloc(70_000), zip.subarray(-22)])
      tail.writeUInt32LE(32 * 1024 * 1024 + 1, tail.length - 10)
      const source = { size: 3e9, tail, fetch: () => Effect.die("fetched") }
      assert.strictEqual(
        yield* refusal(readEntry(source, "a.txt", 100)),
        "the zip's directory of 33554433 bytes is too large"
      )
    }))

  it.effect("a response with too few bytes", () =>
    Effect.gen(function*() {
      const { source } = remote(yield* single, 22)
      const short: ZipSource<never> = {
        ...source,
        fetch: (start, end) => Effect.map(source.fetch(start, end), (bytes) => bytes.subarray(1))
      }
      assert.strictEqual(yield* refusal(readEntry(short, "a.txt", 100)), `the zip ended at byte ${source.size - 23}`)
    }))
})

it.effect.each([0, 10, 1_000])(
  "readEntry ignores the size that a zip states for a file: %i",
  (uncompressed) =>
    Effect.gen(function*() {
      const zip = yield* single
      assert.deepStrictEqual(
        yield* readText(patched(zip, "a.txt", { uncompressed }), "a.txt"),
        yield* readText(zip, "a.txt")
      )
    })
)

describe("the maximum size of a file", () => {
  it.effect.each([true, false])("is exact to the byte (compressed: %s)", (compress) =>
    Effect.gen(function*() {
      const zip = yield* zipOf((zip) => zip.addBuffer(Buffer.alloc(10_000, "x"), "a.txt", { compress }))
      assert.lengthOf(yield* read(zip, "a.txt", 10_000), 10_000)
      assert.strictEqual(yield* refusal(read(zip, "a.txt", 9_999)), "10000 bytes are too many")
    }))

  it.effect("holds for a file whose stated size is smaller", () =>
    Effect.gen(function*() {
      const zip = yield* zipFiles({ "a.txt": Buffer.alloc(10_000_000) })
      const error = yield* Effect.flip(read(patched(zip, "a.txt", { uncompressed: 100 }), "a.txt", 10_000))
      const bytes = error._tag === "EntryTooLarge" ? error.bytes : 0
      assert.isAbove(bytes, 10_000)
      assert.isBelow(bytes, 1_000_000)
    }))

  it.effect("holds for the compressed data, before they are fetched", () =>
    Effect.gen(function*() {
      const zip = yield* zipWith.streamed([["padding", Buffer.from("x".repeat(100_000))], [
        "a.txt",
        Buffer.from("text")
      ]])
      const { fetched, source } = remote(patched(zip, "a.txt", { compressed: 0xfffffff0 }), 70_000)
      assert.strictEqual(yield* refusal(readEntry(source, "a.txt", 100)), `${0xfffffff0} bytes are too many`)
      assert.isEmpty(fetched)
    }))

  it.effect("holds for a stated size of more than 2^53 bytes", () =>
    Effect.gen(function*() {
      const zip = yield* zipWith.zip64([["a.txt", Buffer.from("text")]])
      const sizes = zip.lastIndexOf(Buffer.from([1, 0, 24, 0])) + 4
      const lying = Buffer.from(zip).fill(0xff, sizes, sizes + 16)
      assert.strictEqual(yield* refusal(read(lying, "a.txt")), `${Number.MAX_SAFE_INTEGER} bytes are too many`)
    }))
})

it.effect("readEntry reads a file whose own header is longer than its directory entry suggests", () =>
  Effect.gen(function*() {
    const text = Buffer.from("text".repeat(750))
    const zip = yield* zipWith.stored([["a.txt", text], ["padding", Buffer.alloc(100_000)]])
    const extra = 5_000
    const nameEnd = 30 + "a.txt".length
    const longer = Buffer.concat([zip.subarray(0, nameEnd), Buffer.alloc(extra), zip.subarray(nameEnd)])
    longer.writeUInt16LE(extra, 28)
    const directoryOffset = longer.length - 6
    longer.writeUInt32LE(longer.readUInt32LE(directoryOffset) + extra, directoryOffset)
    const { fetched, source } = remote(longer, 70_000)
    assert.deepStrictEqual(yield* readEntry(source, "a.txt", text.length), text)
    assert.lengthOf(fetched, 2)
  }))

class Offline extends Data.TaggedError("Offline")<{ readonly at: number }> {}

it.effect.each([1, 2, 3])("readEntry fails with the error of request %i", (at) =>
  Effect.gen(function*() {
    const { source } = remote(yield* many, 22)
    let requests = 0
    const failing: ZipSource<Offline> = {
      ...source,
      fetch: (start, end) =>
        Effect.suspend(() => ++requests === at ? Effect.fail(new Offline({ at })) : source.fetch(start, end))
    }
    assert.deepInclude(yield* Effect.flip(readEntry(failing, oneOfMany, 100)), { _tag: "Offline", at })
  }))

it.effect("interrupting readEntry interrupts its request", () =>
  Effect.gen(function*() {
    let interrupted = false
    const { source } = remote(yield* single, 22)
    const silent: ZipSource<never> = {
      ...source,
      fetch: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted = true))
    }
    const fiber = yield* Effect.forkChild(readEntry(silent, "a.txt", 100), { startImmediately: true })
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    yield* Fiber.interrupt(fiber)
    assert.isTrue(interrupted)
  }))

/** Two files, one compressed and one stored; `a.txt` is to be read. */
const mixed = (compress: boolean) =>
  zipOf((zip) => {
    zip.addBuffer(Buffer.from("text ".repeat(20)), "a.txt", { compress })
    // One wrong byte cannot turn one name into the other.
    zip.addBuffer(Buffer.from("other"), "other.txt", { compress: !compress })
  })

const isTextOrRefused = (exit: Exit.Exit<Uint8Array, EntryUnreadable | EntryTooLarge>) => {
  const result = Exit.isSuccess(exit) ? Buffer.from(exit.value).toString() : Exit.findError(exit)
  assert.isTrue(result === "text ".repeat(20) || (typeof result === "object" && Result.isSuccess(result)))
}

describe("readEntry of a damaged zip", () => {
  it.effect.prop(
    "returns the original file or fails, whichever byte has changed",
    [Schema.Boolean, Natural, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 }))],
    ([compress, position, change]) =>
      Effect.gen(function*() {
        const damaged = Buffer.from(yield* mixed(compress))
        const at = position % damaged.length
        damaged.writeUInt8((damaged.readUInt8(at) + change) % 256, at)
        isTextOrRefused(yield* Effect.exit(read(damaged, "a.txt")))
      }),
    { arbitrary: { runs: 200 } }
  )

  it.effect.prop(
    "fails, wherever the zip is truncated",
    [Schema.Boolean, Natural],
    ([compress, position]) =>
      Effect.gen(function*() {
        const whole = yield* mixed(compress)
        const exit = yield* Effect.exit(read(whole.subarray(0, position % whole.length), "a.txt"))
        isTextOrRefused(exit)
        assert.isTrue(Exit.isFailure(exit))
      })
  )
})
