// Reads one file of each of several artifacts in turn, in a process of its own, for the benchmark of artifacts. It works on
// Linux only, where the kernel reports the memory.
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
  /** Milliseconds of each read: a row for each round, a column for each artifact. */
  readonly times: ReadonlyArray<ReadonlyArray<number>>
  /** The peak of the memory during the reads, less the memory before, in bytes. */
  readonly memory: number
}

const file = "template.json"

/** How this package reads. */
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

/** The usual way: downloads the whole object into memory, then reads the file. */
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

/** A value of /proc/self/status, in bytes. */
const status = (name: string) =>
  Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024

// Loads the code and opens the connections first, then resets the peak.
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
