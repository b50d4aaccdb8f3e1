// Zips that unzip and Python's zipfile read although something in them is unusual or wrong.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { ZipFile } from "yazl"
import { readEntry } from "../../src/internal/zipEntry.ts"
import { incompressible } from "../seed.ts"
import { type RawEntry, rawZip } from "./rawZip.ts"

const bytesOf = (text: string) => Buffer.from(text)

const mebibyte = 1024 * 1024

/** Reads as from S3: the last MiB is fetched already, all else is fetched when needed. */
const read = (zip: Uint8Array, file: string, maxBytes = 100_000) => {
  const fetch = (start: number, end: number) => Effect.succeed(zip.subarray(start, end))
  const tail = zip.subarray(Math.max(0, zip.length - mebibyte))
  return Effect.map(readEntry({ size: zip.length, tail, fetch }, file, maxBytes), (bytes) => Buffer.from(bytes))
}

const wanted: RawEntry = { name: bytesOf("dir/a.json"), content: bytesOf("the text of a") }

/** The wanted file between two others, of which the first may be overridden. */
const zipBeside = (other: Partial<RawEntry> = {}) =>
  rawZip([
    { name: bytesOf("first.json"), content: bytesOf("the first"), ...other },
    wanted,
    { name: bytesOf("last.json"), content: bytesOf("the last") }
  ])

const zip64 = Effect.promise(() => {
  const zip = new ZipFile()
  for (const { content, name } of [wanted, { name: "b", content: "b" }]) {
    zip.addBuffer(Buffer.from(content), String(name), { forceZip64Format: true })
  }
  zip.end({ forceZip64Format: true, comment: "" })
  return buffer(zip.outputStream as NodeJS.ReadableStream & AsyncIterable<Buffer>)
})

const script = bytesOf(`#!/bin/sh\nunzip -p "$0" "$1"\nexit # ${"padding ".repeat(100)}\n`)

/** The zip after the script, with offsets that count from the start of the script, as `zip -A` writes them. */
const adjusted = () => {
  const zip = Buffer.concat([script, zipBeside()])
  const end = zip.length - 22
  const directory = zip.readUInt32LE(end + 16) + script.length
  zip.writeUInt32LE(directory, end + 16)
  for (let at = directory; at < end; at += 46 + zip.readUInt16LE(at + 28)) {
    zip.writeUInt32LE(zip.readUInt32LE(at + 42) + script.length, at + 42)
  }
  return zip
}

/** The zip with bytes between its directory and its end record. */
const withGap = () => {
  const zip = zipBeside()
  return Buffer.concat([zip.subarray(0, -22), Buffer.alloc(100), zip.subarray(-22)])
}

/** The zip with data of other programs at the end of its end record of zip64 (APPNOTE 4.3.14.3). */
const withExtensibleData = (zip: Buffer) => {
  const locator = zip.length - 22 - 20
  const extended = Buffer.concat([zip.subarray(0, locator), Buffer.alloc(10, "x"), zip.subarray(locator)])
  extended.writeBigUInt64LE(44n + 10n, locator - 56 + 4)
  return extended
}

/** The zip that it describes, and whether Python reads it too. */
const lenient: ReadonlyArray<readonly [what: string, zip: Effect.Effect<Buffer>, python: boolean]> = [
  ["after a script", Effect.sync(() => Buffer.concat([script, zipBeside()])), true],
  ["after a script, with offsets that include the script", Effect.sync(adjusted), true],
  ["of format zip64 after a script", Effect.map(zip64, (zip) => Buffer.concat([script, zip])), true],
  [
    "after another zip",
    Effect.sync(() => Buffer.concat([rawZip([{ ...wanted, content: bytesOf("no") }]), zipBeside()])),
    true
  ],
  ["followed by other bytes", Effect.sync(() => Buffer.concat([zipBeside(), incompressible(1_000)])), true],
  ["of format zip64 followed by other bytes", Effect.map(zip64, (zip) => Buffer.concat([zip, bytesOf("\n")])), true],
  ["between other bytes", Effect.sync(() => Buffer.concat([script, zipBeside(), bytesOf("signature")])), true],
  ["of format zip64 with extensible data", Effect.map(zip64, withExtensibleData), false],
  ["with bytes between the directory and the end record", Effect.sync(withGap), false],
  ...([
    ["an encrypted file", { flags: 0x0001 }, true],
    ["a file of strong encryption", { flags: 0x2041, method: 99 }, true],
    ["a file of an unknown method of compression", { method: 97 }, true],
    ["a file whose name is not UTF-8", { name: Buffer.from([0xff, 0xfe, 0x81]), flags: 0x0800 }, false],
    ["a file whose name is in another code page", { name: Buffer.from([0x83, 0x65, 0x83, 0x58]) }, true],
    ["a file whose extra field is longer than all of them", { extra: Buffer.from([0x55, 0x54, 0xff, 0xff, 1]) }, false],
    ["a file whose header is not where the directory says", { patches: { 42: [0xf0, 0xff, 0xff, 0x7f] } }, true],
    ["a file whose zip64 field is missing", { patches: { 24: [0xff, 0xff, 0xff, 0xff] } }, false],
    ["a file with a wrong checksum", { patches: { 16: [1, 2, 3, 4] } }, true],
    ["an entry whose name length is wrong", { patches: { 28: [200, 0] } }, false],
    ["an entry whose comment length is wrong", { patches: { 32: [0xff, 0xff] } }, false]
  ] as const).map(([what, other, python]) =>
    [`with ${what} beside the wanted one`, Effect.sync(() => zipBeside(other)), python] as const
  )
]

