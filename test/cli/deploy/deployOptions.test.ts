import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deployConfig, readOptions } from "../../../src/cli/deploy/deployOptions.ts"
import { inputOf } from "../inputOf.ts"

const optionsOf = (args: ReadonlyArray<string>) => Effect.flatMap(inputOf("deploy", deployConfig, args), readOptions)

describe("readOptions of deploy", () => {
  it.effect("returns a default for every option but the bucket", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* optionsOf(["--bucket", "code"]), {
        bucket: "code",
        stack: "codepipeline-actions",
        region: undefined,
        own: [],
        actions: ["deploy-stack", "deploy-stack-set", "check-webpage"],
        remove: false,
        parameters: {},
        templateBucket: undefined,
        pipelineExample: false,
        dryRun: false,
        endpoint: undefined
      })
    }))

  it.effect("reads every option of the command line", () =>
    Effect.gen(function*() {
      const options = yield* optionsOf([
        "--bucket=code",
        "--stack=tools",
        "--region=eu-west-1",
        "--actions=check-webpage",
        "--remove",
        "--parameter",
        "Stacks=shop-*",
        "--parameter=MemorySize=512",
        "--template-bucket=templates",
        "--dry-run",
        "--endpoint-url=http://127.0.0.1:5000"
      ])
      assert.deepStrictEqual(options, {
        bucket: "code",
        stack: "tools",
        region: "eu-west-1",
        own: [],
        actions: ["check-webpage"],
        remove: true,
        parameters: { Stacks: "shop-*", MemorySize: "512" },
        templateBucket: "templates",
        pipelineExample: false,
        dryRun: true,
        endpoint: "http://127.0.0.1:5000"
      })
    }))

  it.effect.each<readonly [args: ReadonlyArray<string>, message: string]>([
    [[], "--bucket is missing"],
    [["--buckt", "code"], "--buckt is not an option; did you mean --bucket?"],
    [["--bucket", "s3://code/x"], "\"s3://code/x\" is not a valid bucket name"],
    [["--bucket=code", "--template-bucket=a/b"], "\"a/b\" is not a valid bucket name"],
    [["--bucket=code", "more.ts"], "more.ts is not a file"],
    [["--bucket=code", "--stack=1st"], "--stack takes a letter, then letters"],
    [["--bucket=code", `--stack=${"s".repeat(51)}`], "at most 50 characters"],
    [["--bucket=code", "--actions=deploy-stak"], "\"deploy-stak\" is not a function; did you mean deploy-stack?"],
    [["--bucket=code", "--actions="], "--actions needs a value"],
    [["--bucket=code", "--actions=deploy-stack", "--pipeline-example"], "--pipeline-example needs all functions"],
    [
      ["--bucket=code", "--parameter=ServiceRole=false", "--pipeline-example"],
      "--pipeline-example needs the role for CloudFormation"
    ],
    [["--bucket=code", "--parameter=Stacks"], "--parameter takes NAME=VALUE, not \"Stacks\""],
    [["--bucket=code", "--parameter=CodeBucket=x"], "--parameter CodeBucket: use --bucket instead"],
    [["--bucket=code", "--parameter=A=1", "--parameter=A=2"], "--parameter A is given twice"]
  ])("rejects %j: %s", ([args, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(optionsOf(args))).message, message)
    }))
})
