// The whole function, as it is built but logging all it can, in a process of its own between servers of its own: whatever
// fails and whatever it is given, it tells no secret, writes nothing, starts nothing and asks nobody else.
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation"
import { assert, beforeAll, it } from "@effect/vitest"
import { Console, Effect, Layer, References, Schema, type Scope } from "effect"
import { TestConsole } from "effect/testing"
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises"
import type { IncomingHttpHeaders } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle } from "../../scripts/build/bundle.ts"
import * as Action from "../../src/Action.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import * as Lambda from "../../src/lambda/handler.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import { CloudFormationServer } from "../contract/CloudFormationServer.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { Answer, denied, listen, refused, unavailable } from "../contract/server.ts"
import { deployEvent, eventNames, readEvent, sampleTemplate, secrets as secretsOfEvents } from "../fixtures.ts"
import { rawZip } from "../internal/rawZip.ts"
import { startContainer } from "./container.ts"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Nothing is evaluated that came as text, and what else must not be done is noted. */
const guarded = ["--disallow-code-generation-from-strings", "--import", path("guard.ts")]

let folder = ""

beforeAll(async () => {
  const outdir = await mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-"))
  await bundle("traced", path("traced.ts"), outdir)
  folder = join(outdir, "traced")
  return () => rm(outdir, { recursive: true })
})

/** Some have what JSON, URLs and regular expressions write in another way. */
const credentials = {
  accessKeyId: "ASIAJOBSKEYIDEXAMPLE",
  secretAccessKey: "job\\secret/+\"quoted\"(key)EXAMPLE",
  sessionToken: `job-session-token/${"+Ab9/".repeat(40)}==`
}
const functionCredentials = {
  AWS_ACCESS_KEY_ID: "ASIAFUNCTIONSKEYID00",
  AWS_SECRET_ACCESS_KEY: "function\\secret/+\"quoted\"(key)EXAMPLE",
  AWS_SESSION_TOKEN: `function-session-token/${"+Zy8/".repeat(40)}==`
}
/** What a pipeline may have in UserParameters where it does not belong, or in a template. */
const password = "correct-horse-battery-staple"

const known = [...Object.values(credentials), ...Object.values(functionCredentials), password, ...secretsOfEvents]

/** The forms in which a secret could be told. In base64 it may stand anywhere in something longer. */
const formsOf = (secret: string) => {
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
type S3 = (headers: IncomingHttpHeaders) => S3Answer | "reset"

/** Any object is this zip, of which ranges can be asked for. */
const zipped = (zip: Uint8Array): S3 => (headers) => {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "") ?? []
  const start = first === "" ? Math.max(0, zip.length - Number(last)) : Number(first)
  const end = first === "" ? zip.length : Math.min(Number(last) + 1, zip.length)
  return {
    status: 206,
    body: zip.subarray(start, end),
    headers: { etag: "\"1\"", "content-range": `bytes ${start}-${end - 1}/${zip.length}` }
  }
}

