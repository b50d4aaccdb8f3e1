// An in-memory CloudFormation for tests: its stacks change as Effect's clock advances, and it answers in CloudFormation's
// words.
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { PropertyDifference } from "../domain/stack/StackDrift.ts"
import { CloudFormation } from "../services/CloudFormation.ts"
import { MemoryAccounts, memoryCredentials, type MemoryRole } from "./cloudFormation/accounts.ts"
import { changeSetCalls } from "./cloudFormation/changeSetCalls.ts"
import { driftCalls } from "./cloudFormation/driftCalls.ts"
import { epochMillis, type MemoryCloud } from "./cloudFormation/MemoryCloud.ts"
import type { MemorySettings } from "./cloudFormation/MemorySettings.ts"
import { rollbackCalls } from "./cloudFormation/rollbackCalls.ts"
import { stackCalls } from "./cloudFormation/stackCalls.ts"
import { existingKey } from "./cloudFormation/template/changes.ts"

/** Options of the layer of {@link CloudFormationMemory}. */
export interface CloudFormationMemoryOptions {
  /** How long each resource of a template takes, one after another; in whole milliseconds. Default: 10 seconds. */
  readonly resourceDuration?: Duration.Input
  /**
   * Templates by URL, including those of nested stacks; or a function that returns them. A URL without a text stands for
   * an unknown template: nothing of it is checked, and its stack has no resources. Default: none.
   */
  readonly templates?: Readonly<Record<string, string>> | ((url: string) => string | undefined)
  /**
   * The values of exports of stacks that are not in memory, by name; or a function that returns them. Importing another
   * name is refused. Default: none.
   */
  readonly exports?: Readonly<Record<string, string>> | ((name: string) => string | undefined)
  /** The region of the function. Default: us-east-1. */
  readonly region?: string
  /** The account of the function. Default: 123456789012. */
  readonly accountId?: string
  /**
   * The roles that may be assumed, by ARN; or a function that returns them. Each account and region has its own stacks.
   * STS refuses another role, and a wrong external id. Default: none.
   */
  readonly roles?: Readonly<Record<string, MemoryRole>> | ((arn: string) => MemoryRole | undefined)
}

/** A resource of a stack in memory. */
export interface MemoryResource {
  readonly logicalId: string
  readonly type: string
  readonly physicalId: string
}

