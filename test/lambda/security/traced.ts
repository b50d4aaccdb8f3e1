// The function deploy-stack as it is built, but that it logs all it can.
import { Layer, References } from "effect"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import * as Lambda from "../../../src/lambda/handler.ts"
import { deployStackPriming } from "../../../src/lambda/priming/deployStack.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"

const level = Layer.succeed(References.MinimumLogLevel, "All")

export const handler = await Lambda.handler(
  DeployStack,
  Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer, level),
  { priming: deployStackPriming }
)
