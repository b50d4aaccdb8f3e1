import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { readArtifacts } from "../../../src/cli/run/runArtifacts.ts"
import { readEvent, withoutCredentials, withParameters } from "../../../src/cli/run/runEvent.ts"
import { readOptions, runConfig } from "../../../src/cli/run/runOptions.ts"
import { decodeJob } from "../../../src/domain/job/Job.ts"
import { deployEvent } from "../../fixtures.ts"
import { inputOf } from "../inputOf.ts"

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

const optionsOf = (args: ReadonlyArray<string>) => Effect.flatMap(inputOf("run", runConfig, args), readOptions)

describe("readOptions", () => {
  it.effect("reads every option of the command line", () =>
    Effect.gen(function*() {
      const options = yield* optionsOf([
        "event.json",
        "--artifact",
        "A=a.zip",
        "--artifact=B=b=c.zip",
        "--live",
        "--yes",
        "--events",
        "--endpoint-url",
        "http://127.0.0.1:5000",
        "--interval=0.5",
        "--mode=CHANGE_SET_REPLACE",
        "--option",
        "changeSet=Next",
        "--option",
        "timeoutMinutes=30"
      ])
      const { chosen, ...others } = options
      assert.strictEqual(chosen.readyMade, "deploy-stack")
      assert.deepStrictEqual(others, {
        isNamed: false,
        event: resolve("event.json"),
        artifacts: ["A=a.zip", "B=b=c.zip"],
        outputArtifacts: [],
        userParameters: Option.none(),
        live: true,
        yes: true,
        events: true,
        endpoint: "http://127.0.0.1:5000",
        stackFails: undefined,
        stackStatus: undefined,
        instanceFails: undefined,
        exports: new Map(),
        parameters: { mode: "CHANGE_SET_REPLACE", changeSet: "Next", timeoutMinutes: 30 },
        interval: 0.5
      })
    }))

  it.effect.each(["deploy-stack", "deploy-stack-set", "check-webpage"])(
    "has a default event for %s",
    (action) =>
      Effect.gen(function*() {
        const options = yield* optionsOf([`--action=${action}`])
        assert.strictEqual(options.event, file(`events/${action}.json`))
        assert.isObject(yield* readEvent(options.event ?? ""))
      })
  )

  it.effect.each<readonly [args: ReadonlyArray<string>, message: string]>([
    [["--stak-fails", "x"], "--stak-fails is not an option; did you mean --stack-fails?"],
    [
      ["--zzzzzzzz"],
      "--zzzzzzzz is not an option; known are --action, --artifact, --output-artifact, --mode, --option,"
    ],
    [["-l"], "-l is not an option"],
    [["--stack-fails"], "--stack-fails needs a value"],
    [["--stack-fails="], "--stack-fails needs a value"],
    [["--live=yes"], "--live takes no value"],
    [["--interval", "1", "--interval", "2"], "--interval is given twice"],
    [["--interval", "soon"], "--interval takes a number of seconds, not \"soon\""],
    [
      ["--instance-fails", "eu-west-1/111111111111"],
      "--instance-fails cannot be combined with --action deploy-stack"
    ],
    [
      ["--action=deploy-stack-set", "--instance-fails", "eu-west-1"],
      "--instance-fails takes REGION/ACCOUNT, not \"eu-west-1\""
    ],
    [
      ["--action=deploy-stack-set", "--stack-fails", "x"],
      "--stack-fails cannot be combined with --action deploy-stack-set"
    ],
    [["--endpoint-url", "http://127.0.0.1:1"], "--endpoint-url needs --live"],
    [["--export", "Name"], "--export takes NAME=VALUE, not \"Name\""],
    [["--live", "--export", "Name=value"], "--export cannot be combined with --live"],
    [["--yes"], "--yes needs --live and --artifact"],
    [["--yes", "--live"], "--yes needs --live and --artifact"],
    [["--action=check-webpage", "--events"], "--events cannot be combined with --action check-webpage"],
    [["--live", "--stack-fails", "x"], "--stack-fails cannot be combined with --live"],
    [["--live", "--stack-status", "CREATE_COMPLETE"], "--stack-status cannot be combined with --live"],
    [
      ["--stack-status", "ROLBACK_COMPLETE"],
      "--stack-status cannot be ROLBACK_COMPLETE; did you mean ROLLBACK_COMPLETE?"
    ],
    [["--option", "changeSet"], "--option takes NAME=VALUE, not \"changeSet\""],
    [["a.json", "b.json"], "\"b.json\" is not expected: run takes only one EVENT.json and options; see --help"],
    [["--action", "check"], "--action check is not an action; known are deploy-stack, deploy-stack-set, check-webpage"],
    [["--action=check-webpage", "--live"], "--live cannot be combined with --action check-webpage"],
    [["--action=check-webpage", "--artifact", "A=a.zip"], "--artifact cannot be combined with --action check-webpage"]
  ])("rejects %j: %s", ([args, message]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(optionsOf(args))
      assert.include(error.message, message)
    }))
})

