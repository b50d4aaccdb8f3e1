// TLS connections that are open before the first request needs them.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type RequestOptions } from "node:https"
import { isIP } from "node:net"
import type { TLSSocket } from "node:tls"
import { clientOptions, Transport } from "../../runtime/AwsClient.ts"

/** The first request to a host takes the open connection; afterwards the agent keeps it like any other. */
export class Connections extends Agent {
  readonly #open = new Map<string, TLSSocket>()

  /** AWS clients in layers with this transport use these connections. */
  readonly transport: Layer.Layer<never> = Layer.succeed(Transport, {
    ...clientOptions.requestHandler,
    httpsAgent: this
  })

  constructor() {
    // The SDK's own defaults.
    super({ keepAlive: true, maxSockets: 50 })
  }

  /**
   * Ends when the connection is open, or could not be opened within `limit` milliseconds. It never fails: the first
   * request reports the error.
   */
  open(host: string, limit: number): Effect.Effect<void> {
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
        // An idle connection does not keep the process alive.
        socket.unref()
        this.#open.set(key, socket)
        resume(Effect.void)
      })
      return Effect.sync(() => socket.destroy())
    }).pipe(Effect.timeoutOption(limit), Effect.asVoid)
  }

  override createConnection(...[options, callback]: Parameters<Agent["createConnection"]>) {
    const key = keyOf(options)
    const socket = this.#open.get(key)
    this.#open.delete(key)
    return socket === undefined ? super.createConnection(options, callback) : socket.ref()
  }
}

const keyOf = ({ host, port }: RequestOptions) => `${host}:${port}`
