// Describes stack sets and changes them.
import {
  CloudFormationClient,
  CreateStackInstancesCommand,
  CreateStackSetCommand,
  DeleteStackInstancesCommand,
  DeleteStackSetCommand,
  DescribeStackEventsCommand,
  DescribeStackInstanceCommand,
  DescribeStackSetCommand,
  DescribeStackSetOperationCommand,
  DetectStackSetDriftCommand,
  GetTemplateSummaryCommand,
  ListStackInstancesCommand,
  ListStackSetOperationResultsCommand,
  ListStackSetOperationsCommand,
  UpdateStackInstancesCommand,
  UpdateStackSetCommand
} from "@aws-sdk/client-cloudformation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError, AwsRejected } from "../domain/job/AwsError.ts"
import type { TemplateSummary } from "../domain/stack/Stack.ts"
import type { StackEvent } from "../domain/stack/StackEvents.ts"
import { type RequestError, toRequestError } from "../domain/stack/StackRequestErrors.ts"
import type { Template } from "../domain/stack/Template.ts"
import type { StackInstance } from "../domain/stackSet/StackInstances.ts"
import type {
  CreateStackSetRequest,
  DeleteInstancesRequest,
  DeployInstancesRequest,
  InstanceResult,
  OperationRequest,
  Page,
  StackSet,
  StackSetKey,
  StackSetOperation,
  UpdateStackSetRequest
} from "../domain/stackSet/StackSet.ts"
import * as shapes from "../internal/stackSetShapes.ts"
import { toStackEvent, toTemplateInput, toTemplateSummary } from "../internal/stackShapes.ts"
import { callAws, clientOptions, scopedClient } from "../runtime/AwsClient.ts"

const stackSet = { stackSet: Schema.String }

/** A stack set of this name exists. */
export class StackSetExists extends Schema.TaggedError<StackSetExists>()("StackSetExists", stackSet) {
  override get message() {
    return `Stack set "${this.stackSet}" exists already`
  }
}

/** The stack set does not exist. */
export class StackSetNotFound extends Schema.TaggedError<StackSetNotFound>()("StackSetNotFound", stackSet) {
  override get message() {
    return `Stack set "${this.stackSet}" does not exist`
  }
}

/** Another operation is in progress on the stack set, or has just changed it. */
export class StackSetBusy extends Schema.TaggedError<StackSetBusy>()("StackSetBusy", {
  ...stackSet,
  /** CloudFormation's own words. */
  reason: Schema.String
}) {
  override get message() {
    return `Stack set "${this.stackSet}" cannot be changed now: ${this.reason}`
  }
}

/** An operation with this id was started before. */
export class OperationIdUsed extends Schema.TaggedError<OperationIdUsed>()("OperationIdUsed", {
  ...stackSet,
  operationId: Schema.String
}) {
  override get message() {
    return `Operation ${this.operationId} on stack set "${this.stackSet}" was started before`
  }
}

/** The stack set has instances. */
export class StackSetNotEmpty extends Schema.TaggedError<StackSetNotEmpty>()("StackSetNotEmpty", stackSet) {
  override get message() {
    return `Stack set "${this.stackSet}" cannot be deleted, because it has instances`
  }
}

/** Why an operation on instances was not started. */
export type InstancesError = StackSetNotFound | StackSetBusy | OperationIdUsed | AwsError

/** A part of a list: its token from the page before. Default: the first page. */
export interface PageOptions {
  readonly token?: string | undefined
}

