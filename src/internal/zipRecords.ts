// The records of a zip (APPNOTE 4.3), read as leniently as unzip and Python's zipfile read them.
import { crc32 } from "node:zlib"
import { decodeName } from "./zipNames.ts"

/** unzip looks for the end record in this many last bytes: its comment has up to 65,535, other bytes may follow it. */
export const endSearchBytes = 66_000

/** The first four bytes of each record, as a number. */
export const signatures = {
  header: 0x04034b50,
  entry: 0x02014b50,
  end: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50
} as const

const endSignature = Buffer.from("PK\x05\x06", "latin1")
const entrySignature = Buffer.from("PK\x01\x02", "latin1")

/** Every record begins with these two bytes. */
const [P, K] = [0x50, 0x4b]

const endBytes = 22
const entryBytes = 46
const zip64LocatorBytes = 20
export const zip64EndBytes = 56
export const headerBytes = 30

/** Where the directory of the zip is. */
export interface End {
  /** Position of the byte after the directory. */
  readonly directoryEnd: number
  readonly directoryBytes: number
  /** The directory's position, counted from the zip's first byte: other bytes may come before that. */
  readonly directoryOffset: number
  /** Positions to look for the end record of zip64 at, if there is one: its values replace those here. */
  readonly zip64At: ReadonlyArray<number>
}

/**
 * Finds the last end record in the last bytes of the zip, `start` being their position. A record whose comment ends with
 * the zip is preferred: the comment itself may look like a record.
 */
export const findEnd = (last: Buffer, start: number): End | undefined => {
  let found: End | undefined
  for (let at = last.length - endBytes; at >= 0; at--) {
    at = last.lastIndexOf(endSignature, at)
    if (at === -1) break
    const commentEnd = at + endBytes + last.readUInt16LE(at + 20)
    if (commentEnd > last.length || (found !== undefined && commentEnd < last.length)) continue
    const end = endAt(last, at, start)
    if (end.zip64At.length === 0 && end.directoryBytes + end.directoryOffset > end.directoryEnd) continue
    found = end
    if (commentEnd === last.length) break
  }
  return found
}

const endAt = (last: Buffer, at: number, start: number): End => {
  const locator = at - zip64LocatorBytes
  const isZip64 = locator >= 0 && last.readUInt32LE(locator) === signatures.zip64Locator
  return {
    directoryEnd: start + at,
    directoryBytes: last.readUInt32LE(at + 12),
    directoryOffset: last.readUInt32LE(at + 16),
    // With bytes before the zip, only the first of these is right.
    zip64At: isZip64 ? [start + locator - zip64EndBytes, uint64(last, locator + 8)] : []
  }
}

/** The end record of zip64 in these bytes, `at` being their position. */
export const zip64End = (bytes: Buffer, at: number): End | undefined =>
  bytes.readUInt32LE(0) === signatures.zip64End
    ? {
      directoryEnd: at,
      directoryBytes: uint64(bytes, 40),
      directoryOffset: uint64(bytes, 48),
      zip64At: []
    }
    : undefined

export interface DirectoryEntry {
  readonly name: string
  /** The number of the name's bytes. */
  readonly nameLength: number
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  readonly bytes: number
  readonly attributes: number
  /** The position of the file's header, counted from the zip's first byte. */
  readonly headerOffset: number
}

export const isDirectory = (bytes: Buffer) => bytes.length === 0 || bytes.subarray(0, 4).equals(entrySignature)

/** All entries that can be read. A broken one is skipped: it is no obstacle to reading the others. */
export function* entriesOf(directory: Buffer): Generator<DirectoryEntry> {
  let at = 0
  while ((at = directory.indexOf(entrySignature, at)) !== -1 && at + entryBytes <= directory.length) {
    const nameEnd = at + entryBytes + directory.readUInt16LE(at + 28)
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30)
    const end = extraEnd + directory.readUInt16LE(at + 32)
    const isWhole = end === directory.length || (directory[end] === P && directory[end + 1] === K)
    if (isWhole) yield entryAt(directory, at, nameEnd, extraEnd)
    at = isWhole ? end : at + entrySignature.length
  }
}

const entryAt = (directory: Buffer, at: number, nameEnd: number, extraEnd: number): DirectoryEntry => {
  const name = directory.subarray(at + entryBytes, nameEnd)
  const extra = directory.subarray(nameEnd, extraEnd)
  const flags = directory.readUInt16LE(at + 8)
  const sizes = { bytes: at + 24, compressedBytes: at + 20, headerOffset: at + 42 }
  const zip64 = extraField(extra, 0x0001)
  let zip64At = 0
  // The field has those of the three values that do not fit into 32 bits, in this order (APPNOTE 4.5.3).
  const sizeAt = (position: number) => {
    const value = directory.readUInt32LE(position)
    if (value !== 0xffffffff || zip64 === undefined || zip64At + 8 > zip64.length) return value
    zip64At += 8
    return uint64(zip64, zip64At - 8)
  }
  return {
    name: unicodePath(name, extra) ?? decodeName(name, (flags & 0x0800) !== 0),
    nameLength: name.length,
    flags,
    method: directory.readUInt16LE(at + 10),
    crc: directory.readUInt32LE(at + 16),
    bytes: sizeAt(sizes.bytes),
    compressedBytes: sizeAt(sizes.compressedBytes),
    attributes: directory.readUInt32LE(at + 38),
    headerOffset: sizeAt(sizes.headerOffset)
  }
}

/** Info-ZIP's Unicode Path field (APPNOTE 4.6.9). It counts only while its checksum is that of the name. */
const unicodePath = (name: Buffer, extra: Buffer): string | undefined => {
  const field = extraField(extra, 0x7075)
  return field !== undefined && field.length > 5 && field[0] === 1 && field.readUInt32LE(1) === crc32(name)
    ? field.toString("utf8", 5)
    : undefined
}

const extraField = (extra: Buffer, id: number): Buffer | undefined => {
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === id && end <= extra.length) return extra.subarray(at + 4, end)
    at = end
  }
  return undefined
}

/** Where the file's data begin, counted from the start of its header; nothing if the bytes are no header. */
export const dataOffset = (header: Buffer): number | undefined =>
  header.length >= headerBytes && header.readUInt32LE(0) === signatures.header
    ? headerBytes + header.readUInt16LE(26) + header.readUInt16LE(28)
    : undefined

/** Exact up to 2^53: larger sizes and positions are refused as too large anyway. */
const uint64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at))
