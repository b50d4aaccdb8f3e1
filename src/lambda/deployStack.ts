// The entry point of the built function deploy-stack.
import * as Layer from "effect/Layer"
import { DeployStack } from "../actions/deployStack/DeployStack.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"
import { CloudFormation } from "../services/CloudFormation.ts"
import { CodePipeline } from "../services/CodePipeline.ts"
import * as Lambda from "./handler.ts"
import { deployStackPriming } from "./priming/deployStack.ts"

export const handler = await Lambda.handler(
  DeployStack,
  Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer),
  { priming: deployStackPriming }
)
