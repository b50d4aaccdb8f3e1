import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schedule, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CheckWebpage } from "../../../src/actions/checkWebpage/CheckWebpage.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { type PageAnswer, WebPageMemory } from "../../../src/testing/WebPageMemory.ts"
import { drive } from "../../drive.ts"
import { checkEvent, readEvent } from "../../fixtures.ts"

const url = "http://www.example.com/"
const works: PageAnswer = { body: "<h1>Congratulations</h1>" }
const away: PageAnswer = { status: 503, body: "not yet" }
const refused = Object.assign(new Error("connect ECONNREFUSED 192.0.2.1:80"), { code: "ECONNREFUSED" })

const world = (answer: PageAnswer | Error = works) =>
  Layer.merge(WebPageMemory.layer({ [url]: answer }), CodePipelineMemory.layer)

const parameters = (fields: object = {}) => JSON.stringify({ url, ...fields })

/** Of a function with a time-out of a minute. */
const invoke = (event: unknown, remainingMillis = 60_000) => JobRunner.run(CheckWebpage, event, { remainingMillis })

const check = (userParameters: string) => drive(invoke(checkEvent({ userParameters })))

const tokenOf = (outcome: JobOutcome) =>
  outcome._tag === "Continued" ? outcome.continuationToken : assert.fail(`${outcome._tag}: ${outcome.message}`)

const bytes = (text: string) => new TextEncoder().encode(text)

describe("one attempt", () => {
  it.effect("succeeds on a page that AWS's sample likes, in the sample's words", () =>
    Effect.gen(function*() {
      const outcome = yield* check(url)
      assert.deepInclude(outcome, {
        _tag: "Succeeded",
        message: "Tests passed.",
        outputVariables: { statusCode: "200", url, attempts: "1", milliseconds: "0" }
      })
    }).pipe(Effect.provide(world())))

  it.effect("tells how long the page took, and where it is", () =>
    Effect.gen(function*() {
      const { answer } = yield* WebPageMemory
      yield* answer(url, { status: 302, headers: { location: "/home#top" }, delay: "1 second" })
      yield* answer(`${url}home`, { ...works, delay: "1500 millis" })
      const outcome = yield* drive(invoke(checkEvent({ userParameters: url })), "100 millis")
      assert.deepNestedInclude(outcome, {
        "outputVariables.url": `${url}home`,
        "outputVariables.milliseconds": "2500"
      })
    }).pipe(Effect.provide(world())))

  it.effect.each<readonly [fields: object, answer: PageAnswer | Error, message: string]>([
    [{}, away, `${url}: expected status 200, got 503`],
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
      `${url}: no answer: connect ECONNREFUSED 192.0.2.1:80. Nothing listens there, or a firewall refuses the connection`
    ],
    [{}, new Error(""), `${url}: no answer: no further words`],
    [
      { contains: "x" },
      { body: Stream.fail(new Error("read ECONNRESET")) },
      `${url}: the body could not be read to its end: read ECONNRESET`
    ],
    [{ timeoutSeconds: 2.5 }, { ...works, delay: "1 hour" }, `${url}: no answer within 2.5 seconds`],
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
    [{}, { status: 301, headers: { location: url } }, `${url}: redirects to ${url}, after 5 redirects already`]
  ])("fails on a page that is not as expected: %j, %j", ([fields, answer, message]) =>
    Effect.gen(function*() {
      const outcome = yield* check(parameters(fields))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed", message })
    }).pipe(Effect.provide(world(answer))))

  it.effect.each<readonly [fields: object, answer: PageAnswer]>([
    [{ status: "2xx" }, { status: 204 }],
    [{ status: [302] }, { status: 302, headers: { location: "/elsewhere" } }],
    [{ status: 503, contains: "yet" }, away],
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
    [{ timeoutSeconds: 600 }, { ...works, delay: "50 seconds" }]
  ])("succeeds on a page that is as expected: %j, %j", ([fields, answer]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* check(parameters(fields)), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(answer))))

  it.effect("is cut short before the function's time is over, and says so", () =>
    Effect.gen(function*() {
      const outcome = yield* drive(invoke(checkEvent({ userParameters: url }), 3_000), "10 millis")
      assert.deepInclude(outcome, {
        type: "JobFailed",
        message: `${url}: no answer within 2.2 seconds. The Lambda function has no more time than that, although ` +
          "timeoutSeconds is 10: give it more"
      })
    }).pipe(Effect.provide(world({ delay: "1 hour" }))))

  it.effect("is not made with UserParameters that are wrong", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* check("www.example.com"), {
        type: "ConfigurationError",
        message: "The UserParameters field must contain a valid URL address to test, including http:// or https://"
      })
      assert.deepInclude(yield* drive(invoke(readEvent("user-parameters-absent"))), { type: "ConfigurationError" })
      assert.isEmpty((yield* WebPageMemory).requests)
    }).pipe(Effect.provide(world())))

  it.effect("may be made twice, as any GET", () =>
    Effect.gen(function*() {
      const event = checkEvent({ userParameters: url })
      assert.deepEqual(yield* drive(invoke(event)), yield* drive(invoke(event)))
    }).pipe(Effect.provide(world())))
})

