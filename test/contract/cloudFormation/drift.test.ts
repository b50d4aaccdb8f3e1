// The contract of CloudFormation for the calls that detect drift.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { drive } from "../../drive.ts"
import { CloudFormationServer } from "../CloudFormationServer.ts"
import {
  absentArn,
  bucketTemplate,
  createdWith,
  difference,
  http,
  httpWithPages,
  stack,
  World,
  worlds
} from "./world.ts"

const created = createdWith({ templateBody: bucketTemplate })
const drift = (how: "changed" | "deleted") => World.use((world) => world.drift(stack, how))
const finish = World.use(({ finishDetections }) => finishDetections(stack))
const detect = (name: string) => CloudFormation.use(({ detectDrift }) => detectDrift(name))
const statusOf = (id: string) => CloudFormation.use(({ describeDriftDetection }) => describeDriftDetection(id))
const driftsOf = (name: string) => CloudFormation.use(({ resourceDrifts }) => resourceDrifts(name))

describe.each(worlds)("CloudFormation $name: drift", ({ world }) => {
  it.effect("a detection is in progress, then shows that nothing has drifted", () =>
    Effect.gen(function*() {
      const stackId = yield* created
      const id = yield* detect(stackId)
      assert.strictEqual((yield* statusOf(id)).status, "DETECTION_IN_PROGRESS")
      yield* finish
      assert.deepInclude(yield* statusOf(id), {
        status: "DETECTION_COMPLETE",
        driftStatus: "IN_SYNC",
        driftedResources: 0
      })
      assert.deepStrictEqual(yield* driftsOf(stackId), [])
    }).pipe(Effect.provide(world)))

  it.effect.each(
    [
      { how: "changed", expected: { status: "MODIFIED", differences: [difference] } },
      { how: "deleted", expected: { status: "DELETED", differences: [] } }
    ] as const
  )("a detection shows the resource that was $how", ({ expected, how }) =>
    Effect.gen(function*() {
      yield* created
      yield* drift(how)
      const id = yield* detect(stack)
      yield* finish
      assert.deepInclude(yield* statusOf(id), {
        status: "DETECTION_COMPLETE",
        driftStatus: "DRIFTED",
        driftedResources: 1
      })
      assert.deepStrictEqual(yield* driftsOf(stack), [
        { logicalResourceId: "Bucket", resourceType: "AWS::S3::Bucket", ...expected }
      ])
    }).pipe(Effect.provide(world)))

  it.effect("a second detection cannot start before the first one has ended", () =>
    Effect.gen(function*() {
      yield* created
      const first = yield* detect(stack)
      assert.deepInclude(yield* Effect.flip(detect(stack)), {
        _tag: "StackNotReady",
        stack,
        status: "DETECTION_IN_PROGRESS"
      })
      yield* finish
      assert.notStrictEqual(yield* detect(stack), first)
    }).pipe(Effect.provide(world)))

  it.effect("drift cannot be detected while the last update is failed", () =>
    Effect.gen(function*() {
      yield* created
      yield* World.use(({ setStatus }) => setStatus(stack, "UPDATE_FAILED"))
      assert.deepInclude(yield* Effect.flip(detect(stack)), {
        _tag: "AwsRejected",
        operation: "cloudformation:DetectStackDrift",
        code: "ValidationError"
      })
    }).pipe(Effect.provide(world)))

  it.effect("a stack or a detection that does not exist is rejected", () =>
    Effect.gen(function*() {
      const detail = `Stack [${absentArn}] does not exist`
      assert.deepInclude(yield* Effect.flip(detect(absentArn)), { _tag: "AwsRejected", detail })
      assert.deepInclude(yield* Effect.flip(driftsOf(absentArn)), { _tag: "AwsRejected", detail })
      assert.deepInclude(yield* Effect.flip(statusOf("absent")), { _tag: "AwsRejected", code: "ValidationError" })
    }).pipe(Effect.provide(world)))

  it.effect.each([
    { operation: "cloudformation:DetectStackDrift", call: detect(stack) },
    { operation: "cloudformation:DescribeStackDriftDetectionStatus", call: statusOf("id") },
    { operation: "cloudformation:DescribeStackResourceDrifts", call: driftsOf(stack) }
  ])("a role without $operation is denied the call", ({ call, operation }) =>
    Effect.gen(function*() {
      yield* World.use(({ deny }) => deny(operation))
      assert.deepInclude(yield* Effect.flip(Effect.asVoid<unknown, unknown, CloudFormation>(call)), {
        _tag: "AwsDenied",
        operation
      })
    }).pipe(Effect.provide(world)))
})

describe("CloudFormation on the wire: drift", () => {
  it.effect("the requests arrive in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const stackId = yield* created
      const { calls } = yield* CloudFormationServer
      const before = calls.length
      const id = yield* detect(stackId)
      yield* statusOf(id)
      yield* driftsOf(stackId)
      const Version = "2010-05-15"
      assert.deepStrictEqual(calls.slice(before).map(({ operation, parameters }) => [operation, parameters]), [
        ["DetectStackDrift", { Version, StackName: stackId }],
        ["DescribeStackDriftDetectionStatus", { Version, StackDriftDetectionId: id }],
        ["DescribeStackResourceDrifts", {
          Version,
          StackName: stackId,
          "StackResourceDriftStatusFilters.member.1": "MODIFIED",
          "StackResourceDriftStatusFilters.member.2": "DELETED",
          MaxResults: "100"
        }]
      ])
    }).pipe(Effect.provide(http)))

  it.effect("drifted resources are read from all pages", () =>
    Effect.gen(function*() {
      yield* created
      const ids = ["A", "B", "C", "D", "E"]
      yield* CloudFormationServer.use(({ drift }) =>
        drift(stack, ...ids.map((id) => ({ id, type: "AWS::SNS::Topic" })))
      )
      yield* detect(stack)
      yield* finish
      const drifts = yield* driftsOf(stack)
      assert.deepStrictEqual(drifts.map(({ logicalResourceId }) => logicalResourceId), ids)
    }).pipe(Effect.provide(httpWithPages(2))))

  it.effect("a throttled detection is retried", () =>
    drive(Effect.gen(function*() {
      yield* created
      yield* World.use(({ throttle }) => throttle(2))
      assert.notStrictEqual(yield* detect(stack), "")
    })).pipe(Effect.provide(http)))
})
