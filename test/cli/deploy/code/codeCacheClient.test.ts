import { LambdaClient } from "@aws-sdk/client-lambda"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { makeCodeCacheClient } from "../../../../src/cli/deploy/code/codeCacheClient.ts"

/** Lambda on this machine, which answers every request with the same response; and its requests. */
const lambda = Effect.fnUntraced(function*(respond: RequestListener) {
  const requests: Array<string> = []
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    requests.push(`${request.method} ${request.url} ${body}`)
    respond(request, response)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => server.closeAllConnections()).pipe(Effect.andThen(Effect.sync(() => server.close())))
  )
  const client = new LambdaClient({
    region: "eu-central-1",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "AKIADEVELOPER", secretAccessKey: "secret" },
    maxAttempts: 1
  })
  return { requestCodeCache: makeCodeCacheClient(client), requests }
})

const responds =
  (body: string, headers: Readonly<Record<string, string>> = {}, status = 200): RequestListener =>
  (_request, response) => response.writeHead(status, headers).end(body)

describe("the code cache of a function in Lambda", () => {
  it.live("is requested with an event that is not a job, and decoded", () =>
    Effect.gen(function*() {
      const { requestCodeCache, requests } = yield* lambda(
        responds("{\"usesCodeCache\":false,\"codeCache\":\"aGk=\",\"sha256\":\"abc\"}")
      )
      assert.deepStrictEqual(yield* requestCodeCache("deploy-stack"), {
        usesCodeCache: false,
        codeCache: new Uint8Array(Buffer.from("hi")),
        sha256: "abc"
      })
      assert.deepStrictEqual(requests, [
        "POST /2015-03-31/functions/deploy-stack/invocations \"effect-codepipeline: code cache\""
      ])
    }))

  it.live.each<readonly [what: string, response: RequestListener, tag: string, message: string]>([
    [
      "does not start",
      responds("{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"Error: Cannot find module\"}", {
        "x-amz-function-error": "Unhandled"
      }),
      "FunctionFailed",
      "Function deploy-stack is deployed, but does not start: Error: Cannot find module"
    ],
    [
      "ends without an error message",
      responds("", { "x-amz-function-error": "Unhandled" }),
      "FunctionFailed",
      "Function deploy-stack is deployed, but does not start: Unhandled"
    ],
    [
      "is not a built function",
      responds("\"Hello\""),
      "UnexpectedResponse",
      "its response is not that of a built function"
    ],
    ["returns nothing", responds(""), "UnexpectedResponse", "its response is not that of a built function"],
    [
      "may not be invoked with these credentials",
      responds("{\"Message\":\"User is not authorized\"}", { "x-amzn-errortype": "AccessDeniedException" }, 403),
      "AwsDenied",
      "lambda:InvokeFunction"
    ]
  ])("is an error when the function %s", ([, answer, tag, message]) =>
    Effect.gen(function*() {
      const { requestCodeCache } = yield* lambda(answer)
      const error = yield* Effect.flip(requestCodeCache("deploy-stack"))
      assert.strictEqual(error._tag, tag)
      assert.include(error.message, message)
    }))
})
