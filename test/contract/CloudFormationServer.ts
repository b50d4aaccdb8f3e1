// CloudFormation as it answers over HTTP (protocol awsQuery): the form in, XML out. Its stacks do not change by
// themselves: a test says when and how.
import { Context, Effect, Layer } from "effect"
import { type Answer, type AwsServer, type Call, done, type Protocol, refused, serve } from "./server.ts"

export interface Happening {
  readonly status: string
  readonly reason?: string
  /** The resource of the template that it happens to; the stack itself when left out. */
  readonly resource?: { readonly id: string; readonly type: string; readonly physicalId?: string }
  /** What a hook says to that. */
  readonly hook?: { readonly type: string; readonly status: string; readonly reason: string; readonly mode: string }
}

/** What a check before the operation finds. */
export interface Validation {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly path?: string
  readonly reason: string
}

export class CloudFormationServer extends Context.Service<
  CloudFormationServer,
  AwsServer & {
    /** This happens to the stack, in the operation that was begun last. */
    advance(stack: string, ...happenings: ReadonlyArray<Happening>): Effect.Effect<void>
    /** DescribeEvents tells this of the operation that was begun last. */
    invalidate(stack: string, ...validations: ReadonlyArray<Validation>): Effect.Effect<void>
    /** Somebody else brings the stack into this status; it is made where there is none. */
    setStatus(stack: string, status: string, createdAt?: string): Effect.Effect<void>
    /** Empty where there is no such stack. */
    look(stack: string): Effect.Effect<{ readonly id: string; readonly status: string }>
  }
>()("effect-codepipeline/test/CloudFormationServer") {
  /** `eventsPerPage` is what DescribeStackEvents gives at once. */
  static readonly layer = (eventsPerPage = 100): Layer.Layer<CloudFormationServer> =>
    Layer.effect(
      CloudFormationServer,
      Effect.gen(function*() {
        const stacks = new Stacks()
        const operations: Readonly<Record<string, (parameters: Parameters) => Answer>> = {
          DescribeStacks: (parameters) => describeStacks(stacks, parameters),
          CreateStack: (parameters) => createStack(stacks, parameters),
          UpdateStack: (parameters) => updateStack(stacks, parameters),
          DescribeStackEvents: (parameters) => describeStackEvents(stacks, parameters, eventsPerPage),
          DescribeEvents: (parameters) => describeEvents(stacks, parameters, eventsPerPage)
        }
        const server = yield* serve(
          protocol,
          ({ operation, parameters }) =>
            operations[operation]?.(parameters) ??
              refused("InvalidAction", `Could not find operation ${operation} for version 2010-05-15`)
        )
        return {
          ...server,
          advance: (name, ...happenings) =>
            Effect.sync(() => happenings.forEach((happening) => stacks.find(name)?.happens(happening))),
          invalidate: (name, ...validations) =>
            Effect.sync(() => validations.forEach((validation) => stacks.find(name)?.invalidate(validation))),
          setStatus: (name, status, createdAt) =>
            Effect.sync(() => (stacks.find(name) ?? stacks.add(name, createdAt)).interfere(status)),
          look: (name) =>
            Effect.sync(() => {
              const { id = "", status = "" } = stacks.find(name) ?? {}
              return { id, status }
            })
        }
      })
    )
}

type Parameters = Call["parameters"]

const protocol: Protocol = {
  contentType: "text/xml",
  read: (_, body) => {
    const { Action = "", ...parameters } = Object.fromEntries(new URLSearchParams(body))
    return { operation: Action, parameters }
  },
  refusal: ({ code, message }) =>
    `<ErrorResponse ${namespace}><Error><Type>Sender</Type>${xml({ Code: code, Message: message })}</Error>` +
    `<RequestId>${requestId}</RequestId></ErrorResponse>`
}

const namespace = "xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\""
const requestId = "b9b4b068-3a41-11e5-94eb-example"

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" }

const xml = (elements: Readonly<Record<string, string | undefined>>) =>
  Object.entries(elements).map(([name, text]) =>
    text === undefined ? "" : `<${name}>${text.replaceAll(/[&<>"]/g, (char) => escapes[char] ?? char)}</${name}>`
  ).join("")

