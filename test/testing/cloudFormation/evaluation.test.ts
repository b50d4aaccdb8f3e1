// How the in-memory CloudFormation evaluates templates.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { create, outputOf, refusal, stack, withMemory } from "./deploy.ts"

const topic = { Type: "AWS::SNS::Topic" }
const resources = { Topic: topic }

describe("the value of an output", () => {
  it.effect.each<readonly [value: unknown, text: string]>([
    [{ Ref: "Topic" }, `${stack}-Topic`],
    [{ "Fn::GetAtt": ["Topic", "TopicName"] }, `${stack}-Topic.TopicName`],
    [{ "Fn::GetAtt": "Topic.Endpoint.Port" }, `${stack}-Topic.Endpoint.Port`],
    [
      { "Fn::Sub": "${AWS::StackName}/${Topic}/${Topic.Arn}/${!Topic}/$${AWS::Region}" },
      `${stack}/${stack}-Topic/${stack}-Topic.Arn/\${Topic}/$us-east-1`
    ],
    [{ "Fn::Sub": ["${a}-${b}", { a: 1, b: { "Fn::Join": ["+", ["x", { Ref: "AWS::Partition" }]] } }] }, "1-x+aws"],
    [{ "Fn::Join": ["", []] }, ""],
    [{ "Fn::Join": [",", ["a", { Ref: "AWS::NoValue" }, 2]] }, "a,2"],
    [{ "Fn::Select": ["1", ["a", "b"]] }, "b"],
    [{ "Fn::Select": [0, { "Fn::Split": ["/", "one/two"] }] }, "one"],
    [{ "Fn::Select": [2, { "Fn::Split": [":", { "Fn::GetAtt": ["Topic", "Arn"] }] }] }, `${stack}-Topic.Arn[2]`],
    [{ "Fn::Select": [0, { "Fn::GetAZs": "eu-west-1" }] }, "eu-west-1a"],
    [{ "Fn::Join": [" ", { "Fn::Cidr": ["10.1.2.3/16", 2, 8] }] }, "10.1.0.0/24 10.1.1.0/24"],
    [{ "Fn::Select": [1, { "Fn::Cidr": [{ "Fn::GetAtt": ["Topic", "Block"] }, 2, 8] }] }, `${stack}-Topic.Block[2][1]`],
    [{ "Fn::Base64": "a" }, "YQ=="],
    [{ "Fn::Base64": { Ref: "Topic" } }, `Base64 of ${stack}-Topic`],
    [{ "Fn::ImportValue": { "Fn::Sub": "${AWS::Region}-vpc" } }, "vpc-1"]
  ])("%j is %j", ([value, text]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* outputOf(value), text)
    }).pipe(withMemory({ exports: { "us-east-1-vpc": "vpc-1" } })))

  it.effect.each<readonly [name: string, text: string]>([
    ["AWS::AccountId", "210987654321"],
    ["AWS::Region", "cn-north-1"],
    ["AWS::Partition", "aws-cn"],
    ["AWS::URLSuffix", "amazonaws.com.cn"],
    [
      "AWS::StackId",
      `arn:aws-cn:cloudformation:cn-north-1:210987654321:stack/${stack}/00000000-0000-4000-8000-000000000000`
    ]
  ])("%s is that of the layer: %s", ([Ref, text]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* outputOf({ Ref }), text)
    }).pipe(withMemory({ accountId: "210987654321", region: "cn-north-1" })))

  it.effect.each<readonly [value: unknown, message: RegExp]>([
    [{ "Fn::Sub": "${ Topic }" }, /variable names in Fn::Sub syntax must contain only alphanumeric/],
    [{ "Fn::Sub": ["${a}", { a: ["x"] }] }, /variable a in Fn::Sub expression does not resolve to a string/],
    [{ "Fn::Sub": ["${a}", "b"] }, /One or more Fn::Sub intrinsic functions don't specify expected arguments/],
    [{ "Fn::Sub": "${Nothing.Arn}" }, /instance of Fn::Sub references invalid resource attribute Nothing\.Arn/],
    [{ "Fn::GetAtt": "Topic" }, /that argument must be a non-empty string in format <LogicalId>\.<Attribute>/],
    [{ "Fn::GetAtt": ["Topic"] }, /every Fn::GetAtt object requires two non-empty parameters/],
    [{ "Fn::Split": [",", ["a"]] }, /every Fn::Split object requires two parameters/],
    [{ "Fn::Select": ["x", ["a"]] }, /Fn::Select requires a list argument with two elements/],
    [{ "Fn::FindInMap": ["A", "b"] }, /every Fn::FindInMap object requires three parameters/],
    [{ "Fn::FindInMap": ["A", "b", "c", { DefaultValue: 1 }] }, /every Fn::FindInMap object requires three parameters/],
    [{ "Fn::Cidr": ["10.0.0.0/24", 3, 7] }, /Fn::Cidr cannot make 3 blocks of 7 bits/],
    [{ "Fn::Cidr": ["10.0.0.0/24", 0, 8] }, /a count between 1 and 256/],
    [{ "Fn::Length": ["a"] }, /Encountered unsupported function: Fn::Length/],
    [{ "Fn::ImportValue": "nothing" }, /^No export named nothing found\.$/],
    [["a"], /The Value field of every Outputs member must evaluate to a String/]
  ])("%j is refused", ([value, message]) =>
    Effect.gen(function*() {
      assert.match(yield* refusal({ Resources: resources, Outputs: { Value: { Value: value } } }), message)
    }).pipe(withMemory()))

  it.effect("values that only AWS knows never make a function fail", () =>
    Effect.gen(function*() {
      const attribute = { "Fn::GetAtt": ["Topic", "List"] }
      const value = { "Fn::Select": [7, { "Fn::Split": ["-", { "Fn::Join": [",", attribute] }] }] }
      assert.strictEqual(yield* outputOf(value), `${stack}-Topic.List[7]`)
    }).pipe(withMemory()))
})

