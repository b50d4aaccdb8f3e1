// Runs scripts of this repository one after another in this process, because a process for each takes too long, and
// prints what they print. The arguments are JSON: a list of command lines, each the path of a script and its arguments.
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"

export interface Printed {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | string | null | undefined
}

const printed: Array<Printed> = []
const streams = ["stdout", "stderr"] as const

for (const [index, [script = "", ...args]] of (JSON.parse(process.argv[2] ?? "") as Array<Array<string>>).entries()) {
  const path = resolve(script)
  const text = { stdout: "", stderr: "" }
  const originals = streams.map((name) => process[name].write)
  for (const name of streams) {
    process[name].write = (chunk) => {
      text[name] += String(chunk)
      return true
    }
  }
  process.argv.splice(1, Infinity, path, ...args)
  process.exitCode = undefined
  // The query makes it another module each time; what it imports is loaded once.
  await import(`${pathToFileURL(path).href}?${index}`)
  printed.push({ ...text, status: process.exitCode ?? 0 })
  for (const [index, name] of streams.entries()) process[name].write = originals[index]!
}

process.exitCode = 0
process.stdout.write(JSON.stringify(printed))
