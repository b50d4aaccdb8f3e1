/**
 * The public names. Every module that is named here is a subpath of the package too.
 *
 * @module effect-codepipeline
 */
export * as Action from "./Action.ts"
export { CheckWebpage, PageCheckFailed, PageTimedOut } from "./actions/checkWebpage/CheckWebpage.ts"
export {
  CapabilitiesMissing,
  ChangeSetFailed,
  DeployStack,
  type DeployStackUserParameters,
  DestinationDenied,
  DriftUnchecked,
  OperationFailed,
  OperationRejected,
  OperationUnproven,
  OutputArtifactMissing,
  ReplacementRefused,
  ReplacementUnchecked,
  SettingNotSet,
  StackDrifted,
  StackNotFound,
  StackProtected,
  StackRefused,
  StackSettingsInvalid,
  TemplateConfigurationInvalid,
  TemplateInvalid
} from "./actions/deployStack/DeployStack.ts"
export {
  DeployStackSet,
  InstancesLeft,
  OperationsEndless,
  StackSetMissing,
  StackSetOperationFailed,
  StackSetOperationUnproven,
  StackSetOptionsInvalid,
  StackSetRefused,
  StackSetRejected,
  TargetFileInvalid
} from "./actions/deployStackSet/DeployStackSet.ts"
export { EntryTooLarge, EntryUnreadable, type Files } from "./domain/job/ArtifactFiles.ts"
export { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "./domain/job/AwsError.ts"
export { Execution } from "./domain/job/ContinuationToken.ts"
export { Artifact, ArtifactCredentials, EncryptionKey, Job, JobId, JobInvalid, NotAJobEvent } from "./domain/job/Job.ts"
export {
  type Continuation,
  type Continued,
  type Failed,
  type Failure,
  FailureType,
  JobOutcome,
  OutputVariablesInvalid,
  type Progress,
  type Succeeded,
  type Success,
  withinLimits
} from "./domain/job/JobOutcome.ts"
export * as UserParameters from "./domain/job/UserParameters.ts"
export * as PageExpectation from "./domain/page/PageExpectation.ts"
export { StatusUnexpected, TextMissing } from "./domain/page/PageVerdict.ts"
export type { ChangeSet } from "./domain/stack/ChangeSet.ts"
export type {
  ChangeSetKey,
  ChangeSetQuery,
  ChangeSetRequest,
  RollbackRequest,
  Stack,
  StackOptions,
  StackRequest,
  TemplateSummary
} from "./domain/stack/Stack.ts"
export { StackCapability } from "./domain/stack/StackCapability.ts"
export type { DriftDetection, PropertyDifference, ResourceDrift } from "./domain/stack/StackDrift.ts"
export * as StackEvents from "./domain/stack/StackEvents.ts"
export * as StackFailure from "./domain/stack/StackFailure.ts"
export { type Owner, requestToken, RollbackOperation, StackOperation } from "./domain/stack/StackOperation.ts"
export * as StackOutputs from "./domain/stack/StackOutputs.ts"
export { OutputMissing, OutputsTooLarge } from "./domain/stack/StackOutputs.ts"
export type { DeclaredParameter, ParameterValue, StackParameter } from "./domain/stack/StackParameters.ts"
export * as StackPlan from "./domain/stack/StackPlan.ts"
export * as StackStatus from "./domain/stack/StackStatus.ts"
export { StackTags } from "./domain/stack/StackTags.ts"
export type { Template } from "./domain/stack/Template.ts"
export { TemplateConfiguration } from "./domain/stack/TemplateConfiguration.ts"
export type { OverridesOf } from "./domain/stackSet/Overrides.ts"
export * as StackInstances from "./domain/stackSet/StackInstances.ts"
export type {
  AutoDeployment,
  CallAs,
  CreateStackSetRequest,
  DeleteInstancesRequest,
  DeployInstancesRequest,
  InstanceResult,
  InstancesRequest,
  OperationRequest,
  Page as StackSetPage,
  PermissionModel,
  StackSet,
  StackSetDrift,
  StackSetKey,
  StackSetOperation,
  StackSetOptions,
  UpdateStackSetRequest
} from "./domain/stackSet/StackSet.ts"
export { type OwnOperation as OwnStackSetOperation, Step as StackSetStep } from "./domain/stackSet/StackSetOperation.ts"
export * as StackSetPlan from "./domain/stackSet/StackSetPlan.ts"
export type { Preferences } from "./domain/stackSet/StackSetPreferences.ts"
export * as JobRunner from "./JobRunner.ts"
export * as Lambda from "./lambda/handler.ts"
export * as Permissions from "./Permissions.ts"
export { type AwsClient, awsClient, callAws, type ClientOptions } from "./runtime/AwsClient.ts"
export { Deadline } from "./runtime/Deadline.ts"
export { addSecrets, KnownSecrets, Secrets } from "./runtime/Secrets.ts"
export * as Telemetry from "./runtime/Telemetry.ts"
export {
  type ArtifactContent,
  ArtifactDenied,
  type ArtifactFile,
  ArtifactNotFound,
  type ArtifactObjects,
  type ArtifactPlace,
  ArtifactStore,
  ArtifactUnreadable,
  ArtifactUnwritable,
  FileTooLarge,
  UploadFailed
} from "./services/ArtifactStore.ts"
export {
  AssumeRoleDenied,
  type AssumeRoleError,
  type AwsAccess,
  ChangeSetExists,
  ChangeSetNotReady,
  CloudFormation,
  type CloudFormationAt,
  type CloudFormationCalls,
  type CloudFormationThere,
  type Destination,
  DestinationRejected,
  InsufficientCapabilities,
  NoUpdates,
  type OperationError,
  RegionDisabled,
  type RequestError,
  StackExists,
  StackNotReady,
  TokenUsed,
  UnknownParameters
} from "./services/CloudFormation.ts"
export { CodePipeline, JobNotOpen } from "./services/CodePipeline.ts"
export {
  type InstancesError,
  OperationIdUsed,
  type PageOptions,
  StackSetBusy,
  StackSetExists,
  StackSetNotEmpty,
  StackSetNotFound,
  StackSets
} from "./services/StackSets.ts"
export {
  BodyBroken,
  BodyTooLong,
  type Page,
  type PageRequest,
  PageUnreachable,
  RedirectRefused,
  WebPage
} from "./services/WebPage.ts"
export * as WebPageHttpClient from "./services/WebPageHttpClient.ts"
