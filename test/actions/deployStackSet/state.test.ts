// The state of DeployStackSet in a continuation token.
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { State, type WatchState } from "../../../src/actions/deployStackSet/State.ts"
import { encode, Execution, Position } from "../../../src/domain/job/ContinuationToken.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import { advance, atStart } from "../../../src/domain/stackSet/StackSetProgress.ts"
import { eventOf, invoke, world } from "./world.ts"

it.effect("the largest state fits into a continuation token", () =>
  Effect.gen(function*() {
    const reason = "\"".repeat(5_000)
    const results = [
      { account: "111122223333", region: "ap-southeast-11", status: "FAILED", reason },
      { account: "111122223333", region: "ap-southeast-11", status: "RUNNING", reason }
    ]
    const progress = advance(atStart(100_000), { items: results, next: "+".repeat(1_024) }, 100_000)
    const largest: WatchState = {
      stackSetId: `${"S".repeat(128)}:5c36ae10-1b4f-11f0-8d4e-000000000000`,
      ran: [["update", 1], ["create", 100], ["override", 100], ["delete", 100]],
      watching: true,
      progress: { ...progress, done: 99_999, seen: 99_999, final: 99_999 },
      resultsDenied: true
    }
    const state = yield* Schema.encodeEffect(Schema.toCodecJson(State))(largest)
    const execution = new Execution({
      firstJobId: JobId.make("6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b11"),
      startedAt: 1_795_339_200_000,
      attempt: 1
    })
    const token = yield* encode({ action: "deploy-stack-set", execution, position: Position.State({ state }) })
    assert.isAtMost(token.length, 2_048)
    assert.include(token, "+".repeat(1_024))
  }))

it.effect.each([
  { stackSetId: "MyStackSet", watching: true, ran: [] },
  { stackSetId: "MyStackSet", watching: true, ran: [["destroy", 1]] },
  { stackSetId: "MyStackSet", watching: true, ran: [["update", 0]] },
  { stackSetId: "MyStackSet", ran: [["create", 1_000_000_000]] },
  { stackSetId: "MyStackSet", ran: Array.from({ length: 6 }, () => ["create", 100]) },
  { stackSetId: 1, ran: [] },
  {}
])(
  "a state that the action never leaves is unknown, and the action starts again: %j",
  (state) =>
    Effect.gen(function*() {
      const continuationToken = JSON.stringify({
        version: 1,
        action: "deploy-stack-set",
        execution: { firstJobId: "1", startedAt: 0, attempt: 1 },
        state
      })
      const outcome = yield* invoke(eventOf({}, { id: "2", continuationToken }))
      assert.strictEqual(outcome.message, "Stack set update started")
    }).pipe(Effect.provide(world()))
)
