// Describes stacks and changes them.
import {
  CancelUpdateStackCommand,
  CloudFormationClient,
  ContinueUpdateRollbackCommand,
  CreateChangeSetCommand,
  CreateStackCommand,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeEventsCommand,
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackEventsCommand,
  DescribeStackResourceDriftsCommand,
  DescribeStacksCommand,
  DetectStackDriftCommand,
  ExecuteChangeSetCommand,
  GetTemplateSummaryCommand,
  RollbackStackCommand,
  SetStackPolicyCommand,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand
} from "@aws-sdk/client-cloudformation"
import { STSClient } from "@aws-sdk/client-sts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type AwsError, isUnaccepted } from "../domain/job/AwsError.ts"
import type { ChangeSet } from "../domain/stack/ChangeSet.ts"
import { type Destination, nameOf } from "../domain/stack/Destination.ts"
import { DestinationRejected } from "../domain/stack/DestinationErrors.ts"
import type {
  ChangeSetKey,
  ChangeSetQuery,
  ChangeSetRequest,
  RollbackRequest,
  Stack,
  StackOptions,
  StackRequest,
  TemplateSummary
} from "../domain/stack/Stack.ts"
import type { DriftDetection, ResourceDrift } from "../domain/stack/StackDrift.ts"
import {
  ChangeSetExists,
  ChangeSetNotReady,
  detectsAlready,
  hasNoEvents,
  isChangeSetNotFound,
  isStackNotFound,
  NoUpdates,
  noUpdates,
  StackExists,
  stackExists,
  StackNotReady,
  toChangeSetNotReady,
  TokenUsed,
  tokenUsed,
  toNotStarted,
  toStackNotReady
} from "../domain/stack/StackErrors.ts"
import type { StackEvent } from "../domain/stack/StackEvents.ts"
import { type RequestError, toRequestError } from "../domain/stack/StackRequestErrors.ts"
import type { Template } from "../domain/stack/Template.ts"
import * as shapes from "../internal/stackShapes.ts"
import { accessOptions, type AwsAccess } from "../runtime/AwsAccess.ts"
import { callAws, clientOptions, scopedClient } from "../runtime/AwsClient.ts"
import { liveLayer } from "../runtime/liveLayer.ts"
import { allPages } from "../runtime/pages.ts"
import { AssumedRoles, type AssumeRoleError } from "./AssumedRoles.ts"

export type { Destination } from "../domain/stack/Destination.ts"
export { AssumeRoleDenied, DestinationRejected, RegionDisabled } from "../domain/stack/DestinationErrors.ts"
export type { AwsAccess } from "../runtime/AwsAccess.ts"
export type { AssumeRoleError } from "./AssumedRoles.ts"

export {
  ChangeSetExists,
  ChangeSetNotReady,
  NoUpdates,
  StackExists,
  StackNotReady,
  TokenUsed
} from "../domain/stack/StackErrors.ts"
export { InsufficientCapabilities, type RequestError, UnknownParameters } from "../domain/stack/StackRequestErrors.ts"

/** Why an operation was not started. */
export type OperationError = NoUpdates | StackExists | TokenUsed | StackNotReady | RequestError | AwsError

/** CloudFormation in another account or region, and what else can be called as it is. */
export interface CloudFormationThere {
  readonly cloudFormation: CloudFormationCalls
  readonly access: AwsAccess
}

/** Calls CloudFormation in another account or region. */
export type CloudFormationAt = (
  destination: Destination,
  sessionName: string
) => Effect.Effect<CloudFormationThere, AssumeRoleError>

