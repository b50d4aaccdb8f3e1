// Looks at stacks and changes them.
import {
  type Change as ChangeShape,
  CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeEventsCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  GetTemplateSummaryCommand,
  type OperationEvent as OperationEventShape,
  type Stack as StackShape,
  type StackEvent as StackEventShape,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand
} from "@aws-sdk/client-cloudformation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError, AwsRejected } from "../domain/job/AwsError.ts"
import type { ChangeSet, ResourceChange } from "../domain/stack/ChangeSet.ts"
import type { StackCapability } from "../domain/stack/StackCapability.ts"
import type { StackEvent } from "../domain/stack/StackEvents.ts"
import type { StackParameter } from "../domain/stack/StackParameters.ts"
import type { ChangeSetType } from "../domain/stack/StackPlan.ts"
import type { Template } from "../domain/stack/Template.ts"
import { callAws, scopedClient } from "../runtime/AwsClient.ts"

/** A stack as DescribeStacks shows it. */
export interface Stack {
  /** The ARN. It stays readable for 90 days after the stack was deleted; the name does not. */
  readonly id: string
  readonly name: string
  /** One of `StackStatus`, or one that AWS has added since. */
  readonly status: string
  readonly reason: string | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** When the stack was last deleted, updated, or else created; epoch milliseconds. */
  readonly changedAt: number
  /** The parameters for which the stack has values. */
  readonly parameterNames: ReadonlyArray<string>
  /** Whether the stack is kept from being deleted. */
  readonly terminationProtection: boolean
  /** Values by the name that the template gives to the output. */
  readonly outputs: Readonly<Record<string, string>>
}

/** What a stack gets besides its template. What is left out is as CloudFormation has it: of old, or by default. */
export interface StackOptions {
  /** 200 at most, with values of 4,096 bytes. */
  readonly parameters?: ReadonlyArray<StackParameter> | undefined
  /** What the template may do besides the ordinary. */
  readonly capabilities?: ReadonlyArray<StackCapability> | undefined
  /** 50 at most, and all of them: what the stack has besides goes. */
  readonly tags?: ReadonlyMap<string, string> | undefined
  /** The role by which CloudFormation works on the stack, from now on. */
  readonly roleArn?: string | undefined
  /** The SNS topics that are told of the stack's events: all of them, 5 at most. */
  readonly notificationArns?: ReadonlyArray<string> | undefined
  /** Whether what has been done is left as it is when the operation fails. */
  readonly disableRollback?: boolean | undefined
  /** Whether a rollback deletes what the operation has created, whatever its deletion policy. */
  readonly retainExceptOnCreate?: boolean | undefined
  /** JSON of 16,384 bytes at most: which resources updates may change. */
  readonly stackPolicy?: string | undefined
}

/** What it takes to create or update a stack. */
export type StackRequest = Template & StackOptions & {
  /** Name or ARN: `[a-zA-Z][-a-zA-Z0-9]*`, 128 characters at most. */
  readonly stack: string
  /** Marks the operation: a second call with the same one begins nothing. 128 characters at most. */
  readonly clientRequestToken: string
}

/** What it takes to make a change set: of the options, those that belong to its execution, and the policy, are left out. */
export type ChangeSetRequest = Template & StackOptions & {
  /** Name or ARN of the stack. */
  readonly stack: string
  /** `[a-zA-Z][-a-zA-Z0-9]*`, 128 characters at most. */
  readonly changeSet: string
  readonly type: ChangeSetType
  /** Comes back with the change set. 1,024 characters at most. */
  readonly description: string
}

/** A change set of a stack. */
export interface ChangeSetKey {
  /** Name or ARN of the stack. */
  readonly stack: string
  /** Name or ARN of the change set. */
  readonly changeSet: string
}

/** What CloudFormation knows of a template before it does anything with it. */
export interface TemplateSummary {
  readonly parameterNames: ReadonlyArray<string>
  /** What has to be allowed. */
  readonly capabilities: ReadonlyArray<string>
  /** Why: CloudFormation names the types of the resources. */
  readonly capabilitiesReason: string | undefined
}

