import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Destination from "../../../src/domain/stack/Destination.ts"
import {
  AssumeRoleDenied,
  DestinationDenied,
  DestinationRejected,
  RegionDisabled
} from "../../../src/domain/stack/DestinationErrors.ts"

const assumeRole = "arn:aws:iam::222222222222:role/path/Deploy"
const stackIn = (region: string, account: string, partition = "aws") =>
  `arn:${partition}:cloudformation:${region}:${account}:stack/Shop/1`
const changeSetIn = (region: string, account: string) => `arn:aws:cloudformation:${region}:${account}:changeSet/Next/1`

describe("a destination", () => {
  it("is a role, a region, or both", () => {
    assert.isUndefined(Destination.destinationOf({}))
    assert.isUndefined(Destination.destinationOf({ externalId: "id" }))
    assert.deepInclude(Destination.destinationOf({ region: "eu-west-1" }), { region: "eu-west-1" })
    assert.deepInclude(Destination.destinationOf({ assumeRole, externalId: "id" }), { assumeRole, externalId: "id" })
  })

  it("is named by its account and its region, as far as they are known", () => {
    assert.strictEqual(Destination.nameOf({ assumeRole }), "account 222222222222")
    assert.strictEqual(Destination.nameOf({ region: "eu-west-1" }), "region eu-west-1")
    assert.strictEqual(
      Destination.nameOf({ assumeRole, region: "eu-west-1" }),
      "account 222222222222, region eu-west-1"
    )
  })

  it("is called by the role of the function, or by the role that it assumes", () => {
    assert.strictEqual(Destination.callerOf({ region: "eu-west-1" }), "the role of the Lambda function")
    assert.strictEqual(Destination.callerOf({ assumeRole }), `the role ${assumeRole}`)
  })

  it("has the account of its ARN, and none of another text", () => {
    assert.strictEqual(Destination.accountOf(assumeRole), "222222222222")
    assert.strictEqual(Destination.accountOf("role"), "")
  })
})

describe("options that do not agree with the destination", () => {
  it.each<readonly [string, Parameters<typeof Destination.conflict>[0]]>([
    ["no destination", {}],
    ["no destination, and ARNs of any account", {
      stack: stackIn("eu-west-1", "333333333333"),
      roleArn: "arn:aws:iam::444444444444:role/R"
    }],
    ["a name of a stack", { assumeRole, region: "eu-west-1", stack: "Shop", changeSet: "Next" }],
    ["ARNs of the account and the region", {
      assumeRole,
      externalId: "id",
      region: "eu-west-1",
      stack: stackIn("eu-west-1", "222222222222"),
      changeSet: changeSetIn("eu-west-1", "222222222222"),
      roleArn: "arn:aws:iam::222222222222:role/CloudFormation"
    }],
    ["any region without \"region\"", { assumeRole, stack: stackIn("ap-east-1", "222222222222") }],
    ["any account without \"assumeRole\"", { region: "eu-west-1", stack: stackIn("eu-west-1", "333333333333") }]
  ])("are not %s", (_, parameters) => {
    assert.isUndefined(Destination.conflict(parameters))
  })

  it.each<readonly [string, Parameters<typeof Destination.conflict>[0], string]>([
    ["an external id without a role", { externalId: "id" }, "\"externalId\" requires \"assumeRole\""],
    [
      "a role for CloudFormation of another account",
      { assumeRole, roleArn: "arn:aws:iam::333333333333:role/R" },
      "\"roleArn\" must belong to account 222222222222 of \"assumeRole\", not to 333333333333"
    ],
    [
      "a role for CloudFormation of another partition",
      { assumeRole, roleArn: "arn:aws-cn:iam::222222222222:role/R" },
      "\"roleArn\" must belong to account 222222222222"
    ],
    [
      "a stack of another region",
      { region: "eu-west-1", stack: stackIn("eu-north-1", "222222222222") },
      "\"region\" is eu-west-1, but the ARN in \"stack\" is of region eu-north-1: they must agree"
    ],
    [
      "a stack of another account",
      { assumeRole, stack: stackIn("eu-west-1", "333333333333") },
      "\"assumeRole\" is of account 222222222222, but the ARN in \"stack\" is of account 333333333333: they must agree"
    ],
    [
      "a stack of another partition",
      { assumeRole, stack: stackIn("cn-north-1", "222222222222", "aws-cn") },
      "\"assumeRole\" is of account 222222222222"
    ],
    [
      "a change set of another region",
      { region: "eu-west-1", stack: "Shop", changeSet: changeSetIn("eu-north-1", "222222222222") },
      "the ARN in \"changeSet\" is of region eu-north-1"
    ],
    [
      "an ARN that ends too early",
      { assumeRole, region: "eu-west-1", stack: "arn:" },
      "the ARN in \"stack\" is of region : they must agree"
    ]
  ])("are %s", (_, parameters, problem) => {
    assert.include(Destination.conflict(parameters), problem)
  })
})

