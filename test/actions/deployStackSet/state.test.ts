// The state of DeployStackSet in a continuation token.
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { State, type WatchState } from "../../../src/actions/deployStackSet/State.ts"
import { encode, Execution, Position } from "../../../src/domain/job/ContinuationToken.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import { advance, atStart } from "../../../src/domain/stackSet/StackSetProgress.ts"

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
