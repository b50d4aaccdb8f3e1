// Web pages in memory. Only the network is replaced: redirects, cookies, headers and bodies in pieces work as on the web.
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import { type HttpTransport, requestFailed } from "../internal/httpTransport.ts"
import { WebPage } from "../services/WebPage.ts"

/** The response of a page in memory. */
export interface PageResponse {
  /** 200 by default. */
  readonly status?: number
  /** A list is for a header that is sent more than once, such as `set-cookie`. */
  readonly headers?: Readonly<Record<string, string | ReadonlyArray<string>>>
  /** Empty by default. A stream that fails breaks the body off. */
  readonly body?: string | Stream.Stream<Uint8Array, Error>
  /** Time until the first byte of the response. */
  readonly delay?: Duration.Input
}

/** The error of a request without a response. It may have a `code`, as Node's errors have. */
export type PageError = Error

/** Web pages in memory. */
export class WebPageMemory extends Context.Service<WebPageMemory, {
  /** Sets the responses of a page, one for each request. The last one is for all further requests. */
  respond(url: string, ...responses: ReadonlyArray<PageResponse | PageError>): Effect.Effect<void>
  /** The requests, in order. */
  readonly requests: ReadonlyArray<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }>
}>()("effect-codepipeline/testing/WebPageMemory") {
  /** Uses Effect's `Clock`. A page without a response has a host that does not exist. */
  static readonly layer = (
    pages: Readonly<Record<string, PageResponse | PageError>> = {}
  ): Layer.Layer<WebPage | WebPageMemory> =>
    Layer.unwrap(Effect.sync(() => {
      const requests: Array<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }> = []
      const responses = new Map<string, Array<PageResponse | PageError>>()
      const put = (url: string, all: ReadonlyArray<PageResponse | PageError>) =>
        responses.set(new URL(url).href, [...all])
      for (const [url, response] of Object.entries(pages)) put(url, [response])

      const transport: HttpTransport = Effect.fnUntraced(function*({ headers, url }) {
        requests.push({ url: url.href, headers })
        const left = responses.get(url.href) ?? [notFound(url)]
        const response = left.length > 1 ? left.shift() : left[0]
        if (response === undefined || Predicate.isError(response)) return yield* requestFailed(response)
        yield* Effect.sleep(response.delay ?? 0)
        const { body = "", headers: given = {}, status = 200 } = response
        const lowerCased = Record.mapKeys(given, (name) => name.toLowerCase())
        return {
          status,
          headers: Record.map(lowerCased, String),
          cookies: Cookies.fromSetCookie(lowerCased["set-cookie"] ?? []),
          body: Predicate.isString(body)
            ? Stream.make(new TextEncoder().encode(body))
            : Stream.mapError(body, requestFailed)
        }
      })
      return Layer.merge(
        WebPage.layerTransport(Effect.succeed(transport)),
        Layer.succeed(WebPageMemory, {
          respond: (url, ...all) => Effect.sync(() => void put(url, all)),
          requests
        })
      )
    }))
}

const notFound = ({ hostname }: URL) =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" })
