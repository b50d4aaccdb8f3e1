// What operations do to the resources of a template: their order, their changes, and nested stacks.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { stringify } from "yaml"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { create, describe as describeStack, messageOf, stack, textOf, update, withMemory } from "./deploy.ts"

const topic = (Properties: object = {}, attributes: object = {}) => ({
  Type: "AWS::SNS::Topic",
  Properties,
  ...attributes
})

/** The events of the resources since a time, oldest first: seconds, logical id and status. */
const eventsSince = Effect.fnUntraced(function*(name: string, since: number) {
  const { describe, events } = yield* CloudFormation
  const { id } = Option.getOrThrow(yield* describe(name))
  const all = (yield* events(id)).filter(({ physicalResourceId, timestamp }) =>
    physicalResourceId !== id && timestamp >= since
  )
  return all.toReversed().map(({ logicalResourceId, status, timestamp }) =>
    `${(timestamp - since) / 1_000} ${logicalResourceId} ${status}`
  )
})

const tenDays = 864_000_000

it.effect("a resource starts when those that it depends on are complete, by DependsOn or by a reference", () =>
  Effect.gen(function*() {
    yield* create({
      Resources: {
        Last: topic({}, { DependsOn: ["Free", "Policy"] }),
        Policy: { Type: "AWS::SNS::TopicPolicy", Properties: { Topics: [{ Ref: "Topic" }] } },
        Topic: topic({}, { Metadata: { Note: { "Fn::Sub": "${Free.Arn}" } } }),
        Free: topic()
      }
    })
    assert.deepStrictEqual(yield* eventsSince(stack, 0), [
      "0 Free CREATE_IN_PROGRESS",
      "1 Free CREATE_COMPLETE",
      "1 Topic CREATE_IN_PROGRESS",
      "2 Topic CREATE_COMPLETE",
      "2 Policy CREATE_IN_PROGRESS",
      "3 Policy CREATE_COMPLETE",
      "3 Last CREATE_IN_PROGRESS",
      "4 Last CREATE_COMPLETE"
    ])
  }).pipe(withMemory()))

it.effect("after a failure, resources in progress are cancelled and others do not start", () =>
  Effect.gen(function*() {
    yield* CloudFormationMemory.use(({ failResource }) => failResource("B", "quota"))
    const { reason, status } = yield* create({
      Resources: { A: topic(), B: topic(), C: topic(), D: topic({}, { DependsOn: "C" }) }
    })
    assert.deepStrictEqual([status, reason], ["ROLLBACK_COMPLETE", undefined])
    assert.deepStrictEqual((yield* eventsSince(stack, 0)).slice(3), [
      "1 A CREATE_COMPLETE",
      "2 B CREATE_FAILED",
      "2 C CREATE_FAILED"
    ])
  }).pipe(withMemory()))

it.effect("a deletion goes backwards, and keeps resources by their deletion policy", () =>
  Effect.gen(function*() {
    const Resources = {
      Table: { Type: "AWS::DynamoDB::Table", DeletionPolicy: "Retain" },
      Queue: { Type: "AWS::SQS::Queue", Properties: { Name: { Ref: "Table" } } },
      Policy: { Type: "AWS::SQS::QueuePolicy", Properties: { Queues: [{ Ref: "Queue" }] } }
    }
    const { delete: remove, describe } = yield* CloudFormation
    yield* create({ Resources })
    const { id } = Option.getOrThrow(yield* describe(stack))
    yield* remove({ stack, clientRequestToken: "delete" })
    yield* TestClock.adjust("1 day")
    assert.deepStrictEqual(yield* eventsSince(id, tenDays), [
      "0 Policy DELETE_IN_PROGRESS",
      "1 Policy DELETE_COMPLETE",
      "1 Queue DELETE_IN_PROGRESS",
      "2 Queue DELETE_COMPLETE",
      "3 Table DELETE_SKIPPED"
    ])
  }).pipe(withMemory()))

