// deploy-stack in a process of its own: whatever fails and whatever it is given, it tells no secret, writes nothing, starts
// nothing and asks nobody else.
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation"
import { assert, it } from "@effect/vitest"
import { Console, Effect, Layer, References, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Action from "../../../src/Action.ts"
import * as Lambda from "../../../src/lambda/handler.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import { CloudFormationServer } from "../../contract/CloudFormationServer.ts"
import { CodePipelineServer } from "../../contract/CodePipelineServer.ts"
import { refused } from "../../contract/server.ts"
import { deployEvent } from "../../fixtures.ts"
import { startContainer } from "../container.ts"
import { commonScenarios } from "./common.ts"
import { artifactAt, artifactRequest } from "./inputs.ts"
import { credentials, file, formsOf, functionCredentials, guarded, known, password } from "./world.ts"

const { folder, scenario } = commonScenarios(
  {
    module: "traced",
    cloudFormation: CloudFormationServer,
    layer: CloudFormationServer.layer(),
    userParameters: (job) => JSON.stringify({ stack: `Stack-${job}`, file, artifact: "MyTemplate" }),
    message: "Stack create started"
  },
  { operations: ["DescribeStacks", "CreateStack"], change: "UpdateStack" },
  Effect.gen(function*() {
    const { setStatus } = yield* CloudFormationServer
    yield* setStatus("Existing", "UPDATE_COMPLETE")
    return JSON.stringify({ stack: "Existing", file, artifact: "MyTemplate" })
  })
)

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

it.live("no bucket name leads to a host other than S3's", () =>
  Effect.gen(function*() {
    const cloudFormation = yield* CloudFormationServer
    const codePipeline = yield* CodePipelineServer
    const { end, invoke } = yield* startContainer({
      folder: folder(),
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
