import { assert, describe, it } from "@effect/vitest"
import { merge } from "../../../src/domain/job/Statement.ts"

describe("statements of a policy", () => {
  it("are merged when they have the same resources and conditions, and name each call once", () => {
    assert.deepStrictEqual(
      merge([
        { actions: ["s3:GetObject"], resources: ["a"] },
        { actions: ["s3:ListBucket"], resources: ["b"] },
        { actions: ["s3:PutObject", "s3:GetObject"], resources: ["a"] }
      ]),
      [
        { actions: ["s3:GetObject", "s3:PutObject"], resources: ["a"] },
        { actions: ["s3:ListBucket"], resources: ["b"] }
      ]
    )
  })

  it("are not merged when only one of them has a condition", () => {
    const conditions = { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }
    const statements = [
      { actions: ["iam:PassRole"], resources: ["*"], conditions },
      { actions: ["iam:PassRole"], resources: ["*"] }
    ] as const
    assert.deepStrictEqual(merge(statements), [...statements])
  })
})
