import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import { readCommandLine } from "../../../scripts/commandLine.ts"
import {
  readArtifacts,
  readEvent,
  readOptions,
  script,
  withoutCredentials,
  withParameters
} from "../../../scripts/run/startOptions.ts"
import { decodeJob } from "../../../src/domain/job/Job.ts"
import { deployEvent } from "../../fixtures.ts"

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

const optionsOf = (args: ReadonlyArray<string>) => Effect.flatMap(readCommandLine(script, args), readOptions)

describe("readOptions", () => {
  it.effect("reads all that the command line asks for", () =>
    Effect.gen(function*() {
      const options = yield* optionsOf([
        "event.json",
        "--artifact",
        "A=a.zip",
        "--artifact=B=b=c.zip",
        "--live",
        "--endpoint-url",
        "http://127.0.0.1:5000",
        "--interval=0.5",
        "--mode=CHANGE_SET_REPLACE",
        "--option",
        "changeSet=Next",
        "--option",
        "timeoutMinutes=30"
      ])
      assert.deepStrictEqual(options, {
        action: "deploy-stack",
        event: "event.json",
        artifacts: ["A=a.zip", "B=b=c.zip"],
        live: true,
        endpoint: "http://127.0.0.1:5000",
        stackFails: undefined,
        stackStatus: undefined,
        parameters: { mode: "CHANGE_SET_REPLACE", changeSet: "Next", timeoutMinutes: 30 },
        interval: 0.5
      })
    }))

  it.effect.each(["deploy-stack", "check-webpage"])("has an event for %s", (action) =>
    Effect.gen(function*() {
      const options = yield* optionsOf([`--action=${action}`])
      assert.strictEqual(options.event, file(`events/${action}.json`))
      assert.isObject(yield* readEvent(options.event))
    }))

  it.effect.each<readonly [args: ReadonlyArray<string>, message: string]>([
    [["--stak-fails", "x"], "--stak-fails is not an option; did you mean --stack-fails?"],
    [["--zzzzzzzz"], "--zzzzzzzz is not an option; known are --action, --artifact, --mode, --option,"],
    [["-l"], "-l is not an option"],
    [["--stack-fails"], "--stack-fails needs a value"],
    [["--stack-fails="], "--stack-fails needs a value"],
    [["--live=yes"], "--live takes no value"],
    [["--interval", "1", "--interval", "2"], "--interval is given twice"],
    [["--interval", "soon"], "--interval takes seconds, not \"soon\""],
    [["--endpoint-url", "http://127.0.0.1:1"], "--endpoint-url needs --live"],
    [["--live", "--stack-fails", "x"], "--stack-fails does not go with --live"],
    [["--live", "--stack-status", "x"], "--stack-status does not go with --live"],
    [["--stack-status", "ROLBACK_COMPLETE"], "is no status of a stack; did you mean ROLLBACK_COMPLETE?"],
    [["--option", "changeSet"], "--option takes NAME=VALUE, not \"changeSet\""],
    [["a.json", "b.json"], "one event at a time, not a.json and b.json"],
    [["--action", "check"], "--action check is no action; known are deploy-stack, check-webpage"],
    [["--action=check-webpage", "--live"], "--live does not go with --action check-webpage"],
    [["--action=check-webpage", "--artifact", "A=a.zip"], "--artifact does not go with --action check-webpage"]
  ])("%j is refused: %s", ([args, message]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(optionsOf(args))
      assert.include(error.message, message)
    }))
})

describe("readEvent", () => {
  it.effect("says that there is no file", () =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(readEvent("missing.json"))).message, "the event cannot be read: ENOENT")
    }))

  it.effect("says that a file is not JSON, and quotes nothing of it", () =>
    Effect.gen(function*() {
      assert.match((yield* Effect.flip(readEvent(file("LICENSE")))).message, /LICENSE is not JSON$/)
    }))
})

const asked = (event: unknown, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(optionsOf(args), (options) => withParameters(options, event))

describe("withParameters", () => {
  it.effect("puts the command line's options beside the event's own", () =>
    Effect.gen(function*() {
      const event = yield* asked(deployEvent(), "--mode", "DELETE_ONLY", "--option", "waitForCleanup=false")
      const { data: { artifactCredentials }, userParameters } = yield* decodeJob(event)
      assert.isDefined(artifactCredentials)
      assert.deepInclude(JSON.parse(userParameters), {
        stack: "MyTestStack",
        mode: "DELETE_ONLY",
        waitForCleanup: false
      })
    }))

  it.effect("leaves an event alone for which none are given", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* asked("any event"), "any event")
    }))

  it.effect.each<readonly [event: unknown, message: string]>([
    [deployEvent({ userParameters: "https://example.com" }), "need an event with JSON as its UserParameters"],
    [{ "CodePipeline.job": { id: "1" } }, "could not be read"]
  ])("refuses an event that cannot take them (case %#)", ([event, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(asked(event, "--mode", "DELETE_ONLY"))).message, message)
    }))
})

describe("withoutCredentials", () => {
  it.effect("takes the credentials out of an event, and nothing else", () =>
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

  it.effect("leaves what is no event of a job alone", () =>
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
  it.effect("packs a folder into a zip, and takes a zip as it is", () =>
    Effect.gen(function*() {
      const [packed] = yield* read(`MyTemplate=${file("events/artifacts/MyTemplate")}`)
      const [taken] = yield* read(`MyTemplate=${file("LICENSE")}`)
      assert.strictEqual(Buffer.from(packed?.local.zip ?? []).subarray(0, 2).toString(), "PK")
      assert.strictEqual(Buffer.from(taken?.local.zip ?? []).subarray(0, 3).toString(), "MIT")
    }))

  it.effect("takes the sample's template when none is given", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* read()).map(({ local }) => local.name), ["MyTemplate"])
    }))

  it.effect("takes each artifact once", () =>
    Effect.gen(function*() {
      const artifact = `MyTemplate=${file("LICENSE")}`
      assert.strictEqual((yield* Effect.flip(read(artifact, artifact))).message, "--artifact MyTemplate is given twice")
    }))

  it.effect.each<readonly [artifact: string, message: string]>([
    ["MyTemplate", "--artifact takes NAME=PATH, not \"MyTemplate\""],
    ["=x", "--artifact takes NAME=PATH, not \"=x\""],
    ["MyTemplate=missing.zip", "artifact MyTemplate cannot be read: ENOENT"],
    [`Mine=${file("LICENSE")}`, "the event has no input artifact \"Mine\"; it has MyTemplate"]
  ])("%s is refused: %s", ([artifact, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(read(artifact))).message, message)
    }))
})
