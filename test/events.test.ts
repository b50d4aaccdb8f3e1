import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import { CheckWebpage } from "../src/actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../src/actions/deployStack/DeployStack.ts"
import type { JobOutcome } from "../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../src/JobRunner.ts"
import {
  ArtifactStoreMemory,
  CloudFormationMemory,
  CodePipelineMemory,
  LocalPipeline,
  WebPageMemory
} from "../src/testing/index.ts"
import { drive } from "./drive.ts"
import { eventNames, readEvent, sampleTemplate } from "./fixtures.ts"

/** The rows of the table: file, action, outcome and description. */
const rows = readFileSync(new URL("../events/README.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ["))
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  .map(([link = "", action = "", outcome = "", about = ""]) => {
    const [, text, target] = /^\[`(.+)\.json`\]\((.+)\.json\)$/.exec(link) ?? []
    return { name: text, target, action, outcome, about }
  })

const optionsTemplate = {
  Parameters: Object.fromEntries(
    ["Image", "CodeBucket", "CodeKey", "Zones", "Count", "Debug"].map((name) => [name, { Type: "String" }])
  ),
  Resources: { Topic: { Type: "AWS::SNS::Topic" } }
}

const services = Layer.mergeAll(
  ArtifactStoreMemory.layer({
    MyTemplate: {
      "template-package/template.json": sampleTemplate,
      "template.json": JSON.stringify(optionsTemplate),
      "production.json": "{}"
    },
    MyBuild: { "image.json": JSON.stringify({ Uri: "uri" }) }
  }),
  CloudFormationMemory.layer(),
  CodePipelineMemory.layer,
  WebPageMemory.layer({
    "https://www.example.com/": { body: "Example Domain" },
    "http://www.example.com/": { body: "Congratulations" }
  })
)

const runToEnd = <E, R extends Layer.Success<typeof services>>(
  event: unknown,
  invoke: (event: unknown) => Effect.Effect<unknown, E, R>
) => drive(LocalPipeline.run({ event, invoke })).pipe(Effect.provide(services))

const runs: Readonly<Record<string, (event: unknown) => ReturnType<typeof runToEnd<JobRunner.RunError, never>>>> = {
  "deploy-stack": (event) => runToEnd(event, (event) => JobRunner.run(DeployStack, event)),
  "check-webpage": (event) => runToEnd(event, (event) => JobRunner.run(CheckWebpage, event))
}

const describeOutcome = (outcome: JobOutcome) =>
  outcome._tag === "Failed" ? `fails: ${outcome.type}` : outcome._tag === "Succeeded" ? "succeeds" : "continues"

describe("events/README.md", () => {
  it("the table of events has every event once, in order, with a description", () => {
    assert.deepStrictEqual(rows.map(({ name }) => name), eventNames.toSorted())
    for (const { about, name, target } of rows) {
      assert.strictEqual(target, name)
      assert.notStrictEqual(about, "")
    }
  })

  it.effect.each(rows)(
    "the outcome of $name in the table is right: $action $outcome",
    ({ action, name = "", outcome }) =>
      Effect.gen(function*() {
        const run = Object.hasOwn(runs, action) ? runs[action] : undefined
        const ended = yield* (run ?? assert.fail(`no action ${action}`))(readEvent(name)).pipe(
          Effect.map(describeOutcome),
          Effect.catchTag("NotAJobEvent", ({ _tag }) => Effect.succeed(`is rejected: ${_tag}`))
        )
        assert.strictEqual(outcome, ended)
      })
  )
})
