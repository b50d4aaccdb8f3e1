// Reads one file out of a zip that lies elsewhere, and fetches no more of the zip than that takes.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { Readable } from "node:stream"
import * as yauzl from "yauzl-promise"
import { EntryTooLarge, EntryUnreadable } from "../domain/job/ArtifactFiles.ts"
import { closestMatches } from "../domain/text/closestMatches.ts"

/** A zip of which any part can be fetched. */
export interface ZipSource<E> {
  readonly size: number
  /** The last bytes of the zip, fetched already: all of a small one. */
  readonly tail: Uint8Array
  /** Bytes `start` to `end`, `end` not included. */
  fetch(start: number, end: number): Effect.Effect<Uint8Array, E>
}

/** A larger directory than this is not looked through: 32 MiB are some 300,000 files. */
const maxDirectoryBytes = 32 * 1024 * 1024

/** A local header may be longer than its twin in the directory, by other extra fields. */
const headerSlack = 1024

/** Sizes are not believed: the bytes are counted here, and the checksum tells whether they are the right ones. */
const options = { supportMacArchive: false, validateFilenames: false, validateEntrySizes: false }

/** The bytes of `file`, `maxBytes` of them at most, whatever the zip says of their number. */
export const readEntry = Effect.fnUntraced(function*<E>(
  source: ZipSource<E>,
  file: string,
  maxBytes: number
): Effect.fn.Return<Uint8Array, E | EntryUnreadable | EntryTooLarge> {
  if (source.size === 0) return yield* unreadable("it is empty, not a zip")
  const reader = new SparseReader(source.size)
  reader.add(source.size - source.tail.length, source.tail)

  const zip = yield* reader.complete(
    source,
    () => yauzl.fromReader(reader, source.size, options),
    (missing) => reader.gap(missing)
  )
  const entry = yield* findEntry(reader, source, zip, file)
  if (normalise(entry.filename).endsWith("/")) return yield* unreadable("it is a directory; name a file in it")
  if (entry.isEncrypted()) return yield* unreadable("it is encrypted; put it into the zip without a password")
  if (isLink(entry)) return yield* unreadable("it is a link; put the file itself into the zip")
  if (entry.compressionMethod !== stored && entry.compressionMethod !== deflated) {
    return yield* unreadable(`it is compressed by method ${entry.compressionMethod}; deflate it, or store it as it is`)
  }
  // Deflate never makes data longer than by a few bytes for each block.
  if (entry.uncompressedSize > maxBytes || entry.compressedSize > maxBytes + maxBytes / 8 + headerSlack) {
    const bytes = Math.max(entry.uncompressedSize, entry.compressedSize)
    return yield* new EntryTooLarge({ bytes: Math.min(bytes, Number.MAX_SAFE_INTEGER) })
  }
  const wanted = entry.fileHeaderOffset + 30 + entry.filenameLength + entry.compressedSize + headerSlack
  yield* reader.prefetch(source, entry.fileHeaderOffset, Math.min(wanted, source.size))
  const stream = yield* reader.complete(
    source,
    () => entry.openReadStream(),
    ({ end, start }) => [start, end]
  )
  return yield* collect(stream, maxBytes)
})

/** The last entry of that name counts, as unzip has it. */
const findEntry = Effect.fnUntraced(function*<E>(
  reader: SparseReader,
  source: ZipSource<E>,
  zip: yauzl.ZipFile,
  file: string
): Effect.fn.Return<yauzl.Entry, E | EntryUnreadable> {
  const wanted = normalise(file)
  const base = baseOf(wanted)
  const names: Array<string> = []
  let found: yauzl.Entry | undefined
  let count = 0
  // The first entry brings the whole directory with it, so that of a batch nothing is missing.
  for (let batch = 1;; batch = 100) {
    const entries = yield* reader.complete(source, () => zip.readEntries(batch), (missing) => reader.gap(missing))
    if (entries.length === 0) break
    count += entries.length
    for (const entry of entries) {
      const name = normalise(entry.filename)
      if (name === wanted) found = entry
      else if (names.length < maxNames || baseOf(name) === base) names.push(name)
    }
  }
  return found ?? (yield* unreadable(missingFile(wanted, names, count)))
})

/** As many names of other files are looked through for near ones, and those that differ in their folder alone. */
const maxNames = 1_000

/** Why there is no file of that name: what there is instead. */
export const missingFile = (wanted: string, names: ReadonlyArray<string>, count = names.length): string => {
  if (count === 0) return "the zip has no files at all"
  const base = baseOf(wanted)
  const candidates = new Set([...names.filter((name) => baseOf(name) === base), ...closestMatches(wanted, names)])
  const listed = Array.from(candidates, (name) => `"${name}"`).slice(0, 5)
  if (listed.length > 0) return `the zip has no such file; near is ${listed.join(", ")}`
  const some = names.slice(0, 5).map((name) => `"${name}"`).join(", ")
  return `the zip has no such file; it has ${some}${count > 5 ? ` and ${count - 5} more` : ""}`
}