describe("readEvent", () => {
  it.effect("reports that the file does not exist", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        (yield* Effect.flip(readEvent("missing.json"))).message,
        "the event missing.json does not exist"
      )
    }))

  it.effect("reports that a file is not JSON without quoting it", () =>
    Effect.gen(function*() {
      assert.match(
        (yield* Effect.flip(readEvent(file("LICENSE")))).message,
        /LICENSE cannot be read: it is not JSON: error in line 1, column 1$/
      )
    }))
})

const withOptionsOf = (event: unknown, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(optionsOf(args), (options) => withParameters(options, event))

describe("withParameters", () => {
  it.effect("adds the options of the command line to the event's", () =>
    Effect.gen(function*() {
      const event = yield* withOptionsOf(deployEvent(), "--mode", "DELETE_ONLY", "--option", "progress=false")
      const { data: { artifactCredentials }, userParameters } = yield* decodeJob(event)
      assert.isDefined(artifactCredentials)
      assert.deepInclude(JSON.parse(userParameters), {
        stack: "MyTestStack",
        mode: "DELETE_ONLY",
        progress: false
      })
    }))

  it.effect("returns the event unchanged if there are no options", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* withOptionsOf("any event"), "any event")
    }))

  it.effect.each<readonly [event: unknown, message: string]>([
    [deployEvent({ userParameters: "https://example.com" }), "need an event with JSON as its UserParameters"],
    [{ "CodePipeline.job": { id: "1" } }, "could not be read"]
  ])("rejects an event whose UserParameters are not JSON (case %#)", ([event, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(withOptionsOf(event, "--mode", "DELETE_ONLY"))).message, message)
    }))
})

describe("withoutCredentials", () => {
  it.effect("removes the credentials from an event, and nothing else", () =>
    Effect.gen(function*() {
      const event = deployEvent()
      const job = yield* decodeJob(yield* withoutCredentials(event))
      assert.isNull(job.data.artifactCredentials)
      const { data: { artifactCredentials, ...data }, ...rest } = yield* decodeJob(event)
      assert.isDefined(artifactCredentials)
      assert.deepStrictEqual({ ...job, data: { ...job.data } }, {
        ...rest,
        data: { ...data, artifactCredentials: null }
      })
    }))

  it.effect("returns anything but an event of a job unchanged", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* withoutCredentials("no event"), "no event")
    }))
})

const read = (...artifacts: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const options = yield* optionsOf(artifacts.map((artifact) => `--artifact=${artifact}`))
    return yield* readArtifacts(options, yield* decodeJob(deployEvent()))
  })

describe("readArtifacts", () => {
  it.effect("packs a folder into a zip, and reads a file unchanged", () =>
    Effect.gen(function*() {
      const [packed] = yield* read(`MyTemplate=${file("events/artifacts/MyTemplate")}`)
      const [unchanged] = yield* read(`MyTemplate=${file("LICENSE")}`)
      assert.strictEqual(Buffer.from(packed?.local.zip ?? []).subarray(0, 2).toString(), "PK")
      assert.strictEqual(Buffer.from(unchanged?.local.zip ?? []).subarray(0, 3).toString(), "MIT")
    }))

  it.effect("packs a template under its name, and under that of the event's template", () =>
    Effect.gen(function*() {
      const [template] = yield* read(`MyTemplate=${file("package.json")}`)
      assert.strictEqual(template?.local.file, "template-package/template.json")
      const names = Buffer.from(template?.local.zip ?? []).toString("latin1")
      assert.include(names, "package.json")
      assert.include(names, "template-package/template.json")
    }))

  it.effect("uses the sample's template by default", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* read()).map(({ local }) => local.name), ["MyTemplate"])
    }))

  it.effect("rejects an artifact that is given twice", () =>
    Effect.gen(function*() {
      const artifact = `MyTemplate=${file("LICENSE")}`
      assert.strictEqual((yield* Effect.flip(read(artifact, artifact))).message, "--artifact MyTemplate is given twice")
    }))

  it.effect.each<readonly [artifact: string, message: string]>([
    ["MyTemplate", "--artifact takes NAME=PATH, not \"MyTemplate\""],
    ["=x", "--artifact takes NAME=PATH, not \"=x\""],
    ["MyTemplate=missing.zip", "the artifact MyTemplate=missing.zip does not exist"],
    [`Mine=${file("LICENSE")}`, "the event has no input artifact \"Mine\"; write --artifact MyTemplate=PATH"]
  ])("rejects %s: %s", ([artifact, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(read(artifact))).message, message)
    }))
})
