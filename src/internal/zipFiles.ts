// Writes zips (APPNOTE 4.3).
import * as Effect from "effect/Effect"
import { crc32, deflateRawSync } from "node:zlib"
import type { Files } from "../domain/job/ArtifactFiles.ts"
import { signatures } from "./zipRecords.ts"

/** The earliest date of the format: equal files make equal bytes everywhere. */
const date = 0x0021
/** A regular file that everybody may read, in the high half of Unix attributes. */
const attributes = 0o100644 * 0x10000
const madeByUnix = 3 << 8
const [version, zip64Version] = [20, 45]
const nameIsUtf8 = 0x0800
const [stored, deflated] = [0, 8]
/** From this number on, a number stands in a record of zip64. */
const [max16, max32] = [0xffff, 0xffffffff]

/**
 * A zip of these files, in the order of their paths. Dies of a path that leads out of the zip (`../x`, `/x`), and of
 * 4 GiB or more.
 */
export const zipFiles = (files: Files): Effect.Effect<Uint8Array> =>
  Effect.sync(() => {
    const sorted = Object.entries(files).toSorted(([a], [b]) => a < b ? -1 : 1)
    const entries: Array<Buffer> = []
    const directory: Array<Buffer> = []
    let offset = 0
    for (const [path, content] of sorted) {
      const name = Buffer.from(checked(path.replaceAll("\\", "/")))
      const bytes = Buffer.from(content)
      const isEmpty = bytes.length === 0
      const data = isEmpty ? bytes : deflateRawSync(bytes, { level: 9 })
      const common = [
        u16(version, nameIsUtf8, isEmpty ? stored : deflated, 0, date),
        u32(crc32(bytes), data.length, bytes.length),
        u16(name.length, 0)
      ]
      const entry = Buffer.concat([u32(signatures.header), ...common, name, data])
      entries.push(entry)
      directory.push(
        u32(signatures.entry),
        u16(madeByUnix + version),
        ...common,
        u16(0, 0, 0),
        u32(attributes, offset),
        name
      )
      offset += entry.length
    }
    const list = Buffer.concat(directory)
    const zip = Buffer.concat([...entries, list, ...end(sorted.length, list.length, offset)])
    if (zip.length > max32) throw new Error("The files make a zip of more than 4 GiB")
    return zip
  })

const checked = (path: string): string => {
  if (/^$|^\/|^[a-z]:|(?:^|\/)\.\.(?:\/|$)/i.test(path)) throw new Error(`The path "${path}" leads out of the zip`)
  return path
}

/** The end records. That of zip64 is there if the number of entries does not fit into 16 bits. */
const end = (count: number, bytes: number, offset: number): ReadonlyArray<Buffer> => {
  const last = [
    u32(signatures.end),
    u16(0, 0, Math.min(count, max16), Math.min(count, max16)),
    u32(bytes, offset),
    u16(0)
  ]
  if (count < max16) return last
  return [
    u32(signatures.zip64End),
    u64(44),
    u16(zip64Version, zip64Version),
    u32(0, 0),
    u64(count, count, bytes, offset),
    u32(signatures.zip64Locator, 0),
    u64(offset + bytes),
    u32(1),
    ...last
  ]
}

const u16 = (...values: ReadonlyArray<number>) => Buffer.from(Uint16Array.from(values).buffer)
const u32 = (...values: ReadonlyArray<number>) => Buffer.from(Uint32Array.from(values).buffer)
const u64 = (...values: ReadonlyArray<number>) => Buffer.from(BigUint64Array.from(values, BigInt).buffer)
