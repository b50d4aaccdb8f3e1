// Names of the files in a zip: how they are decoded, compared and suggested.
import { closestMatches } from "../domain/text/closestMatches.ts"

/** The upper half of code page 437, the encoding of names without the UTF-8 flag (APPNOTE, appendix D). */
const codePage437 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
  "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0"

/** The name in UTF-8 if the entry's flag says so or the bytes are valid UTF-8: Debian's zip omits the flag. Else in code page 437. */
export const decodeName = (bytes: Buffer, isUtf8: boolean): string => {
  const name = bytes.toString("utf8")
  if (isUtf8 || !name.includes("\ufffd")) return name
  return bytes.toString("latin1").replaceAll(/[\x80-\xff]/g, (char) => codePage437[char.charCodeAt(0) - 0x80] ?? char)
}

/** Without `./`, a leading `/` and repeated `/`; `\`, which some zips made on Windows have, becomes `/`. */
export const normalizePath = (name: string) =>
  unusual.test(name)
    ? name.replaceAll("\\", "/").split("/").filter((part, index, parts) =>
      part !== "." && (part !== "" || index === parts.length - 1)
    ).join("/")
    : name

const unusual = /\\|(?:^|\/)(?:\.?\/|\.$)/

/** Macs decompose accented letters (NFD), most other systems compose them (NFC). */
export const composed = (path: string) => path.normalize("NFC")

/** The name without its folders. Names that differ only in their folders are suggested first. */
export const baseOf = (path: string) => path.slice(path.lastIndexOf("/") + 1).toLowerCase()

/**
 * The advice for a file that is missing: similar names, or some of the names that the zip has.
 *
 * @param count The number of files in the zip, if `names` are only some of them.
 */
export const suggestNames = (wanted: string, names: ReadonlyArray<string>, count = names.length): string => {
  if (count === 0) return "The zip does not contain any files"
  const base = baseOf(wanted)
  const candidates = new Set([...names.filter((name) => baseOf(name) === base), ...closestMatches(wanted, names)])
  const similar = Array.from(candidates, (name) => `"${name}"`).slice(0, 5)
  if (similar.length > 0) return `Similar names: ${similar.join(", ")}`
  const some = names.slice(0, 5).map((name) => `"${name}"`).join(", ")
  return `It contains ${some}${count > 5 ? ` and ${count - 5} more` : ""}`
}