const hasPython = spawnSync("python3", ["--version"]).status === 0

const readByPython =
  "import sys, zipfile\nfor path in sys.argv[1:]: print(zipfile.ZipFile(path).read('dir/a.json').decode())"

describe("readEntry reads a zip", () => {
  it.effect.each(lenient)("%s", ([, zip]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* read(yield* zip, "dir/a.json")).toString(), "the text of a")
    }))

  // Python is the oracle for which zips are readable, on machines that have it.
  it.effect.skipIf(!hasPython)("that Python's zipfile reads, each of the zips marked so", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "zips-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const readable = lenient.filter(([, , python]) => python)
      const paths = readable.map(([what]) => join(folder, what.replaceAll("/", "_")))
      for (const [index, [, zip]] of readable.entries()) writeFileSync(paths[index] ?? "", yield* zip)
      const { stderr, stdout } = spawnSync("python3", ["-c", readByPython, ...paths])
      assert.strictEqual(stderr.toString(), "")
      assert.strictEqual(stdout.toString(), "the text of a\n".repeat(readable.length))
    }))
})

describe("readEntry finds a file", () => {
  const composed = "Vorlage für Öl.json".normalize("NFC")
  const decomposed = composed.normalize("NFD")

  it.effect("whose UTF-8 name has no UTF-8 flag, as Debian's zip writes it", () =>
    Effect.gen(function*() {
      const zip = rawZip([wanted, { name: bytesOf(composed), content: bytesOf("oil") }])
      assert.strictEqual((yield* read(zip, composed)).toString(), "oil")
    }))

  it.effect.each([[decomposed, composed], [composed, decomposed]])(
    "whose name differs only in its Unicode normalization (case %#)",
    ([inZip = "", asked = ""]) =>
      Effect.gen(function*() {
        const zip = rawZip([{ name: bytesOf(inZip), content: bytesOf("oil"), flags: 0x0800 }, wanted])
        assert.strictEqual((yield* read(zip, asked)).toString(), "oil")
      })
  )

  it.effect.each([composed, decomposed])(
    "by its exact name if another one looks the same (case %#)",
    (name) =>
      Effect.gen(function*() {
        const entries = [composed, decomposed].map((name) => ({ name: bytesOf(name), content: bytesOf(name) }))
        for (const order of [entries, entries.toReversed()]) {
          assert.strictEqual((yield* read(rawZip(order), name)).toString(), name)
        }
      })
  )

  it.effect("of more than 32 MiB, if the caller allows it", () =>
    Effect.gen(function*() {
      const content = incompressible(33 * mebibyte)
      const zip = rawZip([{ name: bytesOf("large.bin"), content, method: 0 }, {
        ...wanted,
        content: incompressible(2 * mebibyte)
      }])
      assert.isTrue((yield* read(zip, "large.bin", 64 * mebibyte)).equals(content))
    }))

  it.effect("that is empty and has no compressed data", () =>
    Effect.gen(function*() {
      const empty = { name: bytesOf("empty"), content: new Uint8Array(), patches: { 20: [0, 0, 0, 0] } }
      assert.lengthOf(yield* read(rawZip([empty, wanted]), "empty"), 0)
    }))
})
