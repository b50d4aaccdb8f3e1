// How DeployStack gives a stack its settings besides parameters.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { AwsDenied } from "../../../src/domain/job/AwsError.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { readEvent } from "../../fixtures.ts"
import {
  deny,
  eventWithBuild,
  failResource,
  invoke,
  operationTokens,
  parameterValues,
  putTemplate,
  recordCalls,
  recordLog,
  runToEnd,
  settings,
  templateWith,
  world,
  worldOf
} from "./world.ts"

const text = { Type: "String" }
const secret = { Type: "String", NoEcho: true }

/** The template for `events/deploy-stack-options.json`. */
const optionsTemplate = templateWith(
  { Image: text, CodeBucket: text, CodeKey: text, Zones: text, Count: text, Debug: text, Secret: secret, Size: text },
  {
    Transform: "AWS::LanguageExtensions",
    Resources: { Role: { Type: "AWS::IAM::Role", Properties: { RoleName: "deploy-test" } } }
  }
)

const configuration = {
  Parameters: { Secret: "hunter2", Size: "small", Count: 1 },
  Tags: { Owner: "team", Stage: "test" },
  StackPolicy: { Statement: [{ Effect: "Allow", Action: "Update:*", Principal: "*", Resource: "*" }] }
}

describe("all options together", () => {
  it.effect("all options together reach the stack, including values from files", () =>
    Effect.gen(function*() {
      const { lines, result: outcome } = yield* recordLog(runToEnd(readEvent("deploy-stack-options")))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      const { parameters, tags, ...rest } = yield* settings
      assert.deepStrictEqual(Object.fromEntries(parameters), {
        Image: "registry/app:7",
        CodeBucket: "codepipeline-us-east-1-123456789012",
        CodeKey: "MyPipeline/MyBuild/gH7iJ9k.zip",
        Zones: "a,b",
        Count: "2",
        Debug: "false",
        Secret: "hunter2",
        Size: "small"
      })
      assert.deepStrictEqual(Object.fromEntries(tags), { Owner: "team", Stage: "production" })
      assert.deepStrictEqual(rest, {
        roleArn: "arn:aws:iam::123456789012:role/deploy",
        notificationArns: ["arn:aws:sns:us-east-1:123456789012:deployments"],
        noEcho: new Set(["Secret"]),
        stackPolicy: JSON.stringify(configuration.StackPolicy),
        terminationProtection: true
      })
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(
      Effect.provide(
        worldOf({
          MyTemplate: { "template.json": optionsTemplate, "production.json": JSON.stringify(configuration) },
          MyBuild: { "image.json": "{\"Uri\":\"registry/app:7\"}" }
        })
      )
    ))
})

describe("tags", () => {
  it.effect("omitted tags stay, and an empty object removes them", () =>
    Effect.gen(function*() {
      const tags = Effect.map(settings, ({ tags }) => Object.fromEntries(tags))
      yield* runToEnd(eventWithBuild({ tags: { Cost: 7 } }))
      assert.deepStrictEqual(yield* tags, { Cost: "7" })
      yield* putTemplate(templateWith({}, { Outputs: { One: { Value: "1" } } }))
      yield* runToEnd(eventWithBuild({}, "2"))
      assert.deepStrictEqual(yield* tags, { Cost: "7" })
      yield* runToEnd(eventWithBuild({ tags: {} }, "3"))
      assert.deepStrictEqual(yield* tags, {})
    }).pipe(Effect.provide(world(templateWith({})))))

  it.effect("UserParameters and template configuration together may have 50 tags", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(
        eventWithBuild({ templateConfiguration: "MyTemplate::c.json", tags: { One: "more" } })
      )
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "There are 51 tags; CloudFormation accepts at most 50"
      })
    }).pipe(Effect.provide(world(templateWith({}), {
      files: {
        "c.json": JSON.stringify({
          Tags: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`T${index}`, "v"]))
        })
      }
    }))))
})

