// moto, a simulation of AWS in Python, if it is installed.
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"

const search = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('moto', 'flask', 'flask_cors'))))"

export const hasMoto = spawnSync("python3", ["-c", search]).status === 0

/** Starts moto, and returns its URL. It ends with the scope. */
export const startMoto = Effect.acquireRelease(
  Effect.callback<{ readonly endpoint: string; readonly end: () => void }>((resume) => {
    // It chooses a port, and prints its URL.
    const server = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
    let printed = ""
    server.stderr.on("data", (text) => {
      printed += text
      const [endpoint] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? []
      if (endpoint !== undefined) resume(Effect.succeed({ endpoint, end: () => void server.kill() }))
    })
    server.on("exit", (status) => resume(Effect.die(new Error(`moto ended with ${status}: ${printed}`))))
  }),
  ({ end }) => Effect.sync(end)
).pipe(Effect.map(({ endpoint }) => endpoint))
