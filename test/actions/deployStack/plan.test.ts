// The plan of a change set: output variables, and files without secrets.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import type { ChangeDetail } from "../../../src/domain/stack/ChangeSet.ts"
import type { CloudFormation } from "../../../src/services/CloudFormation.ts"
import {
  created,
  deploy,
  execute,
  outputArtifacts,
  replace,
  runWithArtifact,
  tableNamed,
  withService,
  written,
  writtenPlan
} from "./planWorld.ts"
import {
  eventWith,
  firstTemplate,
  invoke,
  nextEvent,
  putFiles,
  putTemplate,
  recordCalls,
  recordLog,
  required,
  runAction,
  secondTemplate,
  stack,
  stackId,
  templateWith,
  world
} from "./world.ts"

/** From the first template to the second, one resource is replaced, one removed and one added. */
const counts = {
  HasChanges: "true",
  ChangeCount: "3",
  Additions: "1",
  Modifications: "0",
  Replacements: "1",
  Removals: "1"
}
const noCounts = {
  HasChanges: "false",
  ChangeCount: "0",
  Additions: "0",
  Modifications: "0",
  Replacements: "0",
  Removals: "0"
}

describe("output variables of a plan", () => {
  it.effect("CHANGE_SET_REPLACE has the numbers of changes, and so has CHANGE_SET_EXECUTE after it", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(secondTemplate)
      const plan = yield* runAction("1", replace)
      assert.deepNestedInclude(plan, { "outputVariables.ChangeSetName": "Next" })
      const StackId = yield* stackId
      const outcome = yield* runAction("2", execute)
      assert.deepInclude(outcome, { outputVariables: { ...counts, ChangeSetName: "Next", StackId } })
      for (const [name, value] of Object.entries({ ...counts, StackId })) {
        assert.deepNestedInclude(plan, { [`outputVariables.${name}`]: value })
      }
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("CHANGE_SET_DEPLOY has the numbers of changes beside the stack's outputs, which win", () =>
    Effect.gen(function*() {
      yield* created
      const outputs = { Removals: { Value: "mine" }, Url: { Value: "u" } }
      yield* putTemplate(JSON.stringify({ ...JSON.parse(secondTemplate), Outputs: outputs }))
      const outcome = yield* runAction("1", deploy)
      assert.deepInclude(outcome, {
        outputVariables: { ...counts, Removals: "mine", Url: "u", ChangeSetName: "execute-1", StackId: yield* stackId }
      })
      const selected = yield* runAction("2", { ...deploy, outputs: ["Url"] })
      assert.deepInclude(selected, {
        outputVariables: { ...noCounts, Url: "u", ChangeSetName: "execute-2", StackId: yield* stackId }
      })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("an empty change set to execute has them too", () =>
    Effect.gen(function*() {
      yield* created
      yield* runAction("1", replace)
      const outcome = yield* runAction("2", execute)
      assert.deepInclude(outcome, {
        outputVariables: { ...noCounts, ChangeSetName: "Next", StackId: yield* stackId }
      })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a second delivery that adopts the execution reads the numbers from the executed change set", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(secondTemplate)
      yield* runAction("1", deploy)
      const again = yield* runAction("1", deploy)
      assert.deepInclude(again, {
        _tag: "Succeeded",
        outputVariables: { ...counts, ChangeSetName: "execute-1", StackId: yield* stackId }
      })
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each<
    readonly [what: string, change: (service: CloudFormation["Service"]) => Partial<CloudFormation["Service"]>]
  >([
    ["is deleted", () => ({ describeChangeSet: () => Effect.succeedNone })],
    [
      "has been replaced by one of the same name",
      ({ describeChangeSet }) => ({
        describeChangeSet: (query) =>
          Effect.map(
            describeChangeSet(query),
            Option.map((found) => Object.assign({}, found, { executionStatus: "AVAILABLE" }))
          )
      })
    ]
  ])(
    "a second delivery has the variables, but no numbers, if the executed change set %s",
    ([, change]) =>
      Effect.gen(function*() {
        yield* created
        yield* putTemplate(secondTemplate)
        yield* runAction("1", deploy)
        const started = yield* invoke(eventWith(deploy, { id: "1" }))
        const again = yield* withService(change)(invoke(nextEvent(started, "2", deploy)))
        assert.deepNestedInclude(again, {
          _tag: "Succeeded",
          "outputVariables.HasChanges": "true",
          "outputVariables.Replacements": "unknown"
        })
      }).pipe(Effect.provide(world(firstTemplate)))
  )

  it.effect("a plan of one stack takes no more calls than the change set itself", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(secondTemplate)
      const { calls } = yield* recordCalls(runAction("1", deploy))
      const distinct = calls.filter((call, index) => call !== calls[index - 1])
      assert.deepStrictEqual(distinct, [
        "describe",
        "events",
        "createChangeSet",
        "describeChangeSet",
        "executeChangeSet",
        "events",
        "describe"
      ])
    }).pipe(Effect.provide(world(firstTemplate))))
})

describe("the files of a plan", () => {
  it.effect("CHANGE_SET_REPLACE writes plan.json and plan.md, with properties and their values", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(tableNamed("b"))
      const outcome = yield* runWithArtifact("1", replace)
      assert.strictEqual(outcome._tag, "Succeeded")
      const files = yield* written
      assert.sameMembers(Object.keys(files), ["plan.json", "plan.md"])
      const plan = yield* writtenPlan
      assert.deepInclude(plan, {
        stack,
        changeSet: "Next",
        stackId: yield* stackId,
        hasChanges: true,
        changeCount: 1,
        replacements: 1,
        omittedChanges: 0,
        notes: []
      })
      assert.match(plan.changeSetId, /:changeSet\/Next\//)
      assert.deepStrictEqual(plan.changes[0].details[0], {
        attribute: "Properties",
        name: "TableName",
        path: "/Properties/TableName",
        before: "a",
        after: "b",
        requiresRecreation: "Always",
        evaluation: "Static",
        source: "DirectModification"
      })
      assert.include(
        files["plan.md"],
        "| Modify (ReplaceAndDelete) | **yes** | `Table` | `AWS::DynamoDB::Table` | `/Properties/TableName`: `a` → `b` "
      )
    }).pipe(Effect.provide(world(tableNamed("a")))))

  it.effect.each([[deploy, "1"], [execute, "2"]] as const)(
    "an action that executes a change set writes the plan beside the outputs: %j",
    ([parameters, id]) =>
      Effect.gen(function*() {
        yield* created
        yield* putTemplate(tableNamed("b"))
        if (id === "2") yield* runAction("1", replace)
        const outcome = yield* runWithArtifact(id, parameters)
        assert.deepNestedInclude(outcome, { _tag: "Succeeded", "outputVariables.Replacements": "1" })
        assert.sameMembers(Object.keys(yield* written), ["outputs.json", "plan.json", "plan.md"])
        const plan = yield* writtenPlan
        assert.strictEqual(plan.changes[0].details[0].after, "b")
      }).pipe(Effect.provide(world(tableNamed("a"))))
  )

  it.effect("an empty change set has files that say so", () =>
    Effect.gen(function*() {
      yield* created
      yield* runWithArtifact("1", deploy)
      assert.deepInclude(yield* writtenPlan, { hasChanges: false, changeCount: 0, changes: [] })
      yield* runWithArtifact("2", replace)
      assert.include((yield* written)["plan.md"], "No changes.")
    }).pipe(Effect.provide(world(tableNamed("a")))))

  it.effect("an executed change set that is not described any more leaves the numbers and says what is missing", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(tableNamed("b"))
      const event = eventWith(deploy, { id: "1", outputArtifacts })
      const started = yield* invoke(event)
      yield* TestClock.adjust("1 minute")
      const executing = yield* invoke(nextEvent(started, "2", deploy))
      yield* TestClock.adjust("1 minute")
      const last = nextEvent(executing, "3", deploy)
      const withOutput = {
        "CodePipeline.job": { ...last["CodePipeline.job"], data: { ...last["CodePipeline.job"].data, outputArtifacts } }
      }
      yield* withService(() => ({ describeChangeSet: () => Effect.succeedNone }))(invoke(withOutput))
      const plan = yield* writtenPlan
      assert.deepInclude(plan, { replacements: 1, changes: [] })
      assert.match(plan.notes[0], /does not describe the change set any more/)
      assert.include((yield* written)["plan.md"], "1 change: 1 replacement.")
    }).pipe(Effect.provide(world(tableNamed("a")))))

  it.effect("an outputFile with the name of a file of the plan is rejected", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWith({ ...deploy, outputFile: "plan.md" }, { outputArtifacts }))
      assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
      assert.include(outcome.message, "expected another name than those of the plan's files")
    }).pipe(Effect.provide(world(firstTemplate))))
})

