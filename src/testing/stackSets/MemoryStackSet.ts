// A stack set in memory, its instances and its operations.
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import type { Place } from "../../domain/stackSet/StackInstances.ts"
import type {
  InstanceResult,
  PermissionModel,
  StackSetDrift,
  StackSetOperation,
  StackSetOptions
} from "../../domain/stackSet/StackSet.ts"
import type { Preferences } from "../../domain/stackSet/StackSetPreferences.ts"
import type { MemorySettings } from "../cloudFormation/MemorySettings.ts"
import type { MemoryTemplate } from "../cloudFormation/template/MemoryTemplate.ts"
import { isMapping, membersOf } from "../cloudFormation/template/TemplateValue.ts"
import { type Schedule, type ScheduledResult, scheduleOf } from "./schedule.ts"

/** An instance of a stack set in memory. */
export interface MemoryInstance extends Place {
  /** `CURRENT`, `OUTDATED` or `INOPERABLE`. */
  readonly status: string
  /** The ARN of its stack. */
  readonly stackId: string
  /** The parameters that override those of the stack set. */
  readonly overrides: ReadonlyMap<string, string>
  readonly lastOperationId: string
  readonly isDrifted: boolean
}

type Action = "CREATE" | "UPDATE" | "DELETE" | "DETECT_DRIFT"

interface Operation extends Schedule {
  readonly id: string
  readonly action: Action
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly startsAt: number
  /** When it was stopped; epoch milliseconds. */
  stoppedAt: number | undefined
  /** The results whose effects on the instances are applied. */
  readonly applied: Set<ScheduledResult>
}

/** The work of an operation. */
export interface MemoryWork {
  readonly id: string
  readonly action: Action
  readonly places: ReadonlyArray<Place>
  readonly preferences: Preferences
  readonly overrides?: ReadonlyMap<string, string> | undefined
  readonly failureOf: (place: Place) => string | undefined
  readonly instanceMillis: number
  readonly now: number
}

export const placeKey = ({ account, region }: Place) => `${account}/${region}`

export class MemoryStackSet {
  readonly id: string
  readonly name: string
  readonly permissionModel: PermissionModel
  readonly createToken: string
  template: MemoryTemplate
  settings: MemorySettings
  options: Omit<StackSetOptions, "parameters" | "tags">
  readonly #instances = new Map<string, MemoryInstance>()
  readonly #operations: Array<Operation> = []

  constructor(
    given: Pick<MemoryStackSet, "id" | "name" | "permissionModel" | "createToken" | "template" | "settings" | "options">
  ) {
    this.id = given.id
    this.name = given.name
    this.permissionModel = given.permissionModel
    this.createToken = given.createToken
    this.template = given.template
    this.settings = given.settings
    this.options = given.options
  }

