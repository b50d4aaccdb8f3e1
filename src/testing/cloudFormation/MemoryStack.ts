// A stack in memory. Starting an operation writes all its events at once, with the times at which they happen; reading
// the stack at a time shows the events up to then.
import * as Result from "effect/Result"
import type { Stack } from "../../domain/stack/Stack.ts"
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import type { MemoryChangeSet } from "./MemoryChangeSet.ts"
import {
  earlyValidation,
  earlyValidationReason,
  failedStatuses,
  isFailure,
  lastStatuses,
  type MemoryOperation,
  type Surroundings,
  withHook
} from "./MemoryOperation.ts"
import { type MemorySettings, noSettings } from "./MemorySettings.ts"
import { NestedStacks } from "./NestedStacks.ts"
import { duration, eventsOf, type OperationKind, type ResourceEvent, stepsOf } from "./resourceEvents.ts"
import { failedRollback } from "./rollback.ts"
import { existingKeyOf, isImportable } from "./template/changes.ts"
import { type MemoryTemplate, noTemplate } from "./template/MemoryTemplate.ts"
import {
  type Environment,
  nothingResolved,
  partitionOf,
  resolve,
  type Resolved,
  type ResolvedResource
} from "./template/resolve.ts"

/** What a stack has from a time on. */
interface Results {
  readonly at: number
  readonly outputs: ReadonlyMap<string, string>
  readonly exports: ReadonlyMap<string, string>
}

/** An event of the stack itself. */
export interface StackStep {
  readonly status: string
  readonly timestamp: number
  readonly reason?: string | undefined
}

