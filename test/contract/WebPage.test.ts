// The same pages over real sockets and in memory, and what only sockets can do.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Redacted, type Scope, Stream, Tracer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError } from "effect/http"
import type { RequestListener, ServerResponse } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import * as tls from "node:tls"
import { type PageRequest, WebPage } from "../../src/services/WebPage.ts"
import { WebPageMemory } from "../../src/testing/WebPageMemory.ts"
import { certificate } from "../certificates.ts"
import { listen, nobody } from "./server.ts"

/** Trusted besides what Node trusts, in this file alone. */
const trusted = ["localhost", "expired", "elsewhere"] as const

let trustedBefore: ReadonlyArray<string> = []
beforeAll(() => {
  trustedBefore = tls.getCACertificates("default")
  tls.setDefaultCACertificates([...trustedBefore, ...trusted.map((name) => certificate(name).cert)])
})
afterAll(() => tls.setDefaultCACertificates([...trustedBefore]))

const open = (url: string, options: Partial<PageRequest> = {}) =>
  WebPage.use((pages) => pages.open({ url: new URL(url), headers: {}, isPage: () => false, ...options }))

const read = (url: string, options?: Partial<PageRequest>) =>
  Effect.gen(function*() {
    const page = yield* open(url, options)
    return { url: page.url, status: page.status, text: yield* Stream.mkString(page.text) }
  }).pipe(Effect.scoped)

const failureOf = (url: string, options?: Partial<PageRequest>) =>
  Effect.map(Effect.flip(read(url, options)), ({ _tag, message }) => ({ _tag, message }))

interface Given {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: ReadonlyArray<Uint8Array>
}

interface Seen {
  readonly path: string
  readonly header: (name: string) => string | undefined
}

/** A site of pages by their path: its URL, and what was asked for there. */
type Site = (pages: Readonly<Record<string, Given>>) => Effect.Effect<
  { readonly origin: string; readonly seen: Effect.Effect<ReadonlyArray<Seen>> },
  never,
  Scope.Scope | WebPageMemory
>

