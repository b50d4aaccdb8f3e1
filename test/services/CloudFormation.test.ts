import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  CloudFormation,
  InsufficientCapabilities,
  NoUpdates,
  StackExists,
  StackNotReady,
  TokenUsed,
  UnknownParameters
} from "../../src/services/CloudFormation.ts"

/** A client that gives the same answer to every call. */
const answering = (answer: object) => CloudFormation.layerClient({ send: () => Promise.resolve(answer) })

const request = { stack: "S", templateBody: "{}", clientRequestToken: "t" }

describe("an answer that leaves out what AWS's shapes let it leave out", () => {
  it.effect("has no stack where none is named", () =>
    Effect.gen(function*() {
      assert.isTrue(Option.isNone(yield* CloudFormation.use(({ describe }) => describe("S"))))
      assert.isEmpty(yield* CloudFormation.use(({ events }) => events("S", 0)))
      assert.deepStrictEqual(
        yield* CloudFormation.use(({ templateSummary }) => templateSummary({ templateBody: "{}" })),
        { parameterNames: [], capabilities: [], capabilitiesReason: undefined }
      )
      assert.strictEqual(yield* CloudFormation.use(({ create }) => create(request)), "S")
      assert.strictEqual(yield* CloudFormation.use(({ update }) => update(request)), "S")
    }).pipe(Effect.provide(answering({}))))

  it.effect("is a stack without words, changed long ago", () =>
    Effect.gen(function*() {
      const stack = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("S")))
      assert.deepStrictEqual(stack, {
        id: "",
        name: "",
        status: "",
        reason: undefined,
        createdAt: 0,
        changedAt: 0,
        parameterNames: [],
        terminationProtection: false,
        outputs: {}
      })
    }).pipe(Effect.provide(answering({ Stacks: [{}] }))))

  it.effect("is a stack by its name where it has no id", () =>
    Effect.gen(function*() {
      const stack = Option.getOrThrow(yield* CloudFormation.use(({ describe }) => describe("S")))
      assert.deepInclude(stack, { id: "S", name: "S" })
    }).pipe(Effect.provide(answering({ Stacks: [{ StackName: "S" }] }))))

  it.effect("is an event without words", () =>
    Effect.gen(function*() {
      const events = yield* CloudFormation.use(({ events }) => events("S", 0))
      assert.deepStrictEqual(events, [
        { stackId: "", timestamp: 0, logicalResourceId: "", resourceType: "", status: "" }
      ])
    }).pipe(Effect.provide(answering({ StackEvents: [{}] }))))
})

it("what keeps an operation from beginning names the stack", () => {
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
