// The same pages over real sockets, over `fetch` and in memory, and the failures that only sockets have.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Redacted, type Scope, Stream, Tracer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError } from "effect/http"
import type { RequestListener, ServerResponse } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import * as tls from "node:tls"
import { inspect } from "node:util"
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib"
import { RequestFailed } from "../../src/internal/httpTransport.ts"
import { makeNodeTransport, type Network, nodeNetwork } from "../../src/internal/nodeTransport.ts"
import { type PageRequest, WebPage } from "../../src/services/WebPage.ts"
import * as WebPageHttpClient from "../../src/services/WebPageHttpClient.ts"
import { WebPageMemory } from "../../src/testing/WebPageMemory.ts"
import { certificate } from "../certificates.ts"
import { listen, nobody } from "./server.ts"

/** Trusted in this file, besides the certificates that Node trusts. */
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
  readonly headers?: Readonly<Record<string, string | Array<string>>>
  readonly body?: ReadonlyArray<Uint8Array>
}

interface Seen {
  readonly path: string
  readonly header: (name: string) => string | undefined
}

/** A site with these pages, by path. It has an origin and the requests that it received. */
type Site = (pages: Readonly<Record<string, Given>>) => Effect.Effect<
  { readonly origin: string; readonly seen: Effect.Effect<ReadonlyArray<Seen>> },
  never,
  Scope.Scope | WebPageMemory
>

