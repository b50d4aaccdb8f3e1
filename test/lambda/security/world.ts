// The whole function, as it is built but logging all it can, in a process of its own between servers of its own.
import { assert, beforeAll, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises"
import type { IncomingHttpHeaders } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle } from "../../../scripts/build/bundle.ts"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import { CodePipelineServer } from "../../contract/CodePipelineServer.ts"
import { type AwsServer, listen } from "../../contract/server.ts"
import { deployEvent, sampleTemplate, secrets as secretsOfEvents } from "../../fixtures.ts"
import { startContainer } from "../container.ts"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Nothing is evaluated that came as text, and what else must not be done is noted. */
export const guarded = ["--disallow-code-generation-from-strings", "--import", path("guard.ts")]

/** The function whose safety is tested. */
export interface Subject<Id> {
  /** The module of the function in this folder. */
  readonly module: string
  readonly cloudFormation: Effect.Effect<AwsServer, never, Id>
  readonly layer: Layer.Layer<Id>
  /** The UserParameters of a job that works: its number is a part of the name of what it creates. */
  readonly userParameters: (job: number) => string
  /** What it reports for them. */
  readonly message: string
}

/** Builds the module before the tests; returns the folder of the function, which exists from then on. */
const buildBefore = (module: string) => {
  let folder = ""
  beforeAll(async () => {
    const outdir = await mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-"))
    await bundle(module, path(`${module}.ts`), outdir)
    folder = join(outdir, module)
    return () => rm(outdir, { recursive: true })
  })
  return () => folder
}

/** Some have what JSON, URLs and regular expressions write in another way. */
export const credentials = {
  accessKeyId: "ASIAJOBSKEYIDEXAMPLE",
  secretAccessKey: "job\\secret/+\"quoted\"(key)EXAMPLE",
  sessionToken: `job-session-token/${"+Ab9/".repeat(40)}==`
}
export const functionCredentials = {
  AWS_ACCESS_KEY_ID: "ASIAFUNCTIONSKEYID00",
  AWS_SECRET_ACCESS_KEY: "function\\secret/+\"quoted\"(key)EXAMPLE",
  AWS_SESSION_TOKEN: `function-session-token/${"+Zy8/".repeat(40)}==`
}
/** What a pipeline may have in UserParameters where it does not belong, or in a template. */
export const password = "correct-horse-battery-staple"

export const known = [
  ...Object.values(credentials),
  ...Object.values(functionCredentials),
  password,
  ...secretsOfEvents
]

/** The forms in which a secret could be told. In base64 it may stand anywhere in something longer. */
export const formsOf = (secret: string) => {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").slice(offset === 0 ? 0 : offset + 1, -4)
  )
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString("hex"),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))
  ]
}

interface S3Answer {
  readonly status: number
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** How S3 answers; "reset" is no answer at all. */
export type S3 = (headers: IncomingHttpHeaders) => S3Answer | "reset"

/** Any object is this zip, of which ranges can be asked for. */
export const zipped = (zip: Uint8Array): S3 => (headers) => {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "") ?? []
  const start = first === "" ? Math.max(0, zip.length - Number(last)) : Number(first)
  const end = first === "" ? zip.length : Math.min(Number(last) + 1, zip.length)
  return {
    status: 206,
    body: zip.subarray(start, end),
    headers: { etag: "\"1\"", "content-range": `bytes ${start}-${end - 1}/${zip.length}` }
  }
}

