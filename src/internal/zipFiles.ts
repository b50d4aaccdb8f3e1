// Writes zips.
import * as Effect from "effect/Effect"
import type { Readable } from "node:stream"
import { buffer } from "node:stream/consumers"
import { ZipFile } from "yazl"
import type { Files } from "../domain/job/ArtifactFiles.ts"

/** The earliest date of the format, in local time as the format has it: equal files make equal bytes everywhere. */
const epoch = new Date(1980, 0, 1)

const options = { mtime: epoch, mode: 0o100644, forceDosTimestamp: true }

/** A zip of these files, in the order of their paths. Dies of a path that leads out of the zip (`../x`, `/x`). */
export const zipFiles = (files: Files): Effect.Effect<Uint8Array> =>
  Effect.promise(() => {
    const zip = new ZipFile()
    for (const [path, content] of Object.entries(files).toSorted(([a], [b]) => a < b ? -1 : 1)) {
      zip.addBuffer(Buffer.from(content), path, options)
    }
    zip.end()
    return buffer(zip.outputStream as Readable)
  })
