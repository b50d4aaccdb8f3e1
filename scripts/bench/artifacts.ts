// npm run bench -- artifacts: measures reading a template out of a zip, compared with downloading the zip.
import { build } from "esbuild"
import { type ChildProcess, execFile, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { pipeline } from "node:stream/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { ZipFile } from "yazl"
import type { Reading } from "./artifactReader.ts"
import type { Counts } from "./s3Server.ts"
import { withYauzl } from "./withYauzl.ts"

const kib = 1024
const mib = 1024 * kib
const tail = mib
const templateBytes = 3_000

interface Case {
  readonly name: string
  /** The bytes of the other files. */
  readonly payload: number
  readonly entries: number
  readonly requests: number
}

const cases: ReadonlyArray<Case> = [
  { name: "2 KB", payload: 0, entries: 1, requests: 1 },
  { name: "1 MB", payload: 1_000_000, entries: 100, requests: 1 },
  { name: "50 MB", payload: 50_000_000, entries: 100, requests: 2 },
  { name: "500 MB", payload: 500_000_000, entries: 100, requests: 2 },
  { name: "20,000 entries", payload: 20_000_000, entries: 20_000, requests: 3 }
]

interface Zip {
  readonly size: number
  /** The bytes of its directory. */
  readonly directory: number
}

const keyOf = ({ entries, payload }: Case) => `${entries}-${payload}.zip`

/** A zip of random bytes with a template as its first file. */
const makeZip = async (path: string, payload: number, entries: number): Promise<Zip> => {
  const zip = new ZipFile()
  const done = pipeline(zip.outputStream, createWriteStream(path))
  zip.addBuffer(
    Buffer.from(JSON.stringify({ Resources: randomBytes(templateBytes / 2).toString("base64") })),
    "template.json"
  )
  const length = Math.ceil(payload / Math.max(1, entries - 1))
  let directory = 46 + "template.json".length
  for (let index = 1; index < entries; index++) {
    const name = `assets/some/folder/file-${String(index).padStart(8, "0")}.bin`
    zip.addBuffer(randomBytes(length), name, { compress: false })
    directory += 46 + name.length
  }
  zip.end()
  await done
  return { size: (await stat(path)).size, directory }
}

const startServer = (folder: string) =>
  new Promise<{ readonly server: ChildProcess; readonly port: unknown }>((resolve) => {
    const server = fork(fileURLToPath(new URL("s3Server.ts", import.meta.url)), [folder])
    server.once("message", (port) => resolve({ server, port }))
  })

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)} MB`

export const artifacts = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-"))
  const { port, server } = await startServer(folder)
  const endpoint = `http://127.0.0.1:${port}`
  const env = {
    PATH: process.env["PATH"],
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench"
  }
  const counts = async () => (await (await fetch(`${endpoint}/counts`)).json()) as Counts
  // Bundled like the functions, without the memory that Node needs for TypeScript.
  await build({
    entryPoints: [fileURLToPath(new URL("artifactReader.ts", import.meta.url))],
    outfile: join(folder, "reader.mjs"),
    ...withYauzl
  })
  const read = async (way: string, rounds: number, ...keys: ReadonlyArray<string>) => {
    const args = [join(folder, "reader.mjs"), way, String(rounds), ...keys]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env })
    return JSON.parse(stdout) as Reading
  }

  const warm = await makeZip(join(folder, "warm.zip"), 0, 1)
  const zips = new Map<Case, Zip>()
  for (const one of cases) zips.set(one, await makeZip(join(folder, keyOf(one)), one.payload, one.entries))

  const { times } = await read("ranges", 21, ...cases.map(keyOf))
  const column = (name: string) => {
    const index = cases.findIndex((one) => one.name === name)
    return times.map((row) => row[index] ?? NaN)
  }

  const rows: Array<ReadonlyArray<string>> = []
  let exceeded = false
  for (const [one, { directory, size }] of zips) {
    await counts()
    // One read per process: the memory of a cold function, without garbage of earlier reads.
    const { memory } = await read("ranges", 1, keyOf(one))
    const counted = await counts()
    const [requests, bytes] = [counted.requests - 1, counted.bytes - warm.size]
    const allowed = Math.min(size, tail) + templateBytes + kib + (directory > tail ? directory : 0)
    const holds = requests === one.requests && bytes <= allowed && memory <= 20e6
    exceeded ||= !holds

    const whole = await read("download", 1, keyOf(one))
    rows.push([
      one.name,
      `${requests}`,
      mb(bytes),
      `${median(column(one.name)).toFixed(1)} ms`,
      mb(memory),
      mb(size),
      `${(whole.times[0]?.[0] ?? NaN).toFixed(1)} ms`,
      mb(whole.memory),
      holds ? "yes" : `no: ${one.requests} requests, ${mb(allowed)}, 20 MB`
    ])
  }
  server.disconnect()
  await rm(folder, { recursive: true })

  const head = ["artifact", "requests", "bytes", "time", "memory", "all bytes", "time", "memory", "within limits"]
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of [head, ...rows]) {
    process.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`)
  }
  const small = column("1 MB")
  const ratio = median(column("500 MB").map((time, round) => time / (small[round] ?? NaN)))
  process.stdout.write(
    `\ntime for 500 MB / time for 1 MB, median of ${times.length} rounds: ${ratio.toFixed(2)} (limit 1.50)\n`
  )
  if (exceeded || !(ratio <= 1.5)) process.exitCode = 1
}
