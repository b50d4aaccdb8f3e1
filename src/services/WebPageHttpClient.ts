// Opens web pages with an HttpClient of the application.
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type HttpTransport, requestFailed } from "../internal/httpTransport.ts"
import { WebPage } from "./WebPage.ts"

/**
 * `WebPage` over an `HttpClient`, such as one with a proxy. The client must not follow redirects itself; one that uses
 * `fetch` is configured accordingly. It resolves host names itself, so that a redirect to a local address is refused only
 * if the URL names the address. `fetch` does not send a `Host` header. The client makes no spans of these requests.
 */
export const layer: Layer.Layer<WebPage, never, HttpClient.HttpClient> = Layer.unwrap(
  Effect.map(HttpClient.HttpClient, (client) => WebPage.layerTransport(Effect.succeed(overClient(client))))
)

const overClient = (client: HttpClient.HttpClient): HttpTransport => {
  const scoped = HttpClient.withScope(client)
  return Effect.fnUntraced(function*({ headers, url }) {
    const init = Option.getOrUndefined(yield* Effect.serviceOption(FetchHttpClient.RequestInit))
    // As a text, because Effect encodes the query of a URL object again.
    const request = HttpClientRequest.setHeaders(HttpClientRequest.get(url.href), headers)
    const response = yield* scoped.execute(request).pipe(
      Effect.provideService(FetchHttpClient.RequestInit, { ...init, redirect: "manual" }),
      // A span of the client would have the whole URL, whose path and query may be secret.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.mapError(({ reason }) => requestFailed(reason))
    )
    return {
      status: response.status,
      headers: response.headers,
      cookies: response.cookies,
      body: response.stream.pipe(
        // A status such as 204 has no body.
        Stream.catchIf((error) => error.reason._tag === "EmptyBodyError", () => Stream.empty),
        Stream.mapError(({ reason }) => requestFailed(reason))
      )
    }
  })
}
