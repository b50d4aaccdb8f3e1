// A preload of run: www.example.com is a server of this process, with and without TLS.
import dns from "node:dns"
import { createServer } from "node:http"
import { syncBuiltinESMExports } from "node:module"
import net, { type AddressInfo } from "node:net"
import tls from "node:tls"

const address = "192.0.2.1"

const server = createServer((_request, response) => response.end("Example Domain. Congratulations!")).unref()
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
const { port } = server.address() as AddressInfo

const { lookup } = dns
type Callback = (error: Error | null, addresses: ReadonlyArray<dns.LookupAddress>) => void

dns.lookup = ((name: string, options: dns.LookupOptions, callback: Callback) =>
  name === "www.example.com"
    ? queueMicrotask(() => callback(null, [{ address, family: 4 }]))
    : Reflect.apply(lookup, dns, [name, options, callback])) as typeof lookup

/** The server has no certificate of this name. */
tls.connect = (({ socket }: { readonly socket: net.Socket }) => {
  queueMicrotask(() => socket.emit("secureConnect"))
  return socket
}) as unknown as typeof tls.connect
syncBuiltinESMExports()

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function(this: net.Socket, ...args: Array<unknown>) {
  const [first] = args
  const options = (Array.isArray(first) ? first[0] : first) as net.TcpNetConnectOpts
  if (options.host === address) Object.assign(options, { host: "127.0.0.1", port })
  return Reflect.apply(connect, this, args)
} as typeof connect
