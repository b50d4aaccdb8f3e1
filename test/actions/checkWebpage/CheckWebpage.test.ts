import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schedule, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CheckWebpage } from "../../../src/actions/checkWebpage/CheckWebpage.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { type PageResponse, WebPageMemory } from "../../../src/testing/WebPageMemory.ts"
import { drive } from "../../drive.ts"
import { checkEvent, readEvent, tokenOf } from "../../fixtures.ts"

const url = "http://www.example.com/"
const succeeds: PageResponse = { body: "<h1>Congratulations</h1>" }
const unavailable: PageResponse = { status: 503, body: "not yet" }
const refused = Object.assign(new Error("connect ECONNREFUSED 192.0.2.1:80"), { code: "ECONNREFUSED" })

const world = (response: PageResponse | Error = succeeds) =>
  Layer.merge(WebPageMemory.layer({ [url]: response }), CodePipelineMemory.layer)

const parameters = (fields: object = {}) => JSON.stringify({ url, ...fields })

/** Runs one job, in a function with a timeout of one minute. */
const invoke = (event: unknown, remainingMillis = 60_000) => JobRunner.run(CheckWebpage, event, { remainingMillis })

const check = (userParameters: string) => drive(invoke(checkEvent({ userParameters })))

const bytes = (text: string) => new TextEncoder().encode(text)

describe("one attempt", () => {
  it.effect("of a page that AWS's sample accepts succeeds in the sample's words", () =>
    Effect.gen(function*() {
      const outcome = yield* check(url)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "Tests passed.",
        outputVariables: { statusCode: "200", url, attempts: "1", milliseconds: "0" }
      })
    }).pipe(Effect.provide(world())))

  it.effect("reports the duration of the attempt and the URL after redirects", () =>
    Effect.gen(function*() {
      const { respond } = yield* WebPageMemory
      yield* respond(url, { status: 302, headers: { location: "/home#top" }, delay: "1 second" })
      yield* respond(`${url}home`, { ...succeeds, delay: "1500 millis" })
      const outcome = yield* drive(invoke(checkEvent({ userParameters: url })), "100 millis")
      assert.deepNestedInclude(outcome, {
        "outputVariables.url": `${url}home`,
        "outputVariables.milliseconds": "2500"
      })
    }).pipe(Effect.provide(world())))

  it.effect.each<readonly [fields: object, response: PageResponse | Error, message: string]>([
    [{}, unavailable, `${url}: expected status 200, got 503`],
    [{ status: [200, "3xx"] }, { status: 404 }, `${url}: expected status 200 or 3xx, got 404`],
    [
      { contains: "Congratulations" },
      { body: "<h1>It works!</h1>" },
      `${url}: the body does not contain "Congratulations". It begins with: <h1>It works!</h1>`
    ],
    [
      { contains: "Congratulations" },
      { status: 204 },
      `${url}: expected status 200, got 204`
    ],
    [{ contains: "a", status: "2xx" }, { status: 204 }, `${url}: the body does not contain "a": it is empty`],
    [
      {},
      refused,
      `${url}: no response: connect ECONNREFUSED 192.0.2.1:80. No server listens there, or a firewall rejects the connection`
    ],
    [{}, new Error(""), `${url}: no response: no further details`],
    [
      { contains: "x" },
      { body: Stream.fail(new Error("read ECONNRESET")) },
      `${url}: the body could not be read to its end: read ECONNRESET`
    ],
    [{ timeoutSeconds: 2.5 }, { ...succeeds, delay: "1 hour" }, `${url}: no response within 2.5 seconds`],
    [
      { contains: "x" },
      { body: Stream.concat(Stream.make(bytes("Sorry")), Stream.never) },
      `${url}: the body was not complete within 10 seconds, after 5 characters`
    ],
    [
      { contains: "x" },
      { body: Stream.repeat(Stream.make(bytes("y")), Schedule.spaced("6 seconds")) },
      `${url}: the body was not complete within 10 seconds, after 2 characters`
    ],
    [
      { contains: "x" },
      { body: Stream.forever(Stream.make(new Uint8Array(1 << 20).fill(121))) },
      `${url}: the first 64 MiB of the body do not contain "x". It begins with: ${"y".repeat(200)}`
    ],
    [
      {},
      { status: 301, headers: { location: "ftp://example.com" } },
      `${url}: redirects to a URL of ftp:, which is not followed`
    ],
    [
      {},
      { status: 301, headers: { location: url } },
      `${url}: redirects too often: after 5 redirects (maxRedirects), the next one leads to ${url}`
    ]
  ])("of a page that is not as expected fails: %j, %j", ([fields, response, message]) =>
    Effect.gen(function*() {
      const outcome = yield* check(parameters(fields))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed", message })
    }).pipe(Effect.provide(world(response))))

  it.effect.each<readonly [fields: object, response: PageResponse]>([
    [{ status: "2xx" }, { status: 204 }],
    [{ status: [302] }, { status: 302, headers: { location: "/elsewhere" } }],
    [{ status: 503, contains: "yet" }, unavailable],
    [{ contains: false }, { body: Stream.never }],
    [{}, { body: Stream.never }],
    [{ contains: "Congratulations" }, {
      body: Stream.concat(Stream.make(bytes("Congrat"), bytes("ulations")), Stream.never)
    }],
    [{ contains: "\u{1f600}" }, {
      body: Stream.fromIterable([...bytes("\u{1f600}")].map((byte) => Uint8Array.of(byte)))
    }],
    [{ contains: "caf\u00e9" }, {
      headers: { "content-type": "text/html; charset=ISO-8859-1" },
      body: Stream.make(Uint8Array.of(99, 97, 102, 233))
    }],
    [{ timeoutSeconds: 600 }, { ...succeeds, delay: "50 seconds" }]
  ])("of a page that is as expected succeeds: %j, %j", ([fields, response]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* check(parameters(fields)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(response))))

  it.effect("ends before the function's time limit, and says so", () =>
    Effect.gen(function*() {
      const outcome = yield* drive(invoke(checkEvent({ userParameters: url }), 3_000), "10 millis")
      assert.deepInclude(outcome, {
        type: "JobFailed",
        message: `${url}: no response within 2.2 seconds. The Lambda function had no more time, although ` +
          "timeoutSeconds is 10: increase its timeout"
      })
    }).pipe(Effect.provide(world({ delay: "1 hour" }))))

  it.effect("does not start if UserParameters are invalid", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* check("www.example.com"), {
        type: "ConfigurationError",
        message: "The UserParameters field must contain a valid URL address to test, including http:// or https://"
      })
      assert.deepInclude(yield* drive(invoke(readEvent("user-parameters-absent"))), { type: "ConfigurationError" })
      assert.isEmpty((yield* WebPageMemory).requests)
    }).pipe(Effect.provide(world())))

  it.effect.each(["__proto__", "constructor"])("may be of the host %s", (host) =>
    Effect.gen(function*() {
      const { respond } = yield* WebPageMemory
      yield* respond(`http://${host}/`, { status: 302, headers: { location: "/a", "set-cookie": "a=1" } })
      yield* respond(`http://${host}/a`, succeeds)
      assert.deepInclude(yield* check(`http://${host}/`), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world())))

  it.effect("has the same result in a second delivery of the event", () =>
    Effect.gen(function*() {
      const event = checkEvent({ userParameters: url })
      assert.deepEqual(yield* drive(invoke(event)), yield* drive(invoke(event)))
    }).pipe(Effect.provide(world())))
})