/** Each piece goes out by itself. */
const send = async (response: ServerResponse, pieces: ReadonlyArray<Uint8Array>) => {
  for (const piece of pieces) {
    await new Promise((resolve) => response.write(piece, resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }
  response.end()
}

const overSockets: Site = Effect.fnUntraced(function*(pages) {
  const seen: Array<Seen> = []
  const origin = yield* listen((request, response) => {
    const { headers = {}, body = [], status = 200 } = pages[request.url ?? ""] ?? { status: 404 }
    seen.push({ path: request.url ?? "", header: (name) => request.headers[name]?.toString() })
    response.writeHead(status, headers)
    void send(response, body)
  })
  return { origin, seen: Effect.succeed(seen) }
})

const inMemory: Site = Effect.fnUntraced(function*(pages) {
  const origin = "http://www.example.com"
  const { answer, requests } = yield* WebPageMemory
  for (const [path, { body = [], ...given }] of Object.entries(pages)) {
    yield* answer(origin + path, body.length === 0 ? given : { ...given, body: Stream.fromIterable(body) })
  }
  const seen = Effect.sync(() =>
    requests.map(({ headers, url }) => ({ path: url.slice(origin.length), header: (name: string) => headers[name] }))
  )
  return { origin, seen }
})

const bytes = (text: string) => new TextEncoder().encode(text)
const byteByByte = (text: Uint8Array) => Array.from(text, (byte) => Uint8Array.of(byte))
const to = (location: string, status: number) => ({ status, headers: { location } })
const html = { "content-type": "text/html" }

describe.each([
  { name: "over sockets", site: overSockets, layer: Layer.merge(WebPageMemory.layer(), WebPage.layer) },
  { name: "in memory", site: inMemory, layer: WebPageMemory.layer() }
])("a page $name", ({ layer, site }) => {
  it.live("has a status and a text, and is asked for with the headers that are given", () =>
    Effect.gen(function*() {
      const { origin, seen } = yield* site({ "/a?b=%20c": { status: 201, headers: html, body: [bytes("It works")] } })
      const headers = { "X-Key": Redacted.make("hunter2") }
      const page = yield* read(`${origin.replace("//", "//user:word@")}/a?b=%20c#d`, { headers })
      assert.deepStrictEqual(page, { url: `${origin}/a?b=%20c`, status: 201, text: "It works" })
      const [{ header, path } = assert.fail("nothing was asked for")] = yield* seen
      assert.strictEqual(path, "/a?b=%20c")
      assert.deepStrictEqual(["x-key", "authorization", "connection"].map(header), [
        "hunter2",
        `Basic ${btoa("user:word")}`,
        "close"
      ])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live.each<readonly [contentType: string, body: Uint8Array, text: string]>([
    ["text/html", bytes("caf\u00e9 \u{1f600}"), "caf\u00e9 \u{1f600}"],
    ["text/html; charset=utf-8", bytes("\uFEFFcaf\u00e9"), "caf\u00e9"],
    ["text/html;charset=\"ISO-8859-1\"", Uint8Array.of(99, 97, 102, 0xe9), "caf\u00e9"],
    ["text/html; charset=Shift_JIS", Uint8Array.of(0x82, 0xa0, 0x82, 0xa2), "\u3042\u3044"],
    [
      "text/html; charset=utf-16le",
      new Uint8Array(Buffer.from("caf\u00e9 \u{1f600}", "utf16le")),
      "caf\u00e9 \u{1f600}"
    ],
    ["text/html; charset=klingon", bytes("caf\u00e9"), "caf\u00e9"],
    ["text/html; charset=utf-8", Uint8Array.of(99, 0xc3), "c\uFFFD"]
  ])("is read by its charset, wherever its pieces end: %s", ([contentType, body, text]) =>
    Effect.gen(function*() {
      const { origin } = yield* site({ "/": { headers: { "content-type": contentType }, body: byteByByte(body) } })
      assert.strictEqual((yield* read(origin)).text, text)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("may have no body", () =>
    Effect.gen(function*() {
      const { origin } = yield* site({ "/": { status: 204 } })
      assert.deepStrictEqual(yield* read(origin), { url: `${origin}/`, status: 204, text: "" })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("may be behind five redirects, which get what is sent too", () =>
    Effect.gen(function*() {
      const { origin, seen } = yield* site({
        "/": to("/1", 301),
        "/1": to("2", 302),
        "/2": to("?3", 303),
        "/2?3": to("/4", 307),
        "/4": to("/5", 308),
        "/5": { body: [bytes("here")] }
      })
      const headers = { "X-Key": Redacted.make("hunter2") }
      const page = yield* read(origin.replace("//", "//user:word@"), { headers })
      assert.deepStrictEqual(page, { url: `${origin}/5`, status: 200, text: "here" })
      const all = yield* seen
      assert.deepStrictEqual(all.map(({ path }) => path), ["/", "/1", "/2", "/2?3", "/4", "/5"])
      for (const { header } of all) {
        assert.deepStrictEqual([header("x-key"), header("authorization")], ["hunter2", `Basic ${btoa("user:word")}`])
      }
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("is not found at the end of a loop", () =>
    Effect.gen(function*() {
      const { origin, seen } = yield* site({ "/": { status: 302, headers: { location: "/" } } })
      assert.deepStrictEqual(yield* failureOf(origin), {
        _tag: "RedirectRefused",
        message: `${origin}/: redirects to ${origin}/, after 5 redirects already`
      })
      assert.lengthOf(yield* seen, 6)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("is what redirects, where that is what is wanted, or leads nowhere", () =>
    Effect.gen(function*() {
      const { origin } = yield* site({
        "/": { status: 302, headers: { location: "/b" } },
        "/nowhere": { status: 301, body: [bytes("?")] }
      })
      assert.deepInclude(yield* read(origin, { isPage: (status) => status === 302 }), { status: 302 })
      assert.deepInclude(yield* read(`${origin}/nowhere`), { status: 301, text: "?" })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("has a host that has an address", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* failureOf(`http://${nobody}/`), {
        _tag: "PageUnreachable",
        message: `http://${nobody}/: no answer: getaddrinfo ENOTFOUND ${nobody}. Check the name; a Lambda function ` +
          "in a VPC needs a DNS server there that knows it"
      })
    }).pipe(Effect.provide(layer)))
})

/** A server that has no HTTP. */
const raw = (answer: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => {}).resume()
        socket.end(answer)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

const live = <A, E>(name: string, effect: () => Effect.Effect<A, E, WebPage | Scope.Scope>) =>
  it.live(name, () => effect().pipe(Effect.scoped, Effect.provide(WebPage.layer)))

const hello: RequestListener = (_request, response) => response.end("hello")

describe("a server that", () => {
  live("is not there", () =>
    Effect.gen(function*() {
      const origin = yield* Effect.scoped(listen(hello))
      const { _tag, message } = yield* failureOf(origin)
      assert.strictEqual(_tag, "PageUnreachable")
      assert.match(message, /no answer: connect ECONNREFUSED 127.0.0.1:\d+. Nothing listens there/)
    }))

  live("resets the connection in place of an answer", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request) => request.socket.resetAndDestroy())
      assert.match((yield* failureOf(origin)).message, /no answer: (read ECONNRESET|other side closed)$/)
    }))

  live("hangs up in place of an answer", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request) => request.socket.end())
      assert.match((yield* failureOf(origin)).message, /no answer: other side closed$/)
    }))

  live("speaks no HTTP", () =>
    Effect.gen(function*() {
      const origin = yield* raw("SSH-2.0-hello\r\n")
      assert.match((yield* failureOf(origin)).message, /no answer: .*HTTP\/1.1 protocol/)
    }))

  live("has a port that fetch does not go to", () =>
    Effect.gen(function*() {
      assert.include((yield* failureOf("http://127.0.0.1:6000/")).message, "no answer: bad port. The Fetch standard")
    }))

  live("resets the connection in the body, or hangs up there", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) => {
        response.writeHead(200, request.url === "/length" ? { "content-length": 100 } : {})
        response.write("abc", () => request.url === "/end" ? request.socket.end() : request.socket.resetAndDestroy())
      })
      for (const path of ["/length", "/chunked", "/end"]) {
        const { _tag, message } = yield* failureOf(origin + path)
        assert.strictEqual(_tag, "BodyBroken")
        assert.match(message, /: the body could not be read to its end: \w/)
      }
    }))

  live("packs the body badly", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip")
      )
      assert.match((yield* failureOf(origin)).message, /could not be read to its end: incorrect header check$/)
    }))

  live("never ends its body is left after 64 MiB", () =>
    Effect.gen(function*() {
      let sent = 0
      const left = yield* Deferred.make<void>()
      const origin = yield* listen((_request, response) => {
        const piece = Buffer.alloc(1 << 20, "y")
        const more = () => {
          while (!response.destroyed && response.write(piece)) sent += piece.length
          sent += piece.length
        }
        response.on("drain", more).on("close", () => Deferred.doneUnsafe(left, Exit.void)).on("error", () => {})
        more()
      })
      assert.strictEqual((yield* failureOf(origin))._tag, "BodyTooLong")
      yield* Deferred.await(left)
      assert.isAtLeast(sent, 64 << 20)
      // What lies in the buffers of both sides comes on top.
      assert.isAtMost(sent, 96 << 20)
    }))

  live("is left as soon as nobody reads on", () =>
    Effect.gen(function*() {
      const left = yield* Deferred.make<void>()
      const origin = yield* listen((_request, response) => {
        response.on("close", () => Deferred.doneUnsafe(left, Exit.void))
        response.write("abc")
      })
      const first = open(origin).pipe(
        Effect.flatMap(({ text }) => Stream.runHead(text)),
        Effect.scoped
      )
      assert.deepStrictEqual(yield* Effect.fromOption(yield* first), "abc")
      yield* Deferred.await(left)
    }))

  live("is left when nobody reads at all, those that redirected to it too", () =>
    Effect.gen(function*() {
      const left = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
      const origin = yield* listen((request, response) => {
        const [first, second] = left
        response.on("close", () => Deferred.doneUnsafe(request.url === "/" ? first : second, Exit.void))
        if (request.url === "/") response.writeHead(302, { location: "/there" })
        response.write("abc")
      })
      assert.deepInclude(yield* Effect.scoped(open(origin)), { url: `${origin}/there`, status: 200 })
      yield* Effect.forEach(left, Deferred.await)
    }))

  live("is silent is left when nobody waits for it any more", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      const left = yield* Deferred.make<void>()
      const origin = yield* listen((_request, response) => {
        response.on("close", () => Deferred.doneUnsafe(left, Exit.void))
        Deferred.doneUnsafe(asked, Exit.void)
      })
      yield* Effect.raceFirst(Effect.exit(read(origin)), Deferred.await(asked))
      yield* Deferred.await(left)
    }))
})