/** Sends each piece by itself. */
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
  const { requests, respond } = yield* WebPageMemory
  for (const [path, { body = [], ...given }] of Object.entries(pages)) {
    yield* respond(origin + path, body.length === 0 ? given : { ...given, body: Stream.fromIterable(body) })
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

const overFetch = Layer.provide(WebPageHttpClient.layer, FetchHttpClient.layer)

describe.each([
  { name: "over sockets", site: overSockets, layer: Layer.merge(WebPageMemory.layer(), WebPage.layer) },
  { name: "over fetch", site: overSockets, layer: Layer.merge(WebPageMemory.layer(), overFetch) },
  { name: "in memory", site: inMemory, layer: WebPageMemory.layer() }
])("a page $name", ({ layer, site }) => {
  it.live("has a status and a text, and receives the headers of the request", () =>
    Effect.gen(function*() {
      const { origin, seen } = yield* site({ "/a?b=%20c": { status: 201, headers: html, body: [bytes("It works")] } })
      const headers = { "X-Key": Redacted.make("hunter2") }
      const page = yield* read(`${origin.replace("//", "//user:word@")}/a?b=%20c#d`, { headers })
      assert.deepStrictEqual(page, { url: `${origin}/a?b=%20c`, status: 201, text: "It works" })
      const [{ header, path } = assert.fail("there was no request")] = yield* seen
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
    // A byte-order mark is stronger than the content type.
    ["text/html; charset=iso-8859-1", bytes("\uFEFFcaf\u00e9"), "caf\u00e9"],
    ["text/html; charset=utf-8", new Uint8Array(Buffer.from("\uFEFFcaf\u00e9", "utf16le")), "caf\u00e9"],
    ["text/html", new Uint8Array(Buffer.from("\uFEFFcaf\u00e9", "utf16le").swap16()), "caf\u00e9"],
    ["text/html", Uint8Array.of(0xef, 0xbb), "\uFFFD"],
    ["text/html; charset=klingon", bytes("caf\u00e9"), "caf\u00e9"],
    ["text/html; charset=utf-8", Uint8Array.of(99, 0xc3), "c\uFFFD"]
  ])(
    "is decoded by its charset, wherever its pieces end: %s, %j",
    ([contentType, body, text]) =>
      Effect.gen(function*() {
        const { origin } = yield* site({ "/": { headers: { "content-type": contentType }, body: byteByByte(body) } })
        assert.strictEqual((yield* read(origin)).text, text)
      }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("may have no body", () =>
    Effect.gen(function*() {
      const { origin } = yield* site({ "/": { status: 204 } })
      assert.deepStrictEqual(yield* read(origin), { url: `${origin}/`, status: 204, text: "" })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("may be behind five redirects, which receive the headers of the request too", () =>
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

  it.live("may be behind a redirect whose location is in UTF-8", () =>
    Effect.gen(function*() {
      const location = Buffer.from("/caf\u00e9").toString("latin1")
      const { origin } = yield* site({ "/": to(location, 302), "/caf%C3%A9": { body: [bytes("here")] } })
      assert.deepInclude(yield* read(origin), { url: `${origin}/caf%C3%A9`, text: "here" })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("receives the cookies that redirects have set for it", () =>
    Effect.gen(function*() {
      const cookies = [
        "session=a%20b; HttpOnly; Max-Age=60",
        "secure=1; Secure",
        "elsewhere=1; Domain=example.org",
        "deeper=1; Path=/deeper",
        "own=new; Path=/"
      ]
      const { origin, seen } = yield* site({
        "/": { status: 302, headers: { location: "/next", "set-cookie": cookies } },
        "/next": {
          status: 302,
          headers: { location: "/deeper", "set-cookie": ["own=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"] }
        },
        "/deeper": { body: [bytes("here")] }
      })
      const headers = { Cookie: Redacted.make("own=old; other=1") }
      assert.deepInclude(yield* read(origin, { headers }), { url: `${origin}/deeper`, text: "here" })
      assert.deepStrictEqual((yield* seen).map(({ header }) => header("cookie")), [
        "own=old; other=1",
        "other=1; session=a%20b; own=new",
        "own=old; other=1; deeper=1; session=a%20b"
      ])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("in a loop of redirects is not found", () =>
    Effect.gen(function*() {
      const { origin, seen } = yield* site({ "/": { status: 302, headers: { location: "/" } } })
      assert.deepStrictEqual(yield* failureOf(origin), {
        _tag: "RedirectRefused",
        message: `${origin}/: redirects too often: after 5 redirects (maxRedirects), the next one leads to ${origin}/`
      })
      assert.lengthOf(yield* seen, 6)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("is the redirect itself if its status is expected or it has no location", () =>
    Effect.gen(function*() {
      const { origin } = yield* site({
        "/": { status: 302, headers: { location: "/b" } },
        "/nowhere": { status: 301, body: [bytes("?")] }
      })
      assert.deepInclude(yield* read(origin, { isPage: (status) => status === 302 }), { status: 302 })
      assert.deepInclude(yield* read(`${origin}/nowhere`), { status: 301, text: "?" })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("of a host without an address is unreachable", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* failureOf(`http://${nobody}/`), {
        _tag: "PageUnreachable",
        message: `http://${nobody}/: no response: getaddrinfo ENOTFOUND ${nobody}. Check the name. A Lambda function ` +
          "in a VPC needs a DNS server there that knows it"
      })
    }).pipe(Effect.provide(layer)))
})

/** A server that does not speak HTTP. */
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
  live("does not exist is reported", () =>
    Effect.gen(function*() {
      const origin = yield* Effect.scoped(listen(hello))
      const { _tag, message } = yield* failureOf(origin)
      assert.strictEqual(_tag, "PageUnreachable")
      assert.match(message, /no response: connect ECONNREFUSED 127.0.0.1:\d+. No server listens there/)
    }))

  live("resets the connection without a response is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request) => request.socket.resetAndDestroy())
      assert.match(
        (yield* failureOf(origin)).message,
        /no response: (read ECONNRESET|the server closed the connection)$/
      )
    }))

  live("closes the connection without a response is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request) => request.socket.end())
      assert.match((yield* failureOf(origin)).message, /no response: the server closed the connection$/)
    }))

  live("does not speak HTTP is reported", () =>
    Effect.gen(function*() {
      const origin = yield* raw("SSH-2.0-hello\r\n")
      assert.match(
        (yield* failureOf(origin)).message,
        /no response: Parse Error: .*. The server there does not speak HTTP\/1.1/
      )
    }))

  live("sends headers over the limit is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) =>
        response.writeHead(200, { "x-long": "y".repeat(20_000) }).end("hello")
      )
      assert.match((yield* failureOf(origin)).message, /no response: .*overflow. The headers .* larger than 16 KiB/)
    }))

  live("upgrades the connection without a request for that is reported", () =>
    Effect.gen(function*() {
      const origin = yield* raw("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
      assert.match((yield* failureOf(origin)).message, /no response: /)
    }))

  live("resets or closes the connection within the body is reported", () =>
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

  live("sends an invalid gzip body is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip")
      )
      assert.match((yield* failureOf(origin)).message, /could not be read to its end: incorrect header check$/)
    }))

  live("never ends its body is disconnected after 64 MiB", () =>
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
      // The buffers of both sides hold more.
      assert.isAtMost(sent, 96 << 20)
    }))

  live("is disconnected as soon as nobody reads the body", () =>
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

  live("is disconnected if nobody reads its body, and so is one that redirects to it", () =>
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

  live("does not respond is disconnected on interruption", () =>
    Effect.gen(function*() {
      const requested = yield* Deferred.make<void>()
      const left = yield* Deferred.make<void>()
      const origin = yield* listen((_request, response) => {
        response.on("close", () => Deferred.doneUnsafe(left, Exit.void))
        Deferred.doneUnsafe(requested, Exit.void)
      })
      yield* Effect.raceFirst(Effect.exit(read(origin)), Deferred.await(requested))
      yield* Deferred.await(left)
    }))
})

describe("an https server", () => {
  const refusals: ReadonlyArray<readonly [name: Parameters<typeof certificate>[0], reason: RegExp]> = [
    ["expired", /no response: certificate has expired$/],
    ["stranger", /no response: self-signed certificate. If the certificate is your own, .*NODE_EXTRA_CA_CERTS to .*$/],
    ["incomplete", /unable to verify the first certificate. The server probably does not send its intermediate certif/],
    ["elsewhere", /no response: Host: localhost. is not in the cert's altnames: DNS:elsewhere.example.com$/]
  ]

  live("with a trusted certificate is accepted", () =>
    Effect.gen(function*() {
      const origin = yield* listen(hello, certificate("localhost"))
      assert.deepStrictEqual(yield* read(origin), { url: `${origin}/`, status: 200, text: "hello" })
    }))

  it.live.each(refusals)("with the certificate %s is rejected", ([name, reason]) =>
    Effect.gen(function*() {
      const origin = yield* listen(hello, certificate(name))
      const { _tag, message } = yield* failureOf(origin)
      assert.strictEqual(_tag, "PageUnreachable")
      assert.match(message, reason)
    }).pipe(Effect.scoped, Effect.provide(WebPage.layer)))

  live("cannot redirect to http", () =>
    Effect.gen(function*() {
      let requests = 0
      const http = yield* listen((_request, response) => {
        requests++
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
      assert.strictEqual(requests, 0)
    }))

  live("may be the target of a redirect from http, and receives no headers", () =>
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

  live("that does not speak TLS is reported", () =>
    Effect.gen(function*() {
      const origin = yield* listen(hello)
      const { message } = yield* failureOf(origin.replace("http:", "https:"))
      assert.match(message, /no response: wrong version number. The server there does not speak TLS/)
    }))
})

/** A network with these host names. Servers on this machine have the address 192.0.2.1 too, which is not local. */
const networkOf = (names: Readonly<Record<string, ReadonlyArray<string>>>, more: Partial<Network> = {}): Network => ({
  ...nodeNetwork,
  resolve: (name) => names[name] === undefined ? nodeNetwork.resolve(name) : Effect.succeed(names[name]),
  connect: (address, port) => nodeNetwork.connect(address === "192.0.2.1" ? "127.0.0.1" : address, port),
  ...more
})

const within = <A, E, R>(effect: Effect.Effect<A, E, R>, network: Network) =>
  Effect.provide(effect, WebPage.layerTransport(Effect.succeed(makeNodeTransport(network))))

const portOf = (origin: string) => new URL(origin).port

describe("a redirect by name", () => {
  const site = Effect.gen(function*() {
    const seen: Array<string> = []
    const origin = yield* listen((request, response) => {
      seen.push(`${request.headers.host}${request.url}`)
      const [, host, path = ""] = /^\/to\/([^/]+)(.*)$/.exec(request.url ?? "") ?? []
      if (host === undefined) return response.end("secret")
      return response.writeHead(302, { location: `http://${host}:${portOf(origin)}${path}` }).end()
    })
    return { port: portOf(origin), seen }
  })
  const names = {
    "public.example.com": ["192.0.2.1"],
    "other.example.com": ["192.0.2.1"],
    "inside.example.com": ["127.0.0.1"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "linked.example.com": ["fe80::1%lo"],
    "mixed.example.com": ["192.0.2.1", "127.0.0.1"]
  }

  it.live.each([
    ["inside.example.com", "loopback", "127.0.0.1"],
    ["mapped.example.com", "loopback", "::ffff:127.0.0.1"],
    ["linked.example.com", "link-local", "fe80::1%lo"],
    ["mixed.example.com", "loopback", "127.0.0.1"],
    ["localhost", "loopback", "localhost"],
    ["127.0.0.1", "loopback", "127.0.0.1"],
    ["[::ffff:127.0.0.1]", "loopback", "[::ffff:7f00:1]"]
  ])("to %s is refused", ([host, kind, address]) =>
    Effect.gen(function*() {
      const { port, seen } = yield* site
      const url = `http://public.example.com:${port}/to/other.example.com/to/${host}`
      const { _tag, message } = yield* within(failureOf(url), networkOf(names))
      assert.strictEqual(_tag, "RedirectRefused")
      assert.include(message, `http://other.example.com:${port}/to/${host}: redirects to `)
      assert.include(message, `which has the ${kind} address ${address} and is not followed`)
      assert.deepStrictEqual(seen, [
        `public.example.com:${port}/to/other.example.com/to/${host}`,
        `other.example.com:${port}/to/${host}`
      ])
    }).pipe(Effect.scoped))

  it.live("to a local address is followed if the first URL has one too", () =>
    Effect.gen(function*() {
      const { port } = yield* site
      const url = `http://inside.example.com:${port}/to/public.example.com/to/inside.example.com/`
      const page = yield* within(read(url), networkOf(names))
      assert.deepInclude(page, { url: `http://inside.example.com:${port}/`, text: "secret" })
    }).pipe(Effect.scoped))

  it.live("connects to the address that was checked, although the name has another one by then", () =>
    Effect.gen(function*() {
      const { port } = yield* site
      const connected: Array<string> = []
      let lookups = 0
      const network = networkOf(names, {
        resolve: () => Effect.sync(() => lookups++ < 2 ? ["192.0.2.1"] : ["127.0.0.1"]),
        connect: (address, port) => {
          connected.push(address)
          return nodeNetwork.connect("127.0.0.1", port)
        }
      })
      yield* within(read(`http://public.example.com:${port}/to/rebinding.example.com/`), network)
      assert.deepStrictEqual([lookups, connected], [2, ["192.0.2.1", "192.0.2.1"]])
    }).pipe(Effect.scoped))
})

const hostOf = (...addresses: ReadonlyArray<string>) => networkOf({ "several.example.com": addresses })

describe("a host with several addresses", () => {
  it.live("is reached if one of them accepts the connection", () =>
    Effect.gen(function*() {
      const port = portOf(yield* listen(hello))
      const url = `http://several.example.com:${port}/`
      assert.deepInclude(yield* within(read(url), hostOf("127.0.0.2", "192.0.2.1")), { text: "hello" })
      assert.deepInclude(yield* within(read(url), hostOf("192.0.2.1", "127.0.0.2")), { text: "hello" })
    }).pipe(Effect.scoped))

  it.live("is reached if an address accepts the connection after more than 250 milliseconds", () =>
    Effect.gen(function*() {
      const port = portOf(yield* listen(hello))
      const network = hostOf("192.0.2.1", "127.0.0.2")
      const slow: Network = {
        ...network,
        connect: (address, port) =>
          address === "192.0.2.1" ? Effect.delay(network.connect(address, port), 600) : network.connect(address, port)
      }
      const page = yield* within(read(`http://several.example.com:${port}/`), slow)
      assert.deepInclude(page, { text: "hello" })
    }).pipe(Effect.scoped))

  it.live("is reached if the first address never responds, which is disconnected then", () =>
    Effect.gen(function*() {
      const port = portOf(yield* listen(hello))
      const network = hostOf("192.0.2.2", "192.0.2.1")
      const left = yield* Deferred.make<void>()
      const silent: Network = {
        ...network,
        connect: (address, port) =>
          address === "192.0.2.2"
            ? Effect.onInterrupt(Effect.never, () => Deferred.succeed(left, undefined))
            : network.connect(address, port)
      }
      assert.deepInclude(yield* within(read(`http://several.example.com:${port}/`), silent), { text: "hello" })
      yield* Deferred.await(left)
    }).pipe(Effect.scoped))

  it.live("is reported with the failures of all, without those of a network that has no IPv6", () =>
    Effect.gen(function*() {
      const port = portOf(yield* Effect.scoped(listen(hello)))
      const network = hostOf("2001:db8::1", "127.0.0.2", "127.0.0.3")
      const { message } = yield* within(failureOf(`http://several.example.com:${port}/`), {
        ...network,
        connect: (address, port) =>
          address.includes(":")
            ? Effect.fail(new RequestFailed({ code: "ENETUNREACH", detail: "connect ENETUNREACH" }))
            : network.connect(address, port)
      })
      const refused = (address: string) => `connect ECONNREFUSED ${address}:${port}`
      assert.include(message, `no response: ${refused("127.0.0.2")}, ${refused("127.0.0.3")}. No server listens there`)
    }))
})

const virtual = (host: string) => ({ headers: { Host: Redacted.make(host) } })

it.live("a host name with a dot at its end is resolved as it is, and is in the certificate without it", () =>
  Effect.gen(function*() {
    const port = portOf(yield* listen(hello, certificate("localhost")))
    const page = yield* within(read(`https://localhost.:${port}/`), networkOf({ "localhost.": ["127.0.0.1"] }))
    assert.deepInclude(page, { text: "hello" })
  }).pipe(Effect.scoped))

describe("a Host header", () => {
  live("is sent as given, to redirects of the same origin too", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const origin = yield* listen((request, response) => {
        seen.push(request.headers.host, request.headers.cookie)
        if (request.url === "/b") return response.end("hello")
        return response.writeHead(302, { location: "/b", "set-cookie": "a=1; Domain=example.com" }).end()
      })
      const page = yield* read(origin, virtual("www.example.com"))
      assert.deepInclude(page, { url: `${origin}/b`, text: "hello" })
      assert.deepStrictEqual(seen, ["www.example.com", undefined, "www.example.com", "a=1"])
    }))

  live("is the name that the certificate must have", () =>
    Effect.gen(function*() {
      const servernames: Array<unknown> = []
      const origin = yield* listen((request, response) => {
        servernames.push("servername" in request.socket ? request.socket.servername : undefined)
        response.end("hello")
      }, certificate("elsewhere"))
      assert.deepInclude(yield* read(origin, virtual("elsewhere.example.com")), { text: "hello" })
      assert.deepStrictEqual(servernames, ["elsewhere.example.com"])
      assert.match((yield* failureOf(origin, virtual("localhost"))).message, /is not in the cert's altnames/)
    }))
})

describe("a packed body", () => {
  const packers: ReadonlyArray<readonly [encoding: string, pack: (text: string) => Uint8Array]> = [
    ["gzip", gzipSync],
    ["X-GZIP", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["gzip, br", (text) => brotliCompressSync(gzipSync(text))],
    ["identity", Buffer.from],
    ["unknown", Buffer.from],
    ["constructor", Buffer.from],
    ["__proto__", Buffer.from]
  ]

  it.live.each(packers)("is unpacked: %s", ([encoding, pack]) =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) =>
        response.writeHead(200, { "content-encoding": encoding }).end(pack("It works"))
      )
      assert.strictEqual((yield* read(origin)).text, "It works")
    }).pipe(Effect.scoped, Effect.provide(WebPage.layer)))

  live("is unpacked as it arrives", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => {
        response.writeHead(200, { "content-encoding": "gzip" })
        response.write(gzipSync("It works", { finishFlush: constants.Z_SYNC_FLUSH }))
      })
      const first = open(origin).pipe(
        Effect.flatMap(({ text }) => Stream.runHead(Stream.filter(text, (piece) => piece !== ""))),
        Effect.scoped
      )
      assert.deepStrictEqual(yield* Effect.fromOption(yield* first), "It works")
    }))

  live("may be empty", () =>
    Effect.gen(function*() {
      const origin = yield* listen((request, response) =>
        response.writeHead(request.url === "/" ? 200 : 204, { "content-encoding": "gzip" }).end()
      )
      assert.deepInclude(yield* read(origin), { status: 200, text: "" })
      assert.deepInclude(yield* read(`${origin}/204`), { status: 204, text: "" })
    }))
})

describe("a page over an HttpClient", () => {
  it.live("uses fetch without redirects, and keeps its other options", () =>
    Effect.gen(function*() {
      const options: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        options.push(init)
        return globalThis.fetch(input, init)
      }
      const own = Layer.provide(WebPageHttpClient.layer, FetchHttpClient.layer)
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

  it.effect("reports the client's message if it fails without a cause", () =>
    Effect.gen(function*() {
      const broken = HttpClient.make((request) => {
        const reason = new HttpClientError.TransportError({ request, description: "no network" })
        return Effect.fail(new HttpClientError.HttpClientError({ reason }))
      })
      const own = Layer.provide(WebPageHttpClient.layer, Layer.succeed(HttpClient.HttpClient, broken))
      const { message } = yield* Effect.provide(failureOf("http://user:hunter2@x/"), own)
      assert.strictEqual(message, "http://x/: no response: Transport: no network (GET http://x/)")
    }))
})

describe("the spans of a page", () => {
  live("contain no password, no header and no query, even if the page returns them", () =>
    Effect.gen(function*() {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const origin = yield* listen((request, response) =>
        response.writeHead(302, { location: `ftp://${request.headers["x-key"]}/` }).end()
      )
      const secret = { headers: { "X-Key": Redacted.make("hunter2") } }
      const url = origin.replace("//", "//user:hunter2@")
      yield* Effect.exit(read(`${url}/?key=1`, secret)).pipe(Effect.withTracer(tracer))
      const leads = yield* listen((request, response) =>
        response.writeHead(302, { location: `http://[::1]:1/${request.headers["x-key"]}` }).end()
      )
      yield* Effect.exit(read(leads, { ...secret, maxRedirects: 0 })).pipe(Effect.withTracer(tracer))
      assert.deepStrictEqual(spans.map(({ name }) => name), ["WebPage.open", "WebPage.open"])
      assert.deepStrictEqual(spans.flatMap(({ attributes }) => Array.from(attributes.keys())), [])
      const statuses = inspect(spans.map(({ status }) => status), { depth: Infinity, breakLength: Infinity })
      assert.include(statuses, "http://[::1]:1/<redacted>")
      assert.notInclude(statuses, "hunter2")
    }))
})
