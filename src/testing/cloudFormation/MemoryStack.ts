// A stack of CloudFormation in memory: what has happened to it, and what is going to happen as time goes by.
import type { ChangeSet } from "../../domain/stack/ChangeSet.ts"
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import type { StackOperation } from "../../domain/stack/StackOperation.ts"
import { isUnderWay } from "../../domain/stack/StackStatus.ts"
import type { Stack } from "../../services/CloudFormation.ts"
import { changesBetween, nestedUrlsOf, outputsOf, typesOf } from "./resources.ts"

/** What a stack was given besides its template. */
export interface MemorySettings {
  /** The values of all parameters, by name: also those that are secret. */
  readonly parameters: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string>
  readonly roleArn: string | undefined
  readonly notificationArns: ReadonlyArray<string>
  /** JSON. */
  readonly stackPolicy: string | undefined
  readonly terminationProtection: boolean
}

export const noSettings: MemorySettings = {
  parameters: new Map(),
  tags: new Map(),
  roleArn: undefined,
  notificationArns: [],
  stackPolicy: undefined,
  terminationProtection: false
}

/** What makes an update: a role or a policy alone do not. */
export const isSame = (before: MemorySettings, after: MemorySettings) => {
  const compared = ({ notificationArns, parameters, tags }: MemorySettings) =>
    JSON.stringify([[...parameters].toSorted(), [...tags].toSorted(), notificationArns])
  return compared(before) === compared(after)
}

type Kind = "create" | "update" | "delete"

/** The statuses through which an operation ends, well or not, after its resources. */
const endings = {
  create: {
    well: ["CREATE_COMPLETE"],
    badly: ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"],
    withoutRollback: ["CREATE_FAILED"]
  },
  update: {
    well: ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
    badly: [
      "UPDATE_ROLLBACK_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE"
    ],
    withoutRollback: ["UPDATE_FAILED"]
  },
  delete: { well: ["DELETE_COMPLETE"], badly: ["DELETE_FAILED"], withoutRollback: ["DELETE_FAILED"] }
} as const satisfies Record<Kind, unknown>

/** What is to fail, by logical id. */
export interface InjectedFailures {
  readonly resources: Map<string, string>
  readonly hooks: Map<string, { readonly type: string; readonly reason: string }>
  readonly invalid: Map<string, string>
}

const earlyValidation = "AWS::EarlyValidation::PropertyValidation"

const isFailed = ({ hook, status }: StackEvent) => hook !== undefined || status.endsWith("_FAILED")

/** What the hook of a resource that is to fail says before. */
const hookFailures = (failure: StackEvent | undefined, hooks: InjectedFailures["hooks"], status: string) => {
  const hook = failure && hooks.get(failure.logicalResourceId)
  return failure === undefined || hook === undefined
    ? []
    : [{ ...failure, status, hook: { ...hook, status: "HOOK_COMPLETE_FAILED", failureMode: "FAIL" } }]
}

interface MemoryChangeSet {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly template: string
  /** What the stack's template was when it was made. */
  readonly before: string
  readonly settings: MemorySettings
  readonly readyAt: number
  readonly executed: boolean
}

/** An operation on a stack. */
interface Operating {
  readonly operation: StackOperation
  readonly token: string
  readonly template: string
  /** What the stack gets besides. */
  readonly settings: MemorySettings
  readonly disableRollback: boolean
  readonly failures: InjectedFailures
  readonly templates: Readonly<Record<string, string>>
  /** Makes a nested stack. */
  readonly nest: (name: string) => MemoryStack
  /** How long a resource takes. */
  readonly step: number
  readonly now: number
}

