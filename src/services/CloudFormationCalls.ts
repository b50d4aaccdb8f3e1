// The calls of CloudFormation.
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { AwsError } from "../domain/job/AwsError.ts"
import type { ChangeSet } from "../domain/stack/ChangeSet.ts"
import type { Destination } from "../domain/stack/Destination.ts"
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
import type {
  ChangeSetExists,
  ChangeSetNotReady,
  NoUpdates,
  StackExists,
  StackNotReady,
  TokenUsed
} from "../domain/stack/StackErrors.ts"
import type { StackEvent } from "../domain/stack/StackEvents.ts"
import type { RequestError } from "../domain/stack/StackRequestErrors.ts"
import type { Template } from "../domain/stack/Template.ts"
import type { AwsAccess } from "../runtime/AwsAccess.ts"
import type { AssumeRoleError } from "./AssumedRoles.ts"

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