const s3Refuses = (status: number, code: string, message: string, more = ""): S3 => () => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`
})

const file = "template-package/template.json"
const template = sampleTemplate.replace("{", `{ "Description": "${password}",`)

interface Delivery {
  readonly userParameters?: string
  /** Instead of a whole event. */
  readonly event?: unknown
  readonly data?: Readonly<Record<string, unknown>>
  readonly s3?: S3
  readonly remainingMillis?: number
}

const world = Effect.gen(function*() {
  const cloudFormation = yield* CloudFormationServer
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
      const parameters = userParameters ?? JSON.stringify({ stack: `Stack-${jobs}`, file, artifact: "MyTemplate" })
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
      assert.deepNestedInclude(last.result, { "resolved.message": "Stack create started" }, "the function still works")
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

type World = Effect.Success<typeof world>

/** A test with a function of its own, which has to have done no harm in the end. */
const scenario = (
  name: string,
  test: (world: World) => Effect.Effect<void, never, CloudFormationServer | CodePipelineServer | Scope.Scope>
) =>
  it.live(name, () =>
    Effect.gen(function*() {
      const started = yield* world
      yield* test(started)
      yield* started.assertHarmless
    }).pipe(Effect.provide(Layer.merge(CloudFormationServer.layer(), CodePipelineServer.layer))))

/** What services of AWS say of a signature that they do not take: the whole request, as they understand it. */
const canonicalRequest = (token: string) =>
  `The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ` +
  `signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have ` +
  `been\n'POST\n/\n\nhost:127.0.0.1\nx-amz-date:20260101T000000Z\nx-amz-security-token:${token}\n\n` +
  `host;x-amz-date;x-amz-security-token\ne3b0c442'`

const authorization = (token: string) =>
  `'${functionCredentials.AWS_ACCESS_KEY_ID}' not a valid key=value pair (missing equal-sign) in Authorization header: ` +
  `'AWS4-HMAC-SHA256 Credential=${functionCredentials.AWS_ACCESS_KEY_ID}/20260101/eu-central-1/cloudformation/` +
  `aws4_request, SignedHeaders=host, Signature=0123456789abcdef' of https://example.com/?X-Amz-Security-Token=` +
  `${encodeURIComponent(token)}&X-Amz-Signature=0123456789abcdef`

const { sessionToken } = credentials
const { AWS_SESSION_TOKEN: functionToken } = functionCredentials

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("\"", "&quot;")

/** S3 says what it was asked. */
const echo: S3 = (headers) => ({
  status: 403,
  body: `<Error><Code>SignatureDoesNotMatch</Code><Message>${escaped(canonicalRequest(sessionToken))}</Message>` +
    `<AWSAccessKeyId>${credentials.accessKeyId}</AWSAccessKeyId><SignatureProvided>${headers.authorization}` +
    `</SignatureProvided><CanonicalRequest>${escaped(JSON.stringify(headers))}</CanonicalRequest></Error>`,
  headers: { "x-amz-echo": String(headers.authorization) }
})

/** Forms of a secret that no pattern can know. */
const quotations: ReadonlyArray<readonly [form: string, quote: (secret: string) => string]> = [
  ["as it is", (secret) => `(${secret})`],
  ["in part", (secret) => `"${secret.slice(0, 60)}..." and "...${secret.slice(-40)}"`],
  ["URL-encoded", (secret) => encodeURIComponent(secret)],
  ["in base64", (secret) => Buffer.from(`user:${secret}`).toString("base64")]
]

const damaged: ReadonlyArray<readonly [name: string, S3]> = [
  ["S3 says what it was asked", echo],
  [
    "the job's credentials have expired",
    s3Refuses(
      400,
      "ExpiredToken",
      "The provided token has expired.",
      `<Token-0>${sessionToken}</Token-0>`
    )
  ],
  [
    "the job's credentials are unknown",
    s3Refuses(
      403,
      "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records.",
      `<AWSAccessKeyId>${credentials.accessKeyId}</AWSAccessKeyId>`
    )
  ],
  ...quotations.map(([form, quote]) =>
    [
      `S3 quotes the token ${form}`,
      s3Refuses(
        400,
        "InvalidToken",
        `The provided token is malformed ${quote(sessionToken)} or ${quote(functionToken)}`
      )
    ] as const
  ),
  ["S3 denies", s3Refuses(403, "AccessDenied", "Access Denied")],
  ["there is no object", s3Refuses(404, "NoSuchKey", "The specified key does not exist.")],
  ["S3 sends elsewhere", () => ({ status: 307, body: "", headers: { location: "http://127.0.0.2:1/elsewhere" } })],
  ["S3 is in another region", () => ({
    status: 301,
    body: "<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.2:1</Endpoint></Error>",
    headers: { location: "http://127.0.0.2:1/elsewhere", "x-amz-bucket-region": "us-west-2" }
  })],
  ["S3 answers in HTML", () => ({ status: 200, body: "<html>hello" })],
  [
    "S3 answers in broken XML",
    () => ({ status: 400, body: "<Error><Code>&#x41;<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>" })
  ],
  ["S3 answers nothing", () => ({ status: 500, body: "" })],
  ["S3 is busy", s3Refuses(503, "SlowDown", "Please reduce your request rate.")],
  ["S3 is away", () => "reset"]
]

const refusals: ReadonlyArray<Answer> = [
  refused("SignatureDoesNotMatch", canonicalRequest(functionToken), 403),
  refused("InvalidSignatureException", canonicalRequest(functionToken), 400),
  refused("IncompleteSignature", authorization(functionToken), 403),
  refused(
    "ExpiredToken",
    `The security token included in the request is expired: ${authorization(functionToken)}`,
    403
  ),
  refused("ValidationError", "Template error: nothing is right", 400),
  refused("Nonsense", "", 418),
  refused("__proto__", "constructor", 400),
  Answer.Done({ body: "no XML" }),
  Answer.Done({ body: "" })
]

scenario("no secret is reported or logged, whatever fails", ({ answered, deliver }) =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormationServer
    const codePipeline = yield* CodePipelineServer
    for (const [name, s3] of damaged) yield* answered(name, { s3, remainingMillis: 600 })

    const operations = ["DescribeStacks", "CreateStack"]
    for (const operation of operations) {
      for (const answer of [...refusals, denied(operation)]) {
        yield* cloudFormation.answerAlways(operation, answer)
        yield* answered(`${operation} ${JSON.stringify(answer)}`, { remainingMillis: 600 })
      }
    }
    for (const operation of operations) yield* cloudFormation.answerNormally(operation)
    yield* cloudFormation.setStatus("Existing", "UPDATE_COMPLETE")
    for (const answer of [unavailable, Answer.Cut()]) {
      yield* cloudFormation.answerAlways("UpdateStack", answer)
      yield* answered(answer._tag, { userParameters: parameters({ stack: "Existing" }), remainingMillis: 600 })
    }

    const quoted = quotations.map(([, quote]) => refused("ValidationError", quote(functionToken), 400))
    for (const answer of [...refusals.slice(0, 4), ...quoted, denied("PutJobSuccessResult")]) {
      // A signature is tried twice.
      yield* codePipeline.answerAlways("PutJobSuccessResult", answer)
      assert.property((yield* deliver()).result, "rejected")
    }
    yield* codePipeline.answerNormally("PutJobSuccessResult")
  }))

