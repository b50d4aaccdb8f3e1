// Drift in the abstract machine of CloudFormation: somebody changes a resource without it, and detections find that.
import * as Cloud from "./cloud.ts"

/** The answer to a call on drift. */
export type Answer =
  | { readonly _tag: "DetectionStarted"; readonly id: string }
  | { readonly _tag: "Detection"; readonly result: Cloud.ModelDetection["result"] }
  | { readonly _tag: "Drifts"; readonly hasDrifted: boolean }

type Outcome = readonly [answer: Cloud.Answer | Answer, cloud: Cloud.Cloud]

const detectionsOf = ({ detections = [] }: Cloud.ModelStack) => detections

const withDetections = (
  cloud: Cloud.Cloud,
  stackId: string,
  change: (detections: ReadonlyArray<Cloud.ModelDetection>) => ReadonlyArray<Cloud.ModelDetection>
): Cloud.Cloud => ({
  ...cloud,
  stacks: cloud.stacks.map((stack) =>
    stack.id === stackId ? { ...stack, detections: change(detectionsOf(stack)) } : stack
  )
})

const start = (cloud: Cloud.Cloud, stackId: string, id: string) =>
  withDetections(cloud, stackId, (detections) => [...detections, { id, result: "running" }])

const isDetected = ({ result }: Cloud.ModelDetection) => result === "running"

const detectable = new Set([...Cloud.updatable, "UPDATE_ROLLBACK_FAILED"])

/** DetectStackDrift. AWS does not document its answer while an operation is in progress. */
export const detect = (cloud: Cloud.Cloud, stackId: string): ReadonlyArray<Outcome> => {
  const stack = Cloud.find(cloud.stacks, stackId)
  const rejected: Outcome = [{ _tag: "Rejected" }, cloud]
  if (stack === undefined) return [rejected]
  if (detectionsOf(stack).some(isDetected)) {
    return [[{ _tag: "StackNotReady", status: "DETECTION_IN_PROGRESS" }, cloud]]
  }
  if (Cloud.isRunning(stack)) return [[{ _tag: "StackNotReady", status: stack.status }, cloud], rejected]
  if (!detectable.has(stack.status)) return [rejected]
  const id = `own-${cloud.stacks.flatMap(detectionsOf).length}`
  return [[{ _tag: "DetectionStarted", id }, start(cloud, stack.id, id)]]
}

/** DescribeStackDriftDetectionStatus. A late read shows a detection in progress that has ended. */
export const describe = (stacks: ReadonlyArray<Cloud.ModelStack>, id: string): Answer => {
  const found = stacks.flatMap(detectionsOf).find((detection) => detection.id === id)
  return { _tag: "Detection", result: found?.result ?? "running" }
}

/** DescribeStackResourceDrifts: the result of the stack's last detection, whoever started it. */
export const list = (stacks: ReadonlyArray<Cloud.ModelStack>, stackId: string): Answer => {
  const stack = Cloud.find(stacks, stackId)
  const last = stack && detectionsOf(stack).findLast((detection) => !isDetected(detection))
  return { _tag: "Drifts", hasDrifted: last?.result === "drifted" }
}

/** A detection ends: it finds the drift, or cannot check all resources. */
export const progressTransitions = (cloud: Cloud.Cloud): ReadonlyArray<readonly [label: string, cloud: Cloud.Cloud]> =>
  cloud.stacks.flatMap((stack) =>
    detectionsOf(stack).filter(isDetected).flatMap(({ id }) => {
      const found = stack.hasDrifted ? "drifted" : "in sync"
      const results = cloud.detectionsFail ? [found, "unchecked"] as const : [found] as const
      return results.map((result) => {
        const ended = withDetections(
          cloud,
          stack.id,
          (detections) => detections.map((detection) => detection.id === id ? { id, result } : detection)
        )
        return [`detection: ${result}`, ended] as const
      })
    })
  )

export const setDrift = (cloud: Cloud.Cloud, stackId: string, hasDrifted: boolean): Cloud.Cloud => ({
  ...cloud,
  stacks: cloud.stacks.map((stack) => stack.id === stackId ? { ...stack, hasDrifted } : stack)
})

/** The cloud, whose stack has or has not drifted. */
export const withDrift = (cloud: Cloud.Cloud, hasDrifted: boolean): Cloud.Cloud =>
  setDrift(cloud, cloud.stacks[0]?.id ?? "", hasDrifted)

/** The next states by another actor, who changes a resource, or changes it back, or detects the drift. */
export const otherActorTransitions = (
  cloud: Cloud.Cloud
): ReadonlyArray<readonly [label: string, cloud: Cloud.Cloud]> => {
  const stack = Cloud.find(cloud.stacks, Cloud.name)
  if (stack?.hasDrifted === undefined) return []
  return [
    [
      stack.hasDrifted ? "another actor undoes the drift" : "another actor changes a resource",
      setDrift(cloud, stack.id, !stack.hasDrifted)
    ],
    ...(detectionsOf(stack).some(isDetected) || Cloud.isRunning(stack)
      ? []
      : [["another actor detects drift", start(cloud, stack.id, `other-${detectionsOf(stack).length}`)] as const])
  ]
}
