import { assert, describe, it } from "@effect/vitest"
import { Config, Effect, Layer, Option, Record, References } from "effect"
import { createHash } from "node:crypto"
import { PassThrough } from "node:stream"
import { gzipSync } from "node:zlib"
import { readCommandLine } from "../../../scripts/commandLine.ts"
import { deploy } from "../../../scripts/deploy/deployment.ts"
import { readOptions, script } from "../../../scripts/deploy/deployOptions.ts"
import { type Ask, FunctionFails, NoAnswer } from "../../../scripts/deploy/functionsInLambda.ts"
import { makeTerminalReporter } from "../../../scripts/run/TerminalReporter.ts"
import { AwsDenied } from "../../../src/domain/job/AwsError.ts"
import type { Stack } from "../../../src/domain/stack/Stack.ts"
import { ArtifactStore, CloudFormation } from "../../../src/index.ts"
import { readEntry } from "../../../src/internal/zipEntry.ts"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import { CloudFormationMemory } from "../../../src/testing/index.ts"
import { environment } from "../../contract/environment.ts"
import { S3Server } from "../../contract/S3Server.ts"
import { hasMoto, startMoto } from "../moto.ts"
import { toJson } from "../template.ts"
import { deployScript } from "./deployScript.ts"

const inJson = <A extends object>(request: A): A =>
  "templateBody" in request ? { ...request, templateBody: toJson(String(request.templateBody)) } : request

/** Buckets have small letters. */
const inSmallLetters = (stack: Stack): Stack => ({
  ...stack,
  outputs: Record.map(stack.outputs, (value, name) => name === "SourceBucketName" ? value.toLowerCase() : value)
})

/** CloudFormation in memory, which reads JSON alone and names buckets as all else. */
const cloudFormation = Layer.provideMerge(
  Layer.effect(
    CloudFormation,
    Effect.map(CloudFormation, (memory) => ({
      ...memory,
      describe: (stack) => Effect.map(memory.describe(stack), Option.map(inSmallLetters)),
      create: (request) => memory.create(inJson(request)),
      update: (request) => memory.update(inJson(request)),
      templateSummary: (template) => memory.templateSummary(inJson(template))
    }))
  ),
  CloudFormationMemory.layer({ resourceDuration: "10 millis" })
)

/** The environment of somebody who has signed in. */
const signedIn = (endpoint: string) =>
  environment({
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "AKIADEVELOPER",
    AWS_SECRET_ACCESS_KEY: "secret-of-the-developer",
    AWS_ENDPOINT_URL: endpoint
  })

const account = Layer.mergeAll(ArtifactStore.layer, cloudFormation).pipe(
  Layer.provideMerge(Layer.unwrap(S3Server.useSync(({ endpoint }) => signedIn(endpoint)))),
  Layer.provideMerge(S3Server.layer)
)

/** moto is all of AWS. */
const moto = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer).pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(startMoto, signedIn)))
)

const askNobody: Ask = () => Effect.fail(new NoAnswer({ message: "nobody is there" }))

/** Runs the command, with functions that are built in no time, and gives what was told. */
const run = Effect.fnUntraced(
  function*(args: ReadonlyArray<string>, code = "the code", ask: Ask = askNobody) {
    const endpoint = yield* Config.String("AWS_ENDPOINT_URL")
    const options = yield* readCommandLine(script, ["--bucket=code", `--endpoint-url=${endpoint}`, ...args]).pipe(
      Effect.flatMap(readOptions)
    )
    const out = new PassThrough()
    let builds = 0
    const build = Effect.suspend(() => {
      builds++
      return Effect.forEach(options.actions, (name) => {
        const files = { "index.mjs": Buffer.from(name), "function.js": Buffer.from(code) }
        return Effect.map(zipFiles(files), (zip) => ({ name, path: `dist/lambda/${name}.zip`, files, zip }))
      })
    })
    const reporter = yield* makeTerminalReporter(out as unknown as NodeJS.WriteStream)
    const result = yield* Effect.result(
      deploy(options, { ask, build, interval: "5 millis", region: "eu-central-1", reporter })
    )
    return { result, builds, told: String(out.read() ?? "") }
  },
  Effect.scoped,
  Effect.provideService(References.MinimumLogLevel, "Error")
)

const succeeds = (args: ReadonlyArray<string>, code?: string, ask?: Ask) =>
  Effect.map(run(args, code, ask), ({ result, told }) => {
    assert.deepInclude(result, { _tag: "Success", success: true }, told)
    return told
  })

const failure = ({ result }: Effect.Success<ReturnType<typeof run>>) =>
  result._tag === "Failure" ? result.failure.message : ""

