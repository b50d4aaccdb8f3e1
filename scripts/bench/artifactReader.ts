// Reads one file of each of several artifacts in turn, in a process of its own: what the benchmark of artifacts measures.
// Linux only: it asks the kernel for its memory.
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { readFileSync, writeFileSync } from "node:fs"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { buffer } from "node:stream/consumers"
import * as yauzl from "yauzl-promise"
import { decodeJob } from "../../src/domain/job/Job.ts"
import { ArtifactStore } from "../../src/services/ArtifactStore.ts"

export interface Reading {
  /** Milliseconds of each read: a row each round, a column each artifact. */
  readonly times: ReadonlyArray<ReadonlyArray<number>>
  /** By how many bytes the process's peak was over what it held before. */
  readonly memory: number
}

const file = "template.json"

/** As this package does it. */
const byRanges = () => {
  const runtime = ManagedRuntime.make(ArtifactStore.layer)
  return (objectKey: string) => {
    const artifact = { name: "A", location: { s3Location: { bucketName: "bucket", objectKey } } }
    const event = { "CodePipeline.job": { id: "1", data: { inputArtifacts: [artifact] } } }
    return runtime.runPromise(
      Effect.flatMap(decodeJob(event), (job) => ArtifactStore.use(({ read }) => read(job, { artifact: "A", file })))
    )
  }
}

/** As it is done without: the whole object in memory, then the file out of it. */
const byDownload = () => {
  const client = new S3Client({ forcePathStyle: true })
  return async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key }))
    const zip = await yauzl.fromBuffer(Buffer.from(await Body!.transformToByteArray()))
    for await (const entry of zip) {
      if (entry.filename === file) return buffer(await entry.openReadStream())
    }
    throw new Error(`${Key} has no ${file}`)
  }
}

const [way, rounds = "1", ...keys] = process.argv.slice(2)
const read = way === "ranges" ? byRanges() : byDownload()

/** A figure of Linux's for this process, in bytes. */
const status = (name: string) =>
  Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024

// Code is loaded and connections are open before anything is measured; then the peak is forgotten.
await read("warm.zip")
writeFileSync("/proc/self/clear_refs", "5")
const baseline = status("VmRSS")
const times: Array<ReadonlyArray<number>> = []
for (let round = 0; round < Number(rounds); round++) {
  const row: Array<number> = []
  for (const key of keys) {
    const before = performance.now()
    await read(key)
    row.push(performance.now() - before)
  }
  times.push(row)
}
process.stdout.write(JSON.stringify({ times, memory: status("VmHWM") - baseline } satisfies Reading))
process.exit()