export class MemoryStack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  template = ""
  settings: MemorySettings = noSettings
  changeSets: ReadonlyArray<MemoryChangeSet> = []
  readonly createdAt: number
  changedAt: number
  /** What has happened and what is going to happen, oldest first. */
  #events: ReadonlyArray<StackEvent> = []
  /** What DescribeEvents tells beside the failures among the events. */
  readonly #validations: Array<StackEvent> = []
  /** Since when the stack has these outputs, oldest first. */
  #outputs: ReadonlyArray<{ readonly at: number; readonly outputs: Readonly<Record<string, string>> }> = []
  readonly #nested = new Map<string, MemoryStack>()

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
    const { changedAt, createdAt, id, name, settings: { parameters, terminationProtection } } = this
    const newest = this.eventsAt(now).find(({ physicalResourceId }) => physicalResourceId === id)
    return {
      id,
      name,
      createdAt,
      changedAt,
      terminationProtection,
      parameterNames: [...parameters.keys()],
      status: newest?.status ?? "",
      reason: newest?.reason,
      outputs: this.#outputs.findLast(({ at }) => at <= now)?.outputs ?? {}
    }
  }

  statusAt(now: number) {
    return this.describeAt(now).status
  }

  failedEventsAt(operationId: string, now: number) {
    return [...this.#validations, ...this.eventsAt(now).filter(isFailed)]
      .filter((event) => event.operationId === operationId)
  }

  /** Whatever was going on is over. */
  interfere(status: string, now: number) {
    const event = this.#event("AWS::CloudFormation::Stack", this.name, this.id, "Console-0000", status, now)
    this.#events = [...this.eventsAt(now).toReversed(), event]
    this.#outputs = this.#outputs.filter(({ at }) => at <= now)
    this.changedAt = now
  }

  prepare(
    wanted: Pick<MemoryChangeSet, "name" | "description" | "template" | "settings">,
    step: number,
    now: number
  ) {
    const id = this.id.replace(/stack\/.*/, `changeSet/${wanted.name}/${this.changeSets.length}-${now}`)
    const made = { ...wanted, id, before: this.template, readyAt: now + step, executed: false }
    this.changeSets = [...this.changeSets, made]
    return { id, stackId: this.id }
  }

  describeChangeSetAt(
    { before, description, executed, id, name, readyAt, settings, template }: MemoryChangeSet,
    now: number
  ): ChangeSet {
    const shape = { id, name, description, stackId: this.id, changes: changesBetween(before, template) }
    if (now < readyAt) return { ...shape, status: "CREATE_IN_PROGRESS", executionStatus: "UNAVAILABLE" }
    if (executed) {
      const executionStatus = isUnderWay(this.statusAt(now)) ? "EXECUTE_IN_PROGRESS" : "EXECUTE_COMPLETE"
      return { ...shape, status: "CREATE_COMPLETE", executionStatus }
    }
    if (template === before && isSame(settings, this.settings)) {
      const reason =
        "The submitted information didn't contain changes. Submit different information to create a change set."
      return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason }
    }
    return { ...shape, status: "CREATE_COMPLETE", executionStatus: before === this.template ? "AVAILABLE" : "OBSOLETE" }
  }

  /** Gives the reason where it is going to fail. */
  operate(operating: Operating): string | undefined {
    const { disableRollback, failures: { hooks, invalid }, now, operation, settings, step, template, token } = operating
    const kind = operation === "execute" ? this.statusAt(now) === "REVIEW_IN_PROGRESS" ? "create" : "update" : operation
    const verb = kind.toUpperCase()
    const resources = typesOf(template)
    if (kind !== "delete" && resources.some(([id]) => invalid.has(id))) return this.#failValidation(kind, operating)
    const failing = this.#failingIn(operating)
    const firstFailure = resources.findIndex(([id]) => failing.has(id))
    const failed = firstFailure >= 0

    const own = (status: string, at: number, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, at, reason)
    const ends = resources.map(([id, type], index) => {
      const at = now + step * (1 + (failed ? Math.min(index, firstFailure) : index))
      const [status, reason] = !failed || index < firstFailure
        ? [`${verb}_COMPLETE`]
        : [`${verb}_FAILED`, index === firstFailure ? failing.get(id) : `Resource ${kind} cancelled`]
      return this.#event(type, id, this.#physicalIdOf(id), token, status ?? "", at, reason)
    })
    const resourcesEnd = now + step * Math.max(1, failed ? firstFailure + 1 : resources.length)

    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${verb}_IN_PROGRESS`, now, "User Initiated"),
      ...resources.map(([id, type]) => this.#event(type, id, "", token, `${verb}_IN_PROGRESS`, now)),
      ...hookFailures(ends[firstFailure], hooks, `${verb}_IN_PROGRESS`),
      ...ends,
      ...endings[kind][failed ? (disableRollback ? "withoutRollback" : "badly") : "well"].map((status, index) => {
        const reason = failed && index === 0
          ? `The following resource(s) failed to ${kind}: [${resources[firstFailure]?.[0]}].`
          : undefined
        return own(status, resourcesEnd + step * index, reason)
      })
    ]
    this.tokens.add(token)
    this.changedAt = now
    if (!failed || kind === "create") this.settings = settings
    if (failed) return `The following resource(s) failed to ${kind}: [${resources[firstFailure]?.[0]}].`
    this.template = template
    const values = outputsOf(template).map(([name, { Value }]) => [name, this.#resolve(Value)] as const)
    this.#outputs = [
      ...this.#outputs.filter(({ at }) => at <= now),
      { at: resourcesEnd, outputs: kind === "delete" ? {} : Object.fromEntries(values) }
    ]
    return undefined
  }

  /** Why resources are to fail, by their ids: by themselves, by hooks, or because of what is in their nested stacks. */
  #failingIn(operating: Operating): ReadonlyMap<string, string> {
    const { failures: { hooks, resources }, now, operation, step, template } = operating
    const failing = new Map(resources)
    if (operation === "delete") return failing
    for (const [id, { type }] of hooks) failing.set(id, `The following hook(s) failed: [${type}]`)
    const nestedUrls = new Map(nestedUrlsOf(template))
    for (const [index, [id]] of typesOf(template).entries()) {
      if (failing.has(id)) break
      const url = nestedUrls.get(id)
      const reason = url === undefined
        ? undefined
        : this.#operateNested(id, url, { ...operating, now: now + step * index })
      if (reason !== undefined) failing.set(id, reason)
    }
    return failing
  }

  /** A nested stack takes the time that a resource takes. */
  #operateNested(id: string, url: string, operating: Operating) {
    const known = this.#nested.get(id)
    const nested = known ?? operating.nest(`${this.name}-${id}`)
    this.#nested.set(id, nested)
    const operation = known === undefined ? "create" : "update"
    const template = operating.templates[url] ?? url
    const step = Math.floor(operating.step / Math.max(1, typesOf(template).length))
    const reason = nested.operate({ ...operating, operation, template, step })
    return reason && `Embedded stack ${nested.id} was not successfully ${operation}d: ${reason}`
  }

  /** Nothing of the template is begun. */
  #failValidation(kind: "create" | "update", { failures: { invalid }, now, template, token }: Operating) {
    const own = (status: string, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, now, reason)
    const reason = `The following hook(s)/validation failed: [${earlyValidation}]. To troubleshoot Early Validation ` +
      "errors, use the DescribeEvents API for detailed failure information."
    const [first, ...others] = endings[kind].badly
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${kind.toUpperCase()}_IN_PROGRESS`, "User Initiated"),
      own(first, reason),
      ...others.map((status) => own(status))
    ]
    for (const [id, type] of typesOf(template)) {
      const reason = invalid.get(id)
      if (reason === undefined) continue
      const validation = { name: earlyValidation, status: "FAILED", failureMode: "FAIL", reason }
      this.#validations.push({ ...this.#event(type, id, "", token, "", now), validation })
    }
    this.tokens.add(token)
    this.changedAt = now
    return reason
  }

  #physicalIdOf(id: string) {
    return this.#nested.get(id)?.id ?? `${this.name}-${id}`
  }

  /** Literals as they are; what refers to a resource gives its physical id. */
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
      operationId: `${this.id.slice(-36)}-${clientRequestToken}`,
      ...(reason !== undefined && { reason })
    }
  }
}