export const s3Refuses = (status: number, code: string, message: string, more = ""): S3 => () => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`
})

export const file = "template-package/template.json"
export const template = sampleTemplate.replace("{", `{ "Description": "${password}",`)

export interface Delivery {
  readonly userParameters?: string
  /** Instead of a whole event. */
  readonly event?: unknown
  readonly data?: Readonly<Record<string, unknown>>
  readonly s3?: S3
  readonly remainingMillis?: number
}

const worldOf = Effect.fnUntraced(function*<Id>(subject: Subject<Id>, folder: string) {
  const cloudFormation = yield* subject.cloudFormation
  const codePipeline = yield* CodePipelineServer
  const scratch = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "scratch-"))),
    (scratch) => Effect.promise(() => rm(scratch, { recursive: true }))
  )
  yield* Effect.promise(() => mkdir(join(scratch, "tmp")))
  const good = zipped(yield* zipFiles({ [file]: template }))
  let answer = good
  const s3Requests: Array<{ readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }> = []
  const s3 = yield* listen((request, response) => {
    const { headers, method = "", url = "" } = request
    s3Requests.push({ method, url, headers })
    const said = answer(headers)
    if (said === "reset") return request.socket.resetAndDestroy()
    return response.writeHead(said.status, said.headers).end(said.body)
  })
  const container = yield* startContainer({
    folder,
    cwd: scratch,
    nodeOptions: guarded,
    env: {
      HOME: scratch,
      TMPDIR: join(scratch, "tmp"),
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_S3: s3,
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
      // An event may ask for a role of another account; STS rejects it.
      AWS_ENDPOINT_URL_STS: cloudFormation.endpoint,
      AWS_ENDPOINT_URL_CODEPIPELINE: codePipeline.endpoint,
      ...functionCredentials
    }
  })
  let jobs = 0

  /** One event, and what CodePipeline was told of its job. */
  const deliver = Effect.fnUntraced(
    function*({ data, event, remainingMillis, userParameters, ...given }: Delivery = {}) {
      const id = `job-${++jobs}`
      answer = given.s3 ?? good
      const parameters = userParameters ?? subject.userParameters(jobs)
      const before = { s3: s3Requests.length, reports: codePipeline.calls.length }
      const result = yield* container.invoke(
        event ?? deployEvent({ id, userParameters: parameters, artifactCredentials: credentials, ...data }),
        remainingMillis
      )
      const reports = codePipeline.calls.slice(before.reports)
      return { result, reports, fetched: s3Requests.slice(before.s3).map(({ method, url }) => `${method} ${url}`) }
    }
  )

  return {
    deliver,
    /** The same, where one report is to be made, or the event rejected. */
    answered: Effect.fnUntraced(function*(name: string, delivery: Delivery = {}) {
      const { fetched, reports, result } = yield* deliver(delivery)
      assert.lengthOf(reports, "resolved" in result ? 1 : 0, `${name}: ${JSON.stringify(result)}`)
      return { fetched, outcome: "resolved" in result ? result.resolved : undefined }
    }),
    /** Ends the function and looks at all that it has said and done. */
    assertHarmless: Effect.gen(function*() {
      const last = yield* deliver()
      assert.deepNestedInclude(last.result, { "resolved.message": subject.message }, "the function still works")
      const { code, notes, stderr, stdout } = yield* container.end
      assert.strictEqual(code, 0)

      const endpoints = [s3, cloudFormation.endpoint, codePipeline.endpoint]
      const connections = new Set(endpoints.map((endpoint) => `connect ${endpoint.replace("http://", "")}`))
      assert.deepStrictEqual(
        [...new Set(notes.trimEnd().split("\n"))].filter((note) => !connections.has(note)),
        []
      )
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(scratch, { recursive: true })), ["tmp"])

      const calls = [...s3Requests, ...cloudFormation.calls, ...codePipeline.calls]
      const signatures = calls.flatMap(({ headers: { authorization = "" } }) =>
        /Signature=(?<signature>\w+)/.exec(authorization)?.groups?.["signature"] ?? []
      )
      assert.lengthOf(signatures, calls.length)
      const told = [stdout, stderr, ...codePipeline.calls.map(({ parameters }) => JSON.stringify(parameters))].join(
        "\n"
      )
      assert.include(told, "Job started")
      for (const text of [...known.flatMap(formsOf), ...signatures]) assert.notInclude(told, text)
    })
  }
})

export type World = Effect.Success<ReturnType<typeof worldOf>>

/** `scenario`: a test with a function of its own, which has to have done no harm in the end. `folder`: where the function is. */
export const scenarios = <Id>(subject: Subject<Id>) => {
  const folder = buildBefore(subject.module)
  const scenario = (
    name: string,
    test: (world: World) => Effect.Effect<void, never, Id | CodePipelineServer | Scope.Scope>
  ) =>
    it.live(name, () =>
      Effect.gen(function*() {
        const started = yield* worldOf(subject, folder())
        yield* test(started)
        yield* started.assertHarmless
      }).pipe(Effect.provide(Layer.merge(subject.layer, CodePipelineServer.layer))))
  return { folder, scenario }
}
