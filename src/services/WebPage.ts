// Opens a page of the web: follows redirects where that is safe, and gives the body as text while it comes in.
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { truncate } from "../domain/job/JobOutcome.ts"
import { address, Redirect, redirect } from "../domain/page/PageRedirect.ts"

/** No answer came: the name has no address, nothing listens there, TLS failed, the connection was reset, … */
export class PageUnreachable extends Schema.TaggedError<PageUnreachable>()("PageUnreachable", {
  url: Schema.String,
  /** As Node names it, such as `ENOTFOUND`, `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  code: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    const advice = Option.getOrElse(Record.get(advices, this.code), () => "")
    return `${truncate(this.url, 500)}: no answer: ${this.detail}${advice}`
  }
}

/** The answer redirects to where it is not followed. */
export class RedirectRefused extends Schema.TaggedError<RedirectRefused>()("RedirectRefused", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${truncate(this.url, 500)}: ${truncate(this.reason, 500)}`
  }
}

/** The body broke off, or could not be unpacked. */
export class BodyBroken extends Schema.TaggedError<BodyBroken>()("BodyBroken", {
  url: Schema.String,
  code: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${truncate(this.url, 500)}: the body could not be read to its end: ${this.detail}`
  }
}

/** The body has more than the 64 MiB that are read. */
export class BodyTooLong extends Schema.TaggedError<BodyTooLong>()("BodyTooLong", { url: Schema.String }) {
  override get message() {
    return `${truncate(this.url, 500)}: the body has more than ${maxBody}`
  }
}

/** So much of a body is read, unpacked. */
export const maxBody = "64 MiB" satisfies ByteSize.Input

export interface PageRequest {
  /** `http:` or `https:`; a user and a password in it are sent as HTTP's Basic authentication. */
  readonly url: URL
  readonly headers: Readonly<Record<string, Redacted.Redacted<string>>>
  /** Whether an answer with this status is the page even if it redirects. */
  readonly isPage: (status: number) => boolean
}

export interface Page {
  /** Where the redirects have led to, as it may be shown. */
  readonly url: string
  readonly status: number
  /** The body, as it comes in, by the charset of its content type; by UTF-8 where that is unknown. */
  readonly text: Stream.Stream<string, BodyBroken | BodyTooLong>
}

export class WebPage extends Context.Service<WebPage, {
  /**
   * GETs the page over a connection of its own, which lives as long as the scope. At most five redirects are followed;
   * none from https to http or into the own machine, and to another origin without `headers`, user and password.
   *
   * It has no time limit: interrupt it.
   */
  open(request: PageRequest): Effect.Effect<Page, PageUnreachable | RedirectRefused, Scope.Scope>
}>()("effect-codepipeline/services/WebPage") {
  /** Over an `HttpClient` of your own. It must not follow redirects itself; those made of `fetch` are told so. */
  static readonly layerClient: Layer.Layer<WebPage, never, HttpClient.HttpClient> = Layer.effect(
    WebPage,
    Effect.map(HttpClient.HttpClient, (client) => {
      const scoped = HttpClient.withScope(client)
      return { open: Effect.fn("WebPage.open")((request: PageRequest) => follow(scoped, withoutUser(request), 0)) }
    })
  )

  /** Over Node's own `fetch`. */
  static readonly layer: Layer.Layer<WebPage> = Layer.suspend(() =>
    Layer.provide(this.layerClient, FetchHttpClient.layer)
  )
}

/** A user and a password in the URL become a header, which a header of the request's own may replace. */
const withoutUser = ({ headers, isPage, url }: PageRequest): PageRequest => {
  const plain = new URL(url)
  plain.username = ""
  plain.password = ""
  plain.hash = ""
  return { url: plain, headers: { ...basic(url), ...headers }, isPage }
}

/** Source: RFC 7617, with UTF-8, as browsers do. */
const basic = ({ password, username }: URL): PageRequest["headers"] =>
  username === "" && password === ""
    ? {}
    : { authorization: Redacted.make(`Basic ${Base64.encode(`${decoded(username)}:${decoded(password)}`)}`) }

const decode = Option.liftThrowable(decodeURIComponent)
const decoded = (text: string) => Option.getOrElse(decode(text), () => text)

type ScopedClient = HttpClient.HttpClient.With<HttpClientError, Scope.Scope>

const follow = (
  client: ScopedClient,
  { headers, isPage, url }: PageRequest,
  followed: number
): Effect.Effect<Page, PageUnreachable | RedirectRefused, Scope.Scope> =>
  get(client, url, headers).pipe(
    Effect.flatMap((response) => {
      const { headers: { location }, status } = response
      const decision = isPage(status) ? Redirect.None() : redirect(url, status, location, followed)
      return Redirect.$match(decision, {
        None: () => Effect.succeed(pageOf(address(url), response)),
        Follow: ({ sameOrigin, url }) =>
          follow(client, { url, headers: sameOrigin ? headers : {}, isPage }, followed + 1),
        Refuse: ({ reason }) => Effect.fail(new RedirectRefused({ url: address(url), reason }))
      })
    })
  )

const ours = { accept: "*/*", "user-agent": "effect-codepipeline check-webpage" }

/** A connection that waited while Lambda froze the function may be dead; and each attempt is to go the whole way. */
const alone = { connection: "close" }

const get = (client: ScopedClient, url: URL, headers: PageRequest["headers"]) => {
  // As a text: Effect writes the query of a URL object anew.
  const request = HttpClientRequest.get(url.href).pipe(
    HttpClientRequest.setHeaders(ours),
    HttpClientRequest.setHeaders(Record.map(headers, Redacted.value)),
    HttpClientRequest.setHeaders(alone)
  )
  return Effect.serviceOption(FetchHttpClient.RequestInit).pipe(
    Effect.flatMap((init) =>
      Effect.provideService(client.execute(request), FetchHttpClient.RequestInit, {
        ...Option.getOrUndefined(init),
        redirect: "manual"
      })
    ),
    Effect.mapError((error) => new PageUnreachable({ url: address(url), ...reasonOf(error) }))
  )
}

const pageOf = (url: string, response: HttpClientResponse): Page => ({
  url,
  status: response.status,
  text: response.stream.pipe(
    // A status such as 204 has no body.
    Stream.catchIf((error) => error.reason._tag === "EmptyBodyError", () => Stream.empty),
    Stream.mapError((error) => new BodyBroken({ url, ...reasonOf(error) })),
    Stream.limitBytes(maxBody, () => Stream.fail<BodyBroken | BodyTooLong>(new BodyTooLong({ url }))),
    Stream.decodeText({ encoding: charsetOf(response.headers["content-type"]) })
  )
})

const makeDecoder = Option.liftThrowable((label: string) => new TextDecoder(label))

const charsetOf = (contentType = "") => {
  const label = /;\s*charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1] ?? "utf-8"
  return Option.match(makeDecoder(label), { onNone: () => "utf-8", onSome: ({ encoding }) => encoding })
}

