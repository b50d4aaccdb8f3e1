// What is left to do after a deployment: the actions of a pipeline, and what is to be allowed.
import type { OwnFunction } from "./code/ownFunctions.ts"
import type { FunctionName } from "./code/readyMade.ts"
import { arnOutput, functionOutput, logicalIdOf } from "./functionNames.ts"
import { quoted } from "./shell.ts"

export type Outputs = Readonly<Record<string, string>>

export const afterFailure =
  "\nRemove the cause, then run this again. A stack that cannot be updated is deleted and recreated."

/** The name of a stack that deploy-stack may change. */
export const stackOf = ({ Stacks = "" }: Outputs, name: string): string => Stacks.replaceAll("*", name)

/** An example of an action's UserParameters and input artifacts. */
interface Example {
  readonly userParameters: object
  readonly inputArtifacts: ReadonlyArray<string>
}

const examples: Readonly<Record<FunctionName, (outputs: Outputs) => Example>> = {
  "deploy-stack": (outputs) => {
    const { CloudFormationRoleArn: roleArn } = outputs
    return {
      userParameters: {
        stack: stackOf(outputs, "NAME"),
        file: "template.json",
        artifact: "SourceArtifact",
        ...(roleArn !== undefined && { roleArn })
      },
      inputArtifacts: ["SourceArtifact"]
    }
  },
  "deploy-stack-set": ({ StackSets = "" }) => ({
    userParameters: {
      stackSet: StackSets.replaceAll("*", "NAME"),
      file: "template.json",
      artifact: "SourceArtifact",
      accounts: ["ACCOUNT"],
      regions: ["REGION"]
    },
    inputArtifacts: ["SourceArtifact"]
  }),
  "check-webpage": () => ({ userParameters: { url: "https://www.example.com/" }, inputArtifacts: [] })
}

const exampleOf = (name: string, { outputs, own }: Deployed): Example => {
  if (Object.hasOwn(examples, name)) return examples[name as FunctionName](outputs)
  const parameters = own.find((one) => one.name === name)?.parameters ?? []
  return {
    userParameters: Object.fromEntries(parameters.map((parameter) => [parameter, parameter.toUpperCase()])),
    inputArtifacts: []
  }
}

/** The action's declaration in the JSON of a pipeline. */
const declaration = (name: string, functionName: string, { inputArtifacts, userParameters }: Example) => ({
  name: logicalIdOf(name),
  actionTypeId: { category: "Invoke", owner: "AWS", provider: "Lambda", version: "1" },
  configuration: { FunctionName: functionName, UserParameters: JSON.stringify(userParameters) },
  inputArtifacts: inputArtifacts.map((artifact) => ({ name: artifact })),
  outputArtifacts: []
})

const command = (text: string) => `\n    ${text}\n`

/** If only the author of an action knows its parameters. */
const adviceOf = (name: string, { userParameters }: Example) =>
  Object.keys(userParameters).length === 0 ? `    (UserParameters: what the action in ${name} takes)\n` : ""

export interface Deployed {
  /** The names of the functions in the stack. */
  readonly functions: ReadonlyArray<string>
  /** Those of one's own modules. */
  readonly own: ReadonlyArray<Pick<OwnFunction, "name" | "parameters">>
  readonly outputs: Outputs
  /** The command that deploys this stack again, without its options for one run. */
  readonly deployAgain: string
}

/** What the deployed functions still need, with the commands. */
const permissionsLeft = ({ deployAgain, functions, outputs }: Deployed): ReadonlyArray<string> => {
  const { CloudFormationRoleName: roleName, StackSets, Stacks } = outputs
  const document = {
    Version: "2012-10-17",
    Statement: [{
      Effect: "Allow",
      Action: "lambda:InvokeFunction",
      Resource: functions.flatMap((name) => outputs[arnOutput(name)] ?? [])
    }]
  }
  return [
    "What is still to be allowed:\n",
    ...(functions.includes("deploy-stack") && Stacks !== undefined
      ? [
        `The stacks that deploy-stack may change: ${Stacks}. To allow others:`,
        command(`${deployAgain} --parameter "Stacks=PATTERN"`)
      ]
      : []),
    ...(functions.includes("deploy-stack-set") && StackSets !== undefined
      ? [
        `The stack sets that deploy-stack-set may change: ${StackSets}. To allow others:`,
        command(`${deployAgain} --parameter "StackSets=PATTERN"`)
      ]
      : []),
    ...(roleName === undefined ? [] : [
      `CloudFormation creates the resources of your templates with its role ${roleName}. A new one has no permission. ` +
      "To attach policies:",
      command(`${deployAgain} --parameter "ServiceRolePolicyArns=ARN,ARN"`)
    ]),
    "The role of the pipeline must allow lambda:InvokeFunction on the functions. If it does not:",
    command(
      `aws iam put-role-policy --role-name PIPELINE-ROLE --policy-name invoke-actions \\\n      --policy-document ${
        quoted(JSON.stringify(document))
      }`
    )
  ]
}

/** The next steps: how to configure an action in a pipeline, and what is to be allowed. */
export const nextSteps = (deployed: Deployed): string => {
  const { functions, outputs } = deployed
  const actions = functions.flatMap((name) => {
    const functionName = outputs[functionOutput(name)]
    return functionName === undefined ? [] : [{ name, functionName, example: exampleOf(name, deployed) }]
  })
  return [
    "\nNext, add an action to a pipeline, with the category Invoke, the provider Lambda and this configuration:\n",
    ...actions.flatMap(({ example, functionName, name }) => [
      `    FunctionName    ${functionName}\n    UserParameters  ${JSON.stringify(example.userParameters)}\n${
        adviceOf(name, example)
      }`
    ]),
    "Or as JSON, for the actions of a stage in `aws codepipeline update-pipeline`:\n",
    ...actions.map(({ example, functionName, name }) =>
      `${JSON.stringify(declaration(name, functionName, example), undefined, 2).replaceAll(/^/gm, "    ")}\n`
    ),
    ...permissionsLeft(deployed)
  ].join("\n").trimEnd()
}
