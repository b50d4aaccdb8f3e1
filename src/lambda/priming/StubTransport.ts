// HTTP agents whose connections end inside this process, so that AWS clients run without a network.
import { Agent, createServer, type IncomingHttpHeaders, type Server } from "node:http"
import { duplexPair } from "node:stream"

/** A request that an AWS client would have sent. */
export interface StubRequest {
  readonly method: string
  readonly hostname: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** The response that the client receives in place of AWS's. */
export interface StubResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** Answers a request of the replayed job. */
export type StubResponder = (request: StubRequest) => StubResponse | Promise<StubResponse>

/** Agents for Node's HTTP client. `onHost` receives the TLS hosts that a real job would connect to. */
export const stubAgents = (respond: StubResponder, onHost: (host: string) => void) => {
  const makeServer = (protocol: "http:" | "https:") =>
    createServer((request, response) =>
      void (async () => {
        const { headers, method = "GET" } = request
        const { host, hostname } = new URL(`${protocol}//${headers.host}`)
        // An object's host contains the bucket name, which only a real job knows.
        if (protocol === "https:" && method === "POST") onHost(host)
        const body = Buffer.concat(await request.toArray())
        const stub = await respond({ method, hostname, headers: toTexts(headers), body })
        response.writeHead(stub.status, { ...stub.headers }).end(stub.body)
      })().catch(() => response.destroy())
    )
  const makeAgent = (protocol: "http:" | "https:") => new StubAgent(protocol, makeServer(protocol))
  return { httpAgent: makeAgent("http:"), httpsAgent: makeAgent("https:") }
}

class StubAgent extends Agent {
  /** Node requires the protocol of the request. */
  readonly protocol: string
  readonly #server: Server

  constructor(protocol: string, server: Server) {
    super({ keepAlive: true })
    this.protocol = protocol
    this.#server = server
  }

  override createConnection() {
    const [client, server] = duplexPair()
    this.#server.emit("connection", server)
    return Object.assign(client, stubSocket)
  }
}

/** The methods that Node's client calls on a socket. */
const stubSocket = {
  setTimeout: () => {},
  setKeepAlive: () => {},
  setNoDelay: () => {},
  ref: () => {},
  unref: () => {}
}

const toTexts = (headers: IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
