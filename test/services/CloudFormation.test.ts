import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import {
  CloudFormation,
  InsufficientCapabilities,
  NoUpdates,
  StackExists,
  StackNotReady,
  TokenUsed,
  UnknownParameters
} from "../../src/services/CloudFormation.ts"

/** The live layer with a client that returns this answer to every call. */
const layerReturning = (answer: object) => CloudFormation.layerClient({ send: () => Promise.resolve(answer) })

const request = { stack: "S", templateBody: "{}", clientRequestToken: "t" }

describe("an answer without optional members", () => {
  it.effect("an answer without stacks, events and ids gives none, or the request's name", () =>
    Effect.gen(function*() {
      assert.isTrue(Option.isNone(yield* CloudFormation.use(({ describe }) => describe("S"))))
      assert.isEmpty(yield* CloudFormation.use(({ events }) => events("S")))
      assert.deepStrictEqual(
        yield* CloudFormation.use(({ templateSummary }) => templateSummary({ templateBody: "{}" })),
        { parameters: [], capabilities: [], capabilitiesReason: undefined, unrecognizedResourceTypes: [] }
      )
      assert.strictEqual(yield* CloudFormation.use(({ create }) => create(request)), "S")
      assert.strictEqual(yield* CloudFormation.use(({ update }) => update(request)), "S")
    }).pipe(Effect.provide(layerReturning({}))))

  it.effect("a stack without members has empty texts and the earliest times", () =>
    Effect.gen(function*() {
      const stack = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("S")))
      assert.deepStrictEqual(stack, {
        id: "",
        name: "",
        status: "",
        reason: undefined,
        createdAt: 0,
        changedAt: 0,
        parameters: new Map(),
        terminationProtection: false,
        outputs: {}
      })
    }).pipe(Effect.provide(layerReturning({ Stacks: [{}] }))))

  it.effect("a stack without id has its name as id", () =>
    Effect.gen(function*() {
      const stack = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("S")))
      assert.deepInclude(stack, { id: "S", name: "S" })
    }).pipe(Effect.provide(layerReturning({ Stacks: [{ StackName: "S" }] }))))

  it.effect("an event without members has empty texts", () =>
    Effect.gen(function*() {
      const events = yield* CloudFormation.use(({ events }) => events("S"))
      assert.deepStrictEqual(events, [
        { stackId: "", timestamp: 0, logicalResourceId: "", resourceType: "", status: "" }
      ])
    }).pipe(Effect.provide(layerReturning({ StackEvents: [{}] }))))
})

it("every error that keeps an operation from starting names the stack", () => {
  const messages = [
    new NoUpdates({ stack: "S" }),
    new StackExists({ stack: "S" }),
    new TokenUsed({ stack: "S" }),
    new StackNotReady({ stack: "S", status: "UPDATE_IN_PROGRESS" }),
    new InsufficientCapabilities({ stack: "S", required: ["CAPABILITY_IAM"], reason: "Requires it" }),
    new UnknownParameters({ stack: "S", names: ["A"] })
  ].map(({ message }) => message)
  for (const message of messages) assert.include(message, "\"S\"")
  assert.strictEqual(new Set(messages).size, 6)
})

describe("pages that do not end", () => {
  const endless = { operation: "", code: "EndlessPages", detail: "its pages do not end" }
  const calls: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, CloudFormation>]> = [
    ["DescribeStackEvents", CloudFormation.use(({ events }) => events("S", () => false))],
    ["DescribeEvents", CloudFormation.use(({ failedEvents }) => failedEvents({ operationId: "1" }))],
    ["DescribeChangeSet", CloudFormation.use((service) => service.describeChangeSet({ stack: "S", changeSet: "C" }))]
  ]

  it.effect.each(calls)(
    "%s fails as unavailable if a page's token is repeated",
    ([name, call]) =>
      Effect.gen(function*() {
        let sent = 0
        const client = { send: () => Promise.resolve({ NextToken: `${sent++ % 2}` }) }
        const error = yield* Effect.flip(Effect.provide(call, CloudFormation.layerClient(client)))
        assert.deepStrictEqual(error, new AwsUnavailable({ ...endless, operation: `cloudformation:${name}` }))
        assert.strictEqual(sent, 3)
      })
  )

  it.effect.each(calls)("%s fails as unavailable after 200 pages", ([name, call]) =>
    Effect.gen(function*() {
      let sent = 0
      const client = { send: () => Promise.resolve({ NextToken: `${sent++}` }) }
      const error = yield* Effect.flip(Effect.provide(call, CloudFormation.layerClient(client)))
      assert.deepStrictEqual(error, new AwsUnavailable({ ...endless, operation: `cloudformation:${name}` }))
      assert.strictEqual(sent, 200)
    }))

  it.effect("an empty token ends the pages", () =>
    Effect.gen(function*() {
      assert.lengthOf(yield* CloudFormation.use(({ events }) => events("S", () => false)), 1)
    }).pipe(Effect.provide(layerReturning({ NextToken: "", StackEvents: [{ Timestamp: new Date(1) }] }))))
})
