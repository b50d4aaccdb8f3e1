// Reads the zip of a function.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readEntry } from "../../../internal/zipEntry.ts"
import { normalizePath } from "../../../internal/zipNames.ts"
import { entriesOf } from "../../../internal/zipRecords.ts"

/** Lambda's limit for the unzipped files. */
const maxBytes = 250 * 1024 * 1024

/** The zip of a function cannot be read. */
export class ZipUnreadable extends Schema.TaggedError<ZipUnreadable>()("ZipUnreadable", { message: Schema.String }) {}

/** All files of a zip by their paths. */
export const filesInZip = (zip: Uint8Array): Effect.Effect<Readonly<Record<string, Uint8Array>>, ZipUnreadable> => {
  const source = {
    size: zip.length,
    tail: zip,
    fetch: (start: number, end: number) => Effect.succeed(zip.subarray(start, end))
  }
  const names = new Set(
    Array.from(entriesOf(Buffer.from(zip)), ({ name }) => normalizePath(name)).filter((name) => !name.endsWith("/"))
  )
  return Effect.forEach(names, (name) =>
    readEntry(source, name, maxBytes).pipe(
      Effect.map((bytes) => [name, bytes] as const),
      Effect.catchTags({
        EntryTooLarge: ({ bytes }) =>
          Effect.fail(new ZipUnreadable({ message: `its file "${name}" has ${bytes} bytes` })),
        EntryUnreadable: ({ reason }) => Effect.fail(new ZipUnreadable({ message: `its file "${name}": ${reason}` }))
      })
    )).pipe(Effect.map(Object.fromEntries))
}