describe("a server of https", () => {
  const refusals: ReadonlyArray<readonly [name: Parameters<typeof certificate>[0], reason: RegExp]> = [
    ["expired", /no answer: certificate has expired$/],
    ["stranger", /no answer: self-signed certificate.* a certificate of your own, .*NODE_EXTRA_CA_CERTS$/],
    ["elsewhere", /no answer: Host: localhost. is not in the cert's altnames: DNS:elsewhere.example.com$/]
  ]

  live("is believed when its certificate is", () =>
    Effect.gen(function*() {
      const origin = yield* listen(hello, certificate("localhost"))
      assert.deepStrictEqual(yield* read(origin), { url: `${origin}/`, status: 200, text: "hello" })
    }))

  it.live.each(refusals)("is not when it is that of %s", ([name, reason]) =>
    Effect.gen(function*() {
      const origin = yield* listen(hello, certificate(name))
      const { _tag, message } = yield* failureOf(origin)
      assert.strictEqual(_tag, "PageUnreachable")
      assert.match(message, reason)
    }).pipe(Effect.scoped, Effect.provide(WebPage.layer)))

  live("does not lead to http", () =>
    Effect.gen(function*() {
      let asked = 0
      const http = yield* listen((_request, response) => {
        asked++
        response.end("hello")
      })
      const https = yield* listen(
        (_request, response) => response.writeHead(301, { location: `${http}/` }).end(),
        certificate("localhost")
      )
      assert.deepStrictEqual(yield* failureOf(https), {
        _tag: "RedirectRefused",
        message: `${https}/: redirects from https to ${http}/, which is not followed`
      })
      assert.strictEqual(asked, 0)
    }))

  live("may be where http leads to, which tells it no secret", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const https = yield* listen((request, response) => {
        seen.push(request.headers.authorization, request.headers["x-key"])
        response.end("hello")
      }, certificate("localhost"))
      const http = yield* listen((_request, response) => response.writeHead(301, { location: `${https}/` }).end())
      const page = yield* read(http.replace("//", "//user:word@"), { headers: { "X-Key": Redacted.make("hunter2") } })
      assert.deepInclude(page, { url: `${https}/`, text: "hello" })
      assert.deepStrictEqual(seen, [undefined, undefined])
    }))

  live("does not speak TLS", () =>
    Effect.gen(function*() {
      const origin = yield* listen(hello)
      const { message } = yield* failureOf(origin.replace("http:", "https:"))
      assert.match(message, /no answer: wrong version number. What listens there does not speak TLS/)
    }))
})

