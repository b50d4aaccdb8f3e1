// The stacks of the CloudFormation server. They change only when a test or a request changes them.
import { xml } from "./queryProtocol.ts"
import { summaryOf } from "./templateRequest.ts"

export interface Settings {
  readonly values: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string | undefined>
  readonly topics: ReadonlyArray<string>
  readonly roleArn: string | undefined
  readonly stackPolicy: string | undefined
  readonly terminationProtection: string
}

/** A change of a stack or one of its resources. */
export interface Change {
  readonly status: string
  readonly reason?: string
  /** The resource of the template that changes; default: the stack itself. */
  readonly resource?: { readonly id: string; readonly type: string; readonly physicalId?: string }
  /** The verdict of a hook on it. */
  readonly hook?: { readonly type: string; readonly status: string; readonly reason: string; readonly mode: string }
}

/** A failed validation of CloudFormation before the operation. */
export interface Validation {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly path?: string
  readonly reason: string
}

export const noSettings: Settings = {
  values: new Map(),
  tags: new Map(),
  topics: [],
  roleArn: undefined,
  stackPolicy: undefined,
  terminationProtection: "false"
}

/** The outputs of a template in JSON, as XML: literals, and an invented value for references to resources. */
const outputsIn = (template: string) => {
  if (!template.includes("\"Outputs\"")) return ""
  const { Outputs = {} } = JSON.parse(template.slice(0, template.lastIndexOf("}") + 1)) as {
    readonly Outputs?: Readonly<Record<string, { Value: unknown }>>
  }
  return Object.entries(Outputs).map(([key, { Value }]) => {
    const value = typeof Value === "string" ? Value : `physical-${(Value as { readonly Ref: string }).Ref}`
    return `<member>${xml({ OutputKey: key, OutputValue: value })}</member>`
  }).join("")
}

let last = 0

/** The current time, but never the same twice, so that events have an order. */
export const now = () => {
  last = Math.max(Date.now(), last + 1)
  return new Date(last).toISOString()
}

export class Stacks {
  readonly #stacks: Array<Stack> = []

  /** Finds a stack by its ARN, or by its name if it is not deleted. */
  find(stack: unknown) {
    return this.#stacks.find(({ id }) => id === stack) ??
      this.#stacks.find(({ name, status }) => name === stack && status !== "DELETE_COMPLETE")
  }

  get all(): ReadonlyArray<Stack> {
    return this.#stacks
  }

  add(name: string, createdAt?: string) {
    const stack = new Stack(name, this.#stacks.length, createdAt)
    this.#stacks.push(stack)
    return stack
  }

  failedEvents(operation: string) {
    return this.#stacks.flatMap(({ events, validations }) => [...validations, ...events])
      .filter((event) => event["OperationId"] === operation)
      .filter((event) =>
        "ValidationName" in event || "HookType" in event || String(event["ResourceStatus"]).endsWith("_FAILED")
      )
  }

  /** Whether a stack of this name has used the token, including deleted ones. */
  hasUsed(name: string, token: string) {
    return this.#stacks.some((stack) => stack.name === name && stack.tokens.has(token))
  }
}

export interface ChangeSet {
  readonly id: string
  readonly name: string
  readonly description: string | undefined
  readonly createdAt: string
  readonly template: string
  /** The stack's template at the time of creation. */
  readonly before: string
  readonly settings: Settings
  /** Whether it has no changes. */
  readonly isEmpty: boolean
  /** Whether the nested stack has a change set of its own. */
  readonly includesNested: boolean
  isCreated: boolean
  /** Whether it has failed early validation. */
  isInvalid: boolean
  isExecuted: boolean
}

/** How a resource differs from its template. */
export interface Drift {
  readonly id: string
  readonly type: string
  /** None if it is deleted. */
  readonly differences?: ReadonlyArray<{ readonly path: string; readonly expected: string; readonly actual: string }>
}

export interface Detection {
  readonly id: string
  readonly drifts: ReadonlyArray<Drift>
  isComplete: boolean
}

export class Stack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  /** The resources that the last rollback could not roll back. */
  readonly notRolledBack = new Set<string>()
  readonly #createdAt: string
  #updatedAt: string | undefined
  status = "REVIEW_IN_PROGRESS"
  template = ""
  /** The template before the operation that was started last. */
  previousTemplate = ""
  settings = noSettings
  changeSets: Array<ChangeSet> = []
  drifts: ReadonlyArray<Drift> = []
  /** Oldest first. */
  readonly detections: Array<Detection> = []
  #reason: string | undefined
  #token = ""
  /** Newest first. */
  readonly events: Array<Readonly<Record<string, string | undefined>>> = []
  readonly validations: Array<Readonly<Record<string, string | undefined>>> = []
  #outputs = ""

