// Is loaded before a function and notes, on the process's fifth stream, what no input may bring the function to do: to
// write a file, to start a program. Connections are noted too, and made only on this machine.
import childProcess from "node:child_process"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import net from "node:net"
import { basename } from "node:path"
import vm from "node:vm"
import workers from "node:worker_threads"

const { writeSync } = fs

const note = (line: string) => writeSync(4, `${line}\n`)

type Functions = Record<string, (...args: ReadonlyArray<unknown>) => unknown>

/** The script that the loader makes of the function. */
const isFunction = (options: unknown) =>
  typeof options === "object" && options !== null && "filename" in options &&
  basename(String(options.filename)) === "function.js"

/** To open a file for reading, what the container itself writes into its fourth stream, and to load the function. */
const isAllowed = (key: string, [first, second]: ReadonlyArray<unknown>) => {
  if (key.startsWith("open")) return [undefined, "r", 0].includes(second as undefined)
  return key === "writeSync" ? first === 3 : key === "Script" && isFunction(second)
}

/** Does what it did before, and says so. */
const watch = (name: string, module: object, functions: RegExp) => {
  const all = module as Functions
  for (const key of Object.keys(all).filter((key) => functions.test(key))) {
    const original = all[key]
    if (typeof original !== "function") continue
    all[key] = new Proxy(original, {
      apply: (target, self, args) => {
        if (!isAllowed(key, args)) note(`${name}.${key} ${args[0]}`)
        return Reflect.apply(target, self, args)
      },
      construct: (target, args) => {
        if (!isAllowed(key, args)) note(`new ${name}.${key} ${args[0]}`)
        return Reflect.construct(target, args)
      }
    })
  }
}

const writing =
  /^(append|[fl]?ch(mod|own)|copy|cp|createWrite|f?truncate|[fl]?utimes|link|mk|open|re(name|move)|rm|symlink|unlink|[wW]rite)/

watch("fs", fs, writing)
watch("fs/promises", fs.promises, writing)
watch("child_process", childProcess, /^(exec|fork|spawn)/)
watch("worker_threads", workers, /^Worker$/)
watch("vm", vm, /^(run|compile|Script|SourceTextModule)/)
syncBuiltinESMExports()

/** The arguments of `connect` as Node's own modules give them: normalised, or options alone. */
const placeOf = (args: ReadonlyArray<unknown>) => {
  const [first] = args
  const { host = "localhost", path, port } = (Array.isArray(first) ? first[0] : first) as net.TcpNetConnectOpts & {
    readonly path?: string
  }
  return { host, place: path ?? `${host}:${port}` }
}

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function(this: net.Socket, ...args: Array<unknown>) {
  const { host, place } = placeOf(args)
  note(`connect ${place}`)
  if (host === "127.0.0.1") return Reflect.apply(connect, this, args)
  queueMicrotask(() =>
    this.destroy(Object.assign(new Error(`connect ECONNREFUSED ${place}`), { code: "ECONNREFUSED" }))
  )
  return this
} as typeof connect

process.on("exit", () => {
  for (const key of Reflect.ownKeys(Object.prototype)) {
    if (Object.getOwnPropertyDescriptor(Object.prototype, key)?.enumerable) note(`Object.prototype.${String(key)}`)
  }
})
