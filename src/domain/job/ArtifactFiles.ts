// The files of an artifact, and why one of them cannot be read.
import * as Schema from "effect/Schema"

/** Text or bytes by path, with `/`. */
export type Files = Readonly<Record<string, string | Uint8Array>>

/** The file cannot be read out of the zip. */
export class EntryUnreadable extends Schema.TaggedError<EntryUnreadable>()("EntryUnreadable", {
  /** Continues a sentence that names the zip and the file. */
  reason: Schema.String,
  /** What to do, as a sentence of its own. */
  advice: Schema.optionalKey(Schema.String)
}) {}

/** The file has more bytes than allowed. */
export class EntryTooLarge extends Schema.TaggedError<EntryTooLarge>()("EntryTooLarge", {
  /** Its size according to the zip, or the number of bytes after which reading stopped. */
  bytes: Schema.Int
}) {}
