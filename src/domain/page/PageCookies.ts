// Keeps the cookies of a page for the redirects of one attempt.
import * as Cookies from "effect/http/Cookies"

/** By host name: a cookie for a whole domain is sent to the host that has set it, and to no other. */
export type PageCookies = ReadonlyMap<string, ReadonlyArray<Cookies.Cookie>>

export const none: PageCookies = new Map()

/** Maximum number of cookies of a host. */
const maxCookies = 50

/** Adds the cookies of a response. `now` is in epoch milliseconds. */
export const add = (cookies: PageCookies, url: URL, received: Cookies.Cookies, now: number): PageCookies => {
  const merged = Cookies.mergeIntoArray(cookies.get(url.hostname) ?? [], url.href, received, now)
  return new Map([...cookies, [url.hostname, merged.slice(-maxCookies)]])
}

const nameOf = (pair: string) => pair.split("=")[0]?.trim()

/**
 * The `Cookie` header of a request: `own`, the header that the request has already, without the cookies that the page has
 * set anew, and then those of the page.
 */
export const header = (cookies: PageCookies, url: URL, own: string | undefined, now: number): string | undefined => {
  const stored = Cookies.toRequestCookieHeader(cookies.get(url.hostname) ?? [], url.href, now)
  if (stored === undefined) return own
  const names = new Set(stored.split("; ").map(nameOf))
  const kept = own?.split(";").filter((pair) => !names.has(nameOf(pair))) ?? []
  return [...kept, stored].map((pair) => pair.trim()).join("; ")
}
