import { assert, describe, it } from "@effect/vitest"
import { nextSteps } from "../../../src/cli/deploy/nextSteps.ts"

const outputs = {
  DeployStackFunction: "actions-deploy-stack",
  DeployStackArn: "arn:aws:lambda:eu-west-1:123456789012:function:actions-deploy-stack",
  RunTaskFunction: "actions-run-task",
  RunTaskArn: "arn:aws:lambda:eu-west-1:123456789012:function:actions-run-task",
  Stacks: "shop-*",
  CloudFormationRoleName: "role-of-stacks",
  CloudFormationRoleArn: "arn:aws:iam::123456789012:role/role-of-stacks"
}
const deployAgain = "npx effect-codepipeline deploy runTask.ts --bucket code"

const own = [{ name: "run-task", parameters: ["cluster", "task"] }]

const shown = (functions: ReadonlyArray<string>) => nextSteps({ functions, own, outputs, deployAgain })

/** The JSON in a text, each value on lines of its own. */
const jsonIn = (text: string) =>
  Array.from(text.matchAll(/^ {4}\{\n[^]*?^ {4}\}$/gm), ([json]) => JSON.parse(json) as Record<string, unknown>)

describe("after a deployment", () => {
  it("each function is shown as the declaration of an action", () => {
    const [deployStack, runTask] = jsonIn(shown(["deploy-stack", "run-task"]))
    const actionTypeId = { category: "Invoke", owner: "AWS", provider: "Lambda", version: "1" }
    assert.deepStrictEqual(deployStack, {
      name: "DeployStack",
      actionTypeId,
      configuration: {
        FunctionName: "actions-deploy-stack",
        UserParameters: JSON.stringify({
          stack: "shop-NAME",
          file: "template.json",
          artifact: "SourceArtifact",
          roleArn: outputs.CloudFormationRoleArn
        })
      },
      inputArtifacts: [{ name: "SourceArtifact" }],
      outputArtifacts: []
    })
    assert.deepInclude(runTask, {
      name: "RunTask",
      configuration: {
        FunctionName: "actions-run-task",
        UserParameters: "{\"cluster\":\"CLUSTER\",\"task\":\"TASK\"}"
      }
    })
  })

  it("the commands that allow what is missing are shown", () => {
    const text = shown(["deploy-stack", "run-task"])
    assert.include(text, `${deployAgain} --parameter "Stacks=PATTERN"`)
    assert.include(text, "its role role-of-stacks. A new one has no permission. To attach policies:")
    const [, policy = ""] = /--policy-document '(.+)'/.exec(text) ?? []
    assert.deepStrictEqual(JSON.parse(policy).Statement, [{
      Effect: "Allow",
      Action: "lambda:InvokeFunction",
      Resource: [outputs.DeployStackArn, outputs.RunTaskArn]
    }])
  })

  it("nothing is said of stacks when no function changes them", () => {
    const { CloudFormationRoleArn: _, CloudFormationRoleName: __, ...others } = outputs
    const text = nextSteps({
      functions: ["run-task"],
      own: [{ name: "run-task", parameters: [] }],
      outputs: others,
      deployAgain
    })
    assert.notInclude(text, "Stacks=")
    assert.notInclude(text, "To attach policies")
    assert.include(text, "what the action in run-task takes")
  })
})
