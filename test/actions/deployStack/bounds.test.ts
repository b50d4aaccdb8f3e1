// Inputs of DeployStack that are far too large, or that have a key twice.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { State } from "../../../src/actions/deployStack/State.ts"
import * as ContinuationToken from "../../../src/domain/job/ContinuationToken.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import { eventOf, eventWithBuild, invoke, operationTokens, runToEnd, templateWith, world } from "./world.ts"

const text = { Type: "String" }

const numbered = <A>(length: number, entry: (index: number) => readonly [string, A]) =>
  Object.fromEntries(Array.from({ length }, (_, index) => entry(index)))

/** 200 parameters with long names. */
const declared = numbered(200, (index) => [`P${index}`.padEnd(150, "x"), { ...text, Default: "" }])

/** The failure of a job with this template configuration. Nothing was started. */
const refused = Effect.fnUntraced(function*(event: unknown) {
  const outcome = yield* invoke(event)
  assert.isEmpty(yield* operationTokens)
  if (outcome._tag !== "Failed") return assert.fail(outcome.message)
  assert.strictEqual(outcome.type, "ConfigurationError")
  return outcome.message
})

const configured = (content: string) =>
  refused(eventOf({ templateConfiguration: "MyTemplate::config.json" })).pipe(
    Effect.provide(world(templateWith(declared), { files: { "config.json": content } }))
  )

describe("a template configuration", () => {
  it.effect.each<readonly [what: string, content: string, message: string]>([
    [
      "9,000 unknown parameters",
      JSON.stringify({ Parameters: numbered(9_000, (index) => [`Unknown${index}`, "value"]) }),
      "There are 9000 parameters; CloudFormation accepts at most 200"
    ],
    [
      "20,000 unknown parameters",
      JSON.stringify({ Parameters: numbered(20_000, (index) => [`Unknown${index}`, "value"]) }),
      "The template configuration \"config.json\" in artifact \"MyTemplate\" cannot be used: it has more than 10000 " +
      "values, in line 1, column 218876"
    ],
    [
      "5,000 tags",
      JSON.stringify({ Tags: numbered(5_000, (index) => [`Tag${index}`, ""]) }),
      "The template configuration \"config.json\" in artifact \"MyTemplate\" cannot be used: There are 5000 tags; " +
      "CloudFormation accepts at most 50"
    ],
    [
      "a stack policy of 5,000 levels",
      `{"StackPolicy":{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`,
      "The template configuration \"config.json\" in artifact \"MyTemplate\" cannot be used: it has more than 64 levels, " +
      "in line 1, column 83"
    ],
    [
      "a duplicate key",
      "{\"Parameters\": {\"A\": 1, \"B\": 2, \"A\": 3}}",
      "The template configuration \"config.json\" in artifact \"MyTemplate\" cannot be used: it has the duplicate key " +
      "\"A\", in line 1, column 33"
    ]
  ])("with %s is refused with what is wrong and where", ([, content, message]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* configured(content), message)
    }))

  it.effect("with many unknown parameters is refused by the first names, and the number of all others", () =>
    Effect.gen(function*() {
      const Parameters = numbered(200, (index) => [`Unknown${index}`, "value"])
      const message = yield* configured(JSON.stringify({ Parameters }))
      assert.match(
        message,
        /^The template has no parameter "Unknown0" \(it has "P0x+", .*, and 180 more\); The template/
      )
    }))

  it.effect("with many invalid values is refused by the first of them, and the number of all others", () =>
    Effect.gen(function*() {
      const message = yield* configured(JSON.stringify({ Parameters: numbered(4_000, (index) => [`P${index}`, {}]) }))
      assert.match(message, /"Parameters.P0": expected a string.*"Parameters.P19": expected .*; and 3980 more$/)
    }))
})