/** Describes and changes the stack sets of an account and a region. Every call is retried until the deadline. */
export class StackSets extends Context.Service<StackSets, {
  /** The stack set, or none. Source: DescribeStackSet, whose reads are strongly consistent. */
  describe(key: StackSetKey): Effect.Effect<Option.Option<StackSet>, AwsError>
  /** Creates a stack set without instances, and returns its id. Source: CreateStackSet. */
  create(request: CreateStackSetRequest): Effect.Effect<string, StackSetExists | RequestError | AwsError>
  /** Starts to update a stack set and all its instances; returns the operation's id. Source: UpdateStackSet. */
  update(request: UpdateStackSetRequest): Effect.Effect<string, InstancesError | RequestError>
  /** Starts to create instances; those that exist stay as they are. Source: CreateStackInstances. */
  createInstances(request: DeployInstancesRequest): Effect.Effect<string, InstancesError>
  /** Starts to update instances with other overriding parameters. Source: UpdateStackInstances. */
  updateInstances(request: DeployInstancesRequest): Effect.Effect<string, InstancesError>
  /** Starts to delete instances, with or without their stacks. Source: DeleteStackInstances. */
  deleteInstances(request: DeleteInstancesRequest): Effect.Effect<string, InstancesError>
  /** Starts to detect the drift of all instances. Source: DetectStackSetDrift. */
  detectDrift(request: OperationRequest): Effect.Effect<string, InstancesError>
  /** Deletes a stack set without instances. One that does not exist is a success. Source: DeleteStackSet. */
  delete(key: StackSetKey): Effect.Effect<void, StackSetBusy | StackSetNotEmpty | AwsError>
  /** The operation, or none. Source: DescribeStackSetOperation, whose reads are strongly consistent. */
  operation(
    key: StackSetKey,
    operationId: string
  ): Effect.Effect<Option.Option<StackSetOperation>, StackSetNotFound | AwsError>
  /** The newest operations, at most 100. They can lag behind. Source: ListStackSetOperations. */
  operations(key: StackSetKey): Effect.Effect<ReadonlyArray<StackSetOperation>, StackSetNotFound | AwsError>
  /** At most 100 results of an operation. They can lag behind. Source: ListStackSetOperationResults. */
  results(
    key: StackSetKey,
    operationId: string,
    options?: PageOptions & { readonly failed?: boolean }
  ): Effect.Effect<Page<InstanceResult>, StackSetNotFound | AwsError>
  /** At most 100 instances; of all, or of those that drift. Source: ListStackInstances. */
  instances(
    key: StackSetKey,
    options?: PageOptions & { readonly drifted?: boolean }
  ): Effect.Effect<Page<StackInstance>, StackSetNotFound | AwsError>
  /** The ARN of the stack of an instance, if it has one. Source: DescribeStackInstance. */
  stackOf(
    key: StackSetKey,
    instance: Pick<StackInstance, "account" | "region">
  ): Effect.Effect<Option.Option<string>, AwsError>
  /** The newest events of a stack of this account, in any region; newest first. Source: DescribeStackEvents. */
  stackEvents(stackId: string): Effect.Effect<ReadonlyArray<StackEvent>, AwsError>
  /** What the template declares and requires. Source: GetTemplateSummary. */
  templateSummary(template: Template): Effect.Effect<TemplateSummary, AwsError>
}>()("effect-codepipeline/services/StackSets") {
  /**
   * Everything but the network; for a client of your own, with `maxAttempts: 1`. `clientIn` returns a client for a region, to
   * read the events of a stack there. Default: `client`.
   */
  static readonly layerClient = (
    client: Pick<CloudFormationClient, "send">,
    clientIn: (region: string) => Pick<CloudFormationClient, "send"> = () => client
  ): Layer.Layer<StackSets> =>
    Layer.succeed(StackSets, {
      describe: Effect.fn("StackSets.describe")((key) => {
        const command = new DescribeStackSetCommand(shapes.toKeyInput(key))
        return callAws("cloudformation:DescribeStackSet", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackSet }) => Option.map(Option.fromUndefinedOr(StackSet), shapes.toStackSet)),
          Effect.catchIf(isRejectedAs(notFound), () => Effect.succeedNone)
        )
      }),
      create: Effect.fn("StackSets.create")((request) => {
        const { stackSet } = request
        const command = new CreateStackSetCommand({
          ...shapes.toKeyInput(request),
          ...toTemplateInput(request),
          ...shapes.toSetInput(request),
          ClientRequestToken: request.clientRequestToken
        })
        return callAws("cloudformation:CreateStackSet", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackSetId }) => StackSetId ?? stackSet),
          Effect.mapError((error) =>
            exists.has(error.code) ? new StackSetExists({ stackSet }) : toSetError(request, error)
          )
        )
      }),
      update: Effect.fn("StackSets.update")((request) => {
        const command = new UpdateStackSetCommand({
          ...shapes.toOperationInput(request),
          ...toTemplateInput(request),
          ...shapes.toSetInput(request)
        })
        return callAws("cloudformation:UpdateStackSet", (options) => client.send(command, options)).pipe(
          Effect.map(({ OperationId }) => OperationId ?? request.operationId),
          Effect.mapError((error) => toOperationError(request, error) ?? toSetError(request, error))
        )
      }),
      createInstances: Effect.fn("StackSets.createInstances")((request) => {
        const command = new CreateStackInstancesCommand(shapes.toDeployInput(request))
        return started(
          request,
          callAws("cloudformation:CreateStackInstances", (options) => client.send(command, options))
        )
      }),
      updateInstances: Effect.fn("StackSets.updateInstances")((request) => {
        const command = new UpdateStackInstancesCommand(shapes.toDeployInput(request))
        return started(
          request,
          callAws("cloudformation:UpdateStackInstances", (options) => client.send(command, options))
        )
      }),
      deleteInstances: Effect.fn("StackSets.deleteInstances")((request) => {
        const command = new DeleteStackInstancesCommand({
          ...shapes.toInstancesInput(request),
          RetainStacks: request.retainStacks
        })
        return started(
          request,
          callAws("cloudformation:DeleteStackInstances", (options) => client.send(command, options))
        )
      }),
      detectDrift: Effect.fn("StackSets.detectDrift")((request) => {
        const command = new DetectStackSetDriftCommand(shapes.toOperationInput(request))
        return started(
          request,
          callAws("cloudformation:DetectStackSetDrift", (options) => client.send(command, options))
        )
      }),
      delete: Effect.fn("StackSets.delete")((key) => {
        const { stackSet } = key
        const command = new DeleteStackSetCommand(shapes.toKeyInput(key))
        return callAws("cloudformation:DeleteStackSet", (options) => client.send(command, options)).pipe(
          Effect.asVoid,
          Effect.catchIf(isRejectedAs(notFound), () => Effect.void),
          Effect.mapError((error) => {
            if (notEmpty.has(error.code)) return new StackSetNotEmpty({ stackSet })
            return busy.has(error.code) ? new StackSetBusy({ stackSet, reason: error.detail }) : error
          })
        )
      }),
      operation: Effect.fn("StackSets.operation")((key, operationId) => {
        const command = new DescribeStackSetOperationCommand({ ...shapes.toKeyInput(key), OperationId: operationId })
        return callAws("cloudformation:DescribeStackSetOperation", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackSetOperation }) =>
            Option.map(Option.fromUndefinedOr(StackSetOperation), shapes.toOperation)
          ),
          Effect.catchIf(isRejectedAs(operationNotFound), () => Effect.succeedNone),
          Effect.mapError(orNotFound(key))
        )
      }),
      operations: Effect.fn("StackSets.operations")((key) => {
        const command = new ListStackSetOperationsCommand({ ...shapes.toKeyInput(key), MaxResults: pageSize })
        return callAws("cloudformation:ListStackSetOperations", (options) => client.send(command, options)).pipe(
          Effect.map(({ Summaries = [] }) => Summaries.map(shapes.toOperation)),
          Effect.mapError(orNotFound(key))
        )
      }),
      results: Effect.fn("StackSets.results")((key, operationId, { failed = false, token } = {}) => {
        const command = new ListStackSetOperationResultsCommand({
          ...shapes.toKeyInput(key),
          OperationId: operationId,
          MaxResults: pageSize,
          NextToken: token,
          ...(failed && { Filters: [{ Name: "OPERATION_RESULT_STATUS", Values: "FAILED" }] })
        })
        return callAws("cloudformation:ListStackSetOperationResults", (options) => client.send(command, options)).pipe(
          Effect.map(({ NextToken, Summaries = [] }) => toPage(Summaries.map(shapes.toResult), NextToken)),
          Effect.mapError(orNotFound(key))
        )
      }),
      instances: Effect.fn("StackSets.instances")((key, { drifted = false, token } = {}) => {
        const command = new ListStackInstancesCommand({
          ...shapes.toKeyInput(key),
          MaxResults: pageSize,
          NextToken: token,
          ...(drifted && { Filters: [{ Name: "DRIFT_STATUS", Values: "DRIFTED" }] })
        })
        return callAws("cloudformation:ListStackInstances", (options) => client.send(command, options)).pipe(
          Effect.map(({ NextToken, Summaries = [] }) => toPage(Summaries.map(shapes.toInstance), NextToken)),
          Effect.mapError(orNotFound(key))
        )
      }),
      stackOf: Effect.fn("StackSets.stackOf")((key, { account, region }) => {
        const command = new DescribeStackInstanceCommand({
          ...shapes.toKeyInput(key),
          StackInstanceAccount: account,
          StackInstanceRegion: region
        })
        return callAws("cloudformation:DescribeStackInstance", (options) => client.send(command, options)).pipe(
          Effect.map(({ StackInstance }) =>
            Option.filter(Option.fromUndefinedOr(StackInstance?.StackId), (id) => id.startsWith("arn:"))
          )
        )
      }),
      stackEvents: Effect.fn("StackSets.stackEvents")((stackId) => {
        const command = new DescribeStackEventsCommand({ StackName: stackId })
        const there = clientIn(regionOf(stackId))
        return callAws("cloudformation:DescribeStackEvents", (options) => there.send(command, options)).pipe(
          Effect.map(({ StackEvents = [] }) => StackEvents.map(toStackEvent))
        )
      }),
      templateSummary: Effect.fn("StackSets.templateSummary")((template) => {
        const command = new GetTemplateSummaryCommand({
          ...toTemplateInput(template),
          // Such a type fails the operation that uses it, not this call.
          TemplateSummaryConfig: { TreatUnrecognizedResourceTypesAsWarnings: true }
        })
        return Effect.map(
          callAws("cloudformation:GetTemplateSummary", (options) => client.send(command, options)),
          toTemplateSummary
        )
      })
    })

  /** Region, endpoint and credentials come from the environment, as the AWS SDK reads them. */
  static readonly layer: Layer.Layer<StackSets> = Layer.unwrap(
    scopedClient((options) => new CloudFormationClient(options)).pipe(
      Effect.map((client) => {
        // Clients for other regions share its connections.
        const { requestHandler } = client.config
        return this.layerClient(
          client,
          (region) => new CloudFormationClient({ ...clientOptions, requestHandler, region })
        )
      })
    )
  )
}