const result = (operation: string, body: string) =>
  done(
    `<${operation}Response ${namespace}><${operation}Result>${body}</${operation}Result>` +
      `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  )

const validationError = (message: string) => refused("ValidationError", message)

const describeStacks = (stacks: Stacks, parameters: Parameters) => {
  const stack = stacks.find(parameters["StackName"])
  return stack === undefined
    ? validationError(`Stack with id ${parameters["StackName"]} does not exist`)
    : result("DescribeStacks", `<Stacks><member>${stack.describe()}</member></Stacks>`)
}

const createStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", StackName: name = "" } = texts(parameters)
  const template = templateOf(parameters)
  if (stacks.hasUsed(name, token)) return tokenUsed(token)
  if (stacks.find(name)) return refused("AlreadyExistsException", `Stack [${name}] already exists`)
  if (template === undefined) return validationError(noResources)
  const stack = stacks.add(name)
  stack.begin("CREATE_IN_PROGRESS", token, template)
  return result("CreateStack", xml({ StackId: stack.id }))
}

const updateStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", StackName: name = "" } = texts(parameters)
  const template = templateOf(parameters)
  const stack = stacks.find(name)
  if (stack === undefined || stack.status === "REVIEW_IN_PROGRESS") {
    return validationError(`Stack [${name}] does not exist`)
  }
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  if (!/^(?!ROLLBACK|DELETE).*_COMPLETE$/.test(stack.status)) {
    return validationError(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`)
  }
  if (template === stack.template) return validationError("No updates are to be performed.")
  if (template === undefined) return validationError(noResources)
  stack.begin("UPDATE_IN_PROGRESS", token, template)
  return result("UpdateStack", xml({ StackId: stack.id }))
}

const describeStackEvents = (stacks: Stacks, parameters: Parameters, perPage: number) => {
  const { NextToken: page = "0", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return validationError(`Stack [${name}] does not exist`)
  const start = Number(page)
  const members = stack.events.slice(start, start + perPage).map((event) => `<member>${xml(event)}</member>`)
  const more = start + perPage < stack.events.length
  return result(
    "DescribeStackEvents",
    `<StackEvents>${members.join("")}</StackEvents>${xml({ NextToken: more ? `${start + perPage}` : undefined })}`
  )
}

const describeEvents = (stacks: Stacks, parameters: Parameters, perPage: number) => {
  const { "Filters.FailedEvents": failedOnly, NextToken: page = "0", OperationId: operation = "" } = texts(parameters)
  if (failedOnly !== "true") return validationError("this server knows failed events only")
  const events = stacks.failedEvents(operation)
  const start = Number(page)
  const more = start + perPage < events.length
  const members = events.slice(start, start + perPage).map((event) => `<member>${xml(event)}</member>`)
  return result(
    "DescribeEvents",
    `<OperationEvents>${members.join("")}</OperationEvents>${
      xml({ NextToken: more ? `${start + perPage}` : undefined })
    }`
  )
}

const texts = (parameters: Parameters) => parameters as Readonly<Record<string, string>>

/** A template behind a URL is not fetched. None: there are no resources in it. */
const templateOf = (parameters: Parameters) => {
  const { TemplateBody: body = "", TemplateURL: url } = texts(parameters)
  return url ?? (body.includes("Resources") ? body : undefined)
}

/** Of a template in JSON, as XML: literals, and something for what refers to a resource. */
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

const noResources = "Template format error: At least one Resources member must be defined."

const tokenUsed = (token: string) =>
  refused(
    "TokenAlreadyExistsException",
    `The client request token ${token} has already been used for this stack. ` +
      `Retry the request with a different client request token`
  )

let last = 0

/** The time of day, but never the same twice: what happens has an order. */
const now = () => {
  last = Math.max(Date.now(), last + 1)
  return new Date(last).toISOString()
}

class Stacks {
  readonly #stacks: Array<Stack> = []

  /** By ARN, or by the name of one that is not deleted. */
  find(stack: unknown) {
    return this.#stacks.find(({ id }) => id === stack) ??
      this.#stacks.find(({ name, status }) => name === stack && status !== "DELETE_COMPLETE")
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

  /** A token stays used for the name, also by a stack that was deleted. */
  hasUsed(name: string, token: string) {
    return this.#stacks.some((stack) => stack.name === name && stack.tokens.has(token))
  }
}

class Stack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  readonly #createdAt: string
  #updatedAt: string | undefined
  status = "REVIEW_IN_PROGRESS"
  template = ""
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
    return xml({
      StackId: this.id,
      StackName: this.name,
      CreationTime: this.#createdAt,
      LastUpdatedTime: this.#updatedAt,
      StackStatus: this.status,
      StackStatusReason: this.#reason,
      DisableRollback: "false",
      EnableTerminationProtection: "false"
    }) + `<RollbackConfiguration/><NotificationARNs/><Tags/><Outputs>${this.#outputs}</Outputs>`
  }

  begin(status: string, token: string, template: string) {
    if (status.startsWith("UPDATE")) this.#updatedAt = now()
    this.tokens.add(token)
    this.#token = token
    this.template = template
    this.happens({ status, reason: "User Initiated" })
  }

  interfere(status: string) {
    this.#updatedAt = now()
    this.#token = "Console-UpdateStack-5c36ae10"
    this.happens({ status })
  }

  /** CloudFormation's own id of the operation that was begun last. */
  get #operation() {
    return `${this.id.slice(-36)}-${this.tokens.size}`
  }

  invalidate({ id, name, path, reason, type }: Validation) {
    this.validations.push({
      StackId: this.id,
      OperationId: this.#operation,
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

  happens({ hook, reason, resource, status }: Happening) {
    if (resource === undefined) {
      this.status = status
      this.#reason = reason
      if (/^(CREATE|UPDATE)_COMPLETE/.test(status)) this.#outputs = outputsIn(this.template)
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
