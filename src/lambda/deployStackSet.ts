// The entry point of the built function deploy-stack-set.
import * as Layer from "effect/Layer"
import { DeployStackSet } from "../actions/deployStackSet/DeployStackSet.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"
import { CodePipeline } from "../services/CodePipeline.ts"
import { StackSets } from "../services/StackSets.ts"
import * as Lambda from "./handler.ts"
import { deployStackSetPriming } from "./priming/deployStackSet.ts"

export const handler = await Lambda.handler(
  DeployStackSet,
  Layer.mergeAll(ArtifactStore.layer, StackSets.layer, CodePipeline.layer),
  { priming: deployStackSetPriming }
)
