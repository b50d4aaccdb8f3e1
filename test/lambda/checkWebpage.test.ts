// The built function check-webpage against real servers: each mistake of AWS's sample function first.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { readFile } from "node:fs/promises"
import type { RequestListener } from "node:http"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { certificate } from "../certificates.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { listen, nobody } from "../contract/server.ts"
import { checkEvent } from "../fixtures.ts"
import { assertClean, buildFunction, lastReport, timeout } from "./builtFunction.ts"

const built = buildFunction("check-webpage")

/** The certificates of https servers that the function trusts. */
const NODE_EXTRA_CA_CERTS = fileURLToPath(new URL("../certificates/localhost.pem", import.meta.url))

/** What CodePipeline is told of one job with these UserParameters; the function has to end well. */
const check = (userParameters: string | object, remainingMillis?: number) =>
  Effect.gen(function*() {
    const text = typeof userParameters === "string" ? userParameters : JSON.stringify(userParameters)
    const { end, invoke } = yield* built.start({ NODE_EXTRA_CA_CERTS })
    const result = yield* invoke(checkEvent({ id: "job-1", userParameters: text }), remainingMillis)
    assert.property(result, "resolved")
    assertClean("check-webpage", yield* end, ["job-1"], ["hunter2"])
    const { calls } = yield* CodePipelineServer
    assert.lengthOf(calls, 1)
    return yield* lastReport
  })

type Report = Effect.Success<typeof lastReport>

const assertSucceeds = ({ operation, parameters }: Report) => {
  assert.strictEqual(operation, "PutJobSuccessResult", JSON.stringify(parameters))
  assert.deepInclude(parameters["executionDetails"], { summary: "Tests passed.", percentComplete: 100 })
}

const assertFails = ({ operation, parameters }: Report, message: RegExp | string, type = "JobFailed") => {
  assert.strictEqual(operation, "PutJobFailureResult", JSON.stringify(parameters))
  const failure = parameters["failureDetails"] as { readonly type: string; readonly message: string }
  assert.strictEqual(failure.type, type)
  if (typeof message === "string") assert.strictEqual(failure.message, message)
  else assert.match(failure.message, message)
}

const test = <A, E>(name: string, effect: () => Effect.Effect<A, E, CodePipelineServer | Scope.Scope>) =>
  it.live(name, () => effect().pipe(Effect.scoped, Effect.provide(CodePipelineServer.layer)), timeout)

const congratulations: RequestListener = (_request, response) => response.end("<h1>Congratulations</h1>")

it("needs nothing but Node, and no client of AWS but CodePipeline's", async () => {
  const code = await readFile(join(built.folder(), "function.js"), "utf8")
  assert.include(code, "PutJobSuccessResult")
  for (const other of ["DescribeStackEvents", "PutObjectCommand", "yauzl"]) assert.notInclude(code, other)
})

describe("what AWS's sample does well", () => {
  test("a page with the status 200 and the text succeeds", () =>
    Effect.gen(function*() {
      const origin = yield* listen(congratulations)
      const report = yield* check(origin)
      assertSucceeds(report)
      const { milliseconds, ...variables } = report.parameters["outputVariables"] as Record<string, string>
      assert.deepStrictEqual(variables, { statusCode: "200", url: `${origin}/`, attempts: "1" })
      assert.match(milliseconds ?? "", /^\d+$/)
    }))

  test("a page with another status fails", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => response.writeHead(503).end("Congratulations"))
      assertFails(yield* check(origin), `${origin}/: expected status 200, got 503`)
    }))
})

