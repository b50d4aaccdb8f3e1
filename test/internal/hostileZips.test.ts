import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { crc32 } from "node:zlib"
import { readEntry } from "../../src/internal/zipEntry.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { incompressible } from "../seed.ts"
import { rawZip } from "./rawZip.ts"

const text = (content: string) => Buffer.from(content)

const read = (zip: Uint8Array, file: string, tail = zip.length) => {
  const fetch = (start: number, end: number) => Effect.succeed(zip.subarray(start, end))
  return readEntry({ size: zip.length, tail: zip.subarray(zip.length - tail), fetch }, file, 100_000)
}

const readText = (zip: Uint8Array, file: string) =>
  Effect.map(read(zip, file), (bytes) => Buffer.from(bytes).toString())

describe("the name of an entry", () => {
  it.effect("is decoded as code page 437 if it is not UTF-8 and has no flag", () =>
    Effect.gen(function*() {
      const zip = rawZip([{ name: Buffer.from([0x81, 0x2e, 0x6a]), content: text("CP437") }])
      assert.strictEqual(yield* readText(zip, "ü.j"), "CP437")
    }))

  it.effect("is decoded as UTF-8 if the flag says so", () =>
    Effect.gen(function*() {
      const zip = rawZip([{ name: text("ü.j"), content: text("UTF-8"), flags: 0x0800 }])
      assert.strictEqual(yield* readText(zip, "ü.j"), "UTF-8")
    }))

  it.effect("is replaced by the one in a Unicode Path field", () =>
    Effect.gen(function*() {
      const name = text("_.j")
      const path = text("ü.j")
      const extra = Buffer.concat([Buffer.alloc(9), path])
      extra.writeUInt16LE(0x7075, 0)
      extra.writeUInt16LE(5 + path.length, 2)
      extra.writeUInt8(1, 4)
      extra.writeUInt32LE(crc32(name), 5)
      assert.strictEqual(yield* readText(rawZip([{ name, content: text("Unicode"), extra }]), "ü.j"), "Unicode")
    }))

  it.effect.each(["dir\\a.j", "./dir/a.j", "dir/./a.j", "/dir/a.j", "dir//a.j"])(
    "%s is found as dir/a.j too",
    (name) =>
      Effect.gen(function*() {
        const zip = rawZip([{ name: text(name), content: text("it") }])
        assert.strictEqual(yield* readText(zip, "dir/a.j"), "it")
        assert.strictEqual(yield* readText(zip, name), "it")
      })
  )

  it.effect("may lead out of the zip, as nothing is written to disk", () =>
    Effect.gen(function*() {
      const zip = rawZip([{ name: text("../../etc/passwd"), content: text("odd") }, {
        name: text("a.j"),
        content: text("a")
      }])
      assert.strictEqual(yield* readText(zip, "a.j"), "a")
    }))
})

describe("readEntry of a hostile zip", () => {
  it.effect("reads entries that overlap", () =>
    Effect.gen(function*() {
      const content = text("the same")
      const zip = rawZip([{ name: text("a"), content }, { name: text("b"), content, overlaps: true }])
      assert.strictEqual(yield* readText(zip, "a"), "the same")
      assert.strictEqual(yield* readText(zip, "b"), "the same")
    }))

  it.effect.each([100, 65_535])(
    "reads a zip whose comment of %i bytes looks like an end record",
    (length) =>
      Effect.gen(function*() {
        const false_ = Buffer.from("PK\x05\x06", "latin1")
        const comment = Buffer.concat([false_, incompressible(length - 8), false_])
        const zip = rawZip([{ name: text("a"), content: text("true") }], comment)
        assert.strictEqual(yield* readText(zip, "a"), "true")
      })
  )

  it.effect("searches a directory of broken entries in linear time", () =>
    Effect.gen(function*() {
      const mebibyte = 1024 * 1024
      const record = Buffer.alloc(46)
      record.write("PK\x01\x02", "latin1")
      record.writeUInt32LE(0xffff_ffff, 28)
      const directory = Buffer.concat([Buffer.alloc(4 * mebibyte, record), Buffer.alloc(20 * mebibyte)])
      const end = rawZip([]).subarray(-22)
      end.writeUInt32LE(directory.length, 12)
      const error = yield* Effect.flip(read(Buffer.concat([directory, end]), "a"))
      assert.strictEqual(error._tag, "EntryUnreadable")
    }))

  it.effect("suggests names in a time that neither their number nor their length makes long", () =>
    Effect.gen(function*() {
      const zip = rawZip(Array.from({ length: 3_000 }, (_, index) => ({
        name: Buffer.from(`${"x".repeat(1_200)}${index}/template.json`),
        content: Buffer.of(),
        method: 0
      })))
      const error = yield* Effect.flip(read(zip, `${"y".repeat(900)}/template.json`))
      assert.strictEqual(error._tag, "EntryUnreadable")
      assert.isBelow(JSON.stringify(error).length, 3_000)
    }))

  it.effect("stops inflating at the maximum size", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read(rawZip([{ name: text("a"), content: Buffer.alloc(50_000_000) }]), "a"))
      assert.strictEqual(error._tag, "EntryTooLarge")
    }))
})

const Place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))

const Damage = Schema.TaggedUnion({
  Flip: { at: Place, bits: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 })) },
  Cut: { at: Place, length: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })) },
  Splice: { at: Place, bytes: Schema.Uint8Array }
})

const damage = (zip: Buffer, damages: ReadonlyArray<typeof Damage.Type>) =>
  damages.reduce<Buffer>((zip, damage) => {
    const at = damage.at % (zip.length + 1)
    return Damage.match(damage, {
      Flip: ({ bits }) => zip.map((byte, index) => index === at ? byte ^ bits : byte) as Buffer,
      Cut: ({ length }) => Buffer.concat([zip.subarray(0, at), zip.subarray(at + length)]),
      Splice: ({ bytes }) => Buffer.concat([zip.subarray(0, at), bytes, zip.subarray(at)])
    })
  }, zip)

const contents = { "a.json": "the text of a, of a, of a", "dir/b.json": "the text of b" } as const

it.effect.prop(
  "readEntry returns the exact file or fails with one error, however the zip is damaged",
  {
    damages: Schema.NonEmptyArray(Damage),
    file: Schema.Literals(["a.json", "dir/b.json"]),
    tail: Place
  },
  ({ damages, file, tail }) =>
    Effect.gen(function*() {
      const zip = damage(Buffer.from(yield* zipFiles(contents)), damages)
      const result = yield* Effect.result(read(zip, file, zip.length === 0 ? 0 : 1 + tail % zip.length))
      if (Result.isSuccess(result)) assert.strictEqual(Buffer.from(result.success).toString(), contents[file])
      else assert.include(["EntryUnreadable", "EntryTooLarge"], result.failure._tag)
    }),
  { arbitrary: { runs: 1_000 } }
)

it.effect("readEntry fails for a zip that is truncated anywhere", () =>
  Effect.gen(function*() {
    const zip = Buffer.from(yield* zipFiles(contents))
    for (let length = 0; length < zip.length; length++) {
      const error = yield* Effect.flip(read(zip.subarray(0, length), "a.json"))
      assert.strictEqual(error._tag, "EntryUnreadable")
    }
  }))