describe("values in files", () => {
  const params = (count: number, file: (index: number) => string) =>
    numbered(count, (index) => [`P${index}`, { "Fn::GetParam": ["MyBuild", file(index), `Key${index}`] as const }])

  it.effect("more than 200 are refused before a file is read", () =>
    Effect.gen(function*() {
      const store = yield* ArtifactStore
      const reads: Array<string> = []
      const message = yield* refused(
        eventWithBuild({ parameters: params(201, (index) => `${index}.json`) })
      ).pipe(Effect.provideService(ArtifactStore, {
        ...store,
        read: (job, file) => Effect.suspend(() => store.read(job, (reads.push(file.file), file)))
      }))
      assert.strictEqual(message, "There are 201 parameters; CloudFormation accepts at most 200")
      assert.deepStrictEqual(reads, ["template-package/template.json"])
    }).pipe(Effect.provide(world(templateWith(declared)))))

  const large = JSON.stringify(numbered(30_000, (index) => [`Other${index}`, index]))

  it.effect("that a large file does not have are reported by the first names, and the number of all others", () =>
    Effect.gen(function*() {
      const message = yield* refused(eventWithBuild({ parameters: params(200, () => "large.json") }))
      assert.match(
        message,
        /^The value of parameter "P0" cannot be read from "large.json" in artifact "MyBuild": it has no key "Key0" at its top/
      )
    }).pipe(Effect.provide(world(templateWith(declared), { build: { "large.json": large } }))))
})

describe("UserParameters", () => {
  it.effect("with a duplicate key are refused by its name", () =>
    Effect.gen(function*() {
      const event = eventOf()
      const { data } = event["CodePipeline.job"]
      const UserParameters = "{\"stack\":\"a\",\"file\":\"f\",\"artifact\":\"MyTemplate\",\"stack\":\"b\"}"
      const job = {
        ...event["CodePipeline.job"],
        data: { ...data, actionConfiguration: { configuration: { UserParameters } } }
      }
      assert.strictEqual(
        yield* refused({ "CodePipeline.job": job }),
        "UserParameters could not be decoded as JSON: the duplicate key \"stack\", in line 1, column 49"
      )
    }).pipe(Effect.provide(world())))

  it.effect("with many unknown options are refused by the first names, and the number of all others", () =>
    Effect.gen(function*() {
      const message = yield* refused(eventOf(numbered(9_000, (index) => [`x${index}`, 1])))
      assert.match(message, /^"x0" is not known; .*"x19" is not known; and 8980 more; known are "stack", /)
    }).pipe(Effect.provide(world())))
})

describe("pages of CloudFormation that do not end", () => {
  const stackId = "arn:aws:cloudformation:eu-west-1:123456789012:stack/MyTestStack/1"

  const Stacks = [{
    StackId: stackId,
    StackName: "MyTestStack",
    StackStatus: "UPDATE_COMPLETE",
    CreationTime: new Date(0),
    LastUpdatedTime: new Date(1)
  }]

  /** The end of an action with this state, and the number of calls, if every answer has the same token for the next page. */
  const endOf = (state: State, options: Readonly<Record<string, string>>) =>
    Effect.suspend(() => {
      let calls = 0
      const send = () => Promise.resolve((calls++, { Stacks, NextToken: "again" }))
      const services = Layer.mergeAll(
        ArtifactStoreMemory.layer({}),
        CloudFormation.layerClient({ send }),
        CodePipelineMemory.layer
      )
      const execution = new ContinuationToken.Execution({ firstJobId: JobId.make("1"), startedAt: 0, attempt: 1 })
      const position = ContinuationToken.Position.State({ state: { ...state } })
      return ContinuationToken.encode({ action: "deploy-stack", execution, position }).pipe(
        Effect.flatMap((continuationToken) => runToEnd(eventOf(options, { id: "2", continuationToken }), "1 minute")),
        Effect.map((outcome) => ({ outcome, calls })),
        Effect.provide(services)
      )
    })

  it.effect("fail a job that needs them like an outage", () =>
    Effect.gen(function*() {
      const { outcome } = yield* endOf({ stackId, changeSet: "C" }, { mode: "CHANGE_SET_DEPLOY" })
      assert.deepInclude(outcome, {
        type: "SystemUnavailable",
        message:
          "cloudformation:DescribeChangeSet did not get an answer from AWS that could be used: EndlessPages: its " +
          "pages do not end. Retry the action when AWS answers again"
      })
    }))

  it.effect("are no obstacle for a job that can do without them", () =>
    Effect.gen(function*() {
      const { calls, outcome } = yield* endOf({ stackId, operation: "update", since: 0 }, {})
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Stack update complete" })
      assert.isBelow(calls, 50)
    }))
})
