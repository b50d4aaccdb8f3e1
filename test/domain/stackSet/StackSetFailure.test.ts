import { assert, describe, it } from "@effect/vitest"
import { adviceOn, report } from "../../../src/domain/stackSet/StackSetFailure.ts"

/** CloudFormation's words, as documents and issue threads quote them, and the beginning of the advice. */
const known: ReadonlyArray<readonly [words: string, advice: string]> = [
  ["You must enable organizations access to operate a service managed stack set", "StackSets has no trusted access"],
  ["Account used is not a delegated administrator", "Register this account as a delegated administrator"],
  [
    "Account 111122223333 should have 'AWSCloudFormationStackSetAdministrationRole' role with trust relationship to " +
    "CloudFormation service.",
    "Create the role AWSCloudFormationStackSetAdministrationRole"
  ],
  [
    "Account 222222222222 should have 'AWSCloudFormationStackSetExecutionRole' role with trust relationship to Role " +
    "'AWSCloudFormationStackSetAdministrationRole'.",
    "Create the role AWSCloudFormationStackSetExecutionRole"
  ],
  ["Account 222222222222 is suspended", "A suspended account takes no changes"],
  ["Region me-south-1 is not enabled for account 222222222222", "The account has not enabled the region"],
  ["The security token included in the request is invalid", "The account has not enabled the region"],
  ["Macros are not supported", "Stack sets with SERVICE_MANAGED take no macros"]
]

describe("advice", () => {
  it.each(known)("is given on known words: %s", (words, advice) => {
    assert.isTrue(adviceOn(words)?.startsWith(advice), adviceOn(words))
  })

  it("is not given on other words", () => {
    for (const words of ["Topic already exists", "Invalid option", "The region of the bucket is eu-west-1"]) {
      assert.isUndefined(adviceOn(words))
    }
  })
})

const failed = (reason: string | undefined, account = "222222222222") => ({
  account,
  region: "eu-west-1",
  status: "FAILED",
  reason
})

const none = new Map<string, ReadonlyArray<string>>()

describe("the report of a failed operation", () => {
  it("lists failed instances with their causes, without consequences, and each advice once", () => {
    assert.strictEqual(
      report({
        head: "Creation of instances failed: FAILED",
        failed: [
          failed("Account 222222222222 is suspended"),
          failed("Resource Topic failed", "333333333333"),
          failed("Cancelled since failure tolerance has exceeded", "444444444444"),
          failed("Account 555555555555 is suspended", "555555555555"),
          failed(undefined, "666666666666")
        ],
        count: undefined,
        causes: new Map([["eu-west-1/333333333333", ["Topic (AWS::SNS::Topic): exists already"]]]),
        remarks: ["The operation is 1-create-1"]
      }),
      "Creation of instances failed: FAILED\n" +
        "eu-west-1/222222222222: Account 222222222222 is suspended\n" +
        "eu-west-1/333333333333: Resource Topic failed\n" +
        "  Topic (AWS::SNS::Topic): exists already\n" +
        "eu-west-1/555555555555: Account 555555555555 is suspended\n" +
        "eu-west-1/666666666666: FAILED\n" +
        "The operation is 1-create-1\n" +
        "A suspended account takes no changes: reactivate it, remove it from \"accounts\", or exclude it with " +
        "\"accountFilter\": \"DIFFERENCE\""
    )
  })

  it("lists at most 20 instances and says how many more there are, within 5,000 characters", () => {
    const many = Array.from({ length: 100 }, (_, index) => failed("x".repeat(1_000), `${111111111111 + index}`))
    const text = report({ head: "Failed", failed: many, count: 250, causes: none, remarks: [] })
    assert.isAtMost(text.length, 5_000)
    assert.include(text, "… and 230 more failed instances")
    const one = report({ head: "Failed", failed: many.slice(0, 21), count: undefined, causes: none, remarks: [] })
    assert.include(one, "… and 1 more failed instance")
    assert.notInclude(one, "instances")
  })

  it("without results has its first line and the remarks", () => {
    assert.strictEqual(report({ head: "Failed", failed: [], count: 3, causes: none, remarks: ["Why"] }), "Failed\nWhy")
  })
})