const otherStack = "arn:aws:cloudformation:us-west-2:210987654321:stack/Other/5c36ae10-1b4f-11f0-8d4e-000000000000"

const parameters = (change: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ stack: "MyTestStack", file, artifact: "MyTemplate", ...change })

/** As text, because an object literal has no such key. */
const withKey = (key: string, value: string) => parameters({}).replace("{", `{"${key}": ${value},`)

const hostileParameters: ReadonlyArray<string> = [
  "",
  "null",
  "[]",
  password,
  `"${password}"`,
  `{"${file}": ${password}`,
  parameters({ password }),
  parameters({ stack: { password } }),
  parameters({ stack: [password] }),
  parameters({ stack: password.replaceAll("-", " ") }),
  withKey("__proto__", "{\"polluted\": true}"),
  withKey("constructor", "{\"prototype\": {\"polluted\": true}}"),
  withKey("toString", "1"),
  "[".repeat(200_000),
  "{\"stack\":".repeat(50_000),
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  `${"{\"stack\":".repeat(50_000)}1${"}".repeat(50_000)}`,
  `{"stack": ${"9".repeat(10_000)}, "file": 1e999, "artifact": -0}`,
  ...[
    "../".repeat(20) + "etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "file:///etc/passwd",
    "http://127.0.0.2:1/x",
    "a\0b",
    "\ud800",
    "%2e%2e%2f",
    "__proto__",
    "x".repeat(100_000),
    "$(touch owned)",
    "`touch owned`",
    "${process.exit()}"
  ]
    .map((file) => parameters({ file })),
  ...[
    "arn:aws:s3:::bucket",
    "arn:aws:iam::123456789012:role/admin",
    otherStack,
    "arn:",
    "a\nb",
    "a b",
    "../x",
    "x".repeat(100_000),
    "__proto__",
    "-",
    "$(touch owned)"
  ]
    .map((stack) => parameters({ stack })),
  ...["__proto__", "constructor", "toString", "../x", "x".repeat(100_000)].map((artifact) => parameters({ artifact })),
  ...["127.0.0.2:1/x", "user@127.0.0.2", "..", "arn:aws:s3:us-west-2:123456789012:accesspoint/x"]
    .map((templateBucket) => parameters({ templateBucket }))
]

