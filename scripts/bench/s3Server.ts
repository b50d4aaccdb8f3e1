// S3 for benchmarks, in a process of its own: serves ranges of the files in a folder on loopback, and counts.
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { join } from "node:path"
import process from "node:process"

/** The requests since the counts were last read. */
export interface Counts {
  readonly requests: number
  readonly bytes: number
}

const folder = process.argv[2] ?? "."
let counts = { requests: 0, bytes: 0 }

/** `bytes=-N` and `bytes=A-B`, as the AWS SDK sends them; the whole object without. */
const rangeOf = (header: string | undefined, size: number): readonly [start: number, end: number] => {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? []
  if (first === "" && last === "") return [0, size]
  return first === "" ? [Math.max(0, size - Number(last)), size] : [Number(first), Math.min(Number(last) + 1, size)]
}

const serve = async (request: IncomingMessage, response: ServerResponse) => {
  if (request.url === "/counts") {
    response.end(JSON.stringify(counts))
    counts = { requests: 0, bytes: 0 }
    return
  }
  const file = join(folder, new URL(request.url ?? "/", "http://s3").pathname.replace("/bucket/", ""))
  const { size } = await stat(file)
  const [start, end] = rangeOf(request.headers.range, size)
  counts = { requests: counts.requests + 1, bytes: counts.bytes + end - start }
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    ETag: "\"1\"",
    "Content-Length": end - start,
    "Content-Range": `bytes ${start}-${end - 1}/${size}`
  })
  createReadStream(file, { start, end: end - 1 }).pipe(response)
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object") process.send?.(address?.port)
})
process.on("disconnect", () => process.exit())
