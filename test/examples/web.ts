// HttpClients without a network, for tests of the examples.
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"

/** Returns the response that `answer` makes. If there is none, the request fails as without a network. */
export const answering = (answer: (request: HttpClientRequest.HttpClientRequest) => Response | undefined) =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.suspend(() => {
        const response = answer(request)
        return response === undefined
          ? Effect.fail(
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
          )
          : Effect.succeed(HttpClientResponse.fromWeb(request, response))
      })
    )
  )

/** An endpoint that never responds. */
export const silent = Layer.succeed(HttpClient.HttpClient, HttpClient.make(() => Effect.never))
