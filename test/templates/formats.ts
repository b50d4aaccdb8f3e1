// Templates that CloudFormation deploys, with all their functions and sections.
import { type Cases, read, topic } from "./Case.ts"
import * as made from "./made.ts"

const regions = { Region: "us-east-1", Account: /^\d{12}$/, Partition: "aws", Suffix: "amazonaws.com" }

const shortForms = {
  Reference: "test",
  Substituted: "test-Corpus-${Literal}",
  SubstitutedWithMap: "hello, test",
  Attribute: /Arn|arn/,
  AttributeOfList: /Arn|arn/,
  Conditional: "small",
  Mapped: "512",
  Selected: "three",
  SelectedByText: "a",
  Parts: "a+b+c",
  Encoded: "c3RhZ2U9dGVzdA==",
  EncodedShort: "aGVsbG8=",
  Network: "10.0.2.0/24",
  Zone: /^us-east-1[a-z]$/,
  ZoneOfRegion: /^us-west-2[a-z]$/,
  OnlyEither: "made"
}

const booleans = {
  Unquoted: "true false true false true false",
  Quoted: "yes No ON off True FALSE",
  Letters: "y Y n N"
}

export const formats: Cases = {
  // Formats
  "minimal.yaml": { ...topic, outputs: { Stack: "Corpus" } },
  "minimal.json": { ...topic, outputs: { Name: "é€😀" } },
  "tabs.json": topic,
  "json-in-yaml.yaml": { refused: /Template format error: JSON not well-formed\. \(line 1, column \d+\)/ },
  "comments.yaml": { ...topic, outputs: { Name: "a # b", Folded: "one two", Literal: "one\ntwo\n" } },
  "short-forms.yaml": [
    { resources: ["Topic", "Queue", "Policy"], outputs: shortForms, order: [["Queue", "Policy"], ["Topic", "Policy"]] },
    {
      when: "in production",
      parameters: { Stage: "prod", Zones: "a,b,c" },
      resources: ["Topic", "Queue", "Policy"],
      outputs: {
        ...shortForms,
        Reference: "prod",
        Substituted: "prod-Corpus-${Literal}",
        SubstitutedWithMap: "hello, prod",
        Conditional: "large",
        Mapped: "2048",
        Selected: "c",
        Encoded: "c3RhZ2U9cHJvZA=="
      }
    }
  ],
  "long-forms.json": {
    resources: ["Queue"],
    outputs: {
      Sub: "test-Corpus",
      SubWithMap: "atest",
      Arn: /Arn|arn/,
      If: "small",
      Mapped: "512",
      Selected: "two",
      Joined: "one|two|three",
      Base64: "aGVsbG8=",
      Cidr: "192.168.0.0/27,192.168.0.32/27",
      OnlyEither: "made",
      ...regions
    }
  },
  "nested-functions.yaml": { ...topic, outputs: { FromMap: "us", Deep: "web/worker.amazonaws.com" } },
  "dates.yaml": {
    capabilities: ["CAPABILITY_IAM"],
    resources: ["Role"],
    outputs: { Date: "2024-02-29", Time: "2001-12-14t21:59:43.10-05:00" }
  },
  "numbers.yaml": {
    ...topic,
    outputs: {
      Account: "012345678901",
      AccountOfParameter: "012345678901",
      Name: "quoted",
      Octal: "012",
      Grouped: "1_000",
      Integer: "42",
      Long: "123456789012345678901",
      Version: /^1\.10?$/,
      Truth: "true"
    }
  },
  "booleans.yaml": [
    {
      ...topic,
      outputs: { ...booleans, Wanted: "false", IsWanted: "not wanted" }
    },
    {
      when: "true is given",
      parameters: { Wanted: "true" },
      ...topic,
      outputs: { ...booleans, Wanted: "true", IsWanted: "wanted" }
    },
    {
      when: "the parameter is written as in the template",
      parameters: { Wanted: "Yes" },
      refused: "Parameter 'Wanted' must be one of AllowedValues"
    }
  ],
  "duplicate-keys.yaml": { resources: ["Topic", "Queue"], outputs: { Twice: "second" } },
  "duplicate-keys.json": { ...topic, outputs: { Twice: "second" } },
  "anchor-without-alias.yaml": topic,
  "bom.yaml": { text: `\uFEFF${read("minimal.yaml")}`, ...topic, outputs: { Stack: "Corpus" } },
  "bom.json": { text: `\uFEFF${read("minimal.json")}`, ...topic, outputs: { Name: "é€😀" } },
  "crlf.yaml": {
    text: read("comments.yaml").replaceAll("\n", "\r\n"),
    ...topic,
    outputs: { Name: "a # b", Folded: "one two", Literal: "one\ntwo\n" }
  },
  "crlf.json": { text: read("tabs.json").replaceAll("\n", "\r\n"), ...topic },

  // Sections
  "conditions.yaml": [
    { resources: ["Topic", "Parameter"], outputs: { Stage: "test" } },
    {
      when: "in production",
      parameters: { Stage: "prod" },
      resources: ["Topic", "Alarm", "Dashboard", "Parameter"],
      outputs: { Alarm: /Arn|arn/, Stage: "production" },
      order: [["Topic", "Alarm"], ["Alarm", "Dashboard"], ["Alarm", "Parameter"]]
    }
  ],
  "mappings.yaml": {
    ...topic,
    outputs: { Image: "ami-1", Zones: "a,b", ImageOfRegion: "ami-1", ImageInText: "ami-1 here" }
  },
  "pseudo-parameters.yaml": {
    ...topic,
    outputs: {
      ...regions,
      Notifications: "",
      StackId: /^arn:aws:cloudformation:us-east-1:\d{12}:stack\/Corpus\//,
      StackName: "Corpus"
    }
  },
  "dependencies.yaml": {
    resources: ["First", "Middle", "Attribute", "Last"],
    order: [["First", "Middle"], ["First", "Attribute"], ["Middle", "Last"], ["Attribute", "Last"]]
  },
  "retain.yaml": { resources: ["Kept", "KeptUnlessCreating", "Deleted"], retained: ["Kept", "KeptUnlessCreating"] },
  "resource-attributes.yaml": { resources: ["Handle", "Wait", "Own"], order: [["Handle", "Wait"]] },
  "dynamic-references.yaml": { resources: ["Parameter"] },
  "exporter.yaml": [
    { ...topic, outputs: { Shared: "shared value" } },
    {
      when: "another stack exports the name",
      besides: "exporter.yaml",
      refused: /Export with name corpus-shared is already exported by stack Besides/,
      failsLater: true
    }
  ],
  "importer.yaml": {
    besides: "exporter.yaml",
    resources: ["Parameter"],
    outputs: { Imported: "shared value", ImportedLong: "shared value" }
  },
  "exports-of-stack.yaml": { ...topic, outputs: { First: "a", Second: "b" } },
  "attributes.yaml": {
    resources: ["Network", "Subnet", "Database", "Balancer", "Queue"],
    outputs: {
      Address: /Endpoint\.Address/,
      AddressInText: /^postgres:\/\/.*Endpoint\.Address.*:.*Endpoint\.Port.*\/$/,
      ByReference: /QueueName/,
      Part: /LoadBalancerFullName/,
      Names: /SecurityGroups/,
      Encoded: /./
    }
  },
  "nested-outputs.yaml": [
    {
      resources: ["Network", "Topic"],
      nested: { Network: ["Topic", "Alarm", "Dashboard", "Parameter"] },
      outputs: { Stage: "production" },
      order: [["Network", "Topic"]]
    },
    {
      when: "in test",
      parameters: { Stage: "test" },
      resources: ["Network", "Topic"],
      nested: { Network: ["Topic", "Parameter"] },
      outputs: { Stage: "test" }
    }
  ],
  "nested-in-itself.yaml": { refused: /may nest itself|Embedded stack/, failsLater: true },
  "nested-without-values.yaml": { refused: "Parameters: [First, Second] must have values", failsLater: true },
  "nested.yaml": {
    resources: ["Topic", "Network"],
    nested: { Network: ["Topic", "Alarm", "Dashboard", "Parameter"] }
  },
  "cdk-400.json": { text: made.cdk(400), byUrl: true, resources: made.cdkIds(400), capabilities: ["CAPABILITY_IAM"] }
}
