// The function deploy-stack-set as it is built, but that it logs all it can.
import { Layer, References } from "effect"
import { DeployStackSet } from "../../../src/actions/deployStackSet/DeployStackSet.ts"
import * as Lambda from "../../../src/lambda/handler.ts"
import { deployStackSetPriming } from "../../../src/lambda/priming/deployStackSet.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"
import { StackSets } from "../../../src/services/StackSets.ts"

const level = Layer.succeed(References.MinimumLogLevel, "All")

export const handler = await Lambda.handler(
  DeployStackSet,
  Layer.mergeAll(ArtifactStore.layer, StackSets.layer, CodePipeline.layer, level),
  { priming: deployStackSetPriming }
)