/** The template and the parameters are what the stack has already. */
export class NoUpdates extends Schema.TaggedError<NoUpdates>()("NoUpdates", { stack: Schema.String }) {
  override get message() {
    return `There is nothing to update in stack "${this.stack}"`
  }
}

/** A stack of that name exists. */
export class StackExists extends Schema.TaggedError<StackExists>()("StackExists", { stack: Schema.String }) {
  override get message() {
    return `Stack "${this.stack}" exists already`
  }
}

/** The operation with this ClientRequestToken was begun before. */
export class TokenUsed extends Schema.TaggedError<TokenUsed>()("TokenUsed", { stack: Schema.String }) {
  override get message() {
    return `The operation on stack "${this.stack}" was begun before`
  }
}

/** The stack's status does not allow the operation. */
export class StackNotReady extends Schema.TaggedError<StackNotReady>()("StackNotReady", {
  stack: Schema.String,
  status: Schema.String
}) {
  override get message() {
    return `Stack "${this.stack}" cannot be changed while its status is ${this.status}`
  }
}

/** A change set of that name exists. */
export class ChangeSetExists extends Schema.TaggedError<ChangeSetExists>()("ChangeSetExists", {
  stack: Schema.String,
  changeSet: Schema.String
}) {
  override get message() {
    return `Stack "${this.stack}" has a change set "${this.changeSet}" already`
  }
}

/** There is no such change set, or it cannot be executed as it, or its stack, is now. */
export class ChangeSetNotReady extends Schema.TaggedError<ChangeSetNotReady>()("ChangeSetNotReady", {
  stack: Schema.String,
  changeSet: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String
}) {
  override get message() {
    return `Change set "${this.changeSet}" of stack "${this.stack}" cannot be executed: ${this.reason}`
  }
}

/** The template does what the request does not allow. */
export class InsufficientCapabilities
  extends Schema.TaggedError<InsufficientCapabilities>()("InsufficientCapabilities", {
    stack: Schema.String,
    /** Those that CloudFormation names. */
    required: Schema.Array(Schema.String),
    /** CloudFormation's own words. */
    reason: Schema.String
  })
{
  override get message() {
    return `The template of stack "${this.stack}" does what was not allowed: ${this.reason}`
  }
}

