// Servers of AWS services on this machine, and the live layers of all services against them.
import { Effect, Layer } from "effect"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { CodePipeline } from "../../src/services/CodePipeline.ts"
import { sampleTemplate } from "../fixtures.ts"
import { CloudFormationServer } from "./CloudFormationServer.ts"
import { CodePipelineServer } from "./CodePipelineServer.ts"
import { environment } from "./environment.ts"
import { S3Server } from "./S3Server.ts"

export const awsServers = Layer.mergeAll(S3Server.layer, CloudFormationServer.layer(), CodePipelineServer.layer)

/** The environment variables of a program that uses these servers. */
export const awsEnvironment = (more: Readonly<Record<string, string>> = {}) =>
  Layer.unwrap(Effect.gen(function*() {
    const s3 = yield* S3Server
    const cloudFormation = yield* CloudFormationServer
    const codePipeline = yield* CodePipelineServer
    return environment({
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
      AWS_SECRET_ACCESS_KEY: "secret-of-the-function",
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
      AWS_ENDPOINT_URL_CODEPIPELINE: codePipeline.endpoint,
      ...more
    })
  }))

export const aws = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer).pipe(
  Layer.provide(awsEnvironment())
)

/** Uploads the sample's template to the location in the sample's event. */
export const putTemplate = Effect.gen(function*() {
  const { put } = yield* S3Server
  const zip = yield* zipFiles({ "template-package/template.json": sampleTemplate })
  yield* put("codepipeline-us-east-1-123456789012", "MyPipeline/MyTemplate/aB3dE5f.zip", zip)
})
