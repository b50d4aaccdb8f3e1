// The in-memory calls that detect drift.
import * as Effect from "effect/Effect"
import type { ResourceDrift } from "../../domain/stack/StackDrift.ts"
import { type CloudFormation, StackNotReady } from "../../services/CloudFormation.ts"
import type { MemoryCloud } from "./MemoryCloud.ts"
import { validationError } from "./MemorySettings.ts"

/** The statuses in which CloudFormation detects drift. */
const detectable: ReadonlySet<string> = new Set([
  "CREATE_COMPLETE",
  "UPDATE_COMPLETE",
  "UPDATE_ROLLBACK_COMPLETE",
  "UPDATE_ROLLBACK_FAILED",
  "IMPORT_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE"
])

export const driftCalls = (cloud: MemoryCloud) => {
  const { detections } = cloud
  const find = (operation: string, name: string, now: number) => {
    const stack = cloud.find(name, now)
    return stack === undefined
      ? validationError(operation, `Stack [${name}] does not exist`)
      : Effect.succeed(stack)
  }
  return {
    detectDrift: Effect.fn("CloudFormationMemory.detectDrift")(function*(name) {
      const operation = "cloudformation:DetectStackDrift"
      const now = yield* cloud.startCall(operation)
      const stack = yield* find(operation, name, now)
      if (detections.some((detection) => detection.stack === stack && detection.endsAt > now)) {
        return yield* new StackNotReady({ stack: name, status: "DETECTION_IN_PROGRESS" })
      }
      const status = stack.statusAt(now)
      if (!detectable.has(status)) {
        return yield* validationError(operation, `Drift detection is not possible in the stack's status ${status}`)
      }
      const drifts = stack.resolved.resources.flatMap(({ id, type }): ReadonlyArray<ResourceDrift> => {
        const drift = cloud.drifts.get(id)
        if (drift === undefined) return []
        const resource = { logicalResourceId: id, resourceType: type }
        return drift === "deleted"
          ? [{ ...resource, status: "DELETED", differences: [] }]
          : [{ ...resource, status: "MODIFIED", differences: drift }]
      })
      const id = `00000000-0000-4000-9000-${String(detections.length).padStart(12, "0")}`
      detections.push({ id, stack, endsAt: now + cloud.resourceMillis, drifts })
      return id
    }),
    describeDriftDetection: Effect.fn("CloudFormationMemory.describeDriftDetection")(function*(id) {
      const operation = "cloudformation:DescribeStackDriftDetectionStatus"
      const now = yield* cloud.startCall(operation)
      const found = detections.find((detection) => detection.id === id)
      if (found === undefined) return yield* validationError(operation, `Drift detection ${id} does not exist`)
      return found.endsAt > now
        ? { status: "DETECTION_IN_PROGRESS" }
        : {
          status: "DETECTION_COMPLETE",
          driftStatus: found.drifts.length > 0 ? "DRIFTED" : "IN_SYNC",
          driftedResources: found.drifts.length
        }
    }),
    resourceDrifts: Effect.fn("CloudFormationMemory.resourceDrifts")(function*(name) {
      const operation = "cloudformation:DescribeStackResourceDrifts"
      const now = yield* cloud.startCall(operation)
      const stack = yield* find(operation, name, now)
      return detections.findLast((detection) => detection.stack === stack && detection.endsAt <= now)?.drifts ?? []
    })
  } satisfies Partial<CloudFormation["Service"]>
}
