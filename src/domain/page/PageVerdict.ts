// Whether a page is what it has to be: its status first, then its body as it comes in. Nothing is read that cannot
// change the verdict, and nothing of the body is kept but its beginning and as much of its end as may begin the text.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { truncate } from "../job/JobOutcome.ts"
import { accepts, type Expectation, statusInWords } from "./PageExpectation.ts"

/** What is wrong with a page, in words that begin with its URL. */
const at = (url: string, what: string) => `${truncate(url, 500)}: ${what}`

/** The page has another status. */
export class StatusUnexpected extends Schema.TaggedError<StatusUnexpected>()("StatusUnexpected", {
  /** Where redirects have led to. */
  url: Schema.String,
  expected: Schema.String,
  status: Schema.Int
}) {
  override get message() {
    return at(this.url, `expected status ${this.expected}, got ${this.status}`)
  }
}

/** The text is not in the body, or not in as much of it as is read. */
export class TextMissing extends Schema.TaggedError<TextMissing>()("TextMissing", {
  url: Schema.String,
  text: Schema.String,
  /** The first 200 characters of the body, with every white space and control character as a single space. */
  beginning: Schema.String,
  /** How much was read where the body was too long to be read to its end, such as `64 MiB`. */
  readOnly: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const body = this.readOnly === undefined ? "the body does" : `the first ${this.readOnly} of the body do`
    const what = `${body} not contain "${this.text}"`
    return at(this.url, this.beginning === "" ? `${what}: it is empty` : `${what}. It begins with: ${this.beginning}`)
  }
}

/** A search in a text that comes in pieces. */
export interface TextSearch {
  readonly text: string
  readonly found: boolean
  /** How many characters have come, in UTF-16 code units. */
  readonly length: number
  readonly beginning: string
  /** The end of what has come, too short to hold the text. */
  readonly end: string
}

export const search = (text: string): TextSearch => ({ text, found: false, length: 0, beginning: "", end: "" })

const shown = 200

/** The search when this piece has come too. */
export const searchOn = ({ beginning, end, found, length, text }: TextSearch, piece: string): TextSearch => {
  const joined = end + piece
  return {
    text,
    found: found || joined.includes(text),
    length: length + piece.length,
    beginning: beginning.length < shown ? (beginning + piece.slice(0, shown)).slice(0, shown) : beginning,
    end: joined.slice(Math.max(0, joined.length - text.length + 1))
  }
}

export type Verdict = Data.TaggedEnum<{
  Right: {}
  /** The body decides. */
  Search: { readonly search: TextSearch }
  Wrong: { readonly error: StatusUnexpected | TextMissing }
}>
export const Verdict = Data.taggedEnum<Verdict>()

/** The verdict when the status has come. */
export const onStatus = (expectation: Expectation, url: string, status: number): Verdict => {
  if (!accepts(expectation, status)) {
    const expected = statusInWords(expectation)
    return Verdict.Wrong({ error: new StatusUnexpected({ url, expected, status }) })
  }
  const { contains } = expectation
  return contains === undefined || contains === false ? Verdict.Right() : Verdict.Search({ search: search(contains) })
}

/** The verdict when no more of the body will come: all was read, or only so much. */
export const onEnd = ({ beginning, found, text }: TextSearch, url: string, readOnly?: string): Verdict =>
  found
    ? Verdict.Right()
    : Verdict.Wrong({
      error: new TextMissing({
        url,
        text,
        beginning: inOneLine(beginning),
        ...(readOnly !== undefined && { readOnly })
      })
    })

/** Half a surrogate pair at the end is left out. */
const inOneLine = (text: string) => text.replace(/[\uD800-\uDBFF]$/, "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
