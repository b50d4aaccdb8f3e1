// Where an answer sends the request on to, and what is not followed.
import * as Data from "effect/Data"
import * as UrlParams from "effect/http/UrlParams"

/** A URL as it may be shown: without user, password and fragment, and without the signatures that a query may hold. */
export const address = (url: URL): string => {
  const shown = new URL(url)
  shown.username = ""
  shown.password = ""
  shown.hash = ""
  return UrlParams.redactUrl(shown.href)
}

export type Redirect = Data.TaggedEnum<{
  /** The answer is that of the page. */
  None: {}
  Follow: {
    readonly url: URL
    /** Whether the page there may see what was meant for the page here, such as a password. */
    readonly sameOrigin: boolean
  }
  Refuse: { readonly reason: string }
}>
export const Redirect = Data.taggedEnum<Redirect>()

/** The statuses that the Fetch standard follows. */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export const maxRedirects = 5

/**
 * Loopback and link-local addresses, where Lambda itself listens to the function. A name may stand for such an address
 * too; it is not looked up here.
 */
const thisMachine =
  /^(?:localhost|.+\.localhost|127\..*|0\.0\.0\.0|169\.254\..*|\[::1?\]|\[::ffff:.*\]|\[fe[89ab].*\])$/

/** `followed` tells how many were followed before. */
export const redirect = (
  from: URL,
  status: number,
  location: string | undefined,
  followed: number
): Redirect => {
  if (!redirects.has(status) || location === undefined) return Redirect.None()
  if (!URL.canParse(location, from.href)) return Redirect.Refuse({ reason: "redirects to what is no URL" })
  const url = new URL(location, from)
  // A password that a page makes up is for nobody's eyes and nobody's use.
  url.username = ""
  url.password = ""
  url.hash = ""
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return Redirect.Refuse({ reason: `redirects to a URL of ${url.protocol}, which is not followed` })
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    return Redirect.Refuse({ reason: `redirects from https to ${address(url)}, which is not followed` })
  }
  if (thisMachine.test(url.hostname) && !thisMachine.test(from.hostname)) {
    return Redirect.Refuse({ reason: `redirects to ${address(url)}, inside the function, which is not followed` })
  }
  return followed === maxRedirects
    ? Redirect.Refuse({ reason: `redirects to ${address(url)}, after ${maxRedirects} redirects already` })
    : Redirect.Follow({ url, sameOrigin: url.origin === from.origin })
}
