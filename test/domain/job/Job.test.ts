import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, Result, Schema } from "effect"
import { inspect } from "node:util"
import { BucketName, decodeJob, decodeJobId, Job, JobInvalid } from "../../../src/domain/job/Job.ts"
import { deployEvent, eventNames, readEvent, secrets } from "../../fixtures.ts"

const hasNoSecret = (text: string) => {
  for (const secret of [...secrets, ...secrets.map((secret) => JSON.stringify(secret).slice(1, -1)), "hunter2"]) {
    assert.notInclude(text, secret)
  }
}

const token = (job: Job) => Option.getOrNull(job.continuationToken)
const credentials = (job: Job) => {
  const { accessKeyId, secretAccessKey, sessionToken } = job.data.artifactCredentials ?? assert.fail("no credentials")
  return [accessKeyId, secretAccessKey, sessionToken].map((secret) => secret && Redacted.value(secret))
}

const mode = ({ userParameters }: Job) => JSON.parse(userParameters).mode

/** What is read of the job in each event, and what it has to be. */
const expectations: Readonly<Record<string, readonly [read: (job: Job) => unknown, expected: unknown]>> = {
  "artifact-credentials-absent": [(job) => job.data.artifactCredentials, undefined],
  "aws-lambda-guide": [
    (job) => [job.id, job.userParameters, ...job.outputArtifacts.map(({ name, revision }) => [name, revision])],
    ["c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6", "{\"KEY\": \"VALUE\"}", ["invokeOutput", null]]
  ],
  "codepipeline-guide": [token, "A continuation token if continuing job"],
  "continuation-token-empty": [token, null],
  "continuation-token-foreign": [token, "{\"previous_job_id\": \"6f4f8b2e-3c1d-4a57-9e0b-0d6f4c2a9b10\"}"],
  "continuation-token-null": [token, null],
  "check-webpage": [(job) => job.userParameters.slice(0, 35), "{\"url\": \"https://www.example.com/\","],
  "check-webpage-url": [(job) => job.userParameters, "http://www.example.com/"],
  "continuation-token-own": [(job) => token(job)?.slice(0, 13), "{\"version\":1,"],
  "deploy-stack": [
    (job) => [token(job), job.inputArtifacts.map(({ location, name }) => [name, location.s3Location])],
    [null, [["MyTemplate", {
      bucketName: "codepipeline-us-east-1-123456789012",
      objectKey: "MyPipeline/MyTemplate/aB3dE5f.zip"
    }]]]
  ],
  "deploy-stack-change-set": [mode, "CHANGE_SET_DEPLOY"],
  "deploy-stack-change-set-execute": [mode, "CHANGE_SET_EXECUTE"],
  "deploy-stack-change-set-replace": [mode, "CHANGE_SET_REPLACE"],
  "deploy-stack-delete-only": [mode, "DELETE_ONLY"],
  "deploy-stack-other-account": [
    (job) => JSON.parse(job.userParameters).assumeRole,
    "arn:aws:iam::222222222222:role/deploy-stack"
  ],
  "deploy-stack-drift": [(job) => JSON.parse(job.userParameters).detectDrift, "fail"],
  "deploy-stack-outputs": [
    (job) => job.outputArtifacts.map(({ location, name }) => [name, location.s3Location.objectKey]),
    [["StackOutputs", "MyPipeline/StackOutpu/xY7zW9q.zip"]]
  ],
  "deploy-stack-replace-on-failure": [mode, "REPLACE_ON_FAILURE"],
  "deploy-stack-rollback": [mode, "ROLLBACK"],
  "deploy-stack-change-set-options": [mode, "CHANGE_SET_DEPLOY"],
  "deploy-stack-plan": [(job) => job.outputArtifacts.map(({ name }) => name), ["Plan"]],
  "deploy-stack-set": [(job) => job.inputArtifacts.map(({ name }) => name), ["MyTemplate"]],
  "deploy-stack-set-delete": [mode, "DELETE"],
  "deploy-stack-options": [
    (job) => job.inputArtifacts.map(({ location, name }) => [name, location.s3Location.objectKey]),
    [["MyTemplate", "MyPipeline/MyTemplate/aB3dE5f.zip"], ["MyBuild", "MyPipeline/MyBuild/gH7iJ9k.zip"]]
  ],
  "encryption-key": [
    (job) => job.data.encryptionKey,
    { id: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", type: "KMS" }
  ],
  "expiration-time-absent": [(job) => credentials(job)[0], "ASIAIOSFODNN7EXAMPLE"],
  "input-artifacts-none": [(job) => job.inputArtifacts, []],
  "output-artifacts-absent": [(job) => job.outputArtifacts, []],
  "revision-null": [(job) => job.inputArtifacts.map(({ revision }) => revision), [null]],
  "session-token-multi-line": [(job) => credentials(job)[2], "IQoJb3JpZ2lu\n X2VjEXAMPLE\n TOKEN="],
  "unknown-fields": [
    (job) => [Object.keys(job), job.inputArtifacts.map((artifact) => Object.keys(artifact))],
    [["id", "accountId", "data"], [["name", "revision", "location"]]]
  ],
  "user-parameters-absent": [(job) => job.userParameters, ""],
  "user-parameters-missing-and-mistyped": [(job) => job.userParameters, "{\"stak\": \"MyTestStack\", \"file\": 7}"],
  "user-parameters-url": [(job) => job.userParameters, "http://www.example.com/"]
}

/** The problems of the events that are no jobs to work on. */
const faults: Readonly<Record<string, ReadonlyArray<string>>> = {
  "input-artifact-without-location": ["\"CodePipeline.job.data.inputArtifacts[0].location.s3Location\" is missing"],
  "not-a-job": ["\"CodePipeline.job\" is missing"]
}

describe("events/", () => {
  it("every event is tested here", () => {
    assert.sameMembers([...Object.keys(expectations), ...Object.keys(faults)], [...eventNames])
  })

  it.effect.each(Object.entries(expectations))(
    "%s decodes to a job",
    ([name, [read, expected]]) =>
      Effect.gen(function*() {
        const job = yield* decodeJob(readEvent(name))
        assert.deepStrictEqual(read(job), expected)
        assert.strictEqual(yield* decodeJobId(readEvent(name)), job.id)
      })
  )

  it.effect.each(Object.entries(faults))("%s is rejected", ([name, problems]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* Effect.flip(decodeJob(readEvent(name)))).problems, problems)
    }))

  it.effect.each(Object.keys(expectations))("the job of %s shows no secret", (name) =>
    Effect.gen(function*() {
      const job = yield* decodeJob(readEvent(name))
      for (const text of [JSON.stringify(job), String(job), inspect(job, { depth: null, showHidden: true })]) {
        hasNoSecret(text)
      }
    }))
})

