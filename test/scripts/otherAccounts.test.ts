// The page docs/deploy-stack/other-accounts.md: its pipeline is accepted, and its policies allow the calls.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { parse } from "yaml"
import { permissionsOf } from "../../scripts/permissions.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import * as UserParameters from "../../src/domain/job/UserParameters.ts"
import { trustStatement } from "../../src/domain/stack/Destination.ts"

const page = readFileSync(new URL("../../docs/deploy-stack/other-accounts.md", import.meta.url), "utf8")

interface Policy {
  readonly Statement: ReadonlyArray<{
    readonly Effect: string
    readonly Action: string | ReadonlyArray<string>
    readonly Principal?: unknown
  }>
}

const policies = Array.from(page.matchAll(/```json\n(.+?)```/gs), ([, text = ""]): unknown => JSON.parse(text))
  .filter((value): value is Policy => typeof value === "object" && value !== null && "Statement" in value)

describe("the pipeline for two accounts", () => {
  it.effect("has UserParameters that deploy-stack accepts, for two accounts and regions", () =>
    Effect.gen(function*() {
      const { Stages } = parse(/```yaml\n(.+?)```/s.exec(page)?.[1] ?? "") as {
        readonly Stages: ReadonlyArray<{
          readonly Actions: ReadonlyArray<{ readonly Configuration: { readonly UserParameters: string } }>
        }>
      }
      const texts = Stages.flatMap(({ Actions }) => Actions.map(({ Configuration }) => Configuration.UserParameters))
      const all = yield* Effect.forEach(texts, (text) => UserParameters.decode(DeployStack.parameters, text))
      assert.deepStrictEqual(
        all.map(({ assumeRole, region, roleArn }) => [assumeRole, region, roleArn]),
        [["222222222222", "eu-west-1"], ["333333333333", "eu-north-1"]].map(([account, region]) => [
          `arn:aws:iam::${account}:role/deploy-shop`,
          region,
          `arn:aws:iam::${account}:role/cloudformation-shop`
        ])
      )
      const assumable = /AssumableRoles=([^"]+)"/.exec(page.replaceAll("\\\n", ""))?.[1]?.split(",") ?? []
      assert.deepStrictEqual(assumable, all.map(({ assumeRole }) => assumeRole ?? ""))
    }))
})

describe("the roles of a target account", () => {
  const [trustOfRole, policy, trustOfCloudFormation] = policies

  it("trust the function's role, with the statement of the message of a denied AssumeRole, and CloudFormation", () => {
    assert.lengthOf(policies, 3)
    const principal = "arn:aws:iam::111111111111:role/ROLE_OF_THE_FUNCTION"
    assert.deepStrictEqual(trustOfRole?.Statement, [JSON.parse(trustStatement(principal))])
    assert.deepStrictEqual(trustOfCloudFormation?.Statement, [
      { Effect: "Allow", Principal: { Service: "cloudformation.amazonaws.com" }, Action: "sts:AssumeRole" }
    ])
  })

  it("allow every call to CloudFormation, and the upload of templates", () => {
    const allowed = policy?.Statement.flatMap(({ Action }) => Action) ?? []
    const needed = permissionsOf["deploy-stack"].filter(({ role }) => role === "function").flatMap(({ actions }) =>
      actions
    )
      .filter((action) => action.startsWith("cloudformation:"))
    assert.isAtLeast(needed.length, 15)
    assert.includeMembers([...allowed], [...needed, "s3:PutObject", "s3:GetObject", "iam:PassRole"])
  })

  it("allow nothing that the function does with its own role", () => {
    const allowed = (policy?.Statement.flatMap(({ Action }) => Action) ?? []).join(" ")
    assert.notMatch(allowed, /codepipeline:|logs:|sts:/)
  })
})
