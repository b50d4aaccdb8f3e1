import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deployScript } from "./deployScript.ts"

const credentials = { AWS_ACCESS_KEY_ID: "AKIADEVELOPER", AWS_SECRET_ACCESS_KEY: "secret-of-the-developer" }

describe("npm run deploy", () => {
  it.live.each<
    readonly [what: string, args: ReadonlyArray<string>, environment: object, message: string, status: number]
  >([
    ["an option that there is not", ["--buckt=code"], {}, "--buckt is not an option; did you mean --bucket?\n", 2],
    [
      "no region",
      ["--bucket=code"],
      credentials,
      "No region: give --region, set AWS_REGION, or one in your AWS profile\n",
      2
    ],
    ["no credentials", ["--bucket=code", "--region=eu-west-1"], {}, "No AWS credentials: sign in (aws sso login,", 1]
  ])("says what to do about %s", ([, args, environment, message, status]) =>
    Effect.gen(function*() {
      const ended = yield* deployScript(args, { ...environment })
      assert.include(ended.stderr, message)
      assert.strictEqual(ended.stdout, "")
      assert.strictEqual(ended.status, status)
    }))

  it.live("has help", () =>
    Effect.gen(function*() {
      const { status, stdout } = yield* deployScript(["--help"])
      assert.match(stdout, /^Usage: npm run deploy -- --bucket BUCKET/)
      assert.strictEqual(status, 0)
    }))
})
