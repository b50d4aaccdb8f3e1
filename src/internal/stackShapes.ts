// CloudFormation's shapes on the wire, and the package's own types.
import type {
  Change as ChangeShape,
  DescribeChangeSetOutput,
  DescribeStackDriftDetectionStatusOutput,
  GetTemplateSummaryOutput,
  OperationEvent as OperationEventShape,
  ResourceChangeDetail as ChangeDetailShape,
  Stack as StackShape,
  StackEvent as StackEventShape,
  StackResourceDrift as ResourceDriftShape
} from "@aws-sdk/client-cloudformation"
import type { ChangeDetail, ChangeSet, ResourceChange } from "../domain/stack/ChangeSet.ts"
import { masked } from "../domain/stack/plan/ChangePlan.ts"
import type {
  ChangeSetKey,
  ChangeSetQuery,
  RollbackRequest,
  Stack,
  StackOptions,
  StackRequest,
  TemplateSummary
} from "../domain/stack/Stack.ts"
import type { DriftDetection, ResourceDrift } from "../domain/stack/StackDrift.ts"
import type { StackEvent } from "../domain/stack/StackEvents.ts"
import type { StackParameter } from "../domain/stack/StackParameters.ts"
import type { Template } from "../domain/stack/Template.ts"

export const toTemplateInput = (template: Template) =>
  "templateBody" in template ? { TemplateBody: template.templateBody } : { TemplateURL: template.templateUrl }

/** The options that stacks and change sets have in common. */
export const toOptionsInput = ({ capabilities, notificationArns, parameters, roleArn, tags }: StackOptions) => ({
  Parameters: parameters?.map(toParameterInput),
  Capabilities: capabilities && [...capabilities],
  Tags: tags && Array.from(tags, ([Key, Value]) => ({ Key, Value })),
  RoleARN: roleArn,
  NotificationARNs: notificationArns && [...notificationArns]
})

export const toStackInput = (request: StackRequest) => ({
  StackName: request.stack,
  ClientRequestToken: request.clientRequestToken,
  ...toTemplateInput(request),
  ...toOptionsInput(request),
  DisableRollback: request.disableRollback,
  RetainExceptOnCreate: request.retainExceptOnCreate,
  StackPolicyBody: request.stackPolicy
})

export const toParameterInput = (parameter: StackParameter) => ({
  ParameterKey: parameter.name,
  ...("value" in parameter ? { ParameterValue: parameter.value } : { UsePreviousValue: parameter.usePreviousValue })
})

export const toRollbackInput = ({ clientRequestToken, roleArn, stack }: RollbackRequest) => ({
  StackName: stack,
  ClientRequestToken: clientRequestToken,
  RoleARN: roleArn
})

export const toKeyInput = ({ changeSet, stack }: ChangeSetKey) => ({ StackName: stack, ChangeSetName: changeSet })

export const toStack = (stack: StackShape): Stack => ({
  id: stack.StackId ?? stack.StackName ?? "",
  name: stack.StackName ?? "",
  status: stack.StackStatus ?? "",
  reason: stack.StackStatusReason,
  createdAt: stack.CreationTime?.getTime() ?? 0,
  changedAt: (stack.DeletionTime ?? stack.LastUpdatedTime ?? stack.CreationTime)?.getTime() ?? 0,
  parameters: new Map(
    (stack.Parameters ?? []).map(({ ParameterKey = "", ParameterValue = "" }) => [ParameterKey, ParameterValue])
  ),
  terminationProtection: stack.EnableTerminationProtection ?? false,
  outputs: Object.fromEntries(
    (stack.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue])
  )
})

export const toTemplateSummary = (
  { Capabilities = [], CapabilitiesReason, Parameters = [], Warnings }: GetTemplateSummaryOutput
): TemplateSummary => ({
  parameters: Parameters.map((
    { DefaultValue, NoEcho = false, ParameterConstraints, ParameterKey = "", ParameterType = "String" }
  ) => ({
    name: ParameterKey,
    type: ParameterType,
    hasDefault: DefaultValue !== undefined,
    noEcho: NoEcho,
    allowedValues: ParameterConstraints?.AllowedValues ?? []
  })),
  capabilities: Capabilities,
  capabilitiesReason: CapabilitiesReason,
  unrecognizedResourceTypes: Warnings?.UnrecognizedResourceTypes ?? []
})

