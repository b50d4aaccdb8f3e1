// The contract of CloudFormation for parameters, capabilities and other settings.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { sampleTemplate } from "../../fixtures.ts"
import {
  absentArn,
  create,
  createdWith,
  describeStack,
  otherTemplate,
  settings,
  stack,
  statusOf,
  templateSummary,
  update,
  values,
  withParameters,
  withRole,
  World,
  worlds
} from "./world.ts"

describe.each(worlds)("CloudFormation $name: settings", ({ world }) => {
  it.effect("the summary of a template has its parameters, and the required capabilities with the reason", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* templateSummary(withParameters), {
        parameters: [
          { name: "Size", hasDefault: false, noEcho: false, type: "String", allowedValues: [] },
          { name: "Count", hasDefault: true, noEcho: false, type: "Number", allowedValues: [] },
          { name: "Secret", hasDefault: false, noEcho: true, type: "String", allowedValues: [] }
        ],
        capabilities: [],
        capabilitiesReason: undefined,
        unrecognizedResourceTypes: []
      })
      assert.deepStrictEqual(yield* templateSummary(withRole({}, { Transform: "AWS::Serverless-2016-10-31" })), {
        parameters: [],
        capabilities: ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        capabilitiesReason: "The following resource(s) require capabilities: [AWS::IAM::Role]",
        unrecognizedResourceTypes: []
      })
      const error = yield* Effect.flip(templateSummary("{}"))
      assert.deepInclude(error, { _tag: "AwsRejected", operation: "cloudformation:GetTemplateSummary" })
    }).pipe(Effect.provide(world)))

  it.effect("a stack has the given values and the template's defaults, and shows the parameters' names only", () =>
    Effect.gen(function*() {
      yield* create({ templateBody: withParameters, parameters: values })
      assert.deepStrictEqual((yield* settings(stack)).parameters, { Size: "large", Count: "1", Secret: "hunter2" })
      const seen = Option.getOrThrow(yield* describeStack(stack))
      assert.deepStrictEqual([...seen.parameters], [["Size", "large"], ["Count", "1"], ["Secret", "****"]])
      assert.notInclude(JSON.stringify(seen), "hunter2")
    }).pipe(Effect.provide(world)))

  it.effect("parameters without values are rejected by name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(create({ templateBody: withParameters, parameters: values.slice(0, 1) }))
      assert.deepInclude(error, { _tag: "AwsRejected", detail: "Parameters: [Secret] must have values" })
    }).pipe(Effect.provide(world)))

  it.effect.each([["with other", withParameters], ["without", sampleTemplate]])(
    "unknown parameters are rejected by name, for a template %s parameters",
    ([, templateBody]) =>
      Effect.gen(function*() {
        const parameters = [{ name: "Old", value: "hunter2" }, { name: "Older", usePreviousValue: true } as const]
        const error = yield* Effect.flip(create({ templateBody, parameters }))
        assert.deepInclude(error, { _tag: "UnknownParameters", stack, names: ["Old", "Older"] })
      }).pipe(Effect.provide(world))
  )

  it.effect("an update keeps a value only if it asks for the previous value, and returns to the default otherwise", () =>
    Effect.gen(function*() {
      yield* createdWith({ templateBody: withParameters, parameters: [...values, { name: "Count", value: "7" }] })
      const kept = ["Size", "Secret"].map((name) => ({ name, usePreviousValue: true } as const))
      assert.strictEqual((yield* settings(stack)).parameters["Count"], "7")
      yield* update({ templateBody: withParameters, parameters: kept })
      yield* World.use(({ completeOperation }) => completeOperation(stack))
      assert.deepStrictEqual((yield* settings(stack)).parameters, { Size: "large", Count: "1", Secret: "hunter2" })
    }).pipe(Effect.provide(world)))

  it.effect("other values are an update, the same values are none", () =>
    Effect.gen(function*() {
      yield* createdWith({ templateBody: withParameters, parameters: values })
      const same = yield* Effect.flip(update({ templateBody: withParameters, parameters: values }))
      assert.strictEqual(same._tag, "NoUpdates")
      yield* update({ templateBody: withParameters, parameters: [...values, { name: "Count", value: "2" }] })
      assert.deepStrictEqual(yield* statusOf(stack), Option.some("UPDATE_IN_PROGRESS"))
    }).pipe(Effect.provide(world)))

  it.effect.each<readonly [what: string, template: string, required: ReadonlyArray<string>]>([
    ["roles", withRole({}), ["CAPABILITY_IAM"]],
    ["roles with names", withRole({ RoleName: "R" }), ["CAPABILITY_NAMED_IAM"]],
    ["macros", JSON.stringify({ Transform: ["M"], Resources: {} }), ["CAPABILITY_AUTO_EXPAND"]]
  ])("a template with %s requires capabilities", ([, templateBody, required]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* Effect.flip(create({ templateBody })), {
        _tag: "InsufficientCapabilities",
        stack,
        required,
        reason: `Requires capabilities : [${required.join(", ")}]`
      })
      yield* create({ templateBody, capabilities: ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"] })
    }).pipe(Effect.provide(world)))

  it.effect("omitted tags, topics, role and policy stay, and an empty list removes tags and topics", () =>
    Effect.gen(function*() {
      const [topic, roleArn] = ["arn:aws:sns:eu-central-1:123456789012:T", "arn:aws:iam::123456789012:role/R"]
      const stackPolicy = "{\"Statement\":[]}"
      yield* createdWith({
        tags: new Map([["Owner", "a & b"], ["Stage", "test"]]),
        notificationArns: [topic],
        roleArn,
        stackPolicy
      })
      const before = { parameters: {}, tags: { Owner: "a & b", Stage: "test" }, topics: [topic], roleArn, stackPolicy }
      assert.deepStrictEqual(yield* settings(stack), before)
      yield* update({ templateBody: otherTemplate })
      yield* World.use(({ completeOperation }) => completeOperation(stack))
      assert.deepStrictEqual(yield* settings(stack), before)
      yield* update({
        templateBody: otherTemplate,
        clientRequestToken: "update-2",
        tags: new Map(),
        notificationArns: []
      })
      yield* World.use(({ completeOperation }) => completeOperation(stack))
      assert.deepStrictEqual(yield* settings(stack), { ...before, tags: {}, topics: [] })
    }).pipe(Effect.provide(world)))

  it.effect("the stack policy can be set at creation and later", () =>
    Effect.gen(function*() {
      const policy = Effect.map(settings(stack), ({ stackPolicy }) => stackPolicy)
      const id = yield* create({ stackPolicy: "{\"Statement\":[]}" })
      assert.strictEqual(yield* policy, "{\"Statement\":[]}")
      yield* CloudFormation.use(({ setStackPolicy }) => setStackPolicy(id, "{}"))
      assert.strictEqual(yield* policy, "{}")
      const error = yield* Effect.flip(CloudFormation.use(({ setStackPolicy }) => setStackPolicy(absentArn, "{}")))
      assert.deepInclude(error, { _tag: "AwsRejected", operation: "cloudformation:SetStackPolicy" })
    }).pipe(Effect.provide(world)))
})
