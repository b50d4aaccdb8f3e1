// Opens a web page: follows redirects that are safe, with the cookies of the page, and decodes the body as it arrives.
import type * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { truncate } from "../domain/job/JobOutcome.ts"
import { localKind } from "../domain/page/HostAddress.ts"
import { decodeBody } from "../domain/page/PageCharset.ts"
import * as PageCookies from "../domain/page/PageCookies.ts"
import { defaultMaxRedirects, displayUrl, localAddressReason, Redirect, redirect } from "../domain/page/PageRedirect.ts"
import { redactError, redactRequest } from "../domain/page/PageSecrets.ts"
import { sentences } from "../domain/text/sentences.ts"
import type { HttpTransport, TransportResponse } from "../internal/httpTransport.ts"
import { PageTransport } from "../internal/nodeTransport.ts"

/** The page did not respond: its name has no address, the connection or TLS failed, the response is invalid, … */
export class PageUnreachable extends Schema.TaggedError<PageUnreachable>()("PageUnreachable", {
  url: Schema.String,
  /** Node's code, such as `ENOTFOUND`, `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  code: Schema.String,
  detail: Schema.String
}) {
  get problem() {
    return `${truncate(this.url, 500)}: no response: ${this.detail}`
  }
  get advice() {
    const general = this.code.startsWith("HPE_") ? notHttp : undefined
    return Option.getOrElse(Record.get(advices, this.code), () => general)
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The response redirects to a URL that is not followed. */
export class RedirectRefused extends Schema.TaggedError<RedirectRefused>()("RedirectRefused", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${truncate(this.url, 500)}: ${truncate(this.reason, 700)}`
  }
}

/** The body ended early, or could not be unpacked. */
export class BodyBroken extends Schema.TaggedError<BodyBroken>()("BodyBroken", {
  url: Schema.String,
  code: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${truncate(this.url, 500)}: the body could not be read to its end: ${this.detail}`
  }
}

/** The body is larger than the maximum. */
export class BodyTooLong extends Schema.TaggedError<BodyTooLong>()("BodyTooLong", { url: Schema.String }) {
  override get message() {
    return `${truncate(this.url, 500)}: the body is larger than ${maxBody}`
  }
}

/** Maximum size of a body, unpacked. */
export const maxBody = "64 MiB" satisfies ByteSize.Input

/** A page to open. */
export interface PageRequest {
  /** `http:` or `https:`. A user and a password in it are sent as Basic authentication. */
  readonly url: URL
  readonly headers: Readonly<Record<string, Redacted.Redacted<string>>>
  /** Whether a response with this status is the page even if it redirects. */
  readonly isPage: (status: number) => boolean
  /** Maximum number of redirects to follow; 5 by default. */
  readonly maxRedirects?: number | undefined
}

/** A page whose header has arrived. */
export interface Page {
  /** The URL after redirects, without password and fragment. */
  readonly url: string
  readonly status: number
  /** The body as it arrives, decoded by its byte-order mark, the charset of its content type, or UTF-8. */
  readonly text: Stream.Stream<string, BodyBroken | BodyTooLong>
}

/** Opens web pages. */
export class WebPage extends Context.Service<WebPage, {
  /**
   * Sends a GET request for the page over a connection of its own, which is closed with the scope. Follows redirects up
   * to the maximum, with the cookies that the page's host has set. A redirect from https to http, or to a local address
   * (loopback, link-local, unspecified, multicast) is refused, the latter unless the first URL has such an address too.
   * `headers`, user and password are not sent to another origin.
   *
   * There is no time limit: interrupt the effect.
   */
  open(request: PageRequest): Effect.Effect<Page, PageUnreachable | RedirectRefused, Scope.Scope>
}>()("effect-codepipeline/services/WebPage") {
  /** @internal */
  static readonly layerTransport = (transport: Effect.Effect<HttpTransport>): Layer.Layer<WebPage> =>
    Layer.succeed(WebPage, {
      open: Effect.fn("WebPage.open")((request: PageRequest) =>
        Effect.flatMap(transport, (transport) => follow(transport, request, firstHop(request))).pipe(
          // A server may return them in a location, and the span contains the error.
          Effect.mapError(redactError(redactRequest(request)))
        )
      )
    })

  /** Over Node's HTTP client. A redirect connects only to the address that was checked. */
  static readonly layer: Layer.Layer<WebPage> = this.layerTransport(PageTransport)
}

interface Hop {
  readonly url: URL
  readonly headers: PageRequest["headers"]
  readonly cookies: PageCookies.PageCookies
  readonly followed: number
  /** The URL that redirects to this one. */
  readonly from?: URL
  /** Whether this URL may have a local address. */
  readonly allowsLocal: boolean
}

const firstHop = ({ headers, url }: PageRequest): Hop => {
  const plain = new URL(url)
  plain.username = ""
  plain.password = ""
  plain.hash = ""
  return {
    url: plain,
    headers: { ...basic(url), ...lowerCased(headers) },
    cookies: PageCookies.none,
    followed: 0,
    allowsLocal: true
  }
}

const lowerCased = (headers: PageRequest["headers"]): PageRequest["headers"] =>
  Record.mapKeys(headers, (name) => name.toLowerCase())

/** Source: RFC 7617, with UTF-8 as in browsers. */
const basic = ({ password, username }: URL): PageRequest["headers"] =>
  username === "" && password === ""
    ? {}
    : { authorization: Redacted.make(`Basic ${Base64.encode(`${decoded(username)}:${decoded(password)}`)}`) }

const decode = Option.liftThrowable(decodeURIComponent)
const decoded = (text: string) => Option.getOrElse(decode(text), () => text)

const follow = (
  transport: HttpTransport,
  request: PageRequest,
  hop: Hop
): Effect.Effect<Page, PageUnreachable | RedirectRefused, Scope.Scope> =>
  Effect.gen(function*() {
    const { isPage, maxRedirects = defaultMaxRedirects } = request
    const { followed, url } = hop
    const now = yield* Clock.currentTimeMillis
    const response = yield* get(transport, hop, now)
    const { headers: { location }, status } = response
    const isLocal = localKind(response.address ?? url.hostname) !== undefined
    const allowsLocal = hop.from === undefined ? isLocal : hop.allowsLocal
    const decision = isPage(status)
      ? Redirect.None()
      : redirect(url, status, location, { followed, maxRedirects, allowsLocal })
    return yield* Redirect.$match(decision, {
      None: () => Effect.succeed(toPage(displayUrl(url), response)),
      Follow: ({ sameOrigin, url: to }) =>
        follow(transport, request, {
          url: to,
          headers: sameOrigin ? hop.headers : {},
          cookies: PageCookies.add(hop.cookies, virtualUrl(hop), response.cookies, now),
          followed: followed + 1,
          from: url,
          allowsLocal
        }),
      Refuse: ({ reason }) => Effect.fail(new RedirectRefused({ url: displayUrl(url), reason }))
    })
  })

const defaultHeaders = {
  accept: "*/*",
  "accept-encoding": "gzip, br",
  "user-agent": "effect-codepipeline check-webpage"
}

/** A connection that was idle while Lambda froze the function may be dead, and each attempt has to test the whole way. */
const connectionHeaders = { connection: "close" }

const get = (transport: HttpTransport, hop: Hop, now: number) => {
  const { allowsLocal, from, url } = hop
  const own = Record.map(hop.headers, Redacted.value)
  const cookie = PageCookies.header(hop.cookies, virtualUrl(hop), own["cookie"], now)
  const headers = { ...defaultHeaders, ...own, ...(cookie !== undefined && { cookie }), ...connectionHeaders }
  const allows = (address: string) => allowsLocal || localKind(address) === undefined
  return transport({ url, headers, allows }).pipe(
    Effect.catchTags({
      RequestFailed: ({ code, detail }) => Effect.fail(new PageUnreachable({ url: displayUrl(url), code, detail })),
      AddressForbidden: ({ address }) =>
        Effect.fail(
          new RedirectRefused({
            url: displayUrl(from ?? url),
            reason: localAddressReason(url, address, localKind(address) ?? "loopback")
          })
        )
    })
  )
}

/** The URL with the host of a `Host` header, which the cookies belong to. */
const virtualUrl = ({ headers, url }: Hop) => {
  const host = headers["host"]
  const virtual = new URL(url)
  if (host !== undefined) virtual.host = Redacted.value(host)
  return virtual
}

const toPage = (url: string, { body, headers, status }: TransportResponse): Page => ({
  url,
  status,
  text: body.pipe(
    Stream.mapError(({ code, detail }) => new BodyBroken({ url, code, detail })),
    Stream.limitBytes(maxBody, () => Stream.fail<BodyBroken | BodyTooLong>(new BodyTooLong({ url }))),
    decodeBody(headers["content-type"])
  )
})

const trustAdvice =
  "If the certificate is your own, set the environment variable NODE_EXTRA_CA_CERTS to the name of its file"

const notHttp = "The server there does not speak HTTP/1.1. Check the port, and whether it needs https://"

/** What to do, if Node's message does not say so. */
const advices: Readonly<Record<string, string>> = {
  ENOTFOUND: "Check the name. A Lambda function in a VPC needs a DNS server there that knows it",
  EAI_AGAIN: "No DNS server responds. A Lambda function in a VPC needs access to one",
  ECONNREFUSED: "No server listens there, or a firewall rejects the connection",
  ERR_SSL_WRONG_VERSION_NUMBER: "The server there does not speak TLS. Check whether the page needs http://",
  DEPTH_ZERO_SELF_SIGNED_CERT: trustAdvice,
  SELF_SIGNED_CERT_IN_CHAIN: trustAdvice,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: trustAdvice,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "The server probably does not send its intermediate certificate, which browsers " +
    `find by themselves: install the full certificate chain there. ${trustAdvice}`,
  HPE_HEADER_OVERFLOW: "The headers of the response are larger than 16 KiB, which is the maximum. Check for cookies " +
    "and other headers that the page sends without need"
}
