import { assert, describe, it } from "@effect/vitest"
import { runInOneProcess } from "../scripts/inOneProcess.ts"

const cache = (...args: ReadonlyArray<string>) =>
  runInOneProcess([["src/cli/main.ts", "cache", ...args]], [], { AWS_EC2_METADATA_DISABLED: "true", HOME: "/none" })

describe("effect-codepipeline cache", () => {
  it.each(["greet:live", "arn:aws:lambda:eu-west-1:123456789012:function:greet:3"])(
    "refuses %s, because the code of a version cannot be changed",
    async (name) => {
      const [printed] = await cache(name)
      assert.strictEqual(
        printed?.stderr,
        `${name}: the code of a version cannot be changed; name the function without it\n`
      )
      assert.strictEqual(printed?.status, 2)
    }
  )

  it.each(["greet", "arn:aws:lambda:eu-west-1:123456789012:function:greet", "123456789012:function:greet"])(
    "takes %s for a function, and needs a region",
    async (name) => {
      const [printed] = await cache(name)
      assert.match(printed?.stderr ?? "", /^cache needs a region: give --region/)
      assert.strictEqual(printed?.status, 2)
    }
  )
})
