import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted, Schema } from "effect"
import { decode } from "../../../src/domain/job/UserParameters.ts"
import { accepts, PageParameters, statusInWords, StatusPattern } from "../../../src/domain/page/PageExpectation.ts"

const problemsOf = (text: string) =>
  Effect.flip(decode(PageParameters, text)).pipe(Effect.map(({ problems }) => problems))

const url = "http://www.example.com/"
const json = (fields: object) => JSON.stringify({ url, ...fields })

const notAUrl = "The UserParameters field must contain a valid URL address to test, including http:// or https://"

describe("a plain URL", () => {
  it.effect.each([url, ` ${url}\n`, "HTTP://WWW.EXAMPLE.COM"])(
    "means what it means to AWS's sample: %j",
    (text) =>
      Effect.gen(function*() {
        const parameters = yield* decode(PageParameters, text)
        assert.deepInclude(parameters, { status: 200, contains: "Congratulations", headers: {}, timeoutSeconds: 10 })
        assert.strictEqual(parameters.url.href, url)
        assert.doesNotHaveAnyKeys(parameters, ["within", "every"])
      })
  )

  it.effect("may use https", () =>
    Effect.gen(function*() {
      const parameters = yield* decode(PageParameters, "https://www.example.com:8443/a?b=c")
      assert.strictEqual(parameters.url.href, "https://www.example.com:8443/a?b=c")
    }))

  it.effect.each([
    "",
    "www.example.com",
    "see http://www.example.com/",
    "http://www.example.com/ and more",
    "http://www.example.com/\nhttp://other.example.com/",
    "ftp://www.example.com/?http://",
    "http:www.example.com",
    "http://",
    "http:///www.example.com",
    "http://www.example.com:port/",
    "\"http://www.example.com/\"",
    "[\"http://www.example.com/\"]"
  ])("is rejected in the sample's words if it is invalid: %j", (text) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problemsOf(text), [notAUrl])
    }))
})

