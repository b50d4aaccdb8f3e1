import { assert, it } from "@effect/vitest"
import { functionsOf, logicalIdOf } from "../../../src/cli/deploy/functionNames.ts"

it.each([["deploy-stack", "DeployStack"], ["greet", "Greet"], ["s3-copy", "S3Copy"]])(
  "the function %s is %s in the template",
  (name, id) => {
    assert.strictEqual(logicalIdOf(name), id)
  }
)

it("the functions of a stack are those whose names it outputs", () => {
  const outputs = { DeployStackFunction: "a", DeployStackArn: "b", Stacks: "c", RunTaskFunction: "d", Function: "e" }
  assert.deepStrictEqual(functionsOf({ outputs }), ["deploy-stack", "run-task"])
})
