import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../src/actions/DeployStack.ts"
import { StackStatus } from "../../src/domain/StackStatus.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../src/testing/LocalPipeline.ts"
import { drive } from "../drive.ts"
import { deployEvent, sampleTemplate } from "../fixtures.ts"

/** What a run begins with, and what befalls it. */
const Circumstances = {
  /** The status of the stack, put there by somebody else; none: there is no stack. */
  status: Schema.NullOr(StackStatus),
  /** How long that was ago, in minutes. */
  minutesAgo: Schema.Literals([0, 1, 600]),
  resourceFails: Schema.Boolean,
  mayReadEvents: Schema.Boolean,
  /** Calls that are throttled from the first invocation on. */
  throttled: Schema.Literals([0, 3, 20]),
  /** How long after the first delivery of each event a second one comes, in minutes; none: never. */
  deliveredAgainAfter: Schema.NullOr(Schema.Literals([0, 1, 3])),
  /** The invocation at which somebody else brings the stack into another status. */
  interference: Schema.NullOr(Schema.Struct({ at: Schema.Literals([2, 3, 4]), status: StackStatus }))
}

const world = Layer.mergeAll(
  ArtifactStoreMemory.layer({ MyTemplate: { "template-package/template.json": sampleTemplate } }),
  CloudFormationMemory.layer(),
  CodePipelineMemory.layer
)

const somebodySets = (status: string) => CloudFormationMemory.use(({ setStatus }) => setStatus("MyTestStack", status))

it.effect.prop(
  "a run from any start ends in exactly one result, and begins at most one operation",
  Circumstances,
  ({ deliveredAgainAfter, interference, mayReadEvents, minutesAgo, resourceFails, status, throttled }) =>
    Effect.gen(function*() {
      const cloudFormation = yield* CloudFormationMemory
      const { outcomes } = yield* CodePipelineMemory
      if (status !== null) yield* somebodySets(status)
      yield* TestClock.adjust(minutesAgo * 60_000)
      if (resourceFails) yield* cloudFormation.failResource("MySampleBucket", "The name is taken")
      if (!mayReadEvents) yield* cloudFormation.deny("cloudformation:DescribeStackEvents")
      yield* cloudFormation.throttle(throttled)

      let invocation = 0
      const deliver = Effect.fnUntraced(function*(event: unknown) {
        invocation++
        if (invocation === interference?.at) yield* somebodySets(interference.status)
        // What keeps a stack busy for ever would keep the job waiting for ever.
        if (invocation === 20) yield* somebodySets("UPDATE_COMPLETE")
        const delivery = JobRunner.run(DeployStack, event)
        const again = deliveredAgainAfter === null ? Effect.void : Effect.delay(delivery, deliveredAgainAfter * 60_000)
        yield* Effect.all([delivery, again], { concurrency: 2 })
      })
      const run = LocalPipeline.run({ event: deployEvent({ id: "1" }), invoke: deliver, maxInvocations: 200 })
      const outcome = yield* drive(run, "10 seconds")

      const ends = [...outcomes.values()].filter(({ _tag }) => _tag !== "Continued")
      assert.deepStrictEqual(ends, [outcome])
      // Its own work is not to be seen where the role may not read events, nor on a stack that somebody has deleted.
      const visible = mayReadEvents && interference?.status !== "DELETE_COMPLETE"
      assert.isAtMost(cloudFormation.begun.length, visible ? 1 : 2)
      // Without events and after somebody else's doing, status and times may be all there is to judge by.
      const provable = mayReadEvents && interference === null && status === null
      if (provable) assert.strictEqual(outcome._tag, resourceFails ? "Failed" : "Succeeded")
    }).pipe(Effect.provide(world, { local: true })),
  { arbitrary: { runs: 1_000 }, timeout: 60_000 }
)
