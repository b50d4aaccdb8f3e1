// The UserParameters of check-webpage: what is expected of a page, and how it is requested.
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as UserParameters from "../job/UserParameters.ts"
import { defaultMaxRedirects } from "./PageRedirect.ts"

const aStatus = { expected: "a status such as 200 or \"2xx\", from 200 to 599, or a list of them" }

/** An HTTP status, or a class of statuses. */
export const StatusPattern = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 }, aStatus)),
  Schema.Literals(["2xx", "3xx", "4xx", "5xx"]).annotate(aStatus)
])
export type StatusPattern = typeof StatusPattern.Type

/** What a page should be. */
export interface Expectation {
  /** The page must have one of these. */
  readonly status: StatusPattern | ReadonlyArray<StatusPattern>
  /** A text that the body must contain, in the same case. If it is omitted or false, the body does not matter. */
  readonly contains?: string | false
}

/** Whether the status is expected. */
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

/** Rejects white space and extra slashes, which the URL parser removes silently. */
const httpUrl = /^https?:\/\/[^\s/\\?#]\S*$/i

const PageUrl = Schema.Trim.check(
  Schema.makeFilter((text: string) => httpUrl.test(text) && URL.canParse(text) ? undefined : noUrl)
).pipe(
  Schema.decodeTo(Schema.URLFromString),
  Schema.annotateKey({ messageMissingKey: noUrl })
)

/** Headers that describe the connection or the length of the message. The HTTP client sets them. */
const clientHeaders: ReadonlySet<string> = new Set([
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

const hostHeader = /^[^\s/\\?#@]+$/

const isHost = (text: string) => hostHeader.test(text) && URL.canParse(`http://${text}`)

type HeaderValues = Readonly<Record<string, Redacted.Redacted<string>>>

const Headers = Schema.Record(
  Schema.String,
  Schema.RedactedFromValue(
    Schema.String.check(Schema.isPattern(headerValue, { expected: "characters of ISO 8859-1, without line breaks" }))
  )
).check(
  Schema.makeFilter((headers: HeaderValues) => {
    const names = new Set<string>()
    return Object.entries(headers).flatMap(([name, value]) => {
      // Not quoted: a name such as "Authorization: …" contains the secret.
      if (!headerName.test(name)) return ["\"headers\" has a name that is not valid in HTTP"]
      const lower = name.toLowerCase()
      if (names.has(lower)) return [`"headers.${name}" is given twice: names of headers are not case-sensitive`]
      names.add(lower)
      if (clientHeaders.has(lower)) return [`"headers.${name}" cannot be sent: the HTTP client sets this header`]
      return lower !== "host" || isHost(Redacted.value(value))
        ? []
        : [`"headers.${name}": expected a host name, with a port if needed`]
    })
  })
)

/** CodePipeline ends an action after 24 hours, without the reason of the last failure. */
const times = { minimum: Duration.seconds(1), maximum: Duration.hours(23) }

/** A duration in Effect's notation, such as `10 minutes`. */
const Time = Schema.String.check(
  Schema.makeFilter(
    (text: string) => Option.exists(Duration.fromInput(text as Duration.Input), Duration.between(times)),
    { expected: "a time from \"1 second\" to \"23 hours\", such as \"10 minutes\"" }
  )
).pipe(Schema.decodeTo(Schema.DurationFromString))

const aText = { expected: "a text, or false" }

/** What a URL alone means to AWS's sample. */
const sampleParameters = (url: string) => ({ url, status: 200, contains: "Congratulations" })

/**
 * `UserParameters` of check-webpage: JSON, or a URL alone. As in AWS's sample, a URL alone expects the status 200 and
 * `Congratulations` in the body.
 */
export const PageParameters = UserParameters.json(
  {
    /** A user and a password in it are sent as Basic authentication. */
    url: PageUrl,
    status: Schema.Union([StatusPattern, Schema.NonEmptyArray(StatusPattern)]).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(200))
    ),
    contains: Schema.optionalKey(
      Schema.Union([Schema.String.check(Schema.isMinLength(1, aText)), Schema.Literal(false)]).annotate(aText)
    ),
    /** Sent with the request, and after a redirect to the same origin. */
    headers: Headers.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
    /** Time limit of one attempt, from the connection to the end of the body. */
    timeoutSeconds: Schema.Finite.check(Schema.isBetween({ minimum: 0.1, maximum: 600 })).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(10))
    ),
    /** Maximum number of redirects to follow. */
    maxRedirects: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(defaultMaxRedirects))
    ),
    /** How long to retry. If it is omitted, there is one attempt. */
    within: Schema.optionalKey(Time),
    /** From the start of one attempt to the start of the next. */
    every: Schema.optionalKey(Time)
  },
  (text) => text.trimStart().startsWith("{") ? Option.none() : Option.some(sampleParameters(text))
).check(
  Schema.makeFilter(({ every, within }) => every === undefined || within !== undefined || "\"every\" needs \"within\"")
)
export type PageParameters = typeof PageParameters.Type
