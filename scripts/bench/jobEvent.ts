// The event of a job of deploy-stack, as the benchmarks send it.

export interface JobEvent {
  readonly id: string
  readonly stack: string
  /** The path of the template, in the artifact with the stack's name. */
  readonly file: string
  readonly templateBucket?: string
  /** Identifies the reader of the artifact. */
  readonly accessKeyId: string
  readonly continuationToken?: string | undefined
}

export const jobEvent = ({ accessKeyId, continuationToken, file, id, stack, templateBucket }: JobEvent) => {
  const parameters = { stack, file, artifact: "Template", templateBucket }
  const s3Location = { bucketName: "artifacts", objectKey: `${stack}.zip` }
  return {
    "CodePipeline.job": {
      id,
      data: {
        actionConfiguration: { configuration: { UserParameters: JSON.stringify(parameters) } },
        inputArtifacts: [{ name: "Template", location: { type: "S3", s3Location } }],
        outputArtifacts: [],
        artifactCredentials: { accessKeyId, secretAccessKey: "bench", sessionToken: "bench" },
        continuationToken
      }
    }
  }
}