const writes = Effect.map(
  S3Server,
  ({ requests }) => requests.filter(({ method }) => method !== "GET" && method !== "HEAD")
)

const otherTemplate = "{\"Resources\":{\"Shop\":{\"Type\":\"AWS::S3::Bucket\"}}}"

const withBucket = S3Server.use(({ makeBucket }) => makeBucket("code"))

describe("npm run deploy", () => {
  it.live("uploads the functions and creates their stack, once", () =>
    Effect.gen(function*() {
      yield* withBucket
      const told = yield* succeeds([])
      assert.match(told, /upload +s3:\/\/code\/effect-codepipeline-functions\/deploy-stack-[0-9a-f]{64}\.zip/)
      assert.match(told, /Stack create started[^]*Stack update complete[^]*DeployStackFunction[^]*Next, in a pipeline/)
      const stack = yield* CloudFormation.use(({ describe }) => describe("codepipeline-actions"))
      assert.deepInclude(stack, { _tag: "Some" })
      assert.lengthOf(yield* writes, 2)

      const again = yield* succeeds([])
      assert.match(again, /unchanged[^]*unchanged[^]*There were no stack updates/)
      assert.lengthOf(yield* writes, 2)

      const changed = yield* succeeds([], "other code")
      assert.match(changed, /upload[^]*upload[^]*Stack update started[^]*Stack update complete/)
      assert.lengthOf(yield* writes, 4)
    }).pipe(Effect.provide(account)))

  it.live("keeps what an earlier run has said, and takes what this one says", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* succeeds(["--parameter=MemorySize=512"])
      assert.include(yield* succeeds([]), "There were no stack updates")
      assert.include(yield* succeeds(["--parameter=MemorySize=1024"]), "Stack update complete")
      assert.include(yield* succeeds(["--actions=check-webpage"]), "Stack update complete")
    }).pipe(Effect.provide(account)))

  it.live("makes the example's pipeline when its sample is there", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* S3Server.use(({ makeBucket }) => makeBucket("codepipeline-actions-example-sourcebucket"))
      const told = yield* succeeds(["--pipeline-example"])
      const [, example = ""] = told.split("\nstack codepipeline-actions-example\n")
      assert.match(
        example,
        /Stack create started[^]*upload +s3:\S+\/template-package\.zip[^]*Stack update started[^]*has begun its first execution/
      )
      const again = yield* succeeds(["--pipeline-example"])
      assert.match(
        again,
        /unchanged +s3:\S+\/template-package\.zip[^]*There were no stack updates[^]*-example is there[^]*get-pipeline-state[^]*To begin an execution/
      )
      assert.notInclude(again, "first execution")
    }).pipe(Effect.provide(account)))

  it.live("makes no pipeline where the example's bucket cannot be made", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* CloudFormationMemory.use(({ failResource }) => failResource("SourceBucket", "Too many buckets"))
      const { result, told } = yield* run(["--pipeline-example"])
      assert.deepInclude(result, { _tag: "Success", success: false })
      assert.match(told, /SourceBucket \(AWS::S3::Bucket\): Too many buckets\n\nRun this again when the cause is gone/)
    }).pipe(Effect.provide(account)))

  it.live("tells the causes of a failure, and makes the stack anew in the next run", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* CloudFormationMemory.use(({ failResource }) => failResource("DeployStackRole", "Not with this boundary"))
      const { result, told } = yield* run([])
      assert.deepInclude(result, { _tag: "Success", success: false })
      assert.match(
        told,
        /Update failed: ROLLBACK_COMPLETE\n +DeployStackRole \(AWS::IAM::Role\): Not with this boundary/
      )
      assert.include(told, "Run this again when the cause is gone")
      assert.notInclude(told, "the action")
      assert.match((yield* run([])).told, /Stack delete started[^]*Stack create started/)
    }).pipe(Effect.provide(account)))

  it.live("says in a dry run what it would do, and does nothing", () =>
    Effect.gen(function*() {
      yield* withBucket
      const told = yield* succeeds([
        "--dry-run",
        "--pipeline-example",
        "--template-bucket=code",
        "--parameter=Stacks=shop-*"
      ])
      assert.match(told, /to upload[^]*to upload[^]*to create +stack codepipeline-actions, [^]*Stacks: shop-\*/)
      assert.include(told, "TemplateBucket: code")
      assert.match(told, /MemorySize: 256[^]*to create +stack codepipeline-actions-example[^]*template-package\.zip/)
      assert.lengthOf(yield* writes, 0)
      assert.deepInclude(yield* CloudFormation.use(({ describe }) => describe("codepipeline-actions")), {
        _tag: "None"
      })
    }).pipe(Effect.provide(account)))
})

