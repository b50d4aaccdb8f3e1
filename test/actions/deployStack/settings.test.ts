import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import { AwsDenied } from "../../../src/domain/job/AwsError.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation, UnknownParameters } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import { deployEvent, readEvent } from "../../fixtures.ts"

const templateOf = (parameters: object, more: object = {}) =>
  JSON.stringify({ Parameters: parameters, Resources: { Topic: { Type: "AWS::SNS::Topic" } }, ...more })

const text = { Type: "String" }
const secret = { Type: "String", NoEcho: true }

/** Of `events/deploy-stack-options.json`. */
const optionsTemplate = templateOf(
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

type Files = Readonly<Record<string, string>>

const world = (template: Files, build: Files = {}) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer({ MyTemplate: template, MyBuild: build }),
    CloudFormationMemory.layer(),
    CodePipelineMemory.layer
  )

const minimal = { stack: "MyTestStack", file: "t", artifact: "MyTemplate" }

/** The second artifact of `events/deploy-stack-options.json` is there too. */
const asking = (options: Readonly<Record<string, unknown>>, id = "1") =>
  deployEvent({
    id,
    userParameters: JSON.stringify({ ...minimal, ...options }),
    inputArtifacts: readEvent("deploy-stack-options")["CodePipeline.job"].data["inputArtifacts"]
  })

const invoke = (event: unknown) => drive(JobRunner.run(DeployStack, event))

const runToEnd = (event: unknown) =>
  drive(LocalPipeline.run({ event, invoke: (event) => JobRunner.run(DeployStack, event) }))

const put = (template: string) => ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { t: template }))

const settings = CloudFormationMemory.use(({ settingsOf }) => settingsOf("MyTestStack")).pipe(
  Effect.map(Option.getOrThrow)
)
const values = Effect.map(settings, ({ parameters }) => Object.fromEntries(parameters))
const operationTokens = CloudFormationMemory.useSync(({ operationTokens }) => [...operationTokens])
const deny = (operation: string) => CloudFormationMemory.use(({ deny }) => deny(operation))

/** What is logged, as text. */
const logging = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
    return Effect.map(Effect.provide(effect, Logger.layer([logger])), (result) => ({ result, lines }))
  })

/** Which calls of CloudFormation are made. */
const counting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const calls: Array<string> = []
    const cloudFormation = yield* CloudFormation
    const counted = Object.fromEntries(
      Object.entries(cloudFormation).map(([name, call]) => [name, (...args: ReadonlyArray<never>) => {
        calls.push(name)
        return (call as (...args: ReadonlyArray<never>) => unknown)(...args)
      }])
    ) as unknown as CloudFormation["Service"]
    return { result: yield* Effect.provideService(effect, CloudFormation, counted), calls }
  })

describe("every option at once", () => {
  it.effect("gives all of it to the stack, the values of the files in their place", () =>
    Effect.gen(function*() {
      const { lines, result: outcome } = yield* logging(runToEnd(readEvent("deploy-stack-options")))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
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
        stackPolicy: JSON.stringify(configuration.StackPolicy),
        terminationProtection: true
      })
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(
      Effect.provide(
        world(
          { "template.json": optionsTemplate, "production.json": JSON.stringify(configuration) },
          { "image.json": "{\"Uri\":\"registry/app:7\"}" }
        )
      )
    ))
})