/** The calls of CloudFormation in one account and region. */
export interface CloudFormationCalls {
  /**
   * CloudFormation in another account or region. The role of the destination is assumed in a session of this name
   * (`[\w+=,.@-]`, 2 to 64 characters). The session lasts at least for the current invocation, and is kept in memory for
   * later ones with the same role, external id and name. Without a role, nothing is called. Source: AssumeRole of STS.
   */
  readonly at: CloudFormationAt
  /** The stack of this name or ARN, or none. Source: DescribeStacks. */
  describe(stack: string): Effect.Effect<Option.Option<Stack>, AwsError>
  /** Starts to create a stack and returns its id. Source: CreateStack. */
  create(
    request: StackRequest & { readonly terminationProtection?: boolean | undefined }
  ): Effect.Effect<string, StackExists | TokenUsed | RequestError | AwsError>
  /** Starts to update a stack and returns its id. Source: UpdateStack. */
  update(request: StackRequest): Effect.Effect<string, NoUpdates | TokenUsed | StackNotReady | RequestError | AwsError>
  /** What the template declares and requires. Source: GetTemplateSummary. */
  templateSummary(template: Template): Effect.Effect<TemplateSummary, AwsError>
  /** Switches the stack's termination protection on or off. Source: UpdateTerminationProtection. */
  setTerminationProtection(stackId: string, enabled: boolean): Effect.Effect<void, AwsError>
  /** Sets the stack policy, JSON of at most 16,384 bytes. Source: SetStackPolicy. */
  setStackPolicy(stackId: string, policy: string): Effect.Effect<void, AwsError>
  /**
   * Starts to delete a stack. A stack that does not exist, or is being deleted, is a success. A protected one fails as
   * `AwsRejected` with CloudFormation's words. Source: DeleteStack.
   */
  delete(
    request: {
      readonly stack: string
      readonly clientRequestToken: string
      readonly roleArn?: string | undefined
    }
  ): Effect.Effect<void, TokenUsed | StackNotReady | AwsError>
  /**
   * Starts to roll a stack back that is in CREATE_FAILED or UPDATE_FAILED. A stack that was never complete ends in
   * ROLLBACK_COMPLETE, or is deleted. Source: RollbackStack.
   */
  rollBack(
    request: RollbackRequest & Pick<StackOptions, "retainExceptOnCreate">
  ): Effect.Effect<void, TokenUsed | StackNotReady | AwsError>
  /**
   * Starts to continue the rollback of an update, of a stack that is in UPDATE_ROLLBACK_FAILED. `resourcesToSkip` are the
   * logical ids of resources that could not be rolled back, or `NestedStackName.LogicalId`; CloudFormation leaves them as
   * they are. Source: ContinueUpdateRollback.
   */
  continueRollback(
    request: RollbackRequest & { readonly resourcesToSkip?: ReadonlyArray<string> | undefined }
  ): Effect.Effect<void, TokenUsed | StackNotReady | AwsError>
  /**
   * Cancels the update of a stack that is in UPDATE_IN_PROGRESS: CloudFormation rolls it back. Source: CancelUpdateStack.
   */
  cancelUpdate(
    request: Omit<RollbackRequest, "roleArn">
  ): Effect.Effect<void, TokenUsed | StackNotReady | AwsError>
  /** Starts to create a change set. Source: CreateChangeSet. */
  createChangeSet(
    request: ChangeSetRequest
  ): Effect.Effect<
    { readonly id: string; readonly stackId: string },
    ChangeSetExists | StackExists | StackNotReady | RequestError | AwsError
  >
  /**
   * The change set with all its changes, or none. Pages that do not end are `AwsUnavailable`, here and for events. Source:
   * DescribeChangeSet.
   */
  describeChangeSet(query: ChangeSetQuery): Effect.Effect<Option.Option<ChangeSet>, AwsError>
  /** Starts to execute a change set. Source: ExecuteChangeSet. */
  executeChangeSet(
    request:
      & ChangeSetKey
      & { readonly clientRequestToken: string }
      & Pick<StackOptions, "disableRollback" | "retainExceptOnCreate">
  ): Effect.Effect<void, ChangeSetNotReady | StackNotReady | TokenUsed | AwsError>
  /**
   * Deletes a change set. One that does not exist is a success; one that is being created, deleted or executed fails as
   * `ChangeSetNotReady`. Source: DeleteChangeSet.
   */
  deleteChangeSet(key: ChangeSetKey): Effect.Effect<void, ChangeSetNotReady | StackNotReady | AwsError>
  /**
   * The stack's events, newest first; of a stack that does not exist, none. They are read in pages of about 100 until
   * those read so far are enough; by default, one page. Source: DescribeStackEvents.
   */
  events(
    stackId: string,
    areEnough?: (newest: ReadonlyArray<StackEvent>) => boolean
  ): Effect.Effect<ReadonlyArray<StackEvent>, AwsError>
  /**
   * The failed events of an operation or a change set (its ARN), with the validations that are not among a stack's
   * events. Source: DescribeEvents with the filter FailedEvents.
   */
  failedEvents(
    of: { readonly operationId: string } | { readonly changeSet: string }
  ): Effect.Effect<ReadonlyArray<StackEvent>, AwsError>
  /**
   * Starts to detect the drift of the stack's resources, without those of nested stacks, and returns the detection's id.
   * While another detection is in progress, fails as `StackNotReady` with the status DETECTION_IN_PROGRESS. Source:
   * DetectStackDrift.
   */
  detectDrift(stack: string): Effect.Effect<string, StackNotReady | AwsError>
  /** How far a drift detection is, and its result. Source: DescribeStackDriftDetectionStatus. */
  describeDriftDetection(detectionId: string): Effect.Effect<DriftDetection, AwsError>
  /**
   * The resources that had drifted in the stack's last detection. Source: DescribeStackResourceDrifts with the filters
   * MODIFIED and DELETED.
   */
  resourceDrifts(stack: string): Effect.Effect<ReadonlyArray<ResourceDrift>, AwsError>
}

