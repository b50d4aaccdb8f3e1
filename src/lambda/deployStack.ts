// The entry point of the built function deploy-stack.
import * as Layer from "effect/Layer"
import { DeployStack } from "../actions/DeployStack.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"
import { CloudFormation } from "../services/CloudFormation.ts"
import { CodePipeline } from "../services/CodePipeline.ts"
import { deployStackPriming } from "./deployStackPriming.ts"
import * as Lambda from "./handler.ts"

export const handler = await Lambda.handler(
  DeployStack,
  Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer),
  { priming: deployStackPriming }
)
