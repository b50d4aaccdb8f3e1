// Templates that CloudFormation refuses.
import { anything, type Cases } from "./Case.ts"

const noResources = "Template format error: At least one Resources member must be defined."
const unsupported = /Template format error: [Uu]nsupported structure/
const yaml = /Template format error: YAML not well-formed\. \(line \d+, column \d+\)/
const noAliases = "Template error: YAML aliases are not allowed in CloudFormation templates"
const unresolved = (name: string, block = "Resources") =>
  `Template format error: Unresolved resource dependencies [${name}] in the ${block} block of the template`

export const refusals: Cases = {
  // Not a template
  "empty.yaml": {
    refused: /length greater than or equal to 1|must be specified|unsupported structure/,
    refusedByAction: "it is empty"
  },
  "hello-world.yaml": { refused: unsupported },
  "list.yaml": { refused: unsupported },
  "broken.yaml": { refused: yaml },
  "tabs.yaml": { refused: yaml },
  "broken.json": { refused: /Template format error: JSON not well-formed\. \(line 4, column \d+\)/ },
  "truncated.json": { refused: /Template format error: JSON not well-formed\. \(line [34], column \d+\)/ },
  "comments.json": { refused: /Template format error: JSON not well-formed\. \(line 2, column \d+\)/ },
  "two-documents.yaml": { refused: anything },
  "unknown-tag.yaml": { refused: anything },
  "alias.yaml": { refused: noAliases },
  "merge-key.yaml": { refused: noAliases },

  // Sections that are wrong
  "no-resources.yaml": { refused: noResources },
  "no-resources.json": { refused: noResources },
  "unknown-section.yaml": { refused: "Invalid template property or properties [Resource]" },
  "unknown-version.yaml": { refused: /AWSTemplateFormatVersion|template version/ },
  "no-type.yaml": { refused: "[/Resources/Topic] Every Resources object must contain a Type member." },
  "unknown-resource-attribute.yaml": { refused: "Invalid template resource property 'Propertys'" },
  "unknown-type.yaml": { refused: "Template format error: Unrecognized resource types: [AWS::SNS]" },
  "bad-logical-id.yaml": { refused: "Template format error: Resource name my-topic is non alphanumeric." },
  // CloudFormation really says Type, for the properties.
  "null-value.yaml": { refused: "[/Resources/Topic/Type/DisplayName] 'null' values are not allowed in templates" },
  "bad-deletion-policy.yaml": { refused: /Unrecognized DeletionPolicy Keep for resource Topic/ },
  "output-without-value.yaml": { refused: "Template format error: Every Outputs member must contain a Value object" },
  "output-of-list.yaml": {
    refused: "Template format error: The Value field of every Outputs member must evaluate to a String"
  },
  "parameter-without-type.yaml": { refused: /Every Parameters object must contain a Type member/ },
  "parameter-of-unknown-type.yaml": { refused: /Unrecognized parameter type: Text/ },
  "default-not-allowed.yaml": { refused: /Stage.*AllowedValues/ },
  "common-name.yaml": {
    refused: "Template error: all resources and parameters must have unique names. Common name(s):[Name]"
  },
  "condition-without-function.yaml": {
    refused: "Template format error: Conditions can only be boolean operations on parameters and other conditions"
  },
  "condition-of-one.yaml": {
    refused: "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."
  },
  "bad-export-name.yaml": {
    refused: "Output Name is malformed. The Name field of every Export member must be specified and consist only of " +
      "alphanumeric characters, colons, or hyphens"
  },
  "export-name-of-resource.yaml": {
    refused: /Output Name is malformed\.\s+The Name field of Export must not depend on any resources/
  },
  "for-each-without-transform.yaml": { refused: /Fn::ForEach/ },
  "duplicate-exports.yaml": {
    refused: "Template format error: The Outputs section contains duplicate Export names: [same]. Specify a unique name"
  },

  // References that are wrong
  "unresolved-ref.yaml": { refused: unresolved("Stage") },
  "unresolved-ref-in-output.json": { refused: unresolved("Topik", "Outputs") },
  "unresolved-getatt.yaml": { refused: "Template error: instance of Fn::GetAtt references undefined resource Queue" },
  "unresolved-sub.yaml": { refused: unresolved("Stage") },
  "unresolved-sub-attribute.yaml": { refused: /Queue/ },
  "unresolved-depends-on.yaml": { refused: unresolved("Queue") },
  "unresolved-condition.yaml": { refused: /[Uu]nresolved condition dependency IsProduction/ },
  "unresolved-condition-in-if.yaml": { refused: /[Uu]nresolved condition dependency IsProduction/ },
  "resource-in-condition.yaml": {
    refused: "Template format error: Unresolved dependencies [Topic]. Cannot reference resources in the Conditions " +
      "block of the template"
  },
  "reference-to-absent.yaml": { refused: unresolved("Queue") },
  "output-of-absent.yaml": { refused: /Queue/ },
  "circular-conditions.yaml": { refused: /[Cc]ircular|Unresolved/ },
  "circular.yaml": { refused: /Circular dependency between resources: \[(?=.*First)(?=.*Second)(?=.*Third)[\w, ]+\]/ },
  "circular-itself.json": { refused: /Circular dependency between resources: \[Topic\]/ },
  "import-of-nothing.yaml": { refused: "No export named corpus-nothing found" },

  // Functions that are wrong
  "unknown-function.yaml": { refused: "Template Error: Encountered unsupported function: Fn::Joined" },
  "bad-join.yaml": { refused: /Template error: every Fn::Join object requires two parameters/ },
  "bad-select.yaml": { refused: /Template error: Fn::Select\s+cannot select nonexistent value at index 3/ },
  "missing-map.yaml": {
    refused: "Template error: Mapping named 'Names' is not present in the 'Mappings' section of template."
  },
  "missing-map-key.yaml": { refused: "Template error: Unable to get mapping for Names::z::b" }
}
