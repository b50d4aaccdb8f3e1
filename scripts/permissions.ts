// The IAM permissions of the functions, as data. The policy and the table in README.md, and the roles in
// templates/functions.yaml, are made from this list. A test compares it with the calls in the code and in the built
// functions.
import type { options } from "../src/actions/deployStack/Parameters.ts"
import type { Mode } from "../src/domain/stack/StackPlan.ts"

/** The functions of this repository. */
export const functionNames = ["deploy-stack", "check-webpage"] as const
export type FunctionName = (typeof functionNames)[number]

/** The Lambda function's role, or the role of the pipeline's action, whose credentials the job brings. */
export type Role = "function" | "action"

/** The ARN patterns of the resources. Those that only a pipeline knows are described in words. */
export const resources = {
  /** For actions that have no resources in IAM. */
  any: "*",
  stack: "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack/*",
  nestedStacks: "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack-*/*",
  logs: "arn:aws:logs:REGION:ACCOUNT:*",
  serviceRole: "arn:aws:iam::ACCOUNT:role/ROLE",
  templates: "arn:aws:s3:::BUCKET/effect-codepipeline/*",
  templateKey: "arn:aws:kms:REGION:ACCOUNT:key/KEY",
  artifact: { words: "the artifact's object, and its key" },
  artifactBucket: { words: "the artifact's bucket" }
} as const satisfies Record<string, string | { readonly words: string }>
export type Resource = keyof typeof resources

/** The jobs that need a permission, if not all do. */
export interface SomeJobs {
  /** Those with one of these options of deploy-stack. */
  readonly options?: ReadonlyArray<keyof typeof options>
  /** Those with one of these modes. */
  readonly modes?: ReadonlyArray<Mode>
  /** What else decides it, in Markdown: further jobs, or a condition. Only for readers. */
  readonly note?: string
}

export interface Permission {
  readonly actions: ReadonlyArray<string>
  readonly resource: Resource
  readonly role: Role
  readonly functions: ReadonlyArray<FunctionName>
  readonly jobs: "all" | SomeJobs
  /** If required, a job without it fails with a PermissionError; otherwise the job continues, and this is what it lacks. */
  readonly required: true | { readonly otherwise: string }
  /** The condition of the policy's statement. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export const permissions: ReadonlyArray<Permission> = [
  {
    actions: ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
    resource: "any",
    role: "function",
    functions: functionNames,
    jobs: "all",
    required: true
  },
  {
    actions: ["cloudformation:DescribeStacks", "cloudformation:CreateStack", "cloudformation:UpdateStack"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: "all",
    required: true
  },
  {
    actions: ["cloudformation:DescribeStackEvents"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: "all",
    required: { otherwise: "a stack is judged by its status and its times, and a failure is reported without causes" }
  },
  {
    actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    resource: "logs",
    role: "function",
    functions: functionNames,
    jobs: "all",
    required: { otherwise: "nothing is logged" }
  },
  {
    actions: ["s3:GetObject", "kms:Decrypt"],
    resource: "artifact",
    role: "action",
    functions: ["deploy-stack"],
    jobs: { options: ["artifact", "templateConfiguration", "parameters"], note: "to read from an artifact" },
    required: true
  },
  {
    actions: ["s3:ListBucket"],
    resource: "artifactBucket",
    role: "action",
    functions: ["deploy-stack"],
    jobs: { note: "if an artifact is missing in its bucket" },
    required: { otherwise: "S3 denies the access, and the artifact is reported as probably missing" }
  },
  {
    actions: ["cloudformation:GetTemplateSummary"],
    // IAM has no resource for a template in a call.
    resource: "any",
    role: "function",
    functions: ["deploy-stack"],
    jobs: {
      options: ["parameters", "templateConfiguration"],
      note: "and every update of a stack that has parameters"
    },
    required: {
      otherwise: "names are not checked before the call, and missing capabilities are reported without the resources"
    }
  },
  {
    actions: ["cloudformation:GetTemplateSummary"],
    resource: "any",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { modes: ["REPLACE_ON_FAILURE"], note: "if the stack has parameters" },
    required: true
  },
  {
    actions: ["cloudformation:GetTemplateSummary"],
    resource: "any",
    role: "function",
    functions: ["deploy-stack"],
    jobs: {
      modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"],
      note: "if a change set of the same name exists"
    },
    required: { otherwise: "the new change set is not checked before the existing one is deleted" }
  },
  {
    actions: ["cloudformation:SetStackPolicy"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { options: ["templateConfiguration"], note: "if it has a `StackPolicy`" },
    required: true
  },
  {
    actions: ["iam:PassRole"],
    resource: "serviceRole",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { options: ["roleArn"] },
    required: true,
    condition: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
  },
  {
    actions: ["cloudformation:UpdateTerminationProtection"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { options: ["terminationProtection"] },
    required: true
  },
  {
    actions: ["s3:PutObject", "s3:GetObject"],
    resource: "templates",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { options: ["templateBucket"] },
    required: true
  },
  {
    actions: ["kms:GenerateDataKey", "kms:Decrypt"],
    resource: "templateKey",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { options: ["templateBucketEncryption"], note: "with a KMS key, or if that is the bucket's default" },
    required: true
  },
  {
    actions: ["cloudformation:DeleteStack"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { modes: ["REPLACE_ON_FAILURE", "DELETE_ONLY"] },
    required: true
  },
  {
    actions: ["cloudformation:DeleteStack"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: {
      modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"],
      note: "if the change set for a new stack fails"
    },
    required: { otherwise: "the empty stack of the change set stays" }
  },
  {
    actions: [
      "cloudformation:CreateChangeSet",
      "cloudformation:DescribeChangeSet",
      "cloudformation:ExecuteChangeSet",
      "cloudformation:DeleteChangeSet"
    ],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"] },
    required: true
  },
  {
    actions: ["s3:PutObject", "kms:GenerateDataKey"],
    resource: "artifact",
    role: "action",
    functions: ["deploy-stack"],
    jobs: { options: ["outputFile"] },
    required: true
  },
  {
    actions: ["cloudformation:DescribeEvents"],
    resource: "stack",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { note: "causes of a failure in CloudFormation's validation" },
    required: { otherwise: "a failed validation is reported by its status alone" }
  },
  {
    actions: ["cloudformation:DescribeStackEvents"],
    resource: "nestedStacks",
    role: "function",
    functions: ["deploy-stack"],
    jobs: { note: "causes of a failure in nested stacks" },
    required: { otherwise: "the nested stack is named, not its resource" }
  }
]