/** Describes and changes the stacks of an account and a region. Every call is retried until the deadline. */
export class CloudFormation extends Context.Service<CloudFormation, CloudFormationCalls>()(
  "effect-codepipeline/services/CloudFormation"
) {
  /**
   * Everything but the network; for a client of your own, with `maxAttempts: 1`. Without `at`, it refuses other accounts
   * and regions.
   */
  static readonly layerClient = (
    client: Pick<CloudFormationClient, "send">,
    at?: CloudFormationAt
  ): Layer.Layer<CloudFormation> => Layer.succeed(CloudFormation, callsOf(client, at))

  /**
   * Region, endpoint and credentials come from the environment, as the AWS SDK reads them. STS is called in this region
   * too, and in another account or region CloudFormation, with the same endpoint if the environment has one.
   */
  static readonly layer: Layer.Layer<CloudFormation> = liveLayer(Effect.gen(function*() {
    const client = yield* scopedClient((options) => new CloudFormationClient(options))
    // Share the connections of the client that lives as long as the layer.
    const shared = { ...clientOptions, requestHandler: client.config.requestHandler }
    let sts: STSClient | undefined
    const roles = new AssumedRoles(() => sts ??= new STSClient(shared))
    const clientWith = (access: AwsAccess) => new CloudFormationClient({ ...shared, ...accessOptions(access) })
    const at: CloudFormationAt = Effect.fn("CloudFormation.at")(function*(destination, sessionName) {
      const { assumeRole: role, externalId, region } = destination
      if (role === undefined) return { cloudFormation: callsOf(clientWith({ region }), at), access: { region } }
      const session = { role, externalId, sessionName }
      const access = { region, credentials: yield* roles.credentials(session, destination) }
      const client = clientWith(access)
      client.middlewareStack.add((next) => (args) =>
        next(args).catch((cause: unknown) => {
          if (isUnaccepted(cause)) roles.forget(session)
          return Promise.reject(cause)
        }), { step: "initialize" })
      return { cloudFormation: callsOf(client, at), access }
    })
    return CloudFormation.layerClient(client, at)
  }))
}