describe("an HttpClient of one's own", () => {
  it.live("is told not to follow redirects itself, and keeps its other options", () =>
    Effect.gen(function*() {
      const options: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        options.push(init)
        return globalThis.fetch(input, init)
      }
      const own = Layer.provide(WebPage.layerClient, FetchHttpClient.layer)
      const origin = yield* listen((request, response) =>
        request.url === "/b" ? response.end("b") : response.writeHead(302, { location: "/b" }).end()
      )
      const page = yield* read(origin).pipe(
        Effect.provide(own),
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.provideService(FetchHttpClient.RequestInit, { referrer: "about:client", redirect: "follow" })
      )
      assert.deepInclude(page, { url: `${origin}/b`, text: "b" })
      assert.deepStrictEqual(
        options.map((init) => [init?.redirect, init?.referrer]),
        [["manual", "about:client"], ["manual", "about:client"]]
      )
    }).pipe(Effect.scoped))

  it.effect("may fail without a cause, in its own words", () =>
    Effect.gen(function*() {
      const broken = HttpClient.make((request) => {
        const reason = new HttpClientError.TransportError({ request, description: "no network" })
        return Effect.fail(new HttpClientError.HttpClientError({ reason }))
      })
      const own = Layer.provide(WebPage.layerClient, Layer.succeed(HttpClient.HttpClient, broken))
      const { message } = yield* Effect.provide(failureOf("http://user:hunter2@x/"), own)
      assert.strictEqual(message, "http://x/: no answer: Transport: no network (GET http://x/)")
    }))
})

describe("the spans of a page", () => {
  live("hold no password and no header", () =>
    Effect.gen(function*() {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const origin = yield* listen(hello)
      yield* read(origin.replace("//", "//user:hunter2@"), { headers: { "X-Key": Redacted.make("hunter2") } }).pipe(
        Effect.withTracer(tracer)
      )
      assert.includeMembers(spans.map(({ name }) => name), ["WebPage.open", "GET"])
      assert.notInclude(JSON.stringify(spans.flatMap(({ attributes }) => Array.from(attributes.values()))), "hunter2")
    }))
})
