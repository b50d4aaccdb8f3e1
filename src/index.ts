// The public names. Every module that is named here, but for those of internal/, is a subpath of the package too.
export * as Action from "./actions/Action.ts"
export { CheckWebpage, PageNotRight, PageTimedOut } from "./actions/CheckWebpage.ts"
export {
  CapabilitiesMissing,
  ChangeSetFailed,
  DeployStack,
  OperationFailed,
  OperationRejected,
  OperationUnproven,
  OutputArtifactMissing,
  StackMissing,
  StackProtected,
  StackRefused,
  StackSettingsInvalid,
  TemplateConfigurationInvalid,
  TemplateInvalid
} from "./actions/DeployStack.ts"
export { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "./domain/AwsError.ts"
export type { ChangeSet } from "./domain/ChangeSet.ts"
export { Execution } from "./domain/ContinuationToken.ts"
export { Artifact, ArtifactCredentials, EncryptionKey, Job, JobId, JobInvalid, NotAJobEvent } from "./domain/Job.ts"
export {
  type Continuation,
  type Failure,
  FailureType,
  JobOutcome,
  OutputVariablesInvalid,
  type Progress,
  type Success,
  withinLimits
} from "./domain/JobOutcome.ts"
export * as PageExpectation from "./domain/PageExpectation.ts"
export { StatusUnexpected, TextMissing } from "./domain/PageVerdict.ts"
export { StackCapability } from "./domain/StackCapability.ts"
export * as StackEvents from "./domain/StackEvents.ts"
export * as StackFailure from "./domain/StackFailure.ts"
export { type Owner, requestToken, StackOperation } from "./domain/StackOperation.ts"
export * as StackOutputs from "./domain/StackOutputs.ts"
export { OutputMissing, OutputsTooLarge } from "./domain/StackOutputs.ts"
export type { ParameterValue, StackParameter } from "./domain/StackParameters.ts"
export * as StackPlan from "./domain/StackPlan.ts"
export * as StackStatus from "./domain/StackStatus.ts"
export { StackTags } from "./domain/StackTags.ts"
export type { Template } from "./domain/Template.ts"
export { TemplateConfiguration } from "./domain/TemplateConfiguration.ts"
export * as UserParameters from "./domain/UserParameters.ts"
export { send as callAws } from "./internal/awsCommand.ts"
export { EntryTooLarge, EntryUnreadable } from "./internal/zipEntry.ts"
export type { Files } from "./internal/zipFiles.ts"
export * as JobRunner from "./JobRunner.ts"
export * as Lambda from "./lambda/handler.ts"
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
  ChangeSetExists,
  type ChangeSetKey,
  ChangeSetNotReady,
  type ChangeSetRequest,
  CloudFormation,
  InsufficientCapabilities,
  NoUpdates,
  type OperationError,
  type RequestError,
  type Stack,
  StackExists,
  StackNotReady,
  type StackOptions,
  type StackRequest,
  type TemplateSummary,
  TokenUsed,
  UnknownParameters
} from "./services/CloudFormation.ts"
export { CodePipeline, JobNotOpen } from "./services/CodePipeline.ts"
export { Deadline } from "./services/Deadline.ts"
export * as Telemetry from "./services/Telemetry.ts"
export {
  BodyBroken,
  BodyTooLong,
  type Page,
  type PageRequest,
  PageUnreachable,
  RedirectRefused,
  WebPage
} from "./services/WebPage.ts"
