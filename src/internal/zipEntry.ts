// Reads one file out of a remote zip, and fetches only the parts of the zip that this takes.
import * as Effect from "effect/Effect"
import { constants } from "node:buffer"
import { crc32, inflateRaw } from "node:zlib"
import { EntryTooLarge, EntryUnreadable } from "../domain/job/ArtifactFiles.ts"
import { baseOf, composed, normalizePath, suggestNames } from "./zipNames.ts"
import {
  dataOffset,
  type DirectoryEntry,
  type End,
  endSearchBytes,
  entriesOf,
  findEnd,
  headerBytes,
  isDirectory,
  zip64End,
  zip64EndBytes
} from "./zipRecords.ts"

/** A zip of which any part can be fetched. */
export interface ZipSource<E> {
  readonly size: number
  /** The last bytes of the zip, already fetched. Of a small zip, all bytes. */
  readonly tail: Uint8Array
  /** Fetches the bytes from `start` up to, not including, `end`. */
  fetch(start: number, end: number): Effect.Effect<Uint8Array, E>
}

type ReadBytes<E> = (start: number, end: number) => Effect.Effect<Buffer, E | EntryUnreadable>

/** Maximum size of a directory that is searched: about 300,000 files. */
const maxDirectoryBytes = 32 * 1024 * 1024

/** Bytes to fetch beyond the expected end of a file: its header may have longer extra fields than the directory. */
const headerSlack = 1024

/**
 * Reads the bytes of `file`.
 *
 * Fails with {@link EntryTooLarge} if the file has more than `maxBytes`, whatever size the zip states, and holds no more
 * than about that in memory. If the zip has several entries of this name, the last one counts, as in unzip.
 */
export const readEntry = Effect.fnUntraced(function*<E>(
  source: ZipSource<E>,
  file: string,
  maxBytes: number
): Effect.fn.Return<Uint8Array, E | EntryUnreadable | EntryTooLarge> {
  if (source.size === 0) return yield* unreadable("it is empty, not a zip")
  const read = readerOf(source)
  const { directory, shift } = yield* readDirectory(read, source.size)
  const entry = yield* findEntry(directory, file)
  yield* checkReadable(entry)
  if (entry.bytes > maxBytes) return yield* tooLarge(entry.bytes)
  // Deflate makes data longer by a few bytes per block at most.
  if (entry.compressedBytes > maxBytes + maxBytes / 8 + headerSlack) return yield* tooLarge(entry.compressedBytes)
  const data = yield* readData(read, entry, entry.headerOffset + shift, source.size)
  const bytes = entry.method === stored || data.length === 0 ? data : yield* inflate(data, maxBytes)
  if (bytes.length > maxBytes) return yield* tooLarge(bytes.length)
  if (crc32(bytes) !== entry.crc) return yield* damaged("the checksum of the file is wrong")
  return bytes
})

/** Reads from the tail, and fetches what precedes it. */
const readerOf = <E>({ fetch, size, tail }: ZipSource<E>): ReadBytes<E> => {
  const tailStart = size - tail.length
  const tailBytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength)
  return (start, end) => {
    if (start < 0 || start > end || end > size) return damaged(`it has no bytes ${start} to ${end}`)
    if (start >= tailStart || start === end) {
      return Effect.succeed(tailBytes.subarray(start - tailStart, end - tailStart))
    }
    const fetchEnd = Math.min(end, tailStart)
    return Effect.flatMap(fetch(start, fetchEnd), (bytes) => {
      if (bytes.length !== fetchEnd - start) return unreadable(`the zip ended at byte ${start + bytes.length}`)
      const fetched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return Effect.succeed(
        end > fetchEnd ? Buffer.concat([fetched, tailBytes.subarray(0, end - tailStart)]) : fetched
      )
    })
  }
}

/** The directory, and the number of bytes before the zip, by which all of its offsets are too small. */
const readDirectory = Effect.fnUntraced(function*<E>(
  read: ReadBytes<E>,
  size: number
): Effect.fn.Return<{ readonly directory: Buffer; readonly shift: number }, E | EntryUnreadable> {
  const searchStart = Math.max(0, size - endSearchBytes)
  const end = findEnd(yield* read(searchStart, size), searchStart)
  if (end === undefined) return yield* damaged("it has no end record")
  const { directoryBytes, directoryEnd, directoryOffset } = yield* resolveZip64(read, end, size)
  if (directoryBytes > maxDirectoryBytes) {
    return yield* unreadable(`the zip's directory of ${directoryBytes} bytes is too large`)
  }
  for (const start of new Set([directoryEnd - directoryBytes, directoryOffset])) {
    if (start < 0 || start + directoryBytes > size) continue
    const directory = yield* read(start, start + directoryBytes)
    if (isDirectory(directory)) return { directory, shift: start - directoryOffset }
  }
  return yield* damaged("it has no directory")
})

