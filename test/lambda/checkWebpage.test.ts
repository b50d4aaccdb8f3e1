// The built function check-webpage against real servers: first each mistake of AWS's sample function.
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import type { RequestListener } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { certificate } from "../certificates.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { listen, nobody } from "../contract/server.ts"
import { checkEvent } from "../fixtures.ts"
import { assertClean, buildFunction, lastReport, timeout } from "./builtFunction.ts"

const built = buildFunction("check-webpage")

/** The certificates that the function trusts. */
const NODE_EXTRA_CA_CERTS = fileURLToPath(new URL("../certificates/localhost.pem", import.meta.url))

interface CheckOptions {
  readonly remainingMillis?: number
  /** The addresses of host names. */
  readonly hosts?: Readonly<Record<string, ReadonlyArray<string>>>
}

const preload = ["--import", fileURLToPath(new URL("hosts.ts", import.meta.url))]

/** The report of one job with these UserParameters. The function must end without an error. */
const check = (userParameters: string | object, { hosts = {}, remainingMillis }: CheckOptions = {}) =>
  Effect.gen(function*() {
    const text = typeof userParameters === "string" ? userParameters : JSON.stringify(userParameters)
    const { end, invoke } = yield* built.start({ NODE_EXTRA_CA_CERTS, HOSTS: JSON.stringify(hosts) }, preload)
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

/** A server whose process is stopped, and whose queue of connections is full, until it is resumed. */
const stoppedServer = Effect.gen(function*() {
  const code = `const server = require("node:http").createServer((_, response) => response.end("Congratulations"))
    server.listen({ port: 0, host: "127.0.0.2", backlog: 1 }, () => console.log(server.address().port))`
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, ["-e", code])),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const [line] = yield* Effect.promise(() => once(child.stdout, "data"))
  const port = Number(line)
  child.kill("SIGSTOP")
  for (let connection = 0; connection < 4; connection++) {
    yield* Effect.acquireRelease(
      Effect.sync(() => connect({ port, host: "127.0.0.2" }).on("error", () => {})),
      (socket) => Effect.sync(() => socket.destroy())
    )
  }
  return { port, resume: Effect.sync(() => child.kill("SIGCONT")) }
})

const congratulations: RequestListener = (_request, response) => response.end("<h1>Congratulations</h1>")

it("the function needs only Node, and no AWS client but that of CodePipeline", async () => {
  const code = await readFile(join(built.folder(), "function.js"), "utf8")
  assert.include(code, "PutJobSuccessResult")
  for (const other of ["DescribeStackEvents", "PutObjectCommand", "yauzl"]) assert.notInclude(code, other)
})