describe("capabilities", () => {
  const role = { Type: "AWS::IAM::Role", Properties: { RoleName: "R" } }
  const template = templateWith({}, { Transform: "AWS::Serverless-2016-10-31", Resources: { Role: role } })
  const head = "CloudFormation does not accept the template of stack \"MyTestStack\" as it is. Requires capabilities : "

  it.effect("missing capabilities are reported with the resources and the JSON that acknowledges all of them", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({ capabilities: ["CAPABILITY_NAMED_IAM"] }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: `${head}[CAPABILITY_AUTO_EXPAND]. The following resource(s) require capabilities: [AWS::IAM::Role]. ` +
          "If the template may do that, add \"capabilities\": [\"CAPABILITY_NAMED_IAM\",\"CAPABILITY_AUTO_EXPAND\"] " +
          "to UserParameters"
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("without GetTemplateSummary, missing capabilities are reported in CloudFormation's words", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:GetTemplateSummary")
      const outcome = yield* invoke(eventWithBuild({}))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: `${head}[CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND]. If the template may do that, ` +
          "add \"capabilities\": [\"CAPABILITY_NAMED_IAM\",\"CAPABILITY_AUTO_EXPAND\"] to UserParameters"
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("a missing capability for macros names no resources", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({}))
      assert.include(outcome.message, `${head}[CAPABILITY_AUTO_EXPAND]. If the template may do that`)
    }).pipe(Effect.provide(world(templateWith({}, { Transform: "M" })))))
})

describe("roleArn", () => {
  it.effect("a role that may not be passed is a PermissionError that names iam:PassRole", () =>
    Effect.gen(function*() {
      const roleArn = "arn:aws:iam::123456789012:role/deploy"
      const cloudFormation = yield* CloudFormation
      const denied = new AwsDenied({
        operation: "cloudformation:CreateStack",
        code: "AccessDenied",
        detail: "User: arn:aws:sts::123456789012:assumed-role/function/f is not authorized to perform: iam:PassRole " +
          `on resource: ${roleArn} because no identity-based policy allows the iam:PassRole action`
      })
      const outcome = yield* Effect.provideService(invoke(eventWithBuild({ roleArn })), CloudFormation, {
        ...cloudFormation,
        create: () => Effect.fail(denied)
      })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "The role of the Lambda function needs iam:PassRole")
      assert.include(outcome.message, roleArn)
    }).pipe(Effect.provide(world(templateWith({})))))
})

describe("disableRollback", () => {
  const fail = failResource("Topic", "No")

  it.effect("disableRollback leaves a failed stack as it is, and the next operation continues from there", () =>
    Effect.gen(function*() {
      yield* fail
      const failed = yield* runToEnd(eventWithBuild({ disableRollback: true }))
      assert.include(failed.message, "Update failed: CREATE_FAILED\nTopic (AWS::SNS::Topic): No")
      assert.include(failed.message, "retry the action: it updates stack \"MyTestStack\" without a rollback")
      const refused = yield* invoke(eventWithBuild({}, "2"))
      assert.include(refused.message, "add \"disableRollback\": true to UserParameters")
      const next = yield* invoke(eventWithBuild({ disableRollback: true }, "3"))
      assert.strictEqual(next.message, "Stack update started")
      assert.deepStrictEqual(yield* operationTokens, ["create-1", "update-3"])
    }).pipe(Effect.provide(world(templateWith({})))))

  it.effect("disableRollback does not help a stack that CloudFormation refuses to update", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ setStatus }) => setStatus("MyTestStack", "CREATE_FAILED"))
      const cloudFormation = yield* CloudFormation
      const outcome = yield* Effect.provideService(invoke(eventWithBuild({ disableRollback: true })), CloudFormation, {
        ...cloudFormation,
        update: (request) => cloudFormation.update({ ...request, disableRollback: false })
      })
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "Stack cannot be updated when status is: CREATE_FAILED")
      assert.notInclude(outcome.message, "disableRollback")
    }).pipe(Effect.provide(world(templateWith({})))))
})