describe("parameters", () => {
  const template = templateOf({ A: text, B: { ...text, Default: "default" } })

  it.effect("that the template does not have are refused by name, before anything starts", () =>
    Effect.gen(function*() {
      const { lines, result } = yield* logging(invoke(asking({ parameters: { A: "a", Bb: "hunter2", Other: 1 } })))
      assert.deepInclude(result, {
        type: "ConfigurationError",
        message: "The template has no parameter \"Bb\" (did you mean \"B\"?); " +
          "The template has no parameter \"Other\" (it has \"A\", \"B\")"
      })
      assert.isEmpty(yield* operationTokens)
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("without values are told in CloudFormation's words", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({}))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "Error creating CloudFormation stack \"MyTestStack\": Parameters: [A] must have values"
      })
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("keep their values on an update where they are named nowhere, those that are gone are not named", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({ parameters: { A: "a", B: "b" } }))
      yield* put(templateOf({ B: { ...text, Default: "default" }, C: text }))
      const outcome = yield* runToEnd(asking({ parameters: { C: "c" } }, "2"))
      assert.strictEqual(outcome._tag, "Succeeded")
      assert.deepStrictEqual(yield* values, { B: "b", C: "c" })
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("keep their values on an update by a minimal job too", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({ parameters: { A: "a", B: "b" } }))
      yield* put(templateOf({ A: text, B: text }))
      assert.strictEqual((yield* runToEnd(asking({}, "2")))._tag, "Succeeded")
      assert.deepStrictEqual(yield* values, { A: "a", B: "b" })
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("of another value are an update, of the same are none", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({ parameters: { A: "a" } }))
      assert.strictEqual(
        (yield* invoke(asking({ parameters: { A: "a" } }, "2"))).message,
        "There were no stack updates"
      )
      assert.strictEqual((yield* invoke(asking({ parameters: { A: "b" } }, "3"))).message, "Stack update started")
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect.each([["null", null], ["an object", { Ref: "hunter2" }], ["an array", ["hunter2,"]]])(
    "cannot be %s",
    ([kind, value]) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(asking({ parameters: { A: value } }))
        assert.deepInclude(outcome, { type: "ConfigurationError" })
        assert.match(outcome.message, new RegExp(`^"parameters\\.A": expected a string, .* got ${kind}$`))
        assert.notInclude(outcome.message, "hunter2")
      }).pipe(Effect.provide(world({ t: template })))
  )

  it.effect("of too many bytes are refused, by name", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ parameters: { A: { "Fn::GetParam": ["MyBuild", "long.json", "A"] } } }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "The value of parameter \"A\" has 4097 bytes; CloudFormation takes 4096"
      })
    }).pipe(Effect.provide(world({ t: template }, { "long.json": JSON.stringify({ A: "x".repeat(4_097) }) }))))
})

describe("a role that may not call GetTemplateSummary", () => {
  const denied = deny("cloudformation:GetTemplateSummary")

  it.effect("creates a stack with parameters, and a log line tells what is not checked", () =>
    Effect.gen(function*() {
      yield* denied
      const { lines, result } = yield* logging(invoke(asking({ parameters: { A: "hunter2" } })))
      assert.strictEqual(result.message, "Stack create started")
      const warnings = lines.filter((line) => line.includes("GetTemplateSummary"))
      assert.lengthOf(warnings, 1)
      assert.include(warnings[0], "The template's parameters are not known before the call")
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(Effect.provide(world({ t: templateOf({ A: text }) }))))

  it.effect("is told by CloudFormation of names that the template does not have", () =>
    Effect.gen(function*() {
      yield* denied
      const outcome = yield* invoke(asking({ parameters: { A: "a", Other: "hunter2" } }))
      assert.deepInclude(outcome, { type: "ConfigurationError", message: "The template has no parameter \"Other\"" })
    }).pipe(Effect.provide(world({ t: templateOf({ A: text }) }))))

  it.effect("updates a stack all the same, also where the template has lost a parameter", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({ parameters: { A: "a", B: "b" } }))
      yield* denied
      yield* put(templateOf({ B: { ...text, Default: "default" } }))
      assert.strictEqual((yield* runToEnd(asking({}, "2")))._tag, "Succeeded")
      assert.deepStrictEqual(yield* values, { B: "b" })
    }).pipe(Effect.provide(world({ t: templateOf({ A: text, B: text }) }))))
})

it.effect("CloudFormation that names a parameter again and again is not called for ever", () =>
  Effect.gen(function*() {
    yield* runToEnd(asking({ parameters: { A: "a" } }))
    const cloudFormation = yield* CloudFormation
    let calls = 0
    const outcome = yield* Effect.provideService(invoke(asking({}, "2")), CloudFormation, {
      ...cloudFormation,
      update: ({ stack }) => Effect.andThen(Effect.sync(() => calls++), new UnknownParameters({ stack, names: ["A"] }))
    })
    assert.deepInclude(outcome, { type: "ConfigurationError", message: "The template has no parameter \"A\"" })
    assert.strictEqual(calls, 2)
  }).pipe(Effect.provide(world({ t: templateOf({ A: text }) }))))

