// Judges a page: its status first, then its body piece by piece. It requests no more of the body than the verdict needs,
// and keeps only the beginning of the body and the end that may hold the start of the text.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { truncate } from "../job/JobOutcome.ts"
import { accepts, type Expectation, statusInWords } from "./PageExpectation.ts"

const at = (url: string, problem: string) => `${truncate(url, 500)}: ${problem}`

/** The page has a status that is not expected. */
export class StatusUnexpected extends Schema.TaggedError<StatusUnexpected>()("StatusUnexpected", {
  /** The URL after redirects. */
  url: Schema.String,
  expected: Schema.String,
  status: Schema.Int
}) {
  override get message() {
    return at(this.url, `expected status ${this.expected}, got ${this.status}`)
  }
}

/** The body, or the part of it that was read, does not contain the text. */
export class TextMissing extends Schema.TaggedError<TextMissing>()("TextMissing", {
  url: Schema.String,
  text: Schema.String,
  /** The first 2,000 characters of the body. The message shows 200 of them, in one line. */
  beginning: Schema.String,
  /** The size of the part that was read, such as `64 MiB`, if the body was too long to be read to its end. */
  readOnly: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const body = this.readOnly === undefined ? "the body does" : `the first ${this.readOnly} of the body do`
    const problem = `${body} not contain "${this.text}"`
    const beginning = excerpt(this.beginning)
    return at(this.url, beginning === "" ? `${problem}: it is empty` : `${problem}. It begins with: ${beginning}`)
  }
}

/** Replaces white space and control characters by single spaces, and does not end within a surrogate pair. */
const excerpt = (text: string) =>
  text.slice(0, 200).replace(/[\uD800-\uDBFF]$/, "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim()

/** A search for a text in a body that arrives in pieces. */
export interface TextSearch {
  readonly text: string
  readonly found: boolean
  /** Number of characters received, in UTF-16 code units. */
  readonly length: number
  readonly beginning: string
  /** The end of what was received, one character shorter than the text. */
  readonly end: string
}

/** The search for a text, before the first piece of the body. */
export const startSearch = (text: string): TextSearch => ({ text, found: false, length: 0, beginning: "", end: "" })

/** Maximum length of the beginning. A message shows less, so that a secret is recognised before it is cut. */
export const beginningLimit = 2_000

/** Continues the search with the next piece. */
export const searchPiece = ({ beginning, end, found, length, text }: TextSearch, piece: string): TextSearch => {
  const joined = end + piece
  return {
    text,
    found: found || joined.includes(text),
    length: length + piece.length,
    beginning: beginning.length < beginningLimit
      ? (beginning + piece.slice(0, beginningLimit)).slice(0, beginningLimit)
      : beginning,
    end: joined.slice(Math.max(0, joined.length - text.length + 1))
  }
}

/** The verdict on a page. */
export type Verdict = Data.TaggedEnum<{
  Passed: {}
  /** The body decides. */
  Search: { readonly search: TextSearch }
  Failed: { readonly error: StatusUnexpected | TextMissing }
}>
/** Its constructors, `$is` and `$match`. */
export const Verdict = Data.taggedEnum<Verdict>()

/** The verdict on the status. */
export const judgeStatus = (expectation: Expectation, url: string, status: number): Verdict => {
  if (!accepts(expectation, status)) {
    const expected = statusInWords(expectation)
    return Verdict.Failed({ error: new StatusUnexpected({ url, expected, status }) })
  }
  const { contains } = expectation
  return contains === undefined || contains === false
    ? Verdict.Passed()
    : Verdict.Search({ search: startSearch(contains) })
}

/** The verdict on the body after its end, or after the first `readOnly` of it. */
export const judgeBody = ({ beginning, found, text }: TextSearch, url: string, readOnly?: string): Verdict =>
  found
    ? Verdict.Passed()
    : Verdict.Failed({
      error: new TextMissing({ url, text, beginning, ...(readOnly !== undefined && { readOnly }) })
    })
