// Plays the corpus of test/templates: each template through create, an update with a change, one without, and delete.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { readdirSync } from "node:fs"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import {
  ArtifactStoreMemory,
  CloudFormationMemory,
  CodePipelineMemory,
  LocalPipeline
} from "../../src/testing/index.ts"
import { drive } from "../drive.ts"
import { type Deployed, read, type Refused } from "../templates/Case.ts"
import { cases, nestedTemplates } from "../templates/cases.ts"

const stack = "Corpus"
const url = "https://templates.example/template"
const changedUrl = "https://templates.example/changed"

type Case = (Deployed | Refused) & { readonly file: string; readonly name: string; readonly text: string }

const all = Object.entries(cases).flatMap(([file, given]) =>
  [given].flat().map((one): Case =>
    Object.assign({}, one, {
      file,
      name: one.when === undefined ? file : `${file} if ${one.when}`,
      text: one.text ?? read(file)
    })
  )
)
const isRefused = (one: Case): one is Case & Refused => "refused" in one
const refusals = all.filter(isRefused)
const deployments = all.filter((one): one is Case & Deployed => !isRefused(one))

/** The template with one more resource. */
const withResource = (text: string) => {
  const topic = "\"Type\": \"AWS::SNS::Topic\""
  return text
    .replace(/^\uFEFF?Resources:[^\n]*\n/m, (line) => `${line}  Added: { ${topic} }\n`)
    .replace(/"Resources":\s*\{/, (start) => `${start} "Added": { ${topic} },`)
}

const layerOf = ({ file, text }: Case) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer({ Corpus: { [file]: text } }),
    CloudFormationMemory.layer({
      resourceDuration: "10 millis",
      templates: { ...nestedTemplates, [url]: text, [changedUrl]: withResource(text) }
    }),
    CodePipelineMemory.layer
  )

const settle = TestClock.adjust("1 hour")

const createBesides = ({ besides }: Case) =>
  CloudFormation.use(({ create }) =>
    besides === undefined ? Effect.void : Effect.andThen(
      create({ stack: "Besides", clientRequestToken: "besides", templateBody: read(besides) }),
      settle
    )
  )

const requestOf = (one: Case, token: string, text = one.text) => {
  const { byUrl = false, capabilities, parameters = {} } = one
  return {
    stack,
    clientRequestToken: token,
    capabilities,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
    ...(byUrl ? { templateUrl: text === one.text ? url : changedUrl } : { templateBody: text })
  }
}

const describeStack = CloudFormation.use(({ describe }) => describe(stack))

const allEvents = (stackId: string) => CloudFormation.use(({ events }) => events(stackId, () => false))

/** The events of the resources of a stack during the operation with this token, oldest first. */
const eventsOf = (stackId: string, token: string) =>
  Effect.map(allEvents(stackId), (events) =>
    events
      .filter(({ clientRequestToken, physicalResourceId }) =>
        clientRequestToken === token && physicalResourceId !== stackId
      )
      .toReversed())

type Events = Effect.Success<ReturnType<typeof eventsOf>>

const idsWith = (events: Events, status: string) =>
  events.filter((event) => event.status === status).map(({ logicalResourceId }) => logicalResourceId).toSorted()

const indexOf = (events: Events, id: string, status: string) =>
  events.findIndex((event) => event.logicalResourceId === id && event.status === status)

const assertOutputs = (actual: Readonly<Record<string, string>>, expected: Deployed["outputs"] = {}) => {
  assert.deepStrictEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted())
  for (const [name, value] of Object.entries(expected)) {
    if (typeof value === "string") assert.strictEqual(actual[name], value, name)
    else assert.match(actual[name] ?? "", value, name)
  }
}

const assertWords = (actual: string, words: string | RegExp) =>
  assert.isTrue(typeof words === "string" ? actual.includes(words) : words.test(actual), `${actual}\nhas not ${words}`)

/** Runs deploy-stack until it ends. */
const runAction = ({ capabilities, file, parameters }: Case, id: string, mode = "CREATE_UPDATE") => {
  const event = LocalPipeline.event({
    id,
    userParameters: { stack, mode, ...(mode !== "DELETE_ONLY" && { file, artifact: stack, parameters, capabilities }) },
    inputArtifacts: [stack]
  })
  return drive(LocalPipeline.run({ event, invoke: (event) => JobRunner.run(DeployStack, event) }), "10 seconds")
}

it("every template of the corpus has its expectation", () => {
  const files = readdirSync(new URL("../templates/", import.meta.url)).filter((file) => !file.endsWith(".ts"))
  assert.deepStrictEqual(files.filter((file) => !Object.hasOwn(cases, file)), [])
  assert.isAtLeast(Object.keys(cases).length, 40)
})