describe("calls", () => {
  it.effect("of a minimal job are a look and the operation", () =>
    Effect.gen(function*() {
      const { calls } = yield* counting(invoke(asking({})))
      assert.deepStrictEqual(calls, ["describe", "create"])
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))

  it.effect("of a job whose options name no parameters are no more", () =>
    Effect.gen(function*() {
      const { calls } = yield* counting(
        invoke(asking({ tags: { A: "a" }, capabilities: ["CAPABILITY_IAM"], terminationProtection: true }))
      )
      assert.deepStrictEqual(calls, ["describe", "create"])
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))

  it.effect("of a job that names parameters are one more", () =>
    Effect.gen(function*() {
      const { calls } = yield* counting(invoke(asking({ parameters: { A: "a" } })))
      assert.deepStrictEqual(calls, ["describe", "templateSummary", "create"])
    }).pipe(Effect.provide(world({ t: templateOf({ A: text }) }))))
})

const from = (file: string, key: string) => ({ "Fn::GetParam": ["MyBuild", file, key] })

const place = (file: string) => `cannot be had from "${file}" in artifact "MyBuild"`

describe("Fn::GetParam", () => {
  const template = templateOf({ A: text, B: text, C: text })

  it.effect("reads each file once", () =>
    Effect.gen(function*() {
      const files: Array<string> = []
      const store = yield* ArtifactStore
      const parameters = { A: from("out.json", "A"), B: from("out.json", "B"), C: from("c.json", "C") }
      yield* Effect.provideService(invoke(asking({ parameters })), ArtifactStore, {
        ...store,
        read: (job, file) => Effect.andThen(Effect.sync(() => files.push(file.file)), store.read(job, file))
      })
      assert.deepStrictEqual(yield* values, { A: "a", B: "2", C: "true" })
      assert.sameMembers(files, ["t", "out.json", "c.json"])
    }).pipe(Effect.provide(world({ t: template }, { "out.json": "{\"A\":\"a\",\"B\":2}", "c.json": "{\"C\":true}" }))))

  it.effect("tells all that cannot be had, and no values", () =>
    Effect.gen(function*() {
      const parameters = { A: from("out.json", "Aa"), B: from("out.json", "B"), C: from("bad.json", "C") }
      const outcome = yield* invoke(asking({ parameters }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: [
          `The value of parameter "A" ${place("out.json")}: it has no key "Aa" at its top (did you mean "A"?)`,
          `The value of parameter "B" ${place("out.json")}: its "B" is no string, no number that is exact, ` +
          "and neither true nor false",
          `The value of parameter "C" ${place("bad.json")}: it is not JSON with an object at its top`
        ].join("; ")
      })
    }).pipe(
      Effect.provide(world({ t: template }, { "out.json": "{\"A\":\"hunter2\",\"B\":{}}", "bad.json": "hunter2" }))
    ))

  it.effect("of a file that is not there is RevisionUnavailable", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ parameters: { A: from("out.jsn", "A") } }))
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "near is \"out.json\"")
    }).pipe(Effect.provide(world({ t: template }, { "out.json": "{}" }))))
})

const att = (attribute: string) => ({ "Fn::GetArtifactAtt": ["MyBuild", attribute] })

describe("Fn::GetArtifactAtt", () => {
  it.effect("is where the artifact is, as the event says", () =>
    Effect.gen(function*() {
      yield* invoke(asking({ parameters: { A: att("BucketName"), B: att("ObjectKey"), C: att("URL") } }))
      assert.deepStrictEqual(yield* values, {
        A: "codepipeline-us-east-1-123456789012",
        B: "MyPipeline/MyBuild/gH7iJ9k.zip",
        C: "https://s3.us-east-1.amazonaws.com/codepipeline-us-east-1-123456789012/MyPipeline/MyBuild/gH7iJ9k.zip"
      })
    }).pipe(Effect.provide(world({ t: templateOf({ A: text, B: text, C: text }) }))))

  it.effect("of an artifact that the action does not have is RevisionUnavailable", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ parameters: { A: { "Fn::GetArtifactAtt": ["MyBuilds", "URL"] } } }))
      assert.deepInclude(outcome, { type: "RevisionUnavailable" })
      assert.include(outcome.message, "Did you mean \"MyBuild\"?")
    }).pipe(Effect.provide(world({ t: templateOf({ A: text }) }))))
})

