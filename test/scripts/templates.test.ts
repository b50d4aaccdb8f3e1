import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { entryPoints } from "../../scripts/build/bundle.ts"
import { minimalPolicy } from "../../scripts/docs/policies.ts"
import { functionsTemplate } from "../../scripts/docs/readme.ts"
import { type FunctionName, functionNames, permissions } from "../../scripts/permissions.ts"
import { CheckWebpage } from "../../src/actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import * as UserParameters from "../../src/domain/job/UserParameters.ts"
import { compileOnce } from "../lambda/compileOnce.ts"
import { readTemplate, type Template, templateNames } from "./template.ts"

it("functions.yaml is up to date; otherwise run npm run readme", async () => {
  const { current, present } = await functionsTemplate()
  assert.strictEqual(present, current)
})

describe.each(templateNames)("%s.yaml", (name) => {
  const { aliases, template } = readTemplate(name)

  it("has no alias, which CloudFormation rejects", () => {
    assert.deepStrictEqual(aliases, [])
  })

  it("describes every parameter", () => {
    for (const [parameter, { Description }] of Object.entries(template.Parameters)) {
      assert.isNotEmpty(Description, parameter)
    }
  })

  it("names no IAM resource, so that CAPABILITY_IAM is enough", () => {
    const named = Object.values(template.Resources).filter(({ Properties, Type }) =>
      Type === "AWS::IAM::Role" && "RoleName" in Properties
    )
    assert.deepStrictEqual(named, [])
  })
})

const noLinter = spawnSync("cfn-lint", ["--version"]).error !== undefined

it.skipIf(noLinter)(
  `cfn-lint reports nothing${noLinter ? " (skipped: cfn-lint is not installed)" : ""}`,
  () => {
    const files = templateNames.map((name) =>
      fileURLToPath(new URL(`../../scripts/templates/${name}.yaml`, import.meta.url))
    )
    const { status, stdout } = spawnSync("cfn-lint", files, { encoding: "utf8" })
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 0)
  }
)

describe("the SAM template of docs/operations/deploying.md", () => {
  const page = readFileSync(fileURLToPath(new URL("../../docs/operations/deploying.md", import.meta.url)), "utf8")
  const text = /```yaml\n(.+?)```/s.exec(page)?.[1] ?? assert.fail("no template")

  it("allows the minimal policy; SAM adds the statements for logs", () => {
    const actions = minimalPolicy("deploy-stack").Statement.flatMap(({ Action }) => Action)
    for (const action of actions.filter((action) => !action.startsWith("logs:"))) assert.include(text, action)
  })

  it.skipIf(noLinter)(
    `passes cfn-lint${noLinter ? " (skipped: cfn-lint is not installed)" : ""}`,
    () => {
      const { stdout } = spawnSync("cfn-lint", ["--format", "parseable"], { encoding: "utf8", input: text })
      assert.strictEqual(stdout, "")
    }
  )
})

interface Statement {
  readonly Action: string | ReadonlyArray<string>
  readonly Resource: unknown
}

const { template } = readTemplate("functions")

const propertiesOf = <A>({ Resources }: Template, logicalId: string) => Resources[logicalId]?.Properties as A

/** The statements of a function's role, including those with a condition. */
const statementsOf = (logicalId: string) => {
  const { Policies } = propertiesOf<{
    readonly Policies: ReadonlyArray<{ readonly PolicyDocument: { readonly Statement: ReadonlyArray<unknown> } }>
  }>(template, `${logicalId}Role`)
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).map((statement) =>
    ((statement as { readonly "Fn::If"?: ReadonlyArray<unknown> })["Fn::If"]?.[1] ?? statement) as Statement
  )
}

const logicalIds = {
  "deploy-stack": "DeployStack",
  "deploy-stack-set": "DeployStackSet",
  "check-webpage": "CheckWebpage"
} satisfies Record<
  FunctionName,
  string
>

/** The AWS calls in the built function, by their names in IAM. The bundle has no byte of an unused command. */
const callsOf = async (module: string) => {
  const { metafile } = await compileOnce(module)
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  return inputs.flatMap(([path, { bytesInOutput }]) => {
    const [, service, command] = /@aws-sdk\/client-(\w+)\/dist-es\/commands\/(\w+)Command\.js$/.exec(path) ?? []
    // The client itself needs it for directory buckets, which have neither artifacts nor templates.
    if (command === "CreateSession") return []
    return command !== undefined && bytesInOutput > 0 ? [`${service}:${command}`] : []
  })
}

