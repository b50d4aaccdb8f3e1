// The check that check-webpage plays while its container starts: a page that is as it should be.
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
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

/** Brings up Node's own `fetch`, and asks nobody. */
const fetch = (input: string | URL | Request, init?: RequestInit) => {
  const { signal } = new Request(input, init)
  return signal.aborted ? Promise.reject(signal.reason) : Promise.resolve(new Response("<p>priming</p>"))
}

export const checkWebpagePriming: Priming = {
  event,
  respond: () => ({ status: 200, body: "{}" }),
  services: Layer.succeed(FetchHttpClient.Fetch, fetch)
}
