// A stack in memory. Starting an operation writes all its events at once, with the times at which they happen; reading
// the stack at a time shows the events up to then.
import type { Stack } from "../../domain/stack/Stack.ts"
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import type { MemoryChangeSet } from "./MemoryChangeSet.ts"
import {
  earlyValidation,
  earlyValidationReason,
  hookEvents,
  type InjectedFailures,
  isFailure,
  lastStatuses,
  type MemoryOperation
} from "./MemoryOperation.ts"
import { type MemorySettings, noSettings } from "./MemorySettings.ts"
import { nestedUrlsOf, outputsOf, typesOf } from "./resources.ts"

/** CloudFormation's words for an operation on a resource. */
const nouns = { create: "creation", update: "update", delete: "deletion" }

export class MemoryStack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  template = ""
  settings: MemorySettings = noSettings
  changeSets: ReadonlyArray<MemoryChangeSet> = []
  readonly createdAt: number
  changedAt: number
  /** Past and future events, oldest first. */
  #events: ReadonlyArray<StackEvent> = []
  /** Failed validations, which only DescribeEvents shows. */
  readonly #validations: Array<StackEvent> = []
  /** The outputs and the time from which the stack has them, oldest first. */
  #outputs: ReadonlyArray<{ readonly at: number; readonly outputs: Readonly<Record<string, string>> }> = []
  readonly #nestedStacks = new Map<string, MemoryStack>()

  constructor(name: string, index: number, now: number) {
    const uuid = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`
    this.id = `arn:aws:cloudformation:us-east-1:123456789012:stack/${name}/${uuid}`
    this.name = name
    this.createdAt = now
    this.changedAt = now
  }

  /** Newest first, as CloudFormation lists them. */
  eventsAt(now: number) {
    return this.#events.filter(({ timestamp }) => timestamp <= now).toReversed()
  }

  describeAt(now: number): Stack {
    const { changedAt, createdAt, id, name, settings: { noEcho, parameters, terminationProtection } } = this
    const newest = this.eventsAt(now).find(({ physicalResourceId }) => physicalResourceId === id)
    return {
      id,
      name,
      createdAt,
      changedAt,
      terminationProtection,
      parameters: new Map(Array.from(parameters, ([name, value]) => [name, noEcho.has(name) ? "****" : value])),
      status: newest?.status ?? "",
      reason: newest?.reason,
      outputs: this.#outputs.findLast(({ at }) => at <= now)?.outputs ?? {}
    }
  }

  statusAt(now: number) {
    return this.describeAt(now).status
  }

  failedEventsAt(operationId: string, now: number) {
    return [...this.#validations, ...this.eventsAt(now).filter(isFailure)]
      .filter((event) => event.operationId === operationId)
  }

  /** Records the validations of the template that fail; returns whether any does. Only DescribeEvents shows them. */
  recordFailedValidations(
    template: string,
    { validations }: InjectedFailures,
    operation: Pick<StackEvent, "operationId" | "clientRequestToken">,
    now: number
  ): boolean {
    const failed = typesOf(template).filter(([id]) => validations.has(id))
    for (const [id, type] of failed) {
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
  setStatus(status: string, now: number) {
    const event = this.#event("AWS::CloudFormation::Stack", this.name, this.id, "Console-0000", status, now)
    this.#events = [...this.eventsAt(now).toReversed(), event]
    this.#outputs = this.#outputs.filter(({ at }) => at <= now)
    this.changedAt = now
  }

  /** Returns the reason if the operation is going to fail. */
  startOperation(request: MemoryOperation): string | undefined {
    const { disableRollback, failures, now, operation, resourceMillis, template, token } = request
    const kind = operation === "execute" ? this.statusAt(now) === "REVIEW_IN_PROGRESS" ? "create" : "update" : operation
    const verb = kind.toUpperCase()
    const resources = typesOf(template)
    const tokens = { operationId: this.#operationIdOf(token), clientRequestToken: token }
    if (kind !== "delete" && this.recordFailedValidations(template, failures, tokens, now)) {
      return this.#failValidation(kind, request)
    }
    const reasons = this.#failureReasons(request)
    const firstFailure = resources.findIndex(([id]) => reasons.has(id))
    const failed = firstFailure >= 0
    const failureReason = failed
      ? `The following resource(s) failed to ${kind}: [${resources[firstFailure]?.[0]}].`
      : undefined

    const stackEvent = (status: string, at: number, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, at, reason)
    const resourceEnds = resources.map(([id, type], index) => {
      const at = now + resourceMillis * (1 + (failed ? Math.min(index, firstFailure) : index))
      const [status, reason] = !failed || index < firstFailure
        ? [`${verb}_COMPLETE`]
        : [`${verb}_FAILED`, index === firstFailure ? reasons.get(id) : `Resource ${nouns[kind]} cancelled`]
      return this.#event(type, id, this.#physicalIdOf(id), token, status ?? "", at, reason)
    })
    const resourcesEnd = now + resourceMillis * Math.max(1, failed ? firstFailure + 1 : resources.length)
    const end = failed ? (disableRollback ? "failedWithoutRollback" : "failed") : "succeeded"

    this.#events = [
      ...this.eventsAt(now).toReversed(),
      stackEvent(`${verb}_IN_PROGRESS`, now, "User Initiated"),
      ...resources.map(([id, type]) => this.#event(type, id, "", token, `${verb}_IN_PROGRESS`, now)),
      ...hookEvents(resourceEnds[firstFailure], failures.hooks, `${verb}_IN_PROGRESS`),
      ...resourceEnds,
      ...lastStatuses[kind][end].map((status, index) =>
        stackEvent(status, resourcesEnd + resourceMillis * index, index === 0 ? failureReason : undefined)
      )
    ]
    this.tokens.add(token)
    this.changedAt = now
    if (!failed || kind === "create") this.settings = request.settings
    if (failed) return failureReason
    this.template = template
    const values = outputsOf(template).map(([name, { Value }]) => [name, this.#resolve(Value)] as const)
    this.#outputs = [
      ...this.#outputs.filter(({ at }) => at <= now),
      { at: resourcesEnd, outputs: kind === "delete" ? {} : Object.fromEntries(values) }
    ]
    return undefined
  }

  /** The reasons of the resources that are going to fail: on their own, by a hook, or in their nested stack. */
  #failureReasons(request: MemoryOperation): ReadonlyMap<string, string> {
    const { failures: { hooks, resources }, now, operation, resourceMillis, template } = request
    const reasons = new Map(resources)
    if (operation === "delete") return reasons
    for (const [id, { type }] of hooks) reasons.set(id, `The following hook(s) failed: [${type}]`)
    const nestedUrls = new Map(nestedUrlsOf(template))
    for (const [index, [id]] of typesOf(template).entries()) {
      if (reasons.has(id)) break
      const url = nestedUrls.get(id)
      const reason = url === undefined
        ? undefined
        : this.#startNestedOperation(id, url, { ...request, now: now + resourceMillis * index })
      if (reason !== undefined) reasons.set(id, reason)
    }
    return reasons
  }

  /** A nested stack takes the time of one resource of its parent. */
  #startNestedOperation(id: string, url: string, request: MemoryOperation) {
    const existing = this.#nestedStacks.get(id)
    const nested = existing ?? request.addNestedStack(`${this.name}-${id}`)
    this.#nestedStacks.set(id, nested)
    const operation = existing === undefined ? "create" : "update"
    const template = request.templates[url] ?? url
    const resourceMillis = Math.floor(request.resourceMillis / Math.max(1, typesOf(template).length))
    const reason = nested.startOperation({ ...request, operation, template, resourceMillis })
    return reason && `Embedded stack ${nested.id} was not successfully ${operation}d: ${reason}`
  }

  /** Early validation has failed: no resource is started. */
  #failValidation(kind: "create" | "update", { now, token }: MemoryOperation) {
    const stackEvent = (status: string, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, now, reason)
    const [first, ...others] = lastStatuses[kind].failed
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      stackEvent(`${kind.toUpperCase()}_IN_PROGRESS`, "User Initiated"),
      stackEvent(first, earlyValidationReason),
      ...others.map((status) => stackEvent(status))
    ]
    this.tokens.add(token)
    this.changedAt = now
    return earlyValidationReason
  }

  #operationIdOf(token: string) {
    return `${this.id.slice(-36)}-${token}`
  }

  #physicalIdOf(id: string) {
    return this.#nestedStacks.get(id)?.id ?? `${this.name}-${id}`
  }

  /** The value of an output: a literal, or the physical id of the resource that it refers to. */
  #resolve(value: unknown) {
    if (typeof value === "string") return value
    const { Ref } = value as { readonly Ref?: unknown }
    if (Ref === "AWS::StackId") return this.id
    if (Ref === "AWS::StackName") return this.name
    return typeof Ref === "string" ? this.#physicalIdOf(Ref) : JSON.stringify(value)
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
