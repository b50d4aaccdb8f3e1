import { assert, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import { decode, encode, Execution, Position, StateTooLarge } from "../../../src/domain/job/ContinuationToken.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import { readEvent } from "../../fixtures.ts"

const execution = new Execution({ firstJobId: JobId.make("j1"), startedAt: 1_795_330_000_000, attempt: 1 })
const action = "deploy-stack"
const now = execution.startedAt + 60_000

/** JSON has no negative zero. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const withState = (state: Schema.Json) => encode({ action, execution, position: Position.State({ state }) })
const stateless = encode({ action, execution, position: Position.Start() })

it.effect.prop(
  "a job decodes what the previous one encoded, or the token is too large",
  { action: Schema.String, execution: Execution, state: Schema.Option(Schema.Json) },
  Effect.fnUntraced(function*(left) {
    const times = [left.execution.startedAt, left.execution.unavailable?.since ?? 0]
    const now = Math.max(...times)
    const position = Option.match(left.state, {
      onNone: () => Position.Start(),
      onSome: (state) => Position.State({ state })
    })
    const token = yield* Effect.result(encode({ ...left, position }))
    const later = new Execution({
      ...left.execution,
      attempt: 99_999,
      unavailable: { since: 9_999_999_999_999, jobs: 99_999 }
    })
    assert.strictEqual(
      Result.isFailure(yield* Effect.result(encode({ ...left, execution: later, position }))),
      Result.isFailure(token)
    )
    if (Result.isFailure(token)) return assert.isAbove(token.failure.length, 2_048)
    assert.isAtMost(token.success.length, 2_048)
    if (Math.min(...times) < 0 || left.execution.attempt === 100_000) {
      return assert.isTrue(Option.isNone(decode(left.action, token.success, now)))
    }
    const found = Option.getOrThrow(decode(left.action, token.success, now))
    assert.deepStrictEqual(asJson(found.execution), asJson(left.execution))
    assert.deepStrictEqual(asJson(found.position), asJson(position))
  })
)

it.effect("the maximum size of a state is 1,853 characters of JSON less those of the action's name", () =>
  Effect.gen(function*() {
    const ofJob = new Execution({ ...execution, firstJobId: JobId.make("c0d76431-b0e7-4f97-97e3-e8ee786eb6f6") })
    const withState = (state: string, execution = ofJob) =>
      encode({ action, execution, position: Position.State({ state }) })
    const longest = "x".repeat(1_853 - action.length - "\"\"".length)
    assert.isAtMost((yield* withState(longest)).length, 2_048)
    const waiting = new Execution({
      ...ofJob,
      attempt: 100_000,
      unavailable: { since: 9_999_999_999_999, jobs: 100_000 }
    })
    assert.lengthOf(yield* withState(longest, waiting), 2_048)
    const error = yield* Effect.flip(withState(`${longest}x`))
    assert.deepStrictEqual(error, new StateTooLarge({ action, length: 2_049 }))
    assert.include(error.message, "The state of action \"deploy-stack\" needs")
    assert.include(error.message, "a continuation token of 2049 characters; CodePipeline allows 2048")
  }))

it.effect("a token without a state starts the action again", () =>
  Effect.gen(function*() {
    const found = Option.getOrThrow(decode(action, yield* stateless, now))
    assert.deepStrictEqual(found.position, Position.Start())
    assert.deepStrictEqual(found.execution, execution)
  }))

it.effect("an unknown position stays unknown", () =>
  Effect.gen(function*() {
    const token = yield* encode({ action, execution, position: Position.Unknown() })
    assert.deepStrictEqual(Option.getOrThrow(decode(action, token, now)).position, Position.Unknown())
  }))

it.effect("a token of more than 2,048 characters is not decoded", () =>
  Effect.gen(function*() {
    const token = yield* withState("x")
    const longer = (length: number) => token.replace("\"x\"", `"${"x".repeat(length - token.length + 1)}"`)
    assert.lengthOf(longer(2_048), 2_048)
    assert.isTrue(Option.isSome(decode(action, longer(2_048), now)))
    assert.isTrue(Option.isNone(decode(action, longer(2_049), now)))
  }))

it.effect("null is a valid state", () =>
  Effect.gen(function*() {
    const { position } = Option.getOrThrow(decode(action, yield* withState(null), now))
    assert.deepStrictEqual(position, Position.State({ state: null }))
  }))

it.effect.prop("the token of another action is not decoded", [Schema.String], ([other]) =>
  Effect.gen(function*() {
    assert.strictEqual(Option.isSome(decode(other, yield* stateless, now)), other === action)
  }))

it.prop("any other text is not decoded", [Schema.String], ([text]) => {
  assert.isTrue(Option.isNone(decode(action, text, now)))
})

it.prop("any other JSON is not decoded", [Schema.Json], ([json]) => {
  assert.isTrue(Option.isNone(decode(action, JSON.stringify(json), now)))
})

it.effect.each<readonly [kind: string, change: (token: string) => string]>([
  ["of another version", (token: string) => token.replace("\"version\":1", "\"version\":2")],
  ["without a version", (token: string) => token.replace("\"version\":1,", "")],
  ["without a first job", (token: string) => token.replace("\"firstJobId\":\"j1\",", "")],
  ["with an empty first job", (token: string) => token.replace("\"j1\"", "\"\"")],
  ["with half an attempt", (token: string) => token.replace("\"attempt\":1", "\"attempt\":1.5")],
  [
    "with the maximum number of attempts",
    (token: string) => token.replace("\"attempt\":1", "\"attempt\":100000")
  ],
  [
    "with more than the maximum number of attempts",
    (token: string) => token.replace("\"attempt\":1", "\"attempt\":1e9")
  ],
  ["with zero attempts", (token: string) => token.replace("\"attempt\":1", "\"attempt\":0")],
  ["from tomorrow", (token: string) => token.replace(`${execution.startedAt}`, `${now + 86_400_000}`)],
  ["with a negative time", (token: string) => token.replace(`${execution.startedAt}`, "-1")],
  [
    "with an outage from tomorrow on",
    (token: string) =>
      token.replace("\"attempt\":1", `"attempt":1,"unavailable":{"since":${now + 86_400_000},"jobs":1}`)
  ],
  ["with too many characters", (token: string) => token.replace("j1", "j".repeat(2_000))],
  ["cut off", (token: string) => token.slice(0, -1)],
  ["of AWS's sample", () => "{\"previous_job_id\": \"c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6\"}"]
])("a token is not decoded if it is one %s", ([, change]) =>
  Effect.gen(function*() {
    const token = yield* stateless
    assert.notStrictEqual(change(token), token)
    assert.isTrue(Option.isNone(decode(action, change(token), now)))
  }))

it("a token of an earlier release is decoded", () => {
  const { execution, position } = Option.getOrThrow(
    decode(action, String(readEvent("continuation-token-own")["CodePipeline.job"].data["continuationToken"]), now)
  )
  assert.strictEqual(execution.firstJobId, "6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b10")
  assert.strictEqual(execution.startedAt, 1_795_330_000_000)
  assert.deepInclude(Position.$is("State")(position) ? position.state : position, { operation: "create" })
})

it.prop("the next execution differs only in its number of attempts", [Execution], ([execution]) => {
  // A token with more attempts is not decoded.
  if (execution.attempt === 100_000) return
  const { attempt, ...same } = execution.next
  assert.strictEqual(attempt, execution.attempt + 1)
  assert.deepInclude(execution, same)
})