/** Where the artifact of these events is. */
const artifactRequest = "GET /codepipeline-us-east-1-123456789012/MyPipeline/MyTemplate/aB3dE5f.zip?x-id=GetObject"

scenario("UserParameters are text, whatever stands in them", ({ answered }) =>
  Effect.gen(function*() {
    for (const userParameters of hostileParameters) {
      const name = userParameters.slice(0, 200)
      const { fetched, outcome } = yield* answered(name, { userParameters })
      assert.notInclude(outcome?.message, "unexpectedly", name)
      assert.includeMembers([artifactRequest], fetched, name)
    }
  }))

const token = (change: Readonly<Record<string, unknown>>, execution: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({
    version: 1,
    action: "deploy-stack",
    execution: { firstJobId: "job-0", startedAt: 1_795_330_000_000, attempt: 1, ...execution },
    state: { stackId: "MyTestStack", operation: "create", since: 1_795_330_000_000 },
    ...change
  })

const state = (change: Readonly<Record<string, unknown>>) =>
  token({ state: { stackId: "MyTestStack", operation: "create", since: 1_795_330_000_000, ...change } })

const foreignTokens: ReadonlyArray<string> = [
  " ",
  "{",
  "null",
  "[]",
  password,
  JSON.stringify({ password }),
  JSON.stringify({ previous_job_id: "job-0" }),
  "[".repeat(100_000),
  "{\"__proto__\": {\"polluted\": true}}",
  token({ action: "another-action" }),
  token({ version: 2 }),
  token({ version: "1" }),
  token({ execution: null }),
  token({}, { firstJobId: "" }),
  token({}, { firstJobId: 1 }),
  token({}, { startedAt: "now" }),
  token({}, { attempt: 1.5 }),
  token({}, { unavailable: null }),
  token({ state: null }),
  token({ state: [] }),
  token({ state: { name: "of another action" } }),
  state({ stackId: 1 }),
  state({ operation: "destroy" }),
  state({ operation: "__proto__" }),
  state({ since: 1e300 }),
  state({ idleSince: "long ago" })
]

scenario("a continuation token that is not of this action is foreign", ({ answered }) =>
  Effect.gen(function*() {
    const { calls, setStatus } = yield* CloudFormationServer
    yield* setStatus("MyTestStack", "UPDATE_COMPLETE")
    for (const continuationToken of foreignTokens) {
      const name = continuationToken.slice(0, 250)
      const { fetched, outcome } = yield* answered(name, {
        userParameters: parameters({}),
        data: { continuationToken }
      })
      // Of one of its own it would look for events.
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" }, name)
      assert.deepStrictEqual(fetched, [], name)
    }
    assert.deepStrictEqual([...new Set(calls.map(({ operation }) => operation))], ["DescribeStacks"])
  }))

const oddTokens: ReadonlyArray<string> = [
  ...["{", "\"execution\":{", "\"state\":{"].map((start) =>
    token({}).replace(start, `${start}"__proto__": {"polluted": true},`)
  ),
  ...["", otherStack, "$(touch owned)", "../x", "__proto__", "x".repeat(100_000)].map((stackId) => state({ stackId })),
  ...[-1, -8e15, 8e15].flatMap((number) => [
    state({ since: number }),
    state({ idleSince: number }),
    token({}, { startedAt: number }),
    token({}, { attempt: number }),
    token({}, { attempt: Number.MAX_SAFE_INTEGER }),
    token({}, { unavailable: { since: number, jobs: 1 } }),
    token({}, { unavailable: { since: 1, jobs: number } })
  ]),
  ...["__proto__", "../x", "a\nb", "x".repeat(100_000), "\ud800", "$(touch owned)"].flatMap((firstJobId) => [
    token({}, { firstJobId }),
    token({ state: undefined }, { firstJobId })
  ])
]

scenario("a continuation token is only text, whatever it contains", ({ answered }) =>
  Effect.gen(function*() {
    const { setStatus } = yield* CloudFormationServer
    for (const status of ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]) {
      yield* setStatus("MyTestStack", status)
      for (const continuationToken of oddTokens) {
        const name = `${status} ${continuationToken.slice(0, 250)}`
        const { fetched, outcome } = yield* answered(name, {
          userParameters: parameters({}),
          data: { continuationToken }
        })
        assert.notInclude(outcome?.message, "unexpectedly", name)
        assert.includeMembers([artifactRequest], fetched, name)
      }
    }
  }))

