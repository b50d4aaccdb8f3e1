// Redacts the secrets of a request, by value, from its response: a page may echo the request.
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as RegExp from "effect/RegExp"
import * as Result from "effect/Result"
import { beginningLimit } from "./PageVerdict.ts"

/** Shorter values are too frequent in ordinary text to be redacted. */
const minLength = 4

/** Minimum length of a part that is redacted by itself, such as the token of `Bearer TOKEN`. */
const minPartLength = 8

const escapeHtml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;").replaceAll(
    "'",
    "&#39;"
  )

const partsOf = (value: string) => [
  value,
  ...value.split(/[\s,;=:"]+/).filter((part) => part.length >= minPartLength)
]

/** The forms in which pages print a text: as it is, or encoded for a URL, JSON, HTML or base64. */
const formsOf = (text: string) => [
  text,
  encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "")),
  JSON.stringify(text).slice(1, -1),
  escapeHtml(text),
  Base64.encode(text)
]

const replacement = "<redacted>"

/** Redacts the start of a secret at the end of a text that was cut. */
const withoutCut = (text: string, forms: ReadonlyArray<string>) => {
  const longest = forms.reduce((most, form) => {
    let length = Math.min(form.length - 1, text.length)
    while (length > most && !text.endsWith(form.slice(0, length))) length--
    return Math.max(most, length)
  }, minLength - 1)
  return longest < minLength ? text : text.slice(0, -longest) + replacement
}

/** Replaces every value of at least four characters, and its longer parts, by `<redacted>`, but not what `known` holds. */
export const redactValues = (values: Iterable<string>, known = ""): (text: string) => string => {
  const forms = Array.from(values, (value) => value.trim())
    .flatMap(partsOf)
    .filter((part) => part.length >= minLength && !known.includes(part))
    .flatMap(formsOf)
    .toSorted((a, b) => b.length - a.length)
  if (forms.length === 0) return (text) => text
  const pattern = new globalThis.RegExp(forms.map(RegExp.escape).join("|"), "g")
  return (text) => {
    const redacted = text.replaceAll(pattern, replacement)
    return text.length < beginningLimit ? redacted : withoutCut(redacted, forms)
  }
}

interface Secretive {
  readonly url: URL
  readonly headers: Readonly<Record<string, Redacted.Redacted<string>>>
}

/**
 * Redacts the values of the request's headers and the password of its URL. `Host` and the URL's own origin are no
 * secrets: messages name them.
 */
export const redactRequest = ({ headers, url }: Secretive): (text: string) => string => {
  const values = Object.entries(headers).flatMap(([name, value]) =>
    name.toLowerCase() === "host" ? [] : valuesOf(Redacted.value(value))
  )
  const login = [url.username, url.password].map((text) => Option.getOrElse(decode(text), () => text)).join(":")
  const basic = login === ":" ? [] : valuesOf(`Basic ${Base64.encode(login)}`)
  return redactValues([...values, ...basic], `${url.origin}/`)
}

const decode = Option.liftThrowable(decodeURIComponent)

/** The value of a header, and the password that `Basic` authentication encodes. */
const valuesOf = (header: string): ReadonlyArray<string> => {
  const [, credentials = ""] = /^\s*basic\s+(\S+)\s*$/i.exec(header) ?? []
  const login = Option.getOrElse(Result.getSuccess(Base64.decodeString(credentials)), () => "")
  return [header, login, login.slice(login.indexOf(":") + 1)]
}

/** The same error with its text fields redacted. It is a new one, because the stack of an error contains its message. */
export const redactError = (redact: (text: string) => string) => <E extends { readonly _tag: string }>(error: E): E => {
  const { _tag, ...fields } = error
  const Same = error.constructor as new(fields: object) => E
  return new Same(Record.map(fields, (value) => Predicate.isString(value) ? redact(value) : value))
}
