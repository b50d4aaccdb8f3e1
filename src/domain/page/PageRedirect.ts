// Decides whether a redirect is followed, and where it leads.
import * as Data from "effect/Data"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import { type LocalKind, localKind } from "./HostAddress.ts"

/** A URL for messages: without user, password and fragment, and with the signatures in its query redacted. */
export const displayUrl = (url: URL): string => {
  const shown = new URL(url)
  shown.username = ""
  shown.password = ""
  shown.hash = ""
  return UrlParams.redactUrl(shown.href)
}

export type Redirect = Data.TaggedEnum<{
  /** The response is the page itself. */
  None: {}
  Follow: {
    readonly url: URL
    /** Whether the request's headers are sent there too. */
    readonly sameOrigin: boolean
  }
  Refuse: { readonly reason: string }
}>
export const Redirect = Data.taggedEnum<Redirect>()

/** The statuses that the Fetch standard follows. */
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Maximum number of redirects, by default. */
export const defaultMaxRedirects = 5

export interface RedirectPolicy {
  /** Number of redirects that were followed before. */
  readonly followed: number
  readonly maxRedirects: number
  /** Whether a redirect may lead to a local address (see `localKind`). */
  readonly allowsLocal: boolean
}

const decodeUtf8 = Option.liftThrowable((bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes))

/** HTTP headers are bytes, each of which is one character here. Browsers read a `Location` as UTF-8 if it is valid. */
const fromBytes = (text: string): string =>
  /[\u0100-\uFFFF]/.test(text)
    ? text
    : Option.getOrElse(decodeUtf8(Uint8Array.from(text, (byte) => byte.charCodeAt(0))), () => text)

export const localAddressReason = (url: URL, address: string, kind: LocalKind): string =>
  `redirects to ${displayUrl(url)}, which has the ${kind} address ${address} and is not followed`

export const redirect = (
  from: URL,
  status: number,
  location: string | undefined,
  { allowsLocal, followed, maxRedirects }: RedirectPolicy
): Redirect => {
  if (!redirectStatuses.has(status) || location === undefined) return Redirect.None()
  const target = fromBytes(location)
  if (!URL.canParse(target, from.href)) return Redirect.Refuse({ reason: "redirects to an invalid URL" })
  const url = new URL(target, from)
  // A server must not choose the credentials of a request.
  url.username = ""
  url.password = ""
  url.hash = ""
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return Redirect.Refuse({ reason: `redirects to a URL of ${url.protocol}, which is not followed` })
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    return Redirect.Refuse({ reason: `redirects from https to ${displayUrl(url)}, which is not followed` })
  }
  const kind = localKind(url.hostname)
  if (kind !== undefined && !allowsLocal) {
    return Redirect.Refuse({ reason: localAddressReason(url, url.hostname, kind) })
  }
  if (followed >= maxRedirects) return Redirect.Refuse({ reason: tooMany(url, maxRedirects) })
  return Redirect.Follow({ url, sameOrigin: url.origin === from.origin })
}

const tooMany = (url: URL, maxRedirects: number): string =>
  maxRedirects === 0
    ? `redirects to ${displayUrl(url)}, which is not followed because maxRedirects is 0`
    : `redirects too often: after ${maxRedirects} redirect${maxRedirects === 1 ? "" : "s"} (maxRedirects), the next ` +
      `one leads to ${displayUrl(url)}`
