import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { spawnSync } from "node:child_process"
import type { OwnFunction } from "../../../../src/cli/deploy/code/ownFunctions.ts"
import { withOwnFunctions } from "../../../../src/cli/deploy/template/functionsTemplate.ts"
import { readTemplate } from "../../../../src/cli/deploy/template/templates.ts"
import { Permissions } from "../../../../src/index.ts"
import { parse } from "../../../../src/testing/cloudFormation/template/parse.ts"
import { isMapping } from "../../../../src/testing/cloudFormation/template/TemplateValue.ts"

const own = (name: string, permissions: OwnFunction["permissions"] = []): OwnFunction => ({
  name,
  entry: `${name}.ts`,
  path: `/project/${name}.ts`,
  permissions,
  parameters: []
})

const templateOf = (...functions: ReadonlyArray<OwnFunction>) =>
  Effect.flatMap(readTemplate("functions"), (readyMade) => withOwnFunctions(readyMade, functions, "functions.yaml"))

const runTask = own("run-task", [
  { actions: ["ecs:RunTask"], resources: ["arn:${AWS::Partition}:ecs:*:*:task-definition/migrate:*"] },
  ...Permissions.cloudFormation({ stacks: "shop-*" })
])

describe("the template of functions", () => {
  it.effect("is functions.yaml as it is, without functions of one's own", () =>
    Effect.gen(function*() {
      const readyMade = yield* readTemplate("functions")
      assert.deepStrictEqual(yield* templateOf(), readyMade)
    }))

  it.effect("has the ready-made functions unchanged, besides those of one's own", () =>
    Effect.gen(function*() {
      const before = Result.getOrThrow(parse((yield* readTemplate("functions")).text))
      const after = Result.getOrThrow(parse((yield* templateOf(runTask, own("greet"))).text))
      for (const section of ["Parameters", "Conditions", "Resources", "Outputs"]) {
        assert.deepInclude(after[section], before[section] as object)
      }
      const added = (section: string) => {
        const [one, other] = [before[section], after[section]]
        return isMapping(one) && isMapping(other) ? Object.keys(other).filter((name) => !Object.hasOwn(one, name)) : []
      }
      assert.deepStrictEqual(added("Resources"), [
        "RunTask",
        "RunTaskLogs",
        "RunTaskRole",
        "Greet",
        "GreetLogs",
        "GreetRole"
      ])
      assert.deepStrictEqual(added("Parameters"), ["RunTaskKey", "GreetKey"])
      assert.deepStrictEqual(added("Outputs"), ["RunTaskFunction", "RunTaskArn", "GreetFunction", "GreetArn"])
    }))

  it.effect("gives the role of a function what every function needs, and what its module states", () =>
    Effect.gen(function*() {
      const { text } = yield* templateOf(runTask)
      const role = /\n {2}RunTaskRole:\n(.+?)\n(?:\n| {2}\w|\w)/s.exec(text)?.[1] ?? assert.fail(text)
      assert.match(
        role,
        /codepipeline:PutJobSuccessResult[^]*Resource: !GetAtt RunTaskLogs\.Arn[^]*- ecs:RunTask\n +Resource: !Sub arn:\$\{AWS::Partition\}:ecs:\*:\*:task-definition\/migrate:\*/
      )
      assert.match(role, /cloudformation:UpdateStack[^]*stack\/shop-\*\/\*/)
      assert.notInclude(role, "CreateLogGroup")
    }))

  it.effect("is the same text each time", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* templateOf(runTask)).text, (yield* templateOf(runTask)).text)
    }))

  it.effect("is refused when a permission refers to a resource that it does not have", () =>
    Effect.gen(function*() {
      const wrong = own("greet", [{ actions: ["sns:Publish"], resources: ["${Topic}"] }])
      const { message } = yield* Effect.flip(templateOf(wrong))
      assert.strictEqual(
        message,
        "the permissions of greet.ts: Template format error: Unresolved resource dependencies [Topic] in the Resources " +
          "block of the template"
      )
    }))

  it.effect("is refused when a function would have the name of something else in it", () =>
    Effect.gen(function*() {
      const { message } = yield* Effect.flip(templateOf(own("cloud-formation-role")))
      assert.include(message, "cloud-formation-role.ts: the template has")
    }))

  const noLinter = spawnSync("cfn-lint", ["--version"]).error !== undefined

  it.effect.skipIf(noLinter)(
    `passes cfn-lint with functions of one's own${noLinter ? " (skipped: cfn-lint is not installed)" : ""}`,
    () =>
      Effect.gen(function*() {
        const { text } = yield* templateOf(runTask, own("greet"))
        const { stdout } = spawnSync("cfn-lint", ["--format", "parseable"], { encoding: "utf8", input: text })
        assert.strictEqual(stdout, "")
      })
  )
})
