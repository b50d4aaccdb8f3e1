// Templates whose parameters and capabilities decide, and those at CloudFormation's limits.
import type { StackCapability } from "../../src/domain/stack/StackCapability.ts"
import { anything, type Cases, type Refused, topic } from "./Case.ts"
import * as made from "./made.ts"

const macros: ReadonlyArray<StackCapability> = ["CAPABILITY_AUTO_EXPAND"]

const parameterValues = {
  Name: "abcd",
  Size: "small",
  Count: "2",
  Zone: "b",
  Numbers: "1+2",
  Subnet: "subnet-1",
  IsTwo: "two"
}

/** Cases of this file: with these parameters, it is refused for this reason. */
const parameters = (
  reasons: Readonly<Record<string, readonly [name: string, value: string, reason: string | RegExp]>>
) =>
  Object.entries(reasons).map(([when, [name, value, refused]]): Refused => ({
    when,
    parameters: { [name]: value },
    refused
  }))

export const requests: Cases = {
  // Parameters
  "parameters.yaml": [
    { ...topic, outputs: parameterValues },
    {
      when: "each is given",
      parameters: {
        Name: "xyz",
        Size: "large",
        Count: "10.5",
        Port: "443",
        Zones: "a,c",
        Numbers: "3, 4.5",
        Secret: "s"
      },
      ...topic,
      outputs: {
        ...parameterValues,
        Name: "xyz",
        Size: "large",
        Count: "10.5",
        Zone: "c",
        Numbers: "3+4.5",
        IsTwo: "other"
      }
    },
    ...parameters({
      "it is too short": ["Name", "ab", /Parameter '?Name'?.*at least 3 characters/],
      "it is too long": ["Name", "abcdefghi", /Parameter '?Name'?.*at most 8 characters/],
      "it does not match": [
        "Name",
        "ABCD",
        /Parameter '?Name'? (?:must match pattern|failed to satisfy constraint).*\[a-z\]\+/
      ],
      "only a part of it matches": [
        "Name",
        "abc1",
        /Parameter '?Name'? (?:must match pattern|failed to satisfy constraint)/
      ],
      "it does not match, which is described": ["Described", "A", /Described'?.*must be lower-case letters only/],
      "it is not an allowed value": ["Size", "medium", "Parameter 'Size' must be one of AllowedValues"],
      "it is no number": ["Count", "many", /Parameter '?Count'?.*must be a number/],
      "it is too small": ["Count", "0", "Parameter 'Count' must be a number not less than 1"],
      "it is too large": ["Count", "11", "Parameter 'Count' must be a number not greater than 10.5"],
      "the number is not allowed": ["Port", "22", "Parameter 'Port' must be one of AllowedValues"],
      "one of the list is not allowed": ["Zones", "a,z", "Parameter 'Zones' must be one of AllowedValues"],
      "one of the list is no number": ["Numbers", "1,x", /Parameter '?Numbers'?.*number/],
      "it is unknown": ["Nmae", "x", /Nmae/]
    })
  ],
  "parameters-required.yaml": [
    { refused: "Parameters: [First, Second] must have values" },
    { when: "one is given", parameters: { First: "a" }, refused: "Parameters: [Second] must have values" },
    {
      when: "both are given",
      parameters: { First: "a", Second: "2" },
      ...topic,
      outputs: { All: "a2c" }
    }
  ],

  // Capabilities
  "iam.json": [
    { refused: "Requires capabilities : [CAPABILITY_IAM]" },
    { when: "acknowledged", capabilities: ["CAPABILITY_IAM"], resources: ["Role"] },
    { when: "more is acknowledged", capabilities: ["CAPABILITY_NAMED_IAM"], resources: ["Role"] }
  ],
  "iam-named.yaml": [
    { refused: "Requires capabilities : [CAPABILITY_NAMED_IAM]" },
    {
      when: "less is acknowledged",
      capabilities: ["CAPABILITY_IAM"],
      refused: "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    },
    { when: "acknowledged", capabilities: ["CAPABILITY_NAMED_IAM"], resources: ["Role"] }
  ],
  "iam-conditional.yaml": [
    { refused: "Requires capabilities : [CAPABILITY_IAM]" },
    { when: "acknowledged", capabilities: ["CAPABILITY_IAM"], ...topic }
  ],

  // Macros. In memory they are not expanded, but for AWS::LanguageExtensions.
  "sam.yaml": [
    { refused: /Requires capabilities : \[.*CAPABILITY_AUTO_EXPAND.*\]/ },
    {
      when: "acknowledged",
      capabilities: ["CAPABILITY_IAM", ...macros],
      resources: ["Table", "Function"],
      outputs: { Table: anything }
    }
  ],
  "macro.yaml": [
    { refused: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]" },
    { when: "acknowledged", capabilities: macros, resources: ["Bucket"] }
  ],
  "include.yaml": [
    { refused: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]" },
    { when: "acknowledged", capabilities: macros, ...topic }
  ],
  "transform-short.yaml": [
    { refused: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]" },
    { when: "acknowledged", capabilities: macros, ...topic }
  ],
  "module.yaml": { capabilities: macros, resources: ["Topic", "Bucket"] },
  "language-extensions.yaml": [
    { refused: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]" },
    {
      when: "acknowledged",
      capabilities: macros,
      resources: ["TopicSuccess", "TopicFailure", "TopicTimeout", "QueueAlpha", "QueueBeta"],
      retained: ["QueueAlpha", "QueueBeta"],
      outputs: {
        OutSuccess: "made for Success",
        OutFailure: "made for Failure",
        Count: "3",
        CountOfParameter: "2",
        Json: "{\"Key\":\"value\",\"List\":[\"a\",\"b\"]}",
        Missing: "128"
      }
    },
    {
      when: "the parameter has one name",
      capabilities: macros,
      parameters: { Names: "Gamma" },
      resources: ["TopicSuccess", "TopicFailure", "TopicTimeout", "QueueGamma"],
      retained: ["QueueGamma"],
      outputs: {
        OutSuccess: "made for Success",
        OutFailure: "made for Failure",
        Count: "3",
        CountOfParameter: "1",
        Json: "{\"Key\":\"value\",\"List\":[\"a\",\"b\"]}",
        Missing: "128"
      }
    }
  ],
  "for-each-nested.yaml": {
    capabilities: macros,
    resources: ["BucketEastData", "BucketEastLogs", "BucketWestData", "BucketWestLogs"]
  },
  "for-each-address.yaml": {
    capabilities: macros,
    resources: ["Rule1000024", "Rule1001024"],
    outputs: { Address1000024: "10.0.0.0/24" }
  },

  // Limits
  "bytes-51200.yaml": { text: made.ofBytes(51_200), ...topic, isAtLimit: true },
  "bytes-51201.yaml": {
    text: made.ofBytes(51_201),
    refused: /'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200/,
    refusedByAction: "it has 51201 bytes, but CloudFormation accepts at most 51200 in a call"
  },
  "bytes-51201-characters-fewer.yaml": {
    text: made.ofBytes(51_201, "é"),
    refused: /'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200/,
    refusedByAction: "it has 51201 bytes, but CloudFormation accepts at most 51200 in a call"
  },
  "resources-500.yaml": { text: made.resources(500), resources: made.resourceIds(500), isAtLimit: true },
  "resources-501.yaml": {
    text: made.resources(501),
    refused: "Template format error: Number of resources, 501, is greater than maximum allowed, 500"
  },
  "outputs-200.json": { text: made.outputs(200), ...topic, outputs: made.outputValues(200) },
  "outputs-201.json": {
    text: made.outputs(201),
    refused: "Template format error: Number of outputs, 201, is greater than maximum allowed, 200"
  },
  "parameters-200.yaml": { text: made.parameters(200), ...topic },
  "parameters-201.yaml": {
    text: made.parameters(201),
    refused: "Template format error: Number of parameters, 201, is greater than maximum allowed, 200"
  },
  "description-1024.yaml": { text: made.description(1_024), ...topic },
  "description-1025.yaml": {
    text: made.description(1_025),
    refused: "Template format error: 'Description' length is greater than 1024"
  }
}
