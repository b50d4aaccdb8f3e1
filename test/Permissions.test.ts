import { assert, describe, it } from "@effect/vitest"
import { Permissions } from "../src/index.ts"

const stack = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack"

describe("the permissions for CloudFormation", () => {
  it("are those for the stacks alone, without a role and a bucket for templates", () => {
    const statements = Permissions.cloudFormation({ stacks: "shop-*" })
    assert.deepStrictEqual(statements.map(({ resources }) => resources), [
      [`${stack}/shop-*/*`],
      ["*"],
      [`${stack}/shop-*-*/*`]
    ])
    const [ofStacks, everywhere] = statements
    assert.includeMembers([...ofStacks?.actions ?? []], [
      "cloudformation:UpdateStack",
      "cloudformation:ExecuteChangeSet"
    ])
    assert.deepStrictEqual(everywhere?.actions, [
      "cloudformation:GetTemplateSummary",
      "cloudformation:DescribeStackDriftDetectionStatus",
      "cloudformation:BatchDescribeTypeConfigurations"
    ])
  })

  it("let CloudFormation assume only the given role", () => {
    const roleArn = "arn:aws:iam::123456789012:role/for-$&-stacks"
    assert.deepInclude(Permissions.cloudFormation({ stacks: "shop", roleArn }), {
      actions: ["iam:PassRole"],
      resources: [roleArn],
      conditions: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
    })
  })

  it("let templates over 51,200 bytes through the given bucket, with its key", () => {
    const key = "arn:aws:kms:eu-west-1:123456789012:key/k"
    const access = { stacks: "shop", templateBucket: "large", templateBucketKeyArn: key }
    const statements = Permissions.cloudFormation(access)
    assert.deepInclude(statements, {
      actions: ["s3:PutObject", "s3:GetObject"],
      resources: ["arn:${AWS::Partition}:s3:::large/effect-codepipeline/*"]
    })
    assert.deepInclude(statements, { actions: ["kms:GenerateDataKey", "kms:Decrypt"], resources: [key] })
  })

  it("let the function assume only the given roles", () => {
    const assumableRoles = ["arn:aws:iam::222222222222:role/A", "arn:aws:iam::333333333333:role/B"]
    assert.deepInclude(Permissions.cloudFormation({ stacks: "shop", assumableRoles }), {
      actions: ["sts:AssumeRole"],
      resources: assumableRoles
    })
    assert.notInclude(JSON.stringify(Permissions.cloudFormation({ stacks: "shop" })), "sts:AssumeRole")
  })

  it("have nothing for artifacts, because a job brings credentials for them", () => {
    assert.notInclude(JSON.stringify(Permissions.cloudFormation({ stacks: "*" })), "s3:")
  })
})

describe("the permissions for StackSets", () => {
  it("are those for the stack sets, their targets, and their stacks in this account", () => {
    const statements = Permissions.stackSets({ stackSets: "shop-*" })
    assert.deepStrictEqual(statements.map(({ resources }) => resources[0]), [
      "arn:${AWS::Partition}:cloudformation:*:*:stackset/shop-*:*",
      "*",
      "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/StackSet-shop-*-*/*"
    ])
    assert.deepStrictEqual(statements[1]?.actions, [
      "cloudformation:CreateStackSet",
      "cloudformation:GetTemplateSummary"
    ])
  })

  it("let CloudFormation assume only the given administration role", () => {
    assert.deepInclude(Permissions.stackSets({ stackSets: "shop", administrationRole: "admin" }), {
      actions: ["iam:PassRole"],
      resources: ["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin"],
      conditions: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
    })
  })
})
