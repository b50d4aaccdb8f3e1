// A stack set as CloudFormation shows it, and the requests that create and change one.
import type { StackCapability } from "../stack/StackCapability.ts"
import type { StackParameter } from "../stack/StackParameters.ts"
import type { Template } from "../stack/Template.ts"
import type { Target } from "./StackInstances.ts"
import type { Preferences } from "./StackSetPreferences.ts"

/** Who calls: the administrator of the organization, or of self-managed stack sets; or a delegated administrator. */
export type CallAs = "SELF" | "DELEGATED_ADMIN"

/** Identifies a stack set. */
export interface StackSetKey {
  /** Its name, `[a-zA-Z][-a-zA-Z0-9]*` with at most 128 characters, or its id: the name, `:` and a UUID. */
  readonly stackSet: string
  readonly callAs?: CallAs | undefined
}

/** Who assumes the roles in the target accounts: roles of the user, or of AWS Organizations. */
export type PermissionModel = "SELF_MANAGED" | "SERVICE_MANAGED"

/** A stack set. Source: DescribeStackSet. */
export interface StackSet {
  readonly id: string
  readonly name: string
  readonly permissionModel: PermissionModel
  /** The values of the parameters by name. CloudFormation shows `****` for a parameter with NoEcho. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Whether accounts that join an organizational unit get the stack. Only with SERVICE_MANAGED. */
export interface AutoDeployment {
  readonly enabled: boolean
  /** Whether the stacks of an account that leaves stay. */
  readonly retainStacksOnAccountRemoval?: boolean | undefined
}

/** What a stack set gets besides its template. Omitted settings keep their value, or CloudFormation's default. */
export interface StackSetOptions {
  /** At most 1,024 characters. */
  readonly description?: string | undefined
  /** At most 200, with values of at most 4,096 bytes. */
  readonly parameters?: ReadonlyArray<StackParameter> | undefined
  readonly capabilities?: ReadonlyArray<StackCapability> | undefined
  /** At most 50. They replace all tags of the stack set. */
  readonly tags?: ReadonlyMap<string, string> | undefined
  readonly permissionModel?: PermissionModel | undefined
  /** The role of this account that CloudFormation assumes. Only with SELF_MANAGED. */
  readonly administrationRoleArn?: string | undefined
  /** The name of the role in each target account. Only with SELF_MANAGED. */
  readonly executionRoleName?: string | undefined
  readonly autoDeployment?: AutoDeployment | undefined
  /** Whether CloudFormation queues conflicting operations instead of refusing them. */
  readonly managedExecution?: boolean | undefined
}

/** A request to create a stack set, without instances. */
export type CreateStackSetRequest = StackSetKey & Template & StackSetOptions & {
  /** The idempotency token. At most 128 characters. */
  readonly clientRequestToken: string
}

/** What the requests that start an operation have in common. */
export interface OperationRequest extends StackSetKey {
  /** The idempotency token of the operation: a second call with it fails. At most 128 characters. */
  readonly operationId: string
  readonly preferences?: Preferences | undefined
}

/** A request to update a stack set and all its instances. */
export type UpdateStackSetRequest = OperationRequest & Template & StackSetOptions

/** A request to change instances. */
export interface InstancesRequest extends OperationRequest {
  readonly target: Target
}

/** A request to create or update instances. */
export interface DeployInstancesRequest extends InstancesRequest {
  /** The parameters that override those of the stack set. An empty list: none. Omitted: unchanged. */
  readonly overrides?: ReadonlyArray<StackParameter> | undefined
}

/** A request to delete instances. */
export interface DeleteInstancesRequest extends InstancesRequest {
  /** Whether the stacks stay, without their stack set. */
  readonly retainStacks: boolean
}

/** The result of drift detection. Source: shape StackSetDriftDetectionDetails of CloudFormation's API. */
export interface StackSetDrift {
  /** `DRIFTED`, `IN_SYNC` or `NOT_CHECKED`. */
  readonly status: string
  /** The numbers of instances. */
  readonly total: number
  readonly drifted: number
  readonly inSync: number
  readonly failed: number
}

/** An operation on a stack set. Source: DescribeStackSetOperation and ListStackSetOperations. */
export interface StackSetOperation {
  readonly id: string
  /** `CREATE`, `UPDATE`, `DELETE` or `DETECT_DRIFT`. */
  readonly action: string
  /** `RUNNING`, `QUEUED`, `STOPPING`, `STOPPED`, `SUCCEEDED`, `FAILED`, or a status that AWS added later. */
  readonly status: string
  readonly reason: string | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** The number of failed instances, if known. */
  readonly failedInstances: number | undefined
  readonly drift: StackSetDrift | undefined
}

/** The result of an operation for one instance. Source: ListStackSetOperationResults. */
export interface InstanceResult {
  readonly account: string
  readonly region: string
  /** `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED`, `CANCELLED`, or a status that AWS added later. */
  readonly status: string
  readonly reason: string | undefined
}

/** A part of a list, and the token of the next part. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly next: string | undefined
}
