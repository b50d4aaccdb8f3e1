// Zips that no zip writer would make, after the ZIP specification (APPNOTE 4.3).
import { crc32, deflateRawSync } from "node:zlib"

/** An entry of a zip, valid or not. */
export interface RawEntry {
  readonly name: Uint8Array
  readonly content: Uint8Array
  readonly extra?: Uint8Array
  /** General purpose bits; 0x0800: the name is UTF-8. */
  readonly flags?: number
  /** The method of compression that the entry states; by default deflate. */
  readonly method?: number
  /** The entry has no header and data of its own, but those of the first entry. */
  readonly overlaps?: boolean
  /** Overwrites bytes of the directory entry, by their offset in it. */
  readonly patches?: Readonly<Record<number, ReadonlyArray<number>>>
}

const headerOf = (
  { content, extra = new Uint8Array(), flags = 0, method = 8, name }: RawEntry,
  deflated: Uint8Array
) => {
  const header = Buffer.alloc(26)
  header.writeUInt16LE(20, 0)
  header.writeUInt16LE(flags, 2)
  header.writeUInt16LE(method, 4)
  header.writeUInt32LE(crc32(content), 10)
  header.writeUInt32LE(deflated.length, 14)
  header.writeUInt32LE(content.length, 18)
  header.writeUInt16LE(name.length, 22)
  header.writeUInt16LE(extra.length, 24)
  return header
}

export const rawZip = (entries: ReadonlyArray<RawEntry>, comment: Uint8Array = new Uint8Array()) => {
  const files: Array<Uint8Array> = []
  const directory: Array<Uint8Array> = []
  let offset = 0
  for (const entry of entries) {
    const { extra = new Uint8Array(), name } = entry
    const deflated = entry.method === 0 ? entry.content : deflateRawSync(entry.content)
    const header = headerOf(entry, deflated)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(entry.overlaps ? 0 : offset, 10)
    const record = Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), header, rest, name, extra])
    for (const [at, bytes] of Object.entries(entry.patches ?? {})) record.set(bytes, Number(at))
    directory.push(record)
    if (entry.overlaps) continue
    const file = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), header, name, extra, deflated])
    files.push(file)
    offset += file.length
  }
  const end = Buffer.alloc(22)
  end.write("PK\x05\x06", "latin1")
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.reduce((length, part) => length + part.length, 0), 12)
  end.writeUInt32LE(offset, 16)
  end.writeUInt16LE(comment.length, 20)
  return Buffer.concat([...files, ...directory, end, comment])
}