/** The region in the ARN of a stack. */
const regionOf = (stackId: string) => stackId.split(":")[3] ?? ""

/** CloudFormation's maximum. */
const pageSize = 100

const toPage = <A>(items: ReadonlyArray<A>, next: string | undefined): Page<A> => ({ items, next: next || undefined })

/** The codes on the wire, and the names of the SDK's classes. */
const codes = (name: string): ReadonlySet<string> => new Set([name, `${name}Exception`])

const exists = new Set([...codes("NameAlreadyExists"), ...codes("CreatedButModified")])
const notFound = codes("StackSetNotFound")
const notEmpty = codes("StackSetNotEmpty")
const operationNotFound = codes("OperationNotFound")
const operationIdUsed = codes("OperationIdAlreadyExists")
const busy = new Set([...codes("OperationInProgress"), ...codes("StaleRequest")])

const isRejectedAs = (codes: ReadonlySet<string>) => (error: AwsError): error is AwsRejected =>
  error._tag === "AwsRejected" && codes.has(error.code)

const orNotFound = ({ stackSet }: StackSetKey) => (error: AwsError) =>
  isRejectedAs(notFound)(error) ? new StackSetNotFound({ stackSet }) : error

const toOperationError = ({ operationId, stackSet }: OperationRequest, error: AwsError) => {
  if (operationIdUsed.has(error.code)) return new OperationIdUsed({ stackSet, operationId })
  if (busy.has(error.code)) return new StackSetBusy({ stackSet, reason: error.detail })
  return notFound.has(error.code) ? new StackSetNotFound({ stackSet }) : undefined
}

const toSetError = (request: CreateStackSetRequest | UpdateStackSetRequest, error: AwsError) =>
  toRequestError({ stack: request.stackSet, parameters: request.parameters }, error)

const started = (
  request: OperationRequest,
  call: Effect.Effect<{ readonly OperationId?: string | undefined }, AwsError>
): Effect.Effect<string, InstancesError> =>
  call.pipe(
    Effect.map(({ OperationId }) => OperationId ?? request.operationId),
    Effect.mapError((error) => toOperationError(request, error) ?? error)
  )