const ownCertificate =
  ". Where it is a certificate of your own, name its file in the environment variable NODE_EXTRA_CA_CERTS"

/** What to do about it, where the words of Node do not tell. */
const advices: Readonly<Record<string, string>> = {
  ENOTFOUND: ". Check the name; a Lambda function in a VPC needs a DNS server there that knows it",
  EAI_AGAIN: ". No DNS server answers; a Lambda function in a VPC needs a way to one",
  ECONNREFUSED: ". Nothing listens there, or a firewall refuses the connection",
  ERR_SSL_WRONG_VERSION_NUMBER: ". What listens there does not speak TLS: is it a page of http://?",
  DEPTH_ZERO_SELF_SIGNED_CERT: ownCertificate,
  SELF_SIGNED_CERT_IN_CHAIN: ownCertificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ownCertificate,
  // The words of `fetch`, which has no code for it.
  "bad port": ". The Fetch standard has a list of ports at which no page may be asked for, and this one is on it"
}

/**
 * The innermost cause: the outer ones only say that something failed. Of what Node has, only code and words are kept,
 * and not the errors of HttpClient, which hold the whole request.
 */
const reasonOf = (error: HttpClientError): { readonly code: string; readonly detail: string } => {
  let cause: unknown = error.reason
  for (let inner = innerOf(cause); inner !== undefined; inner = innerOf(inner)) cause = inner
  const detail = textAt(cause, "reason") ?? textAt(cause, "message") ?? "no further words"
  return {
    code: textAt(cause, "code") ?? detail,
    detail: truncate(detail.replaceAll(/\s+/g, " ").trim(), 500)
  }
}

/** A host with several addresses fails with the errors of all of them. */
const innerOf = (error: unknown): unknown => propertyOf(propertyOf(error, "errors"), "0") ?? propertyOf(error, "cause")

const propertyOf = (value: unknown, key: string): unknown => Predicate.hasProperty(value, key) ? value[key] : undefined

const textAt = (value: unknown, key: string): string | undefined => {
  const text = propertyOf(value, key)
  return Predicate.isString(text) && text !== "" ? text : undefined
}
