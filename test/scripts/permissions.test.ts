import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { permissionSections } from "../../scripts/docs/deployStack.ts"
import { permissionSections as setSections } from "../../scripts/docs/deployStackSet.ts"
import { minimalPolicy, statementsInTemplate } from "../../scripts/docs/policies.ts"
import { functionNames, permissions } from "../../scripts/permissions.ts"

const source = (folder: string) => {
  const url = new URL(`../../src/${folder}/`, import.meta.url)
  return readdirSync(url).map((file) => readFileSync(new URL(file, url), "utf8")).join("\n")
}

/** The AWS calls of the code, by their names in IAM. */
const called = new Set(
  Array.from(
    `${source("services")}\n${source("internal")}`.matchAll(/"((?:cloudformation|s3|codepipeline|sts):[A-Z]\w+)"/g),
    ([, operation]) => operation ?? ""
  )
)

const listed: ReadonlySet<string> = new Set(permissions.flatMap(({ actions }) => actions))

/**
 * No call has their names. S3 checks the first one when an object does not exist, CloudFormation the others when it detects
 * the drift of a stack.
 */
const implied = new Set([
  "s3:ListBucket",
  "cloudformation:DetectStackResourceDrift",
  "cloudformation:BatchDescribeTypeConfigurations"
])

describe("the list of permissions", () => {
  it("has every AWS call of the code", () => {
    assert.isAtLeast(called.size, 10)
    assert.deepStrictEqual([...called].filter((operation) => !listed.has(operation)), [])
  })

  it("has no AWS call that the code does not make", () => {
    const calls = [...listed].filter((action) => /^(cloudformation|s3|codepipeline|sts):/.test(action))
    assert.deepStrictEqual(calls.filter((action) => !called.has(action) && !implied.has(action)), [])
  })

  it("names some jobs by an option, a mode or a note", () => {
    for (const { jobs } of permissions) {
      if (jobs !== "all") assert.isNotEmpty([...jobs.options ?? [], ...jobs.modes ?? [], ...jobs.note ?? ""])
    }
  })

  it("allows all resources only for actions that have no resources in IAM", () => {
    const everywhere = new Set(
      permissions.filter((permission) => permission.role === "function" && permission.resources.includes("*"))
        .flatMap(({ actions }) => actions)
    )
    assert.sameMembers([...everywhere], [
      "codepipeline:PutJobSuccessResult",
      "codepipeline:PutJobFailureResult",
      "cloudformation:GetTemplateSummary",
      "cloudformation:DescribeStackDriftDetectionStatus",
      "cloudformation:BatchDescribeTypeConfigurations",
      "cloudformation:CreateStackSet"
    ])
  })
})

it("the minimal policy allows the calls of a minimal job, and logging", () => {
  assert.deepStrictEqual(minimalPolicy("deploy-stack").Statement.map(({ Action, Resource }) => [Resource, Action]), [
    ["*", ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"]],
    [
      "arn:aws:cloudformation:REGION:ACCOUNT:stack/MyTestStack/*",
      [
        "cloudformation:DescribeStacks",
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "cloudformation:DescribeStackEvents"
      ]
    ],
    ["arn:aws:logs:REGION:ACCOUNT:*", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]]
  ])
})

const sections = permissionSections().split(/^(?=### )/m)

const sectionOf = (heading: string) =>
  sections.find((section) => section.startsWith(`### ${heading}\n`)) ?? assert.fail(`no heading "${heading}"`)

it("every permission is in the minimal policy or in a section of the documents", () => {
  const shown = functionNames.map((name) => JSON.stringify(minimalPolicy(name))).join("") + sections.join("") +
    setSections()
  for (const action of listed) assert.include(shown, action)
})

describe("a section about permissions", () => {
  it("of an option has the statement with resource and condition", () => {
    const section = sectionOf("Option `roleArn`")
    assert.include(section, "- `iam:PassRole`. Required.")
    assert.include(
      section,
      JSON.stringify({
        Effect: "Allow",
        Action: ["iam:PassRole"],
        Resource: "arn:aws:iam::ACCOUNT:role/ROLE",
        Condition: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } }
      })
    )
  })

  it("of a mode has everything that the mode needs besides the minimal policy", () => {
    const section = sectionOf("Mode `CHANGE_SET_DEPLOY`")
    for (const action of ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet"]) {
      assert.include(section, `"cloudformation:${action}"`)
    }
    assert.include(sectionOf("Mode `DELETE_ONLY`"), "cloudformation:DeleteStack")
  })

  it("says what a job lacks without an optional permission", () => {
    assert.match(sectionOf("Option `parameters`"), /GetTemplateSummary`.* Optional\. Without it, names are not checked/)
  })
})

it("a function's role in the template has only what that function needs", () => {
  const deployStack = statementsInTemplate("deploy-stack")
  const deployStackSet = statementsInTemplate("deploy-stack-set")
  const checkWebpage = statementsInTemplate("check-webpage")
  assert.include(deployStack, "cloudformation:CreateStack")
  assert.notInclude(deployStack, "StackSet")
  assert.notMatch(deployStackSet, /cloudformation:(Create|Update|Delete)Stack\n/)
  assert.notInclude(checkWebpage, "cloudformation:")
  assert.include(checkWebpage, "Resource: !GetAtt CheckWebpageLogs.Arn")
})
