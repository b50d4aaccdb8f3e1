import { assert, it } from "@effect/vitest"
import { missing, option, StackCapability } from "../../../src/domain/stack/StackCapability.ts"

it.each([
  [[], ["CAPABILITY_IAM"], ["CAPABILITY_IAM"]],
  [["CAPABILITY_AUTO_EXPAND"], ["CAPABILITY_IAM"], ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]],
  [["CAPABILITY_IAM"], ["CAPABILITY_NAMED_IAM", "CAPABILITY_NAMED_IAM"], ["CAPABILITY_NAMED_IAM"]],
  [["CAPABILITY_NAMED_IAM"], ["CAPABILITY_AUTO_EXPAND"], ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]]
])("with capabilities %j, and %j required, the advice is %j", (given, required, expected) => {
  assert.deepStrictEqual(JSON.parse(`{${option(given, required)}}`), { capabilities: expected })
})

it.each([
  [[], ["CAPABILITY_IAM"], ["CAPABILITY_IAM"]],
  [["CAPABILITY_IAM"], ["CAPABILITY_IAM"], []],
  [["CAPABILITY_IAM"], ["CAPABILITY_NAMED_IAM"], ["CAPABILITY_NAMED_IAM"]],
  [["CAPABILITY_NAMED_IAM"], ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], ["CAPABILITY_AUTO_EXPAND"]]
])("with capabilities %j, and %j required, the missing ones are %j", (given, required, expected) => {
  assert.deepStrictEqual(missing(given, required), expected)
})

it("the capabilities are the three of CloudFormation's API", () => {
  assert.deepStrictEqual(StackCapability.literals, ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"])
})
