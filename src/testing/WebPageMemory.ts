// Pages of the web in memory. All but the network is as in life: redirects, headers, bodies that come in pieces.
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { WebPage } from "../services/WebPage.ts"

/** What comes back when a page is asked for. */
export interface PageAnswer {
  /** 200 when left out. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Empty when left out. One that fails is cut off there. */
  readonly body?: string | Stream.Stream<Uint8Array, Error>
  /** The time to the answer's first byte. */
  readonly delay?: Duration.Input
}

/** What a request fails with in place of an answer, with a `code` as Node's errors have it. */
export type NoAnswer = Error

export class WebPageMemory extends Context.Service<WebPageMemory, {
  /** From now on the page answers this, one answer for each request, and the last one for all that follow. */
  answer(url: string, ...answers: ReadonlyArray<PageAnswer | NoAnswer>): Effect.Effect<void>
  /** What was asked for, in its order. */
  readonly requests: ReadonlyArray<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }>
}>()("effect-codepipeline/testing/WebPageMemory") {
  /** Time is that of Effect's `Clock`. There is no host but those of the pages that were given. */
  static readonly layer = (
    pages: Readonly<Record<string, PageAnswer | NoAnswer>> = {}
  ): Layer.Layer<WebPage | WebPageMemory> =>
    Layer.unwrap(Effect.sync(() => {
      const requests: Array<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }> = []
      const answers = new Map<string, Array<PageAnswer | NoAnswer>>()
      const put = (url: string, all: ReadonlyArray<PageAnswer | NoAnswer>) => answers.set(new URL(url).href, [...all])
      for (const [url, answer] of Object.entries(pages)) put(url, [answer])

      const client = HttpClient.make(Effect.fnUntraced(function*(request, url) {
        requests.push({ url: url.href, headers: request.headers })
        const left = answers.get(url.href) ?? [notFound(url)]
        const answer = left.length > 1 ? left.shift() : left[0]
        if (answer === undefined || Predicate.isError(answer)) {
          const reason = new HttpClientError.TransportError({ request, cause: answer })
          return yield* new HttpClientError.HttpClientError({ reason })
        }
        yield* Effect.sleep(answer.delay ?? 0)
        const { body, headers = {}, status = 200 } = answer
        const source = Predicate.isString(body) || body === undefined
          ? body
          : yield* Stream.toReadableStreamEffect(body)
        return HttpClientResponse.fromWeb(request, new Response(source, { status, headers }))
      }))
      return Layer.merge(
        // Else it would be one and the same with a live one of the same program.
        Layer.fresh(Layer.provide(WebPage.layerClient, Layer.succeed(HttpClient.HttpClient, client))),
        Layer.succeed(WebPageMemory, {
          answer: (url, ...all) => Effect.sync(() => void put(url, all)),
          requests
        })
      )
    }))
}

const notFound = ({ hostname }: URL) =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" })