describe("a template that CloudFormation accepts", () => {
  it.effect.each(deployments)(
    "$name has its resources and outputs after each operation",
    (one) =>
      Effect.gen(function*() {
        const cloudFormation = yield* CloudFormation
        const { nested = {}, order = [], outputs, resources, retained = [] } = one
        yield* createBesides(one)

        const id = yield* cloudFormation.create(requestOf(one, "create-1"))
        yield* settle
        const created = yield* eventsOf(id, "create-1")
        const stackAfterCreate = Option.getOrThrow(yield* describeStack)
        assert.strictEqual(stackAfterCreate.status, "CREATE_COMPLETE")
        assert.deepStrictEqual(idsWith(created, "CREATE_COMPLETE"), resources.toSorted())
        assertOutputs(stackAfterCreate.outputs, outputs)
        for (const [before, after] of order) {
          const complete = indexOf(created, before, "CREATE_COMPLETE")
          assert.isBelow(complete, indexOf(created, after, "CREATE_IN_PROGRESS"), `${before}, then ${after}`)
        }
        for (const [nestedId, resources] of Object.entries(nested)) {
          const { physicalResourceId = "" } = created.find((event) =>
            event.logicalResourceId === nestedId && event.status === "CREATE_COMPLETE"
          ) ?? {}
          const nestedEvents = yield* allEvents(physicalResourceId)
          const ofResources = nestedEvents.filter((event) => event.physicalResourceId !== physicalResourceId)
          assert.deepStrictEqual(idsWith(ofResources, "CREATE_COMPLETE"), resources.toSorted())
        }

        let added: ReadonlyArray<string> = []
        if (one.isAtLimit !== true) {
          added = ["Added"]
          const text = withResource(one.text)
          assert.notStrictEqual(text, one.text)
          yield* cloudFormation.update(requestOf(one, "update-1", text))
          yield* settle
          const updated = yield* eventsOf(id, "update-1")
          const stackAfterUpdate = Option.getOrThrow(yield* describeStack)
          assert.strictEqual(stackAfterUpdate.status, "UPDATE_COMPLETE")
          assertOutputs(stackAfterUpdate.outputs, outputs)
          // An update of a stack updates all its nested stacks.
          const changed = new Set(updated.map(({ logicalResourceId }) => logicalResourceId))
          assert.deepStrictEqual([...changed].filter((id) => !Object.hasOwn(nested, id)), added)
          assert.deepStrictEqual(idsWith(updated, "CREATE_COMPLETE"), added)
        }

        if (Object.keys(nested).length === 0) {
          const text = added.length > 0 ? withResource(one.text) : one.text
          const error = yield* Effect.flip(cloudFormation.update(requestOf(one, "update-2", text)))
          assert.strictEqual(error._tag, "NoUpdates")
        }

        yield* cloudFormation.delete({ stack, clientRequestToken: "delete-1" })
        yield* settle
        const deleted = yield* eventsOf(id, "delete-1")
        assert.isTrue(Option.isNone(yield* describeStack))
        const ids = [...resources, ...added]
        assert.deepStrictEqual(
          idsWith(deleted, "DELETE_COMPLETE"),
          ids.filter((id) => !retained.includes(id)).toSorted()
        )
        assert.deepStrictEqual(idsWith(deleted, "DELETE_SKIPPED"), retained.toSorted())
      }).pipe(Effect.provide(layerOf(one)))
  )

  it.effect.each(deployments.filter(({ byUrl }) => byUrl !== true))(
    "$name is deployed by deploy-stack, then not updated, and deleted",
    (one) =>
      Effect.gen(function*() {
        yield* createBesides(one)
        const created = yield* runAction(one, "1")
        assert.strictEqual(created._tag, "Succeeded", created.message)
        assert.include(created.message, "Stack update complete")
        if (one.nested === undefined) {
          const again = yield* runAction(one, "2")
          assert.strictEqual(again._tag, "Succeeded", again.message)
          assert.include(again.message, "There were no stack updates")
        }
        const deleted = yield* runAction(one, "3", "DELETE_ONLY")
        assert.strictEqual(deleted._tag, "Succeeded", deleted.message)
        assert.isTrue(Option.isNone(yield* describeStack))
      }).pipe(Effect.provide(layerOf(one)))
  )
})

describe("a template that CloudFormation refuses", () => {
  it.effect.each(refusals)(
    "$name is refused in CloudFormation's words, and nothing is begun",
    (one) =>
      Effect.gen(function*() {
        yield* createBesides(one)
        const { operationTokens } = yield* CloudFormationMemory
        const begun = operationTokens.length
        const error = yield* CloudFormation.use(({ create }) => create(requestOf(one, "create-1"))).pipe(
          Effect.match({ onFailure: (error) => error, onSuccess: () => undefined })
        )
        if (error !== undefined) {
          assertWords(error.message, one.refused)
          assert.lengthOf(operationTokens, begun)
          assert.isTrue(Option.isNone(yield* describeStack))
          return
        }
        assert.isTrue(one.failsLater, "it is not refused")
        yield* settle
        const { id, status } = Option.getOrThrow(yield* describeStack)
        assert.strictEqual(status, "ROLLBACK_COMPLETE")
        const events = yield* allEvents(id)
        assertWords(events.map(({ reason = "" }) => reason).join("\n"), one.refused)
      }).pipe(Effect.provide(layerOf(one)))
  )

  it.effect.each(refusals)("$name makes deploy-stack fail with the reason", (one) =>
    Effect.gen(function*() {
      yield* createBesides(one)
      const outcome = yield* runAction(one, "1")
      assert.strictEqual(outcome._tag, "Failed", outcome.message)
      assertWords(outcome.message, one.refusedByAction ?? one.refused)
    }).pipe(Effect.provide(layerOf(one))))

  it.effect("a template in Windows-1252 makes deploy-stack fail with the reason", () =>
    Effect.gen(function*() {
      const file = "minimal.json"
      const text = read(file).replace("é€😀", "é")
      yield* ArtifactStoreMemory.use(({ put }) => put(stack, { [file]: Buffer.from(text, "latin1") }))
      const outcome = yield* runAction({ file, name: file, text, resources: [] }, "1")
      assert.strictEqual(outcome._tag, "Failed")
      assert.include(outcome.message, "it is not UTF-8 text")
    }).pipe(
      Effect.provide(
        Layer.mergeAll(ArtifactStoreMemory.layer(), CloudFormationMemory.layer(), CodePipelineMemory.layer)
      )
    ))
})
