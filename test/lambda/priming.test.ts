// What happens before the first job: the whole program is gone through, and nobody notices.
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Layer, Schema } from "effect"
import { TestConsole } from "effect/testing"
import type { RequestListener } from "node:http"
import { createServer, request, type Server } from "node:https"
import { type AddressInfo, Socket } from "node:net"
import { fileURLToPath } from "node:url"
import * as Action from "../../src/Action.ts"
import { CheckWebpage } from "../../src/actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { DeployStackSet } from "../../src/actions/deployStackSet/DeployStackSet.ts"
import * as Lambda from "../../src/lambda/handler.ts"
import { checkWebpagePriming } from "../../src/lambda/priming/checkWebpage.ts"
import { Connections } from "../../src/lambda/priming/Connections.ts"
import { deployStackPriming } from "../../src/lambda/priming/deployStack.ts"
import { deployStackSetPriming } from "../../src/lambda/priming/deployStackSet.ts"
import type { StubRequest } from "../../src/lambda/priming/StubTransport.ts"
import { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"
import { StackSets } from "../../src/services/StackSets.ts"
import { WebPage } from "../../src/services/WebPage.ts"
import { certificate } from "../certificates.ts"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { environment } from "../contract/environment.ts"
import { listen } from "../contract/server.ts"
import { checkEvent } from "../fixtures.ts"
import { assertClean, buildFunction, timeout } from "./builtFunction.ts"

const services = Layer.mergeAll(
  ArtifactStore.layer,
  CloudFormation.layer,
  CodePipeline.layer,
  StackSets.layer,
  WebPage.layer
)

/** The function's own, and an address where nobody listens: what reached AWS would fail there. */
const variables = {
  AWS_REGION: "us-east-1",
  AWS_ENDPOINT_URL: "http://127.0.0.1:1",
  AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
  AWS_SECRET_ACCESS_KEY: "secret"
}

const surroundings = environment({ ...variables, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256" })

// A handler listens for SIGTERM as long as its container lives; here it is made more often than Node expects.
process.setMaxListeners(0)

const textOf = ({ body }: StubRequest) => body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body)

const operationOf = (request: StubRequest) =>
  request.headers["x-amz-target"]?.split(".")[1] ?? new URLSearchParams(textOf(request)).get("Action") ?? request.method

/** What is asked of AWS while the function starts, and what is logged. */
const primed = Effect.fnUntraced(function*<P, S, E extends Action.TaggedError>(
  action: Action.Action<P, S, E, ArtifactStore | CloudFormation | StackSets | WebPage>,
  priming: Lambda.Priming
) {
  const console = yield* TestConsole.make
  const asked: Array<string> = []
  const reports: Array<unknown> = []
  const spied: Lambda.Priming = {
    ...priming,
    respond: (request) => {
      asked.push(operationOf(request))
      if (operationOf(request).startsWith("PutJob")) reports.push(JSON.parse(textOf(request)))
      return priming.respond(request)
    }
  }
  const layer = Layer.mergeAll(services, Layer.succeed(Console.Console, console))
  const handler = yield* Effect.promise(() => Lambda.handler(action, layer, { priming: spied }))
  return { handler, asked, reports, lines: yield* console.logLines }
})

describe("the sample job", () => {
  it.live("is a complete, successful deployment", () =>
    Effect.gen(function*() {
      const { asked, lines, reports } = yield* primed(DeployStack, deployStackPriming)
      assert.sameMembers(asked.slice(0, 2), ["DescribeStacks", "GET"])
      assert.deepStrictEqual(asked.slice(2), [
        "CreateStack",
        "PutJobSuccessResult",
        "DescribeStackEvents",
        "DescribeStacks",
        "PutJobSuccessResult"
      ])
      assert.deepNestedInclude(reports[0], { "executionDetails.summary": "Stack create started" })
      assert.deepNestedInclude(reports[1], {
        "executionDetails.summary": "Stack update complete: the stack was created"
      })
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(surroundings)))

  it.live("is an update of a stack set that is in progress", () =>
    Effect.gen(function*() {
      const { asked, lines, reports } = yield* primed(DeployStackSet, deployStackSetPriming)
      assert.deepStrictEqual(asked, [
        "DescribeStackSet",
        "DescribeStackSetOperation",
        "GET",
        "UpdateStackSet",
        "PutJobSuccessResult",
        "DescribeStackSetOperation",
        "ListStackSetOperationResults",
        "PutJobSuccessResult"
      ])
      assert.deepNestedInclude(reports[0], { "executionDetails.summary": "Stack set update started" })
      assert.deepNestedInclude(reports[1], {
        "executionDetails.summary": "Stack set update still in progress: RUNNING, 0 of 1 instance, now us-east-1"
      })
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(surroundings)))

  it.live("is a complete, successful check of a page", () =>
    Effect.gen(function*() {
      const { asked, lines, reports } = yield* primed(CheckWebpage, checkWebpagePriming)
      assert.deepStrictEqual(asked, ["PutJobSuccessResult"])
      assert.deepNestedInclude(reports[0], { "executionDetails.summary": "Tests passed." })
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(surroundings)))

  it.live.each([["1769", 0], ["1024", 0], ["1023", 7], ["128", 7], [undefined, 0]] as const)(
    "is none where the handler has most of a CPU, or the memory is not known: with %s MB %d requests are played",
    ([AWS_LAMBDA_FUNCTION_MEMORY_SIZE, requests]) =>
      Effect.gen(function*() {
        const { asked, handler } = yield* primed(DeployStack, deployStackPriming)
        assert.lengthOf(asked, requests)
        assert.isFunction(handler)
      }).pipe(Effect.provide(environment({ ...variables, AWS_LAMBDA_FUNCTION_MEMORY_SIZE })))
  )

  it.live("opens no connection to a host that it would call over http", () =>
    Effect.gen(function*() {
      const { connect } = Socket.prototype
      const places: Array<unknown> = []
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          Socket.prototype.connect = function(this: Socket, ...args: Array<unknown>) {
            places.push(args)
            return Reflect.apply(connect, this, args)
          } as typeof connect
        }),
        () => Effect.sync(() => Object.assign(Socket.prototype, { connect }))
      )
      yield* primed(DeployStack, deployStackPriming)
      assert.deepStrictEqual(places, [])
    }).pipe(Effect.provide(surroundings)))

  it.live.each<readonly [string, Partial<Lambda.Priming>]>([
    ["its event is none", { event: () => ({}) }],
    ["its event cannot be made", {
      event: () => {
        throw new Error("no event")
      }
    }],
    ["its answers make no sense", { respond: () => ({ status: 200, body: "<" }) }],
    ["there are no answers", { respond: () => Promise.reject(new Error("no answer")) }],
    ["its services cannot be made", { services: Layer.effectDiscard(Effect.die("no services")) }]
  ])("does no harm where %s", ([, change]) =>
    Effect.gen(function*() {
      const { handler, lines } = yield* primed(DeployStack, { ...deployStackPriming, ...change })
      assert.isFunction(handler)
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(surroundings)))

  it.live("does not change the services of the function", () =>
    Effect.gen(function*() {
      let built = 0
      const counted = Layer.effectDiscard(Effect.sync(() => built++))
      const reporting = Layer.succeed(CodePipeline, { report: () => Effect.void })
      const One = Action.makeStateless({
        name: "one",
        parameters: Schema.String,
        start: () => Effect.succeed(Action.Step.Done({ message: "done" }))
      })({})
      const priming = {
        event: () => checkEvent({ userParameters: "{}" }),
        respond: () => ({ status: 200, body: "{}" })
      }
      const console = yield* TestConsole.make
      const layer = Layer.mergeAll(reporting, counted, Layer.succeed(Console.Console, console))
      const handler = yield* Effect.promise(() => Lambda.handler(One, layer, { priming }))
      // Once for the job that is played, and once for all others.
      assert.strictEqual(built, 2)
      yield* Effect.promise(() => handler(checkEvent({ userParameters: "{}" })))
      yield* Effect.promise(() => handler(checkEvent({ userParameters: "{}" })))
      assert.strictEqual(built, 2)
    }).pipe(Effect.provide(surroundings)))
})

const ok: RequestListener = (request, response) => {
  request.resume()
  response.end("{}")
}

const get = (url: string, agent: Connections) =>
  Effect.callback<string>((resume) => {
    request(url, { agent, rejectUnauthorized: false }, (response) => {
      response.resume()
      response.on("end", () => resume(Effect.succeed(`${response.statusCode}`)))
    }).on("error", (error) => resume(Effect.succeed(error.message))).end()
  })

describe("Connections", () => {
  it.live("close the connection to an untrusted server, and connect again for a request", () =>
    Effect.gen(function*() {
      const origin = yield* listen(ok, certificate("stranger"))
      const connections = new Connections()
      yield* connections.open(new URL(origin).host, 2_000)
      assert.strictEqual(yield* get(origin, connections), "200")
      connections.destroy()
    }))

  it.live("ignore a host that does not listen or does not use TLS", () =>
    Effect.gen(function*() {
      const connections = new Connections()
      yield* connections.open("127.0.0.1:1", 2_000)
      yield* connections.open(new URL(yield* listen(ok)).host, 2_000)
      assert.notStrictEqual(yield* get("https://127.0.0.1:1", connections), "200")
      connections.destroy()
    }))
})

const built = buildFunction("check-webpage")

it.live(
  "a built function has a connection to CodePipeline when the first job comes, and has asked for nothing",
  () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const server = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer(certificate("localhost"), (request, response) => {
            seen.push(String(request.headers["x-amz-target"]))
            ok(request, response)
          })
          server.on("secureConnection", () => seen.push("connection"))
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close().closeAllConnections())
      )
      const origin = `https://localhost:${(server.address() as AddressInfo).port}`
      const page = yield* listen(ok)
      const { end, invoke } = yield* built.start({
        AWS_ENDPOINT_URL_CODEPIPELINE: origin,
        NODE_EXTRA_CA_CERTS: fileURLToPath(new URL("../certificates/localhost.pem", import.meta.url))
      })
      for (const id of ["job-1", "job-2"]) {
        const result = yield* invoke(checkEvent({ id, userParameters: JSON.stringify({ url: page }) }))
        assert.deepNestedInclude(result, { "resolved._tag": "Succeeded" })
      }
      assertClean("check-webpage", yield* end, ["job-1", "job-2"])
      const report = "CodePipeline_20150709.PutJobSuccessResult"
      assert.deepStrictEqual(seen, ["connection", report, report])
    }).pipe(Effect.scoped, Effect.provide(CodePipelineServer.layer)),
  timeout
)
