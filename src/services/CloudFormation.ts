// Looks at stacks and changes them.
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeEventsCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
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
import type { StackEvent } from "../domain/StackEvents.ts"
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
  /** When the stack was last updated, or else created; epoch milliseconds. */
  readonly changedAt: number
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

const toInput = (request: StackRequest) => ({
  StackName: request.stack,
  ClientRequestToken: request.clientRequestToken,
  ...("templateBody" in request ? { TemplateBody: request.templateBody } : { TemplateURL: request.templateUrl })
})

const toStack = (stack: StackShape): Stack => ({
  id: stack.StackId ?? stack.StackName ?? "",
  name: stack.StackName ?? "",
  status: stack.StackStatus ?? "",
  reason: stack.StackStatusReason,
  createdAt: stack.CreationTime?.getTime() ?? 0,
  changedAt: (stack.LastUpdatedTime ?? stack.CreationTime)?.getTime() ?? 0,
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
