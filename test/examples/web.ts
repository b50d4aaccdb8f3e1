// An HttpClient that never leaves the process, for tests of the examples.
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"

/** Answers each request with what `answer` gives, and fails on the way where that is nothing. */
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

/** An endpoint that never answers. */
export const silent = Layer.succeed(HttpClient.HttpClient, HttpClient.make(() => Effect.never))