it.prop("the name of a session is what STS accepts, whatever the job's id", [Schema.String], ([id]) => {
  assert.match(Destination.sessionName(id), /^[\w+=,.@-]{2,64}$/)
})

it("the name of a session has the whole id of a job", () => {
  const id = "c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6"
  assert.strictEqual(Destination.sessionName(id), `deploy-stack-${id}`)
})

describe("a denied AssumeRole", () => {
  const caller = "arn:aws:sts::123456789012:assumed-role/Function/deploy-stack"
  const reason = `User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${assumeRole}`

  it("shows the statement that the trust policy needs, for the function's role", () => {
    assert.strictEqual(
      new AssumeRoleDenied({ role: assumeRole, reason }).message,
      `The role ${assumeRole} cannot be assumed: ${reason}. Check that the role exists in account 222222222222, and that ` +
        "its trust policy has the statement {\"Effect\":\"Allow\",\"Principal\":{\"AWS\":" +
        "\"arn:aws:iam::123456789012:role/Function\"},\"Action\":\"sts:AssumeRole\"}. The role of the Lambda function " +
        `(arn:aws:iam::123456789012:role/Function) needs sts:AssumeRole on ${assumeRole}`
    )
  })

  it("shows the condition on the external id", () => {
    assert.include(
      new AssumeRoleDenied({ role: assumeRole, externalId: "ours", reason }).message,
      "\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"ours\"}}"
    )
  })

  it("describes the function's role if STS does not name it", () => {
    const { message } = new AssumeRoleDenied({ role: assumeRole, reason: "Access denied" })
    assert.include(message, "{\"AWS\":\"ARN of the role of the Lambda function\"}")
    assert.include(message, `The role of the Lambda function needs sts:AssumeRole on ${assumeRole}`)
  })
})

describe("other errors of a destination", () => {
  it("name the region and the account in which it is not enabled", () => {
    const error = { operation: "cloudformation:DescribeStacks", reason: "OptInRequired: no" }
    assert.strictEqual(
      new RegionDisabled({ ...error, region: "ap-east-1", account: "222222222222" }).message,
      "cloudformation:DescribeStacks is not possible in region ap-east-1: OptInRequired: no. The region is probably not " +
        "enabled in account 222222222222. Enable it in the settings of the account, or name another \"region\" in " +
        "UserParameters"
    )
    assert.include(
      new RegionDisabled({ ...error, region: "ap-east-1", account: undefined }).message,
      "not enabled in the account of the Lambda function"
    )
  })

  it("name the role that lacks a permission, or else the credentials", () => {
    const error = { destination: "region eu-west-1", caller: "the role R", reason: "it is not permitted" }
    assert.strictEqual(
      new DestinationDenied({ ...error, needed: "cloudformation:CreateStack" }).message,
      "In region eu-west-1: it is not permitted. The role R needs cloudformation:CreateStack there"
    )
    assert.strictEqual(
      new DestinationDenied({ ...error, needed: undefined }).message,
      "In region eu-west-1: it is not permitted. Check the credentials and the clock of the Lambda function"
    )
  })

  it("say why the destination cannot be used", () => {
    assert.strictEqual(
      new DestinationRejected({ destination: "region eu-west-1", reason: "no" }).message,
      "CloudFormation cannot be called in region eu-west-1: no"
    )
  })
})
