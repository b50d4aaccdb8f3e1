// A stack as CloudFormation shows it, and the requests that create and change one.
import type { StackCapability } from "./StackCapability.ts"
import type { DeclaredParameter, StackParameter } from "./StackParameters.ts"
import type { ChangeSetType, OnStackFailure } from "./StackPlan.ts"
import type { Template } from "./Template.ts"

/** A stack. Source: DescribeStacks. */
export interface Stack {
  /** The ARN. It is readable for 90 days after the stack was deleted; the name is not. */
  readonly id: string
  readonly name: string
  /** One of `StackStatus`, or a status that AWS added later. */
  readonly status: string
  readonly reason: string | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** When the stack was last deleted, updated, or else created; epoch milliseconds. */
  readonly changedAt: number
  /** The values of the stack's parameters by name. CloudFormation shows `****` for a parameter with NoEcho. */
  readonly parameters: ReadonlyMap<string, string>
  /** Whether the stack is protected from deletion. */
  readonly terminationProtection: boolean
  /** Values by the name of the output in the template. */
  readonly outputs: Readonly<Record<string, string>>
}

/** What a stack gets besides its template. Omitted settings keep the stack's value, or CloudFormation's default. */
export interface StackOptions {
  /** At most 200, with values of at most 4,096 bytes. */
  readonly parameters?: ReadonlyArray<StackParameter> | undefined
  /** What the template may do: create IAM resources, name them, use macros. */
  readonly capabilities?: ReadonlyArray<StackCapability> | undefined
  /** At most 50. They replace all tags of the stack. */
  readonly tags?: ReadonlyMap<string, string> | undefined
  /** The role that CloudFormation assumes for this and later operations on the stack. */
  readonly roleArn?: string | undefined
  /** The SNS topics that receive the stack's events, at most 5. They replace all topics of the stack. */
  readonly notificationArns?: ReadonlyArray<string> | undefined
  /** Whether a failed operation is not rolled back. */
  readonly disableRollback?: boolean | undefined
  /**
   * What happens to a new stack that cannot be created. It excludes `disableRollback`. A stack that was created with
   * DO_NOTHING can only be deleted after its creation failed. An update ignores it.
   */
  readonly onStackFailure?: OnStackFailure | undefined
  /** Whether a rollback deletes the resources that the operation created, whatever their deletion policy. */
  readonly retainExceptOnCreate?: boolean | undefined
  /** JSON of at most 16,384 bytes: the resources that updates may change. */
  readonly stackPolicy?: string | undefined
}

/** A request to create or update a stack. */
export type StackRequest = Template & StackOptions & {
  /** Name or ARN. The name: `[a-zA-Z][-a-zA-Z0-9]*`, at most 128 characters. */
  readonly stack: string
  /** The idempotency token of the operation: a second call with it does nothing. At most 128 characters. */
  readonly clientRequestToken: string
}

/** A request to bring a stack back to rest. */
export interface RollbackRequest {
  /** Name or ARN. */
  readonly stack: string
  /** The idempotency token of the operation. At most 128 characters. */
  readonly clientRequestToken: string
  /** The role that CloudFormation assumes for this and later operations on the stack. */
  readonly roleArn?: string | undefined
}

/** A request to create a change set. The stack policy and the options of an execution are ignored. */
export type ChangeSetRequest = Template & StackOptions & {
  /** Name or ARN of the stack. */
  readonly stack: string
  /** `[a-zA-Z][-a-zA-Z0-9]*`, at most 128 characters. */
  readonly changeSet: string
  readonly type: ChangeSetType
  /** Returned with the change set. At most 1,024 characters. */
  readonly description: string
  /** Whether nested stacks get change sets of their own. They are executed and deleted with this one. */
  readonly includeNestedStacks?: boolean | undefined
  /** Whether resources that exist, and have names in the template, are imported. */
  readonly importExistingResources?: boolean | undefined
  /** `REVERT_DRIFT`: the change set also brings resources that have drifted back to their template. */
  readonly deploymentMode?: "REVERT_DRIFT" | undefined
}

/** Identifies a change set. */
export interface ChangeSetKey {
  /** Name or ARN of the stack. */
  readonly stack: string
  /** Name or ARN of the change set. */
  readonly changeSet: string
}

/** Which change set to describe, and how. */
export interface ChangeSetQuery {
  /** Name or ARN of the stack. Not required with the ARN of a change set. */
  readonly stack?: string | undefined
  /** Name or ARN of the change set. */
  readonly changeSet: string
  /** Whether the changes have the values of properties before and after. Default: `false`. */
  readonly withValues?: boolean | undefined
}

/** What CloudFormation knows of a template without using it. Source: GetTemplateSummary. */
export interface TemplateSummary {
  readonly parameters: ReadonlyArray<DeclaredParameter>
  /** The capabilities that the template requires. */
  readonly capabilities: ReadonlyArray<string>
  /** The resources that require them, in CloudFormation's words. */
  readonly capabilitiesReason: string | undefined
  /** Resource types that do not exist, or are not activated in this region. */
  readonly unrecognizedResourceTypes: ReadonlyArray<string>
}
