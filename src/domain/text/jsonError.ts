// Where a text stops being JSON. The messages of JSON.parse do not always say it, and they quote the text.

const space = /[ \t\n\r]*/y
/** Control characters must be escaped. */
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y
const literal = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y

type Expected = "value" | "value or end" | "name" | "name or end" | "colon" | "comma or end"

/**
 * The first place where the text is not JSON, such as `line 1, column 2`, in UTF-16 code units; `undefined` if it is JSON.
 * Source: RFC 8259.
 */
export const jsonError = (text: string): string | undefined => {
  let at = 0
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = at
    const matches = pattern.test(text)
    if (matches) at = pattern.lastIndex
    return matches
  }
  const skipString = () => skip(string) && text[at] === "\"" && ++at > 0
  /** The ends of the open objects and arrays. */
  const ends: Array<string> = []
  let expected: Expected = "value"
  for (;;) {
    skip(space)
    const char = text[at]
    if (expected === "comma or end" && ends.length === 0) return char === undefined ? undefined : placeOf(text, at)
    if (char === ends.at(-1) && expected.endsWith("end")) {
      ends.pop()
      expected = "comma or end"
      at++
    } else if (expected === "comma or end") {
      if (char !== ",") return placeOf(text, at)
      expected = ends.at(-1) === "}" ? "name" : "value"
      at++
    } else if (expected === "colon") {
      if (char !== ":") return placeOf(text, at)
      expected = "value"
      at++
    } else if (expected.startsWith("name")) {
      if (!skipString()) return placeOf(text, at)
      expected = "colon"
    } else if (char === "{" || char === "[") {
      ends.push(char === "{" ? "}" : "]")
      expected = char === "{" ? "name or end" : "value or end"
      at++
    } else {
      if (char === "\"" ? !skipString() : !skip(literal)) return placeOf(text, at)
      expected = "comma or end"
    }
  }
}

const placeOf = (text: string, at: number) => {
  const before = text.slice(0, at)
  return `line ${before.split("\n").length}, column ${at - before.lastIndexOf("\n")}`
}

/** Where a text is not JSON, in words. */
export const notJson = (text: string): string => {
  const place = jsonError(text)
  return place === undefined ? "it is not JSON" : `it is not JSON: error in ${place}`
}
