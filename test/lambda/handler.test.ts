import { assert, describe, it } from "@effect/vitest"
import { Console, Deferred, Effect, Layer, Schema } from "effect"
import { TestConsole } from "effect/testing"
import * as Action from "../../src/Action.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import * as Lambda from "../../src/lambda/handler.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import { world } from "../actions/deployStack/world.ts"
import { deployEvent, eventNames, readEvent, secrets } from "../fixtures.ts"

// A handler listens for SIGTERM as long as its container lives; here it is made more often than Node expects.
process.setMaxListeners(0)

const services = world()

const context = { awsRequestId: "8d8a5c0e-1f0b-4a57-9e0b-0d6f4c2a9b11" }

class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { message: Schema.String }) {}

const messageOf = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** The function, and the lines that it has logged. */
const makeFunction = Effect.fnUntraced(function*(layer: Layer.Layer<Layer.Success<typeof services>> = services) {
  const console = yield* TestConsole.make
  const handler = Lambda.handler(DeployStack, Layer.merge(layer, Layer.succeed(Console.Console, console)))
  return {
    invoke: (event: unknown) =>
      Effect.tryPromise({
        try: () => handler(event, context),
        catch: (cause) => new Rejected({ message: messageOf(cause) })
      }),
    lines: Effect.map(console.logLines, (lines) => lines.map(String))
  }
})

type Line = Readonly<Record<string, unknown>>

const parse = (line: string): Line => JSON.parse(line)

