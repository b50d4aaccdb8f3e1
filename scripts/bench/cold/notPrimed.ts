// The function deploy-stack without priming: its container replays no job while it starts.
import * as Layer from "effect/Layer"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import * as Lambda from "../../../src/lambda/handler.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"

export const handler = Lambda.handler(
  DeployStack,
  Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer)
)