describe("what V8 has compiled of the functions in Lambda", () => {
  const sha256 = createHash("sha256").update("the code").digest("hex")
  const answered = { isCompiled: false, code: gzipSync("compiled"), sha256 } as const

  /** Functions that start from compiled code once it was deployed with them. */
  const lambda = () => {
    const asked = new Set<string>()
    const ask: Ask = (name) => {
      const isCompiled = asked.has(name)
      asked.add(name)
      return Effect.succeed(isCompiled ? { isCompiled } : answered)
    }
    return { ask, asked }
  }

  it.live("is deployed with them, once", () =>
    Effect.gen(function*() {
      yield* withBucket
      const { ask, asked } = lambda()
      const told = yield* succeeds([], "the code", ask)
      assert.match(
        told,
        /create started[^]*upload.*-compiled-[^]*upload.*-compiled-[^]*update started[^]*starts from compiled[^]*Next,/
      )
      assert.lengthOf([...asked], 2)
      const uploads = yield* writes
      assert.lengthOf(uploads, 4)

      const { get } = yield* S3Server
      const key = /s3:\/\/code\/(\S+check-webpage-\S+-compiled-\S+\.zip)/.exec(told)?.[1] ?? ""
      const zip = yield* get("code", key)
      const tail = { size: zip.length, tail: zip, fetch: () => Effect.die("all of it is there") }
      for (
        const [file, text] of [["index.mjs", "check-webpage"], ["function.js", "the code"], [
          "function.cache",
          "compiled"
        ]] as const
      ) {
        assert.strictEqual(String(yield* readEntry(tail, file, 1_000)), text)
      }

      const again = yield* succeeds([], "the code", ask)
      assert.match(again, /unchanged.*-compiled-[^]*unchanged.*-compiled-[^]*no stack updates[^]*starts from compiled/)
      assert.lengthOf(yield* writes, 4)
    }).pipe(Effect.provide(account)))

  it.live("is compiled anew where Lambda's V8 does not take it any more", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* succeeds([], "the code", lambda().ask)
      const newer = lambda()
      const ask: Ask = (name) =>
        Effect.map(newer.ask(name), (answer) => answer.isCompiled ? answer : { ...answer, code: gzipSync("newer") })
      const told = yield* succeeds([], "the code", ask)
      assert.match(told, /unchanged.*-compiled-[^]*upload.*-compiled-[^]*Stack update started[^]*starts from compiled/)
      assert.lengthOf(yield* writes, 6)
    }).pipe(Effect.provide(account)))

  it.live.each<readonly [what: string, ask: Ask, why: RegExp, uploads: number]>([
    [
      "other code has answered",
      () => Effect.succeed({ ...answered, sha256: "other" }),
      /somebody else has deployed other code meanwhile/,
      1
    ],
    ["V8 does not take it", () => Effect.succeed(answered), /V8 does not take what it has compiled before/, 2],
    [
      "the functions may not be asked",
      () => Effect.fail(new AwsDenied({ operation: "lambda:InvokeFunction", code: "AccessDenied", detail: "no" })),
      /lambda:InvokeFunction is not permitted/,
      1
    ],
    ["what answers is no such function", askNobody, /nobody is there/, 1]
  ])("is left out, and the functions are deployed, where %s", ([, ask, why, uploads]) =>
    Effect.gen(function*() {
      yield* withBucket
      const told = yield* succeeds(["--actions=check-webpage"], "the code", ask)
      assert.match(told, new RegExp(`left +check-webpage is compiled at each start: ${why.source}[^]*Next, in`))
      assert.lengthOf(yield* writes, uploads)
    }).pipe(Effect.provide(account)))

  it.live("is not there where a function does not start, and then the deployment has failed", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run([], "the code", () => Effect.fail(new FunctionFails({ message: "it does not start" })))
      assert.strictEqual(failure(outcome), "it does not start")
      assert.include(outcome.told, "Stack update complete")
    }).pipe(Effect.provide(account)))
})