const withStage = (stage: string) => ({
  Parameters: { Stage: { Type: "String", Default: stage } },
  Conditions: {
    IsProduction: { "Fn::Equals": [{ Ref: "Stage" }, "production"] },
    IsTest: { "Fn::Not": [{ Condition: "IsProduction" }] },
    IsAny: { "Fn::Or": [{ Condition: "IsProduction" }, { Condition: "IsTest" }] },
    IsBoth: { "Fn::And": [{ Condition: "IsProduction" }, { Condition: "IsTest" }] }
  }
})
const conditional = (stage: string) => ({
  ...withStage(stage),
  Resources: {
    Alarm: { Type: "AWS::CloudWatch::Alarm", Condition: "IsProduction", DependsOn: "Log" },
    Log: { Type: "AWS::Logs::LogGroup", Condition: "IsTest" },
    Topic: {
      ...topic,
      DependsOn: "Log",
      Properties: { TopicName: { "Fn::If": ["IsTest", { Ref: "Log" }, { Ref: "AWS::NoValue" }] } }
    },
    Never: { ...topic, Condition: "IsBoth" }
  },
  Outputs: {
    Alarm: { Value: { "Fn::GetAtt": ["Alarm", "Arn"] }, Condition: "IsProduction" },
    Any: { Value: "x", Condition: "IsAny" }
  }
})

describe("a resource whose condition is false", () => {
  it.effect("is not made, nor are the outputs with the condition, and only the chosen branch of Fn::If counts", () =>
    Effect.gen(function*() {
      const production = yield* create(conditional("production"))
      assert.deepStrictEqual(production.resources, ["Alarm", "Topic"])
      assert.deepStrictEqual(production.outputs, { Alarm: `${stack}-Alarm.Arn`, Any: "x" })
      const test = yield* create(conditional("test"), { stack: "Other" })
      assert.deepStrictEqual(test.resources, ["Log", "Topic"])
      assert.deepStrictEqual(test.outputs, { Any: "x" })
    }).pipe(withMemory()))

  it.effect("cannot be referred to", () =>
    Effect.gen(function*() {
      const Outputs = { Log: { Value: { Ref: "Log" } } }
      assert.strictEqual(
        yield* refusal({ ...conditional("production"), Outputs }),
        "Template format error: Unresolved resource dependencies [Log] in the Outputs block of the template"
      )
    }).pipe(withMemory()))

  it.effect.each<readonly [what: string, conditions: object, message: RegExp]>([
    [
      "refer to each other",
      { A: { Condition: "B" }, B: { Condition: "A" } },
      /Circular dependency between conditions: \[A, B\]/
    ],
    ["are no functions", { A: "true" }, /Conditions can only be boolean operations/],
    [
      "have too few members",
      { A: { "Fn::And": [{ "Fn::Equals": [1, 1] }] } },
      /every Fn::And object requires a list of at least 2/
    ],
    [
      "refer to none",
      { A: { "Fn::Not": [{ Condition: "C" }] } },
      /Unresolved condition dependency C in the Conditions block/
    ]
  ])("is refused if conditions %s", ([, Conditions, message]) =>
    Effect.gen(function*() {
      assert.match(yield* refusal({ Conditions, Resources: { Topic: { ...topic, Condition: "A" } } }), message)
    }).pipe(withMemory()))
})

