// What a page has to be like and how long one waits for that, out of the text that the pipeline gives.
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as UserParameters from "../job/UserParameters.ts"

const aStatus = { expected: "a status such as 200 or \"2xx\", from 200 to 599, or a list of them" }

/** A status of HTTP, or all that begin with the same digit. */
export const StatusPattern = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 }, aStatus)),
  Schema.Literals(["2xx", "3xx", "4xx", "5xx"]).annotate(aStatus)
])
export type StatusPattern = typeof StatusPattern.Type

export interface Expectation {
  /** Any one of these. */
  readonly status: StatusPattern | ReadonlyArray<StatusPattern>
  /** A text that is in the body, case and all. The body does not matter when this is left out, or false. */
  readonly contains?: string | false
}

/** Whether the status is one that is expected. */
export const accepts = ({ status: expected }: Expectation, status: number): boolean =>
  Arr.ensure(expected).some((pattern) =>
    Predicate.isNumber(pattern) ? pattern === status : pattern.startsWith(String(Math.floor(status / 100)))
  )

/** `200, 204 or 3xx` */
export const statusInWords = ({ status }: Expectation): string => {
  const words = Arr.ensure(status).map(String)
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`
}

const noUrl = "The UserParameters field must contain a valid URL address to test, including http:// or https://"

/** A URL has no white space inside; the parser of URLs takes some away in silence, and slashes in excess too. */
const httpUrl = /^https?:\/\/[^\s/\\?#]\S*$/i

const PageUrl = Schema.Trim.check(
  Schema.makeFilter((text: string) => httpUrl.test(text) && URL.canParse(text) ? undefined : noUrl)
).pipe(
  Schema.decodeTo(Schema.URLFromString),
  Schema.annotateKey({ messageMissingKey: noUrl })
)

/** What the connection and the length of a message need is for the HTTP client to say. */
const ofClient: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

/** Sources: RFC 9110, 5.1 and 5.5. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const headerValue = /^[\t\x20-\x7E\x80-\xFF]*$/

const Headers = Schema.Record(
  Schema.String,
  Schema.RedactedFromValue(
    Schema.String.check(Schema.isPattern(headerValue, { expected: "characters of ISO 8859-1, without line breaks" }))
  )
).check(
  Schema.makeFilter((headers: Readonly<Record<string, unknown>>) =>
    Object.keys(headers).flatMap((name) => {
      // Not quoted: whoever writes "Authorization: …" as a name has put the secret there.
      if (!headerName.test(name)) return ["\"headers\" has a name that no header can have"]
      return ofClient.has(name.toLowerCase()) ? [`"headers.${name}" is for the HTTP client to set`] : []
    })
  )
)

/** CodePipeline ends an action after 24 hours, and tells nothing of what was seen. */
const times = { minimum: Duration.seconds(1), maximum: Duration.hours(23) }

/** `10 minutes`: a duration as Effect reads it. */
const Time = Schema.String.check(
  Schema.makeFilter(
    (text: string) => Option.exists(Duration.fromInput(text as Duration.Input), Duration.between(times)),
    { expected: "a time from \"1 second\" to \"23 hours\", such as \"10 minutes\"" }
  )
).pipe(Schema.decodeTo(Schema.DurationFromString))

const aText = { expected: "a text, or false" }

/** What AWS's sample takes a URL for. */
const ofSample = (url: string) => ({ url, status: 200, contains: "Congratulations" })

/**
 * `UserParameters` of check-webpage: JSON, or only a URL, which then means what it means to AWS's sample: the status
 * 200, and `Congratulations` in the body.
 */
export const PageParameters = UserParameters.json(
  {
    /** With a user and a password where the page asks for them (Basic). */
    url: PageUrl,
    status: Schema.Union([StatusPattern, Schema.NonEmptyArray(StatusPattern)]).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(200))
    ),
    contains: Schema.optionalKey(
      Schema.Union([Schema.String.check(Schema.isMinLength(1, aText)), Schema.Literal(false)]).annotate(aText)
    ),
    /** Sent with the request, but not to another origin after a redirect. */
    headers: Headers.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
    /** For one attempt, from the connection to the end of the body. */
    timeoutSeconds: Schema.Finite.check(Schema.isBetween({ minimum: 0.1, maximum: 600 })).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(10))
    ),
    /** How long the page may take to become right; without it one attempt decides. */
    within: Schema.optionalKey(Time),
    /** From the beginning of one attempt to that of the next. */
    every: Schema.optionalKey(Time)
  },
  (text) => text.trimStart().startsWith("{") ? Option.none() : Option.some(ofSample(text))
).check(
  Schema.makeFilter(({ every, within }) => every === undefined || within !== undefined || "\"every\" needs \"within\"")
)
export type PageParameters = typeof PageParameters.Type
