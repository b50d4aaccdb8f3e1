// The calls of CloudFormation, over a client of the AWS SDK.
import {
  CancelUpdateStackCommand,
  type CloudFormationClient,
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
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as Option from "effect/Option"
import { nameOf } from "../domain/stack/Destination.ts"
import { DestinationRejected } from "../domain/stack/DestinationErrors.ts"
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
import { toRequestError } from "../domain/stack/StackRequestErrors.ts"
import * as shapes from "../internal/stackShapes.ts"
import { callAws } from "../runtime/AwsClient.ts"
import { allPages } from "../runtime/pages.ts"
import type { CloudFormationAt, CloudFormationCalls } from "./CloudFormationCalls.ts"

export const callsOf = (
  client: Pick<CloudFormationClient, "send">,
  at: CloudFormationAt = nowhereElse
): CloudFormationCalls => ({
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
