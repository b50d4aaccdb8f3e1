// Drift: how the resources of a stack differ from its template because somebody changed them without CloudFormation.
import { truncate } from "../job/JobOutcome.ts"
import { firstOf } from "../text/lists.ts"

/** A drift detection, and its result when it has ended. Source: DescribeStackDriftDetectionStatus. */
export interface DriftDetection {
  /** DETECTION_IN_PROGRESS, DETECTION_COMPLETE, or DETECTION_FAILED if not all resources could be checked. */
  readonly status: string
  /** CloudFormation's words. */
  readonly reason?: string
  /** DRIFTED, IN_SYNC, NOT_CHECKED, or UNKNOWN if not all resources could be checked. */
  readonly driftStatus?: string
  /** The number of resources that have drifted. */
  readonly driftedResources?: number
}

/** A property that differs from the template. */
export interface PropertyDifference {
  /** Such as `/VersioningConfiguration/Status`. */
  readonly path: string
  /** The value in the template, as text or JSON; `null` if there is none. */
  readonly expected: string
  /** The value of the resource, as text or JSON; `null` if there is none. */
  readonly actual: string
}

/** A resource that differs from the template. Source: DescribeStackResourceDrifts. */
export interface ResourceDrift {
  readonly logicalResourceId: string
  readonly resourceType: string
  /** MODIFIED or DELETED. */
  readonly status: string
  /** Empty if the resource is deleted. */
  readonly differences: ReadonlyArray<PropertyDifference>
}

/** The number of drifted resources, and why some were not checked, if so. */
export interface DriftResult {
  readonly drifted: number
  readonly unchecked?: string
}

/** Whether the detection is still in progress. */
export const isPending = ({ status }: DriftDetection): boolean => status === "DETECTION_IN_PROGRESS"

/** Whether every resource that CloudFormation can check is as in the template, so that none has to be listed. */
export const isInSync = ({ driftStatus, status }: DriftDetection): boolean =>
  status === "DETECTION_COMPLETE" && driftStatus === "IN_SYNC"

/**
 * What a detection that has ended shows, with the resources that are listed as drifted. A later detection of another actor
 * can have replaced the list.
 */
export const judge = (
  { driftStatus, driftedResources = 0, reason, status }: DriftDetection,
  drifts: ReadonlyArray<ResourceDrift>
): DriftResult => ({
  drifted: Math.max(drifts.length, driftedResources, driftStatus === "DRIFTED" ? 1 : 0),
  ...((status !== "DETECTION_COMPLETE" || driftStatus === "UNKNOWN") && {
    unchecked: reason ?? `the detection ended with ${status}, without a reason`
  })
})

/** `1 resource`, `2 resources`. */
export const resources = (count: number): string => `${count} ${count === 1 ? "resource" : "resources"}`

/** Maximum number of properties of a resource in a message, and of characters of a value. */
const maxDifferences = 5
const maxValue = 200

/** One line for each of the first 20 resources, then how many there are more. `show` hides secrets. */
export const lines = (
  drifts: ReadonlyArray<ResourceDrift>,
  show: (path: string, value: string) => string
): ReadonlyArray<string> => {
  const value = (path: string, text: string) => truncate(show(path, text), maxValue)
  return firstOf(drifts, ({ differences, logicalResourceId, resourceType, status }) => {
    const resource = `${logicalResourceId} (${resourceType})`
    if (status === "DELETED") return `${resource} was deleted`
    const shown = differences.slice(0, maxDifferences).map(({ actual, expected, path }) =>
      `${path}: ${value(path, expected)} → ${value(path, actual)}`
    )
    const more = differences.length - shown.length
    return `${resource} was changed: ${[...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(", ")}`
  })
}
