// The server's operations that detect drift.
import { type Parameters, result, texts, validationError, xml } from "./queryProtocol.ts"
import type { Drift, Stacks } from "./serverStacks.ts"
import { members } from "./templateRequest.ts"

const notFound = (name: string) => validationError(`Stack [${name}] does not exist`)

export const detectStackDrift = (stacks: Stacks, parameters: Parameters) => {
  const { StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return notFound(name)
  if (stack.detections.some(({ isComplete }) => !isComplete)) {
    return validationError(`Drift detection is already in progress for stack [${stack.id}]`)
  }
  if (!/^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$|^UPDATE_ROLLBACK_FAILED$/.test(stack.status)) {
    return validationError(`Drift detection is not possible in the stack's status ${stack.status}`)
  }
  const id = `${stack.id.slice(-12)}-${stack.detections.length}`
  stack.detections.push({ id, drifts: stack.drifts, isComplete: false })
  return result("DetectStackDrift", xml({ StackDriftDetectionId: id }))
}

export const describeStackDriftDetectionStatus = (stacks: Stacks, parameters: Parameters) => {
  const { StackDriftDetectionId: id } = texts(parameters)
  for (const stack of stacks.all) {
    const detection = stack.detections.find((detection) => detection.id === id)
    if (detection === undefined) continue
    const { drifts, isComplete } = detection
    return result(
      "DescribeStackDriftDetectionStatus",
      xml({
        StackId: stack.id,
        StackDriftDetectionId: id,
        DetectionStatus: isComplete ? "DETECTION_COMPLETE" : "DETECTION_IN_PROGRESS",
        DetectionStatusReason: isComplete ? undefined : "User Initiated",
        StackDriftStatus: isComplete ? drifts.length > 0 ? "DRIFTED" : "IN_SYNC" : undefined,
        DriftedStackResourceCount: isComplete ? String(drifts.length) : undefined,
        Timestamp: "2026-01-01T00:00:00.000Z"
      })
    )
  }
  return validationError(`Drift detection [${id}] does not exist`)
}

const driftXml = (stackId: string, { differences, id, type }: Drift) => {
  const properties = (differences ?? []).map(({ actual, expected, path }) =>
    `<member>${
      xml({ PropertyPath: path, ExpectedValue: expected, ActualValue: actual, DifferenceType: "NOT_EQUAL" })
    }</member>`
  )
  return `<member>${
    xml({
      StackId: stackId,
      LogicalResourceId: id,
      PhysicalResourceId: `physical-${id}`,
      ResourceType: type,
      StackResourceDriftStatus: differences === undefined ? "DELETED" : "MODIFIED",
      Timestamp: "2026-01-01T00:00:00.000Z"
    })
  }<PropertyDifferences>${properties.join("")}</PropertyDifferences></member>`
}

export const describeStackResourceDrifts = (stacks: Stacks, parameters: Parameters, perPage: number) => {
  const { NextToken: page = "0", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return notFound(name)
  const filters = members(texts(parameters), "StackResourceDriftStatusFilters")
  const drifts = (stack.detections.findLast(({ isComplete }) => isComplete)?.drifts ?? [])
    .filter(({ differences }) => filters.includes(differences === undefined ? "DELETED" : "MODIFIED"))
  const end = Number(page) + perPage
  const shown = drifts.slice(Number(page), end).map((drift) => driftXml(stack.id, drift))
  return result(
    "DescribeStackResourceDrifts",
    `<StackResourceDrifts>${shown.join("")}</StackResourceDrifts>` +
      xml({ NextToken: end < drifts.length ? `${end}` : undefined })
  )
}