it.effect("a job cannot be encoded", () =>
  Effect.gen(function*() {
    const job = yield* decodeJob(readEvent("deploy-stack"))
    const error = yield* Effect.flip(Schema.encodeEffect(Job)(job))
    hasNoSecret(String(error))
  }))

it.effect("the credentials of a job can be read", () =>
  Effect.gen(function*() {
    const job = yield* decodeJob(readEvent("deploy-stack"))
    assert.deepStrictEqual(credentials(job), [
      "ASIAIOSFODNN7EXAMPLE",
      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
    ])
  }))

it.effect.each<readonly [kind: string, data: Readonly<Record<string, unknown>>]>([
  ["null", { actionConfiguration: null, inputArtifacts: null, outputArtifacts: null }],
  ["null further in", { actionConfiguration: { configuration: null }, inputArtifacts: null, outputArtifacts: null }],
  ["absent", { actionConfiguration: undefined, inputArtifacts: undefined, outputArtifacts: undefined }]
])("a job may have nothing to say: %s", ([, data]) =>
  Effect.gen(function*() {
    const job = yield* decodeJob(JSON.parse(JSON.stringify(deployEvent(data))))
    assert.strictEqual(job.userParameters, "")
    assert.deepStrictEqual([job.inputArtifacts, job.outputArtifacts], [[], []])
  }))

it.effect("all problems of an event are reported at once, without any of its values", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(decodeJob(deployEvent({
      actionConfiguration: { configuration: { UserParameters: ["hunter2"] } },
      artifactCredentials: { accessKeyId: 7, secretAccessKey: "", sessionToken: ["hunter2"] },
      continuationToken: { hunter2: "hunter2" },
      encryptionKey: "hunter2",
      inputArtifacts: [{ name: "", location: { s3Location: { bucketName: true } } }]
    })))
    assert.deepStrictEqual(error, new JobInvalid({ problems: error.problems }))
    assert.sameMembers([...error.problems], [
      "\"CodePipeline.job.data.actionConfiguration.configuration.UserParameters\": " +
      "expected string | null, got an array",
      "\"CodePipeline.job.data.artifactCredentials.accessKeyId\": expected string, got a number",
      "\"CodePipeline.job.data.artifactCredentials.secretAccessKey\": " +
      "expected a value with a length of at least 1, got an empty string",
      "\"CodePipeline.job.data.artifactCredentials.sessionToken\": expected string | null, got an array",
      "\"CodePipeline.job.data.continuationToken\": expected string | null, got an object",
      "\"CodePipeline.job.data.encryptionKey\": expected object | null, got a string",
      "\"CodePipeline.job.data.inputArtifacts[0].name\": " +
      "expected a value with a length of at least 1, got an empty string",
      "\"CodePipeline.job.data.inputArtifacts[0].location.s3Location.bucketName\": expected string, got a boolean",
      "\"CodePipeline.job.data.inputArtifacts[0].location.s3Location.objectKey\" is missing"
    ])
    assert.strictEqual(error.message, `The event of this job could not be read: ${error.problems.join("; ")}`)
  }))