describe("as in AWS's sample", () => {
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

describe("unlike in AWS's sample", () => {
  test("an https page is checked", () =>
    Effect.gen(function*() {
      assertSucceeds(yield* check(yield* listen(congratulations, certificate("localhost"))))
    }))

  test("an untrusted certificate is reported", () =>
    Effect.gen(function*() {
      assertFails(
        yield* check(yield* listen(congratulations, certificate("stranger"))),
        /: no response: self-signed cert/
      )
    }))

  test("a text that only contains http:// is not a URL", () =>
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
      assertFails(yield* check({ url: origin, timeoutSeconds: 0.2 }), `${origin}/: no response within 0.2 seconds`)
    }))

  test("a silent server is reported before the function's time limit", () =>
    Effect.gen(function*() {
      const origin = yield* listen(() => {})
      assertFails(
        yield* check(origin, { remainingMillis: 4_000 }),
        /no response within [\d.]+ seconds. The Lambda function had no more time/
      )
    }))

  test("a reset in the body is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) => {
        response.write("Congratu", () => request.socket.resetAndDestroy())
      })
      assertFails(yield* check(origin), /: the body could not be read to its end: \w/)
    }))

  test("a body that arrives too slowly is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => {
        const trickle = setInterval(() => response.write("."), 20)
        response.on("close", () => clearInterval(trickle))
      })
      const fields = { url: origin, contains: "Congratulations", timeoutSeconds: 1.5 }
      assertFails(yield* check(fields), /the body was not complete within 1.5 seconds, after \d+ characters$/)
    }))

  test("a server that does not exist is reported", () =>
    Effect.gen(function*() {
      const origin = yield* Effect.scoped(listen(congratulations))
      assertFails(yield* check(origin), /: no response: connect ECONNREFUSED/)
    }))

  test("a host name that does not exist is reported", () =>
    Effect.gen(function*() {
      assertFails(yield* check(`http://${nobody}`), /: no response: getaddrinfo ENOTFOUND xxx/)
    }))

  test("a missing text is reported with the beginning of the body", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => response.end("<h1>Sorry</h1>"))
      assertFails(
        yield* check(origin),
        `${origin}/: the body does not contain "Congratulations". It begins with: <h1>Sorry</h1>`
      )
    }))

  test("other statuses and texts may be expected, and redirects are followed", () =>
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

  test("a loop of redirects is reported after five", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => response.writeHead(302, { location: "/" }).end())
      assertFails(
        yield* check(origin),
        `${origin}/: redirects too often: after 5 redirects (maxRedirects), the next one leads to ${origin}/`
      )
    }))

  test("a body that never ends is read up to 64 MiB", () =>
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

  test("a text is found in other charsets, and in pieces that divide its characters", () =>
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

  test("a page that is not as expected yet is checked again, over several jobs", () =>
    Effect.gen(function*() {
      let requests = 0
      const origin = yield* listen((_request, response) =>
        response.writeHead(++requests < 2 ? 503 : 200).end("Congratulations")
      )
      const { end, invoke } = yield* built.start({})
      const userParameters = JSON.stringify({ url: origin, within: "5 minutes", every: "1 minute" })
      yield* invoke(checkEvent({ id: "job-1", userParameters }))
      const { operation, parameters } = yield* lastReport
      assert.strictEqual(operation, "PutJobSuccessResult")
      assert.match(
        JSON.stringify(parameters["executionDetails"]),
        /"Waiting for the page: 1 attempt in \d+s. Last attempt: .*: expected status 200, got 503","percentComplete":0/
      )

      // Simulates that a minute has passed.
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
      assert.strictEqual(requests, 2)
      assertClean("check-webpage", yield* end, ["job-1", "job-2"])
    }))
})

test("passwords and headers are sent, and no message and no log line contains them", () =>
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

test("a page that echoes its request puts no header into the failure's message", () =>
  Effect.gen(function*() {
    const origin = yield* listen((request, response) =>
      response.end(JSON.stringify({ key: request.headers["x-key"], login: request.headers.authorization }))
    )
    const url = origin.replace("//", "//user:hunter2@")
    const report = yield* check({ url, contains: "Congratulations", headers: { "x-key": "hunter2" } })
    assertFails(report, /It begins with: {"key":"<redacted>","login":"<redacted>"}$/)
    assert.notMatch(JSON.stringify(report.parameters), /hunter2|aHVudGVy/)
  }))

describe("a request", () => {
  test("has the Host header as given", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) => response.end(`host: ${request.headers.host}`))
      assertSucceeds(
        yield* check({ url: origin, contains: "host: www.example.com:8080", headers: { Host: "www.example.com:8080" } })
      )
    }))

  test("with a header that cannot be sent is rejected with its name", () =>
    Effect.gen(function*() {
      assertFails(
        yield* check({ url: "http://www.example.com", headers: { "Content-Length": "1", Host: "a b" } }),
        "\"headers.Content-Length\" cannot be sent: the HTTP client sets this header; " +
          "\"headers.Host\": expected a host name, with a port if needed",
        "ConfigurationError"
      )
    }))

  test("waits for an address that accepts the connection after more than 250 milliseconds", () =>
    Effect.gen(function*() {
      const hosts = { "several.example.com": ["127.0.0.2", "127.0.0.3"] }
      const { end, invoke } = yield* built.start({ HOSTS: JSON.stringify(hosts) }, preload)
      // Waits for the start of the container.
      yield* invoke(checkEvent({ id: "job-1", userParameters: "" }))
      const slow = yield* stoppedServer
      yield* Effect.forkChild(Effect.delay(slow.resume, "1 second"))
      yield* invoke(checkEvent({ id: "job-2", userParameters: `http://several.example.com:${slow.port}/` }))
      assertSucceeds(yield* lastReport)
      assertClean("check-webpage", yield* end, ["job-1", "job-2"])
    }))
})

