// The files of an artifact, and the ways in which one of them cannot be had.
import * as Schema from "effect/Schema"

/** Files by their path, with `/`. */
export type Files = Readonly<Record<string, string | Uint8Array>>

/** The zip does not give the file. The reason continues a sentence that names zip and file. */
export class EntryUnreadable extends Schema.TaggedError<EntryUnreadable>()("EntryUnreadable", {
  reason: Schema.String
}) {}

/** The file has more bytes than are wanted, or says so. */
export class EntryTooLarge extends Schema.TaggedError<EntryTooLarge>()("EntryTooLarge", {
  /** As many as the zip says, or as were there when it was given up. */
  bytes: Schema.Int
}) {}