const template = (revision: number) =>
  templateWith({ Secret: { Type: "String", NoEcho: true } }, {
    Resources: { T: { Type: "AWS::SNS::Topic", Metadata: { revision } } }
  })

describe("secrets in a plan", () => {
  const long = "correct horse battery"
  const base64 = Buffer.from(`#!/bin/sh\nlogin ${long}`).toString("base64")
  const details: ReadonlyArray<ChangeDetail> = [
    {
      attribute: "Properties",
      name: "Direct",
      before: "old",
      after: long,
      source: "ParameterReference",
      cause: "Secret"
    },
    {
      attribute: "Properties",
      name: "Url",
      before: "http://x",
      after: `http://u:${long}@x`,
      source: "DirectModification"
    },
    { attribute: "Properties", name: "UserData", after: base64, source: "DirectModification" },
    { attribute: "Properties", name: "DisplayName", before: "shown before", after: "shown after" }
  ]
  /** CloudFormation shows these details, with nothing masked. */
  const unmasked = withService(({ describeChangeSet }) => ({
    describeChangeSet: (query) =>
      Effect.map(
        describeChangeSet(query),
        Option.map((found) =>
          Object.assign({}, found, { changes: found.changes.map((change) => Object.assign({}, change, { details })) })
        )
      )
  }))

  it.effect("the values of hidden parameters are hidden, wherever they are, also encoded; others are shown", () =>
    Effect.gen(function*() {
      const parameters = { Secret: long }
      yield* runAction("earlier", { ...required, parameters })
      yield* putTemplate(template(2))
      yield* unmasked(runWithArtifact("1", { ...replace, parameters }))
      const files = yield* written
      for (const text of Object.values(files)) {
        for (const secret of [long, base64, "old", "http://u"]) assert.notInclude(text, secret)
        assert.include(text, "shown after")
      }
    }).pipe(Effect.provide(world(template(1)))))

  it.effect("no values are shown if the hidden values cannot be read, and the log says why", () =>
    Effect.gen(function*() {
      const parameters = { Secret: { "Fn::GetParam": ["MyTemplate", "secrets.json", "Secret"] } }
      yield* runAction("earlier", { ...required, parameters })
      yield* putFiles(template(2), { "secrets.json": `{"Secret":"${long}"}` })
      const started = yield* invoke(eventWith({ ...replace, parameters }, { id: "1", outputArtifacts }))
      yield* TestClock.adjust("1 minute")
      yield* putTemplate(template(2))
      const next = nextEvent(started, "2", { ...replace, parameters })
      const withOutput = {
        "CodePipeline.job": { ...next["CodePipeline.job"], data: { ...next["CodePipeline.job"].data, outputArtifacts } }
      }
      const { lines } = yield* recordLog(unmasked(invoke(withOutput)))
      const text = Object.values(yield* written).join("")
      assert.notInclude(text, "shown after")
      assert.include(text, "(hidden)")
      assert.isTrue(lines.some((line) => line.includes("The values of properties are not shown.")))
    }).pipe(Effect.provide(world(template(1), { files: { "secrets.json": `{"Secret":"${long}"}` } }))))
})