/** A page of the description without its changes. */
export const toChangeSet = (
  { changeSet, stack = "" }: ChangeSetQuery,
  shape: Omit<DescribeChangeSetOutput, "Changes">,
  changes: ReadonlyArray<ResourceChange>
): ChangeSet => ({
  id: shape.ChangeSetId ?? changeSet,
  name: shape.ChangeSetName ?? changeSet,
  stackId: shape.StackId ?? stack,
  createdAt: shape.CreationTime?.getTime() ?? 0,
  status: shape.Status ?? "",
  executionStatus: shape.ExecutionStatus ?? "",
  changes,
  ...(shape.StatusReason !== undefined && { reason: shape.StatusReason }),
  ...(shape.Description !== undefined && { description: shape.Description }),
  ...(shape.RootChangeSetId !== undefined && { rootId: shape.RootChangeSetId }),
  ...(shape.Parameters?.some(({ ParameterValue }) => ParameterValue === masked) && {
    hiddenParameters: shape.Parameters.flatMap(({ ParameterKey, ParameterValue }) =>
      ParameterKey !== undefined && ParameterValue === masked ? [ParameterKey] : []
    )
  })
})

export const toResourceChange = ({ ResourceChange: change }: ChangeShape): ReadonlyArray<ResourceChange> =>
  change === undefined ? [] : [{
    action: change.Action ?? "",
    logicalResourceId: change.LogicalResourceId ?? "",
    resourceType: change.ResourceType ?? "",
    ...(change.Replacement !== undefined && { replacement: change.Replacement }),
    ...(change.PolicyAction !== undefined && { policyAction: change.PolicyAction }),
    ...(change.PhysicalResourceId !== undefined && { physicalResourceId: change.PhysicalResourceId }),
    ...(change.ChangeSetId !== undefined && { nestedChangeSet: change.ChangeSetId }),
    ...(change.Details?.length && { details: change.Details.map(toChangeDetail) })
  }]

const toChangeDetail = ({ CausingEntity, ChangeSource, Evaluation, Target = {} }: ChangeDetailShape): ChangeDetail => ({
  attribute: Target.Attribute ?? "",
  ...(Target.Name !== undefined && { name: Target.Name }),
  ...(Target.Path !== undefined && { path: Target.Path }),
  ...(Target.BeforeValue !== undefined && { before: Target.BeforeValue }),
  ...(Target.AfterValue !== undefined && { after: Target.AfterValue }),
  ...(Target.RequiresRecreation !== undefined && { requiresRecreation: Target.RequiresRecreation }),
  ...(Evaluation !== undefined && { evaluation: Evaluation }),
  ...(ChangeSource !== undefined && { source: ChangeSource }),
  ...(CausingEntity !== undefined && { cause: CausingEntity })
})

/** The result of a hook or a validation. */
const toCheck = (status = "", reason: string | undefined, failureMode: string | undefined) => ({
  status,
  ...(reason !== undefined && { reason }),
  ...(failureMode !== undefined && { failureMode })
})

export const toStackEvent = (event: StackEventShape | OperationEventShape): StackEvent => ({
  stackId: event.StackId ?? "",
  timestamp: event.Timestamp?.getTime() ?? 0,
  logicalResourceId: event.LogicalResourceId ?? "",
  resourceType: event.ResourceType ?? "",
  status: event.ResourceStatus ?? "",
  ...(event.PhysicalResourceId !== undefined && { physicalResourceId: event.PhysicalResourceId }),
  ...(event.ResourceStatusReason !== undefined && { reason: event.ResourceStatusReason }),
  ...(event.ClientRequestToken !== undefined && { clientRequestToken: event.ClientRequestToken }),
  ...(event.OperationId !== undefined && { operationId: event.OperationId }),
  ...(event.DetailedStatus !== undefined && { detailedStatus: event.DetailedStatus }),
  ...(event.HookType !== undefined && {
    hook: { type: event.HookType, ...toCheck(event.HookStatus, event.HookStatusReason, event.HookFailureMode) }
  })
})

export const toOperationEvent = (event: OperationEventShape): StackEvent => ({
  ...toStackEvent(event),
  ...(event.ValidationName !== undefined && {
    validation: {
      name: event.ValidationName,
      ...(event.ValidationPath !== undefined && { path: event.ValidationPath }),
      ...toCheck(event.ValidationStatus, event.ValidationStatusReason, event.ValidationFailureMode)
    }
  })
})

export const toDriftDetection = (shape: DescribeStackDriftDetectionStatusOutput): DriftDetection => ({
  status: shape.DetectionStatus ?? "",
  ...(shape.DetectionStatusReason !== undefined && { reason: shape.DetectionStatusReason }),
  ...(shape.StackDriftStatus !== undefined && { driftStatus: shape.StackDriftStatus }),
  ...(shape.DriftedStackResourceCount !== undefined && { driftedResources: shape.DriftedStackResourceCount })
})

export const toResourceDrift = (shape: ResourceDriftShape): ResourceDrift => ({
  logicalResourceId: shape.LogicalResourceId ?? "",
  resourceType: shape.ResourceType ?? "",
  status: shape.StackResourceDriftStatus ?? "",
  differences: (shape.PropertyDifferences ?? []).map(({ ActualValue, ExpectedValue, PropertyPath = "" }) => ({
    path: PropertyPath,
    expected: ExpectedValue ?? "null",
    actual: ActualValue ?? "null"
  }))
})
