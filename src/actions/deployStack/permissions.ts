// What deploy-stack needs besides what every function needs. The policies in the documents, and the function's role
// in the template, are made from this list. A test compares it with the calls in the code and in the built function.
import type { Mode } from "../../domain/stack/StackPlan.ts"
import { type Permission, toFindArtifact, toUploadTemplate } from "../stackContent/permissions.ts"
import type { options } from "./Parameters.ts"

const stacks = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${Stacks}"
const stack = `${stacks}/*`
const nestedStacks = `${stacks}-*/*`

const neededToFail = "with `\"fail\"`; with `\"warn\"`, the stack is updated without them"

/** The resources have parameters and resources of the template of functions. */
export const permissions: ReadonlyArray<Permission<keyof typeof options, Mode>> = [
  {
    actions: ["cloudformation:DescribeStacks", "cloudformation:CreateStack", "cloudformation:UpdateStack"],
    resources: [stack],
    role: "function",
    jobs: "all",
    required: true
  },
  {
    actions: ["cloudformation:DescribeStackEvents"],
    resources: [stack],
    role: "function",
    jobs: "all",
    required: { otherwise: "a stack is judged by its status and its times, and a failure is reported without causes" }
  },
  {
    actions: ["s3:GetObject", "kms:Decrypt"],
    words: "the artifact's object and its key",
    role: "action",
    jobs: { options: ["artifact", "templateConfiguration", "parameters"], note: "to read from an artifact" },
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
      note: "also for every update of a stack that has parameters"
    },
    required: {
      otherwise: "names are not checked before the call, and missing capabilities are reported without the resources"
    }
  },
  {
    actions: ["cloudformation:GetTemplateSummary"],
    resources: ["*"],
    role: "function",
    jobs: { modes: ["REPLACE_ON_FAILURE"], note: "if the stack has parameters" },
    required: true
  },
  {
    actions: ["cloudformation:GetTemplateSummary"],
    resources: ["*"],
    role: "function",
    jobs: {
      modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"],
      note: "if a change set of the same name exists"
    },
    required: { otherwise: "the new change set is not checked before the existing one is deleted" }
  },
  {
    actions: ["cloudformation:SetStackPolicy"],
    resources: [stack],
    role: "function",
    jobs: { options: ["templateConfiguration"], note: "if it has a `StackPolicy`" },
    required: true
  },
  {
    actions: ["iam:PassRole"],
    resources: ["${CloudFormationRole.Arn}"],
    role: "function",
    jobs: { options: ["roleArn"] },
    required: true,
    conditions: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
  },
  {
    actions: ["sts:AssumeRole"],
    resources: ["${AssumableRoles}"],
    role: "function",
    jobs: {
      options: ["assumeRole"],
      note: "on this role, which needs the permissions for CloudFormation in its account"
    },
    required: true
  },
  {
    actions: ["cloudformation:UpdateTerminationProtection"],
    resources: [stack],
    role: "function",
    jobs: { options: ["terminationProtection"] },
    required: true
  },
  ...toUploadTemplate,
  {
    actions: ["cloudformation:DeleteStack"],
    resources: [stack],
    role: "function",
    jobs: { modes: ["REPLACE_ON_FAILURE", "DELETE_ONLY"] },
    required: true
  },
  {
    actions: ["cloudformation:DeleteStack"],
    resources: [stack],
    role: "function",
    jobs: {
      modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_DEPLOY"],
      note: "if the change set for a new stack fails"
    },
    required: { otherwise: "the empty stack of the change set stays" }
  },
  {
    actions: ["cloudformation:CancelUpdateStack"],
    resources: [stack],
    role: "function",
    jobs: { options: ["onTimeout"] },
    required: { otherwise: "the update is not cancelled" }
  },
  {
    actions: [
      "cloudformation:DetectStackDrift",
      "cloudformation:DetectStackResourceDrift",
      "cloudformation:DescribeStackResourceDrifts"
    ],
    resources: [stack],
    role: "function",
    jobs: { options: ["detectDrift"], note: neededToFail },
    required: true
  },
  {
    actions: ["cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:BatchDescribeTypeConfigurations"],
    // IAM has no resources for these calls.
    resources: ["*"],
    role: "function",
    jobs: { options: ["detectDrift"], note: neededToFail },
    required: true
  },
  {
    actions: ["cloudformation:RollbackStack", "cloudformation:ContinueUpdateRollback"],
    resources: [stack],
    role: "function",
    jobs: { options: ["recover"], modes: ["ROLLBACK"] },
    required: true
  },
  {
    actions: [
      "cloudformation:CreateChangeSet",
      "cloudformation:DescribeChangeSet",
      "cloudformation:ExecuteChangeSet",
      "cloudformation:DeleteChangeSet"
    ],
    resources: [stack],
    role: "function",
    jobs: { modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"] },
    required: true
  },
  {
    actions: ["s3:PutObject", "kms:GenerateDataKey"],
    words: "the artifact's object and its key",
    role: "action",
    jobs: {
      options: ["outputFile"],
      modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"],
      note: "if the action has an output artifact"
    },
    required: true
  },
  {
    actions: ["cloudformation:DescribeChangeSet"],
    resources: [nestedStacks],
    role: "function",
    jobs: { options: ["expectNoReplacement"], note: "if the stack has nested stacks" },
    required: true
  },
  {
    actions: ["cloudformation:DescribeChangeSet"],
    resources: [nestedStacks],
    role: "function",
    jobs: {
      options: ["includeNestedStacks"],
      modes: ["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE", "CHANGE_SET_DEPLOY"],
      note: "if the stack has nested stacks"
    },
    required: { otherwise: "the plan does not have the changes of nested stacks" }
  },
  {
    actions: ["cloudformation:DescribeEvents"],
    resources: [stack],
    role: "function",
    jobs: { note: "causes of a failure in CloudFormation's validation" },
    required: { otherwise: "a failed validation is reported by its status alone" }
  },
  {
    actions: ["cloudformation:DescribeStackEvents"],
    resources: [nestedStacks],
    role: "function",
    jobs: { note: "causes of a failure in nested stacks" },
    required: { otherwise: "the nested stack is named, not its resource" }
  }
]