describe("what AWS's sample gets wrong", () => {
  test("https is tested too", () =>
    Effect.gen(function*() {
      assertSucceeds(yield* check(yield* listen(congratulations, certificate("localhost"))))
    }))

  test("a certificate that is not trusted is told", () =>
    Effect.gen(function*() {
      assertFails(
        yield* check(yield* listen(congratulations, certificate("stranger"))),
        /: no answer: self-signed cert/
      )
    }))

  test("what only has http:// in it is no URL", () =>
    Effect.gen(function*() {
      assertFails(
        yield* check("ftp://www.example.com/?http://"),
        "The UserParameters field must contain a valid URL address to test, including http:// or https://",
        "ConfigurationError"
      )
    }))

  test("a silent server is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen(() => {})
      assertFails(yield* check({ url: origin, timeoutSeconds: 0.2 }), `${origin}/: no answer within 0.2 seconds`)
    }))

  test("a silent server is reported before the function's time is over", () =>
    Effect.gen(function*() {
      const origin = yield* listen(() => {})
      assertFails(
        yield* check(origin, 4_000),
        /no answer within [\d.]+ seconds. The Lambda function has no more time/
      )
    }))

  test("a reset in the body is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) => {
        response.write("Congratu", () => request.socket.resetAndDestroy())
      })
      assertFails(yield* check(origin), /: the body could not be read to its end: \w/)
    }))

  test("a body that trickles is given up", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => {
        const trickle = setInterval(() => response.write("."), 20)
        response.on("close", () => clearInterval(trickle))
      })
      const fields = { url: origin, contains: "Congratulations", timeoutSeconds: 1.5 }
      assertFails(yield* check(fields), /the body was not complete within 1.5 seconds, after \d+ characters$/)
    }))

  test("a failure is told in words: nobody is there", () =>
    Effect.gen(function*() {
      const origin = yield* Effect.scoped(listen(congratulations))
      assertFails(yield* check(origin), /: no answer: connect ECONNREFUSED/)
    }))

  test("a failure is told in words: the name is nobody's", () =>
    Effect.gen(function*() {
      assertFails(yield* check(`http://${nobody}`), /: no answer: getaddrinfo ENOTFOUND xxx/)
    }))

  test("a failure is told in words: the text is missing, and how the body begins", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => response.end("<h1>Sorry</h1>"))
      assertFails(
        yield* check(origin),
        `${origin}/: the body does not contain "Congratulations". It begins with: <h1>Sorry</h1>`
      )
    }))

  test("other statuses and other texts may be right, and redirects are followed", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) =>
        request.url === "/"
          ? response.writeHead(302, { location: "/home" }).end()
          : response.writeHead(202).end("It works")
      )
      const report = yield* check({ url: origin, status: [200, 202], contains: "works" })
      assertSucceeds(report)
      assert.deepInclude(report.parameters["outputVariables"], { statusCode: "202", url: `${origin}/home` })
    }))

  test("a redirect from https to http is not followed", () =>
    Effect.gen(function*() {
      const origin = yield* listen(
        (_request, response) => response.writeHead(302, { location: "http://www.example.com/" }).end(),
        certificate("localhost")
      )
      assertFails(
        yield* check(origin),
        `${origin}/: redirects from https to http://www.example.com/, which is not followed`
      )
    }))

  test("redirects in a circle are left after five", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => response.writeHead(302, { location: "/" }).end())
      assertFails(yield* check(origin), `${origin}/: redirects to ${origin}/, after 5 redirects already`)
    }))

  test("a body that never ends is left after 64 MiB", () =>
    Effect.gen(function*() {
      const piece = Buffer.alloc(1 << 20, "y")
      const origin = yield* listen((_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write(piece)) { /* as fast as it goes */ }
        }
        response.on("drain", more).on("error", () => {})
        more()
      })
      const fields = { url: origin, contains: "Congratulations", timeoutSeconds: 50 }
      assertFails(
        yield* check(fields),
        /: the first 64 MiB of the body do not contain "Congratulations". It begins with: yyy/
      )
    }))

  test("a text is found in other charsets, and where the pieces of the body cut its characters", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => {
        response.setHeader("content-type", "text/html; charset=utf-16le")
        const bytes = Buffer.from("\u{1f389} F\u00e9licitations", "utf16le")
        const next = (at: number): void => {
          if (at === bytes.length) response.end()
          else response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1))
        }
        next(0)
      })
      assertSucceeds(yield* check({ url: origin, contains: "\u{1f389} F\u00e9licitations" }))
    }))

  test("a page gets time to become right, over several jobs", () =>
    Effect.gen(function*() {
      let asked = 0
      const origin = yield* listen((_request, response) =>
        response.writeHead(++asked < 2 ? 503 : 200).end("Congratulations")
      )
      const { end, invoke } = yield* built.start({})
      const userParameters = JSON.stringify({ url: origin, within: "5 minutes", every: "1 minute" })
      yield* invoke(checkEvent({ id: "job-1", userParameters }))
      const { operation, parameters } = yield* lastReport
      assert.strictEqual(operation, "PutJobSuccessResult")
      assert.match(
        JSON.stringify(parameters["executionDetails"]),
        /"Waiting for the page: 1 attempt in \d+s. Last seen: .*: expected status 200, got 503","percentComplete":0/
      )

      // A minute later, as it were.
      const { execution, state, ...token } = JSON.parse(String(parameters["continuationToken"]))
      const continuationToken = JSON.stringify({
        ...token,
        execution: { ...execution, startedAt: execution.startedAt - 60_000 },
        state: { ...state, lastAt: state.lastAt - 60_000 }
      })
      yield* invoke(checkEvent({ id: "job-2", userParameters, continuationToken }))
      const last = yield* lastReport
      assert.match(JSON.stringify(last.parameters["executionDetails"]), /"Tests passed. 2 attempts in 1m \d+s"/)
      assert.deepInclude(last.parameters["outputVariables"], { attempts: "2", statusCode: "200" })
      assert.strictEqual(asked, 2)
      assertClean("check-webpage", yield* end, ["job-1", "job-2"])
    }))
})

test("passwords and headers are sent, and are in no message and no line of the log", () =>
  Effect.gen(function*() {
    const seen: Array<unknown> = []
    const origin = yield* listen((request, response) => {
      const { authorization, b3, traceparent } = request.headers
      seen.push(authorization, request.headers["x-key"], b3, traceparent)
      response.writeHead(401).end()
    })
    const url = origin.replace("//", "//user:hunter2@")
    assertFails(
      yield* check({ url, headers: { "x-key": "hunter2" } }),
      `${origin}/: expected status 200, got 401`
    )
    assert.deepStrictEqual(seen, [`Basic ${btoa("user:hunter2")}`, "hunter2", undefined, undefined])
  }))