describe("the request", () => {
  const secret = "hunter2"
  const withSecrets = JSON.stringify({
    url: `http://user:${secret}%20%C3%A9@www.example.com/?a=%20b#${secret}`,
    headers: { "X-Key": secret, Accept: "text/html" }
  })

  it.effect("has the headers of UserParameters, and the password of the URL as a header", () =>
    Effect.gen(function*() {
      const { requests, respond } = yield* WebPageMemory
      yield* respond(`${url}?a=%20b`, succeeds)
      yield* check(withSecrets)
      assert.deepNestedInclude(requests[0], {
        url: `${url}?a=%20b`,
        "headers.accept": "text/html",
        "headers.x-key": secret,
        "headers.authorization": `Basic ${Buffer.from(`user:${secret} \u00e9`).toString("base64")}`,
        "headers.connection": "close"
      })
    }).pipe(Effect.provide(world())))

  it.effect("sends headers and password to redirects of the same origin only", () =>
    Effect.gen(function*() {
      const { requests, respond } = yield* WebPageMemory
      yield* respond(`${url}?a=%20b`, { status: 307, headers: { location: "/same" } })
      yield* respond(`${url}same`, { status: 302, headers: { location: `http://x:y@other.example.com/` } })
      yield* respond("http://other.example.com/", { status: 302, headers: { location: `${url}back` } })
      yield* respond(`${url}back`, succeeds)
      assert.deepInclude(yield* check(withSecrets), { _tag: "Succeeded" })
      assert.deepStrictEqual(
        requests.map(({ headers, url }) => [url, headers["x-key"], headers["authorization"]?.slice(0, 6)]),
        [
          [`${url}?a=%20b`, secret, "Basic "],
          [`${url}same`, secret, "Basic "],
          ["http://other.example.com/", undefined, undefined],
          [`${url}back`, undefined, undefined]
        ]
      )
    }).pipe(Effect.provide(world())))

  it.effect("has secrets that no message contains", () =>
    Effect.gen(function*() {
      const { respond } = yield* WebPageMemory
      const responses = [
        succeeds,
        unavailable,
        refused,
        { delay: "1 hour" },
        { status: 302, headers: { location: `http://user:${secret}@www.example.com/?a=%20b` } }
      ] as const
      for (const response of responses) {
        yield* respond(`${url}?a=%20b`, response)
        assert.notInclude(JSON.stringify(yield* check(withSecrets)), secret)
      }
    }).pipe(Effect.provide(world())))

  it.effect("has secrets that no message contains if the page echoes them", () =>
    Effect.gen(function*() {
      const { respond } = yield* WebPageMemory
      const echo = `Your headers: x-key: ${secret}, authorization: Basic ${btoa(`user:${secret}`)}`
      const located = { status: 302, headers: { location: `/${secret}` } }
      const responses: ReadonlyArray<PageResponse | Error> = [
        { body: echo },
        { body: `${"x".repeat(195)}${secret}` },
        { body: `${secret.repeat(20)}${"x".repeat(2_000)}` },
        new Error(`no route for ${secret}`),
        { body: Stream.fail(new Error(`broken by ${secret}`)) },
        located
      ]
      for (const response of responses) {
        yield* respond(url, response)
        const failure = yield* check(
          JSON.stringify({
            url: `http://user:${secret}@www.example.com/`,
            contains: "\u00fc",
            headers: { "X-Key": secret }
          })
        )
        assert.strictEqual(failure._tag, "Failed")
        assert.notMatch(JSON.stringify(failure), /hunter|aHVudGVy/)
      }
      yield* respond(url, located)
      yield* respond(`${url}${secret}`, succeeds)
      const headers = { "X-Key": secret }
      const found = yield* check(parameters({ headers }))
      assert.deepNestedInclude(found, { "outputVariables.url": `${url}<redacted>` })
      yield* respond(`${url}${secret}`, unavailable)
      const continued = yield* check(parameters({ headers, within: "1 hour", every: "1 hour" }))
      assert.strictEqual(continued._tag, "Continued")
      assert.notInclude(JSON.stringify(continued), secret)
    }).pipe(Effect.provide(world())))

  it.effect("has the Authorization of UserParameters if the URL has a password too", () =>
    Effect.gen(function*() {
      const { requests } = yield* WebPageMemory
      yield* check(JSON.stringify({ url: "http://user:word@www.example.com/", headers: { Authorization: "Bearer x" } }))
      assert.strictEqual(requests[0]?.headers["authorization"], "Bearer x")
    }).pipe(Effect.provide(world())))

  it.effect("has a password with an invalid percent-encoding as it is", () =>
    Effect.gen(function*() {
      const { requests } = yield* WebPageMemory
      yield* check("http://%zz:@www.example.com/")
      assert.strictEqual(requests[0]?.headers["authorization"], `Basic ${btoa("%zz:")}`)
    }).pipe(Effect.provide(world())))
})

