// Sends requests with Node's HTTP/1.1 client. `fetch` can neither send a `Host` header nor connect to an address that was
// checked, and gives up an address after 250 ms.
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Record from "effect/Record"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { lookup } from "node:dns"
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http"
import { connect as connectSocket, isIP } from "node:net"
import { type Duplex, pipeline, type Readable, type Transform } from "node:stream"
import { connect as connectTls } from "node:tls"
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import {
  AddressForbidden,
  type HttpTransport,
  RequestFailed,
  requestFailed,
  type TransportRequest,
  type TransportResponse
} from "./httpTransport.ts"

/** The network, which tests and priming replace. */
export interface Network {
  /** The addresses of a host name, in the order of preference. */
  readonly resolve: (hostname: string) => Effect.Effect<ReadonlyArray<string>, RequestFailed>
  readonly connect: (address: string, port: number) => Effect.Effect<Duplex, RequestFailed, Scope.Scope>
  /** Adds TLS to a connection, and verifies that the server's certificate is for this host name. */
  readonly secure: (socket: Duplex, hostname: string) => Effect.Effect<Duplex, RequestFailed, Scope.Scope>
}

const resolve: Network["resolve"] = (hostname) =>
  Effect.callback((resume) =>
    lookup(hostname, { all: true }, (error, addresses) =>
      resume(
        error === null
          ? Effect.succeed(addresses.map(({ address }) => address))
          : Effect.fail(requestFailed(error))
      ))
  )

/** Waits until the socket is open. It lives as long as the scope. */
const opened = <Socket extends Duplex>(make: () => Socket, event: string) =>
  Effect.acquireRelease(Effect.sync(make), (socket) => Effect.sync(() => socket.destroy())).pipe(
    Effect.flatMap((socket) =>
      Effect.callback<Socket, RequestFailed>((resume) => {
        socket.on("error", (error) => resume(Effect.fail(requestFailed(error))))
        socket.once(event, () => resume(Effect.succeed(socket)))
        return Effect.sync(() => socket.destroy())
      })
    )
  )

const connect: Network["connect"] = (address, port) => opened(() => connectSocket({ host: address, port }), "connect")

const secure: Network["secure"] = (socket, hostname) =>
  opened(
    () =>
      connectTls({
        socket,
        host: hostname,
        // An address is no server name (RFC 6066, 3).
        servername: isIP(hostname) === 0 ? hostname : "",
        ALPNProtocols: ["http/1.1"]
      }),
    "secureConnect"
  )

/** Time before the next address is tried too (RFC 8305, 5). Earlier addresses keep their chance. */
const connectionDelay = "250 millis"

/** The first of the addresses that accepts a connection. */
const connectAny = (
  network: Network,
  addresses: ReadonlyArray<string>,
  port: number
): Effect.Effect<readonly [address: string, socket: Duplex], RequestFailed, Scope.Scope> => {
  const failures: Array<RequestFailed> = []
  const from = (index: number): Effect.Effect<readonly [string, Duplex], RequestFailed, Scope.Scope> =>
    Effect.gen(function*() {
      const address = addresses[index]
      if (address === undefined) return yield* combined(failures)
      const hasFailed = yield* Deferred.make<void>()
      const here = network.connect(address, port).pipe(
        Effect.tapError((failure) => {
          failures.push(failure)
          return Deferred.succeed(hasFailed, undefined)
        }),
        Effect.map((socket) => [address, socket] as const)
      )
      if (index === addresses.length - 1) return yield* here
      const others = Deferred.await(hasFailed).pipe(
        Effect.timeoutOption(connectionDelay),
        Effect.andThen(from(index + 1))
      )
      return yield* Effect.raceAll([here, others])
    })
  return Effect.mapError(from(0), () => combined(failures))
}

/** Names the failure of each address. A network without IPv6 says nothing about the server. */
const combined = (failures: ReadonlyArray<RequestFailed>): RequestFailed => {
  const telling = failures.filter(({ code }) => code !== "ENETUNREACH" && code !== "EADDRNOTAVAIL")
  const shown = telling.length === 0 ? failures : telling
  const detail = [...new Set(shown.map(({ detail }) => detail))].slice(0, 3).join(", ")
  return new RequestFailed({ code: shown[0]?.code ?? "ENOTFOUND", detail: detail === "" ? "no address" : detail })
}

