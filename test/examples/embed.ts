import { Effect, Layer } from "effect"
import { ArtifactStore, CloudFormation, CodePipeline, DeployStack, JobRunner } from "effect-codepipeline"

/** Does what the event asks for and tells CodePipeline the outcome. Your app's logger and tracer see it all. */
export const deploy = (event: unknown) =>
  JobRunner.run(DeployStack, event).pipe(
    Effect.tap((outcome) => Effect.log(outcome._tag, outcome.message))
  )

/** Region, endpoints and credentials come from the environment, as the AWS SDK reads them. */
export const aws = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer, CodePipeline.layer)