describe("nothing is built", () => {
  it.live("for a parameter that the template does not have", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(["--dry-run", "--parameter=MemorySiz=512"])
      assert.strictEqual(
        failure(outcome),
        "--parameter MemorySiz: scripts/templates/functions.yaml has no such parameter; did you mean MemorySize?"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("for values that the template does not take", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(["--dry-run", "--parameter=MemorySize=abc", "--parameter=Architecture=arm"])
      assert.strictEqual(
        failure(outcome),
        "--parameter MemorySize: Parameter 'MemorySize' must be a number\n" +
          "--parameter Architecture: Parameter 'Architecture' must be one of AllowedValues: arm64, x86_64"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("where the stack of that name is another's", () =>
    Effect.gen(function*() {
      yield* withBucket
      const { create } = yield* CloudFormation
      yield* create({ stack: "codepipeline-actions", clientRequestToken: "other", templateBody: otherTemplate })
      const outcome = yield* run([])
      assert.include(failure(outcome), "There is a stack \"codepipeline-actions\" already, for something else")
      assert.include(failure(outcome), "Name another one with --stack")
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("without the bucket", () =>
    Effect.gen(function*() {
      const outcome = yield* run([])
      assert.strictEqual(
        failure(outcome),
        "There is no bucket \"code\". Make it: aws s3 mb s3://code --region eu-central-1"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("without the bucket for templates", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(["--template-bucket=large"])
      assert.include(failure(outcome), "There is no bucket \"large\"")
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("where the bucket may not be used", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* S3Server.use(({ deny }) => deny)
      const outcome = yield* run([])
      assert.include(failure(outcome), "Your credentials may not use bucket \"code\" (AccessDenied: Access Denied)")
      assert.include(
        failure(outcome),
        "They need s3:ListBucket on it, and s3:GetObject and s3:PutObject on its objects"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("where CloudFormation may not be asked", () =>
    Effect.gen(function*() {
      yield* withBucket
      const denied = new AwsDenied({
        operation: "cloudformation:DescribeStacks",
        code: "AccessDenied",
        detail: "User: arn:aws:iam::123456789012:user/me is not authorized to perform: cloudformation:DescribeStacks"
      })
      const outcome = yield* run([]).pipe(
        Effect.updateService(CloudFormation, (service) => ({ ...service, describe: () => Effect.fail(denied) }))
      )
      assert.include(failure(outcome), "Your credentials need cloudformation:DescribeStacks")
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))
})

it.live("a call that is denied on the way is told with the credentials that need it, not with a function's role", () =>
  Effect.gen(function*() {
    yield* withBucket
    const denied = new AwsDenied({
      operation: "cloudformation:CreateStack",
      code: "AccessDenied",
      detail: "User: arn:aws:iam::123456789012:user/me is not authorized to perform: iam:CreateRole"
    })
    const { result, told } = yield* run([]).pipe(
      Effect.updateService(CloudFormation, (service) => ({ ...service, create: () => Effect.fail(denied) }))
    )
    assert.deepInclude(result, { _tag: "Success", success: false })
    assert.include(told, "PermissionError: cloudformation:CreateStack is not permitted")
    assert.include(told, "Your credentials need iam:CreateRole")
    assert.notInclude(told, "Lambda function")
  }).pipe(Effect.provide(account)))

describe(`npm run deploy, against moto${hasMoto ? "" : " (skipped: python3 has no moto here)"}`, () => {
  it.live.skipIf(!hasMoto)(
    "deploys functions and example, again with nothing to do, then changes, then what it builds",
    () =>
      Effect.gen(function*() {
        const endpoint = yield* Config.String("AWS_ENDPOINT_URL")
        yield* Effect.promise(() => fetch(`${endpoint}/code`, { method: "PUT" }))

        const first = yield* succeeds(["--pipeline-example", "--parameter=Stacks=shop-*"])
        assert.match(first, /upload[^]*upload[^]*Stack create started[^]*Stack update complete/)
        assert.match(first, /stack codepipeline-actions-example\n[^]*Stack update complete[^]*upload +s3:\/\//)
        // The sample is there before the pipeline is.
        assert.match(
          first,
          /upload +s3:\S+\/template-package\.zip[^]*Stack update started[^]*deploys stack shop-example/
        )

        const again = yield* succeeds(["--pipeline-example"])
        assert.match(again, /unchanged[^]*unchanged[^]*no stack updates[^]*unchanged +s3:[^]*no stack updates/)

        const changed = yield* succeeds(["--parameter=MemorySize=512"], "other code")
        assert.match(changed, /upload[^]*Stack update started[^]*Stack update complete[^]*"stack":"shop-NAME"/)

        const one = yield* succeeds(["--actions=check-webpage"])
        assert.include(one, "Stack update complete")
        assert.notInclude(one, "DeployStackFunction")

        const { status, stderr, stdout } = yield* deployScript([
          "--bucket=code",
          `--endpoint-url=${endpoint}`,
          "--region=eu-central-1",
          "--actions=check-webpage"
        ])
        assert.strictEqual(stderr, "")
        assert.match(stdout, /built +dist\/lambda\/check-webpage\.zip[^]*upload[^]*Stack update complete/)
        assert.strictEqual(status, 0)
      }).pipe(Effect.provide(moto))
  )
})