describe("settings in a change set", () => {
  const template = templateWith({ A: text, B: { ...text, Default: "b" } }, {
    Resources: { Role: { Type: "AWS::IAM::Role" } }
  })
  const changeSet = { mode: "CHANGE_SET_DEPLOY", capabilities: ["CAPABILITY_IAM"] }

  it.effect("a change set sets parameters, tags, role and topics, and the action then sets the stack policy", () =>
    Effect.gen(function*() {
      const event = eventWithBuild({
        ...changeSet,
        parameters: { A: "hunter2" },
        tags: { Owner: "team" },
        roleArn: "arn:aws:iam::123456789012:role/deploy",
        notificationArns: ["arn:aws:sns:us-east-1:123456789012:t"],
        terminationProtection: true,
        templateConfiguration: "MyTemplate::c.json"
      })
      const { lines, result } = yield* recordLog(runToEnd(event))
      assert.strictEqual(result._tag, "Succeeded")
      const { parameters, tags, ...rest } = yield* settings
      assert.deepStrictEqual(Object.fromEntries(parameters), { A: "hunter2", B: "b" })
      assert.deepStrictEqual(Object.fromEntries(tags), { Owner: "team" })
      assert.deepInclude(rest, {
        roleArn: "arn:aws:iam::123456789012:role/deploy",
        notificationArns: ["arn:aws:sns:us-east-1:123456789012:t"],
        stackPolicy: "{}",
        terminationProtection: true
      })
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(Effect.provide(world(template, { files: { "c.json": "{\"StackPolicy\":{}}" } }))))

  it.effect("a change set keeps parameter values, and is empty if nothing changes", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({ ...changeSet, parameters: { A: "a", B: "c" } }))
      const same = yield* runToEnd(eventWithBuild(changeSet, "2"))
      assert.include(same.message, "is empty")
      yield* runToEnd(eventWithBuild({ ...changeSet, parameters: { A: "d" } }, "3"))
      assert.deepStrictEqual(yield* parameterValues, { A: "d", B: "c" })
    }).pipe(Effect.provide(world(template))))

  it.effect.each<readonly [what: string, options: object, message: string]>([
    ["a name that the template does not have", { parameters: { Aa: 1 } }, "The template has no parameter \"Aa\""],
    ["no capabilities", { parameters: { A: 1 }, capabilities: [] }, "add \"capabilities\": [\"CAPABILITY_IAM\"]"],
    ["no value", {}, "Error creating change set"]
  ])("a change set with %s is refused", ([, options, message]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({ ...changeSet, ...options }))
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, message)
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world(template))))

  it.effect("a change set is executed without rollback if disableRollback is set", () =>
    Effect.gen(function*() {
      yield* failResource("Role", "No")
      const outcome = yield* runToEnd(eventWithBuild({ ...changeSet, parameters: { A: "a" }, disableRollback: true }))
      assert.include(outcome.message, "CREATE_FAILED")
    }).pipe(Effect.provide(world(template))))
})

describe("terminationProtection", () => {
  const protection = Effect.map(settings, ({ terminationProtection }) => terminationProtection)

  it.effect("termination protection is set at creation, stays, and is set later only if it differs", () =>
    Effect.gen(function*() {
      const create = yield* recordCalls(runToEnd(eventWithBuild({ terminationProtection: true })))
      assert.notInclude(create.calls, "setTerminationProtection")
      assert.isTrue(yield* protection)
      yield* recordCalls(invoke(eventWithBuild({}, "2")))
      assert.isTrue(yield* protection)
      const same = yield* recordCalls(invoke(eventWithBuild({ terminationProtection: true }, "3")))
      assert.deepStrictEqual(same.calls, ["describe", "events", "update", "describe"])
      const off = yield* recordCalls(invoke(eventWithBuild({ terminationProtection: false }, "4")))
      assert.deepStrictEqual(off.calls, ["describe", "events", "setTerminationProtection", "update", "describe"])
      assert.strictEqual(off.result.message, "There were no stack updates")
      assert.isFalse(yield* protection)
    }).pipe(Effect.provide(world(templateWith({})))))

  it.effect("termination protection that may not be set is a PermissionError, and nothing is started", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({}))
      yield* deny("cloudformation:UpdateTerminationProtection")
      yield* TestClock.adjust("1 hour")
      const outcome = yield* invoke(eventWithBuild({ terminationProtection: true }, "2"))
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "needs cloudformation:UpdateTerminationProtection")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world(templateWith({})))))
})

it.effect.each<readonly [options: Readonly<Record<string, unknown>>, message: string]>([
  [{ capabilities: ["CAPABILITY_ADMIN"] }, "\"capabilities[0]\": expected \"CAPABILITY_IAM\" | "],
  [{ roleArn: "deploy" }, "\"roleArn\": expected the ARN of an IAM role, got \"deploy\""],
  [{ notificationArns: ["topic"] }, "\"notificationArns[0]\": expected the ARN of an SNS topic, got \"topic\""],
  [
    { notificationArns: Array.from({ length: 6 }, () => "arn:aws:sns:r:1:t") },
    "\"notificationArns\": expected at most 5 ARNs of SNS topics, got an array"
  ],
  [{ tags: { "": "a" } }, "\"tags\" has an empty key: a key has 1 to 128 characters"],
  [{ tags: { Owner: "" } }, "The tag \"Owner\" has an empty value: a value has 1 to 256 characters"],
  [{ disableRollback: "true" }, "\"disableRollback\": expected boolean, got \"true\""],
  [{ stackPolicy: {} }, "\"stackPolicy\" is not known"]
])("the option %j is rejected", ([options, message]) =>
  Effect.gen(function*() {
    const outcome = yield* invoke(eventWithBuild(options))
    assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
    assert.include(outcome.message, message)
  }).pipe(Effect.provide(world(templateWith({})))))