/** AWS checks these because of something in a call: a stack policy, a role, a KMS key, drift. And Lambda writes logs. */
const implied = new Set([
  "cloudformation:DetectStackResourceDrift",
  "cloudformation:BatchDescribeTypeConfigurations",
  "iam:PassRole",
  "kms:GenerateDataKey",
  "kms:Decrypt",
  "logs:CreateLogStream",
  "logs:PutLogEvents"
])

describe.each(functionNames)("the role of %s", (name) => {
  const statements = statementsOf(logicalIds[name])
  const allowed = statements.flatMap(({ Action }) => Action)

  it("allows exactly the calls in the built function", async () => {
    const module = new Map(await entryPoints()).get(name) ?? ""
    const calls = await callsOf(module)
    assert.isAtLeast(calls.length, 2)
    const withoutImplied = new Set(allowed.filter((action) => !implied.has(action)))
    assert.sameMembers([...withoutImplied], calls)
  })

  it("allows only what the list of permissions has for the functions' roles", () => {
    const table = permissions.filter(({ role }) => role === "function").flatMap(({ actions }) => actions)
    assert.includeMembers(table, allowed)
  })

  it("allows all resources only for actions without resources in IAM", () => {
    const everywhere = statements.filter(({ Resource }) => Resource === "*").flatMap(({ Action }) => Action)
    const table = permissions
      .filter((permission) => permission.role === "function" && permission.resources.includes("*"))
      .flatMap(({ actions }) => actions)
    assert.includeMembers(table, everywhere)
    assert.notInclude(allowed.join(), "*")
  })

  it("writes to the log group of its function", () => {
    const { LoggingConfig } = propertiesOf<{ readonly LoggingConfig: unknown }>(template, logicalIds[name])
    assert.deepStrictEqual(LoggingConfig, { LogFormat: "JSON", LogGroup: { Ref: `${logicalIds[name]}Logs` } })
  })
})

describe("the example pipeline", () => {
  const { template } = readTemplate("pipeline")
  const { Stages } = propertiesOf<{
    readonly Stages: ReadonlyArray<{
      readonly Name: string
      readonly Actions: ReadonlyArray<{
        readonly Name: string
        readonly RunOrder?: number
        readonly ActionTypeId: { readonly Provider: string }
        readonly Configuration: {
          readonly FunctionName?: { readonly Ref: string }
          readonly UserParameters?: { readonly "Fn::Sub": string }
        }
      }>
    }>
  }>(template, "Pipeline")
  const actions = Stages.flatMap(({ Actions }) => Actions)

  /** UserParameters as the function receives them. */
  const userParametersOf = (action: string) => {
    const { Configuration: { UserParameters } = {} } = actions.find(({ Name }) => Name === action) ?? {}
    return (UserParameters?.["Fn::Sub"] ?? "")
      .replaceAll("${CloudFormationRoleArn}", "arn:aws:iam::123456789012:role/r")
      .replaceAll("${AWS::Region}", "eu-central-1")
      .replaceAll("${AWS::URLSuffix}", "amazonaws.com")
      .replaceAll("${Stack}", "MyTestStack")
      .replaceAll("#{Deploy.BucketName}", "myteststack-mysamplebucket-1abc")
  }

  it("deploys, checks, and deletes the stack after an approval", () => {
    const order = Stages.flatMap(({ Actions }) =>
      Actions.toSorted((a, b) => (a.RunOrder ?? 1) - (b.RunOrder ?? 1)).map(({ Name }) => Name)
    )
    assert.deepStrictEqual(order, ["Template", "DeployStack", "CheckWebpage", "Approve", "DeleteStack"])
    assert.strictEqual(actions.find(({ Name }) => Name === "Approve")?.ActionTypeId.Provider, "Manual")
  })

  it.effect("passes valid UserParameters to the functions", () =>
    Effect.gen(function*() {
      const deploy = yield* UserParameters.decode(DeployStack.parameters, userParametersOf("DeployStack"))
      assert.deepInclude(deploy, { stack: "MyTestStack", roleArn: "arn:aws:iam::123456789012:role/r" })
      const remove = yield* UserParameters.decode(DeployStack.parameters, userParametersOf("DeleteStack"))
      assert.deepStrictEqual(remove, { stack: "MyTestStack", mode: "DELETE_ONLY" })
      const check = yield* UserParameters.decode(CheckWebpage.parameters, userParametersOf("CheckWebpage"))
      assert.strictEqual(check.url.href, "https://myteststack-mysamplebucket-1abc.s3.eu-central-1.amazonaws.com/")
    }))

  it("needs only parameters that are outputs of the functions' stack", () => {
    const withoutDefault = Object.entries(template.Parameters).filter(([, { Default }]) => Default === undefined)
    assert.includeMembers(
      Object.keys(readTemplate("functions").template.Outputs),
      withoutDefault.map(([name]) => name)
    )
  })
})
