// moto, an AWS of Python on this machine, where there is one.
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"

const search = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('moto', 'flask', 'flask_cors'))))"

export const hasMoto = spawnSync("python3", ["-c", search]).status === 0

/** Its URL; it ends with the scope. */
export const startMoto = Effect.acquireRelease(
  Effect.callback<{ readonly endpoint: string; readonly end: () => void }>((resume) => {
    // It chooses the port, and tells it.
    const server = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
    let told = ""
    server.stderr.on("data", (text) => {
      told += text
      const [endpoint] = /http:\/\/127\.0\.0\.1:\d+/.exec(told) ?? []
      if (endpoint !== undefined) resume(Effect.succeed({ endpoint, end: () => void server.kill() }))
    })
    server.on("exit", (status) => resume(Effect.die(new Error(`moto ended with ${status}: ${told}`))))
  }),
  ({ end }) => Effect.sync(end)
).pipe(Effect.map(({ endpoint }) => endpoint))
