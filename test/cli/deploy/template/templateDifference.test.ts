import { assert, it } from "@effect/vitest"
import { templateDifference } from "../../../../src/cli/deploy/template/templateDifference.ts"

const deployed = `
Parameters:
  Size: { Type: Number, Default: 128 }
Resources:
  Topic: { Type: "AWS::SNS::Topic", Properties: { DisplayName: !Ref Size } }
  Queue: { Type: "AWS::SQS::Queue" }
Outputs:
  Name: { Value: !Ref Topic }
`

it("the difference between templates names what is added, changed and removed", () => {
  const current = `
Description: new
Parameters:
  Size: { Type: Number, Default: 256 }
Resources:
  Topic: { Properties: { DisplayName: { Ref: Size } }, Type: "AWS::SNS::Topic" }
  Table: { Type: "AWS::DynamoDB::Table" }
`
  assert.deepStrictEqual(templateDifference(deployed, current), [
    "~ parameter Size",
    "- resource Queue (AWS::SQS::Queue)",
    "+ resource Table (AWS::DynamoDB::Table)",
    "- output Name",
    "~ Description"
  ])
})

it("templates do not differ by the order of their keys, or by YAML and JSON", () => {
  const json = JSON.stringify({
    Outputs: { Name: { Value: { Ref: "Topic" } } },
    Resources: {
      Queue: { Type: "AWS::SQS::Queue" },
      Topic: { Type: "AWS::SNS::Topic", Properties: { DisplayName: { Ref: "Size" } } }
    },
    Parameters: { Size: { Default: 128, Type: "Number" } }
  })
  assert.deepStrictEqual(templateDifference(deployed, json), [])
})

it("there is no difference to a template that cannot be read", () => {
  assert.isUndefined(templateDifference("- no template", deployed))
})
