// Plays a job while a container starts, so that the first real one finds a warm function.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import { Agent, createServer, type IncomingHttpHeaders, type Server } from "node:http"
import { Agent as HttpsAgent, type RequestOptions } from "node:https"
import { isIP } from "node:net"
import { duplexPair } from "node:stream"
import type { TLSSocket } from "node:tls"
import type { Action, TaggedError } from "../actions/Action.ts"
import { JobOutcome } from "../domain/JobOutcome.ts"
import { clientOptions, Transport } from "../internal/awsCommand.ts"
import * as JobRunner from "../JobRunner.ts"
import type { CodePipeline } from "../services/CodePipeline.ts"

/** A request that an AWS client would have sent. */
export interface PlayedRequest {
  readonly method: string
  readonly hostname: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What the client gets instead of AWS's answer. */
export interface PlayedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** A job that is played: with the real program, clients of their own, and answers that nobody was asked for. */
export interface Priming {
  /** The event of the job; of the one that goes on from it where there is a token. */
  event(continuationToken?: string): unknown
  answer(request: PlayedRequest): PlayedAnswer | Promise<PlayedAnswer>
  /** Instead of what reaches further than the clients of AWS do, such as `fetch`. */
  readonly services?: Layer.Layer<never>
}

/** From so many MB of memory on a function has a whole CPU. Source: "Configure Lambda function memory", Lambda's guide. */
export const megabytesOfCpu = 1_769

/** How long it may take, in milliseconds; Lambda gives a container ten seconds to start. */
const patience = 2_000

/**
 * Does what the real job does, from the event to the report, but for what leaves the process: nothing is sent, traced or
 * counted, and `logging` is to write nothing. The services are not those of the function, and are gone afterwards.
 * Meanwhile connections are opened to where a request would have gone. Whatever goes wrong is ignored.
 */
export const play = <Parameters, State, E extends TaggedError, R>(
  action: Action<Parameters, State, E, R>,
  layer: Layer.Layer<R | CodePipeline>,
  logging: Layer.Layer<never>,
  { answer, event, services = Layer.empty }: Priming,
  connections: Connections
): Promise<void> => {
  const connected = new Map<string, Promise<void>>()
  const transport = Layer.succeed(Transport, {
    ...clientOptions.requestHandler,
    ...playedBy(answer, (host) => {
      if (!connected.has(host)) connected.set(host, Effect.runPromise(connections.open(host)))
    })
  })
  const run = (token?: string) =>
    Effect.suspend(() => JobRunner.run(action, event(token), { remainingMillis: patience }))
  const jobs = run().pipe(
    Effect.flatMap((outcome) => JobOutcome.$is("Continued")(outcome) ? run(outcome.continuationToken) : Effect.void),
    Effect.provide(logging),
    Effect.provideService(Tracer.Tracer, untold),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide(Layer.provide(Layer.merge(layer, services), transport), { local: true }),
    Effect.timeout(patience)
  )
  return Effect.runPromise(Effect.ignoreCause(jobs)).then(() => Promise.all(connected.values())).then(() => {})
}

/** Agents for Node's client of HTTP, whose connections end in this process. `wouldConnect` is told hosts of TLS. */
const playedBy = (answer: Priming["answer"], wouldConnect: (host: string) => void) => {
  const serverOf = (protocol: "http:" | "https:") =>
    createServer((request, response) =>
      void (async () => {
        const { headers, method = "GET" } = request
        const { host, hostname } = new URL(`${protocol}//${headers.host}`)
        // The host of an object has the name of its bucket, which only a real job knows.
        if (protocol === "https:" && method === "POST") wouldConnect(host)
        const body = Buffer.concat(await request.toArray())
        const played = await answer({ method, hostname, headers: textsOf(headers), body })
        response.writeHead(played.status, { ...played.headers }).end(played.body)
      })().catch(() => response.destroy())
    )
  const agentOf = (protocol: "http:" | "https:") => new Played(protocol, serverOf(protocol))
  return { httpAgent: agentOf("http:"), httpsAgent: agentOf("https:") }
}

class Played extends Agent {
  /** Node looks that it is that of the request. */
  readonly protocol: string
  readonly #server: Server

  constructor(protocol: string, server: Server) {
    super({ keepAlive: true })
    this.protocol = protocol
    this.#server = server
  }

  override createConnection() {
    const [ours, theirs] = duplexPair()
    this.#server.emit("connection", theirs)
    return Object.assign(ours, asSocket)
  }
}

/** What Node's client calls of a socket. */
const asSocket = { setTimeout: () => {}, setKeepAlive: () => {}, setNoDelay: () => {}, ref: () => {}, unref: () => {} }

const textsOf = (headers: IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

/** Spans that nobody sees. */
const untold = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

/** Connections that are open before they are needed. The first request to a host takes it, and it is kept as any other. */
export class Connections extends HttpsAgent {
  readonly #open = new Map<string, TLSSocket>()

  /** The clients of layers that this is provided to use them. */
  readonly transport: Layer.Layer<never> = Layer.succeed(Transport, {
    ...clientOptions.requestHandler,
    httpsAgent: this
  })

  constructor() {
    // As the SDK has its own.
    super({ keepAlive: true, maxSockets: 50 })
  }

  /** Is over when the connection is open, or could not be opened: then the first request tells why. */
  open(host: string): Effect.Effect<void> {
    const { hostname, port } = new URL(`https://${host}`)
    const options = {
      host: hostname,
      port: port === "" ? 443 : Number(port),
      servername: isIP(hostname) ? "" : hostname
    }
    return Effect.callback<void>((resume) => {
      const socket = super.createConnection(options) as TLSSocket
      const key = keyOf(options)
      socket.on("error", () => {})
      socket.once("close", () => {
        if (this.#open.get(key) === socket) this.#open.delete(key)
        resume(Effect.void)
      })
      socket.once("secureConnect", () => {
        // Nobody waits for it.
        socket.unref()
        this.#open.set(key, socket)
        resume(Effect.void)
      })
      return Effect.sync(() => socket.destroy())
    }).pipe(Effect.timeoutOption(patience), Effect.asVoid)
  }

  override createConnection(...[options, callback]: Parameters<HttpsAgent["createConnection"]>) {
    const key = keyOf(options)
    const socket = this.#open.get(key)
    this.#open.delete(key)
    return socket === undefined ? super.createConnection(options, callback) : socket.ref()
  }
}

const keyOf = ({ host, port }: RequestOptions) => `${host}:${port}`