describe("templateConfiguration", () => {
  it.effect("may have functions too, as UserParameters are short", () =>
    Effect.gen(function*() {
      yield* invoke(asking({ templateConfiguration: "MyTemplate::dir/c.json" }))
      assert.deepStrictEqual(yield* values, { A: "MyPipeline/MyBuild/gH7iJ9k.zip" })
    }).pipe(
      Effect.provide(world({
        t: templateOf({ A: text }),
        "dir/c.json": "{\"Parameters\":{\"A\":{\"Fn::GetArtifactAtt\":[\"MyBuild\",\"ObjectKey\"]}}}"
      }))
    ))

  it.effect("that is wrong is told with its file and all that is wrong", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ templateConfiguration: "MyTemplate::c.json" }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "The template configuration \"c.json\" in artifact \"MyTemplate\" cannot be used: " +
          "\"Tag\" is not known (did you mean \"Tags\"?); \"StackPolicy\": expected object, got a string"
      })
    }).pipe(Effect.provide(world({ t: templateOf({}), "c.json": "{\"Tag\":{},\"StackPolicy\":\"hunter2\"}" }))))

  it.effect.each(["c.json", "::c.json", "MyTemplate::"])(
    "%s is not the name of a file in an artifact",
    (place) =>
      Effect.gen(function*() {
        const outcome = yield* invoke(asking({ templateConfiguration: place }))
        assert.deepInclude(outcome, {
          type: "ConfigurationError",
          message: "\"templateConfiguration\": expected \"Artifact::path/in/it.json\", got a string"
        })
      }).pipe(Effect.provide(world({ t: templateOf({}) })))
  )
})

describe("tags", () => {
  it.effect("stay where none are named, and go where there are none", () =>
    Effect.gen(function*() {
      const tags = Effect.map(settings, ({ tags }) => Object.fromEntries(tags))
      yield* runToEnd(asking({ tags: { Cost: 7 } }))
      assert.deepStrictEqual(yield* tags, { Cost: "7" })
      yield* put(templateOf({}, { Description: "other" }))
      yield* runToEnd(asking({}, "2"))
      assert.deepStrictEqual(yield* tags, { Cost: "7" })
      yield* runToEnd(asking({ tags: {} }, "3"))
      assert.deepStrictEqual(yield* tags, {})
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))

  it.effect("of both places are 50 at most", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ templateConfiguration: "MyTemplate::c.json", tags: { One: "more" } }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: "There are 51 tags; CloudFormation takes 50"
      })
    }).pipe(Effect.provide(world({
      t: templateOf({}),
      "c.json": JSON.stringify({
        Tags: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`T${index}`, "v"]))
      })
    }))))
})

describe("capabilities", () => {
  const role = { Type: "AWS::IAM::Role", Properties: { RoleName: "R" } }
  const template = templateOf({}, { Transform: "AWS::Serverless-2016-10-31", Resources: { Role: role } })
  const head = "CloudFormation does not take the template of stack \"MyTestStack\" as it is. Requires capabilities : "

  it.effect("that are missing are told with the resources, and the JSON that gives all of them", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ capabilities: ["CAPABILITY_NAMED_IAM"] }))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: `${head}[CAPABILITY_AUTO_EXPAND]. The following resource(s) require capabilities: [AWS::IAM::Role]. ` +
          "If the template may do that, add \"capabilities\": [\"CAPABILITY_NAMED_IAM\",\"CAPABILITY_AUTO_EXPAND\"] " +
          "to UserParameters"
      })
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("that are missing are told in CloudFormation's words where no more may be known", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:GetTemplateSummary")
      const outcome = yield* invoke(asking({}))
      assert.deepInclude(outcome, {
        type: "ConfigurationError",
        message: `${head}[CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND]. If the template may do that, ` +
          "add \"capabilities\": [\"CAPABILITY_NAMED_IAM\",\"CAPABILITY_AUTO_EXPAND\"] to UserParameters"
      })
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("for macros alone have no resources to name", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({}))
      assert.include(outcome.message, `${head}[CAPABILITY_AUTO_EXPAND]. If the template may do that`)
    }).pipe(Effect.provide(world({ t: templateOf({}, { Transform: "M" }) }))))
})

