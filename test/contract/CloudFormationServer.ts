// CloudFormation as it answers over HTTP (protocol awsQuery): the form in, XML out. Its stacks do not change by
// themselves: a test says when and how.
import { Context, Effect, Layer } from "effect"
import { type Answer, type AwsServer, type Call, done, type Protocol, refused, serve } from "./server.ts"
import { members, summaryOf, tagsOf, valuesOf } from "./templateRequest.ts"

export interface Settings {
  readonly values: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string | undefined>
  readonly topics: ReadonlyArray<string>
  readonly roleArn: string | undefined
  readonly stackPolicy: string | undefined
  readonly terminationProtection: string
}

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
    /** The change sets that are being made are made now. */
    finishChangeSets(stack: string): Effect.Effect<void>
    /** From now on the stack is protected from being deleted. */
    protect(stack: string): Effect.Effect<void>
    /** Empty where the stack does not exist. */
    look(stack: string): Effect.Effect<{ readonly id: string; readonly status: string }>
    /** What the stack was given besides its template. */
    settings(stack: string): Effect.Effect<Settings>
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
          DeleteStack: (parameters) => deleteStack(stacks, parameters),
          CreateChangeSet: (parameters) => createChangeSet(stacks, parameters),
          DescribeChangeSet: (parameters) => describeChangeSet(stacks, parameters),
          ExecuteChangeSet: (parameters) => executeChangeSet(stacks, parameters),
          DeleteChangeSet: (parameters) => deleteChangeSet(stacks, parameters),
          GetTemplateSummary: getTemplateSummary,
          UpdateTerminationProtection: (parameters) => updateTerminationProtection(stacks, parameters),
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
          finishChangeSets: (name) =>
            Effect.sync(() => stacks.find(name)?.changeSets.forEach((changeSet) => void (changeSet.made = true))),
          protect: (name) =>
            Effect.sync(() => {
              const stack = stacks.find(name)
              if (stack !== undefined) stack.settings = { ...stack.settings, terminationProtection: "true" }
            }),
          look: (name) =>
            Effect.sync(() => {
              const { id = "", status = "" } = stacks.find(name) ?? {}
              return { id, status }
            }),
          settings: (name) => Effect.sync(() => stacks.find(name)?.settings ?? noSettings)
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
  const settings = settingsAfter(template, parameters, noSettings)
  if ("_tag" in settings) return settings
  const stack = stacks.add(name)
  stack.settings = settings
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
  const withoutRollback = texts(parameters)["DisableRollback"] === "true" &&
    /^(CREATE|UPDATE)_FAILED$/.test(stack.status)
  if (!withoutRollback && !isUpdatable(stack)) return cannotBeUpdated(stack)
  if (template === undefined) return validationError(noResources)
  const settings = settingsAfter(template, parameters, stack.settings)
  if ("_tag" in settings) return settings
  if (template === stack.template && changeable(settings) === changeable(stack.settings)) {
    return validationError("No updates are to be performed.")
  }
  stack.settings = settings
  stack.begin("UPDATE_IN_PROGRESS", token, template)
  return result("UpdateStack", xml({ StackId: stack.id }))
}