  instancesAt(now: number): ReadonlyArray<MemoryInstance> {
    this.#settle(now)
    return [...this.#instances.values()]
  }

  hasOperation(id: string): boolean {
    return this.#operations.some((operation) => operation.id === id)
  }

  /** The operation that is in progress. */
  runningAt(now: number): string | undefined {
    return this.#operations.find((operation) => this.#endOf(operation) > now)?.id
  }

  /** Newest first. */
  operationsAt(now: number): ReadonlyArray<StackSetOperation> {
    return this.#operations.map((operation) => this.#describe(operation, now)).toReversed()
  }

  resultsAt(id: string, now: number): ReadonlyArray<InstanceResult> {
    const operation = this.#operations.find((operation) => operation.id === id)
    return (operation?.results ?? []).map((result) => {
      const { account, region } = result
      const { reason, status } = this.#resultAt(operation, result, now)
      return { account, region, status, reason }
    })
  }

  /** The event of the resource for which the stack of an instance failed; none while it has not failed. */
  failedEventsAt(stackId: string, now: number): ReadonlyArray<StackEvent> {
    const instance = this.instancesAt(now).find((instance) => instance.stackId === stackId)
    const operation = this.#operations.find(({ id }) => id === instance?.lastOperationId)
    const result = operation?.results.find((result) =>
      instance !== undefined && placeKey(result) === placeKey(instance)
    )
    if (operation === undefined || result === undefined || this.#resultAt(operation, result, now).status !== "FAILED") {
      return []
    }
    const [logicalResourceId = "Resource", resource] = membersOf(this.template.tree["Resources"])[0] ?? []
    const type = isMapping(resource) ? resource["Type"] : undefined
    return [{
      stackId,
      timestamp: result.endsAt,
      logicalResourceId,
      resourceType: typeof type === "string" ? type : "",
      status: `${operation.action}_FAILED`,
      ...(result.reason !== undefined && { reason: result.reason })
    }]
  }

  stop(id: string, now: number) {
    const operation = this.#operations.find((operation) => operation.id === id)
    if (operation !== undefined && this.#endOf(operation) > now) operation.stoppedAt = now
  }

  setDrifted(place: Place) {
    const instance = this.#instances.get(placeKey(place))
    if (instance !== undefined) this.#instances.set(placeKey(place), { ...instance, isDrifted: true })
  }

  /** Starts an operation. With managed execution, it begins when all others have ended. */
  startOperation({ action, failureOf, id, instanceMillis, now, overrides, places, preferences }: MemoryWork) {
    this.#settle(now)
    const startsAt = this.#operations.reduce((latest, operation) => Math.max(latest, this.#endOf(operation)), now)
    const schedule = scheduleOf(places, preferences, { now: startsAt, instanceMillis, failureOf })
    this.#operations.push({
      ...schedule,
      // An operation without instances takes a moment too.
      endsAt: Math.max(schedule.endsAt, startsAt + 1),
      id,
      action,
      createdAt: now,
      startsAt,
      stoppedAt: undefined,
      applied: new Set()
    })
    for (const place of places) {
      const known = this.#instances.get(placeKey(place))
      if (known === undefined && action !== "CREATE") continue
      this.#instances.set(placeKey(place), {
        ...place,
        status: action === "CREATE" || action === "UPDATE" ? "OUTDATED" : known?.status ?? "OUTDATED",
        stackId: known?.stackId ??
          `arn:aws:cloudformation:${place.region}:${place.account}:stack/StackSet-${this.name}-${this.#instances.size}/` +
            `5c36ae10-1b4f-11f0-8d4e-${String(this.#instances.size).padStart(12, "0")}`,
        overrides: overrides ?? known?.overrides ?? new Map(),
        lastOperationId: id,
        isDrifted: known?.isDrifted ?? false
      })
    }
  }

  #endOf({ endsAt, stoppedAt }: Operation) {
    return stoppedAt ?? endsAt
  }

  #describe(operation: Operation, now: number): StackSetOperation {
    const { action, createdAt, id, results, startsAt, stoppedAt } = operation
    const hasEnded = this.#endOf(operation) <= now
    const final = results.map((result) => this.#resultAt(operation, result, now).status)
    const isDrift = action === "DETECT_DRIFT"
    return {
      id,
      action,
      status: startsAt > now
        ? "QUEUED"
        : !hasEnded
        ? "RUNNING"
        : stoppedAt === undefined
        ? operation.status
        : "STOPPED",
      reason: undefined,
      createdAt,
      failedInstances: final.filter((status) => status === "FAILED").length,
      drift: isDrift ? this.#drift(results, hasEnded) : undefined
    }
  }

  #drift(results: ReadonlyArray<ScheduledResult>, hasEnded: boolean): StackSetDrift {
    const drifted = results.filter((result) => this.#instances.get(placeKey(result))?.isDrifted === true).length
    const failed = results.filter(({ status }) => status === "FAILED").length
    return {
      status: !hasEnded ? "NOT_CHECKED" : drifted > 0 ? "DRIFTED" : "IN_SYNC",
      total: results.length,
      drifted: hasEnded ? drifted : 0,
      inSync: hasEnded ? results.length - drifted - failed : 0,
      failed
    }
  }

  #resultAt(operation: Operation | undefined, { endsAt, reason, startsAt, status }: ScheduledResult, now: number) {
    const until = operation?.stoppedAt ?? Infinity
    if (Math.min(now, until) >= endsAt) return { status, reason }
    if (now >= until) return { status: "CANCELLED", reason: "Cancelled by user" }
    return { status: now >= startsAt && status !== "CANCELLED" ? "RUNNING" : "PENDING", reason: undefined }
  }

  /** Applies what has ended until now. */
  #settle(now: number) {
    for (const operation of this.#operations) {
      for (const result of operation.results) {
        const { status } = this.#resultAt(operation, result, now)
        if (operation.applied.has(result) || status === "RUNNING" || status === "PENDING") continue
        operation.applied.add(result)
        this.#apply(operation.action, result, status)
      }
    }
  }

  #apply(action: Action, result: ScheduledResult, status: string) {
    const key = placeKey(result)
    const instance = this.#instances.get(key)
    if (instance === undefined || action === "DETECT_DRIFT") return
    if (action === "DELETE") {
      if (status === "SUCCEEDED") this.#instances.delete(key)
      if (status === "FAILED") this.#instances.set(key, { ...instance, status: "INOPERABLE" })
      return
    }
    this.#instances.set(key, { ...instance, status: status === "SUCCEEDED" ? "CURRENT" : "OUTDATED" })
  }
}
