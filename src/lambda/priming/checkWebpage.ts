// The check that check-webpage replays while its container starts: a page that is as expected.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import { duplexPair } from "node:stream"
import { makeNodeTransport, PageTransport } from "../../internal/nodeTransport.ts"
import type { Priming } from "./replay.ts"

const page = { url: "https://priming.invalid/", status: "2xx", contains: "priming" }

const event = () => ({
  "CodePipeline.job": {
    id: "priming",
    data: {
      actionConfiguration: { configuration: { UserParameters: JSON.stringify(page) } },
      inputArtifacts: [],
      outputArtifacts: []
    }
  }
})

/** Node's HTTP client and server, without a network. */
const transport = Effect.sync(() => {
  const server = createServer((_request, response) => response.end("<p>priming</p>"))
  return makeNodeTransport({
    resolve: () => Effect.succeed(["192.0.2.1"]),
    connect: () =>
      Effect.sync(() => {
        const [client, stub] = duplexPair()
        server.emit("connection", stub)
        return client
      }),
    secure: Effect.succeed
  })
})

export const checkWebpagePriming: Priming = {
  event,
  respond: () => ({ status: 200, body: "{}" }),
  services: Layer.effect(PageTransport, transport)
}