it.effect("an update creates, changes and removes what differs, and nothing else", () =>
  Effect.gen(function*() {
    yield* create({
      Resources: { Same: topic(), Changed: topic(), Removed: topic(), Kept: topic({}, { DeletionPolicy: "Retain" }) }
    })
    yield* update({ Resources: { Added: topic(), Changed: topic({ DisplayName: "x" }), Same: topic() } })
    assert.deepStrictEqual(yield* eventsSince(stack, tenDays), [
      "0 Added CREATE_IN_PROGRESS",
      "0 Changed UPDATE_IN_PROGRESS",
      "1 Added CREATE_COMPLETE",
      "2 Changed UPDATE_COMPLETE",
      "2 Removed DELETE_IN_PROGRESS",
      "2.5 Kept DELETE_SKIPPED",
      "3 Removed DELETE_COMPLETE"
    ])
  }).pipe(withMemory()))

describe("an update has nothing to do", () => {
  const template = {
    Parameters: { Name: { Type: "String", Default: "a" }, Size: { Type: "Number", Default: 1 } },
    Resources: { Topic: topic({ TopicName: { "Fn::Sub": "${Name}" }, Size: 1 }) },
    Outputs: { Name: { Value: { Ref: "Name" } } }
  }
  const isNoUpdate = Effect.fnUntraced(function*(other: object | string) {
    yield* create(template)
    const result = yield* Effect.result(update(other))
    return result._tag === "Failure" && result.failure._tag === "NoUpdates"
  })

  it.effect.each<readonly [what: string, other: object | string]>([
    ["the template is the same", template],
    ["only its format differs", stringify(template)],
    ["only its description differs", { Description: "other", ...template }],
    ["only its metadata differ", { ...template, Metadata: { a: 1 } }],
    ["another function gives the same value", {
      ...template,
      Resources: { Topic: topic({ Size: "1", TopicName: { Ref: "Name" } }) }
    }]
  ])("if %s", ([, other]) =>
    Effect.gen(function*() {
      assert.isTrue(yield* isNoUpdate(other))
    }).pipe(withMemory()))

  it.effect.each<readonly [what: string, other: object]>([
    ["an output differs", { ...template, Outputs: { Name: { Value: "b" } } }],
    ["the metadata of a resource differ", {
      ...template,
      Resources: { Topic: { ...template.Resources.Topic, Metadata: { a: 1 } } }
    }],
    ["the default of a used parameter differs", {
      ...template,
      Parameters: { ...template.Parameters, Name: { Type: "String", Default: "b" } }
    }]
  ])("but not if %s", ([, other]) =>
    Effect.gen(function*() {
      assert.isFalse(yield* isNoUpdate(other))
    }).pipe(withMemory()))
})

it.effect.each<readonly [what: string, before: object, after: object, replacement: string | undefined]>([
  ["another type", topic(), { Type: "AWS::SQS::Queue" }, "True"],
  ["another custom name", topic({ TopicName: "a" }), topic({ TopicName: "b" }), "True"],
  ["a property whose update only its provider knows", topic({ Fifo: true }), topic({}), "Conditional"],
  ["other tags", topic({ Tags: [] }), topic({ Tags: [{ Key: "a", Value: "b" }] }), "False"],
  ["other metadata", topic(), topic({}, { Metadata: { a: 1 } }), "False"]
])(
  "a change set says of %s what is sure about a replacement",
  ([, before, after, replacement]) =>
    Effect.gen(function*() {
      const { createChangeSet, describeChangeSet } = yield* CloudFormation
      const Policy = { Type: "AWS::SNS::TopicPolicy", Properties: { Topics: [{ Ref: "Topic" }] } }
      const Outputs = { Topic: { Value: { Ref: "Topic" } } }
      yield* create({ Resources: { Policy, Topic: before }, Outputs })
      const templateBody = textOf({ Resources: { Policy, Topic: after }, Outputs })
      yield* createChangeSet({ stack, changeSet: "Next", type: "UPDATE", description: "", templateBody })
      yield* TestClock.adjust("1 minute")
      const { changes } = Option.getOrThrow(yield* describeChangeSet({ stack, changeSet: "Next" }))
      assert.deepStrictEqual(changes.map(({ logicalResourceId, replacement }) => [logicalResourceId, replacement]), [
        ["Topic", replacement],
        // What refers to a replaced resource gets its new id.
        ...(replacement === "True" ? [["Policy", "Conditional"]] : [])
      ])
    }).pipe(withMemory())
)

