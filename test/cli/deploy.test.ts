import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deployScript } from "./deploy/deployScript.ts"

const credentials = { AWS_ACCESS_KEY_ID: "AKIADEVELOPER", AWS_SECRET_ACCESS_KEY: "secret-of-the-developer" }

describe("effect-codepipeline deploy", () => {
  it.live.each<
    readonly [what: string, args: ReadonlyArray<string>, environment: object, message: string, status: number]
  >([
    [
      "no region",
      ["--bucket=code"],
      credentials,
      "deploy needs a region: give --region, set AWS_REGION, or set one in your AWS profile\n",
      2
    ],
    [
      "no credentials",
      ["--bucket=code", "--region=eu-west-1"],
      {},
      "deploy needs AWS credentials, and found none that work (CredentialsProviderError): set AWS_PROFILE",
      2
    ],
    [
      "a profile that does not exist, without its name",
      ["--bucket=code", "--region=eu-west-1"],
      { AWS_PROFILE: "secret-customer" },
      "deploy needs AWS credentials",
      2
    ],
    ["an endpoint that is not a URL", ["--bucket=code", "--endpoint-url=here"], {}, "\"here\" is not a URL\n", 2]
  ])("reports %s, and what to do", ([, args, environment, message, status]) =>
    Effect.gen(function*() {
      const ended = yield* deployScript(args, { ...environment })
      assert.include(ended.stderr, message)
      assert.notInclude(ended.stderr, "secret-customer")
      assert.strictEqual(ended.stdout, "")
      assert.strictEqual(ended.status, status)
    }))
})
