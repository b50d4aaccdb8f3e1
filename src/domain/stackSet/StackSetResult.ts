// What later actions of the pipeline get from a stack set: counts as variables, and every instance in a file.
import * as Option from "effect/Option"
import { truncate } from "../job/JobOutcome.ts"
import { type Place } from "./StackInstances.ts"
import type { InstanceResult, StackSetDrift } from "./StackSet.ts"
import type { OwnOperation } from "./StackSetOperation.ts"
import type { Mode } from "./StackSetPlan.ts"
import { lineOf } from "./StackSetProgress.ts"

/** An operation of the action that succeeded. */
export interface EndedOperation extends OwnOperation {
  readonly id: string
  /** None if they could not be read. */
  readonly results: Option.Option<ReadonlyArray<InstanceResult>>
}

export interface Outcome {
  readonly stackSetId: string
  /** Oldest first. */
  readonly operations: ReadonlyArray<EndedOperation>
  readonly drift: Option.Option<StackSetDrift>
  /** The instances that drift; none if they are unknown. */
  readonly drifted: Option.Option<ReadonlyArray<Place>>
}

interface InstanceOutcome extends InstanceResult {
  readonly operationId: string
}

export interface StackSetResult extends Outcome {
  /** The last result of each instance. */
  readonly instances: ReadonlyArray<InstanceOutcome>
  /** Whether all results could be read. */
  readonly isComplete: boolean
  readonly succeeded: number
  readonly failed: number
}

export const make = (outcome: Outcome): StackSetResult => {
  const last = new Map<string, InstanceOutcome>()
  for (const { id: operationId, results } of outcome.operations) {
    for (const result of Option.getOrElse(results, (): ReadonlyArray<InstanceResult> => [])) {
      last.set(`${result.account}/${result.region}`, { ...result, operationId })
    }
  }
  const instances = [...last.values()]
  const count = (counted: string) => instances.filter(({ status }) => status === counted).length
  return {
    ...outcome,
    instances,
    isComplete: outcome.operations.every(({ results }) => Option.isSome(results)),
    succeeded: count("SUCCEEDED"),
    failed: count("FAILED")
  }
}

/** The output variables. Counts are omitted if they are unknown. */
export const variables = (
  { drift, failed, isComplete, operations, stackSetId, succeeded }: StackSetResult
): Readonly<Record<string, string>> => {
  const last = operations.at(-1)
  return {
    StackSetId: stackSetId,
    ...(last !== undefined && { OperationId: last.id }),
    ...(isComplete && { Succeeded: `${succeeded}`, Failed: `${failed}` }),
    ...Option.match(drift, {
      onNone: () => ({}),
      onSome: ({ drifted, inSync, status }) => ({
        DriftStatus: status,
        Drifted: `${drifted}`,
        InSync: `${inSync}`
      })
    })
  }
}

/** JSON with the result of each instance. */
export const file = (
  { drift, drifted, failed, instances, isComplete, operations, stackSetId, succeeded }: StackSetResult
): string => {
  const whole = {
    StackSetId: stackSetId,
    Complete: isComplete,
    Succeeded: succeeded,
    Failed: failed,
    Operations: operations.map(({ id, step }) => ({ OperationId: id, Step: step })),
    ...Option.match(drift, {
      onNone: () => ({}),
      onSome: (drift) => ({
        Drift: {
          Status: drift.status,
          Total: drift.total,
          Drifted: drift.drifted,
          InSync: drift.inSync,
          Failed: drift.failed,
          ...Option.match(drifted, {
            onNone: () => ({}),
            onSome: (places) => ({
              Instances: places.map(({ account, region }) => ({ Account: account, Region: region }))
            })
          })
        }
      })
    })
  }
  // One instance a line: a file with thousands of them stays readable.
  const lines = instances.map(({ account, operationId, reason, region, status }) =>
    JSON.stringify({
      Account: account,
      Region: region,
      Status: status,
      ...(reason !== undefined && { StatusReason: reason }),
      OperationId: operationId
    })
  )
  const head = JSON.stringify(whole, undefined, 2).slice(0, -2)
  return lines.length === 0
    ? `${head},\n  "Instances": []\n}\n`
    : `${head},\n  "Instances": [\n    ${lines.join(",\n    ")}\n  ]\n}\n`
}

const plural = (count: number) => `${count} ${count === 1 ? "instance" : "instances"}`

const heads = {
  CREATE_UPDATE: "Stack set is up to date",
  DELETE_INSTANCES: "Instances are deleted",
  DELETE: "Stack set is deleted",
  DETECT_DRIFT: "Drift detection complete"
} satisfies Record<Mode, string>

/** For example `Stack set is up to date: 40 instances, 2 failed (eu-west-1/111122223333: reason)`. */
export const summary = (mode: Mode, { drift, failed, instances, isComplete, operations }: StackSetResult): string => {
  if (mode === "DELETE_INSTANCES" && operations.length === 0) return "There are no instances to delete"
  const failures = instances.filter(({ status }) => status === "FAILED")
  const counts = isComplete && operations.length > 0
    ? [
      plural(instances.length),
      ...failures.slice(0, 1).map((first) => `${failed} failed (${truncate(lineOf(first), 500)})`)
    ]
    : []
  const drifts = Option.match(drift, {
    onNone: () => [],
    onSome: ({ drifted, status, total }) => [`${status}, ${drifted} of ${plural(total)} drifted`]
  })
  const details = [...drifts, ...(drifts.length > 0 ? [] : counts)]
  return details.length === 0 ? heads[mode] : `${heads[mode]}: ${details.join(", ")}`
}
