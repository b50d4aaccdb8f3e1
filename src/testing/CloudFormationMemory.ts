// An in-memory CloudFormation for tests: its stacks change as Effect's clock advances, and it answers in CloudFormation's
// words.
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { CloudFormation } from "../services/CloudFormation.ts"
import { changeSetCalls } from "./cloudFormation/changeSetCalls.ts"
import { epochMillis, MemoryCloud } from "./cloudFormation/MemoryCloud.ts"
import type { MemorySettings } from "./cloudFormation/MemorySettings.ts"
import { stackCalls } from "./cloudFormation/stackCalls.ts"

export interface CloudFormationMemoryOptions {
  /** How long each resource of a template takes, one after another; in whole milliseconds. Default: 10 seconds. */
  readonly resourceDuration?: Duration.Input
  /**
   * Templates by URL, including those of nested stacks. A URL that is not listed stands for a template without
   * resources. Default: none.
   */
  readonly templates?: Readonly<Record<string, string>>
}

/** Inspects the in-memory CloudFormation and makes its calls and operations fail. */
export class CloudFormationMemory extends Context.Service<CloudFormationMemory, {
  /** The ClientRequestTokens of all operations that were started, oldest first. */
  readonly operationTokens: ReadonlyArray<string>
  /** The settings of a stack besides its template; none if the stack does not exist. */
  settingsOf(stack: string): Effect.Effect<Option.Option<MemorySettings>>
  /** From now on, creating, updating or deleting this resource fails with the reason. */
  failResource(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** From now on, a CloudFormation hook rejects creating or updating this resource. */
  failHook(logicalResourceId: string, hookType: string, reason: string): Effect.Effect<void>
  /**
   * From now on, operations and change sets with this resource fail CloudFormation's early validation; only
   * DescribeEvents shows the reason.
   */
  failValidation(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** Switches the stack's termination protection on. */
  protect(stack: string): Effect.Effect<void>
  /** Brings the stack into this status, as another actor would; creates the stack if it does not exist. */
  setStatus(stack: string, status: string): Effect.Effect<void>
  /** Throttles the next `calls` calls. */
  throttle(calls: number): Effect.Effect<void>
  /** From now on, denies this call, such as `cloudformation:DescribeStackEvents`. */
  deny(operation: string): Effect.Effect<void>
}>()("effect-codepipeline/testing/CloudFormationMemory") {
  /**
   * Starts without stacks. Time is that of Effect's `Clock`, in whole milliseconds. Parameters and resources are read
   * from templates in JSON; a template in YAML counts as one without parameters and resources.
   */
  static readonly layer = (
    options: CloudFormationMemoryOptions = {}
  ): Layer.Layer<CloudFormation | CloudFormationMemory> =>
    Layer.effectContext(Effect.sync(() => {
      const { resourceDuration = "10 seconds", templates = {} } = options
      const cloud = new MemoryCloud(Duration.toMillis(resourceDuration), templates)
      const { denied, failures, operationTokens } = cloud
      const service = CloudFormation.of({ ...stackCalls(cloud), ...changeSetCalls(cloud) })
      return Context.make(CloudFormation, service).pipe(Context.add(CloudFormationMemory, {
        operationTokens,
        settingsOf: (stack) =>
          Effect.map(epochMillis, (now) =>
            Option.fromUndefinedOr(cloud.find(stack, now)).pipe(Option.map(({ settings }) => settings))),
        failResource: (logicalResourceId, reason) =>
          Effect.sync(() =>
            void failures.resources.set(logicalResourceId, reason)
          ),
        failHook: (logicalResourceId, type, reason) =>
          Effect.sync(() => void failures.hooks.set(logicalResourceId, { type, reason })),
        failValidation: (logicalResourceId, reason) =>
          Effect.sync(() => void failures.validations.set(logicalResourceId, reason)),
        protect: (name) =>
          Effect.map(epochMillis, (now) => {
            const stack = cloud.find(name, now)
            if (stack !== undefined) stack.settings = { ...stack.settings, terminationProtection: true }
          }),
        setStatus: (name, status) =>
          Effect.map(epochMillis, (now) => (cloud.find(name, now) ?? cloud.add(name, now)).setStatus(status, now)),
        throttle: (calls) => Effect.sync(() => void (cloud.throttledCalls = calls)),
        deny: (operation) => Effect.sync(() => void denied.add(operation))
      }))
    }))
}
