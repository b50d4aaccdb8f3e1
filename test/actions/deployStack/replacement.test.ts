// What REPLACE_ON_FAILURE checks before it deletes a stack, and what it takes from it.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { AwsRejected, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import type { FailureType } from "../../../src/domain/job/JobOutcome.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import {
  deny,
  eventOf,
  failResource,
  invoke,
  nextEvent,
  operationTokens,
  parameterValues,
  putTemplate,
  required,
  runToEnd,
  setStatus,
  statusOfStack,
  templateWith,
  world
} from "./world.ts"

const first = templateWith({
  Size: { Type: "String" },
  Count: { Type: "Number", Default: 1 },
  Secret: { Type: "String", NoEcho: true, Default: "changeme" }
})

const replace = { mode: "REPLACE_ON_FAILURE" }
const event = (options: object = {}) => eventOf({ ...replace, ...options }, { id: "2" })

/** A stack whose creation failed, with values that only it has. */
const broken = (values: object = { Size: "large", Count: 3, Secret: "hunter2" }) =>
  Effect.gen(function*() {
    yield* failResource("Topic", "quota")
    yield* runToEnd(eventOf({ parameters: values }, { id: "1" }))
  })

/** The stack is refused, and still there. */
const assertKept = (options: object, expected: RegExp, type: FailureType = "ConfigurationError") =>
  Effect.gen(function*() {
    const outcome = yield* invoke(event(options))
    assert.deepInclude(outcome, { _tag: "Failed", type })
    assert.match(outcome.message, expected)
    assert.notInclude(outcome.message, "hunter2")
    assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    assert.deepInclude(yield* statusOfStack, { value: "ROLLBACK_COMPLETE" })
  })

const unavailable = (operation: string) =>
  new AwsUnavailable({ operation, code: "InternalFailure", detail: "try again" })
const rejected = (operation: string) => new AwsRejected({ operation, code: "ValidationError", detail: "no" })

describe("REPLACE_ON_FAILURE", () => {
  it.effect("creates the stack with the values that CloudFormation shows of the deleted one", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* runToEnd(eventOf({ ...replace, parameters: { Size: "large", Count: 3, Secret: "hunter2" } }, { id: "1" }))
      yield* setStatus("ROLLBACK_COMPLETE")
      const outcome = yield* runToEnd(event({ parameters: { Secret: "hunter3" } }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete: the stack was created" })
      assert.deepStrictEqual(yield* parameterValues, { Size: "large", Count: "3", Secret: "hunter3" })
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps the values that are shown even if the template cannot be read again after the delete", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* runToEnd(eventOf({ ...replace, parameters: { Size: "large", Count: 3 } }, { id: "1" }))
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* putTemplate(templateWith({ Size: { Type: "String" } }))
      const replacing = yield* invoke(event())
      const deleting = yield* invoke(nextEvent(replacing, "3", { ...required, ...replace }))
      assert.strictEqual(deleting.message, "Stack delete started")
      yield* TestClock.adjust("1 minute")
      yield* deny("cloudformation:GetTemplateSummary")
      yield* invoke(nextEvent(deleting, "4", { ...required, ...replace }))
      assert.deepStrictEqual(yield* parameterValues, { Size: "large" })
    }).pipe(Effect.provide(world(templateWith({ Size: { Type: "String" }, Count: { Type: "Number", Default: 1 } })))))

  it.effect("keeps the values if the job that deletes the stack is delivered again after the delete", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* runToEnd(eventOf({ ...replace, parameters: { Size: "large", Secret: "x" } }, { id: "1" }))
      yield* setStatus("ROLLBACK_COMPLETE")
      const options = { ...required, ...replace, parameters: { Secret: "y" } }
      const replacing = yield* invoke(event({ parameters: { Secret: "y" } }))
      assert.deepStrictEqual(yield* operationTokens, ["delete-1", "create-1"])
      const deletes = nextEvent(replacing, "3", options)
      yield* invoke(deletes)
      yield* TestClock.adjust("1 minute")
      // The first delivery was never reported.
      assert.strictEqual((yield* invoke(deletes)).message, "Stack create started")
      assert.deepInclude(yield* parameterValues, { Size: "large", Secret: "y" })
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps the values if DeleteStack does not answer", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* runToEnd(eventOf({ ...replace, parameters: { Size: "large" } }, { id: "1" }))
      yield* setStatus("ROLLBACK_COMPLETE")
      let lost = false
      yield* runToEnd(event()).pipe(
        Effect.updateService(CloudFormation, (service) => ({
          ...service,
          delete: (request) =>
            Effect.andThen(
              service.delete(request),
              Effect.suspend(() =>
                lost ? Effect.void : (lost = true, Effect.fail(unavailable("cloudformation:DeleteStack")))
              )
            )
        }))
      )
      assert.isTrue(lost)
      assert.deepStrictEqual(yield* parameterValues, { Size: "large" })
    }).pipe(Effect.provide(world(templateWith({ Size: { Type: "String" } })))))

  it.effect("takes the template's default for a hidden value if the parameter is null", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* runToEnd(eventOf({ ...replace, parameters: { Size: "large", Secret: "hunter2" } }, { id: "1" }))
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* runToEnd(event({ parameters: { Secret: null, Count: null } }))
      assert.deepStrictEqual(yield* parameterValues, { Size: "large", Count: "1", Secret: "changeme" })
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack whose hidden value would be lost, and names the parameter", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* assertKept(
        {},
        /parameter "Secret" cannot be taken from the stack.*NoEcho.*null for the template's default/
      )
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack if the template has no such parameter", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* assertKept({ parameters: { Secret: "x", Siz: "x" } }, /no parameter "Siz" \(did you mean "Size"\?\)/)
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack if a new parameter has no value", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* putTemplate(templateWith({ DbPassword: { Type: "String" } }))
      yield* assertKept({}, /"DbPassword" must have a value/)
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack if a capability is missing", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* putTemplate(JSON.stringify({
        Resources: { Role: { Type: "AWS::IAM::Role", Properties: { RoleName: "r" } } }
      }))
      yield* assertKept({}, /CAPABILITY_NAMED_IAM.*add "capabilities": \["CAPABILITY_NAMED_IAM"\]/)
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack if a resource type does not exist", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* putTemplate(JSON.stringify({ Resources: { A: { Type: "AWS::Nonsense" } } }))
      yield* assertKept({}, /Unrecognized resource types: \[AWS::Nonsense\]/)
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack if the template is invalid", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* putTemplate("{}")
      yield* assertKept({}, /Error creating .*At least one Resources member must be defined/)
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack if the template needs a bucket and there is none", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* putTemplate(templateWith({}, { Description: "x".repeat(51_200) }))
      yield* assertKept({}, /at most 51200 in a call/)
    }).pipe(Effect.provide(world(first))))

  it.effect("keeps a stack with parameters if the role may not check the template, and names the permission", () =>
    Effect.gen(function*() {
      yield* broken()
      yield* deny("cloudformation:GetTemplateSummary")
      yield* assertKept({}, /is not deleted.*Allow cloudformation:GetTemplateSummary/, "PermissionError")
    }).pipe(Effect.provide(world(first))))

  it.effect("replaces a stack without parameters if the role may not check the template", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      yield* deny("cloudformation:GetTemplateSummary")
      const prepared = yield* invoke(event())
      const started = yield* invoke(nextEvent(prepared, "3", { ...required, ...replace }))
      assert.strictEqual(started.message, "Stack delete started")
    }).pipe(Effect.provide(world())))

  const withoutSummary = Effect.updateService(CloudFormation, (service) => ({
    ...service,
    templateSummary: () => Effect.fail(unavailable("cloudformation:GetTemplateSummary"))
  }))

  it.effect("checks a stack with parameters later if CloudFormation cannot check now", () =>
    Effect.gen(function*() {
      yield* broken()
      const outcome = yield* withoutSummary(invoke(event({ parameters: { Secret: "x" } })))
      assert.deepInclude(outcome, { _tag: "Continued" })
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world(first))))

  it.effect("replaces a stack without parameters even if GetTemplateSummary fails for long", () =>
    Effect.gen(function*() {
      yield* setStatus("ROLLBACK_COMPLETE")
      const outcome = yield* withoutSummary(runToEnd(event()))
      assert.deepInclude(outcome, { _tag: "Succeeded" })
      assert.deepStrictEqual(yield* operationTokens, ["delete-2", "create-2"])
    }).pipe(Effect.provide(world())))
})

