// CloudFormation's shapes of stack sets on the wire, and the package's own types.
import type {
  AccountGateResult,
  Parameter as ParameterShape,
  StackInstanceSummary,
  StackSet as StackSetShape,
  StackSetDriftDetectionDetails,
  StackSetOperation as OperationShape,
  StackSetOperationResultSummary,
  StackSetOperationSummary
} from "@aws-sdk/client-cloudformation"
import type { StackParameter } from "../domain/stack/StackParameters.ts"
import type { StackInstance, Target } from "../domain/stackSet/StackInstances.ts"
import type {
  DeployInstancesRequest,
  InstanceResult,
  InstancesRequest,
  OperationRequest,
  StackSet,
  StackSetDrift,
  StackSetKey,
  StackSetOperation,
  StackSetOptions
} from "../domain/stackSet/StackSet.ts"
import { countOf, inRegions, type Preferences } from "../domain/stackSet/StackSetPreferences.ts"
import { toParameterInput } from "./stackShapes.ts"

export const toKeyInput = ({ callAs, stackSet }: StackSetKey) => ({ StackSetName: stackSet, CallAs: callAs })

export const toSetInput = (options: StackSetOptions) => ({
  Description: options.description,
  Parameters: options.parameters?.map(toParameterInput),
  Capabilities: options.capabilities && [...options.capabilities],
  Tags: options.tags && Array.from(options.tags, ([Key, Value]) => ({ Key, Value })),
  PermissionModel: options.permissionModel,
  AdministrationRoleARN: options.administrationRoleArn,
  ExecutionRoleName: options.executionRoleName,
  AutoDeployment: options.autoDeployment && {
    Enabled: options.autoDeployment.enabled,
    RetainStacksOnAccountRemoval: options.autoDeployment.retainStacksOnAccountRemoval
  },
  ManagedExecution: options.managedExecution === undefined ? undefined : { Active: options.managedExecution }
})

const toPreferencesInput = (preferences: Preferences) => {
  const concurrent = countOf(preferences.maxConcurrent)
  const failures = countOf(preferences.failureTolerance)
  return {
    RegionOrder: preferences.regionOrder && [...preferences.regionOrder],
    RegionConcurrencyType: preferences.regionConcurrency,
    MaxConcurrentCount: concurrent.count,
    MaxConcurrentPercentage: concurrent.percentage,
    FailureToleranceCount: failures.count,
    FailureTolerancePercentage: failures.percentage,
    ConcurrencyMode: preferences.concurrencyMode
  }
}

export const toOperationInput = (request: OperationRequest, regions?: ReadonlyArray<string>) => ({
  ...toKeyInput(request),
  OperationId: request.operationId,
  OperationPreferences: request.preferences && toPreferencesInput(inRegions(request.preferences, regions))
})

const toTargetInput = ({ accountFilter, accounts, organizationalUnits, regions }: Target) => ({
  Regions: [...regions],
  ...(organizationalUnits === undefined ? { Accounts: accounts && [...accounts] } : {
    DeploymentTargets: {
      OrganizationalUnitIds: [...organizationalUnits],
      Accounts: accounts && [...accounts],
      AccountFilterType: accountFilter
    }
  })
})

export const toInstancesInput = (request: InstancesRequest) => ({
  ...toOperationInput(request, request.target.regions),
  ...toTargetInput(request.target)
})

export const toDeployInput = (request: DeployInstancesRequest) => ({
  ...toInstancesInput(request),
  ParameterOverrides: request.overrides?.map((parameter: StackParameter): ParameterShape => toParameterInput(parameter))
})

export const toStackSet = (set: StackSetShape): StackSet => ({
  id: set.StackSetId ?? set.StackSetName ?? "",
  name: set.StackSetName ?? "",
  permissionModel: set.PermissionModel ?? "SELF_MANAGED",
  parameters: new Map(
    (set.Parameters ?? []).map(({ ParameterKey = "", ParameterValue = "" }) => [ParameterKey, ParameterValue])
  )
})

const toDrift = (details: StackSetDriftDetectionDetails): StackSetDrift => ({
  status: details.DriftStatus ?? "",
  total: details.TotalStackInstancesCount ?? 0,
  drifted: details.DriftedStackInstancesCount ?? 0,
  inSync: details.InSyncStackInstancesCount ?? 0,
  failed: details.FailedStackInstancesCount ?? 0
})

export const toOperation = (operation: OperationShape | StackSetOperationSummary): StackSetOperation => ({
  id: operation.OperationId ?? "",
  action: operation.Action ?? "",
  status: operation.Status ?? "",
  reason: operation.StatusReason,
  createdAt: operation.CreationTimestamp?.getTime() ?? 0,
  failedInstances: operation.StatusDetails?.FailedStackInstancesCount,
  drift: "StackSetDriftDetectionDetails" in operation && operation.StackSetDriftDetectionDetails !== undefined
    ? toDrift(operation.StackSetDriftDetectionDetails)
    : undefined
})

export const toResult = (result: StackSetOperationResultSummary): InstanceResult => ({
  account: result.Account ?? "",
  region: result.Region ?? "",
  status: result.Status ?? "",
  reason: result.StatusReason ?? reasonOfGate(result.AccountGateResult)
})

/** A gate that does not exist is skipped, with a reason that is not one of the instance. */
const reasonOfGate = (gate: AccountGateResult | undefined) => gate?.Status === "FAILED" ? gate.StatusReason : undefined

export const toInstance = (instance: StackInstanceSummary): StackInstance => ({
  account: instance.Account ?? "",
  region: instance.Region ?? "",
  status: instance.Status ?? "",
  organizationalUnit: instance.OrganizationalUnitId,
  lastOperationId: instance.LastOperationId
})
