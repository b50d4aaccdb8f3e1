// The program's calls on drift, as calls to its environment.
import { Effect } from "effect"
import type { DriftDetection, ResourceDrift } from "../../src/domain/stack/StackDrift.ts"
import { type CloudFormation, StackNotReady } from "../../src/services/CloudFormation.ts"
import type * as Cloud from "./cloud.ts"
import { fail } from "./failure.ts"
import type { Answer, Call } from "./program.ts"

type Started = ReturnType<CloudFormation["Service"]["detectDrift"]>

const detections: Readonly<Record<Cloud.ModelDetection["result"], DriftDetection>> = {
  running: { status: "DETECTION_IN_PROGRESS" },
  "in sync": { status: "DETECTION_COMPLETE", driftStatus: "IN_SYNC", driftedResources: 0 },
  drifted: { status: "DETECTION_COMPLETE", driftStatus: "DRIFTED", driftedResources: 1 },
  unchecked: { status: "DETECTION_FAILED", driftStatus: "UNKNOWN", reason: "The table cannot be read" }
}

const table: ResourceDrift = {
  logicalResourceId: "Table",
  resourceType: "AWS::DynamoDB::Table",
  status: "MODIFIED",
  differences: [{ path: "/BillingMode", expected: "PROVISIONED", actual: "PAY_PER_REQUEST" }]
}

/** `answerTo` makes the call and returns its answer. */
export const driftCalls = (
  answerTo: (call: Call) => Effect.Effect<Answer>
): Partial<CloudFormation["Service"]> => ({
  detectDrift: (stack) =>
    Effect.flatMap(answerTo({ _tag: "detectDrift", stack }), (answer): Started => {
      switch (answer._tag) {
        case "DetectionStarted":
          return Effect.succeed(answer.id)
        case "StackNotReady":
          return Effect.fail(new StackNotReady({ stack, status: answer.status }))
        default:
          return fail(answer)
      }
    }),
  describeDriftDetection: (detection) =>
    Effect.flatMap(
      answerTo({ _tag: "describeDetection", detection }),
      (answer) => answer._tag === "Detection" ? Effect.succeed(detections[answer.result]) : fail(answer)
    ),
  resourceDrifts: (stack) =>
    Effect.flatMap(
      answerTo({ _tag: "listDrifts", stack }),
      (answer) => answer._tag === "Drifts" ? Effect.succeed(answer.hasDrifted ? [table] : []) : fail(answer)
    )
})