describe("roleArn", () => {
  it.effect("that the function's role may not pass is PermissionError, naming iam:PassRole", () =>
    Effect.gen(function*() {
      const roleArn = "arn:aws:iam::123456789012:role/deploy"
      const cloudFormation = yield* CloudFormation
      const denied = new AwsDenied({
        operation: "cloudformation:CreateStack",
        code: "AccessDenied",
        detail: "User: arn:aws:sts::123456789012:assumed-role/function/f is not authorized to perform: iam:PassRole " +
          `on resource: ${roleArn} because no identity-based policy allows the iam:PassRole action`
      })
      const outcome = yield* Effect.provideService(invoke(asking({ roleArn })), CloudFormation, {
        ...cloudFormation,
        create: () => Effect.fail(denied)
      })
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "The role of the Lambda function needs iam:PassRole")
      assert.include(outcome.message, roleArn)
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))
})

describe("disableRollback", () => {
  const fail = CloudFormationMemory.use(({ failResource }) => failResource("Topic", "No"))

  it.effect("leaves a failed stack as it is, and the next operation goes on from there", () =>
    Effect.gen(function*() {
      yield* fail
      const failed = yield* runToEnd(asking({ disableRollback: true }))
      assert.include(failed.message, "Update failed: CREATE_FAILED\nTopic (AWS::SNS::Topic): No")
      const refused = yield* invoke(asking({}, "2"))
      assert.include(refused.message, "add \"disableRollback\": true to UserParameters")
      const next = yield* invoke(asking({ disableRollback: true }, "3"))
      assert.strictEqual(next.message, "Stack update started")
      assert.deepStrictEqual(yield* operationTokens, ["create-1", "update-3"])
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))

  it.effect("does not help a stack that CloudFormation does not take up again", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ setStatus }) => setStatus("MyTestStack", "CREATE_FAILED"))
      const cloudFormation = yield* CloudFormation
      const outcome = yield* Effect.provideService(invoke(asking({ disableRollback: true })), CloudFormation, {
        ...cloudFormation,
        update: (request) => cloudFormation.update({ ...request, disableRollback: false })
      })
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "Stack cannot be updated when status is: CREATE_FAILED")
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))
})

describe("a change set", () => {
  const template = templateOf({ A: text, B: { ...text, Default: "b" } }, {
    Resources: { Role: { Type: "AWS::IAM::Role" } }
  })
  const changeSet = { mode: "CHANGE_SET_DEPLOY", capabilities: ["CAPABILITY_IAM"] }

  it.effect("gives a stack its parameters, tags, role and topics, and the log tells what it does not give", () =>
    Effect.gen(function*() {
      const event = asking({
        ...changeSet,
        parameters: { A: "hunter2" },
        tags: { Owner: "team" },
        roleArn: "arn:aws:iam::123456789012:role/deploy",
        notificationArns: ["arn:aws:sns:us-east-1:123456789012:t"],
        terminationProtection: true,
        templateConfiguration: "MyTemplate::c.json"
      })
      const { lines, result } = yield* logging(runToEnd(event))
      assert.strictEqual(result._tag, "Succeeded")
      const { parameters, tags, ...rest } = yield* settings
      assert.deepStrictEqual(Object.fromEntries(parameters), { A: "hunter2", B: "b" })
      assert.deepStrictEqual(Object.fromEntries(tags), { Owner: "team" })
      assert.deepInclude(rest, {
        roleArn: "arn:aws:iam::123456789012:role/deploy",
        notificationArns: ["arn:aws:sns:us-east-1:123456789012:t"],
        stackPolicy: undefined,
        terminationProtection: true
      })
      assert.include(lines.join(), "A change set holds no stack policy")
      assert.notInclude(lines.join(), "hunter2")
    }).pipe(Effect.provide(world({ t: template, "c.json": "{\"StackPolicy\":{}}" }))))

  it.effect("keeps values, and is empty where nothing changes", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({ ...changeSet, parameters: { A: "a", B: "c" } }))
      const same = yield* runToEnd(asking(changeSet, "2"))
      assert.include(same.message, "is empty")
      yield* runToEnd(asking({ ...changeSet, parameters: { A: "d" } }, "3"))
      assert.deepStrictEqual(yield* values, { A: "d", B: "c" })
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect.each<readonly [what: string, options: object, message: string]>([
    ["a name that the template does not have", { parameters: { Aa: 1 } }, "The template has no parameter \"Aa\""],
    ["no capabilities", { parameters: { A: 1 }, capabilities: [] }, "add \"capabilities\": [\"CAPABILITY_IAM\"]"],
    ["no value", {}, "Error creating change set"]
  ])("with %s is refused", ([, options, message]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(asking({ ...changeSet, ...options }))
      assert.deepInclude(outcome, { type: "ConfigurationError" })
      assert.include(outcome.message, message)
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world({ t: template }))))

  it.effect("is executed without a rollback where none is wanted", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ failResource }) => failResource("Role", "No"))
      const outcome = yield* runToEnd(asking({ ...changeSet, parameters: { A: "a" }, disableRollback: true }))
      assert.include(outcome.message, "CREATE_FAILED")
    }).pipe(Effect.provide(world({ t: template }))))
})

