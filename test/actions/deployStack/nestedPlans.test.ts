// The plan of a change set with nested stacks.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AwsDenied } from "../../../src/domain/job/AwsError.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import {
  changeSetExists,
  created,
  deploy,
  execute,
  parentOf,
  replace,
  requests,
  runWithArtifact,
  tableNamed,
  url,
  withNested,
  withService,
  written,
  writtenPlan
} from "./planWorld.ts"
import { firstTemplate, putTemplate, runAction, stack } from "./world.ts"

describe("nested stacks in a plan", () => {
  it.effect("the changes of nested stacks are in the summary, the variables and the files, with their path", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = tableNamed("b")
        const { made, result } = yield* requests(runWithArtifact("1", replace))
        assert.deepStrictEqual(made.map(({ includeNestedStacks }) => includeNestedStacks), [true])
        assert.include(result.message, "2 changes (1 replace, 1 modify): replace Network/Table (AWS::DynamoDB::Table)")
        assert.deepNestedInclude(result, { "outputVariables.Replacements": "1", "outputVariables.Modifications": "1" })
        assert.include((yield* written)["plan.md"], "| **yes** | `Network/Table` | `AWS::DynamoDB::Table` |")
        assert.deepInclude(yield* runAction("2", execute), { _tag: "Succeeded", message: "Stack update complete" })
      })
    ))

  it.effect("nested stacks that do not change make an empty change set", () =>
    withNested(() =>
      Effect.gen(function*() {
        yield* created
        assert.deepNestedInclude(yield* runAction("1", deploy), { "outputVariables.HasChanges": "false" })
      })
    ))

  it.effect("a nested stack that is listed without any change is not counted", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        yield* putTemplate(parentOf({ DisplayName: "New" }))
        templates[url] = tableNamed("b")
        const withoutChanges = withService(({ describeChangeSet }) => ({
          describeChangeSet: (query) =>
            Effect.map(
              describeChangeSet(query),
              Option.map((found) => found.rootId === undefined ? found : Object.assign({}, found, { changes: [] }))
            )
        }))
        const outcome = yield* withoutChanges(runAction("1", replace))
        assert.include(outcome.message, "1 change (1 perhaps replace): perhaps replace Topic")
      })
    ))

  it.effect.each<readonly [options: object, template: string, expected: boolean | undefined]>([
    [{}, firstTemplate, undefined],
    [{ includeNestedStacks: true }, firstTemplate, true],
    [{ includeNestedStacks: false }, parentOf({}), false],
    [{}, parentOf({}), true]
  ])(
    "nested stacks are included if the template has some, unless UserParameters decide: %j",
    ([options, template, expected]) =>
      withNested(() =>
        Effect.gen(function*() {
          yield* putTemplate(template)
          const { made } = yield* requests(runAction("1", { ...replace, ...options }))
          assert.deepStrictEqual(made.map(({ includeNestedStacks }) => includeNestedStacks), [expected])
        })
      )
  )

  it.effect.each(["denied", "not included"])(
    "a plan without the changes of a nested stack says so, and is no failure: they are %s",
    (why) =>
      withNested((templates) =>
        Effect.gen(function*() {
          yield* created
          templates[url] = tableNamed("b")
          const denied = new AwsDenied({
            operation: "cloudformation:DescribeChangeSet",
            code: "AccessDenied",
            detail: "no"
          })
          const withoutNested = withService(({ describeChangeSet }) => ({
            describeChangeSet: (query) =>
              query.stack === undefined && why === "denied" ? Effect.fail(denied) : describeChangeSet(query)
          }))
          const parameters = why === "denied" ? replace : { ...replace, includeNestedStacks: false }
          const outcome = yield* withoutNested(runWithArtifact("1", parameters))
          assert.deepInclude(outcome, { _tag: "Succeeded" })
          assert.include(outcome.message, "1 change (1 modify): modify Network")
          assert.deepNestedInclude(yield* writtenPlan, {
            "notes[0]": "The changes within these nested stacks are not known: Network."
          })
        })
      )
  )

  it.effect("at most a hundred nested change sets are read, and the changes of the others are not known", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = tableNamed("b")
        const nested: Array<string> = []
        const many = withService(({ describeChangeSet }) => ({
          describeChangeSet: (query) => {
            if (query.stack === undefined) nested.push(query.changeSet)
            return Effect.map(
              describeChangeSet({ ...query, stack, changeSet: "Next" }),
              Option.map((found) => {
                const changes = Array.from({ length: query.stack === undefined ? 0 : 120 }, (_, index) => ({
                  action: "Modify",
                  logicalResourceId: `Nested${index}`,
                  resourceType: "AWS::CloudFormation::Stack",
                  nestedChangeSet: `arn:${index}`
                }))
                return Object.assign({}, found, { changes })
              })
            )
          }
        }))
        const outcome = yield* many(runWithArtifact("1", replace))
        assert.strictEqual(outcome._tag, "Succeeded")
        assert.deepStrictEqual(nested, Array.from({ length: 100 }, (_, index) => `arn:${index}`))
        assert.match((yield* writtenPlan).notes[0], /not known: Nested100, Nested101, .*Nested119\.$/)
      })
    ))

  it.effect("a nested change set is not executed on its own", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = tableNamed("b")
        yield* runAction("1", replace)
        const found = yield* CloudFormation.use(({ describeChangeSet }) =>
          describeChangeSet({ stack, changeSet: "Next" })
        )
        const { changes: [change], id } = Option.getOrThrow(found)
        const nested = Option.getOrThrow(
          yield* CloudFormation.use(({ describeChangeSet }) =>
            describeChangeSet({ changeSet: change?.nestedChangeSet ?? "" })
          )
        )
        const outcome = yield* runAction("2", {
          stack: nested.stackId,
          mode: "CHANGE_SET_EXECUTE",
          changeSet: nested.id
        })
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.include(outcome.message, `it is nested in the change set ${id}. Execute that one`)
      })
    ))

  it.effect("the causes of a nested change set that failed are reported, with the option to do without", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = JSON.stringify({ Parameters: { Size: { Type: "String" } }, ...JSON.parse(tableNamed("b")) })
        const outcome = yield* runAction("1", deploy)
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError" })
        assert.match(
          outcome.message,
          /^Error creating change set "execute-1" .*: Nested change set arn:\S+ was not successfully created: Currently in FAILED\.\nNetwork: Parameters: \[Size\] must have values\n/
        )
        assert.include(outcome.message, "\"includeNestedStacks\": false in UserParameters")
        assert.isFalse(yield* changeSetExists("execute-1"))
        const explicit = yield* runAction("2", { ...deploy, includeNestedStacks: true })
        assert.notInclude(explicit.message, "\"includeNestedStacks\": false")
      })
    ))

  it.effect("the causes of a nested change set are found by its ARN in CloudFormation's reason, too", () =>
    withNested((templates) =>
      Effect.gen(function*() {
        yield* created
        templates[url] = JSON.stringify({ Parameters: { Size: { Type: "String" } }, ...JSON.parse(tableNamed("b")) })
        const withoutChanges = withService(({ describeChangeSet }) => ({
          describeChangeSet: (query) =>
            Effect.map(describeChangeSet(query), Option.map((found) => Object.assign({}, found, { changes: [] })))
        }))
        const outcome = yield* withoutChanges(runAction("1", deploy))
        assert.include(outcome.message, ": Parameters: [Size] must have values")
      })
    ))
})