const deleteStack = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined || stack.status === "DELETE_COMPLETE") return result("DeleteStack", "")
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  if (stack.settings.terminationProtection === "true") {
    return validationError(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`)
  }
  stack.begin("DELETE_IN_PROGRESS", token, stack.template)
  return result("DeleteStack", "")
}

const findChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ChangeSetName: changeSet = "", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  const found = stack?.changeSets.find(({ id, name }) => id === changeSet || name === changeSet)
  return stack === undefined || found === undefined ? undefined : { stack, found }
}

const noChangeSet = (parameters: Parameters) =>
  refused("ChangeSetNotFound", `ChangeSet [${texts(parameters)["ChangeSetName"]}] does not exist`, 404)

const createChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ChangeSetName: changeSet = "", ChangeSetType: type, Description: description, StackName: name = "" } = texts(
    parameters
  )
  const template = templateOf(parameters)
  const stack = stacks.find(name)
  const isShell = stack?.status === "REVIEW_IN_PROGRESS"
  if (findChangeSet(stacks, parameters)) {
    return refused(
      "AlreadyExistsException",
      `ChangeSet ${changeSet} cannot be created due to a mismatch with existing attribute Template`
    )
  }
  if (type === "CREATE" && stack !== undefined && !isShell) {
    return validationError(
      `Stack [${name}] already exists and cannot be created again with the changeSet [${changeSet}].`
    )
  }
  if (type !== "CREATE" && (stack === undefined || isShell)) return validationError(`Stack [${name}] does not exist`)
  if (type !== "CREATE" && stack !== undefined && !isUpdatable(stack)) return cannotBeUpdated(stack)
  if (template === undefined) return validationError(noResources)
  const present = stack?.settings ?? noSettings
  const settings = settingsAfter(template, parameters, present)
  if ("_tag" in settings) return settings
  const target = stack ?? stacks.add(name)
  const id = target.id.replace(/stack\/.*/, `changeSet/${changeSet}/${now().replaceAll(/\W/g, "-")}`)
  const before = target.template
  const empty = template === before && changeable(settings) === changeable(present)
  const shape = { id, name: changeSet, description, template, before, settings, empty }
  target.changeSets.push({ ...shape, made: false, executed: false })
  return result("CreateChangeSet", xml({ Id: id, StackId: target.id }))
}

const statusOf = ({ before, empty, executed, made }: ChangeSet, stack: Stack) => {
  if (!made) return { Status: "CREATE_IN_PROGRESS", ExecutionStatus: "UNAVAILABLE" }
  if (executed) return { Status: "CREATE_COMPLETE", ExecutionStatus: "EXECUTE_IN_PROGRESS" }
  if (!empty) {
    return { Status: "CREATE_COMPLETE", ExecutionStatus: before === stack.template ? "AVAILABLE" : "OBSOLETE" }
  }
  const StatusReason = "The submitted information didn't contain changes. " +
    "Submit different information to create a change set."
  return { Status: "FAILED", ExecutionStatus: "UNAVAILABLE", StatusReason }
}

/** The changes of the template's resources, in two pages: all are added to an empty stack, and modified in another. */
const describeChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const known = findChangeSet(stacks, parameters)
  if (known === undefined) return noChangeSet(parameters)
  const { found, stack } = known
  const types = [...found.template.matchAll(/"Type":\s*"(AWS::[^"]+)"/g)].map(([, type = ""]) => type)
  const change = (type: string, index: number) =>
    `<member><Type>Resource</Type><ResourceChange>${
      xml({
        Action: found.before === "" ? "Add" : "Modify",
        LogicalResourceId: `Resource${index}`,
        ResourceType: type,
        Replacement: found.before === "" ? undefined : "True"
      })
    }</ResourceChange></member>`
  const changes = types.map(change)
  const [page, NextToken] = parameters["NextToken"] === undefined
    ? [changes.slice(0, 1), changes.length > 1 ? "2" : undefined]
    : [changes.slice(1), undefined]
  return result(
    "DescribeChangeSet",
    xml({
      ChangeSetId: found.id,
      ChangeSetName: found.name,
      StackId: stack.id,
      StackName: stack.name,
      Description: found.description,
      ...statusOf(found, stack),
      NextToken
    }) + `<Changes>${page.join("")}</Changes>`
  )
}

const executeChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const { ClientRequestToken: token = "" } = texts(parameters)
  const known = findChangeSet(stacks, parameters)
  if (known === undefined) return noChangeSet(parameters)
  const { found, stack } = known
  if (stacks.hasUsed(stack.name, token)) return tokenUsed(token)
  const { ExecutionStatus } = statusOf(found, stack)
  if (ExecutionStatus !== "AVAILABLE") {
    return refused(
      "InvalidChangeSetStatus",
      `ChangeSet [${found.id}] cannot be executed in its current execution status of [${ExecutionStatus}]`
    )
  }
  found.executed = true
  stack.changeSets = [found]
  // It may have been protected since.
  stack.settings = { ...found.settings, terminationProtection: stack.settings.terminationProtection }
  stack.begin(
    stack.status === "REVIEW_IN_PROGRESS" ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
    token,
    found.template
  )
  return result("ExecuteChangeSet", "")
}

const deleteChangeSet = (stacks: Stacks, parameters: Parameters) => {
  const known = findChangeSet(stacks, parameters)
  if (known !== undefined) known.stack.changeSets = known.stack.changeSets.filter((other) => other !== known.found)
  return result("DeleteChangeSet", "")
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

const isUpdatable = ({ status }: Stack) => /^(?!ROLLBACK|DELETE).*_COMPLETE$/.test(status)

const cannotBeUpdated = ({ id, status }: Stack) =>
  validationError(`Stack:${id} is in ${status} state and can not be updated.`)
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

const list = (name: string, items: ReadonlyArray<string>) =>
  items.length === 0 ? "" : `<${name}>${items.map((item) => `<member>${item}</member>`).join("")}</${name}>`

const getTemplateSummary = (parameters: Parameters) => {
  const template = templateOf(parameters)
  if (template === undefined) return validationError(noResources)
  const { capabilities, parameters: declared, reason, transforms } = summaryOf(template)
  return result(
    "GetTemplateSummary",
    list(
      "Parameters",
      declared.map(([ParameterKey, { Default, NoEcho = false }]) =>
        xml({
          ParameterKey,
          DefaultValue: Default === undefined ? undefined : String(Default),
          ParameterType: "String",
          NoEcho: `${NoEcho}`
        })
      )
    ) + list("Capabilities", capabilities) + xml({ CapabilitiesReason: reason }) +
      list("DeclaredTransforms", transforms)
  )
}

const updateTerminationProtection = (stacks: Stacks, parameters: Parameters) => {
  const { EnableTerminationProtection: terminationProtection = "", StackName: name = "" } = texts(parameters)
  const stack = stacks.find(name)
  if (stack === undefined) return validationError(`Stack [${name}] does not exist`)
  stack.settings = { ...stack.settings, terminationProtection }
  return result("UpdateTerminationProtection", xml({ StackId: stack.id }))
}

const noSettings: Settings = {
  values: new Map(),
  tags: new Map(),
  topics: [],
  roleArn: undefined,
  stackPolicy: undefined,
  terminationProtection: "false"
}

/** What a request makes of a stack's settings, or why it is refused. */
const settingsAfter = (template: string, parameters: Parameters, before: Settings): Settings | Answer => {
  const form = texts(parameters)
  const values = valuesOf(template, form, before.values)
  if ("_tag" in values) return values
  return {
    values,
    tags: tagsOf(form) ?? before.tags,
    topics: "NotificationARNs" in form
      ? []
      : [members(form, "NotificationARNs"), before.topics].find((l) => l.length > 0) ?? [],
    roleArn: form["RoleARN"] ?? before.roleArn,
    stackPolicy: form["StackPolicyBody"] ?? before.stackPolicy,
    terminationProtection: form["EnableTerminationProtection"] ?? before.terminationProtection
  }
}

const changeable = ({ tags, topics, values }: Settings) => JSON.stringify([[...values], [...tags], topics])

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

interface ChangeSet {
  readonly id: string
  readonly name: string
  readonly description: string | undefined
  readonly template: string
  /** The stack's template when it was made. */
  readonly before: string
  readonly settings: Settings
  /** Whether it changes nothing. */
  readonly empty: boolean
  made: boolean
  executed: boolean
}

class Stack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  readonly #createdAt: string
  #updatedAt: string | undefined
  status = "REVIEW_IN_PROGRESS"
  template = ""
  settings = noSettings
  changeSets: Array<ChangeSet> = []
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
    const parameters = Array.from(
      this.settings.values,
      ([ParameterKey, ParameterValue]) => `<member>${xml({ ParameterKey, ParameterValue })}</member>`
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