describe("terminationProtection", () => {
  const protection = Effect.map(settings, ({ terminationProtection }) => terminationProtection)

  it.effect("comes with the stack, stays, and is called for only where it differs", () =>
    Effect.gen(function*() {
      const create = yield* counting(runToEnd(asking({ terminationProtection: true })))
      assert.notInclude(create.calls, "setTerminationProtection")
      assert.isTrue(yield* protection)
      yield* counting(invoke(asking({}, "2")))
      assert.isTrue(yield* protection)
      const same = yield* counting(invoke(asking({ terminationProtection: true }, "3")))
      assert.deepStrictEqual(same.calls, ["describe", "events", "update"])
      const off = yield* counting(invoke(asking({ terminationProtection: false }, "4")))
      assert.deepStrictEqual(off.calls, ["describe", "events", "setTerminationProtection", "update"])
      assert.strictEqual(off.result.message, "There were no stack updates")
      assert.isFalse(yield* protection)
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))

  it.effect("that may not be set is PermissionError, and nothing is started", () =>
    Effect.gen(function*() {
      yield* runToEnd(asking({}))
      yield* deny("cloudformation:UpdateTerminationProtection")
      yield* TestClock.adjust("1 hour")
      const outcome = yield* invoke(asking({ terminationProtection: true }, "2"))
      assert.deepInclude(outcome, { type: "PermissionError" })
      assert.include(outcome.message, "needs cloudformation:UpdateTerminationProtection")
      assert.deepStrictEqual(yield* operationTokens, ["create-1"])
    }).pipe(Effect.provide(world({ t: templateOf({}) }))))
})

it.effect.each<readonly [options: Readonly<Record<string, unknown>>, message: string]>([
  [{ capabilities: ["CAPABILITY_ADMIN"] }, "\"capabilities[0]\": expected \"CAPABILITY_IAM\" | "],
  [{ roleArn: "deploy" }, "\"roleArn\": expected the ARN of an IAM role, got a string"],
  [{ notificationArns: ["topic"] }, "\"notificationArns[0]\": expected the ARN of an SNS topic, got a string"],
  [
    { notificationArns: Array.from({ length: 6 }, () => "arn:aws:sns:r:1:t") },
    "\"notificationArns\": expected at most 5 ARNs of SNS topics, got an array"
  ],
  [{ tags: { "": "a" } }, "\"tags\": expected tags with a key of 1 to 128 characters and a value of 1 to 256"],
  [{ disableRollback: "true" }, "\"disableRollback\": expected boolean, got a string"],
  [{ stackPolicy: {} }, "\"stackPolicy\" is not known"]
])("%j is refused", ([options, message]) =>
  Effect.gen(function*() {
    const outcome = yield* invoke(asking(options))
    assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
    assert.include(outcome.message, message)
  }).pipe(Effect.provide(world({ t: templateOf({}) }))))