describe("the handler", () => {
  it("has the action and the layer that it was made of, also after priming", async () => {
    const handler = Lambda.handler(DeployStack, services)
    assert.strictEqual(handler.action, DeployStack)
    assert.strictEqual(handler.layer, services)
    const primed = await Lambda.handler(DeployStack, services, {
      priming: { event: () => deployEvent(), respond: () => ({ status: 200, body: "" }) }
    })
    assert.strictEqual(primed.action, DeployStack)
    assert.strictEqual(primed.layer, services)
  })

  it.effect("resolves to the reported outcome", () =>
    Effect.gen(function*() {
      const { invoke } = yield* makeFunction()
      const outcome = yield* invoke(deployEvent())
      assert.deepInclude(outcome, { _tag: "Continued", message: "Stack create started" })
    }))

  it.effect("resolves if the action fails, so that Lambda does not redeliver the event", () =>
    Effect.gen(function*() {
      const { invoke } = yield* makeFunction()
      const outcome = yield* invoke(deployEvent({ userParameters: "{}" }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
    }))

  it.effect("uses the same services for all invocations", () =>
    Effect.gen(function*() {
      const { invoke } = yield* makeFunction()
      const first = yield* invoke(deployEvent({ id: "job-1" }))
      if (first._tag !== "Continued") return assert.fail(first.message)
      const { continuationToken } = first
      const second = yield* invoke(deployEvent({ id: "job-2", continuationToken }))
      assert.strictEqual(second._tag, "Continued")
      assert.match(second.message, /^Stack update still in progress: CREATE_IN_PROGRESS/)
    }))

  it.effect("rejects an event that is not that of a job, with a message for its sender", () =>
    Effect.gen(function*() {
      const { invoke, lines } = yield* makeFunction()
      const error = yield* Effect.flip(invoke(readEvent("not-a-job")))
      assert.include(error.message, "This is not the event of a CodePipeline job")
      const [line] = yield* lines
      assert.deepInclude(parse(line ?? ""), { level: "ERROR", message: error.message })
    }))

  it.effect("rejects if CodePipeline cannot be reached, so that Lambda redelivers the event", () =>
    Effect.gen(function*() {
      const unavailable = new AwsUnavailable({
        operation: "codepipeline:PutJobSuccessResult",
        code: "ECONNREFUSED",
        detail: "connect ECONNREFUSED"
      })
      const unreachable = Layer.succeed(CodePipeline, { report: () => Effect.fail(unavailable) })
      const { invoke, lines } = yield* makeFunction(Layer.merge(services, unreachable))
      const error = yield* Effect.flip(invoke(deployEvent()))
      assert.strictEqual(error.message, unavailable.message)
      assert.deepInclude((yield* lines).map(parse).at(-1), {
        level: "ERROR",
        message: `CodePipeline did not accept the result: ${unavailable.message}`,
        jobId: deployEvent()["CodePipeline.job"].id
      })
    }))
})

/** Logs what is no JSON, and is done. */
const Talkative = Action.makeStateless({
  name: "talkative",
  parameters: Schema.String,
  start: () => {
    const circular: Record<string, unknown> = { big: 1n }
    circular["self"] = circular
    return Effect.as(Effect.log("odd", circular), Action.Step.Done({ message: "done" }))
  }
})({})

describe("the log of the handler", () => {
  it.effect("accepts every value that an action logs", () =>
    Effect.gen(function*() {
      const console = yield* TestConsole.make
      const handler = Lambda.handler(
        Talkative,
        Layer.merge(CodePipelineMemory.layer, Layer.succeed(Console.Console, console))
      )
      assert.deepInclude(yield* Effect.promise(() => handler(deployEvent())), { _tag: "Succeeded" })
      const lines = (yield* console.logLines).map(String)
      assert.isTrue(lines.every((line) => typeof parse(line) === "object"))
      assert.isTrue(lines.some((line) => line.includes("odd")))
    }))

  it.effect("has one JSON object per line, with job, action and request", () =>
    Effect.gen(function*() {
      const { invoke, lines } = yield* makeFunction()
      yield* invoke(deployEvent({ id: "job-1" }))
      yield* invoke(deployEvent({ id: "job-2", userParameters: "line\nbreak" }))
      const logged = yield* lines
      for (const line of logged) {
        assert.notInclude(line, "\n")
        assert.containsAllKeys(parse(line), ["timestamp", "level", "message"])
        assert.deepInclude(parse(line), { action: "deploy-stack", requestId: context.awsRequestId })
      }
      assert.deepStrictEqual([...new Set(logged.map((line) => parse(line)["jobId"]))], ["job-1", "job-2"])
    }))

  it.effect("has the outcome of each job", () =>
    Effect.gen(function*() {
      const { invoke, lines } = yield* makeFunction()
      yield* invoke(deployEvent())
      const reported = (yield* lines).map(parse).find(({ message }) => message === "Job reported")
      assert.deepInclude(reported, { outcome: "Continued", summary: "Stack create started", level: "INFO" })
    }))

  it.effect("has no secret of any event", () =>
    Effect.gen(function*() {
      const { invoke, lines } = yield* makeFunction()
      yield* Effect.forEach(eventNames, (name) => Effect.exit(invoke(readEvent(name))))
      assert.isAbove((yield* lines).length, eventNames.length)
      const logged = (yield* lines).join("\n")
      for (const secret of secrets) {
        assert.notInclude(logged, secret)
        assert.notInclude(logged, JSON.stringify(secret).slice(1, -1))
      }
    }))
})

const other = () => {}

describe("on SIGTERM", () => {
  it.effect("the layer is released once, and another listener is responsible for the end of the process", () =>
    Effect.gen(function*() {
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("SIGTERM", other)),
        () => Effect.sync(() => process.off("SIGTERM", other))
      )
      const before = process.listeners("SIGTERM")
      const released = yield* Deferred.make<void>()
      const releases = Layer.effectDiscard(Effect.addFinalizer(() => Deferred.succeed(released, undefined)))
      const console = yield* TestConsole.make
      const layer = Layer.mergeAll(CodePipelineMemory.layer, releases, Layer.succeed(Console.Console, console))
      const handlers = Array.from({ length: 20 }, () => Lambda.handler(Talkative, layer))
      assert.deepStrictEqual(process.listeners("SIGTERM"), before)

      const [handler] = handlers
      yield* Effect.promise(async () => handler?.(deployEvent({ id: "1" })))
      yield* Effect.promise(async () => handler?.(deployEvent({ id: "2" })))
      const added = process.rawListeners("SIGTERM").slice(before.length)
      assert.lengthOf(added, 1)
      added[0]?.call(process, "SIGTERM")
      yield* Deferred.await(released)
      assert.deepStrictEqual(process.listeners("SIGTERM"), before)
    }))
})