const url = "https://templates.example/network"
const network = (parameters: object = {}) => ({
  Resources: {
    Network: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: url, Parameters: parameters } },
    Topic: topic({ TopicName: { "Fn::GetAtt": ["Network", "Outputs.Name"] } })
  },
  Outputs: { Name: { Value: { "Fn::GetAtt": ["Network", "Outputs.Name"] } }, Id: { Value: { Ref: "Network" } } }
})
const templates = {
  [url]: textOf({
    Parameters: {
      Name: { Type: "String", AllowedValues: ["one", "two"] },
      Zones: { Type: "CommaDelimitedList", Default: "" }
    },
    Resources: { Vpc: { Type: "AWS::EC2::VPC", Properties: { Name: { Ref: "Name" } } } },
    Outputs: { Name: { Value: { "Fn::Sub": "${Name}-${Vpc}" } } }
  })
}

describe("a nested stack", () => {
  it.effect("is a stack with parameters, events and outputs of its own, and is updated and deleted with its parent", () =>
    Effect.gen(function*() {
      const cloudFormation = yield* CloudFormation
      const { outputs } = yield* create(network({ Name: "one" }))
      assert.strictEqual(outputs["Name"], `one-${stack}-Network-Vpc`)
      const id = outputs["Id"] ?? ""
      assert.deepStrictEqual((yield* describeStack(id)).resources, ["Vpc"])
      const changed = yield* update(network({ Name: "two" }))
      assert.deepStrictEqual([changed.outputs["Name"], changed.outputs["Id"]], [`two-${stack}-Network-Vpc`, id])
      assert.strictEqual((yield* describeStack(id)).status, "UPDATE_COMPLETE")
      yield* cloudFormation.delete({ stack, clientRequestToken: "delete" })
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* describeStack(id)).status, "DELETE_COMPLETE")
    }).pipe(withMemory({ templates })))

  it.effect.each<
    readonly [what: string, parameters: object, templates: Readonly<Record<string, string>>, reason: string]
  >([
    ["a parameter is missing", {}, templates, "Parameters: [Name] must have values"],
    ["a parameter is not allowed", { Name: "x" }, templates, "Parameter 'Name' must be one of AllowedValues"],
    [
      "a parameter is unknown",
      { Name: "one", Nmae: "x" },
      templates,
      "Parameters: [Nmae] do not exist in the template"
    ],
    ["a parameter is a list", { Name: ["one"] }, templates, "Value of property Parameters must be an object"],
    ["its template is broken", {}, { [url]: "{" }, "Template format error: JSON not well-formed. (line 1, column 2)"],
    [
      "a capability is missing",
      {},
      { [url]: textOf({ Resources: { Role: { Type: "AWS::IAM::Role" } } }) },
      "Requires capabilities : [CAPABILITY_IAM]"
    ]
  ])("fails with its resource if %s", ([, parameters, templates, reason]) =>
    Effect.gen(function*() {
      const { status } = yield* create(network(parameters))
      assert.strictEqual(status, "ROLLBACK_COMPLETE")
      const { describe, events } = yield* CloudFormation
      const { id } = Option.getOrThrow(yield* describe(stack))
      const failed = (yield* events(id)).find((event) => event.status === "CREATE_FAILED")
      assert.deepStrictEqual([failed?.logicalResourceId, failed?.reason], ["Network", reason])
    }).pipe(withMemory({ templates })))

  it.effect("is updated by every update of its parent, because its template can have changed behind the URL", () => {
    const texts = new Map(Object.entries(templates))
    return Effect.gen(function*() {
      const { outputs } = yield* create(network({ Name: "one" }))
      texts.set(url, (templates[url] ?? "").replace("AWS::EC2::VPC", "AWS::SNS::Topic"))
      yield* update(network({ Name: "one" }))
      assert.strictEqual((yield* describeStack(outputs["Id"] ?? "")).status, "UPDATE_COMPLETE")
      assert.deepStrictEqual(yield* eventsSince(stack, tenDays), [
        "0 Network UPDATE_IN_PROGRESS",
        "1 Network UPDATE_COMPLETE"
      ])
    }).pipe(withMemory({ templates: (url) => texts.get(url) }))
  })

  it.effect("whose template is unknown has no resources, and the run says so", () =>
    Effect.gen(function*() {
      const { notChecked, outputs, status } = yield* create(network())
      assert.strictEqual(status, "CREATE_COMPLETE")
      assert.include(outputs["Name"], "Network")
      assert.include(notChecked, `the template ${url}, which cannot be read`)
    }).pipe(withMemory()))
})