export class MemoryStack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  template: MemoryTemplate = noTemplate
  resolved: Resolved = nothingResolved
  /** Whether its failed creation was not rolled back on request (DO_NOTHING): then it cannot be updated. */
  isCreatedToStay = false
  /** What the last create or update was to make of the stack. */
  attempted: Resolved = nothingResolved
  settings: MemorySettings = noSettings
  changeSets: ReadonlyArray<MemoryChangeSet> = []
  readonly createdAt: number
  /** When it was created or changed, oldest first. */
  readonly #changes: Array<number> = []
  /** Past and future events, oldest first. */
  #events: ReadonlyArray<StackEvent> = []
  /** Failed validations, which only DescribeEvents shows. */
  readonly #validations: Array<StackEvent> = []
  /** Oldest first. */
  #results: ReadonlyArray<Results> = []
  #beforeOperation: Pick<MemoryStack, "template" | "resolved" | "settings"> = this
  readonly #surroundings: Surroundings
  readonly #nested: NestedStacks

  constructor(name: string, index: number, now: number, surroundings: Surroundings) {
    const uuid = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`
    const { accountId, region } = surroundings
    this.id = `arn:${partitionOf(region)}:cloudformation:${region}:${accountId}:stack/${name}/${uuid}`
    this.name = name
    this.createdAt = now
    this.#changes.push(now)
    this.#surroundings = surroundings
    this.#nested = new NestedStacks(name, surroundings)
  }

  /** Newest first, as CloudFormation lists them. */
  eventsAt(now: number) {
    return this.#events.filter(({ timestamp }) => timestamp <= now).toReversed()
  }

  describeAt(now: number): Stack {
    const { createdAt, id, name, settings: { noEcho, parameters, terminationProtection } } = this
    const newest = this.eventsAt(now).find(({ physicalResourceId }) => physicalResourceId === id)
    return {
      id,
      name,
      createdAt,
      changedAt: Math.max(createdAt, this.#changes.findLast((at) => at <= now) ?? createdAt),
      terminationProtection,
      parameters: new Map(Array.from(parameters, ([name, value]) => [name, noEcho.has(name) ? "****" : value])),
      status: newest?.status ?? "",
      reason: newest?.reason,
      outputs: Object.fromEntries(this.#resultAt(now)?.outputs ?? [])
    }
  }

  exportsAt(now: number): ReadonlyMap<string, string> {
    return this.#resultAt(now)?.exports ?? new Map()
  }

  #resultAt(now: number) {
    return this.#results.findLast(({ at }) => at <= now)
  }

  statusAt(now: number) {
    return this.describeAt(now).status
  }

  failedEventsAt(operationId: string, now: number) {
    return [...this.#validations, ...this.eventsAt(now).filter(isFailure)]
      .filter((event) => event.operationId === operationId)
  }

  /** The physical id of a resource. */
  physicalIdOf(id: string) {
    return this.#nested.find(id)?.id ?? `${this.name}-${id}`
  }

  /** What an operation makes of a nested stack. */
  nestedTarget(
    { id, properties }: ResolvedResource,
    request: Pick<MemoryOperation, "capabilities" | "depth" | "now">
  ) {
    return this.#nested.target(id, properties, request)
  }

  /** What the stack's template is evaluated with before an operation: other stacks may still change. */
  environment({ notificationArns, parameters }: MemorySettings, now: number): Environment {
    const { accountId, exporterOf, foreignExport, region } = this.#surroundings
    const foreign = (name: string) => exporterOf(name, now) === undefined ? foreignExport(name) : undefined
    return {
      region,
      accountId,
      stackId: this.id,
      stackName: this.name,
      notificationArns,
      parameters,
      physicalId: (id) => `${this.name}-${id}`,
      nestedOutput: () => undefined,
      exportedValue: (name) => exporterOf(name, now)?.value ?? foreign(name),
      isForeignExport: (name) => foreign(name) !== undefined
    }
  }

  /** Records the validations of the template that fail; returns whether any does. Only DescribeEvents shows them. */
  recordFailedValidations(
    { resources }: Resolved,
    operation: Pick<StackEvent, "operationId" | "clientRequestToken">,
    now: number
  ): boolean {
    const { validations } = this.#surroundings.failures
    const failed = resources.filter(({ id }) => validations.has(id))
    for (const { id, type } of failed) {
      const validation = {
        name: earlyValidation,
        status: "FAILED",
        failureMode: "FAIL",
        reason: validations.get(id) ?? ""
      }
      this.#validations.push({ ...this.#event(type, id, "", "", "", now), ...operation, validation })
    }
    return failed.length > 0
  }

  /** Sets the status as another actor would. A running operation ends here. */
  setStatus(status: string, now: number, reason?: string) {
    const event = this.#event("AWS::CloudFormation::Stack", this.name, this.id, "Console-0000", status, now, reason)
    this.#events = [...this.eventsAt(now).toReversed(), event]
    this.#results = this.#results.filter(({ at }) => at <= now)
    // The operation that led to the status started before.
    this.#changes.push(now - 1)
  }

  /** Brings the stack back to what it was before its running update, whose rollback follows. */
  cancelUpdate(token: string, now: number, resourceMillis: number) {
    const [first, ...others] = lastStatuses.update.failed
    Object.assign(this, this.#beforeOperation)
    this.continueWith(token, now, [
      { status: first, timestamp: now, reason: "User Initiated" },
      ...others.map((status, index) => ({ status, timestamp: now + resourceMillis * (1 + index) }))
    ])
  }

  /** Lets other events follow instead of those of the running operation. No event is a change of the stack. */
  continueWith(token: string, now: number, events: ReadonlyArray<ResourceEvent | StackStep>) {
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      ...events.map((event) =>
        "resource" in event
          ? this.#resourceEvent(event, token)
          : this.#event(
            "AWS::CloudFormation::Stack",
            this.name,
            this.id,
            token,
            event.status,
            event.timestamp,
            event.reason
          )
      )
    ]
    this.#results = this.#results.filter(({ at }) => at <= now)
    this.tokens.add(token)
  }

  /** Returns the reason if the operation is going to fail. */
  startOperation(request: MemoryOperation): string | undefined {
    const { disableRollback, now, onStackFailure, operation, resolved, resourceMillis, token } = request
    const kind = operation === "execute" ? this.statusAt(now) === "REVIEW_IN_PROGRESS" ? "create" : "update" : operation
    this.#beforeOperation = { template: this.template, resolved: this.resolved, settings: this.settings }
    const tokens = { operationId: this.#operationIdOf(token), clientRequestToken: token }
    if (kind !== "delete" && this.recordFailedValidations(resolved, tokens, now)) {
      return this.#failValidation(kind, request)
    }
    const { existing } = this.#surroundings
    const isImported = (resource: ResolvedResource) =>
      request.importsExisting === true && isImportable(existing, resource)
    const { cleanup, steps } = stepsOf(kind, this.resolved, resolved, isImported)
    this.attempted = resolved
    if (kind === "create") this.isCreatedToStay = onStackFailure === "DO_NOTHING"
    const failure = this.#nested.run(steps, request, (now) => this.#evaluate(request, now))
    const result = failure === undefined && kind !== "delete" ? this.#resultOf(request) : Result.succeed(noResult)
    const failed = steps[failure?.index ?? -1]
    const failureReason = failed === undefined
      ? Result.isFailure(result) ? result.failure : undefined
      : `The following resource(s) failed to ${failed.verb.toLowerCase()}: [${failed.resource.id}].`
    const resourcesEnd = now + duration(steps, resourceMillis, failure)
    const staysFailed = disableRollback || onStackFailure === "DO_NOTHING"
    const stuck = failureReason === undefined || staysFailed || kind === "delete"
      ? undefined
      : failedRollback(
        kind,
        steps.map(({ resource }) => resource),
        this.#surroundings.failures,
        resourcesEnd + resourceMillis
      )
    if (failureReason === undefined) this.#nested.run(cleanup, { ...request, now: resourcesEnd })

    const stackEvent = (status: string, at: number, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, at, reason)
    const events = eventsOf(steps, now, resourceMillis, failure).map((event) => this.#resourceEvent(event, token))
    const failedEvent = events.find(({ logicalResourceId, status }) =>
      logicalResourceId === failed?.resource.id && status.endsWith("_FAILED")
    )
    const [first, ...others] = failureReason === undefined
      ? lastStatuses[kind].succeeded
      : failedStatuses(kind, request, stuck !== undefined)
    const cleanupMillis = Math.floor(resourceMillis / Math.max(1, cleanup.length))
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      stackEvent(`${kind.toUpperCase()}_IN_PROGRESS`, now, "User Initiated"),
      ...withHook(events, failedEvent, this.#surroundings.failures.hooks),
      stackEvent(first, resourcesEnd, failureReason),
      ...(failureReason === undefined ? eventsOf(cleanup, resourcesEnd, cleanupMillis) : [])
        .map((event) => this.#resourceEvent(event, token)),
      ...(stuck === undefined ? [] : [this.#resourceEvent(stuck, token)]),
      ...others.map((status, index) => stackEvent(status, resourcesEnd + resourceMillis * (1 + index)))
    ]
    this.tokens.add(token)
    this.#changes.push(now)
    if (failureReason === undefined || kind === "create") this.settings = request.settings
    if (failureReason !== undefined || Result.isFailure(result)) return failureReason
    for (const { resource } of steps) existing.delete(existingKeyOf(resource) ?? "")
    this.template = request.template
    this.resolved = kind === "delete" ? nothingResolved : resolved
    this.#results = [...this.#results.filter(({ at }) => at <= now), { ...result.success, at: resourcesEnd }]
    return undefined
  }

  /** Evaluates the template with the nested stacks as they are. */
  #evaluate({ settings, template }: MemoryOperation, now: number) {
    return resolve(template, {
      ...this.environment(settings, now),
      physicalId: (id) => this.physicalIdOf(id),
      nestedOutput: (id, output) => this.#nested.outputOf(id, output)
    })
  }

  /** The outputs and exports, or why CloudFormation does not accept them. */
  #resultOf(request: MemoryOperation): Result.Result<Omit<Results, "at">, string> {
    const { now } = request
    const { exporterOf, importerOf } = this.#surroundings
    return Result.flatMap(this.#evaluate(request, now), ({ exports, outputs }) => {
      for (const name of exports.keys()) {
        const other = exporterOf(name, now)?.stack
        if (other !== undefined && other !== this) {
          return Result.fail(
            `Export with name ${name} is already exported by stack ${other.name}. Rollback requested by user.`
          )
        }
      }
      for (const [name, value] of this.exportsAt(now)) {
        const importer = exports.get(name) === value ? undefined : importerOf(name, now)
        const verb = exports.has(name) ? "updated" : "deleted"
        if (importer !== undefined) {
          return Result.fail(`Export ${name} cannot be ${verb} as it is in use by ${importer.name}`)
        }
      }
      return Result.succeed({ exports, outputs })
    })
  }

  /** Early validation has failed: no resource is started. */
  #failValidation(kind: Exclude<OperationKind, "delete">, request: MemoryOperation) {
    const { now, token } = request
    const stackEvent = (status: string, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, now, reason)
    const [first, ...others] = failedStatuses(kind, request, false)
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      stackEvent(`${kind.toUpperCase()}_IN_PROGRESS`, "User Initiated"),
      stackEvent(first, earlyValidationReason),
      ...others.map((status) => stackEvent(status))
    ]
    this.tokens.add(token)
    this.#changes.push(now)
    return earlyValidationReason
  }

  #operationIdOf(token: string) {
    return `${this.id.slice(-36)}-${token}`
  }

  /** A resource has no physical id before it is created. */
  #resourceEvent({ reason, resource: { id, type }, status, timestamp }: ResourceEvent, token: string) {
    const physicalId = status === "CREATE_IN_PROGRESS" ? "" : this.physicalIdOf(id)
    return this.#event(type, id, physicalId, token, status, timestamp, reason)
  }

  #event(
    resourceType: string,
    logicalResourceId: string,
    physicalResourceId: string,
    clientRequestToken: string,
    status: string,
    timestamp: number,
    reason?: string
  ): StackEvent {
    return {
      stackId: this.id,
      timestamp,
      logicalResourceId,
      physicalResourceId,
      resourceType,
      status,
      clientRequestToken,
      operationId: this.#operationIdOf(clientRequestToken),
      ...(reason !== undefined && { reason })
    }
  }
}

const noResult = { outputs: new Map<string, string>(), exports: new Map<string, string>() }