const artifactAt = (bucketName: unknown, objectKey: unknown) => ({
  inputArtifacts: [{ name: "MyTemplate", location: { type: "S3", s3Location: { bucketName, objectKey } } }]
})

/** Artifacts that are somewhere odd, and the path of the one request that is made for them, if any. */
const oddPlaces: ReadonlyArray<readonly [bucket: string, key: string, path?: string]> = [
  ["bucket", "../../other-bucket/key", "/bucket/../../other-bucket/key"],
  ["bucket", "/etc/passwd", "/bucket//etc/passwd"],
  ["bucket", "a?acl&b=c#d", "/bucket/a%3Facl%26b%3Dc%23d"],
  ["bucket", "http://127.0.0.2:1/x", "/bucket/http%3A//127.0.0.2%3A1/x"],
  ["bucket", "a\r\nHost: elsewhere", "/bucket/a%0D%0AHost%3A%20elsewhere"],
  ["bucket", "a\0b", "/bucket/a%00b"],
  ["bucket", "__proto__", "/bucket/__proto__"],
  ["127.0.0.2:1", "x", "/127.0.0.2%3A1/x"],
  ["user@127.0.0.2", "x", "/user%40127.0.0.2/x"],
  ["..", "x"],
  ["a/../../b", "x"],
  ["bucket\r\nHost: elsewhere", "x", "/bucket%0D%0AHost%3A%20elsewhere/x"],
  ["__proto__", "x", "/__proto__/x"],
  ["arn:aws:s3:us-west-2:123456789012:accesspoint/x", "x"]
]

const job = (change: Readonly<Record<string, unknown>>) => ({ "CodePipeline.job": { id: "job", ...change } })

const hostileEvents: ReadonlyArray<unknown> = [
  ...eventNames.map(readEvent),
  null,
  [],
  {},
  "",
  password,
  1,
  { password },
  { "CodePipeline.job": null },
  { "CodePipeline.job": [password] },
  { "CodePipeline.job": password },
  JSON.parse("{\"__proto__\": {\"CodePipeline.job\": {\"id\": \"job\"}}}"),
  JSON.parse("{\"CodePipeline.job\": {\"__proto__\": {\"id\": \"job\"}, \"polluted\": true}}"),
  JSON.parse(`${"{\"CodePipeline.job\":".repeat(1_000)}1${"}".repeat(1_000)}`),
  job({ id: null }),
  job({ id: [password] }),
  job({}),
  job({ data: null }),
  job({ data: { artifactCredentials: password } }),
  job({ data: { artifactCredentials: { ...credentials, sessionToken: [credentials.sessionToken] } } }),
  job({ data: { artifactCredentials: { unknown: credentials.secretAccessKey } } }),
  job({ data: { ...artifactAt({ password }, [password]), artifactCredentials: credentials } }),
  job({ data: { inputArtifacts: password, outputArtifacts: { password }, continuationToken: [password] } }),
  job({ data: { actionConfiguration: { configuration: { UserParameters: { password } } } } }),
  job({ id: "../x\r\n$(touch owned)".repeat(100), data: {} })
]

