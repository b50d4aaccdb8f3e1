// What deploy-stack-set needs besides what every function needs. The policy in its page, and the function's role in the
// template, are made from this list. A test compares it with the calls in the code and in the built function.
import type { Mode } from "../../domain/stackSet/StackSetPlan.ts"
import { type Permission, toFindArtifact, toUploadTemplate } from "../stackContent/permissions.ts"
import type { options } from "./Parameters.ts"

/** A delegated administrator changes stack sets of the management account, and targets are in any account. */
const set = [
  "arn:${AWS::Partition}:cloudformation:*:*:stackset/${StackSets}:*",
  "arn:${AWS::Partition}:cloudformation:*:*:stackset-target/${StackSets}:*",
  "arn:${AWS::Partition}:cloudformation:*::type/resource/*"
]

/** The stacks of instances in the account of the stack set. */
const stacks = ["arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/StackSet-${StackSets}-*/*"]

/** The resources have parameters of the template of functions. */
export const permissions: ReadonlyArray<Permission<keyof typeof options, Mode>> = [
  {
    actions: [
      "cloudformation:DescribeStackSet",
      "cloudformation:DescribeStackSetOperation",
      "cloudformation:UpdateStackSet",
      "cloudformation:CreateStackInstances",
      "cloudformation:ListStackInstances"
    ],
    resources: set,
    role: "function",
    jobs: "all",
    required: true
  },
  {
    actions: ["cloudformation:CreateStackSet"],
    // IAM has no resource for a stack set that does not exist yet.
    resources: ["*"],
    role: "function",
    jobs: "all",
    required: true
  },
  {
    actions: ["cloudformation:ListStackSetOperationResults"],
    resources: set,
    role: "function",
    jobs: "all",
    required: { otherwise: "neither the progress nor the failed instances are shown" }
  },
  {
    actions: ["cloudformation:ListStackSetOperations"],
    resources: set,
    role: "function",
    jobs: "all",
    required: { otherwise: "the action waits for a foreign operation instead of failing" }
  },
  {
    actions: ["s3:GetObject", "kms:Decrypt"],
    words: "the artifact's object and its key",
    role: "action",
    jobs: {
      options: ["artifact", "accounts", "overrides", "templateConfiguration", "parameters"],
      note: "to read from an artifact"
    },
    required: true
  },
  toFindArtifact,
  {
    actions: ["cloudformation:GetTemplateSummary"],
    // IAM has no resource for a template in a call.
    resources: ["*"],
    role: "function",
    jobs: {
      options: ["parameters", "templateConfiguration"],
      note: "also for every update of a stack set with parameters"
    },
    required: { otherwise: "names of parameters and macros are not checked before the call" }
  },
  {
    actions: ["cloudformation:UpdateStackInstances"],
    resources: set,
    role: "function",
    jobs: { options: ["overrides"] },
    required: true
  },
  {
    actions: ["cloudformation:DeleteStackInstances"],
    resources: set,
    role: "function",
    jobs: { options: ["prune"], modes: ["DELETE_INSTANCES", "DELETE"] },
    required: true
  },
  {
    actions: ["cloudformation:DeleteStackSet"],
    resources: set,
    role: "function",
    jobs: { modes: ["DELETE"] },
    required: true
  },
  {
    actions: ["cloudformation:DetectStackSetDrift"],
    resources: set,
    role: "function",
    jobs: { modes: ["DETECT_DRIFT"] },
    required: true
  },
  {
    actions: ["iam:PassRole"],
    resources: ["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${StackSetAdministrationRole}"],
    role: "function",
    jobs: { options: ["administrationRoleArn"], note: "also for every stack set with `SELF_MANAGED`" },
    required: true,
    conditions: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
  },
  ...toUploadTemplate,
  {
    actions: ["s3:PutObject", "kms:GenerateDataKey"],
    words: "the artifact's object and its key",
    role: "action",
    jobs: { options: ["resultFile"] },
    required: true
  },
  {
    actions: ["cloudformation:DescribeStackInstance"],
    resources: set,
    role: "function",
    jobs: { note: "causes of a failure in stacks of this account" },
    required: { otherwise: "a failed instance is reported with StackSets' reason alone" }
  },
  {
    actions: ["cloudformation:DescribeStackEvents"],
    resources: stacks,
    role: "function",
    jobs: { note: "causes of a failure in stacks of this account" },
    required: { otherwise: "a failed instance is reported with StackSets' reason alone" }
  }
]
