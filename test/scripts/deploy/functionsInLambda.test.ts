import { LambdaClient } from "@aws-sdk/client-lambda"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { asking } from "../../../scripts/deploy/functionsInLambda.ts"

/** Lambda on this machine, which says this to every request, and what it was asked. */
const lambda = Effect.fnUntraced(function*(answer: RequestListener) {
  const asked: Array<string> = []
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    asked.push(`${request.method} ${request.url} ${body}`)
    answer(request, response)
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
  return { ask: asking(client), asked }
})

const says =
  (body: string, headers: Readonly<Record<string, string>> = {}, status = 200): RequestListener =>
  (_request, response) => response.writeHead(status, headers).end(body)

describe("a function in Lambda", () => {
  it.live("is asked with an event that is no job, and gives bytes", () =>
    Effect.gen(function*() {
      const { ask, asked } = yield* lambda(says("{\"isCompiled\":false,\"code\":\"aGk=\",\"sha256\":\"abc\"}"))
      assert.deepStrictEqual(yield* ask("deploy-stack"), {
        isCompiled: false,
        code: new Uint8Array(Buffer.from("hi")),
        sha256: "abc"
      })
      assert.deepStrictEqual(asked, [
        "POST /2015-03-31/functions/deploy-stack/invocations \"effect-codepipeline: compiled code\""
      ])
    }))

  it.live.each<readonly [what: string, answer: RequestListener, tag: string, message: string]>([
    [
      "that cannot be started",
      says("{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"Error: Cannot find module\"}", {
        "x-amz-function-error": "Unhandled"
      }),
      "FunctionFails",
      "Function deploy-stack is deployed, but does not start: Error: Cannot find module"
    ],
    [
      "that ends without a word",
      says("", { "x-amz-function-error": "Unhandled" }),
      "FunctionFails",
      "Function deploy-stack is deployed, but does not start: Unhandled"
    ],
    ["of another kind", says("\"Hello\""), "NoAnswer", "it answers something else"],
    ["that says nothing", says(""), "NoAnswer", "it answers something else"],
    [
      "that these credentials may not invoke",
      says("{\"Message\":\"User is not authorized\"}", { "x-amzn-errortype": "AccessDeniedException" }, 403),
      "AwsDenied",
      "lambda:InvokeFunction"
    ]
  ])("%s", ([, answer, tag, message]) =>
    Effect.gen(function*() {
      const { ask } = yield* lambda(answer)
      const error = yield* Effect.flip(ask("deploy-stack"))
      assert.strictEqual(error._tag, tag)
      assert.include(error.message, message)
    }))
})