scenario("an event is only data, whatever it contains", ({ answered }) =>
  Effect.gen(function*() {
    for (const event of hostileEvents) yield* answered(JSON.stringify(event).slice(0, 200), { event })
    for (const [bucket, key, place] of oddPlaces) {
      const { fetched } = yield* answered(`${bucket} ${key}`, { data: artifactAt(bucket, key) })
      assert.deepStrictEqual(fetched, place === undefined ? [] : [`GET ${place}?x-id=GetObject`])
    }
    for (
      const sessionToken of ["a\r\nHost: elsewhere", "a\0b", "\ud800", "ü"].map((odd) => credentials.sessionToken + odd)
    ) {
      yield* answered(`token ${JSON.stringify(sessionToken)}`, {
        data: { artifactCredentials: { ...credentials, sessionToken } }
      })
    }
  }))

const bomb = Buffer.alloc(50_000_000)

/** Zips, and what the whole function says of the template in them. */
const hostileZips: ReadonlyArray<readonly [zip: Uint8Array, says: RegExp]> = [
  [
    rawZip([{ name: Buffer.from("../../../../tmp/owned"), content: Buffer.from("owned") }]),
    /the zip does not contain this file/
  ],
  [
    rawZip([{ name: Buffer.from("/etc/cron.d/owned"), content: Buffer.from("owned") }]),
    /the zip does not contain this file/
  ],
  [rawZip([{ name: Buffer.from(file), content: bomb }]), /has 50000000 bytes or more; the maximum is 1000000/],
  [
    rawZip([{ name: Buffer.from("a"), content: bomb }, {
      name: Buffer.from(file),
      content: Buffer.alloc(0),
      overlaps: true
    }]),
    /the zip is damaged/
  ],
  [
    rawZip(Array.from({ length: 20_000 }, (_, index) => ({
      name: Buffer.from(`__proto__/${index}`),
      content: Buffer.alloc(0)
    }))),
    /the zip does not contain this file/
  ],
  [rawZip([{ name: Buffer.from(file), content: Buffer.from([0xff, 0xfe, 0x7b]) }]), /it is UTF-16 text/],
  [Buffer.from("<?php system($_GET[0]);"), /not a zip/],
  [Buffer.alloc(1_000), /not a zip/],
  [new Uint8Array(), /not a zip/]
]

scenario("a zip is only read, whatever it contains", ({ answered }) =>
  Effect.gen(function*() {
    for (const [index, [zip, says]] of hostileZips.entries()) {
      const { fetched, outcome } = yield* answered(`zip ${index}`, { s3: zipped(zip) })
      assert.match(String(outcome?.message), says, `zip ${index}`)
      assert.deepStrictEqual([...new Set(fetched)], [artifactRequest])
    }
  }))

it.live("no bucket name leads to a host other than S3's", () =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormationServer
    const codePipeline = yield* CodePipelineServer
    const { end, invoke } = yield* startContainer({
      folder,
      nodeOptions: guarded,
      env: {
        AWS_REGION: "eu-central-1",
        AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
        AWS_ENDPOINT_URL_CODEPIPELINE: codePipeline.endpoint,
        ...functionCredentials
      }
    })
    const hosts = [
      "127.0.0.2",
      "elsewhere.example",
      "elsewhere.example/x?",
      "elsewhere.example#",
      "user@elsewhere.example"
    ]
    const buckets = ["bucket", ...hosts, "elsewhere.example:80", "..", "a..b", "arn:aws:s3:::elsewhere.example"]
    for (const bucket of buckets) {
      const result = yield* invoke(deployEvent({ ...artifactAt(bucket, "x"), artifactCredentials: credentials }), 300)
      assert.property(result, "resolved")
    }
    const { notes } = yield* end
    const servers = [cloudFormation, codePipeline].map(({ endpoint }) => endpoint.replace("http://", ""))
    const connections = notes.trimEnd().split("\n").filter((note) => !servers.some((server) => note.endsWith(server)))
    assert.include(connections, "connect bucket.s3.eu-central-1.amazonaws.com:443")
    for (const connection of connections) {
      assert.match(connection, /^connect ([a-z0-9.-]+\.)?s3\.eu-central-1\.amazonaws\.com:443$/)
    }
  }).pipe(Effect.provide(Layer.merge(CloudFormationServer.layer(), CodePipelineServer.layer))))