describe("a response", () => {
  test("may redirect to a location in UTF-8", () =>
    Effect.gen(function*() {
      const location = Buffer.from("/caf\u00e9").toString("latin1")
      const origin = yield* listen((request, response) =>
        request.url === "/caf%C3%A9" ? congratulations(request, response) : response.writeHead(302, { location }).end()
      )
      assertSucceeds(yield* check(origin))
    }))

  test("is decoded by its byte-order mark, whatever its content type is", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) =>
        response.writeHead(200, { "content-type": "text/html; charset=iso-8859-1" })
          .end(Buffer.from("\uFEFFF\u00e9licitations", "utf16le"))
      )
      assertSucceeds(yield* check({ url: origin, contains: "F\u00e9licitations" }))
    }))

  test("may set a cookie and redirect to itself", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) =>
        request.headers.cookie === "session=1"
          ? congratulations(request, response)
          : response.writeHead(302, { location: "/", "set-cookie": "session=1; HttpOnly; SameSite=Lax" }).end()
      )
      assertSucceeds(yield* check(origin))
    }))

  test("may redirect as often as maxRedirects says", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) => {
        const hop = Number(request.url?.slice(1))
        return hop === 10
          ? congratulations(request, response)
          : response.writeHead(302, { location: `/${hop + 1}` }).end()
      })
      assertSucceeds(yield* check({ url: `${origin}/0`, maxRedirects: 10 }))
    }))

  test("with a redirect is reported if maxRedirects is 0", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => response.writeHead(302, { location: "/b" }).end())
      assertFails(
        yield* check({ url: origin, maxRedirects: 0 }),
        `${origin}/: redirects to ${origin}/b, which is not followed because maxRedirects is 0`
      )
    }))

  test("with headers over the limit is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) =>
        response.writeHead(200, { "x-long": "y".repeat(20_000) }).end()
      )
      assertFails(yield* check(origin), /The headers of the response are larger than 16 KiB, which is the maximum/)
    }))

  test("without the intermediate certificate is reported", () =>
    Effect.gen(function*() {
      assertFails(
        yield* check(yield* listen(congratulations, certificate("incomplete"))),
        /unable to verify the first certificate. The server probably does not send its intermediate certificate/
      )
    }))

  test("cannot redirect to a name that has a local address", () =>
    Effect.gen(function*() {
      let secrets = 0
      const origin = yield* listen((request, response) => {
        if (request.url === "/") return response.writeHead(302, { location: `${inside}/secret` }).end()
        secrets++
        return response.end("secret")
      })
      const { port } = new URL(origin)
      const inside = `http://inside.example.com:${port}`
      const url = `http://public.example.com:${port}/`
      const hosts = { "public.example.com": ["192.0.2.1"], "inside.example.com": ["127.0.0.1"] }
      assertFails(
        yield* check(url, { hosts }),
        `${url}: redirects to ${inside}/secret, which has the loopback address 127.0.0.1 and is not followed`
      )
      assert.strictEqual(secrets, 0)
    }))

  test("can redirect to a name that has a local address if the first URL has one too", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) =>
        request.url === "/"
          ? response.writeHead(302, { location: `http://inside.example.com:${new URL(origin).port}/a` }).end()
          : congratulations(request, response)
      )
      assertSucceeds(yield* check(origin, { hosts: { "inside.example.com": ["127.0.0.1"] } }))
    }))
})
