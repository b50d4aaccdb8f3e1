// The services of an action on this machine: those of its own layer, and in place of the live ones of this package, the
// ones that this command provides.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ArtifactStore } from "../../services/ArtifactStore.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { CodePipeline } from "../../services/CodePipeline.ts"
import { StackSets } from "../../services/StackSets.ts"
import type { WebPage } from "../../services/WebPage.ts"
import { CodePipelineMemory } from "../../testing/CodePipelineMemory.ts"
import type { ChosenAction } from "../action/chosenAction.ts"
import { BadUsage, reason } from "../commandLine/usage.ts"

type StandIns = ReadonlyMap<unknown, Layer.Layer<never>>

/** Builds layers. Where one of the live layers is used, also by another layer, its stand-in is built instead. */
const makeMemoMap = (standIns: StandIns): Layer.MemoMap => {
  const shared = Layer.makeMemoMapUnsafe()
  const memoMap: Layer.MemoMap = {
    "~effect/Layer/MemoMap": "~effect/Layer/MemoMap",
    get: (layer, scope) => shared.get(layer, scope),
    getOrElseMemoize: (layer, scope, build) => {
      const standIn = standIns.get(layer) as typeof layer | undefined
      return standIn === undefined
        ? shared.getOrElseMemoize(layer, scope, (_, scope) => build(memoMap, scope))
        : Layer.buildWithMemoMap(standIn, memoMap, scope)
    }
  }
  return memoMap
}

/** What shows the calls of the action. */
interface Showing {
  readonly pages: Layer.Layer<WebPage>
  readonly stacks: Layer.Layer<CloudFormation, never, CloudFormation>
}

/**
 * The services of the action. CodePipeline is always in memory; `memory` is what stands for S3 and CloudFormation, and
 * without it they are live.
 */
export const buildServices = (
  { layer, readyMade, title }: ChosenAction,
  memory: Layer.Layer<ArtifactStore | CloudFormation | StackSets> | undefined,
  { pages, stacks }: Showing
) => {
  const live = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, StackSets.layer)
  const standIns: Array<readonly [unknown, Layer.Layer<never>]> = [[CodePipeline.layer, CodePipelineMemory.layer]]
  if (memory !== undefined) {
    standIns.push([ArtifactStore.layer, memory], [CloudFormation.layer, memory], [StackSets.layer, memory])
  }
  // Of two layers with the same service, the later one has it.
  const services = Layer.mergeAll(live, pages, layer, memory ?? Layer.empty, CodePipelineMemory.layer)
  return Effect.flatMap(
    Effect.scope,
    (scope) => Layer.buildWithMemoMap(Layer.provideMerge(stacks, services), makeMemoMap(new Map(standIns)), scope)
  ).pipe(
    Effect.catchCause((cause) =>
      readyMade === undefined
        ? Effect.fail(
          new BadUsage({
            message: `the layer of ${title} cannot be built: ${reason(Cause.squash(cause))}`
          })
        )
        : Effect.failCause(cause)
    )
  )
}
