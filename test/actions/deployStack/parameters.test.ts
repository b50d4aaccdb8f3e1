// How DeployStack gives a stack its parameters.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation, UnknownParameters } from "../../../src/services/CloudFormation.ts"
import { deployEvent } from "../../fixtures.ts"
import {
  deny,
  eventWithBuild,
  file,
  invoke,
  operationTokens,
  parameterValues,
  putTemplate,
  recordCalls,
  recordLog,
  runToEnd,
  settings,
  templateWith,
  world
} from "./world.ts"

const text = { Type: "String" }

describe("parameters of a stack", () => {
  const template = templateWith({ A: text, B: { ...text, Default: "default" } })

  it.effect("parameters that the template does not have are refused by name before anything starts", () =>
    Effect.gen(function*() {
      const { lines, result } = yield* recordLog(
        invoke(eventWithBuild({ parameters: { A: "a", Bb: "hunter2", Other: 1 } }))
      )
      assert.deepInclude(result, {
        type: "ConfigurationError",
        message: "The template has no parameter \"Bb\" (did you mean \"B\"?); " +
          "The template has no parameter \"Other\" (it has \"A\", \"B\")"
      })
      assert.isEmpty(yield* operationTokens)
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(Effect.provide(world(template))))

  it.effect("parameters without values are reported in CloudFormation's words", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({}))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Error creating CloudFormation stack \"MyTestStack\": Parameters: [A] must have values"
      })
    }).pipe(Effect.provide(world(template))))

  it.effect("an update keeps the values of omitted parameters, and leaves out those that the template no longer has", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({ parameters: { A: "a", B: "b" } }))
      yield* putTemplate(templateWith({ B: { ...text, Default: "default" }, C: text }))
      const outcome = yield* runToEnd(eventWithBuild({ parameters: { C: "c" } }, "2"))
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* parameterValues, { B: "b", C: "c" })
    }).pipe(Effect.provide(world(template))))

  it.effect("an update with only the required UserParameters keeps all parameter values", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({ parameters: { A: "a", B: "b" } }))
      yield* putTemplate(templateWith({ A: text, B: text }))
      assert.strictEqual((yield* runToEnd(eventWithBuild({}, "2")))._tag, "Succeeded")
      assert.deepStrictEqual(yield* parameterValues, { A: "a", B: "b" })
    }).pipe(Effect.provide(world(template))))

  it.effect("another value is an update, the same value is none", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({ parameters: { A: "a" } }))
      assert.strictEqual(
        (yield* invoke(eventWithBuild({ parameters: { A: "a" } }, "2"))).message,
        "There were no stack updates"
      )
      assert.strictEqual(
        (yield* invoke(eventWithBuild({ parameters: { A: "b" } }, "3"))).message,
        "Stack update started"
      )
    }).pipe(Effect.provide(world(template))))

  it.effect.each([["an object", { Ref: "hunter2" }], ["an array", ["hunter2,"]]])(
    "a parameter cannot be %s",
    ([kind, value]) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(eventWithBuild({ parameters: { A: value } }))
        assert.deepInclude(outcome, { type: "ConfigurationError" })
        assert.match(outcome.message, new RegExp(`^"parameters\\.A": expected a string, .* got ${kind}$`))
        assert.notInclude(outcome.message, "hunter2")
      }).pipe(Effect.provide(world(template)))
  )

  it.effect("a number keeps the text that it has in UserParameters", () =>
    Effect.gen(function*() {
      const numbers =
        "{\"stack\":\"MyTestStack\",\"file\":\"template-package/template.json\",\"artifact\":\"MyTemplate\"," +
        "\"timeoutMinutes\":10.0,\"parameters\":{\"A\":1.10,\"B\":12345678901234567890},\"tags\":{\"Version\":1e3}}"
      const outcome = yield* invoke(deployEvent({ id: "1", userParameters: numbers }))
      assert.strictEqual(outcome.message, "Stack create started")
      assert.deepStrictEqual(yield* parameterValues, { A: "1.10", B: "12345678901234567890" })
      assert.deepStrictEqual(Object.fromEntries((yield* settings).tags), { Version: "1e3" })
    }).pipe(Effect.provide(world(template))))

  it.effect("null resets a parameter to the template's default, instead of the stack's value", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({ parameters: { A: "a", B: "c" } }))
      yield* runToEnd(eventWithBuild({ parameters: { B: null } }, "2"))
      assert.deepStrictEqual(yield* parameterValues, { A: "a", B: "default" })
    }).pipe(Effect.provide(world(template))))

  it.effect("a value of too many bytes is refused with the parameter's name", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(
        eventWithBuild({ parameters: { A: { "Fn::GetParam": ["MyBuild", "long.json", "A"] } } })
      )
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "The value of parameter \"A\" has 4097 bytes; CloudFormation accepts at most 4096"
      })
    }).pipe(Effect.provide(world(template, { build: { "long.json": JSON.stringify({ A: "x".repeat(4_097) }) } }))))
})

