// In-memory stack sets for tests: their operations proceed as Effect's clock advances, and they answer in CloudFormation's
// words.
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { StackSetOptions } from "../domain/stackSet/StackSet.ts"
import { StackSets } from "../services/StackSets.ts"
import { epochMillis, MemoryCloud } from "./cloudFormation/MemoryCloud.ts"
import type { MemorySettings } from "./cloudFormation/MemorySettings.ts"
import { type MemoryInstance, placeKey } from "./stackSets/MemoryStackSet.ts"
import { MemoryStackSets } from "./stackSets/MemoryStackSets.ts"

/** Options of the layer of {@link StackSetsMemory}. */
export interface StackSetsMemoryOptions {
  /** How long each instance of an operation takes; in whole milliseconds. Default: 10 seconds. */
  readonly instanceDuration?: Duration.Input
  /**
   * The accounts of each organizational unit. Default: StackSets has no trusted access to Organizations, and refuses
   * stack sets with SERVICE_MANAGED.
   */
  readonly organization?: Readonly<Record<string, ReadonlyArray<string>>>
  /** Templates by URL; those without a text are not checked. Default: none. */
  readonly templates?: (url: string) => string | undefined
  /** The region of the stack sets. Default: us-east-1. */
  readonly region?: string
  /** The account of the stack sets. Default: 123456789012. */
  readonly accountId?: string
}

/** The settings of a stack set in memory, besides its template. */
export type MemoryStackSetSettings = MemorySettings & Omit<StackSetOptions, "parameters" | "tags">

/** Inspects the in-memory stack sets and makes their calls and operations fail. */
export class StackSetsMemory extends Context.Service<StackSetsMemory, {
  /** The ids of all operations that were started, oldest first. */
  readonly operationIds: ReadonlyArray<string>
  /** The instances of a stack set; none if it does not exist. */
  instancesOf(stackSet: string): Effect.Effect<ReadonlyArray<MemoryInstance>>
  /** The settings of a stack set besides its template; none if it does not exist. */
  settingsOf(stackSet: string): Effect.Effect<Option.Option<MemoryStackSetSettings>>
  /** In operations that start from now on, this instance fails with the reason; without one, it does not any more. */
  failInstance(account: string, region: string, reason: string | undefined): Effect.Effect<void>
  /** From now on, drift detection finds that this instance has drifted. */
  setDrifted(stackSet: string, account: string, region: string): Effect.Effect<void>
  /** Starts an update of all instances, as another program would. */
  startForeign(stackSet: string, operationId: string): Effect.Effect<void>
  /** Stops an operation, as another program would. */
  stop(stackSet: string, operationId: string): Effect.Effect<void>
  /** Throttles the next `calls` calls. */
  throttle(calls: number): Effect.Effect<void>
  /** From now on, denies this call, such as `cloudformation:ListStackSetOperationResults`. */
  deny(operation: string): Effect.Effect<void>
}>()("effect-codepipeline/testing/StackSetsMemory") {
  /**
   * Starts without stack sets. Time is that of Effect's `Clock`. An operation goes through regions and accounts according
   * to its preferences. The template is checked as `CloudFormationMemory` checks it; the stacks of the instances are not
   * in `CloudFormationMemory`.
   */
  static readonly layer = (options: StackSetsMemoryOptions = {}): Layer.Layer<StackSets | StackSetsMemory> =>
    Layer.effectContext(Effect.sync(() => {
      const { accountId = "123456789012", instanceDuration = "10 seconds", organization, region = "us-east-1" } =
        options
      const cloud = new MemoryCloud({
        accountId,
        region,
        resourceMillis: 0,
        templateAt: options.templates ?? (() => undefined),
        exportedValue: () => undefined
      })
      const memory = new MemoryStackSets(cloud, { instanceMillis: Duration.toMillis(instanceDuration), organization })
      const { failures, operationIds, service } = memory
      return Context.make(StackSets, service).pipe(Context.add(StackSetsMemory, {
        operationIds,
        instancesOf: (stackSet) => Effect.map(epochMillis, (now) => memory.find(stackSet)?.instancesAt(now) ?? []),
        settingsOf: (stackSet) =>
          Effect.sync(() =>
            Option.map(Option.fromUndefinedOr(memory.find(stackSet)), ({ options, settings }) => ({
              ...options,
              ...settings
            }))
          ),
        failInstance: (account, region, reason) =>
          Effect.sync(() => {
            if (reason === undefined) failures.delete(placeKey({ account, region }))
            else failures.set(placeKey({ account, region }), reason)
          }),
        setDrifted: (stackSet, account, region) =>
          Effect.map(epochMillis, (now) => {
            const set = memory.find(stackSet)
            set?.instancesAt(now)
            set?.setDrifted({ account, region })
          }),
        startForeign: (stackSet, id) =>
          Effect.map(epochMillis, (now) => {
            const set = memory.find(stackSet)
            if (set === undefined) return
            memory.start(set, { id, action: "UPDATE", places: set.instancesAt(now), preferences: {}, now })
          }),
        stop: (stackSet, id) => Effect.map(epochMillis, (now) => memory.find(stackSet)?.stop(id, now)),
        throttle: (calls) => Effect.sync(() => void (cloud.throttledCalls = calls)),
        deny: (operation) => Effect.sync(() => void cloud.denied.add(operation))
      }))
    }))
}