/** The request has parameters that the template has not. */
export class UnknownParameters extends Schema.TaggedError<UnknownParameters>()("UnknownParameters", {
  stack: Schema.String,
  names: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The template of stack "${this.stack}" does not have the parameters ${this.names.join(", ")}`
  }
}

/** What is wrong with a request itself. */
export type RequestError = InsufficientCapabilities | UnknownParameters

/** Why an operation was not begun. */
export type OperationError = NoUpdates | StackExists | TokenUsed | StackNotReady | RequestError | AwsError

export class CloudFormation extends Context.Service<CloudFormation, {
  /** The stack of this name or ARN; none where there is no such stack. Source: DescribeStacks. */
  describe(stack: string): Effect.Effect<Option.Option<Stack>, AwsError>
  /** Begins to create a stack and gives its id. Source: CreateStack. */
  create(
    request: StackRequest & { readonly terminationProtection?: boolean | undefined }
  ): Effect.Effect<string, StackExists | TokenUsed | RequestError | AwsError>
  /** Begins to update a stack and gives its id. Source: UpdateStack. */
  update(request: StackRequest): Effect.Effect<string, NoUpdates | TokenUsed | StackNotReady | RequestError | AwsError>
  /** What the template asks for, and needs. Source: GetTemplateSummary. */
  templateSummary(template: Template): Effect.Effect<TemplateSummary, AwsError>
  /** Keeps the stack from being deleted, or allows it. Source: UpdateTerminationProtection. */
  setTerminationProtection(stackId: string, enabled: boolean): Effect.Effect<void, AwsError>
  /**
   * Begins to delete a stack. A stack that is protected from it, or not there, is left to CloudFormation's own words.
   * Source: DeleteStack.
   */
  delete(
    request: {
      readonly stack: string
      readonly clientRequestToken: string
      readonly roleArn?: string | undefined
    }
  ): Effect.Effect<void, TokenUsed | AwsError>
  /** Begins to make a change set. Source: CreateChangeSet. */
  createChangeSet(
    request: ChangeSetRequest
  ): Effect.Effect<
    { readonly id: string; readonly stackId: string },
    ChangeSetExists | StackNotReady | RequestError | AwsError
  >
  /** A change set with all its changes; none where there is no such one. Source: DescribeChangeSet. */
  describeChangeSet(key: ChangeSetKey): Effect.Effect<Option.Option<ChangeSet>, AwsError>
  /** Begins to execute a change set. Source: ExecuteChangeSet. */
  executeChangeSet(
    request:
      & ChangeSetKey
      & { readonly clientRequestToken: string }
      & Pick<
        StackOptions,
        "disableRollback" | "retainExceptOnCreate"
      >
  ): Effect.Effect<void, ChangeSetNotReady | TokenUsed | AwsError>
  /** Deletes a change set; one that is not there is as good as deleted. Source: DeleteChangeSet. */
  deleteChangeSet(key: ChangeSetKey): Effect.Effect<void, AwsError>
  /**
   * What happened to the stack, newest first: all events not older than `since` (epoch milliseconds), and perhaps some
   * older ones; no more than are on so many pages, of 100 events or so, where `pages` is given. None of a stack that
   * CloudFormation does not know, or not yet. Source: DescribeStackEvents.
   */
  events(stackId: string, since: number, pages?: number): Effect.Effect<ReadonlyArray<StackEvent>, AwsError>
  /**
   * What failed in the operation of this `operationId`, with the validations that no stack has among its events. Source:
   * DescribeEvents with the filter FailedEvents.
   */
  failedEvents(operationId: string): Effect.Effect<ReadonlyArray<StackEvent>, AwsError>
}>()("effect-codepipeline/services/CloudFormation") {
  /** Everything but the network; for a client of your own. */
  static readonly layerClient = (client: Pick<CloudFormationClient, "send">): Layer.Layer<CloudFormation> =>
    Layer.succeed(CloudFormation, {
      describe: Effect.fn("CloudFormation.describe")((stack) => {
        const command = new DescribeStacksCommand({ StackName: stack })
        return callAws("cloudformation:DescribeStacks", (options) => client.send(command, options)).pipe(
          Effect.map(({ Stacks = [] }) => Option.fromUndefinedOr(Stacks[0]).pipe(Option.map(toStack))),
          Effect.catchIf(saysNoSuchStack(stack), () => Effect.succeedNone)
        )
      }),
      create: Effect.fn("CloudFormation.create")((request) => {
        const { stack, terminationProtection } = request
        const command = new CreateStackCommand({
          ...toInput(request),
          EnableTerminationProtection: terminationProtection
        })
        return callAws("cloudformation:CreateStack", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackId }) => StackId ?? stack),
          Effect.mapError((error) => {
            if (error.code === "AlreadyExistsException") return new StackExists({ stack })
            return error.code === tokenUsed ? new TokenUsed({ stack }) : toRequestError(request, error)
          })
        )
      }),
      update: Effect.fn("CloudFormation.update")((request) => {
        const { stack } = request
        const command = new UpdateStackCommand(toInput(request))
        return callAws("cloudformation:UpdateStack", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackId }) => StackId ?? stack),
          Effect.mapError((error) => {
            if (error.detail === noUpdates) return new NoUpdates({ stack })
            const status = notReady.exec(error.detail)?.[1]
            if (status !== undefined) return new StackNotReady({ stack, status })
            return error.code === tokenUsed ? new TokenUsed({ stack }) : toRequestError(request, error)
          })
        )
      }),
      delete: Effect.fn("CloudFormation.delete")(({ clientRequestToken, roleArn, stack }) => {
        const command = new DeleteStackCommand({
          StackName: stack,
          ClientRequestToken: clientRequestToken,
          RoleARN: roleArn
        })
        return callAws("cloudformation:DeleteStack", (options) => client.send(command, options)).pipe(
          Effect.asVoid,
          Effect.mapError((error) => error.code === tokenUsed ? new TokenUsed({ stack }) : error)
        )
      }),
      createChangeSet: Effect.fn("CloudFormation.createChangeSet")((request) => {
        const { changeSet, stack } = request
        const command = new CreateChangeSetCommand({
          ...templateInput(request),
          ...toOptionsInput(request),
          StackName: stack,
          ChangeSetName: changeSet,
          ChangeSetType: request.type,
          Description: request.description
        })
        return callAws("cloudformation:CreateChangeSet", (options) => client.send(command, options)).pipe(
          Effect.map(({ Id, StackId }) => ({ id: Id ?? changeSet, stackId: StackId ?? stack })),
          Effect.mapError((error) => {
            const status = notReady.exec(error.detail)?.[1]
            if (status !== undefined) return new StackNotReady({ stack, status })
            return error.code === "AlreadyExistsException"
              ? new ChangeSetExists({ stack, changeSet })
              : toRequestError(request, error)
          })
        )
      }),
      describeChangeSet: Effect.fn("CloudFormation.describeChangeSet")(function*(key) {
        const changes: Array<ResourceChange> = []
        let page: string | undefined
        let found: ChangeSet | undefined
        do {
          const command = new DescribeChangeSetCommand({ ...keyInput(key), NextToken: page })
          const answer = yield* callAws("cloudformation:DescribeChangeSet", (options) => client.send(command, options))
            .pipe(
              Effect.asSome,
              Effect.catchIf(saysNoChangeSet, () => Effect.succeedNone)
            )
          if (Option.isNone(answer)) return Option.none()
          const { Changes = [], NextToken, ...shape } = answer.value
          for (const change of Changes) changes.push(...toResourceChange(change))
          found = {
            id: shape.ChangeSetId ?? key.changeSet,
            name: shape.ChangeSetName ?? key.changeSet,
            stackId: shape.StackId ?? key.stack,
            status: shape.Status ?? "",
            executionStatus: shape.ExecutionStatus ?? "",
            changes,
            ...(shape.StatusReason !== undefined && { reason: shape.StatusReason }),
            ...(shape.Description !== undefined && { description: shape.Description })
          }
          page = NextToken
        } while (page !== undefined)
        return Option.fromUndefinedOr(found)
      }),
      executeChangeSet: Effect.fn("CloudFormation.executeChangeSet")((request) => {
        const { changeSet, stack } = request
        const command = new ExecuteChangeSetCommand({
          ...keyInput(request),
          ClientRequestToken: request.clientRequestToken,
          DisableRollback: request.disableRollback,
          RetainExceptOnCreate: request.retainExceptOnCreate
        })
        return callAws("cloudformation:ExecuteChangeSet", (options) => client.send(command, options)).pipe(
          Effect.asVoid,
          Effect.mapError((error) => {
            if (error.code === tokenUsed) return new TokenUsed({ stack })
            return saysNoChangeSet(error) || changeSetNotReady.has(error.code)
              ? new ChangeSetNotReady({ stack, changeSet, reason: error.detail })
              : error
          })
        )
      }),
      deleteChangeSet: Effect.fn("CloudFormation.deleteChangeSet")((key) =>
        callAws(
          "cloudformation:DeleteChangeSet",
          (options) => client.send(new DeleteChangeSetCommand(keyInput(key)), options)
        ).pipe(
          Effect.catchIf(saysNoChangeSet, () => Effect.void),
          Effect.asVoid
        )
      ),
      templateSummary: Effect.fn("CloudFormation.templateSummary")((template) => {
        const command = new GetTemplateSummaryCommand({
          ...templateInput(template),
          // A type that is not active in this region is told of when it is used.
          TemplateSummaryConfig: { TreatUnrecognizedResourceTypesAsWarnings: true }
        })
        return callAws("cloudformation:GetTemplateSummary", (options) => client.send(command, options)).pipe(
          Effect.map(({ Capabilities = [], CapabilitiesReason, Parameters = [] }) => ({
            parameterNames: Parameters.map(({ ParameterKey = "" }) => ParameterKey),
            capabilities: Capabilities,
            capabilitiesReason: CapabilitiesReason
          }))
        )
      }),
      setTerminationProtection: Effect.fn("CloudFormation.setTerminationProtection")((stackId, enabled) => {
        const command = new UpdateTerminationProtectionCommand({
          StackName: stackId,
          EnableTerminationProtection: enabled
        })
        return Effect.asVoid(
          callAws("cloudformation:UpdateTerminationProtection", (options) => client.send(command, options))
        )
      }),
      events: Effect.fn("CloudFormation.events")(function*(stackId, since, pages = Infinity) {
        const events: Array<StackEvent> = []
        let read = 0
        let page: string | undefined
        do {
          const command = new DescribeStackEventsCommand({ StackName: stackId, NextToken: page })
          const { NextToken, StackEvents = [] } = yield* callAws(
            "cloudformation:DescribeStackEvents",
            (options) => client.send(command, options)
          ).pipe(Effect.catchIf(saysNoEvents(stackId), () => Effect.succeed({ NextToken: undefined, StackEvents: [] })))
          for (const event of StackEvents) events.push(toStackEvent(event))
          page = NextToken
        } while (page !== undefined && ++read < pages && (events.at(-1)?.timestamp ?? since) >= since)
        return events
      }),
      failedEvents: Effect.fn("CloudFormation.failedEvents")(function*(operationId) {
        const events: Array<StackEvent> = []
        let page: string | undefined
        do {
          const command = new DescribeEventsCommand({
            OperationId: operationId,
            Filters: { FailedEvents: true },
            NextToken: page
          })
          const { NextToken, OperationEvents = [] } = yield* callAws(
            "cloudformation:DescribeEvents",
            (options) => client.send(command, options)
          )
          for (const event of OperationEvents) events.push(toOperationEvent(event))
          page = NextToken
        } while (page !== undefined)
        return events
      })
    })

  /** Region, endpoint and credentials come from the environment, as the AWS SDK reads them. */
  static readonly layer: Layer.Layer<CloudFormation> = Layer.unwrap(
    scopedClient((options) => new CloudFormationClient(options)).pipe(Effect.map((client) => this.layerClient(client)))
  )
}

const noUpdates = "No updates are to be performed."

const tokenUsed = "TokenAlreadyExistsException"

/** CloudFormation has no error class for this: the sentence is all there is. */
const notReady = /^(?:Stack:\S+ is in|This stack is currently in a non-terminal) \[?([A-Z_]+)\]? state/

/** The whole sentence for this stack: a missing role or template object "does not exist" too. */
const saysNoSuchStack = (stack: string) => (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" && error.detail === `Stack with id ${stack} does not exist`

/** DescribeStackEvents says it in other words than DescribeStacks. */
const saysNoEvents = (stack: string) => (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" && error.detail === `Stack [${stack}] does not exist`

/** The names on the wire, and those of the SDK's classes. */
const noChangeSet: ReadonlySet<string> = new Set(["ChangeSetNotFound", "ChangeSetNotFoundException"])
const changeSetNotReady: ReadonlySet<string> = new Set(["InvalidChangeSetStatus", "InvalidChangeSetStatusException"])

/** The stack may be missing too. */
const saysNoChangeSet = (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" &&
  (noChangeSet.has(error.code) || /^(?:Stack|ChangeSet) \[.*\] does not exist$/.test(error.detail))

const capability = /CAPABILITY_\w+/g

/** Nor for these. */
const unknownParameters = /^Parameters: \[(.+)\] do not exist in the template/
const noParameters = "Parameter values specified for a template which does not require them."

const toRequestError = (
  { parameters = [], stack }: StackOptions & { readonly stack: string },
  error: AwsError
): RequestError | AwsError => {
  const { code, detail } = error
  if (code === "InsufficientCapabilitiesException") {
    return new InsufficientCapabilities({ stack, required: detail.match(capability) ?? [], reason: detail })
  }
  const names = detail === noParameters
    ? parameters.map(({ name }) => name)
    : unknownParameters.exec(detail)?.[1]?.split(/,\s*/)
  return names === undefined ? error : new UnknownParameters({ stack, names })
}

const templateInput = (template: Template) =>
  "templateBody" in template ? { TemplateBody: template.templateBody } : { TemplateURL: template.templateUrl }

/** The options that change sets have too. */
const toOptionsInput = ({ capabilities, notificationArns, parameters, roleArn, tags }: StackOptions) => ({
  Parameters: parameters?.map(toParameterInput),
  Capabilities: capabilities && [...capabilities],
  Tags: tags && Array.from(tags, ([Key, Value]) => ({ Key, Value })),
  RoleARN: roleArn,
  NotificationARNs: notificationArns && [...notificationArns]
})

const toInput = (request: StackRequest) => ({
  StackName: request.stack,
  ClientRequestToken: request.clientRequestToken,
  ...templateInput(request),
  ...toOptionsInput(request),
  DisableRollback: request.disableRollback,
  RetainExceptOnCreate: request.retainExceptOnCreate,
  StackPolicyBody: request.stackPolicy
})

const toParameterInput = (parameter: StackParameter) => ({
  ParameterKey: parameter.name,
  ...("value" in parameter ? { ParameterValue: parameter.value } : { UsePreviousValue: parameter.usePreviousValue })
})

const keyInput = ({ changeSet, stack }: ChangeSetKey) => ({ StackName: stack, ChangeSetName: changeSet })

const toResourceChange = ({ ResourceChange: change }: ChangeShape): ReadonlyArray<ResourceChange> =>
  change === undefined ? [] : [{
    action: change.Action ?? "",
    logicalResourceId: change.LogicalResourceId ?? "",
    resourceType: change.ResourceType ?? "",
    ...(change.Replacement !== undefined && { replacement: change.Replacement })
  }]

const toStack = (stack: StackShape): Stack => ({
  id: stack.StackId ?? stack.StackName ?? "",
  name: stack.StackName ?? "",
  status: stack.StackStatus ?? "",
  reason: stack.StackStatusReason,
  createdAt: stack.CreationTime?.getTime() ?? 0,
  changedAt: (stack.DeletionTime ?? stack.LastUpdatedTime ?? stack.CreationTime)?.getTime() ?? 0,
  parameterNames: (stack.Parameters ?? []).map(({ ParameterKey = "" }) => ParameterKey),
  terminationProtection: stack.EnableTerminationProtection ?? false,
  outputs: Object.fromEntries(
    (stack.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue])
  )
})

/** What an event tells of a hook or a validation; nothing where it is of none. */
const toCheck = (status = "", reason: string | undefined, failureMode: string | undefined) => ({
  status,
  ...(reason === undefined ? {} : { reason }),
  ...(failureMode === undefined ? {} : { failureMode })
})

const toStackEvent = (event: StackEventShape | OperationEventShape): StackEvent => ({
  stackId: event.StackId ?? "",
  timestamp: event.Timestamp?.getTime() ?? 0,
  logicalResourceId: event.LogicalResourceId ?? "",
  resourceType: event.ResourceType ?? "",
  status: event.ResourceStatus ?? "",
  ...(event.PhysicalResourceId === undefined ? {} : { physicalResourceId: event.PhysicalResourceId }),
  ...(event.ResourceStatusReason === undefined ? {} : { reason: event.ResourceStatusReason }),
  ...(event.ClientRequestToken === undefined ? {} : { clientRequestToken: event.ClientRequestToken }),
  ...(event.OperationId === undefined ? {} : { operationId: event.OperationId }),
  ...(event.DetailedStatus === undefined ? {} : { detailedStatus: event.DetailedStatus }),
  ...(event.HookType === undefined ? {} : {
    hook: { type: event.HookType, ...toCheck(event.HookStatus, event.HookStatusReason, event.HookFailureMode) }
  })
})

const toOperationEvent = (event: OperationEventShape): StackEvent => ({
  ...toStackEvent(event),
  ...(event.ValidationName === undefined ? {} : {
    validation: {
      name: event.ValidationName,
      ...(event.ValidationPath === undefined ? {} : { path: event.ValidationPath }),
      ...toCheck(event.ValidationStatus, event.ValidationStatusReason, event.ValidationFailureMode)
    }
  })
})
