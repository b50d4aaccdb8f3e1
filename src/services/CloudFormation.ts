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
  type OperationEvent as OperationEventShape,
  type Stack as StackShape,
  type StackEvent as StackEventShape,
  UpdateStackCommand
} from "@aws-sdk/client-cloudformation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError, AwsRejected } from "../domain/AwsError.ts"
import type { ChangeSet, ResourceChange } from "../domain/ChangeSet.ts"
import type { StackEvent } from "../domain/StackEvents.ts"
import type { ChangeSetType } from "../domain/StackPlan.ts"
import type { Template } from "../domain/Template.ts"
import { clientOptions, scopedClient, send } from "../internal/awsCommand.ts"

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
  /** Whether it cannot be deleted. */
  readonly terminationProtection: boolean
  /** Values by the name that the template gives to the output. */
  readonly outputs: Readonly<Record<string, string>>
}

/** What it takes to create or update a stack. */
export type StackRequest = Template & {
  /** Name or ARN: `[a-zA-Z][-a-zA-Z0-9]*`, 128 characters at most. */
  readonly stack: string
  /** Marks the operation: a second call with the same one begins nothing. 128 characters at most. */
  readonly clientRequestToken: string
}

/** What it takes to make a change set: what it takes to make the change itself, less the token. */
export type ChangeSetRequest = Omit<StackRequest, "clientRequestToken"> & Template & {
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

/** Why an operation was not begun. */
export type OperationError = NoUpdates | StackExists | TokenUsed | StackNotReady | AwsError

export class CloudFormation extends Context.Service<CloudFormation, {
  /** The stack of this name or ARN; none where there is no such stack. Source: DescribeStacks. */
  describe(stack: string): Effect.Effect<Option.Option<Stack>, AwsError>
  /** Begins to create a stack and gives its id. Source: CreateStack. */
  create(request: StackRequest): Effect.Effect<string, StackExists | TokenUsed | AwsError>
  /** Begins to update a stack and gives its id. Source: UpdateStack. */
  update(request: StackRequest): Effect.Effect<string, NoUpdates | TokenUsed | StackNotReady | AwsError>
  /**
   * Begins to delete a stack. A stack that is protected from it, or not there, is left to CloudFormation's own words.
   * Source: DeleteStack.
   */
  delete(
    request: { readonly stack: string; readonly clientRequestToken: string }
  ): Effect.Effect<void, TokenUsed | AwsError>
  /** Begins to make a change set. Source: CreateChangeSet. */
  createChangeSet(
    request: ChangeSetRequest
  ): Effect.Effect<{ readonly id: string; readonly stackId: string }, ChangeSetExists | StackNotReady | AwsError>
  /** A change set with all its changes; none where there is no such one. Source: DescribeChangeSet. */
  describeChangeSet(key: ChangeSetKey): Effect.Effect<Option.Option<ChangeSet>, AwsError>
  /** Begins to execute a change set. Source: ExecuteChangeSet. */
  executeChangeSet(
    request: ChangeSetKey & { readonly clientRequestToken: string }
  ): Effect.Effect<void, ChangeSetNotReady | TokenUsed | AwsError>
  /** Deletes a change set; one that is not there is as good as deleted. Source: DeleteChangeSet. */
  deleteChangeSet(key: ChangeSetKey): Effect.Effect<void, AwsError>
  /**
   * What happened to the stack, newest first: all events not older than `since` (epoch milliseconds), and perhaps some
   * older ones; no more than are on so many pages, of 100 events or so, where `pages` is given. Source:
   * DescribeStackEvents.
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
        return send("cloudformation:DescribeStacks", (options) => client.send(command, options)).pipe(
          Effect.map(({ Stacks = [] }) => Option.fromUndefinedOr(Stacks[0]).pipe(Option.map(toStack))),
          Effect.catchIf(saysNoSuchStack(stack), () => Effect.succeedNone)
        )
      }),
      create: Effect.fn("CloudFormation.create")((request) => {
        const { stack } = request
        const command = new CreateStackCommand(toInput(request))
        return send("cloudformation:CreateStack", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackId }) => StackId ?? stack),
          Effect.mapError((error) => {
            if (error.code === "AlreadyExistsException") return new StackExists({ stack })
            return error.code === tokenUsed ? new TokenUsed({ stack }) : error
          })
        )
      }),
      update: Effect.fn("CloudFormation.update")((request) => {
        const { stack } = request
        const command = new UpdateStackCommand(toInput(request))
        return send("cloudformation:UpdateStack", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackId }) => StackId ?? stack),
          Effect.mapError((error) => {
            if (error.detail === noUpdates) return new NoUpdates({ stack })
            const status = notReady.exec(error.detail)?.[1]
            if (status !== undefined) return new StackNotReady({ stack, status })
            return error.code === tokenUsed ? new TokenUsed({ stack }) : error
          })
        )
      }),
      delete: Effect.fn("CloudFormation.delete")(({ clientRequestToken, stack }) => {
        const command = new DeleteStackCommand({ StackName: stack, ClientRequestToken: clientRequestToken })
        return send("cloudformation:DeleteStack", (options) => client.send(command, options)).pipe(
          Effect.asVoid,
          Effect.mapError((error) => error.code === tokenUsed ? new TokenUsed({ stack }) : error)
        )
      }),
      createChangeSet: Effect.fn("CloudFormation.createChangeSet")((request) => {
        const { changeSet, stack } = request
        const command = new CreateChangeSetCommand({
          ...templateInput(request),
          StackName: stack,
          ChangeSetName: changeSet,
          ChangeSetType: request.type,
          Description: request.description
        })
        return send("cloudformation:CreateChangeSet", (options) => client.send(command, options)).pipe(
          Effect.map(({ Id, StackId }) => ({ id: Id ?? changeSet, stackId: StackId ?? stack })),
          Effect.mapError((error) => {
            const status = notReady.exec(error.detail)?.[1]
            if (status !== undefined) return new StackNotReady({ stack, status })
            return error.code === "AlreadyExistsException" ? new ChangeSetExists({ stack, changeSet }) : error
          })
        )
      }),
      describeChangeSet: Effect.fn("CloudFormation.describeChangeSet")(function*(key) {
        const changes: Array<ResourceChange> = []
        let page: string | undefined
        let found: ChangeSet | undefined
        do {
          const command = new DescribeChangeSetCommand({ ...keyInput(key), NextToken: page })
          const answer = yield* send("cloudformation:DescribeChangeSet", (options) => client.send(command, options))
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
      executeChangeSet: Effect.fn("CloudFormation.executeChangeSet")(({ clientRequestToken, ...key }) => {
        const command = new ExecuteChangeSetCommand({ ...keyInput(key), ClientRequestToken: clientRequestToken })
        return send("cloudformation:ExecuteChangeSet", (options) => client.send(command, options)).pipe(
          Effect.asVoid,
          Effect.mapError((error) => {
            if (error.code === tokenUsed) return new TokenUsed({ stack: key.stack })
            return saysNoChangeSet(error) || changeSetNotReady.has(error.code)
              ? new ChangeSetNotReady({ ...key, reason: error.detail })
              : error
          })
        )
      }),
      deleteChangeSet: Effect.fn("CloudFormation.deleteChangeSet")((key) =>
        send(
          "cloudformation:DeleteChangeSet",
          (options) => client.send(new DeleteChangeSetCommand(keyInput(key)), options)
        ).pipe(
          Effect.catchIf(saysNoChangeSet, () => Effect.void),
          Effect.asVoid
        )
      ),
      events: Effect.fn("CloudFormation.events")(function*(stackId, since, pages = Infinity) {
        const events: Array<StackEvent> = []
        let read = 0
        let page: string | undefined
        do {
          const command = new DescribeStackEventsCommand({ StackName: stackId, NextToken: page })
          const { NextToken, StackEvents = [] } = yield* send(
            "cloudformation:DescribeStackEvents",
            (options) => client.send(command, options)
          )
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
          const { NextToken, OperationEvents = [] } = yield* send(
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
    scopedClient(() => new CloudFormationClient(clientOptions)).pipe(Effect.map((client) => this.layerClient(client)))
  )
}

const noUpdates = "No updates are to be performed."

const tokenUsed = "TokenAlreadyExistsException"

/** CloudFormation has no error class for this: the sentence is all there is. */
const notReady = /^(?:Stack:\S+ is in|This stack is currently in a non-terminal) \[?([A-Z_]+)\]? state/

/** The whole sentence for this stack: a missing role or template object "does not exist" too. */
const saysNoSuchStack = (stack: string) => (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" && error.detail === `Stack with id ${stack} does not exist`

/** The names on the wire, and those of the SDK's classes. */
const noChangeSet: ReadonlySet<string> = new Set(["ChangeSetNotFound", "ChangeSetNotFoundException"])
const changeSetNotReady: ReadonlySet<string> = new Set(["InvalidChangeSetStatus", "InvalidChangeSetStatusException"])

/** The stack may be missing too. */
const saysNoChangeSet = (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" &&
  (noChangeSet.has(error.code) || /^(?:Stack|ChangeSet) \[.*\] does not exist$/.test(error.detail))

const templateInput = (template: Template) =>
  "templateBody" in template ? { TemplateBody: template.templateBody } : { TemplateURL: template.templateUrl }

const toInput = (request: StackRequest) => ({
  StackName: request.stack,
  ClientRequestToken: request.clientRequestToken,
  ...templateInput(request)
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
