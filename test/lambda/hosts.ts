// A preload of functions under test: host names with the addresses of the environment variable HOSTS, in JSON. A
// connection to 192.0.2.1, which is not local, goes to a server on this machine.
import dns from "node:dns"
import { syncBuiltinESMExports } from "node:module"
import net from "node:net"

const hosts: Readonly<Record<string, ReadonlyArray<string>>> = JSON.parse(process.env["HOSTS"] ?? "{}")

const { lookup } = dns
type Callback = (error: Error | null, addresses: ReadonlyArray<dns.LookupAddress>) => void

dns.lookup = ((name: string, options: dns.LookupOptions, callback: Callback) => {
  const addresses = hosts[name]?.map((address) => ({ address, family: net.isIP(address) }))
  if (addresses === undefined) return Reflect.apply(lookup, dns, [name, options, callback])
  return queueMicrotask(() => callback(null, addresses))
}) as typeof lookup
syncBuiltinESMExports()

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function(this: net.Socket, ...args: Array<unknown>) {
  const [first] = args
  const options = (Array.isArray(first) ? first[0] : first) as net.TcpNetConnectOpts
  if (options.host === "192.0.2.1") options.host = "127.0.0.1"
  return Reflect.apply(connect, this, args)
} as typeof connect
