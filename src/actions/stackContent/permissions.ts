// What a function with a template needs, and the shape of such lists. No function has them: they are for the documents and
// for the template of functions.
import type { Statement } from "../../domain/job/Statement.ts"

/** The jobs that need a permission, if not all do. */
export interface SomeJobs<Options, Modes> {
  /** Those with one of these options of the function. */
  readonly options?: ReadonlyArray<Options>
  /** Those with one of these modes. */
  readonly modes?: ReadonlyArray<Modes>
  /** What else decides it, in Markdown: further jobs, or a condition. Only for readers. */
  readonly note?: string
}

/** The jobs that need a permission, and what they are without it. */
export interface Need<Options = string, Modes = string> {
  readonly jobs: "all" | SomeJobs<Options, Modes>
  /** If required, a job without it fails with a PermissionError; otherwise the job continues, and this is what it lacks. */
  readonly required: true | { readonly otherwise: string }
}

/** A permission of the Lambda function's role. */
export interface FunctionPermission<Options = string, Modes = string> extends Statement, Need<Options, Modes> {
  readonly role: "function"
}

/** A permission of the role of the pipeline's action, whose credentials the job brings. */
export interface ActionPermission<Options = string, Modes = string> extends Need<Options, Modes> {
  readonly role: "action"
  readonly actions: Statement["actions"]
  /** The resource in words: only a pipeline knows it. */
  readonly words: string
}

/** Of a function with these options and modes. */
export type Permission<Options = string, Modes = string> =
  | FunctionPermission<Options, Modes>
  | ActionPermission<Options, Modes>

/** Of the action's role, with any artifact. */
export const toFindArtifact: Permission<never, never> = {
  actions: ["s3:ListBucket"],
  words: "the artifact's bucket",
  role: "action",
  jobs: { note: "if an artifact is missing in its bucket" },
  required: { otherwise: "S3 denies the access, and the artifact is reported as probably missing" }
}

/** The resources have parameters of the template of functions. */
export const toUploadTemplate: ReadonlyArray<FunctionPermission<"templateBucket" | "templateBucketEncryption", never>> =
  [
    {
      actions: ["s3:PutObject", "s3:GetObject"],
      resources: ["arn:${AWS::Partition}:s3:::${TemplateBucket}/effect-codepipeline/*"],
      role: "function",
      jobs: { options: ["templateBucket"] },
      required: true
    },
    {
      actions: ["kms:GenerateDataKey", "kms:Decrypt"],
      resources: ["${TemplateBucketKeyArn}"],
      role: "function",
      jobs: {
        options: ["templateBucketEncryption"],
        note: "with a KMS key, or if the bucket's default encryption uses one"
      },
      required: true
    }
  ]