const resolveZip64 = Effect.fnUntraced(function*<E>(
  read: ReadBytes<E>,
  end: End,
  size: number
): Effect.fn.Return<End, E | EntryUnreadable> {
  for (const at of end.zip64At) {
    if (at < 0 || at + zip64EndBytes > size) continue
    const found = zip64End(yield* read(at, at + zip64EndBytes), at)
    if (found !== undefined) return found
  }
  return end
})

/** Maximum number of names that are kept for suggestions, and again of those that differ only in their folder. */
const maxNames = 1_000

/** Maximum number of a name's characters in a suggestion. */
const maxNameLength = 300

/** The last entry of exactly this name, or else of one that differs only in its Unicode normalization. */
const findEntry = (directory: Buffer, file: string): Effect.Effect<DirectoryEntry, EntryUnreadable> => {
  const wanted = normalizePath(file)
  const composedWanted = composed(wanted)
  const base = baseOf(wanted)
  const names: Array<string> = []
  let exact: DirectoryEntry | undefined
  let equivalent: DirectoryEntry | undefined
  let count = 0
  for (const entry of entriesOf(directory)) {
    count++
    const name = normalizePath(entry.name)
    if (name === wanted) exact = entry
    else if (composed(name) === composedWanted) equivalent = entry
    else if (names.length < maxNames || (names.length < 2 * maxNames && baseOf(name) === base)) {
      names.push(name.length > maxNameLength ? `${name.slice(0, maxNameLength)}…` : name)
    }
  }
  const found = exact ?? equivalent
  return found === undefined ? missingFile(wanted, names, count) : Effect.succeed(found)
}

/** The failure for a file that the zip does not have. */
export const missingFile = (wanted: string, names: ReadonlyArray<string>, count = names.length) =>
  unreadable("the zip does not contain this file", suggestNames(wanted, names, count))

/** The methods of compression that are supported (APPNOTE 4.4.5). */
const stored = 0
const deflated = 8

const checkReadable = ({ attributes, flags, method, name }: DirectoryEntry): Effect.Effect<void, EntryUnreadable> => {
  if (normalizePath(name).endsWith("/")) return unreadable("it is a directory", "Name a file in it")
  if ((flags & 1) !== 0) return unreadable("it is encrypted", "Put it into the zip without a password")
  // The upper half of the attributes is Unix's file mode.
  if (((attributes >>> 16) & 0o170000) === 0o120000) {
    return unreadable("it is a symbolic link", "Put the file itself into the zip")
  }
  if (method !== stored && method !== deflated) {
    return unreadable(`it is compressed by method ${method}`, "Compress it with deflate, or store it uncompressed")
  }
  return Effect.void
}

/** The compressed data of the file whose header is at this position; in one request unless the header is very long. */
const readData = Effect.fnUntraced(function*<E>(
  read: ReadBytes<E>,
  { compressedBytes, nameLength }: DirectoryEntry,
  position: number,
  size: number
): Effect.fn.Return<Buffer, E | EntryUnreadable> {
  const expectedEnd = position + headerBytes + nameLength + compressedBytes + headerSlack
  const bytes = yield* read(position, Math.min(expectedEnd, size))
  const start = dataOffset(bytes)
  if (start === undefined) return yield* damaged("the file is not where the directory says")
  return start + compressedBytes <= bytes.length
    ? bytes.subarray(start, start + compressedBytes)
    : yield* read(position + start, position + start + compressedBytes)
})

const inflate = (data: Buffer, maxBytes: number): Effect.Effect<Buffer, EntryUnreadable | EntryTooLarge> =>
  Effect.callback((resume) => {
    const maxOutputLength = Math.min(Math.max(1, maxBytes), constants.MAX_LENGTH)
    inflateRaw(data, { maxOutputLength }, (error: NodeJS.ErrnoException | null, bytes) =>
      resume(
        error === null
          ? Effect.succeed(bytes)
          : error.code === "ERR_BUFFER_TOO_LARGE"
          ? tooLarge(maxBytes + 1)
          : damaged(error.message)
      ))
  })

const tooLarge = (bytes: number) => Effect.fail(new EntryTooLarge({ bytes: Math.min(bytes, Number.MAX_SAFE_INTEGER) }))

const unreadable = (reason: string, advice?: string) =>
  Effect.fail(new EntryUnreadable({ reason, ...(advice !== undefined && { advice }) }))

const damaged = (why: string) => unreadable(`the zip is damaged or not a zip: ${why}`, "Create the zip again")