describe("without permission to call GetTemplateSummary", () => {
  const denied = deny("cloudformation:GetTemplateSummary")

  it.effect("a stack with parameters is created, and the log says what was not checked", () =>
    Effect.gen(function*() {
      yield* denied
      const { lines, result } = yield* recordLog(invoke(eventWithBuild({ parameters: { A: "hunter2" } })))
      assert.strictEqual(result.message, "Stack create started")
      const warnings = lines.filter((line) => line.includes("GetTemplateSummary"))
      assert.lengthOf(warnings, 1)
      assert.include(warnings[0], "The template's parameters are unknown before the call")
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(Effect.provide(world(templateWith({ A: text })))))

  it.effect("CloudFormation's refusal names the parameters that the template does not have", () =>
    Effect.gen(function*() {
      yield* denied
      const outcome = yield* invoke(eventWithBuild({ parameters: { A: "a", Other: "hunter2" } }))
      assert.deepInclude(outcome, { type: "ConfigurationError", message: "The template has no parameter \"Other\"" })
    }).pipe(Effect.provide(world(templateWith({ A: text })))))

  it.effect("a stack is updated even if the template no longer has one of its parameters", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWithBuild({ parameters: { A: "a", B: "b" } }))
      yield* denied
      yield* putTemplate(templateWith({ B: { ...text, Default: "default" } }))
      assert.strictEqual((yield* runToEnd(eventWithBuild({}, "2")))._tag, "Succeeded")
      assert.deepStrictEqual(yield* parameterValues, { B: "b" })
    }).pipe(Effect.provide(world(templateWith({ A: text, B: text })))))
})

it.effect("an update that CloudFormation refuses twice for the same parameter is not retried", () =>
  Effect.gen(function*() {
    yield* runToEnd(eventWithBuild({ parameters: { A: "a" } }))
    const cloudFormation = yield* CloudFormation
    let calls = 0
    const outcome = yield* Effect.provideService(invoke(eventWithBuild({}, "2")), CloudFormation, {
      ...cloudFormation,
      update: ({ stack }) => Effect.andThen(Effect.sync(() => calls++), new UnknownParameters({ stack, names: ["A"] }))
    })
    assert.deepInclude(outcome, { type: "ConfigurationError", message: "The template has no parameter \"A\"" })
    assert.strictEqual(calls, 2)
  }).pipe(Effect.provide(world(templateWith({ A: text })))))

describe("calls that a job makes before the operation", () => {
  it.effect("a job with only the required UserParameters makes DescribeStacks and the operation", () =>
    Effect.gen(function*() {
      const { calls } = yield* recordCalls(invoke(eventWithBuild({})))
      assert.deepStrictEqual(calls, ["describe", "create"])
    }).pipe(Effect.provide(world(templateWith({})))))

  it.effect("options other than parameters need no more calls", () =>
    Effect.gen(function*() {
      const { calls } = yield* recordCalls(
        invoke(eventWithBuild({ tags: { A: "a" }, capabilities: ["CAPABILITY_IAM"], terminationProtection: true }))
      )
      assert.deepStrictEqual(calls, ["describe", "create"])
    }).pipe(Effect.provide(world(templateWith({})))))

  it.effect("parameters need one more call, GetTemplateSummary", () =>
    Effect.gen(function*() {
      const { calls } = yield* recordCalls(invoke(eventWithBuild({ parameters: { A: "a" } })))
      assert.deepStrictEqual(calls, ["describe", "templateSummary", "create"])
    }).pipe(Effect.provide(world(templateWith({ A: text })))))
})

const from = (file: string, key: string) => ({ "Fn::GetParam": ["MyBuild", file, key] })

const place = (file: string) => `cannot be read from "${file}" in artifact "MyBuild"`