describe("UserParameters in JSON", () => {
  it.effect("may have every option", () =>
    Effect.gen(function*() {
      const { every, headers, within, ...others } = yield* decode(
        PageParameters,
        JSON.stringify({
          url: "https://user:word@www.example.com/a#b",
          status: [200, "3xx"],
          contains: "It works",
          headers: { Accept: "text/html", "X-Empty": "" },
          timeoutSeconds: 2.5,
          maxRedirects: 20,
          within: "10 minutes",
          every: "1 second"
        })
      )
      assert.deepStrictEqual(others, {
        url: new URL("https://user:word@www.example.com/a#b"),
        status: [200, "3xx"],
        contains: "It works",
        timeoutSeconds: 2.5,
        maxRedirects: 20
      })
      assert.deepStrictEqual(Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)]), [
        ["Accept", "text/html"],
        ["X-Empty", ""]
      ])
      assert.notInclude(JSON.stringify(headers), "text/html")
      assert.deepStrictEqual([within, every], [Duration.minutes(10), Duration.seconds(1)])
    }))

  it.effect("have a default for everything but the URL and the text", () =>
    Effect.gen(function*() {
      const parameters = yield* decode(PageParameters, json({}))
      assert.deepStrictEqual(parameters, {
        url: new URL(url),
        status: 200,
        headers: {},
        timeoutSeconds: 10,
        maxRedirects: 5
      })
      assert.strictEqual((yield* decode(PageParameters, json({ contains: false }))).contains, false)
    }))

  it.effect.each<readonly [fields: object, problem: string]>([
    [{ url: undefined }, notAUrl],
    [{ url: "example.com" }, notAUrl],
    [{ url: 7 }, "\"url\": expected string, got 7"],
    [
      { status: 100 },
      "\"status\": expected a status such as 200 or \"2xx\", from 200 to 599, or a list of them, got 100"
    ],
    [
      { status: "200" },
      "\"status\": expected a status such as 200 or \"2xx\", from 200 to 599, or a list of them, got \"200\""
    ],
    [
      { status: [200, "1xx"] },
      "\"status[1]\": expected a status such as 200 or \"2xx\", from 200 to 599, or a list of them, got \"1xx\""
    ],
    [{ status: [] }, "\"status[0]\" is missing"],
    [{ contains: "" }, "\"contains\": expected a text, or false, got an empty string"],
    [{ contains: true }, "\"contains\": expected a text, or false, got true"],
    [{ contain: "x" }, "\"contain\" is not known (did you mean \"contains\"?)"],
    [{ timeoutSeconds: 0 }, "\"timeoutSeconds\": expected a value between 0.1 and 600, got 0"],
    [
      { within: "10m" },
      "\"within\": expected a time from \"1 second\" to \"23 hours\", such as \"10 minutes\", got \"10m\""
    ],
    [
      { within: "24 hours" },
      "\"within\": expected a time from \"1 second\" to \"23 hours\", such as \"10 minutes\", got \"24 hours\""
    ],
    [
      { within: "Infinity" },
      "\"within\": expected a time from \"1 second\" to \"23 hours\", such as \"10 minutes\", got \"Infinity\""
    ],
    [
      { within: "1 hour", every: "1 milli" },
      "\"every\": expected a time from \"1 second\" to \"23 hours\", such as \"10 minutes\", got \"1 milli\""
    ],
    [{ every: "15 seconds" }, "\"every\" needs \"within\""],
    [{ headers: { Accept: 1 } }, "\"headers.Accept\": expected string, got a number"],
    [
      { headers: { Cookie: "a\nb" } },
      "\"headers.Cookie\": expected characters of ISO 8859-1, without line breaks, got a string"
    ],
    [
      { headers: { Cookie: "\u{1f36a}" } },
      "\"headers.Cookie\": expected characters of ISO 8859-1, without line breaks, got a string"
    ],
    [{ maxRedirects: -1 }, "\"maxRedirects\": expected a value between 0 and 20, got -1"],
    [{ maxRedirects: 21 }, "\"maxRedirects\": expected a value between 0 and 20, got 21"],
    [{ headers: { Host: "" } }, "\"headers.Host\": expected a host name, with a port if needed"],
    [{ headers: { host: "http://x/" } }, "\"headers.host\": expected a host name, with a port if needed"],
    [{ headers: { host: "a b" } }, "\"headers.host\": expected a host name, with a port if needed"],
    [
      { headers: { "X-Key": "a", "x-key": "b" } },
      "\"headers.x-key\" is given twice: names of headers are not case-sensitive"
    ],
    [{ headers: { "Authorization: hunter2": "" } }, "\"headers\" has a name that is not valid in HTTP"]
  ])("with an invalid value are rejected: %j", ([fields, problem]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problemsOf(json(fields)), [problem])
    }))

  it.effect.each(["www.example.com", "www.example.com:8080", "192.0.2.1", "[2001:db8::1]:80", "b\u00fccher.example"])(
    "may have the Host header %s",
    (host) =>
      Effect.gen(function*() {
        const { headers } = yield* decode(PageParameters, json({ headers: { Host: host } }))
        assert.deepStrictEqual(Object.values(headers).map(Redacted.value), [host])
      })
  )

  it.effect.each([
    "Connection",
    "Content-Length",
    "Expect",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade"
  ])("with a header that the HTTP client sets are rejected: %s", (name) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problemsOf(json({ headers: { [name]: "" } })), [
        `"headers.${name}" cannot be sent: the HTTP client sets this header`
      ])
    }))

  it.effect("that are not valid JSON are rejected with the usual cause", () =>
    Effect.gen(function*() {
      const [problem] = yield* problemsOf(`{"url": "${url}`)
      assert.include(problem, "UserParameters could not be decoded as JSON: error in line 1, column")
    }))
})

it.effect.prop(
  "parameters decode to the same value after encoding",
  [
    Schema.toEncoded(StatusPattern),
    Schema.NonEmptyString,
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
  ],
  ([status, contains, seconds]) =>
    Effect.gen(function*() {
      const fields = { status: [status], contains, within: `${seconds} seconds`, headers: { a: "b" } }
      const parameters = yield* decode(PageParameters, json(fields))
      const again = yield* decode(PageParameters, yield* Schema.encodeEffect(PageParameters)(parameters))
      assert.deepStrictEqual(again, parameters)
      assert.deepInclude(again, { status: [status], contains, within: Duration.seconds(seconds) })
    })
)

/** Every status. */
const statuses = Array.from({ length: 400 }, (_, index) => 200 + index)

describe("the expected status", () => {
  it("may be a number, a class, or a list", () => {
    assert.deepStrictEqual(statuses.filter((status) => accepts({ status: 204 }, status)), [204])
    for (const digit of [2, 3, 4, 5] as const) {
      assert.deepStrictEqual(
        statuses.filter((status) => accepts({ status: `${digit}xx` }, status)),
        statuses.filter((status) => String(status)[0] === String(digit))
      )
    }
    assert.deepStrictEqual(statuses.filter((status) => accepts({ status: [503, 200] }, status)), [200, 503])
    assert.isFalse(accepts({ status: "2xx" }, 999))
  })

  it("is described in messages", () => {
    assert.strictEqual(statusInWords({ status: 200 }), "200")
    assert.strictEqual(statusInWords({ status: [204] }), "204")
    assert.strictEqual(statusInWords({ status: [200, "3xx"] }), "200 or 3xx")
    assert.strictEqual(statusInWords({ status: [200, 204, "3xx"] }), "200, 204 or 3xx")
  })
})
