import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { furtherPermissions, minimalPolicy, permissions } from "../../scripts/permissions.ts"
import { options } from "../../src/actions/deployStack/Parameters.ts"

const source = (folder: string) => {
  const url = new URL(`../../src/${folder}/`, import.meta.url)
  return readdirSync(url).map((file) => readFileSync(new URL(file, url), "utf8")).join("\n")
}

/** The calls of AWS in the words of IAM, as `send` is told them. */
const called = new Set(
  Array.from(
    `${source("services")}\n${source("internal")}`.matchAll(/"((?:cloudformation|s3|codepipeline):[A-Z]\w+)"/g),
    ([, operation]) => operation ?? ""
  )
)

const listed = new Set(permissions.flatMap(({ actions }) => actions))

/** No calls: what AWS asks for because of something in one. */
const implied = new Set(["cloudformation:SetStackPolicy"])

/** Not called yet, but listed already. */
const awaited = new Set(["cloudformation:DescribeEvents"])

describe("permissions", () => {
  it("has every call that the code makes", () => {
    assert.isAtLeast(called.size, 10)
    assert.deepStrictEqual([...called].filter((operation) => !listed.has(operation)), [])
  })

  it("has no call that the code does not make", () => {
    const calls = [...listed].filter((action) => /^(cloudformation|s3|codepipeline):/.test(action))
    const superfluous = calls.filter((action) => !called.has(action) && !implied.has(action) && !awaited.has(action))
    assert.deepStrictEqual(superfluous, [])
  })

  it("knows no option that there is not", () => {
    const known = new Set([...Object.keys(options), "outputFile"])
    assert.deepStrictEqual(permissions.flatMap(({ options }) => options).filter((option) => !known.has(option)), [])
  })

  it("asks for all resources only where AWS has none to name", () => {
    const everywhere = permissions.filter(({ resource }) => resource === "*").flatMap(({ actions }) => actions)
    assert.sameMembers(everywhere, [
      "codepipeline:PutJobSuccessResult",
      "codepipeline:PutJobFailureResult",
      "cloudformation:GetTemplateSummary"
    ])
  })
})

it("the minimal policy is what a minimal job calls, and the logs", () => {
  const { Statement } = JSON.parse(minimalPolicy()) as { Statement: ReadonlyArray<{ Action: ReadonlyArray<string> }> }
  assert.deepStrictEqual(Statement.flatMap(({ Action }) => Action), [
    "codepipeline:PutJobSuccessResult",
    "codepipeline:PutJobFailureResult",
    "cloudformation:DescribeStacks",
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "cloudformation:DescribeStackEvents",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents"
  ])
})

it("every permission is either in the minimal policy or a row of its own", () => {
  const shown = minimalPolicy() + furtherPermissions().flat().join()
  for (const action of listed) assert.include(shown, action)
})
