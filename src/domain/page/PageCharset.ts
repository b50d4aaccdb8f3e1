// Decodes a body, by the charset that it declares.
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

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

const decoderOf = (charset: string) => new TextDecoder(charset)

interface Decoding {
  /** The bytes before the charset is known. */
  readonly beginning: Uint8Array
  readonly decoder?: ReturnType<typeof decoderOf>
}

/** Decodes the pieces of a body, which may end within a character. */
export const decodeBody = (contentType: string | undefined) => {
  const start: Decoding = { beginning: new Uint8Array(0) }
  const makeDecoder = (beginning: Uint8Array) => decoderOf(charsetOf(beginning, contentType))
  return Stream.mapAccum(
    () => start,
    (decoding: Decoding, bytes: Uint8Array): readonly [Decoding, ReadonlyArray<string>] => {
      const { beginning, decoder } = decoding
      if (decoder !== undefined) return [decoding, [decoder.decode(bytes, { stream: true })]]
      const known = Uint8Array.from([...beginning, ...bytes.subarray(0, 3)])
      if (mayBeByteOrderMark(known)) return [{ beginning: known }, []]
      const chosen = makeDecoder(known)
      const text = chosen.decode(beginning, { stream: true }) + chosen.decode(bytes, { stream: true })
      return [{ beginning, decoder: chosen }, [text]]
    },
    { onHalt: ({ beginning, decoder }) => [decoder?.decode() ?? makeDecoder(beginning).decode(beginning)] }
  )
}