/** Inspects the in-memory CloudFormation of an account and a region, and makes its calls and operations fail. */
export interface CloudFormationInspection {
  /** That of another account and region. The service itself is that of the function's own. */
  at(accountId: string, region: string): CloudFormationInspection
  /** The ClientRequestTokens of all operations that were started, oldest first. */
  readonly operationTokens: ReadonlyArray<string>
  /** The settings of a stack besides its template; none if the stack does not exist. */
  settingsOf(stack: string): Effect.Effect<Option.Option<MemorySettings>>
  /** The resources of a stack after its last operation, in the order of their creation. */
  resourcesOf(stack: string): Effect.Effect<ReadonlyArray<MemoryResource>>
  /**
   * What CloudFormation checks, but the operations so far did not: macros, resource properties and others. Empty before
   * the first operation.
   */
  readonly notChecked: Effect.Effect<ReadonlyArray<string>>
  /** From now on, creating, updating or deleting this resource fails with the reason. */
  failResource(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** From now on, rolling this resource back fails with the reason. */
  failRollback(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** From now on, nothing fails this resource. */
  fixResource(logicalResourceId: string): Effect.Effect<void>
  /** From now on, a CloudFormation hook rejects creating or updating this resource. */
  failHook(logicalResourceId: string, hookType: string, reason: string): Effect.Effect<void>
  /**
   * From now on, operations and change sets with this resource fail CloudFormation's early validation; only
   * DescribeEvents shows the reason.
   */
  failValidation(logicalResourceId: string, reason: string): Effect.Effect<void>
  /**
   * From now on, a resource of this type and name exists outside of all stacks: creating it fails, and a change set with
   * `importExistingResources` imports it, if its `DeletionPolicy` is `Retain` or `RetainExceptOnCreate`. Only some types
   * are known by a name.
   */
  addExisting(resourceType: string, name: string): Effect.Effect<void>
  /**
   * From now on, drift detections find that somebody has changed this resource, or has deleted it. Without differences,
   * they find it as in its template again. No operation of a stack ends a drift.
   */
  driftResource(
    logicalResourceId: string,
    drift: "deleted" | ReadonlyArray<PropertyDifference>
  ): Effect.Effect<void>
  /** Switches the stack's termination protection on. */
  protect(stack: string): Effect.Effect<void>
  /** Brings the stack into this status, as another actor would; creates the stack if it does not exist. */
  setStatus(stack: string, status: string): Effect.Effect<void>
  /** Throttles the next `calls` calls. */
  throttle(calls: number): Effect.Effect<void>
  /** From now on, denies this call, such as `cloudformation:DescribeStackEvents`. */
  deny(operation: string): Effect.Effect<void>
  /**
   * From now on, `cloudformation:DescribeStacks` or `cloudformation:DescribeStackEvents` shows what CloudFormation had that
   * long ago, as each can lag behind on its own. A stack's parameters and termination protection do not lag.
   */
  lag(operation: string, by: Duration.Input): Effect.Effect<void>
}

/** CloudFormation in memory, in all accounts and regions. */
export class CloudFormationMemory extends Context.Service<CloudFormationMemory, CloudFormationInspection>()(
  "effect-codepipeline/testing/CloudFormationMemory"
) {
  /**
   * Starts without stacks. Time is that of Effect's `Clock`, in whole milliseconds. Templates are read and evaluated as
   * CloudFormation does it, and refused in its words. `Ref` to a resource is a physical id, such as `MyStack-Bucket`. An
   * attribute, which only AWS knows, is a text that names it, such as `MyStack-Bucket.Arn`.
   */
  static readonly layer = (
    options: CloudFormationMemoryOptions = {}
  ): Layer.Layer<CloudFormation | CloudFormationMemory> =>
    Layer.effectContext(Effect.sync(() => {
      const { accountId = "123456789012", exports, region = "us-east-1", resourceDuration = "10 seconds" } = options
      const accounts = new MemoryAccounts({
        accountId,
        region,
        resourceMillis: Duration.toMillis(resourceDuration),
        templateAt: lookup(options.templates),
        exportedValue: lookup(exports)
      }, lookup(options.roles))
      const serviceOf = (cloud: MemoryCloud): CloudFormation["Service"] => ({
        ...stackCalls(cloud),
        ...changeSetCalls(cloud),
        ...rollbackCalls(cloud),
        ...driftCalls(cloud),
        at: Effect.fn("CloudFormationMemory.at")((destination) =>
          Effect.map(accounts.cloudAt(destination), (cloud) => {
            const { assumeRole, region } = destination
            const credentials = assumeRole === undefined ? undefined : memoryCredentials
            return { cloudFormation: serviceOf(cloud), access: { region, credentials } }
          })
        )
      })
      const inspect = (cloud: MemoryCloud): CloudFormationMemory["Service"] => {
        const { denied, failures, operationTokens } = cloud
        return {
          at: (accountId, region) => inspect(accounts.cloudOf(accountId, region)),
          operationTokens,
          settingsOf: (stack) =>
            Effect.map(epochMillis, (now) =>
              Option.fromUndefinedOr(cloud.find(stack, now)).pipe(Option.map(({ settings }) => settings))),
          resourcesOf: (name) =>
            Effect.map(epochMillis, (now) => {
              const stack = cloud.find(name, now)
              return (stack?.resolved.resources ?? []).map(({ id, type }) => ({
                logicalId: id,
                type,
                physicalId: stack?.physicalIdOf(id) ?? ""
              }))
            }),
          notChecked: Effect.sync(() =>
            cloud.notChecked
          ),
          failResource: (logicalResourceId, reason) =>
            Effect.sync(() => void failures.resources.set(logicalResourceId, reason)),
          failRollback: (logicalResourceId, reason) =>
            Effect.sync(() => void failures.rollbacks.set(logicalResourceId, reason)),
          fixResource: (logicalResourceId) =>
            Effect.sync(() => Object.values(failures).forEach((failures) => failures.delete(logicalResourceId))),
          failHook: (logicalResourceId, type, reason) =>
            Effect.sync(() => void failures.hooks.set(logicalResourceId, { type, reason })),
          failValidation: (logicalResourceId, reason) =>
            Effect.sync(() => void failures.validations.set(logicalResourceId, reason)),
          addExisting: (resourceType, name) =>
            Effect.sync(() => void cloud.existing.add(existingKey(resourceType, name))),
          driftResource: (logicalResourceId, drift) =>
            Effect.sync(() =>
              void (drift.length === 0
                ? cloud.drifts.delete(logicalResourceId)
                : cloud.drifts.set(logicalResourceId, drift))
            ),
          protect: (name) =>
            Effect.map(epochMillis, (now) => {
              const stack = cloud.find(name, now)
              if (stack !== undefined) stack.settings = { ...stack.settings, terminationProtection: true }
            }),
          setStatus: (name, status) =>
            Effect.map(
              epochMillis,
              (now) => (cloud.find(name, now) ?? cloud.addStack(name, now - 1)).setStatus(status, now)
            ),
          throttle: (calls) => Effect.sync(() => void (cloud.throttledCalls = calls)),
          deny: (operation) => Effect.sync(() => void denied.add(operation)),
          lag: (operation, by) => Effect.sync(() => void cloud.lags.set(operation, Duration.toMillis(by)))
        }
      }
      return Context.make(CloudFormation, serviceOf(accounts.own)).pipe(
        Context.add(CloudFormationMemory, inspect(accounts.own))
      )
    }))
}

const lookup = <A extends string | MemoryRole>(
  values: Readonly<Record<string, A>> | ((key: string) => A | undefined) = {}
) => Predicate.isFunction(values) ? values : (key: string) => Object.hasOwn(values, key) ? values[key] : undefined
