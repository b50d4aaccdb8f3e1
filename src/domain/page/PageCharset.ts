// Decides the charset of a body.
import * as Option from "effect/Option"

/** Source: the Encoding standard, "BOM sniff". */
const byteOrderMarks: ReadonlyArray<readonly [bytes: ReadonlyArray<number>, charset: string]> = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xfe, 0xff], "utf-16be"],
  [[0xff, 0xfe], "utf-16le"]
]

const agrees = (beginning: Uint8Array, mark: ReadonlyArray<number>) =>
  mark.every((byte, index) => index >= beginning.length || beginning[index] === byte)

/** Whether these first bytes of a body are the start of a byte-order mark, of which more has to arrive. */
export const mayBeByteOrderMark = (beginning: Uint8Array): boolean =>
  byteOrderMarks.some(([mark]) => beginning.length < mark.length && agrees(beginning, mark))

const canonical = Option.liftThrowable((label: string) => new TextDecoder(label).encoding)

/**
 * The charset of a byte-order mark, or else of the content type, or else UTF-8. Source of this order: the Encoding
 * standard, "decode".
 */
export const charsetOf = (beginning: Uint8Array, contentType = ""): string => {
  const marked = byteOrderMarks.find(([mark]) => beginning.length >= mark.length && agrees(beginning, mark))
  if (marked !== undefined) return marked[1]
  const label = /;\s*charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1] ?? "utf-8"
  return Option.getOrElse(canonical(label), () => "utf-8")
}