/** Maximum size of the response's headers, as in Node and many proxies. */
const maxHeaderSize = 16_384

const send = (socket: Duplex, { headers, url }: TransportRequest) =>
  Effect.acquireRelease(
    Effect.try({
      try: () =>
        httpRequest({
          createConnection: () => socket,
          path: url.pathname + url.search,
          headers: { host: url.host, ...headers },
          maxHeaderSize
        }),
      catch: requestFailed
    }),
    (request) => Effect.sync(() => request.destroy())
  ).pipe(Effect.flatMap(responseTo))

const responseTo = (request: ClientRequest) =>
  Effect.callback<IncomingMessage, RequestFailed>((resume) => {
    request.on("error", (error) => resume(Effect.fail(requestFailed(error))))
    request.once("response", (response) => {
      // Its reader receives the error.
      response.on("error", () => {})
      resume(Effect.succeed(response))
    })
    request.once("close", () => resume(Effect.fail(requestFailed(new Error("socket hang up")))))
    request.end()
  })

/** Passes on what has arrived, and takes a body that ends early as browsers do. */
const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
const brotliFlush = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }

const decoders: ReadonlyMap<string, () => Transform> = new Map([
  ["gzip", () => createGunzip(flush)],
  ["x-gzip", () => createGunzip(flush)],
  ["deflate", () => createInflate(flush)],
  ["br", () => createBrotliDecompress(brotliFlush)]
])

const maxEncodings = 5

/** The body as it is without its content encodings; unchanged if one of them is unknown. */
const unpacked = (response: IncomingMessage): Readable => {
  const encodings = (response.headers["content-encoding"] ?? "").toLowerCase().split(",").map((name) => name.trim())
  const makers = encodings.toReversed().flatMap((name) => decoders.get(name) ?? [])
  if (makers.length < encodings.length || makers.length > maxEncodings) return response
  return makers.reduce<Readable>((source, make) => pipeline(source, make(), () => {}), response)
}

const toResponse = (response: IncomingMessage, address: string): TransportResponse => ({
  status: response.statusCode ?? 0,
  headers: Record.map(response.headers, (value) => value?.toString()),
  cookies: Cookies.fromSetCookie(response.headers["set-cookie"] ?? []),
  address,
  body: Stream.suspend(() => Stream.fromAsyncIterable<Uint8Array, RequestFailed>(unpacked(response), requestFailed))
})

const withoutBrackets = (hostname: string) => hostname.replaceAll(/^\[|\]$/g, "")

/** The name that the certificate is for: that of a `Host` header, because virtual hosts have certificates of their own. */
const serverName = ({ headers, url }: TransportRequest) => {
  const virtual = `https://${headers["host"] ?? url.host}`
  const { hostname } = URL.canParse(virtual) ? new URL(virtual) : url
  // A certificate has no dot at the end of a name.
  return withoutBrackets(hostname).replace(/\.$/, "")
}

export const makeNodeTransport = (network: Network): HttpTransport =>
  Effect.fnUntraced(function*(request) {
    const { allows, url } = request
    const hostname = withoutBrackets(url.hostname)
    const addresses = isIP(hostname) === 0 ? yield* network.resolve(hostname) : [hostname]
    const forbidden = addresses.find((address) => !allows(address))
    if (forbidden !== undefined) return yield* new AddressForbidden({ address: forbidden })
    const isHttps = url.protocol === "https:"
    const port = url.port === "" ? (isHttps ? 443 : 80) : Number(url.port)
    const [address, plain] = yield* connectAny(network, addresses, port)
    const socket = isHttps ? yield* network.secure(plain, serverName(request)) : plain
    return toResponse(yield* send(socket, request), address)
  })

export const nodeNetwork: Network = { resolve, connect, secure }

export const PageTransport: Context.Reference<HttpTransport> = Context.Reference<HttpTransport>(
  "effect-codepipeline/internal/PageTransport",
  { defaultValue: () => makeNodeTransport(nodeNetwork) }
)
