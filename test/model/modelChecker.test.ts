// The model checker finds faults: it refutes an action that judges by the stack's status alone, as AWS's sample does.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Action from "../../src/Action.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import * as Cloud from "./cloud.ts"
import { invariants } from "./invariants.ts"
import { nextStep } from "./program.ts"
import type { Model } from "./state.ts"
import { artifacts, checkModel, modelOf, noFaults, required, stackIn } from "./worlds.ts"

class WentWrong extends Schema.TaggedError<WentWrong>()("WentWrong", {}) {}

const startByStatus = Effect.fnUntraced(function*({ execution: { firstJobId } }: Action.Invocation<unknown>) {
  const cloudFormation = yield* CloudFormation
  yield* cloudFormation.describe(Cloud.name)
  const request = { stack: Cloud.name, templateBody: "", clientRequestToken: `update-${firstJobId}` }
  yield* cloudFormation.update(request)
  return Action.Step.Continue({ message: "", state: null })
})

const resumeByStatus = Effect.fnUntraced(function*() {
  const cloudFormation = yield* CloudFormation
  const stack = yield* cloudFormation.describe(Cloud.name)
  const status = Option.match(stack, { onNone: () => "", onSome: ({ status }) => status })
  if (status.endsWith("_IN_PROGRESS")) return Action.Step.Continue({ message: "", state: null })
  if (/^(CREATE|UPDATE)_COMPLETE$/.test(status)) return Action.Step.Done({ message: "" })
  return yield* new WentWrong()
})

/** Judges by the stack's status alone, as AWS's sample does. */
const byStatus = Action.make({
  name: "by-status",
  parameters: Schema.String,
  state: Schema.Null,
  start: startByStatus,
  resume: resumeByStatus
})({
  ...Action.awsFailures,
  NoUpdates: "JobFailed",
  TokenUsed: "JobFailed",
  StackNotReady: "JobFailed",
  InsufficientCapabilities: "JobFailed",
  UnknownParameters: "JobFailed",
  WentWrong: "JobFailed"
})

describe("the model checker", () => {
  const faulty = modelOf({
    userParameters: required,
    invariants,
    initialClouds: [stackIn("CREATE_COMPLETE")],
    nextStep: (event, now, answers) => nextStep(byStatus, artifacts, event, now, answers)
  })

  it.effect.each<readonly [faults: string, budget: Partial<Model["budget"]>, violation: RegExp]>([
    ["stale reads", { staleReads: 1 }, /success, but own operations: running/],
    ["redelivered events", { redeliveries: 1 }, /failure, but own operations: running/],
    ["other actors", { otherActors: 1 }, /(success, but own operations: failed|failure, but own operations: succeeded)/]
  ])(
    "with %s, the model checker refutes an action that judges by the stack's status alone",
    ([, budget, violation]) =>
      Effect.gen(function*() {
        const { counterexample } = yield* checkModel({ ...faulty, budget: { ...noFaults, ...budget } })
        assert.match(counterexample?.join("\n") ?? "", violation)
      })
  )
})
