// The options that only change sets have: imports, and drift.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { created, deploy, execute, replace, requests } from "./planWorld.ts"
import {
  deny,
  eventWith,
  firstTemplate,
  invoke,
  operationTokens,
  putTemplate,
  required,
  runAction,
  secondTemplate,
  templateOf,
  world
} from "./world.ts"

const bucketWith = (DeletionPolicy: string) =>
  JSON.stringify({
    Resources: {
      Topic: { Type: "AWS::SNS::Topic" },
      Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "b" }, DeletionPolicy }
    }
  })
const bucket = bucketWith("Retain")

describe("importExistingResources and deploymentMode", () => {
  const addExisting = CloudFormationMemory.use(({ addExisting }) => addExisting("AWS::S3::Bucket", "b"))

  it.effect("an existing resource is imported, and counts as an addition", () =>
    Effect.gen(function*() {
      yield* created
      yield* addExisting
      yield* putTemplate(bucket)
      const failed = yield* runAction("1", deploy)
      assert.include(failed.message, "Resource of type 'AWS::S3::Bucket' with identifier 'b' already exists.")
      const outcome = yield* runAction("2", { ...replace, importExistingResources: true })
      assert.include(outcome.message, "1 change (1 import): import Bucket (AWS::S3::Bucket)")
      assert.deepNestedInclude(outcome, { "outputVariables.Additions": "1" })
      assert.deepInclude(yield* runAction("3", execute), { _tag: "Succeeded" })
      assert.deepInclude(yield* runAction("4", deploy), { _tag: "Succeeded" })
    }).pipe(Effect.provide(world(templateOf({ Topic: "AWS::SNS::Topic" })))))

  it.effect("an existing resource that its stack would delete is not imported", () =>
    Effect.gen(function*() {
      yield* created
      yield* addExisting
      yield* putTemplate(bucketWith("Delete"))
      const outcome = yield* runAction("1", { ...deploy, importExistingResources: true })
      assert.include(outcome.message, "Resource of type 'AWS::S3::Bucket' with identifier 'b' already exists.")
    }).pipe(Effect.provide(world(templateOf({ Topic: "AWS::SNS::Topic" })))))

  it.effect("REVERT_DRIFT is for a change set of an existing stack: a new one has no drift", () =>
    Effect.gen(function*() {
      const parameters = { ...deploy, deploymentMode: "REVERT_DRIFT" }
      const first = yield* requests(runAction("1", parameters))
      yield* putTemplate(secondTemplate)
      const second = yield* requests(runAction("2", parameters))
      assert.deepInclude(second.result, { _tag: "Succeeded" })
      assert.deepStrictEqual([...first.made, ...second.made].map(({ deploymentMode }) => deploymentMode), [
        undefined,
        "REVERT_DRIFT"
      ])
      const notChecked = yield* CloudFormationMemory.use(({ notChecked }) => notChecked)
      assert.include(notChecked, "drift of resources")
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect.each([
    [{ importExistingResources: true }, "importExistingResources"],
    [{ deploymentMode: "REVERT_DRIFT" }, "deploymentMode"],
    [{ includeNestedStacks: true }, "includeNestedStacks"]
  ])("the mode CREATE_UPDATE refuses %j by name", ([options, name]) =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWith({ ...required, ...options as object }))
      assert.deepInclude(outcome, {
        _tag: "Failed",
        type: "ConfigurationError",
        message: `"${name}" does not apply to mode CREATE_UPDATE, only to CHANGE_SET_REPLACE, CHANGE_SET_DEPLOY`
      })
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("a plan without permission to describe change sets is a PermissionError", () =>
    Effect.gen(function*() {
      yield* created
      yield* putTemplate(secondTemplate)
      yield* deny("cloudformation:DescribeChangeSet")
      assert.deepInclude(yield* runAction("1", replace), { _tag: "Failed", type: "PermissionError" })
    }).pipe(Effect.provide(world(firstTemplate))))
})
