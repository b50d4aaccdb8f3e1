import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deployScript } from "./deployScript.ts"

const credentials = { AWS_ACCESS_KEY_ID: "AKIADEVELOPER", AWS_SECRET_ACCESS_KEY: "secret-of-the-developer" }

describe("npm run deploy", () => {
  it.live.each<
    readonly [what: string, args: ReadonlyArray<string>, environment: object, message: string, status: number]
  >([
    [
      "no region",
      ["--bucket=code"],
      credentials,
      "npm run deploy needs a region: give --region, set AWS_REGION, or one in your AWS profile\n",
      2
    ],
    [
      "no credentials",
      ["--bucket=code", "--region=eu-west-1"],
      {},
      "npm run deploy needs credentials of AWS, and there are none that work (CredentialsProviderError): set AWS_PROFILE",
      2
    ],
    [
      "a profile that there is not, without its name",
      ["--bucket=code", "--region=eu-west-1"],
      { AWS_PROFILE: "secret-customer" },
      "npm run deploy needs credentials of AWS",
      2
    ],
    ["an address that is none", ["--bucket=code", "--endpoint-url=here"], {}, "\"here\" is not a URL\n", 2]
  ])("says what to do about %s", ([, args, environment, message, status]) =>
    Effect.gen(function*() {
      const ended = yield* deployScript(args, { ...environment })
      assert.include(ended.stderr, message)
      assert.notInclude(ended.stderr, "secret-customer")
      assert.strictEqual(ended.stdout, "")
      assert.strictEqual(ended.status, status)
    }))
})