describe("an export", () => {
  const exporting = (value: string) => ({
    Resources: { Topic: topic() },
    Outputs: { Vpc: { Value: value, Export: { Name: { "Fn::Sub": "shared-${AWS::Region}" } } } }
  })
  const importing = { Resources: { Topic: topic({ TopicName: { "Fn::ImportValue": "shared-us-east-1" } }) } }

  it.effect("belongs to one stack, and stays as it is while another stack imports it", () =>
    Effect.gen(function*() {
      const { delete: remove } = yield* CloudFormation
      yield* create(exporting("a"))
      const second = yield* create(exporting("a"), { stack: "Second" })
      assert.strictEqual(second.status, "ROLLBACK_COMPLETE")
      yield* create(importing, { stack: "Importer" })
      assert.strictEqual((yield* update(exporting("b"))).status, "UPDATE_ROLLBACK_COMPLETE")
      yield* remove({ stack, clientRequestToken: "delete-1" })
      yield* TestClock.adjust("1 day")
      const { reason, status } = yield* describeStack(stack)
      assert.strictEqual(status, "UPDATE_ROLLBACK_COMPLETE")
      assert.strictEqual(reason, "Delete canceled. Cannot delete export shared-us-east-1 as it is in use by Importer.")
      yield* remove({ stack: "Importer", clientRequestToken: "delete-2" })
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* update(exporting("b"))).status, "UPDATE_COMPLETE")
    }).pipe(withMemory()))
})

it.effect("what is not checked is listed: always the same, and what the template has besides", () =>
  Effect.gen(function*() {
    const { notChecked } = yield* CloudFormationMemory
    assert.deepStrictEqual(yield* notChecked, [])
    const { capabilities, parameters } = {
      capabilities: ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"] as const,
      parameters: { Ami: "/ami", Vpc: "vpc-1", Name: "x" }
    }
    const created = yield* create({
      Transform: ["AWS::Serverless-2016-10-31", "Count"],
      Globals: {},
      Parameters: {
        Ami: { Type: "AWS::SSM::Parameter::Value<String>" },
        Vpc: { Type: "AWS::EC2::VPC::Id" },
        Name: { Type: "String", AllowedPattern: "(?i)x" }
      },
      Rules: {},
      Resources: {
        Function: { Type: "AWS::Serverless::Function", Properties: { Secret: "{{resolve:ssm:a}}" } },
        Topics: { Type: "AWS::SNS::Topic", Count: 3 }
      },
      Outputs: { Role: { Value: { "Fn::GetAtt": ["FunctionRole", "Arn"] } }, Ami: { Value: { Ref: "Ami" } } }
    }, { capabilities, parameters })
    assert.deepStrictEqual(created.outputs, { Role: `${stack}-FunctionRole.Arn`, Ami: "/ami" })
    assert.deepStrictEqual(created.notChecked, [
      "SAM expansion",
      "macros (Count)",
      "rules",
      "values in Systems Manager (Ami)",
      "whether the resources of parameters exist (Vpc)",
      "patterns (Name)",
      "dynamic references",
      "resource properties",
      "permissions",
      "quotas of the account"
    ])
  }).pipe(withMemory()))