describe("an optional call that fails", () => {
  it.effect.each([unavailable, rejected])(
    "GetTemplateSummary does not stop an update with parameters",
    (error) =>
      Effect.gen(function*() {
        yield* runToEnd(eventOf({ parameters: { Size: "large" } }, { id: "1" }))
        const outcome = yield* runToEnd(eventOf({ parameters: { Count: 2 } }, { id: "2" })).pipe(
          Effect.updateService(CloudFormation, (service) => ({
            ...service,
            templateSummary: () => Effect.fail(error("cloudformation:GetTemplateSummary"))
          }))
        )
        assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
        assert.deepInclude(yield* parameterValues, { Size: "large", Count: "2" })
      }).pipe(Effect.provide(world(first)))
  )

  it.effect.each([unavailable, rejected])(
    "DescribeStackEvents and DescribeEvents do not stop a deployment",
    (error) =>
      Effect.gen(function*() {
        const outcome = yield* runToEnd(eventOf({}, { id: "1" })).pipe(
          Effect.updateService(CloudFormation, (service) => ({
            ...service,
            events: () => Effect.fail(error("cloudformation:DescribeStackEvents")),
            failedEvents: () => Effect.fail(error("cloudformation:DescribeEvents"))
          }))
        )
        assert.deepInclude(outcome, { _tag: "Succeeded" })
      }).pipe(Effect.provide(world()))
  )

  it.effect.each([unavailable, rejected])(
    "DescribeStackEvents does not hide a failure",
    (error) =>
      Effect.gen(function*() {
        yield* failResource("Bucket", "quota")
        const outcome = yield* runToEnd(eventOf({}, { id: "1" })).pipe(
          Effect.updateService(CloudFormation, (service) => ({
            ...service,
            events: () => Effect.fail(error("cloudformation:DescribeStackEvents"))
          }))
        )
        assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
        assert.include(outcome.message, "Update failed: ROLLBACK_COMPLETE")
        assert.include(outcome.message, "which could not be read")
      }).pipe(Effect.provide(world(JSON.stringify({ Resources: { Bucket: { Type: "AWS::S3::Bucket" } } }))))
  )
})