describe("redirects", () => {
  const hops = 7
  const through = Effect.gen(function*() {
    const { respond } = yield* WebPageMemory
    for (let hop = 0; hop < hops; hop++) {
      const from = hop === 0 ? url : `${url}${hop}`
      yield* respond(from, { status: 302, headers: { location: `/${hop + 1}` } })
    }
    yield* respond(`${url}${hops}`, succeeds)
  })

  it.effect.each<readonly [maxRedirects: number, outcome: object]>([
    [20, { _tag: "Succeeded" }],
    [7, { _tag: "Succeeded" }],
    [6, { message: `${url}6: redirects too often: after 6 redirects (maxRedirects), the next one leads to ${url}7` }],
    [0, { message: `${url}: redirects to ${url}1, which is not followed because maxRedirects is 0` }]
  ])("are followed up to maxRedirects: %d", ([maxRedirects, outcome]) =>
    Effect.gen(function*() {
      yield* through
      assert.deepInclude(yield* check(parameters({ maxRedirects })), outcome)
    }).pipe(Effect.provide(world())))
})

describe("retries of a page", () => {
  const retrying = parameters({ contains: "Congratulations", within: "2 minutes" })

  it.effect("take place in this job and in later ones, each of which reports the progress", () =>
    Effect.gen(function*() {
      const { respond } = yield* WebPageMemory
      yield* respond(url, refused, unavailable, { body: "Sorry" }, succeeds)
      const first = yield* drive(invoke(checkEvent({ id: "1", userParameters: retrying })))
      assert.deepInclude(first, {
        _tag: "Continued",
        message: `Waiting for the page: 2 attempts in 15s. Last attempt: ${url}: expected status 200, got 503`,
        percentComplete: 12
      })
      yield* TestClock.adjust("30 seconds")
      const event = checkEvent({ id: "2", userParameters: retrying, continuationToken: tokenOf(first) })
      const last = yield* drive(invoke(event))
      assert.deepInclude(last, { _tag: "Succeeded", message: "Tests passed. 4 attempts in 1m" })
      assert.deepNestedInclude(last, { "outputVariables.attempts": "4", "outputVariables.milliseconds": "0" })
    }).pipe(Effect.provide(world())))

  it.effect("end after the time with the reason of the last failure", () =>
    Effect.gen(function*() {
      const outcome = yield* drive(LocalPipeline.run({ event: checkEvent({ userParameters: retrying }), invoke }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "JobFailed",
        message:
          `The page is not as expected after 7 attempts in 2m 15s. Last attempt: ${url}: expected status 200, got 503`
      })
      assert.lengthOf((yield* WebPageMemory).requests, 7)
    }).pipe(Effect.provide(world(unavailable))))

  it.effect("succeed in the last attempt", () =>
    Effect.gen(function*() {
      const { respond } = yield* WebPageMemory
      const pipeline = LocalPipeline.run({ event: checkEvent({ userParameters: retrying }), invoke })
      const fiber = yield* Effect.forkChild(drive(pipeline))
      while ((yield* WebPageMemory).requests.length < 6) yield* Effect.yieldNow
      yield* respond(url, succeeds)
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "Succeeded", message: "Tests passed. 7 attempts in 2m 15s" })
    }).pipe(Effect.provide(world(unavailable))))

  it.effect("at a long interval do not keep the function waiting", () =>
    Effect.gen(function*() {
      const userParameters = parameters({ within: "1 hour", every: "5 minutes" })
      const before = yield* Clock.currentTimeMillis
      const first = yield* invoke(checkEvent({ id: "1", userParameters }))
      assert.strictEqual(yield* Clock.currentTimeMillis, before)
      yield* TestClock.adjust("30 seconds")
      const event = checkEvent({ id: "2", userParameters, continuationToken: tokenOf(first) })
      const second = yield* invoke(event)
      assert.deepInclude(second, {
        _tag: "Continued",
        message: `Waiting for the page: 1 attempt in 30s. Last attempt: ${url}: expected status 200, got 503`
      })
      assert.lengthOf((yield* WebPageMemory).requests, 1)
    }).pipe(Effect.provide(world(unavailable))))

  it.effect("start again if the continuation token is of another function", () =>
    Effect.gen(function*() {
      const event = checkEvent({ userParameters: retrying, continuationToken: "{\"previous_job_id\":\"1\"}" })
      assert.deepInclude(yield* drive(invoke(event)), { _tag: "Succeeded", message: "Tests passed." })
    }).pipe(Effect.provide(world())))

  it.effect("take place once in each job of a function that has too little time", () =>
    Effect.gen(function*() {
      const event = checkEvent({ userParameters: parameters({ within: "1 minute" }) })
      const outcome = yield* drive(LocalPipeline.run({ event, invoke: (event) => invoke(event, 3_000) }), "100 millis")
      assert.match(outcome.message, /^The page is not as expected after 3 attempts in .*no response within 2.2 seconds/)
    }).pipe(Effect.provide(world({ delay: "1 hour" }))))
})

const hasOneResult = (userParameters: string) =>
  Effect.gen(function*() {
    const outcome = yield* check(userParameters)
    assert.notInclude(outcome.message, "unexpectedly")
    assert.lengthOf([...(yield* CodePipelineMemory).outcomes], 1)
  }).pipe(Effect.provide(world(), { local: true }))

describe("for any UserParameters", () => {
  it.effect.prop(
    "a job with any text has one result, and no defect",
    [Schema.String, Schema.Boolean],
    ([text, isUrl]) => hasOneResult(isUrl ? `http://${text}` : text)
  )

  it.effect.prop(
    "a job with any JSON in place of any parameter has one result, and no defect",
    [
      Schema.Literals([
        "url",
        "status",
        "contains",
        "headers",
        "timeoutSeconds",
        "maxRedirects",
        "within",
        "every",
        "other"
      ]),
      Schema.Json
    ],
    ([name, json]) => hasOneResult(parameters({ within: "1 minute", [name]: json }))
  )
})