describe("AWS::LanguageExtensions", () => {
  const extended = { Transform: "AWS::LanguageExtensions" }

  it.effect.each<readonly [value: unknown, text: string]>([
    [{ "Fn::Length": [1, 2] }, "2"],
    [{ "Fn::Length": { "Fn::Split": ["|", "a|b|c"] } }, "3"],
    [{ "Fn::ToJsonString": { a: [1, "2", true], b: { Ref: "Topic" } } }, `{"a":[1,"2",true],"b":"${stack}-Topic"}`],
    [{ "Fn::FindInMap": ["Sizes", "none", "a", { DefaultValue: { Ref: "AWS::Region" } }] }, "us-east-1"],
    [{ "Fn::FindInMap": ["Sizes", "small", "a", { DefaultValue: "9" }] }, "1"],
    [{ Ref: { "Fn::Sub": "Top${Rest}" } }, `${stack}-Topic`]
  ])("%j is %j", ([value, text]) =>
    Effect.gen(function*() {
      const sections = {
        ...extended,
        Mappings: { Sizes: { small: { a: 1 } } },
        Parameters: { Rest: { Type: "String", Default: "ic" } }
      }
      assert.strictEqual(yield* outputOf(value, sections), text)
    }).pipe(withMemory()))

  it.effect("a loop makes one resource for each value, and its identifier stands in names, references and texts", () =>
    Effect.gen(function*() {
      const { outputs, resources } = yield* create({
        ...extended,
        Parameters: { Names: { Type: "CommaDelimitedList", Default: "a-1,b" } },
        Resources: {
          "Fn::ForEach::Topics": ["Name", { Ref: "Names" }, {
            "Topic&{Name}": { ...topic, Properties: { Tags: [{ Key: "plain ${Name}", Value: { Ref: "Name" } }] } },
            "Fn::ForEach::Queues": ["Size", ["S", "L"], {
              "Queue&{Name}${Size}": { Type: "AWS::SQS::Queue", DependsOn: "Topic&{Name}" }
            }]
          }]
        },
        Outputs: {
          "Fn::ForEach::Out": ["Name", ["b"], {
            "Arn${Name}": {
              Value: { "Fn::Sub": ["${Name}: ${arn}", { arn: { "Fn::GetAtt": ["Topic${Name}", "Arn"] } }] }
            }
          }]
        }
      }, { capabilities: ["CAPABILITY_AUTO_EXPAND"] })
      assert.deepStrictEqual(resources, ["Topica1", "Queuea1S", "Queuea1L", "Topicb", "QueuebS", "QueuebL"])
      assert.deepStrictEqual(outputs, { Arnb: `b: ${stack}-Topicb.Arn` })
    }).pipe(withMemory()))

  it.effect.each<readonly [what: string, loop: unknown, message: RegExp]>([
    ["without a body", ["Name", ["a"]], /failed with: Fn::ForEach::X layout is incorrect/],
    [
      "over an attribute",
      ["N", { "Fn::GetAtt": ["Topic", "A"] }, { "T${N}": topic }],
      /collection must resolve to a list/
    ],
    ["that makes a name twice", ["N", ["a", "b"], {
      T: topic,
      "Fn::ForEach::Y": ["M", ["a", "a"], { "U${M}": topic }]
    }], /Duplicate key/],
    [
      "whose resource refers to none",
      ["N", ["a"], { "T${N}": { ...topic, DependsOn: "U${N}" } }],
      /Unresolved resource dependencies \[Ua\]/
    ]
  ])("a loop %s is refused", ([, loop, message]) =>
    Effect.gen(function*() {
      assert.match(yield* refusal({ ...extended, Resources: { ...resources, "Fn::ForEach::X": loop } }), message)
    }).pipe(withMemory()))
})