it.effect("a module requires the capability for macros, and what is in it is not checked", () =>
  Effect.gen(function*() {
    const template = {
      Resources: { Bucket: { Type: "My::S3::Bucket::MODULE" } },
      Outputs: { Name: { Value: { Ref: "Bucket.Name" } } }
    }
    const error = yield* Effect.flip(create(template))
    assert.strictEqual(messageOf(error), "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
    const { notChecked, outputs } = yield* create(template, { capabilities: ["CAPABILITY_AUTO_EXPAND"] })
    assert.deepStrictEqual(outputs, { Name: `${stack}-Bucket.Name` })
    assert.include(notChecked, "modules (My::S3::Bucket::MODULE)")
  }).pipe(withMemory()))

const including = (Location: string) => ({
  Resources: {
    Topic: topic({ "Fn::Transform": { Name: "AWS::Include", Parameters: { Location } } }),
    Same: topic()
  }
})

it.effect("the argument of a transform is a change, and the policy of the stack is not checked", () =>
  Effect.gen(function*() {
    const options = { capabilities: ["CAPABILITY_AUTO_EXPAND"] } as const
    yield* create(including("s3://a/one"), options)
    const { setStackPolicy } = yield* CloudFormation
    yield* setStackPolicy(stack, "{}")
    const { notChecked } = yield* update(including("s3://a/two"), options)
    assert.deepStrictEqual(yield* eventsSince(stack, tenDays), [
      "0 Topic UPDATE_IN_PROGRESS",
      "1 Topic UPDATE_COMPLETE"
    ])
    assert.includeMembers([...notChecked], ["macros (AWS::Include)", "the stack policy"])
  }).pipe(withMemory()))

it.effect("a change set requires no capability for macros, but that for IAM", () =>
  Effect.gen(function*() {
    const request = { stack, changeSet: "First", type: "CREATE", description: "" } as const
    const { createChangeSet } = yield* CloudFormation
    const macro = { Transform: "Macro", Resources: { Topic: topic() } }
    yield* createChangeSet({ ...request, templateBody: textOf(macro) })
    const role = { ...macro, Resources: { Role: { Type: "AWS::IAM::Role" } } }
    const error = yield* Effect.flip(createChangeSet({ ...request, changeSet: "Second", templateBody: textOf(role) }))
    assert.deepInclude(error, { _tag: "InsufficientCapabilities", required: ["CAPABILITY_IAM"] })
  }).pipe(withMemory()))

it.effect("values are checked against the default too, and the capabilities of SAM are those of its roles", () =>
  Effect.gen(function*() {
    const Parameters = { Stage: { Type: "String", Default: "test", AllowedValues: ["a"] } }
    const error = yield* Effect.flip(create({ Parameters, Resources: { Topic: topic() } }))
    assert.strictEqual(messageOf(error), "Parameter 'Stage' must be one of AllowedValues")
    const sam = { Transform: "AWS::Serverless-2016-10-31", Resources: { F: { Type: "AWS::Serverless::Function" } } }
    const missing = yield* Effect.flip(create(sam))
    assert.strictEqual(messageOf(missing), "Requires capabilities : [CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]")
  }).pipe(withMemory()))