const baseOf = (name: string) => name.slice(name.lastIndexOf("/") + 1).toLowerCase()

/** Zips made on Windows may have `\` in names, others `./`; a leading `/` means nothing either. */
export const normalise = (name: string) =>
  name.replaceAll("\\", "/").split("/").filter((part, index, parts) =>
    part !== "." && (part !== "" || index === parts.length - 1)
  ).join("/")

/** The upper half of the attributes are Unix's file mode. */
const isLink = ({ externalFileAttributes }: yauzl.Entry) => ((externalFileAttributes >>> 16) & 0o170000) === 0o120000

/** The methods of compression that zips nearly always have (APPNOTE 4.4.5). */
const stored = 0
const deflated = 8

const unreadable = (reason: string) => Effect.fail(new EntryUnreadable({ reason }))

const collect = (
  stream: Readable,
  maxBytes: number
): Effect.Effect<Uint8Array, EntryUnreadable | EntryTooLarge> =>
  Effect.callback((resume) => {
    const chunks: Array<Uint8Array> = []
    let length = 0
    stream.on("data", (chunk: Uint8Array) => {
      length += chunk.length
      if (length > maxBytes) {
        stream.destroy()
        resume(Effect.fail(new EntryTooLarge({ bytes: length })))
      } else {
        chunks.push(chunk)
      }
    })
    stream.on("error", (error) => resume(unreadable(damaged(error))))
    stream.on("end", () => resume(Effect.succeed(Buffer.concat(chunks))))
    return Effect.sync(() => stream.destroy())
  })

const damaged = (error: unknown) =>
  `the zip is damaged or not a zip: ${String(error).replace(/^\w*Error: /, "")}. Make it again`

/** Bytes `start` to `end` were asked for and are not here yet. */
class Missing extends Data.TaggedError("Missing")<{ readonly start: number; readonly end: number }> {}

/**
 * Gives yauzl the parts of the zip that are here. It never waits for others: what needs one fails, and is done again
 * once the part is fetched (`complete`), so that all requests are made, retried and interrupted by effects.
 */
class SparseReader extends yauzl.Reader {
  readonly size: number
  readonly #parts: Array<{ readonly start: number; readonly bytes: Buffer }> = []

  constructor(size: number) {
    super()
    this.size = size
  }

  add(start: number, bytes: Uint8Array) {
    this.#parts.push({ start, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) })
  }

  /** From what is missing to the next part that is here: in the directory, all the rest of it. */
  gap({ start }: Missing): readonly [start: number, end: number] {
    return [start, Math.min(...this.#parts.map((part) => part.start).filter((other) => other > start))]
  }

  slice(start: number, end: number): Buffer {
    if (end > this.size) throw new Error(`it ends before byte ${end}`)
    const pieces: Array<Buffer> = []
    for (let at = start; at < end;) {
      const part = this.#parts.find((part) => at >= part.start && at < part.start + part.bytes.length)
      if (part === undefined) throw new Missing({ start, end })
      const piece = part.bytes.subarray(at - part.start, end - part.start)
      pieces.push(piece)
      at += piece.length
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  }

  override _read(start: number, length: number) {
    return new Promise<Buffer>((resolve) => resolve(this.slice(start, start + length)))
  }

  override _createReadStream(start: number, length: number) {
    return Readable.from([this.slice(start, start + length)])
  }

  prefetch<E>(source: ZipSource<E>, start: number, end: number): Effect.Effect<void, E | EntryUnreadable> {
    return this.complete(source, () => this._read(start, end - start), () => [start, end])
  }

  /** Does `step` until nothing is missing for it. `part` says which part to fetch when something is. */
  complete<A, E>(
    source: ZipSource<E>,
    step: () => Promise<A>,
    part: (missing: Missing) => readonly [start: number, end: number]
  ): Effect.Effect<A, E | EntryUnreadable> {
    return Effect.tryPromise({
      try: step,
      catch: (cause) => cause instanceof Missing ? cause : new EntryUnreadable({ reason: damaged(cause) })
    }).pipe(
      Effect.catchTag("Missing", (missing) => {
        const [start, end] = part(missing)
        if (end - start > maxDirectoryBytes) {
          return unreadable(`the zip's directory of ${end - start} bytes is too large`)
        }
        return source.fetch(start, end).pipe(
          Effect.flatMap((bytes) => {
            if (bytes.length !== end - start) return unreadable(`the zip ended at byte ${start + bytes.length}`)
            this.add(start, bytes)
            return this.complete(source, step, part)
          })
        )
      })
    )
  }
}