describe("Fn::GetParam", () => {
  const template = templateWith({ A: text, B: text, C: text })

  it.effect("Fn::GetParam reads each file once", () =>
    Effect.gen(function*() {
      const files: Array<string> = []
      const store = yield* ArtifactStore
      const parameters = { A: from("out.json", "A"), B: from("out.json", "B"), C: from("c.json", "C") }
      yield* Effect.provideService(invoke(eventWithBuild({ parameters })), ArtifactStore, {
        ...store,
        read: (job, file) => Effect.andThen(Effect.sync(() => files.push(file.file)), store.read(job, file))
      })
      assert.deepStrictEqual(yield* parameterValues, { A: "a", B: "2", C: "true" })
      assert.sameMembers(files, [file, "out.json", "c.json"])
    }).pipe(
      Effect.provide(world(template, { build: { "out.json": "{\"A\":\"a\",\"B\":2}", "c.json": "{\"C\":true}" } }))
    ))

  it.effect("Fn::GetParam reports all values that cannot be read, and shows none", () =>
    Effect.gen(function*() {
      const parameters = { A: from("out.json", "Aa"), B: from("out.json", "B"), C: from("bad.json", "C") }
      const outcome = yield* invoke(eventWithBuild({ parameters }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: [
          `The value of parameter "A" ${place("out.json")}: it has no key "Aa" at its top (did you mean "A"?)`,
          `The value of parameter "B" ${place("out.json")}: its "B" is not a string, a number, true or false`,
          `The value of parameter "C" ${place("bad.json")}: it is not JSON: error in line 1, column 1`
        ].join("; ")
      })
    }).pipe(
      Effect.provide(world(template, { build: { "out.json": "{\"A\":\"hunter2\",\"B\":{}}", "bad.json": "hunter2" } }))
    ))

  it.effect("Fn::GetParam of a missing file is RevisionUnavailable", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({ parameters: { A: from("out.jsn", "A") } }))
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "Similar names: \"out.json\"")
    }).pipe(Effect.provide(world(template, { build: { "out.json": "{}" } }))))
})

const att = (attribute: string) => ({ "Fn::GetArtifactAtt": ["MyBuild", attribute] })

describe("Fn::GetArtifactAtt", () => {
  it.effect("Fn::GetArtifactAtt returns the location of the artifact in the event", () =>
    Effect.gen(function*() {
      yield* invoke(eventWithBuild({ parameters: { A: att("BucketName"), B: att("ObjectKey"), C: att("URL") } }))
      assert.deepStrictEqual(yield* parameterValues, {
        A: "codepipeline-us-east-1-123456789012",
        B: "MyPipeline/MyBuild/gH7iJ9k.zip",
        C: "https://s3.us-east-1.amazonaws.com/codepipeline-us-east-1-123456789012/MyPipeline/MyBuild/gH7iJ9k.zip"
      })
    }).pipe(Effect.provide(world(templateWith({ A: text, B: text, C: text })))))

  it.effect("Fn::GetArtifactAtt of an artifact that the action does not have is RevisionUnavailable", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(
        eventWithBuild({ parameters: { A: { "Fn::GetArtifactAtt": ["MyBuilds", "URL"] } } })
      )
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "Did you mean \"MyBuild\"?")
    }).pipe(Effect.provide(world(templateWith({ A: text })))))
})

describe("templateConfiguration", () => {
  it.effect("a template configuration may use functions", () =>
    Effect.gen(function*() {
      yield* invoke(eventWithBuild({ templateConfiguration: "MyTemplate::dir/c.json" }))
      assert.deepStrictEqual(yield* parameterValues, { A: "MyPipeline/MyBuild/gH7iJ9k.zip" })
    }).pipe(
      Effect.provide(
        world(templateWith({ A: text }), {
          files: { "dir/c.json": "{\"Parameters\":{\"A\":{\"Fn::GetArtifactAtt\":[\"MyBuild\",\"ObjectKey\"]}}}" }
        })
      )
    ))

  it.effect("an invalid template configuration is reported with its file and all problems", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWithBuild({ templateConfiguration: "MyTemplate::c.json" }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "The template configuration \"c.json\" in artifact \"MyTemplate\" cannot be used: " +
          "\"Tag\" is not known (did you mean \"Tags\"?); \"StackPolicy\": expected object, got \"deny\""
      })
    }).pipe(
      Effect.provide(world(templateWith({}), { files: { "c.json": "{\"Tag\":{},\"StackPolicy\":\"deny\"}" } }))
    ))

  it.effect.each(["c.json", "::c.json", "MyTemplate::"])(
    "templateConfiguration %s is not the name of a file in an artifact",
    (place) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(eventWithBuild({ templateConfiguration: place }))
        assert.deepInclude(outcome, {
          type: "ConfigurationError",
          message: `"templateConfiguration": expected "Artifact::path/in/it.json", got "${place}"`
        })
      }).pipe(Effect.provide(world(templateWith({}))))
  )
})