it.effect.each([".", "..", "a/b", "/a", "a/", ""])(
  "a bucket that would make the URL another one is refused: %j",
  (name) =>
    Effect.gen(function*() {
      const inputArtifacts = [{ name: "A", location: { s3Location: { bucketName: name, objectKey: "k" } } }]
      const { problems } = yield* Effect.flip(decodeJob(deployEvent({ inputArtifacts })))
      assert.deepStrictEqual(problems.map((problem) => problem.split(": ").slice(1)), [[
        `expected the name of a bucket, got ${name === "" ? "an empty string" : "a string"}`
      ]])
    })
)

it.effect.each(["...", "..a", "a..", "\u00e9", "A_b"])(
  "a bucket may have any other name: %j",
  (name) =>
    Effect.gen(function*() {
      const inputArtifacts = [{ name: "A", location: { s3Location: { bucketName: name, objectKey: "k" } } }]
      const job = yield* decodeJob(deployEvent({ inputArtifacts }))
      assert.strictEqual(job.inputArtifacts[0]?.location.s3Location.bucketName, name)
    })
)

it.each([
  ["abc", true],
  ["a".repeat(255), true],
  ["A.b_c-1", true],
  ["a".repeat(256), false],
  ["ab", true],
  ["a", false],
  ["-abc", false],
  ["!abc", false],
  ["abc/", false],
  ["ab..c", false],
  ["..abc", false]
])("%j as a bucket to write to: %j", (name, expected) => {
  assert.strictEqual(Option.isSome(Schema.decodeOption(BucketName)(name)), expected)
})

it.effect("a value that is no event is reported as a problem", () =>
  Effect.gen(function*() {
    const { problems } = yield* Effect.flip(decodeJob(null))
    assert.deepStrictEqual(problems, ["the event: expected object, got null"])
  }))

it.effect("the id of a job is decoded even if the rest of the event is invalid", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* decodeJobId({ "CodePipeline.job": { id: "j1", data: "broken" } }), "j1")
  }))

it.effect.each([
  [{}, "\"CodePipeline.job\" is missing"],
  [null, "the event: expected object, got null"],
  [[], "the event: expected object, got an array"],
  [{ "CodePipeline.job": "hunter2" }, "\"CodePipeline.job\": expected object, got a string"],
  [{ "CodePipeline.job": {} }, "\"CodePipeline.job.id\" is missing"],
  [{ "CodePipeline.job": { id: 7 } }, "\"CodePipeline.job.id\": expected string, got a number"],
  [
    { "CodePipeline.job": { id: "" } },
    "\"CodePipeline.job.id\": expected a value with a length of at least 1, got an empty string"
  ]
])("nobody can be told that %j is wrong but its sender", ([event, problem]) =>
  Effect.gen(function*() {
    const { message } = yield* Effect.flip(decodeJobId(event))
    assert.isTrue(message.startsWith(`This is not the event of a CodePipeline job: ${problem}. This function is for`))
  }))

describe("any JSON as an event", () => {
  const ends = Effect.fnUntraced(function*(event: unknown) {
    const [id, job] = yield* Effect.all([decodeJobId(event), decodeJob(event)], { mode: "result" })
    if (Result.isFailure(id)) hasNoSecret(id.failure.message)
    if (Result.isFailure(job)) hasNoSecret(job.failure.message)
  })

  /** JSON with one value, at any depth, replaced. */
  const replaced = (json: Schema.Json, pick: number, value: Schema.Json): Schema.Json => {
    if (json === null || typeof json !== "object") return value
    const keys = Object.keys(json)
    if (keys.length === 0 || pick % (keys.length + 1) === keys.length) return value
    const key = keys[pick % (keys.length + 1)] ?? ""
    const entries = Object.entries(json).map(([name, inner]): [string, Schema.Json] => [
      name,
      name === key ? replaced(inner, Math.floor(pick / (keys.length + 1)), value) : inner
    ])
    return Array.isArray(json) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
  }

  const Planted = Schema.Union([
    Schema.Json,
    Schema.Literals(["hunter2", ""]),
    Schema.Struct({ accessKeyId: Schema.Literal("hunter2"), name: Schema.Literal("hunter2") }),
    Schema.Tuple([Schema.Literal("hunter2")])
  ])

  it.effect.prop("ends in a job or in an error without secrets", [Schema.Json], ([event]) => ends(event))

  it.effect.prop(
    "so does any event with a value replaced",
    [Schema.Literals(eventNames), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 })), Planted],
    ([name, pick, value]) => ends(replaced(JSON.parse(JSON.stringify(readEvent(name))), pick, value)),
    { arbitrary: { runs: 200 } }
  )
})