const callsOf = (client: Pick<CloudFormationClient, "send">, at: CloudFormationAt = nowhereElse): CloudFormationCalls =>
  CloudFormation.of({
    at,
    describe: Effect.fn("CloudFormation.describe")((stack) => {
      const command = new DescribeStacksCommand({ StackName: stack })
      return callAws("cloudformation:DescribeStacks", (options) => client.send(command, options)).pipe(
        Effect.map(({ Stacks = [] }) => Option.map(Option.fromUndefinedOr(Stacks[0]), shapes.toStack)),
        Effect.catchIf(isStackNotFound(stack), () => Effect.succeedNone)
      )
    }),
    create: Effect.fn("CloudFormation.create")((request) => {
      const { stack, terminationProtection } = request
      const command = new CreateStackCommand({
        ...shapes.toStackInput(request),
        OnFailure: request.onStackFailure,
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
      const command = new UpdateStackCommand(shapes.toStackInput(request))
      return callAws("cloudformation:UpdateStack", (options) => client.send(command, options)).pipe(
        Effect.map(({ StackId }) => StackId ?? stack),
        Effect.mapError((error) => {
          if (error.detail === noUpdates) return new NoUpdates({ stack })
          if (error.code === tokenUsed) return new TokenUsed({ stack })
          return toStackNotReady(stack, error) ?? toRequestError(request, error)
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
        Effect.mapError(toNotStarted(stack))
      )
    }),
    rollBack: Effect.fn("CloudFormation.rollBack")((request) => {
      const command = new RollbackStackCommand({
        ...shapes.toRollbackInput(request),
        RetainExceptOnCreate: request.retainExceptOnCreate
      })
      return callAws("cloudformation:RollbackStack", (options) => client.send(command, options)).pipe(
        Effect.asVoid,
        Effect.mapError(toNotStarted(request.stack))
      )
    }),
    continueRollback: Effect.fn("CloudFormation.continueRollback")((request) => {
      const { resourcesToSkip = [] } = request
      const command = new ContinueUpdateRollbackCommand({
        ...shapes.toRollbackInput(request),
        ResourcesToSkip: resourcesToSkip.length === 0 ? undefined : [...resourcesToSkip]
      })
      return callAws("cloudformation:ContinueUpdateRollback", (options) => client.send(command, options)).pipe(
        Effect.asVoid,
        Effect.mapError(toNotStarted(request.stack))
      )
    }),
    cancelUpdate: Effect.fn("CloudFormation.cancelUpdate")((request) => {
      const command = new CancelUpdateStackCommand(shapes.toRollbackInput(request))
      return callAws("cloudformation:CancelUpdateStack", (options) => client.send(command, options)).pipe(
        Effect.asVoid,
        Effect.mapError(toNotStarted(request.stack))
      )
    }),
    createChangeSet: Effect.fn("CloudFormation.createChangeSet")((request) => {
      const { changeSet, stack } = request
      const command = new CreateChangeSetCommand({
        ...shapes.toTemplateInput(request),
        ...shapes.toOptionsInput(request),
        StackName: stack,
        ChangeSetName: changeSet,
        ChangeSetType: request.type,
        Description: request.description,
        // Of an update, CloudFormation rejects it.
        OnStackFailure: request.type === "CREATE" ? request.onStackFailure : undefined,
        IncludeNestedStacks: request.includeNestedStacks,
        ImportExistingResources: request.importExistingResources,
        DeploymentMode: request.deploymentMode
      })
      return callAws("cloudformation:CreateChangeSet", (options) => client.send(command, options)).pipe(
        Effect.map(({ Id, StackId }) => ({ id: Id ?? changeSet, stackId: StackId ?? stack })),
        Effect.mapError((error) => {
          if (error.code === "AlreadyExistsException") return new ChangeSetExists({ stack, changeSet })
          if (stackExists.test(error.detail)) return new StackExists({ stack })
          return toStackNotReady(stack, error) ?? toRequestError(request, error)
        })
      )
    }),
    describeChangeSet: Effect.fn("CloudFormation.describeChangeSet")((query) =>
      allPages(describeChangeSet, (token) => {
        const command = new DescribeChangeSetCommand({
          ChangeSetName: query.changeSet,
          StackName: query.stack,
          IncludePropertyValues: query.withValues || undefined,
          NextToken: token
        })
        return Effect.map(
          callAws(describeChangeSet, (options) => client.send(command, options)),
          // Without the resources' whole definitions, which a page has besides the changes.
          ({ Changes = [], ...shape }) =>
            [[{ shape, changes: Changes.flatMap(shapes.toResourceChange) }], shape.NextToken] as const
        )
      }).pipe(
        Effect.map((pages) => {
          // What only one page has counts for all.
          const shape = Object.assign({}, ...pages.map(({ shape }) => shape)) as (typeof pages)[number]["shape"]
          return Option.some(shapes.toChangeSet(query, shape, pages.flatMap(({ changes }) => changes)))
        }),
        Effect.catchIf(isChangeSetNotFound, () => Effect.succeedNone)
      )
    ),
    executeChangeSet: Effect.fn("CloudFormation.executeChangeSet")((request) => {
      const { changeSet, stack } = request
      const command = new ExecuteChangeSetCommand({
        ...shapes.toKeyInput(request),
        ClientRequestToken: request.clientRequestToken,
        DisableRollback: request.disableRollback,
        RetainExceptOnCreate: request.retainExceptOnCreate
      })
      return callAws("cloudformation:ExecuteChangeSet", (options) => client.send(command, options)).pipe(
        Effect.asVoid,
        Effect.mapError((error) => {
          if (error.code === tokenUsed) return new TokenUsed({ stack })
          return isChangeSetNotFound(error)
            ? new ChangeSetNotReady({ stack, changeSet, reason: error.detail })
            : toChangeSetNotReady(request, error)
        })
      )
    }),
    deleteChangeSet: Effect.fn("CloudFormation.deleteChangeSet")((key) => {
      const command = new DeleteChangeSetCommand(shapes.toKeyInput(key))
      return callAws("cloudformation:DeleteChangeSet", (options) => client.send(command, options)).pipe(
        Effect.catchIf(isChangeSetNotFound, () => Effect.void),
        Effect.asVoid,
        Effect.mapError((error) => toChangeSetNotReady(key, error))
      )
    }),
    templateSummary: Effect.fn("CloudFormation.templateSummary")((template) => {
      const command = new GetTemplateSummaryCommand({
        ...shapes.toTemplateInput(template),
        // Such a type fails the operation that uses it, not this call.
        TemplateSummaryConfig: { TreatUnrecognizedResourceTypesAsWarnings: true }
      })
      return Effect.map(
        callAws("cloudformation:GetTemplateSummary", (options) => client.send(command, options)),
        shapes.toTemplateSummary
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
    setStackPolicy: Effect.fn("CloudFormation.setStackPolicy")((stackId, policy) => {
      const command = new SetStackPolicyCommand({ StackName: stackId, StackPolicyBody: policy })
      return Effect.asVoid(callAws("cloudformation:SetStackPolicy", (options) => client.send(command, options)))
    }),
    events: Effect.fn("CloudFormation.events")((stackId, areEnough = constTrue) =>
      allPages(describeStackEvents, (token) => {
        const command = new DescribeStackEventsCommand({ StackName: stackId, NextToken: token })
        return Effect.map(
          callAws(describeStackEvents, (options) => client.send(command, options)),
          ({ NextToken, StackEvents = [] }) => [StackEvents.map(shapes.toStackEvent), NextToken] as const
        )
      }, areEnough).pipe(Effect.catchIf(hasNoEvents(stackId), () => Effect.succeed([])))
    ),
    failedEvents: Effect.fn("CloudFormation.failedEvents")((of) =>
      allPages(describeEvents, (token) => {
        const command = new DescribeEventsCommand({
          ...("operationId" in of ? { OperationId: of.operationId } : { ChangeSetName: of.changeSet }),
          Filters: { FailedEvents: true },
          NextToken: token
        })
        return Effect.map(
          callAws(describeEvents, (options) => client.send(command, options)),
          ({ NextToken, OperationEvents = [] }) => [OperationEvents.map(shapes.toOperationEvent), NextToken] as const
        )
      })
    ),
    detectDrift: Effect.fn("CloudFormation.detectDrift")((stack) => {
      const command = new DetectStackDriftCommand({ StackName: stack })
      return callAws("cloudformation:DetectStackDrift", (options) => client.send(command, options)).pipe(
        Effect.map(({ StackDriftDetectionId = "" }) => StackDriftDetectionId),
        Effect.mapError((error) =>
          detectsAlready.test(error.detail)
            ? new StackNotReady({ stack, status: "DETECTION_IN_PROGRESS" })
            : toStackNotReady(stack, error) ?? error
        )
      )
    }),
    describeDriftDetection: Effect.fn("CloudFormation.describeDriftDetection")((id) => {
      const command = new DescribeStackDriftDetectionStatusCommand({ StackDriftDetectionId: id })
      return Effect.map(
        callAws(
          "cloudformation:DescribeStackDriftDetectionStatus",
          (options) => client.send(command, options)
        ),
        shapes.toDriftDetection
      )
    }),
    resourceDrifts: Effect.fn("CloudFormation.resourceDrifts")((stack) =>
      allPages(describeResourceDrifts, (token) => {
        const command = new DescribeStackResourceDriftsCommand({
          StackName: stack,
          StackResourceDriftStatusFilters: ["MODIFIED", "DELETED"],
          MaxResults: 100,
          NextToken: token
        })
        return Effect.map(
          callAws(describeResourceDrifts, (options) => client.send(command, options)),
          ({ NextToken, StackResourceDrifts = [] }) =>
            [StackResourceDrifts.map(shapes.toResourceDrift), NextToken] as const
        )
      })
    )
  })

/** A client of one's own is for one account and region. */
const nowhereElse: CloudFormationAt = (destination) =>
  Effect.fail(
    new DestinationRejected({
      destination: nameOf(destination),
      reason: "this CloudFormation is for one account and region",
      advice: "Provide CloudFormation.layer, or pass \"at\" to CloudFormation.layerClient"
    })
  )

const describeChangeSet = "cloudformation:DescribeChangeSet"
const describeEvents = "cloudformation:DescribeEvents"
const describeStackEvents = "cloudformation:DescribeStackEvents"
const describeResourceDrifts = "cloudformation:DescribeStackResourceDrifts"
