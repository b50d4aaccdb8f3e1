// Reads JSON that people write. Unlike JSON.parse, it says where a text is not JSON, refuses duplicate keys and deep
// nesting, and can keep numbers as they are written.
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { truncate } from "../job/JobOutcome.ts"

/** Values are counted at all levels. Deeper ones could overflow the stack of the programs that read them. */
export const jsonLimits = { levels: 64, values: 10_000 } as const

/** What is wrong with a text, and in which line and column, in UTF-16 code units. */
export interface JsonError {
  /** `error` if it is not JSON. */
  readonly what: string
  readonly place: string
}

export interface JsonOptions {
  /** Maximum number of values at all levels. */
  readonly values?: number | undefined
  /** Whether duplicate keys are allowed, of which the last counts; by default not. */
  readonly duplicateKeys?: boolean | undefined
  /**
   * For these keys at the top, numbers that JavaScript would write in another way become their text: 1.10 and
   * 12345678901234567890 lose digits as numbers.
   */
  readonly numbersAsText?: ((key: string) => boolean) | undefined
}

const space = /[ \t\n\r]*/y
/** Control characters must be escaped. */
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y
const literal = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y

type Expected = "value" | "value or end" | "name" | "name or end" | "colon" | "comma or end"

/** A list or an object that is not complete; the outermost one stands for the text, and has one member. */
interface Open {
  readonly end: string | undefined
  readonly members: Map<string, unknown>
  key: string
}

/** Source: RFC 8259. */
export const parse = (
  text: string,
  { duplicateKeys = false, numbersAsText = () => false, values: maxValues = jsonLimits.values }: JsonOptions = {}
): Result.Result<unknown, JsonError> => {
  let at = 0
  let values = 0
  let expected: Expected = "value"
  let inner: Open = { end: undefined, members: new Map(), key: "" }
  const outer: Array<Open> = []
  const fail = (what = syntaxError, where = at) => Result.fail({ what, place: placeOf(text, where) })
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = at
    const matches = pattern.test(text)
    if (matches) at = pattern.lastIndex
    return matches
  }
  const skipString = () => skip(string) && text[at] === "\"" && ++at > 0
  const add = (value: unknown) => void inner.members.set(inner.end === "}" ? inner.key : `${inner.members.size}`, value)
  for (;;) {
    skip(space)
    const start = at
    const char = text[at]
    if (char === inner.end && expected.endsWith("end")) {
      const { end, members } = inner
      const container = outer.pop()
      if (container === undefined) return Result.succeed(members.get("0"))
      inner = container
      add(end === "}" ? Object.fromEntries(members) : [...members.values()])
      expected = "comma or end"
      at++
    } else if (expected === "comma or end") {
      if (char !== "," || outer.length === 0) return fail()
      expected = inner.end === "}" ? "name" : "value"
      at++
    } else if (expected === "colon") {
      if (char !== ":") return fail()
      expected = "value"
      at++
    } else if (expected.startsWith("name")) {
      if (!skipString()) return fail()
      inner.key = JSON.parse(text.slice(start, at))
      if (!duplicateKeys && inner.members.has(inner.key)) {
        return fail(`the duplicate key ${JSON.stringify(truncate(inner.key, 100))}`, start)
      }
      expected = "colon"
    } else if (++values > maxValues) {
      return fail(`more than ${maxValues} values`)
    } else if (char === "{" || char === "[") {
      if (outer.length === jsonLimits.levels) return fail(`more than ${jsonLimits.levels} levels`)
      outer.push(inner)
      inner = { end: char === "{" ? "}" : "]", members: new Map(), key: "" }
      expected = char === "{" ? "name or end" : "value or end"
      at++
    } else {
      if (char === "\"" ? !skipString() : !skip(literal)) return fail()
      const source = text.slice(start, at)
      const value: unknown = JSON.parse(source)
      const isAltered = Predicate.isNumber(value) && String(value) !== source
      add(isAltered && numbersAsText(outer[1]?.key ?? inner.key) ? source : value)
      expected = "comma or end"
    }
  }
}

const syntaxError = "error"

const placeOf = (text: string, at: number) => {
  const before = text.slice(0, at)
  return `line ${before.split("\n").length}, column ${at - before.lastIndexOf("\n")}`
}

/** The error of a file. */
export const notJson = ({ place, what }: JsonError): string =>
  what === syntaxError ? `it is not JSON: error in ${place}` : `it has ${what}, in ${place}`