/** Does all that a function must not be brought to. */
const careless = `
import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { runInNewContext } from "node:vm"
import { Worker } from "node:worker_threads"
export const handler = async (event) => {
  await writeFile(event.file, "owned")
  execFile("true")
  new Worker("0", { eval: true })
  runInNewContext("0")
  connect(1, "127.0.0.2").on("error", () => {})
  Object.prototype.polluted = true
  return eval("1")
}
`

it.live("the guard of these tests notices all that a function must not do", () =>
  Effect.gen(function*() {
    const careful = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "careless-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true }))
    )
    yield* Effect.promise(() => writeFile(join(careful, "index.mjs"), careless))
    const { end, invoke } = yield* startContainer({ folder: careful, nodeOptions: guarded, env: {} })
    const file = join(careful, "owned")
    const result = yield* invoke({ file })
    assert.deepNestedInclude(result, {
      rejected: "EvalError: Code generation from strings disallowed for this context"
    })
    const { notes } = yield* end
    assert.sameMembers(notes.trimEnd().split("\n"), [
      `fs/promises.writeFile ${file}`,
      "child_process.execFile true",
      "new worker_threads.Worker 0",
      "vm.runInNewContext 0",
      "connect 127.0.0.2:1",
      "Object.prototype.polluted"
    ])
  }))

/** An error as the AWS SDK makes it, with what it knows of the request; more of it can be seen than in a real one. */
const sdkError = Effect.fnUntraced(function*(endpoint: string) {
  const client = new CloudFormationClient({
    endpoint,
    region: "eu-central-1",
    maxAttempts: 1,
    credentials: { ...credentials, accessKeyId: functionCredentials.AWS_ACCESS_KEY_ID }
  })
  const cause: unknown = yield* Effect.promise(() => client.send(new DescribeStacksCommand({})).catch((cause) => cause))
  const headers = { authorization: password, "x-amz-security-token": credentials.sessionToken }
  const $response = Object.getOwnPropertyDescriptor(cause, "$response")?.value
  assert.isObject($response)
  return Object.assign(cause as Error, {
    request: { headers },
    config: { credentials },
    options: { headers, $response }
  })
})

class Broken extends Schema.TaggedError<Broken>()("Broken", { cause: Schema.Defect() }) {}

it.effect("no headers and no credentials of an action's error or defect are logged", () =>
  Effect.gen(function*() {
    const { answerAlways, calls, endpoint } = yield* CloudFormationServer
    yield* answerAlways("DescribeStacks", refused("ValidationError", "Words of CloudFormation"))
    const cause = yield* sdkError(endpoint)
    assert.lengthOf(calls, 1)
    const ends: Readonly<Record<string, Effect.Effect<never, Broken>>> = {
      fails: new Broken({ cause }),
      dies: Effect.die(cause),
      "dies of its cause": Effect.die(new Error("outer", { cause })),
      "dies of several": Effect.die(new AggregateError([cause], "several", { cause })),
      rejects: Effect.promise(() => Promise.reject(cause))
    }
    const console = yield* TestConsole.make
    const handler = Lambda.handler(
      Action.makeStateless({
        name: "broken",
        parameters: Schema.String,
        start: ({ parameters }) => ends[parameters] ?? Effect.die(parameters)
      })({ Broken: ({ message }) => ({ type: "JobFailed", message: `Broken: ${message}` }) }),
      Layer.mergeAll(
        CodePipelineMemory.layer,
        Layer.succeed(Console.Console, console),
        Layer.succeed(References.MinimumLogLevel, "All")
      )
    )
    for (const userParameters of Object.keys(ends)) {
      const event = deployEvent({ id: userParameters, userParameters, artifactCredentials: credentials })
      assert.deepInclude(yield* Effect.promise(() => handler(event)), { _tag: "Failed" })
    }
    const logged = (yield* console.logLines).map(String).join("\n")
    assert.include(logged, "Words of CloudFormation")
    for (const form of known.flatMap(formsOf)) assert.notInclude(logged, form)
    assert.notInclude(logged, "Signature=")
  }).pipe(Effect.provide(CloudFormationServer.layer())))