describe("what is sent", () => {
  const secret = "hunter2"
  const withSecrets = JSON.stringify({
    url: `http://user:${secret}%20%C3%A9@www.example.com/?a=%20b#${secret}`,
    headers: { "X-Key": secret, Accept: "text/html" }
  })

  it.effect("is what the user says, and the password of the URL as a header", () =>
    Effect.gen(function*() {
      const { answer, requests } = yield* WebPageMemory
      yield* answer(`${url}?a=%20b`, works)
      yield* check(withSecrets)
      assert.deepNestedInclude(requests[0], {
        url: `${url}?a=%20b`,
        "headers.accept": "text/html",
        "headers.x-key": secret,
        "headers.authorization": `Basic ${Buffer.from(`user:${secret} \u00e9`).toString("base64")}`,
        "headers.connection": "close"
      })
    }).pipe(Effect.provide(world())))

  it.effect("goes along with redirects of the same origin, and not beyond", () =>
    Effect.gen(function*() {
      const { answer, requests } = yield* WebPageMemory
      yield* answer(`${url}?a=%20b`, { status: 307, headers: { location: "/same" } })
      yield* answer(`${url}same`, { status: 302, headers: { location: `http://x:y@other.example.com/` } })
      yield* answer("http://other.example.com/", { status: 302, headers: { location: `${url}back` } })
      yield* answer(`${url}back`, works)
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

  it.effect("is in no message", () =>
    Effect.gen(function*() {
      const { answer } = yield* WebPageMemory
      const answers = [
        works,
        away,
        refused,
        { delay: "1 hour" },
        { status: 302, headers: { location: `http://user:${secret}@www.example.com/?a=%20b` } }
      ] as const
      for (const one of answers) {
        yield* answer(`${url}?a=%20b`, one)
        assert.notInclude(JSON.stringify(yield* check(withSecrets)), secret)
      }
    }).pipe(Effect.provide(world())))

  it.effect("is the user's own header where the URL has a password too", () =>
    Effect.gen(function*() {
      const { requests } = yield* WebPageMemory
      yield* check(JSON.stringify({ url: "http://user:word@www.example.com/", headers: { Authorization: "Bearer x" } }))
      assert.strictEqual(requests[0]?.headers["authorization"], "Bearer x")
    }).pipe(Effect.provide(world())))

  it.effect("a password that is no percent-encoding is taken as it is", () =>
    Effect.gen(function*() {
      const { requests } = yield* WebPageMemory
      yield* check("http://%zz:@www.example.com/")
      assert.strictEqual(requests[0]?.headers["authorization"], `Basic ${btoa("%zz:")}`)
    }).pipe(Effect.provide(world())))
})

describe("a page that has time to become right", () => {
  const patient = parameters({ contains: "Congratulations", within: "2 minutes" })

  it.effect("is tried again in this job and in later ones, and told of in each", () =>
    Effect.gen(function*() {
      const { answer } = yield* WebPageMemory
      yield* answer(url, refused, away, { body: "Sorry" }, works)
      const first = yield* drive(invoke(checkEvent({ id: "1", userParameters: patient })))
      assert.deepInclude(first, {
        _tag: "Continued",
        message: `Waiting for the page: 2 attempts in 15s. Last seen: ${url}: expected status 200, got 503`,
        percentComplete: 12
      })
      yield* TestClock.adjust("30 seconds")
      const event = checkEvent({ id: "2", userParameters: patient, continuationToken: tokenOf(first) })
      const last = yield* drive(invoke(event))
      assert.deepInclude(last, { _tag: "Succeeded", message: "Tests passed. 4 attempts in 1m" })
      assert.deepNestedInclude(last, { "outputVariables.attempts": "4", "outputVariables.milliseconds": "0" })
    }).pipe(Effect.provide(world())))

  it.effect("fails when the time is over, with what was seen last", () =>
    Effect.gen(function*() {
      const outcome = yield* drive(LocalPipeline.run({ event: checkEvent({ userParameters: patient }), invoke }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "JobFailed",
        message: `The page did not become right: 7 attempts in 2m 15s. Last seen: ${url}: expected status 200, got 503`
      })
      assert.lengthOf((yield* WebPageMemory).requests, 7)
    }).pipe(Effect.provide(world(away))))

  it.effect("is found right at the very end", () =>
    Effect.gen(function*() {
      const { answer } = yield* WebPageMemory
      const pipeline = LocalPipeline.run({ event: checkEvent({ userParameters: patient }), invoke })
      const fiber = yield* Effect.forkChild(drive(pipeline))
      while ((yield* WebPageMemory).requests.length < 6) yield* Effect.yieldNow
      yield* answer(url, works)
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "Succeeded", message: "Tests passed. 7 attempts in 2m 15s" })
    }).pipe(Effect.provide(world(away))))

  it.effect("is not waited for in the function when it is asked for rarely", () =>
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
        message: `Waiting for the page: 1 attempt in 30s. Last seen: ${url}: expected status 200, got 503`
      })
      assert.lengthOf((yield* WebPageMemory).requests, 1)
    }).pipe(Effect.provide(world(away))))

  it.effect("is tried from the start where the token is not this action's", () =>
    Effect.gen(function*() {
      const event = checkEvent({ userParameters: patient, continuationToken: "{\"previous_job_id\":\"1\"}" })
      assert.deepInclude(yield* drive(invoke(event)), { _tag: "Succeeded", message: "Tests passed." })
    }).pipe(Effect.provide(world())))

  it.effect("is tried once in each job of a function that has too little time", () =>
    Effect.gen(function*() {
      const event = checkEvent({ userParameters: parameters({ within: "1 minute" }) })
      const outcome = yield* drive(LocalPipeline.run({ event, invoke: (event) => invoke(event, 3_000) }), "100 millis")
      assert.match(outcome.message, /^The page did not become right: 3 attempts in .*no answer within 2.2 seconds/)
    }).pipe(Effect.provide(world({ delay: "1 hour" }))))
})

const ends = (userParameters: string) =>
  Effect.gen(function*() {
    const outcome = yield* check(userParameters)
    assert.notInclude(outcome.message, "unexpectedly")
    assert.lengthOf([...(yield* CodePipelineMemory).outcomes], 1)
  }).pipe(Effect.provide(world(), { local: true }))

describe("for any UserParameters", () => {
  it.effect.prop(
    "any text: one result, and no defect",
    [Schema.String, Schema.Boolean],
    ([text, isUrl]) => ends(isUrl ? `http://${text}` : text)
  )

  it.effect.prop(
    "any JSON in place of any parameter: one result, and no defect",
    [
      Schema.Literals(["url", "status", "contains", "headers", "timeoutSeconds", "within", "every", "other"]),
      Schema.Json
    ],
    ([name, json]) => ends(parameters({ within: "1 minute", [name]: json }))
  )
})