  constructor(name: string, index: number, createdAt = now()) {
    this.#createdAt = createdAt
    this.id =
      `arn:aws:cloudformation:eu-central-1:123456789012:stack/${name}/5c36ae10-1b4f-11f0-8d4e-00000000000${index}`
    this.name = name
  }

  describe() {
    const hidden = new Set(
      summaryOf(this.template).parameters.filter(([, { NoEcho }]) => NoEcho === true).map(([name]) => name)
    )
    const parameters = Array.from(
      this.settings.values,
      ([ParameterKey, value]) =>
        `<member>${xml({ ParameterKey, ParameterValue: hidden.has(ParameterKey) ? "****" : value })}</member>`
    )
    return xml({
      StackId: this.id,
      StackName: this.name,
      CreationTime: this.#createdAt,
      LastUpdatedTime: this.#updatedAt,
      StackStatus: this.status,
      StackStatusReason: this.#reason,
      DisableRollback: "false",
      EnableTerminationProtection: this.settings.terminationProtection
    }) + `<Parameters>${parameters.join("")}</Parameters><RollbackConfiguration/><NotificationARNs/><Tags/>` +
      `<Outputs>${this.#outputs}</Outputs>`
  }

  startOperation(status: string, token: string, template: string) {
    if (status.startsWith("UPDATE")) this.#updatedAt = now()
    this.tokens.add(token)
    this.notRolledBack.clear()
    this.#token = token
    this.previousTemplate = this.template
    this.template = template
    this.addEvent({ status, reason: "User Initiated" })
  }

  /** Sets the status as another actor would. */
  setStatus(status: string) {
    this.#updatedAt = now()
    this.#token = "Console-UpdateStack-5c36ae10"
    this.addEvent({ status })
  }

  /** CloudFormation's id of the operation that was started last. */
  get #operation() {
    return `${this.id.slice(-36)}-${this.tokens.size}`
  }

  failChangeSet(changeSetId: string, validations: ReadonlyArray<Validation>) {
    for (const changeSet of this.changeSets.filter(({ id }) => id === changeSetId)) {
      changeSet.isCreated = true
      changeSet.isInvalid = true
    }
    for (const validation of validations) this.addValidation(validation, changeSetId)
  }

  addValidation({ id, name, path, reason, type }: Validation, operationId = this.#operation) {
    this.validations.push({
      StackId: this.id,
      OperationId: operationId,
      EventType: "VALIDATION_ERROR",
      LogicalResourceId: id,
      ResourceType: type,
      Timestamp: now(),
      ValidationFailureMode: "FAIL",
      ValidationName: name,
      ValidationStatus: "FAILED",
      ValidationStatusReason: reason,
      ValidationPath: path
    })
  }

  addEvent({ hook, reason, resource, status }: Change) {
    if (resource === undefined) {
      this.status = status
      this.#reason = reason
      if (/^(CREATE|UPDATE)_COMPLETE/.test(status)) this.#outputs = outputsIn(this.template)
    }
    if (resource !== undefined && status === "UPDATE_FAILED" && this.status === "UPDATE_ROLLBACK_IN_PROGRESS") {
      this.notRolledBack.add(resource.id)
    }
    this.events.unshift({
      EventId: `${this.events.length}`,
      StackId: this.id,
      StackName: this.name,
      LogicalResourceId: resource?.id ?? this.name,
      PhysicalResourceId: resource === undefined ? this.id : resource.physicalId ?? "",
      ResourceType: resource?.type ?? "AWS::CloudFormation::Stack",
      Timestamp: now(),
      ResourceStatus: status,
      ResourceStatusReason: reason,
      ClientRequestToken: this.#token,
      OperationId: this.#operation,
      ...(hook && {
        HookType: hook.type,
        HookStatus: hook.status,
        HookStatusReason: hook.reason,
        HookFailureMode: hook.mode
      })
    })
  }
}
